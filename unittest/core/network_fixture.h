// Random networks that tests share.
#ifndef TORCHPOT_NETWORK_FIXTURE_H
#define TORCHPOT_NETWORK_FIXTURE_H

#include "torchpot_network.h"

#include <random>

namespace torchpot {

constexpr Activation ALL_ACTIVATIONS[] = {
    Activation::linear,   Activation::tanh, Activation::sigmoid, Activation::relu,
    Activation::softplus, Activation::silu, Activation::gelu};
constexpr NetworkKind ALL_KINDS[] = {NetworkKind::linear, NetworkKind::quadratic,
                                     NetworkKind::mlp};
constexpr ElementMode ALL_MODES[] = {ElementMode::shared, ElementMode::per_element,
                                     ElementMode::one_hot};

inline std::vector<double> random_numbers(std::size_t n, int seed, double low, double high)
{
  std::mt19937_64 generator(seed);
  std::uniform_real_distribution<double> uniform(low, high);
  std::vector<double> x(n);
  for (double &value : x) value = uniform(generator);
  return x;
}

/// A network of `hidden` layers behind n descriptors, all parameters random.
inline NetworkParameters random_network(NetworkKind kind, ElementMode mode, Activation activation,
                                        int n, int n_elements, const std::vector<int> &hidden,
                                        int seed = 1)
{
  NetworkParameters p;
  p.kind = kind;
  p.element_mode = mode;
  p.n_elements = n_elements;
  p.n_descriptors = n;
  if (kind == NetworkKind::mlp) {
    p.layer_sizes = hidden;
    p.layer_sizes.push_back(1);
    p.activations.assign(hidden.size(), activation);
    p.activations.push_back(Activation::linear);
  }
  p.output_scale = 0.7;
  p.energy_shift = random_numbers(n_elements, seed + 1, -2.0, 2.0);
  p.input_shift = random_numbers((std::size_t) p.n_sets() * n, seed + 2, -0.5, 0.5);
  p.input_scale = random_numbers((std::size_t) p.n_sets() * n, seed + 3, 0.5, 1.5);
  p.parameters =
      random_numbers((std::size_t) p.n_sets() * p.n_parameters(), seed + 4, -0.5, 0.5);
  return p;
}

/// All kinds, modes and activations, with layers of odd sizes.
inline std::vector<NetworkParameters> network_cases()
{
  std::vector<NetworkParameters> cases;
  for (const ElementMode mode : ALL_MODES) {
    for (const NetworkKind kind : {NetworkKind::linear, NetworkKind::quadratic})
      cases.push_back(random_network(kind, mode, Activation::linear, 7, 3, {}));
    for (const Activation a : ALL_ACTIVATIONS)
      cases.push_back(random_network(NetworkKind::mlp, mode, a, 5, 3, {9, 4}));
  }
  cases.push_back(random_network(NetworkKind::mlp, ElementMode::shared, Activation::tanh, 30, 1,
                                 {64, 64}));
  cases.push_back(random_network(NetworkKind::mlp, ElementMode::shared, Activation::tanh, 3, 2,
                                 {}));
  NetworkParameters curved_end = cases.back();
  curved_end.activations.back() = Activation::silu;
  cases.push_back(curved_end);
  return cases;
}

/// Elements 0, 1, ... in a mixed order.
inline std::vector<int> mixed_elements(std::size_t n, int n_elements)
{
  std::vector<int> element(n);
  for (std::size_t i = 0; i < n; i++) element[i] = (int) ((i * i + i / 2) % n_elements);
  return element;
}

}    // namespace torchpot

#endif
