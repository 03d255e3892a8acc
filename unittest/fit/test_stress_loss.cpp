// Stresses in the loss: numbers worked by hand, gradients, products, labels of one kind only.
#include "error_message.h"
#include "loss_fixture.h"
#include "stress_fixture.h"
#include "stress_units.h"
#include "torchpot_error.h"
#include "trainer.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace torchpot;
using namespace torchpot_test;

namespace {

Configuration cube(double edge, std::vector<double> strain)
{
  Configuration c;
  for (int v = 0; v < 3; v++) c.cell.vectors[v][v] = edge;
  c.cell.vectors[2][2] = -edge;    // left-handed
  c.element.assign(strain.size() / 6, 0);
  c.descriptor.edit().assign(strain.size() / 6, 1.0);
  c.strain_derivative = std::move(strain);
  c.has_stress = true;
  return c;
}

/// One atom in a volume of 8: virial -3 (1, 0, 0, 0, 0, 2), label 8 (0.25 - 0.125, 0, ...), error
/// (-4, 0, 0, 0, 0, -6) of the square 52. Two atoms in a volume of 1: virial -3 (1, 2, 0, ...),
/// label 0, square 45.
Dataset two_configurations()
{
  Dataset data;
  data.units = "lj";
  data.elements = {"A"};
  data.n_descriptors = 1;
  data.configurations = {cube(2.0, {1, 0, 0, 0, 0, 2}),
                         cube(1.0, {1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0})};
  data.configurations[0].stress[0] = 0.25;
  data.configurations[0].reference_stress[0] = 0.125;
  data.configurations[0].stress_weight = 2.0;
  data.configurations[1].stress_weight = 4.0;
  return data;
}

LossSettings make_settings(LossForm form, double stress_weight)
{
  LossSettings settings;
  settings.form = form;
  settings.stress_weight = stress_weight;
  return settings;
}

double loss_of(const Dataset &data, const LossSettings &settings, ErrorSums *sums = nullptr)
{
  const SampleSet samples(data, true, true, true);
  BatchLoss loss(straight_line(), settings, Precision::float64);
  return loss.evaluate(samples.training.size(), samples.training.data(), nullptr, sums);
}

TEST(StressLoss, FitsnapForm)
{
  const double all = 0.5 * (52.0 + 45.0 / 4.0) / 12.0;
  EXPECT_NEAR(loss_of(two_configurations(), make_settings(LossForm::fitsnap, 0.5)), all,
              1e-13 * all);
  const double groups = (2.0 * 52.0 + 4.0 * 45.0 / 4.0) / 12.0;
  EXPECT_NEAR(loss_of(two_configurations(), make_settings(LossForm::fitsnap, NAN)), groups,
              1e-13 * groups);
}

TEST(StressLoss, DocumentedForm)
{
  const double all = 0.5 * (0.5 / 6.0 * 52.0 + 0.5 / 6.0 * 45.0 / 2.0);
  EXPECT_NEAR(loss_of(two_configurations(), make_settings(LossForm::documented, 0.5)), all,
              1e-13 * all);
  const double groups = 0.5 * (2.0 / 6.0 * 52.0 + 4.0 / 6.0 * 45.0 / 2.0);
  EXPECT_NEAR(loss_of(two_configurations(), make_settings(LossForm::documented, NAN)), groups,
              1e-13 * groups);
}

TEST(StressLoss, IsAddedToThatOfTheEnergies)
{
  Dataset data = two_configurations();
  data.configurations[1].has_energy = true;
  data.configurations[1].energy = 10.0;    // the model: 8
  data.configurations[1].energy_weight = 3.0;
  for (const LossForm form : {LossForm::fitsnap, LossForm::documented}) {
    const double energy = form == LossForm::fitsnap ? 3.0 : 3.0 * 4.0 / 2.0 / 2.0;
    const double stress = loss_of(two_configurations(), make_settings(form, 0.5));
    EXPECT_NEAR(loss_of(data, make_settings(form, 0.5)), energy + stress, 1e-13 * stress);
  }
}

TEST(StressLoss, ConfigurationsWithoutStressOrVolumeDoNotCount)
{
  Dataset data = two_configurations();
  data.configurations.push_back(data.configurations[0]);
  data.configurations.push_back(data.configurations[0]);
  data.configurations[2].has_stress = false;
  data.configurations[3].cell.periodic[1] = false;
  for (Configuration &c : data.configurations) c.has_energy = true, c.energy = 4.0 * c.n_atoms();
  const double expected = 0.5 * (52.0 + 45.0 / 4.0) / 12.0;
  EXPECT_NEAR(loss_of(data, make_settings(LossForm::fitsnap, 0.5)), expected, 1e-13 * expected);
  EXPECT_EQ(loss_of(data, make_settings(LossForm::fitsnap, 0.0)), 0.0);
}

TEST(StressLoss, UnitsAndSumsOfErrors)
{
  Dataset data = two_configurations();
  ErrorSums sums;
  loss_of(data, make_settings(LossForm::fitsnap, 0.5), &sums);
  EXPECT_EQ(sums.n_stresses, 12u);
  EXPECT_NEAR(sums.stress_mae(), (10.0 / 8.0 + 9.0) / 12.0, 1e-14);
  EXPECT_TRUE(std::isnan(ErrorSums().stress_mae()));
  EXPECT_TRUE(std::isnan(sums.energy_mae()));
  data.units = "metal";    // labels in bar, shown in GPa
  data.configurations.pop_back();
  data.configurations[0].stress[0] = 1e6;
  data.configurations[0].reference_stress[0] = 0.0;
  ErrorSums metal;
  const double bar = 1.6021765e6, d = -3.0 - 8.0 * 1e6 / bar, loss = (d * d + 36.0) / 6.0;
  EXPECT_NEAR(loss_of(data, make_settings(LossForm::fitsnap, 1.0), &metal), loss, 1e-13 * loss);
  EXPECT_NEAR(metal.stress_mae(), (std::fabs(d) + 6.0) / 6.0 / 8.0 * bar * 1e-4, 1e-11);
  EXPECT_EQ(pressure_factor("real"), 68568.415);
  EXPECT_EQ(pressure_factor("electron"), 2.94210108e13);
  EXPECT_EQ(shown_pressure("real").unit, "GPa");
  EXPECT_EQ(shown_pressure("si").factor, 1.0);
}

/// Every kind of configuration: all labels, and energy, forces or stress alone.
Dataset mixed_dataset()
{
  Dataset data = random_dataset(24, 2, 4);
  add_random_stress(data);
  mix_labels(data, 4);
  return data;
}

void check_gradient(const Dataset &data, ElementMode mode, LossForm form, Activation activation)
{
  const SampleSet samples(data, true, true, true);
  const NetworkParameters network = random_network(samples, mode, activation, {5, 4, 1});
  BatchLoss loss(network, make_settings(form, NAN), Precision::float64);
  SCOPED_TRACE(to_string(activation));
  // the derivative of relu jumps: a smaller step crosses fewer of its kinks
  const double h = activation == Activation::relu ? 1e-6 : 1e-4;
  expect_gradient_of_differences(loss, samples, network.parameters, h);
}

TEST(StressGradient, EveryActivationAndElementMode)
{
  const Dataset data = mixed_dataset();
  for (const Activation activation :
       {Activation::linear, Activation::tanh, Activation::sigmoid, Activation::relu,
        Activation::softplus, Activation::silu, Activation::gelu})
    for (const ElementMode mode :
         {ElementMode::shared, ElementMode::per_element, ElementMode::one_hot})
      check_gradient(data, mode, LossForm::fitsnap, activation);
}

TEST(StressGradient, DocumentedFormAndStressAlone)
{
  Dataset data = mixed_dataset();
  check_gradient(data, ElementMode::per_element, LossForm::documented, Activation::tanh);
  for (Configuration &c : data.configurations) {
    c.has_stress = true;
    c.has_energy = c.has_forces = false;
  }
  for (const LossForm form : {LossForm::fitsnap, LossForm::documented})
    check_gradient(data, ElementMode::one_hot, form, Activation::silu);
}

// a network without hidden layer has a quadratic loss, whose second derivative is 2 J^T W J
TEST(StressProduct, IsTheChangeOfTheGradientOfAQuadraticLoss)
{
  const Dataset data = mixed_dataset();
  const SampleSet samples(data, true, true, true);
  NetworkParameters network =
      random_network(samples, ElementMode::per_element, Activation::linear);
  network.layer_sizes = {1};
  network.activations = {Activation::linear};
  random_weights(network, 5);
  const LossSettings settings = make_settings(LossForm::fitsnap, NAN);
  BatchLoss loss(network, settings, Precision::float64), moved = {network, settings,
                                                                  Precision::float64};
  const std::size_t n = samples.training.size(), size = loss.n_parameters();
  const Sample *const *batch = samples.training.data();
  std::vector<LossFactors> factors(n);
  loss_factors(settings, n, batch, factors.data());
  std::vector<double> predicted(BatchLoss::prediction_size(n, batch)), here(size), there(size),
      result(size), p = network.parameters;
  loss.evaluate(n, batch, factors.data(), here.data(), nullptr, predicted.data());
  Random random(3, 3);
  for (double &x : p) x += centered(random, 1.0);
  moved.set_parameters(p.data());
  moved.evaluate(n, batch, factors.data(), there.data());
  loss.product(n, batch, factors.data(), predicted.data(), p.data(), 1.0, result.data());
  double largest = 0.0;
  for (double x : result) largest = std::max(largest, std::fabs(x));
  for (std::size_t k = 0; k < size; k++)
    EXPECT_NEAR(result[k], 0.5 * (there[k] - here[k]), 1e-11 * largest) << k;
}

TEST(StressSamples, EveryLabelMakesATrainingConfiguration)
{
  const Dataset data = mixed_dataset();
  EXPECT_EQ(SampleSet(data, true, true, true).training.size(), 16u);
  EXPECT_EQ(SampleSet(data, true, true, false).training.size(), 12u);
  EXPECT_EQ(SampleSet(data, false, false, true).training.size(), 8u);
  EXPECT_EQ(SampleSet(data, true, true, false).training[0]->virial, nullptr);
}

TEST(StressSamples, RefuseWhatCannotBeTrainedOn)
{
  Dataset data = two_configurations();
  data.configurations[1].file = "b.json";
  Dataset bad = data;
  bad.configurations[1].stress[2] = NAN;
  EXPECT_NE(message([&] { SampleSet s(bad, true, true, true); })
                .find("b.json: the stress is not a finite number; found: component 3"),
            std::string::npos);
  EXPECT_EQ(message([&] { SampleSet s(bad); }), "no error");
  bad = data;
  bad.configurations[1].strain_derivative.edit().pop_back();
  EXPECT_NE(message([&] { SampleSet s(bad); })
                .find("b.json: wrong number of strain derivatives; found: 11; wanted: 12"),
            std::string::npos);
}

TEST(StressSamples, NetworksStartWithoutOtherLabels)
{
  Dataset data = mixed_dataset();
  for (Configuration &c : data.configurations) {
    c.has_stress = true;
    c.has_energy = c.has_forces = false;
  }
  const SampleSet samples(data, true, true, true);
  NetworkShape shape;
  shape.layer_sizes = {4, 1};
  shape.activations = {Activation::tanh, Activation::linear};
  const NetworkParameters network = initial_network(
      shape, 2, 4, samples.training, make_settings(LossForm::fitsnap, 1.0), 1);
  EXPECT_TRUE(std::isfinite(network.output_scale));
  EXPECT_NE(network.output_scale, 1.0);
  for (double p : network.parameters) EXPECT_TRUE(std::isfinite(p));
}

TEST(StressTraining, LowersTheErrorsWithEveryOptimizer)
{
  Dataset data = snap_dataset(24);
  add_random_stress(data);
  for (Configuration &c : data.configurations)    // something that can be learned
    for (int v = 0; v < 6; v++)
      c.stress[v] = c.reference_stress[v] + 1e-4 * c.strain_derivative[v * data.n_descriptors];
  const SampleSet samples(data, true, true, true), plain(data);
  NetworkShape shape;
  shape.layer_sizes = {8, 1};
  shape.activations = {Activation::silu, Activation::linear};
  for (const OptimizerKind kind :
       {OptimizerKind::adam, OptimizerKind::lbfgs, OptimizerKind::levenberg}) {
    TrainingOptions options;
    options.optimizer = kind;
    options.num_epochs = 20;
    options.learning_rate = 1e-3;
    options.loss.stress_weight = 1.0;
    Trainer trainer(options, shape, samples), other(options, shape, plain);
    const std::unique_ptr<Progress> progress = make_silent_progress();
    for (Trainer *t : {&trainer, &other}) t->run(*progress, [] { return false; });
    const std::vector<EpochRecord> &history = trainer.history();
    EXPECT_LT(history.back().training_loss, history.front().training_loss) << (int) kind;
    EXPECT_TRUE(std::isfinite(history.back().stress_mae));
    EXPECT_TRUE(std::isnan(other.history().back().stress_mae));
  }
}

}    // namespace
