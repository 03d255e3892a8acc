// Passes over a batch of atoms that training needs: energies, their gradients with respect to the
// descriptors, and the gradient of a loss that depends on both.
#ifndef TORCHPOT_NETWORK_BATCH_H
#define TORCHPOT_NETWORK_BATCH_H

#include "torchpot_network.h"

namespace torchpot {

/// For a loss L(E_i, g_i) of the energies E_i and of g_i = dE_i/dB_i the derivative with respect
/// to the parameters is that of sum_i ( a_i E_i + h_i . g_i ) with a_i = dL/dE_i and h_i = dL/dg_i
/// held fixed, and h_i . g_i is the derivative of E_i along h_i. One forward pass with tangents
/// and one reverse pass therefore give it; no second derivatives of the network are formed.
///
/// Nothing is allocated once the largest batch has been seen. One object per thread.
class NetworkBatch {
 public:
  virtual ~NetworkBatch() = default;

  /// Take over changed parameters [n_sets * n_parameters].
  virtual void set_parameters(const double *parameters) = 0;

  /// energy [n_atoms] and gradient [n_atoms][n_descriptors] for descriptor
  /// [n_atoms][n_descriptors]. Keeps what parameter_gradient() needs.
  virtual void forward(int n_atoms, const int *element, const double *descriptor, double *energy,
                       double *gradient) = 0;

  /// Adds the derivative of sum_i ( a_i E_i + h_i . g_i ) to result [n_sets * n_parameters], for
  /// the atoms of the last forward(). a [n_atoms], h [n_atoms][n_descriptors].
  virtual void parameter_gradient(const double *a, const double *h, double *result) = 0;
};

std::unique_ptr<NetworkBatch> make_network_batch(const NetworkParameters &parameters,
                                                 Precision precision);

/// The two products with stored descriptor derivatives that force training consists of, for one
/// pair block d [3][n] (direction, descriptor): f[c] += sum_k d[c][k] g[k] and
/// h[k] += sum_c d[c][k] w[c]. `n_blocks` blocks lie one after another, block b belongs to row
/// row[b] of g and h [.][n] and to column column[b] of f and w [.][3]. Derivatives that are stored
/// in single precision enter the same arithmetic in double.
void derivative_forward(int n, std::size_t n_blocks, const double *d, const int *row,
                        const int *column, const double *g, double *f);
void derivative_forward(int n, std::size_t n_blocks, const float *d, const int *row,
                        const int *column, const double *g, double *f);
void derivative_adjoint(int n, std::size_t n_blocks, const double *d, const int *row,
                        const int *column, const double *w, double *h);
void derivative_adjoint(int n, std::size_t n_blocks, const float *d, const int *row,
                        const int *column, const double *w, double *h);

}    // namespace torchpot

#endif
