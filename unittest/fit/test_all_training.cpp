// The loss of all training configurations: products and diagonals from parts of the data.
#include "all_training.h"
#include "loss_fixture.h"
#include "synthetic_data.h"

#include <gtest/gtest.h>

using namespace torchpot;
using namespace torchpot_test;

namespace {

/// Without hidden layer the predictions are linear in the parameters, so that products with the
/// Gauss-Newton matrix are half the differences of gradients.
struct Problem {
  explicit Problem(int n_configurations) :
      data(random_dataset(n_configurations, 2, 4)), samples(data),
      network(random_network(samples, ElementMode::shared, Activation::linear, {1})),
      loss(network, LossSettings(), Precision::float64),
      all(loss, LossSettings(), samples.training), n(loss.n_parameters())
  {
  }
  std::vector<double> product(std::size_t step, const std::vector<double> &v)
  {
    std::vector<double> gradient(n), result(n);
    all.start_step(step);
    all.evaluate(network.parameters.data(), gradient.data());
    all.product(v.data(), result.data());
    return result;
  }

  Dataset data;
  SampleSet samples;
  NetworkParameters network;
  BatchLoss loss;
  AllTraining all;
  std::size_t n;
};

std::vector<double> random_vector(std::size_t n)
{
  Random random(5, 5);
  std::vector<double> v(n);
  for (double &x : v) x = centered(random, 1.0);
  return v;
}

}    // namespace

TEST(AllTraining, ProductsOfThePartsAddUp)
{
  Problem problem(120);
  const std::size_t n_parts = problem.all.number_of_parts(), n = problem.n;
  ASSERT_GT(n_parts, 1u);
  const std::vector<double> v = random_vector(n);
  std::vector<double> moved = problem.network.parameters, before(n), after(n), sum(n, 0.0);
  for (std::size_t k = 0; k < n; k++) moved[k] += v[k];
  problem.all.evaluate(problem.network.parameters.data(), before.data());
  problem.all.evaluate(moved.data(), after.data());
  for (std::size_t step = 0; step < n_parts; step++) {
    const std::vector<double> part = problem.product(7 * n_parts + step, v);
    EXPECT_EQ(part, problem.product(step, v));    // the step alone decides
    for (std::size_t k = 0; k < n; k++) sum[k] += part[k] / (double) n_parts;
  }
  double largest = 0.0;
  for (std::size_t k = 0; k < n; k++) largest = std::max(largest, std::fabs(sum[k]));
  for (std::size_t k = 0; k < n; k++)
    EXPECT_NEAR(sum[k], 0.5 * (after[k] - before[k]), 1e-6 * largest);
}

TEST(AllTraining, SquaresOfProbesAreTheDiagonalInTheMean)
{
  Problem problem(120);
  const std::size_t n = problem.n;
  const int n_probes = 3000;    // the mean is then good to 3 percent
  std::vector<double> mean(n, 0.0), probe(n);
  problem.product(1, random_vector(n));
  for (int k = 0; k < n_probes; k++) {
    problem.all.probe(k, probe.data());
    for (std::size_t i = 0; i < n; i++) mean[i] += probe[i] * probe[i] / n_probes;
  }
  for (std::size_t i = 0; i < n; i++) {
    std::vector<double> unit(n, 0.0);
    unit[i] = 1.0;
    const double diagonal = problem.product(1, unit)[i];
    EXPECT_NEAR(mean[i], diagonal, 0.12 * diagonal) << i;
  }
}

TEST(AllTraining, FewConfigurationsAreNotDivided)
{
  EXPECT_EQ(Problem(20).all.number_of_parts(), 1u);
}
