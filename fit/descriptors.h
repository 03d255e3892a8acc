// Descriptors and derivatives of configurations, in the form that training needs.
#ifndef TORCHPOT_FIT_DESCRIPTORS_H
#define TORCHPOT_FIT_DESCRIPTORS_H

#include "dataset.h"

#include <cstddef>
#include <functional>
#include <vector>

namespace torchpot {

/// Derivatives per pair of atoms, as descriptors and fitdump files give them: derivative
/// [n_pairs][K][3] of the descriptors of `first` with respect to the position of `second`, which
/// may be a periodic image, through the bond `vector` [n_pairs][3].
struct PairDerivatives {
  std::size_t n_pairs = 0;
  const int *first = nullptr, *second = nullptr;
  const double *vector = nullptr;
  const double *derivative = nullptr;
};

/// Adds the blocks of the rows that occur in `pairs`, which must be larger than those there, to
/// row, column and derivative (see Configuration); with strain also sets strain_derivative, which
/// must have its size. Pairs may come in any order.
void append_blocks(const PairDerivatives &pairs, int n_descriptors, bool strain,
                   Configuration &configuration);

/// Sets descriptor and, with `derivatives`, the blocks. The neighbors are searched for here.
/// part(), if given, is called with the blocks of some rows after another, which are then deleted,
/// so that they are never in memory all together; the descriptors of these rows are there.
void compute_descriptors(Configuration &configuration, Descriptor &descriptor, bool derivatives,
                         bool strain = false, const std::function<void()> &part = nullptr);

/// Number of blocks that compute_descriptors() will make.
std::size_t count_blocks(const Configuration &configuration, const Descriptor &descriptor);

/// Bytes that the descriptors and blocks of one configuration take; single: derivatives in single
/// precision.
std::size_t descriptor_bytes(std::size_t n_atoms, std::size_t n_blocks, int n_descriptors,
                             bool strain = false, bool single = false);

}    // namespace torchpot

#endif
