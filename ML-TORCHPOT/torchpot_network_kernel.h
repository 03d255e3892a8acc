// Networks in the form that the SIMD kernels work on.
#ifndef TORCHPOT_NETWORK_KERNEL_H
#define TORCHPOT_NETWORK_KERNEL_H

#include "torchpot_network.h"
#include "torchpot_snap_kernel.h"    // AlignedVector

#include <cstddef>

namespace torchpot {

/// The normal distribution and its density, for gelu; in torchpot_network.cpp, out of reach of the
/// compiler flags of single instruction sets.
double gelu_probability(double x);
double gelu_density(double x);

/// Parameters of all sets in arithmetic T, and the scratch of one block.
template <class T> struct BlockNetwork {
  explicit BlockNetwork(const NetworkParameters &p);

  NetworkKind kind;
  ElementMode element_mode;
  int n_descriptors, n_inputs, n_elements;
  std::vector<int> layer_sizes;
  std::vector<Activation> activations;
  T output_scale;
  std::vector<T> energy_shift;               // [n_elements]
  struct Set {
    std::vector<T> input_shift, input_factor;    // [n_descriptors], factor = 1 / scale
    /// mlp: as in NetworkParameters; linear: weights; quadratic: weights, then the full matrix
    AlignedVector<T> parameters;
  };
  std::vector<Set> sets;

  // scratch for up to MAX_COLUMNS lanes: values and derivatives of the activations, layer after
  // layer, adjoints of two layers, and a padded copy of a block's descriptors and gradients
  static constexpr std::size_t MAX_COLUMNS = 32;
  AlignedVector<T> value, slope, adjoint, spare, padded;
};

/// What BlockEnergy asks for.
template <class T>
void block_network_evaluate(BlockNetwork<T> &net, int width, const int *element,
                            const T *descriptor, T *energy, T *gradient);

}    // namespace torchpot

#endif
