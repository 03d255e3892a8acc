// Networks in the form that the SIMD kernels work on.
#ifndef TORCHPOT_NETWORK_KERNEL_H
#define TORCHPOT_NETWORK_KERNEL_H

#include "torchpot_network.h"
#include "torchpot_snap_kernel.h"    // AlignedVector

#include <cstddef>

namespace torchpot {

/// Rows of matrices that are cut into tiles of eight.
inline std::size_t whole_tiles(std::size_t n)
{
  return (n + 7) / 8 * 8;
}

/// Parameters of all sets in arithmetic T, and the scratch of one block.
template <class T> struct BlockNetwork {
  explicit BlockNetwork(const NetworkParameters &p);

  NetworkKind kind;
  ElementMode element_mode;
  int n_descriptors, n_inputs, n_elements;
  std::vector<Activation> activations;
  T output_scale;
  std::vector<T> energy_shift;               // [n_elements]
  /// Matrices in tiles of eight rows, see TiledProduct.
  struct Layer {
    std::size_t n_in, n_out;
    AlignedVector<T> forward, backward;    // W [n_out][n_in] and its transpose
    AlignedVector<T> bias;                 // filled up with zeros to whole tiles
  };
  struct Set {
    std::vector<T> input_shift, input_factor;    // [n_descriptors], factor = 1 / scale
    /// linear: no matrix, the weights as bias; quadratic: the full matrix, and weights likewise
    std::vector<Layer> layers;
  };
  std::vector<Set> sets;

  // scratch for up to MAX_COLUMNS lanes, rows in whole tiles: values and derivatives of the
  // activations, layer after layer, adjoints of two layers, and a padded copy of a block's
  // descriptors and gradients
  static constexpr std::size_t MAX_COLUMNS = 32;
  AlignedVector<T> value, slope, adjoint, spare, padded;
};

/// What BlockEnergy asks for.
template <class T>
void block_network_evaluate(BlockNetwork<T> &net, int width, const int *element,
                            const T *descriptor, T *energy, T *gradient);

}    // namespace torchpot

#endif
