// Neighborhoods: the geometry that descriptors are functions of.
#ifndef TORCHPOT_NEIGHBORHOODS_H
#define TORCHPOT_NEIGHBORHOODS_H

#include <cstddef>
#include <cstdint>
#include <vector>

namespace torchpot {

/// View of the neighbors of a set of centers, in compressed rows. The caller owns all arrays.
/// Pair p belongs to center i if first[i] <= p < first[i+1]. Pairs beyond the cutoff of their two
/// elements may be present; they contribute nothing.
struct Neighborhoods {
  int n_centers = 0;
  const int *element = nullptr;             // [n_centers] element index of the model, from 0
  const std::size_t *first = nullptr;       // [n_centers + 1] rows of the pair arrays
  const double *vector = nullptr;           // [n_pairs][3] r_neighbor - r_center, length units
  const int *neighbor_element = nullptr;    // [n_pairs]

  std::size_t n_pairs() const { return n_centers ? first[n_centers] - first[0] : 0; }
};

/// Neighborhoods that own their arrays, as the neighbor search returns them.
struct NeighborTable {
  std::vector<int> element;
  std::vector<std::size_t> first;
  std::vector<double> vector;
  std::vector<int> neighbor_element;
  std::vector<int> neighbor;    // [n_pairs] index of the neighboring atom

  Neighborhoods view() const
  {
    return {(int) element.size(), element.data(), first.data(), vector.data(),
            neighbor_element.data()};
  }
};

/// Periodic cell. Rows of `vectors` are the cell vectors; any orientation, right- or left-handed.
struct Cell {
  double vectors[3][3] = {{0, 0, 0}, {0, 0, 0}, {0, 0, 0}};
  double origin[3] = {0, 0, 0};
  bool periodic[3] = {true, true, true};
};

/// All pairs closer than `cutoff` between the n_centers first of n_atoms atoms and all atoms and
/// their periodic images (an atom's own images included, itself not). Pairs of a center are
/// sorted by (neighbor, image). Positions need not be inside the cell. Linear in n_atoms.
/// Throws Error for a cell without volume or a cutoff that is not positive.
NeighborTable find_neighbors(int n_centers, int n_atoms, const double *position /* [n_atoms][3] */,
                             const int *element /* [n_atoms] */, const Cell &cell, double cutoff);

}    // namespace torchpot

#endif
