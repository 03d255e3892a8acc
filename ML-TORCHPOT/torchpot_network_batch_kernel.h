// The data that a training pass over a batch works on, and its SIMD kernels.
#ifndef TORCHPOT_NETWORK_BATCH_KERNEL_H
#define TORCHPOT_NETWORK_BATCH_KERNEL_H

#include "torchpot_network.h"
#include "torchpot_snap_kernel.h"    // AlignedVector

#include <cstddef>

namespace torchpot {

/// Rows are padded to whole vectors of every instruction set; what the padding of results holds
/// is never used.
inline std::size_t padded_row(std::size_t n)
{
  return (n + 15) / 16 * 16;
}

/// One layer of one set of parameters.
template <class T> struct BatchLayer {
  std::size_t n_in, n_out, ld_in, ld_out;    // sizes, and rows with padding
  Activation activation;
  AlignedVector<T> weight;        // [n_out][ld_in]
  AlignedVector<T> transposed;    // [n_in][ld_out]
  AlignedVector<T> bias;          // [ld_out]
};

/// What forward() finds out about one layer and parameter_gradient() needs. Rows are atoms.
template <class T> struct BatchRows {
  AlignedVector<T> input;       // [2 n_atoms][ld_in] inputs, then their tangents along h
  AlignedVector<T> slope;       // [n_atoms][ld_out] first derivative of the activation
  AlignedVector<T> curvature;   // [n_atoms][ld_out] second derivative times dE/d output
  AlignedVector<T> adjoint;     // [2 n_atoms][ld_out] adjoints of the sums that enter the
                                // activations: of a E + h.g, then those of E
};

/// One set of parameters.
template <class T> struct BatchSet {
  NetworkKind kind;
  std::size_t n_in = 0, ld_in = 0;
  std::vector<BatchLayer<T>> layers;
  /// quadratic: matrix [n_in][ld_in]; linear and quadratic: weights [ld_in]
  AlignedVector<T> matrix, weights;
};

/// Some atoms with the same parameters, few enough for the processor's cache.
template <class T> struct BatchBlock {
  static constexpr std::size_t MAX_ATOMS = 48;

  std::vector<int> atom;             // [n_atoms] place in the batch
  std::vector<BatchRows<T>> rows;    // one per layer; linear and quadratic: one
  AlignedVector<T> output;           // [n_atoms][16], the energy first
  AlignedVector<T> gradient;         // [n_atoms][ld_in] dE/d input
};

/// Scratch of one pass over a block.
template <class T> struct BatchScratch {
  AlignedVector<T> rows;    // [MAX_ATOMS][widest layer]
  AlignedVector<T> sum;     // gradient of one layer [n_out + 1][ld_in]
};

/// Fills output and gradient from rows[0].input.
template <class T>
void batch_forward(const BatchSet<T> &set, BatchBlock<T> &block, BatchScratch<T> &scratch);
/// Derivative of sum a E + h . g for the tangents in the second half of rows[0].input and a [n];
/// added, times scale, to result in the order of NetworkParameters::parameters.
template <class T>
void batch_parameter_gradient(const BatchSet<T> &set, BatchBlock<T> &block,
                              BatchScratch<T> &scratch, const T *a, double scale, double *result);

}    // namespace torchpot

#endif
