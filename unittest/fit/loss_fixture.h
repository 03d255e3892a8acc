// Networks for the tests of the loss, and its gradient against finite differences.
#ifndef TORCHPOT_TEST_LOSS_FIXTURE_H
#define TORCHPOT_TEST_LOSS_FIXTURE_H

#include "initialize.h"
#include "linear_fit.h"
#include "loss.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <vector>

namespace torchpot_test {

/// One descriptor, no hidden layer: E_i = 3 B_i + 1, slope 3.
inline torchpot::NetworkParameters straight_line()
{
  torchpot::NetworkParameters model;
  model.n_descriptors = 1;
  model.layer_sizes = {1};
  model.activations = {torchpot::Activation::linear};
  model.energy_shift = {0.0};
  model.input_shift = {0.0};
  model.input_scale = {1.0};
  model.parameters = {3.0, 1.0};
  return model;
}

/// layer_sizes: hidden layers and 1.
inline torchpot::NetworkParameters random_network(const torchpot::SampleSet &samples,
                                                  torchpot::ElementMode mode,
                                                  torchpot::Activation activation,
                                                  const std::vector<int> &layer_sizes = {7, 5, 1})
{
  using namespace torchpot;
  NetworkParameters network = linear_start(NetworkKind::linear, mode, samples.n_elements,
                                           samples.n_descriptors, samples.training);
  network.kind = NetworkKind::mlp;
  network.element_mode = mode;
  network.layer_sizes = layer_sizes;
  network.activations.assign(layer_sizes.size(), activation);
  network.activations.back() = Activation::linear;
  network.output_scale = 1.7;
  random_weights(network, 3);
  return network;
}

/// The gradient over all training configurations to 1e-7 of its largest component; h: step of the
/// differences.
inline void expect_gradient_of_differences(torchpot::BatchLoss &loss,
                                           const torchpot::SampleSet &samples,
                                           std::vector<double> p, double h)
{
  const std::size_t n = samples.training.size();
  std::vector<double> gradient(loss.n_parameters());
  ASSERT_EQ(p.size(), gradient.size());
  loss.evaluate(n, samples.training.data(), gradient.data());
  double largest = 0.0;
  for (double g : gradient) largest = std::max(largest, std::fabs(g));
  ASSERT_GT(largest, 0.0);
  for (std::size_t k = 0; k < p.size(); k++) {
    double value[4];
    const double at[4] = {-2.0 * h, -h, h, 2.0 * h}, keep = p[k];
    for (int q = 0; q < 4; q++) {
      p[k] = keep + at[q];
      loss.set_parameters(p.data());
      value[q] = loss.evaluate(n, samples.training.data(), nullptr);
    }
    p[k] = keep;
    const double difference = (value[0] - 8.0 * value[1] + 8.0 * value[2] - value[3]) / (12.0 * h);
    EXPECT_NEAR(gradient[k], difference, 1e-7 * largest) << "parameter " << k;
  }
}

}    // namespace torchpot_test

#endif
