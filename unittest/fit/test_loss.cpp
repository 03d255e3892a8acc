// The loss: numbers worked by hand, gradients against finite differences, missing labels.
#include "loss.h"
#include "error_message.h"
#include "loss_fixture.h"
#include "synthetic_data.h"
#include "torchpot_error.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace torchpot;
using namespace torchpot_test;

namespace {

/// Two configurations for it. One atom with B = 2, no neighbor: E = 7, label 5, dE = 2; force 0,
/// label (1, 0, 0). Two atoms with B = 0 and 1: E = 5, label 9, dE = -4; the block of atom 0 on
/// itself is (1, 0, 0), on atom 1 (-1, 0, 0): forces (3, 0, 0) and (-3, 0, 0), labels 0 and
/// (0, 0, 1).
Dataset two_configurations()
{
  Dataset data;
  data.elements = {"A"};
  data.n_descriptors = 1;
  data.configurations.resize(2);
  Configuration &a = data.configurations[0], &b = data.configurations[1];
  a.has_energy = a.has_forces = b.has_energy = b.has_forces = true;
  a.element = {0};
  a.descriptor = {2.0};
  a.row = a.column = {0};
  a.derivative = {0.0, 0.0, 0.0};
  a.energy = 6.0;
  a.reference_energy = 1.0;
  a.force = {1.0, 0.0, 0.0};
  a.energy_weight = 2.0;
  a.force_weight = 3.0;
  b.element = {0, 0};
  b.descriptor = {0.0, 1.0};
  b.row = {0, 0};
  b.column = {0, 1};
  b.derivative = {1.0, 0.0, 0.0, -1.0, 0.0, 0.0};
  b.energy = 9.0;
  b.force = {0.5, 0.0, 0.0, 0.0, 0.0, 1.0};
  b.reference_force = {0.5, 0.0, 0.0, 0.0, 0.0, 0.0};
  b.energy_weight = 5.0;
  b.force_weight = 7.0;
  return data;
}

double loss_of(const Dataset &data, const LossSettings &settings, ErrorSums *sums = nullptr)
{
  const SampleSet samples(data);
  BatchLoss loss(straight_line(), settings, Precision::float64);
  return loss.evaluate(samples.training.size(), samples.training.data(), nullptr, sums);
}

LossSettings make_settings(LossForm form, double energy = NAN, double force = NAN)
{
  LossSettings settings;
  settings.form = form;
  settings.energy_weight = energy;
  settings.force_weight = force;
  return settings;
}

// dE = 2 of 1 atom and -4 of 2; squared force errors 1 of 1 atom and 9 + 9 + 1 of 2
TEST(Loss, FitsnapFormWithGlobalWeights)
{
  const double expected = 0.1 * (4.0 + 4.0) / 2.0 + 10.0 * (1.0 + 19.0) / 9.0;
  EXPECT_NEAR(loss_of(two_configurations(), make_settings(LossForm::fitsnap, 0.1, 10.0)), expected,
              1e-13 * expected);
}

TEST(Loss, FitsnapFormWithGroupWeights)
{
  const double expected = (2.0 * 4.0 + 5.0 * 4.0) / 2.0 + (3.0 * 1.0 + 7.0 * 19.0) / 9.0;
  EXPECT_NEAR(loss_of(two_configurations(), make_settings(LossForm::fitsnap)), expected,
              1e-13 * expected);
}

TEST(Loss, DocumentedForm)
{
  const double expected =
      0.5 * ((2.0 * 4.0 + 3.0 / 3.0 * 1.0) / 1.0 + (5.0 * 16.0 + 7.0 / 3.0 * 19.0) / 2.0);
  EXPECT_NEAR(loss_of(two_configurations(), make_settings(LossForm::documented)), expected,
              1e-13 * expected);
  const double all = 0.5 * ((0.1 * 4.0 + 10.0 / 3.0) / 1.0 + (0.1 * 16.0 + 190.0 / 3.0) / 2.0);
  EXPECT_NEAR(loss_of(two_configurations(), make_settings(LossForm::documented, 0.1, 10.0)), all,
              1e-13 * all);
}

TEST(Loss, MissingLabelsDoNotCountInTheMeans)
{
  Dataset data = two_configurations();
  data.configurations[0].has_energy = false;
  data.configurations[1].has_forces = false;
  const double expected = 5.0 * 4.0 + 3.0 * 1.0 / 3.0;
  EXPECT_NEAR(loss_of(data, make_settings(LossForm::fitsnap)), expected, 1e-13 * expected);
}

TEST(Loss, SumsOfErrors)
{
  ErrorSums sums;
  loss_of(two_configurations(), make_settings(LossForm::fitsnap), &sums);
  EXPECT_EQ(sums.n_energies, 2u);
  EXPECT_EQ(sums.n_forces, 9u);
  EXPECT_NEAR(sums.energy_mae(), 2.0, 1e-14);
  EXPECT_NEAR(sums.force_mae(), 8.0 / 9.0, 1e-14);
  EXPECT_TRUE(std::isnan(ErrorSums().energy_mae()));
}

void check_gradient(ElementMode mode, LossForm form, Activation activation)
{
  // two chunks and more: 30 configurations have more than 64 atoms
  const Dataset data = random_dataset(30, 2, 4);
  const SampleSet samples(data);
  const NetworkParameters network = random_network(samples, mode, activation);
  BatchLoss loss(network, make_settings(form), Precision::float64);
  expect_gradient_of_differences(loss, samples, network.parameters, 1e-4);
}

TEST(LossGradient, Shared)
{
  check_gradient(ElementMode::shared, LossForm::fitsnap, Activation::softplus);
}
TEST(LossGradient, PerElement)
{
  check_gradient(ElementMode::per_element, LossForm::fitsnap, Activation::tanh);
}
TEST(LossGradient, OneHot)
{
  check_gradient(ElementMode::one_hot, LossForm::fitsnap, Activation::silu);
}
TEST(LossGradient, Documented)
{
  check_gradient(ElementMode::per_element, LossForm::documented, Activation::gelu);
}

TEST(Loss, BatchEqualsItsConfigurations)
{
  const Dataset data = random_dataset(20, 2, 4);
  const SampleSet samples(data);
  const NetworkParameters network =
      random_network(samples, ElementMode::shared, Activation::softplus);
  const LossSettings settings = make_settings(LossForm::documented);
  BatchLoss loss(network, settings, Precision::float64);
  const std::size_t n = samples.training.size();
  double sum = 0.0;
  for (const Sample *sample : samples.training) sum += loss.evaluate(1, &sample, nullptr);
  EXPECT_NEAR(loss.evaluate(n, samples.training.data(), nullptr), sum / n, 1e-12 * sum / n);
}

TEST(Loss, SinglePrecisionAgrees)
{
  const Dataset data = random_dataset(20, 2, 4);
  const SampleSet samples(data);
  const NetworkParameters network =
      random_network(samples, ElementMode::shared, Activation::softplus);
  double value[2];
  for (int q = 0; q < 2; q++) {
    BatchLoss loss(network, make_settings(LossForm::fitsnap),
                   q ? Precision::float32 : Precision::float64);
    value[q] = loss.evaluate(samples.training.size(), samples.training.data(), nullptr);
  }
  EXPECT_NEAR(value[1], value[0], 1e-5 * value[0]);
}

TEST(Samples, RefuseWhatCannotBeTrainedOn)
{
  Dataset data = two_configurations();
  data.configurations[1].file = "b.json";
  Dataset bad = data;
  bad.configurations[1].derivative.edit().clear();
  EXPECT_NE(message([&] { SampleSet s(bad); }).find("b.json: forces cannot be learned without"),
            std::string::npos);
  EXPECT_EQ(message([&] { SampleSet s(bad, true, false); }), "no error");
  bad = data;
  bad.configurations[1].descriptor.edit().pop_back();
  EXPECT_NE(
      message([&] { SampleSet s(bad); }).find("b.json: wrong number of descriptors; found: 1"),
      std::string::npos);
  bad = data;
  bad.configurations[1].descriptor.edit()[1] = NAN;
  EXPECT_NE(message([&] { SampleSet s(bad); }).find("b.json: a descriptor is not a finite number"),
            std::string::npos);
  bad = data;
  bad.configurations[1].force[4] = NAN;
  EXPECT_NE(
      message([&] { SampleSet s(bad); }).find("a force is not a finite number; found: atom 2"),
      std::string::npos);
  bad = data;
  bad.configurations[1].energy = INFINITY;
  EXPECT_NE(message([&] { SampleSet s(bad); }).find("the energy is not a finite number"),
            std::string::npos);
  bad = data;
  bad.configurations[1].energy = NAN;
  EXPECT_NE(message([&] { SampleSet s(bad); }).find("the energy is not a finite number"),
            std::string::npos);
  bad = data;
  bad.configurations[0] = Configuration();
  EXPECT_NE(message([&] { SampleSet s(bad); }).find("a configuration has no atoms"),
            std::string::npos);
}

TEST(Samples, ScalingIsCorrectAndSafeForConstants)
{
  Dataset data = random_dataset(12, 2, 3);
  for (Configuration &c : data.configurations)
    for (std::size_t k = 1; k < c.descriptor.size(); k += 3) c.descriptor.edit()[k] = 0.1 + 1e-17;
  const SampleSet samples(data);
  std::vector<double> shift, scale;
  for (const int n_sets : {1, 2}) {
    descriptor_scaling(samples.training, 3, n_sets, shift, scale);
    ASSERT_EQ(scale.size(), 3u * n_sets);
    for (int set = 0; set < n_sets; set++) {
      EXPECT_EQ(scale[3 * set + 1], 1.0);
      double n = 0.0, sum = 0.0, squares = 0.0;
      for (const Sample *sample : samples.training)
        for (int i = 0; i < sample->n_atoms; i++) {
          if (n_sets == 2 && sample->element[i] != set) continue;
          const double x = (sample->descriptor[3 * i + 2] - shift[3 * set + 2]) /
              scale[3 * set + 2];
          n += 1.0;
          sum += x;
          squares += x * x;
        }
      EXPECT_NEAR(sum / n, 0.0, 1e-13);
      EXPECT_NEAR(squares / n, 1.0, 1e-13);
    }
  }
}

TEST(Samples, CompositionEnergies)
{
  Dataset data = random_dataset(12, 2, 3);
  for (Configuration &c : data.configurations) {
    c.energy = c.reference_energy;
    for (int e : c.element) c.energy += e ? -2.5 : -7.0;
  }
  const SampleSet samples(data);
  std::vector<double> shift = composition_energies(samples.training, 2);
  EXPECT_NEAR(shift[0], -7.0, 1e-6);
  EXPECT_NEAR(shift[1], -2.5, 1e-6);
  // one composition only: both elements get the mean
  Dataset same;
  same.elements = data.elements;
  same.n_descriptors = 3;
  for (const Configuration &c : data.configurations) {
    if (c.n_atoms() % 2 != 0) continue;
    same.configurations.push_back(c);
    Configuration &pairs = same.configurations.back();
    pairs.energy = c.reference_energy - 4.0 * c.n_atoms();
    for (std::size_t i = 0; i < pairs.element.size(); i++) pairs.element[i] = i % 2;
  }
  shift = composition_energies(SampleSet(same).training, 2);
  EXPECT_NEAR(shift[0], -4.0, 1e-6);
  EXPECT_NEAR(shift[1], -4.0, 1e-6);
}

}    // namespace
