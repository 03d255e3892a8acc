// One SIMD block of SNAP: as many atoms as a vector has lanes, evaluated together.
#ifndef TORCHPOT_SNAP_KERNEL_H
#define TORCHPOT_SNAP_KERNEL_H

#include "torchpot_descriptor.h"
#include "torchpot_snap_tables.h"

#include <cstddef>
#include <new>
#include <vector>

namespace torchpot {

/// Allocator for arrays that vectors are loaded from.
template <class T> struct AlignedAllocator {
  using value_type = T;
  static constexpr std::align_val_t ALIGNMENT{128};
  AlignedAllocator() = default;
  template <class U> AlignedAllocator(const AlignedAllocator<U> &) {}
  T *allocate(std::size_t n) { return static_cast<T *>(::operator new(n * sizeof(T), ALIGNMENT)); }
  void deallocate(T *p, std::size_t) { ::operator delete(p, ALIGNMENT); }
  bool operator==(const AlignedAllocator &) const { return true; }
  bool operator!=(const AlignedAllocator &) const { return false; }
};
template <class T> using AlignedVector = std::vector<T, AlignedAllocator<T>>;

/// Inputs, outputs and scratch of one block of `width` atoms. Slot s holds neighbor number s of
/// every atom; an atom with fewer neighbors has weight 0 there and any vector inside the cutoff.
/// With chemical components all neighbors of one slot are of one element.
template <class T> struct SnapBlock {
  int width = 0, n_slots = 0;

  // inputs, [n_slots][width] each, vector [n_slots][3][width]
  AlignedVector<T> vector, cutoff, weight, sinner, dinner;
  std::vector<int> slot_chem;    // [n_slots] chemical index, 0 without chemical components
  AlignedVector<T> self;         // [n_chem][width] 1 where the center itself counts, else 0
  std::vector<int> element;      // [width] of the centers

  // outputs
  AlignedVector<T> descriptor;    // [n_descriptors][width]
  AlignedVector<T> energy;        // [width]
  AlignedVector<T> gradient;      // [n_slots][3][width] dE/dr_neighbor
  AlignedVector<T> derivative;    // [n_descriptors][3][width] of the last slot asked for

  // scratch: parts of the geometry of each slot, sums over neighbors, adjoints, derivatives of U
  // along x, y and z and their products with Z
  AlignedVector<T> geometry, u, u_total, y, z, beta, adjoint, direction, product;

  void resize_slots(int n);
};

/// Parameters that the kernels read, and the tables.
template <class T> struct SnapSetup {
  SnapSetup(const SnapParameters &parameters);
  SnapTables<T> tables;
  int n_chem;
  T rfac0, rmin0;
  bool switchflag, switchinnerflag, bnormflag;
  std::vector<T> bzero;    // [n_components] what an atom without neighbors has, to be subtracted
  int n_descriptors() const { return n_chem * n_chem * n_chem * tables.n_components(); }
};

/// Lanes of the SIMD target in use.
template <class T> int snap_block_width();
/// Allocates a block's scratch; must be called again when the SIMD target changes.
template <class T> void snap_block_prepare(const SnapSetup<T> &setup, SnapBlock<T> &block);

/// Descriptors of the block, and what snap_block_derivative() needs.
template <class T> void snap_block_values(const SnapSetup<T> &setup, SnapBlock<T> &block);
/// derivative of the descriptors with respect to the neighbors in `slot`, after values.
template <class T>
void snap_block_derivative(const SnapSetup<T> &setup, SnapBlock<T> &block, int slot);
/// energy and gradient; descriptor too unless the function is linear and !want_descriptor.
template <class T>
void snap_block_energy(const SnapSetup<T> &setup, SnapBlock<T> &block, BlockEnergy<T> &function,
                       bool want_descriptor);

}    // namespace torchpot

#endif
