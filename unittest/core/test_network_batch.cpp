// Training passes: against single atoms, and the gradient of a loss of energies and forces
// against finite differences, on every SIMD target.
#include "network_fixture.h"
#include "torchpot_error.h"
#include "torchpot_network_batch.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace torchpot;

namespace {

class BatchTargets : public ::testing::Test {
 protected:
  void TearDown() override { set_simd_target(""); }
};

/// Atoms with labels of energies and of gradients, and a loss that depends on both.
struct Problem {
  Problem(const NetworkParameters &p, int n_atoms, int seed = 3) :
      n_atoms(n_atoms), K(p.n_descriptors), element(mixed_elements(n_atoms, p.n_elements)),
      descriptor(random_numbers((std::size_t) n_atoms * K, seed, -1.0, 1.0)),
      energy_label(random_numbers(n_atoms, seed + 1, -1.0, 1.0)),
      gradient_label(random_numbers((std::size_t) n_atoms * K, seed + 2, -1.0, 1.0)),
      energy(n_atoms), gradient(descriptor.size())
  {
  }

  // loss = sum (E - label)^2 + sum (g - label)^2, and its derivative
  double loss(NetworkBatch &batch, std::vector<double> *derivative)
  {
    batch.forward(n_atoms, element.data(), descriptor.data(), energy.data(), gradient.data());
    double sum = 0.0;
    std::vector<double> a(energy.size()), h(gradient.size());
    for (std::size_t i = 0; i < energy.size(); i++) {
      a[i] = 2.0 * (energy[i] - energy_label[i]);
      sum += std::pow(energy[i] - energy_label[i], 2);
    }
    for (std::size_t i = 0; i < gradient.size(); i++) {
      h[i] = 2.0 * (gradient[i] - gradient_label[i]);
      sum += std::pow(gradient[i] - gradient_label[i], 2);
    }
    if (derivative) batch.parameter_gradient(a.data(), h.data(), derivative->data());
    return sum;
  }

  int n_atoms, K;
  std::vector<int> element;
  std::vector<double> descriptor, energy_label, gradient_label, energy, gradient;
};

double largest_of(const std::vector<double> &x)
{
  double largest = 0.0;
  for (const double value : x) largest = std::max(largest, std::fabs(value));
  return largest;
}

}    // namespace

TEST_F(BatchTargets, ForwardEqualsSingleAtoms)
{
  for (const std::string &target : simd_targets()) {
    set_simd_target(target);
    for (const NetworkParameters &p : network_cases())
      for (const int n_atoms : {1, 2, 7, 49, 100}) {
        Problem problem(p, n_atoms);
        std::vector<double> g(p.n_descriptors);
        for (const Precision precision : {Precision::float64, Precision::float32}) {
          const double tolerance = precision == Precision::float64 ? 1e-13 : 2e-5;
          const auto batch = make_network_batch(p, precision);
          batch->forward(n_atoms, problem.element.data(), problem.descriptor.data(),
                         problem.energy.data(), problem.gradient.data());
          for (int i = 0; i < n_atoms; i++) {
            const double e = network_reference(p, problem.element[i],
                                               &problem.descriptor[i * problem.K], g.data());
            EXPECT_NEAR(problem.energy[i], e, tolerance * (1.0 + std::fabs(e)));
            for (int k = 0; k < problem.K; k++)
              EXPECT_NEAR(problem.gradient[i * problem.K + k], g[k],
                          tolerance * (1.0 + std::fabs(g[k])));
          }
        }
      }
  }
}

TEST_F(BatchTargets, LossGradientIsTheFiniteDifference)
{
  for (const NetworkParameters &start : network_cases()) {
    if (start.n_descriptors > 20) continue;    // the large one only costs time
    bool kinks = false;
    for (const Activation a : start.activations) kinks = kinks || a == Activation::relu;
    NetworkParameters p = start;
    Problem problem(p, 11);
    const auto batch = make_network_batch(p, Precision::float64);
    std::vector<double> derivative(p.parameters.size(), 0.0), expected(derivative.size());
    problem.loss(*batch, &derivative);
    for (std::size_t j = 0; j < p.parameters.size(); j++) {
      // fourth order, and small steps where a kink could lie in between
      const double h = kinks ? 1e-5 : 1e-3, at = p.parameters[j];
      double sum = 0.0;
      const double weight[4] = {1.0, -8.0, 8.0, -1.0}, step[4] = {-2.0, -1.0, 1.0, 2.0};
      for (int i = 0; i < 4; i++) {
        p.parameters[j] = at + step[i] * h;
        batch->set_parameters(p.parameters.data());
        sum += weight[i] * problem.loss(*batch, nullptr);
      }
      p.parameters[j] = at;
      expected[j] = sum / (12.0 * h);
    }
    const double size = largest_of(expected);
    for (std::size_t j = 0; j < expected.size(); j++)
      EXPECT_NEAR(derivative[j], expected[j], 1e-7 * size)
          << to_string(p.activations.empty() ? Activation::linear : p.activations[0]) << " kind "
          << (int) p.kind << " mode " << (int) p.element_mode << " parameter " << j;
  }
}

TEST_F(BatchTargets, EveryTargetAndPrecisionHasTheSameLossGradient)
{
  for (const NetworkParameters &p : network_cases()) {
    Problem problem(p, 60);
    set_simd_target("baseline");
    std::vector<double> expected(p.parameters.size(), 0.0);
    problem.loss(*make_network_batch(p, Precision::float64), &expected);
    const double size = largest_of(expected);
    for (const std::string &target : simd_targets())
      for (const Precision precision : {Precision::float64, Precision::float32}) {
        set_simd_target(target);
        std::vector<double> found(p.parameters.size(), 0.0);
        problem.loss(*make_network_batch(p, precision), &found);
        const double tolerance = precision == Precision::float64 ? 1e-13 : 2e-5;
        for (std::size_t j = 0; j < found.size(); j++)
          ASSERT_NEAR(found[j], expected[j], tolerance * size) << target << " " << j;
      }
  }
}

TEST_F(BatchTargets, PackingDoesNotMatter)
{
  for (const std::string &target : simd_targets())
    for (const ElementMode mode : ALL_MODES) {
      set_simd_target(target);
      const auto p = random_network(NetworkKind::mlp, mode, Activation::softplus, 6, 2, {10, 7});
      Problem all(p, 29);
      const auto batch = make_network_batch(p, Precision::float64);
      all.loss(*batch, nullptr);
      for (int i = 0; i < all.n_atoms; i++) {
        double e;
        std::vector<double> g(all.K);
        batch->forward(1, &all.element[i], &all.descriptor[i * all.K], &e, g.data());
        EXPECT_EQ(e, all.energy[i]);
        for (int k = 0; k < all.K; k++) EXPECT_EQ(g[k], all.gradient[i * all.K + k]);
      }
    }
}

TEST_F(BatchTargets, GradientsAreAddedAndRepeatable)
{
  const auto p = random_network(NetworkKind::mlp, ElementMode::per_element, Activation::tanh, 6, 2,
                                {10});
  Problem problem(p, 13);
  const auto batch = make_network_batch(p, Precision::float64);
  std::vector<double> once(p.parameters.size(), 0.0), added(p.parameters.size(), 100.0);
  problem.loss(*batch, &once);
  problem.loss(*batch, &added);
  for (std::size_t j = 0; j < once.size(); j++) EXPECT_NEAR(added[j], 100.0 + once[j], 1e-11);
  // a smaller and a larger batch in between, then another call for the same forward pass
  Problem small(p, 2), large(p, 40);
  small.loss(*batch, nullptr);
  large.loss(*batch, nullptr);
  std::vector<double> again(p.parameters.size(), 0.0), twice(p.parameters.size(), 0.0);
  problem.loss(*batch, &again);
  EXPECT_EQ(again, once);
  const std::vector<double> a(13, 0.5), h(13 * 6, 0.25);
  batch->parameter_gradient(a.data(), h.data(), twice.data());
  std::vector<double> first = twice;
  batch->parameter_gradient(a.data(), h.data(), twice.data());
  for (std::size_t j = 0; j < first.size(); j++) EXPECT_NEAR(twice[j], 2.0 * first[j], 1e-12);
}

TEST_F(BatchTargets, EmptyBatchesAndAbsentElementsAreFine)
{
  const auto p = random_network(NetworkKind::mlp, ElementMode::per_element, Activation::tanh, 3, 4,
                                {5});
  const auto batch = make_network_batch(p, Precision::float64);
  std::vector<double> derivative(p.parameters.size(), 0.0);
  batch->forward(0, nullptr, nullptr, nullptr, nullptr);
  batch->parameter_gradient(nullptr, nullptr, derivative.data());
  EXPECT_EQ(largest_of(derivative), 0.0);
  const int element = 2;
  const double b[3] = {0.1, 0.2, 0.3}, a = 1.0, h[3] = {0.0, 0.0, 0.0};
  double e, g[3];
  batch->forward(1, &element, b, &e, g);
  batch->parameter_gradient(&a, h, derivative.data());
  const int n = p.n_parameters();
  for (int j = 0; j < 4 * n; j++)
    if (j / n != element) {
      EXPECT_EQ(derivative[j], 0.0);
    }
  EXPECT_EQ(derivative[3 * n - 1], p.output_scale);    // bias of the last layer
}

TEST_F(BatchTargets, WrongParametersAreRefused)
{
  NetworkParameters p =
      random_network(NetworkKind::mlp, ElementMode::shared, Activation::tanh, 3, 1, {5});
  p.parameters.pop_back();
  EXPECT_THROW(make_network_batch(p, Precision::float64), Error);
}

TEST_F(BatchTargets, DerivativeProductsEqualLoops)
{
  for (const int n : {1, 3, 8, 30, 55, 200}) {
    const std::size_t blocks = 37;
    auto d = random_numbers(3 * n * blocks, n, -1.0, 1.0);
    const std::vector<float> single(d.begin(), d.end());
    d.assign(single.begin(), single.end());    // the same numbers in both precisions
    const auto g = random_numbers(5 * n, n + 1, -1.0, 1.0), w = random_numbers(21, 3, -1.0, 1.0);
    std::vector<int> row(blocks), column(blocks);
    for (std::size_t b = 0; b < blocks; b++) {
      row[b] = (int) (b * b % 5);
      column[b] = (int) (b * 3 % 7);
    }
    std::vector<double> f_start = random_numbers(21, 8, -1.0, 1.0), f = f_start;
    std::vector<double> h_start = random_numbers(5 * n, 9, -1.0, 1.0), h = h_start;
    for (std::size_t b = 0; b < blocks; b++)
      for (int c = 0; c < 3; c++)
        for (int k = 0; k < n; k++) {
          const double x = d[(3 * b + c) * n + k];
          f[3 * column[b] + c] += x * g[row[b] * n + k];
          h[row[b] * n + k] += x * w[3 * column[b] + c];
        }
    const auto check = [&](const auto *stored) {
      std::vector<double> found_f = f_start, found_h = h_start;
      derivative_forward(n, blocks, stored, row.data(), column.data(), g.data(), found_f.data());
      derivative_adjoint(n, blocks, stored, row.data(), column.data(), w.data(), found_h.data());
      for (std::size_t i = 0; i < f.size(); i++) EXPECT_NEAR(found_f[i], f[i], 1e-12);
      for (std::size_t i = 0; i < h.size(); i++) EXPECT_NEAR(found_h[i], h[i], 1e-12);
    };
    for (const std::string &target : simd_targets()) {
      set_simd_target(target);
      check(d.data());
      check(single.data());
    }
  }
}
