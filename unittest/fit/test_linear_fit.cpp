// Least squares, linear and quadratic fits, and the linear fit inside a network.
#include "linear_fit.h"
#include "initialize.h"
#include "linear_algebra.h"
#include "stress_fixture.h"
#include "torchpot_error.h"
#include "trainer.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace torchpot;
using namespace torchpot_test;

namespace {

TEST(LeastSquares, LineThroughPoints)
{
  // weighted mean and slope worked by hand: y = 1, 3, 2 at x = 0, 1, 2 with weights 1, 1, 2
  LeastSquares fit(2);
  const double rows[] = {1.0, 0.0, 1.0, 1.0}, y[] = {1.0, 3.0};
  const double last[] = {1.0, 2.0}, y_last = 2.0;
  fit.add(2, rows, y, 1.0);
  fit.add(1, last, &y_last, 2.0);
  const std::vector<double> x = fit.solve(0.0);
  // normal equations: 4 a + 5 b = 8, 5 a + 9 b = 11
  EXPECT_NEAR(x[0], 17.0 / 11.0, 1e-14);
  EXPECT_NEAR(x[1], 4.0 / 11.0, 1e-14);
}

TEST(LeastSquares, ManyRowsAtOnceEqualOneByOne)
{
  Random random(1, 1);
  std::vector<double> rows(7 * 5), y(7);
  for (double &v : rows) v = centered(random, 1.0);
  for (double &v : y) v = centered(random, 1.0);
  LeastSquares together(5), apart(5);
  together.add(7, rows.data(), y.data(), 0.3);
  for (int r = 0; r < 7; r++) apart.add(1, &rows[5 * r], &y[r], 0.3);
  const std::vector<double> a = together.solve(1e-12), b = apart.solve(1e-12);
  for (int k = 0; k < 5; k++) EXPECT_NEAR(a[k], b[k], 1e-11);
  // residuals are orthogonal to the columns
  for (int k = 0; k < 5; k++) {
    double sum = 0.0;
    for (int r = 0; r < 7; r++) {
      double residual = -y[r];
      for (int l = 0; l < 5; l++) residual += rows[5 * r + l] * a[l];
      sum += rows[5 * r + k] * residual;
    }
    EXPECT_NEAR(sum, 0.0, 1e-10);
  }
}

TEST(LeastSquares, ZeroAndDependentColumns)
{
  LeastSquares fit(3);
  Random random(2, 1);
  for (int r = 0; r < 10; r++) {
    const double v = centered(random, 1.0), row[3] = {v, 2.0 * v, 0.0}, y = 5.0 * v;
    fit.add(1, row, &y, 1.0);
  }
  const std::vector<double> x = fit.solve(0.0);
  EXPECT_EQ(x[2], 0.0);
  EXPECT_NEAR(x[0] + 2.0 * x[1], 5.0, 1e-6);
  // of equal size after scaling of the columns: the least that explains the data
  EXPECT_NEAR(x[0], 2.5, 1e-2);
}

TEST(LeastSquares, RefusesNumbersThatAreNotFinite)
{
  LeastSquares fit(1);
  const double row = NAN, y = 1.0;
  fit.add(1, &row, &y, 1.0);
  try {
    fit.solve(0.0);
    FAIL();
  } catch (const Error &error) {
    EXPECT_NE(std::string(error.what()).find("a number that is not finite; found: column 1"),
              std::string::npos);
  }
}

LossSettings group_weights()
{
  return LossSettings();
}

/// Labels of `data` replaced by what the model gives, on top of the reference.
void label(Dataset &data, const NetworkParameters &model)
{
  const SampleSet samples(data);
  const Predictions p = predict(model, samples);
  std::size_t at = 0;
  for (std::size_t m = 0; m < data.configurations.size(); m++) {
    Configuration &c = data.configurations[m];
    c.energy = p.energy[m] + c.reference_energy;
    for (std::size_t k = 0; k < c.force.size(); k++)
      c.force[k] = p.force[at++] + c.reference_force[k];
  }
}

void check_recovery(NetworkKind kind, ElementMode mode)
{
  Dataset data = random_dataset(60, 2, 4);
  NetworkParameters truth;
  {
    const SampleSet samples(data);
    truth = linear_start(kind, mode, 2, 4, samples.training);
  }
  Random random(4, 4);
  for (double &p : truth.parameters) p = centered(random, 1.0);
  truth.energy_shift = {-3.0, -1.0};
  label(data, truth);
  const SampleSet samples(data);
  const NetworkParameters fit = linear_fit(linear_start(kind, mode, 2, 4, samples.training),
                                           samples.training, group_weights());
  ASSERT_EQ(fit.parameters.size(), truth.parameters.size());
  for (std::size_t k = 0; k < fit.parameters.size(); k++)
    EXPECT_NEAR(fit.parameters[k], truth.parameters[k], 1e-6) << k;
  EXPECT_NEAR(fit.energy_shift[0], -3.0, 1e-6);
  EXPECT_NEAR(fit.energy_shift[1], -1.0, 1e-6);
}

TEST(LinearFit, RecoversLinear) { check_recovery(NetworkKind::linear, ElementMode::shared); }
TEST(LinearFit, RecoversPerElement)
{
  check_recovery(NetworkKind::linear, ElementMode::per_element);
}
TEST(LinearFit, RecoversQuadratic) { check_recovery(NetworkKind::quadratic, ElementMode::shared); }
TEST(LinearFit, RecoversQuadraticPerElement)
{
  check_recovery(NetworkKind::quadratic, ElementMode::per_element);
}

// energies and forces are noise: the stresses alone must give the coefficients
void check_recovery_from_stress(NetworkKind kind, ElementMode mode)
{
  Dataset data = random_dataset(60, 2, 4);
  add_random_stress(data);
  for (Configuration &c : data.configurations) c.has_energy = c.has_forces = false;
  LossSettings loss;
  loss.stress_weight = 1.0;
  NetworkParameters truth;
  {
    const SampleSet samples(data, true, true, true);
    truth = linear_start(kind, mode, 2, 4, samples.training);
    Random random(4, 4);
    for (double &p : truth.parameters) p = centered(random, 1.0);
    const Predictions p = predict(truth, samples);
    for (std::size_t m = 0; m < data.configurations.size(); m++)
      for (int v = 0; v < 6; v++) {
        Configuration &c = data.configurations[m];
        c.stress[v] = p.stress[6 * m + v] + c.reference_stress[v];
      }
  }
  const SampleSet samples(data, true, true, true);
  const NetworkParameters fit = linear_fit(linear_start(kind, mode, 2, 4, samples.training),
                                           samples.training, loss);
  for (std::size_t k = 0; k < fit.parameters.size(); k++)
    EXPECT_NEAR(fit.parameters[k], truth.parameters[k], 1e-6) << k;
}

TEST(LinearFit, RecoversFromStressAlone)
{
  check_recovery_from_stress(NetworkKind::linear, ElementMode::shared);
  check_recovery_from_stress(NetworkKind::linear, ElementMode::per_element);
  check_recovery_from_stress(NetworkKind::quadratic, ElementMode::per_element);
}

double loss_of(const NetworkParameters &linear, const SampleSet &samples, const LossSettings &loss)
{
  std::vector<LossFactors> factors(samples.training.size());
  loss_factors(loss, factors.size(), samples.training.data(), factors.data());
  const Predictions p = predict(linear, samples);
  double value = 0.0;
  std::size_t at = 0;
  for (std::size_t m = 0; m < samples.all.size(); m++) {
    const Sample &s = samples.all[m];
    for (std::size_t q = 0; q < samples.training.size(); q++)
      if (samples.training[q] == &s) {
        value += factors[q].energy * std::pow(p.energy[m] - s.energy, 2);
        for (int k = 0; k < 3 * s.n_atoms; k++)
          value += factors[q].force * std::pow(p.force[at + k] - s.force[k], 2);
        for (int v = 0; v < 6 && s.has_virial(); v++)
          value += factors[q].virial *
              std::pow(p.stress[6 * m + v] / s.shown_stress - s.virial[v], 2);
      }
    at += 3 * s.n_atoms;
  }
  return value;
}

TEST(LinearFit, IsTheMinimumOfBothLosses)
{
  Dataset data = random_dataset(40, 2, 3);
  add_random_stress(data);
  const SampleSet samples(data, true, true, true);
  for (const LossForm form : {LossForm::fitsnap, LossForm::documented}) {
    LossSettings loss;
    loss.form = form;
    loss.stress_weight = 0.7;
    NetworkParameters model = linear_fit(
        linear_start(NetworkKind::quadratic, ElementMode::shared, 2, 3, samples.training),
        samples.training, loss, 1e-13);
    const double best = loss_of(model, samples, loss);
    for (int k = 0; k < (int) model.parameters.size() + 2; k++) {
      double &x = k < 2 ? model.energy_shift[k] : model.parameters[k - 2];
      for (const double step : {-1e-3, 1e-3}) {
        x += step;
        EXPECT_GT(loss_of(model, samples, loss), best);
        x -= step;
      }
    }
  }
}

TEST(LinearFit, OneHotIsSharedSinceShiftsTellTheElements)
{
  const Dataset data = random_dataset(12, 2, 3);
  const SampleSet samples(data);
  EXPECT_EQ(linear_start(NetworkKind::linear, ElementMode::one_hot, 2, 3, samples.training)
                .element_mode,
            ElementMode::shared);
}

TEST(LinearFit, RefusesNetworksAndTooManyCoefficients)
{
  const Dataset data = random_dataset(12, 1, 3);
  const SampleSet samples(data);
  NetworkParameters model =
      linear_start(NetworkKind::linear, ElementMode::shared, 1, 3, samples.training);
  EXPECT_THROW(linear_fit(model, {}, group_weights()), Error);
  model.kind = NetworkKind::mlp;
  EXPECT_THROW(linear_fit(model, samples.training, group_weights()), Error);
  model.kind = NetworkKind::quadratic;
  model.n_descriptors = 300;
  try {
    linear_fit(model, samples.training, group_weights());
    FAIL();
  } catch (const Error &error) {
    EXPECT_NE(std::string(error.what()).find("too many coefficients for the linear fit"),
              std::string::npos);
    EXPECT_NE(std::string(error.what()).find("found: 45451; wanted: at most 20000"),
              std::string::npos);
  }
}

// with the other neurons silent the network is the linear model
void check_embedding(ElementMode mode, Activation activation, std::vector<int> layers,
                     double tolerance, double assumed_spread = 1.0)
{
  const Dataset data = random_dataset(30, 2, 4);
  const SampleSet samples(data);
  NetworkParameters linear =
      linear_fit(linear_start(NetworkKind::linear, mode, 2, 4, samples.training), samples.training,
                 group_weights());
  NetworkParameters network = linear;
  network.kind = NetworkKind::mlp;
  network.element_mode = mode;
  network.layer_sizes = layers;
  network.activations.assign(layers.size(), activation);
  network.activations.back() = Activation::linear;
  network.output_scale = 2.3;
  random_weights(network, 1);
  const std::vector<double> spread(linear.n_sets(), assumed_spread);
  ASSERT_TRUE(embed_linear(network, linear, spread, 0.0));
  const Predictions a = predict(linear, samples), b = predict(network, samples);
  double largest = 0.0, worst = 0.0;
  for (std::size_t k = 0; k < a.force.size(); k++) {
    largest = std::max(largest, std::fabs(a.force[k]));
    worst = std::max(worst, std::fabs(a.force[k] - b.force[k]));
  }
  EXPECT_LT(worst, tolerance * largest) << to_string(activation);
  for (std::size_t m = 0; m < a.energy.size(); m++)
    EXPECT_NEAR(b.energy[m], a.energy[m], tolerance * (std::fabs(a.energy[m]) + 1.0));
}

TEST(Embedding, IsExactForMostActivations)
{
  for (const Activation activation : {Activation::softplus, Activation::relu, Activation::silu,
                                      Activation::gelu, Activation::linear})
    for (const ElementMode mode :
         {ElementMode::shared, ElementMode::per_element, ElementMode::one_hot})
      check_embedding(mode, activation, {6, 5, 1}, 1e-11);
  check_embedding(ElementMode::shared, Activation::softplus, {1}, 1e-11);
  check_embedding(ElementMode::shared, Activation::softplus, {2, 2, 2, 1}, 1e-11);
}

// the larger the assumed spread of the energies, the closer to zero the arguments are kept
TEST(Embedding, TanhAndSigmoidComeAsCloseAsWanted)
{
  for (const Activation activation : {Activation::tanh, Activation::sigmoid}) {
    check_embedding(ElementMode::shared, activation, {6, 5, 1}, 1e-3, 1e3);
    check_embedding(ElementMode::per_element, activation, {6, 5, 4, 1}, 1e-5, 1e4);
  }
}

TEST(Embedding, NeedsTwoNeurons)
{
  const Dataset data = random_dataset(9, 1, 3);
  const SampleSet samples(data);
  NetworkShape shape;
  shape.layer_sizes = {4, 1, 1};
  shape.activations = {Activation::tanh, Activation::tanh, Activation::linear};
  const NetworkParameters network =
      initial_network(shape, 1, 3, samples.training, group_weights(), 1);
  NetworkParameters copy = network;
  EXPECT_FALSE(embed_linear(copy, linear_start(NetworkKind::linear, ElementMode::shared, 1, 3,
                                               samples.training),
                            {1.0}, 0.1));
  EXPECT_EQ(copy.parameters, network.parameters);
}

}    // namespace
