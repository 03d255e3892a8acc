// Descriptors and derivatives of all configurations in memory that the ranks of a node share.
#ifndef TORCHPOT_FIT_DESCRIPTOR_STORE_H
#define TORCHPOT_FIT_DESCRIPTOR_STORE_H

#include "dataset.h"

#include <atomic>
#include <cstddef>
#include <string>
#include <vector>

namespace torchpot {

/// Each configuration has an owner, the rank that computes its arrays. It places them here, and in
/// the end all ranks see all arrays. On several nodes each node has a copy.
class DescriptorStore {
 public:
  /// Collective. owner [n_configurations]; own_bytes: room for what this rank places, see bytes().
  /// folder: of a file that the memory is mapped to; empty: in memory.
  DescriptorStore(Dataset &dataset, const std::vector<int> &owner, std::size_t own_bytes,
                  const std::string &folder, Ranks &ranks);

  /// Room that a configuration needs.
  static std::size_t bytes(std::size_t n_atoms, std::size_t n_blocks, int n_descriptors,
                           bool strain);
  /// Moves the arrays of a configuration of this rank here; may be called by several threads.
  /// Throws Error if there is no room.
  void place(std::size_t i);
  /// Collective. Makes the arrays of all configurations refer to the store, which lives as long as
  /// the data set.
  void finish();

 private:
  enum Column { OFFSET, FORCES, DESCRIPTORS, STRAINS, BLOCKS, KNOWN, N_COLUMNS };
  struct Place;
  Dataset &data;
  const std::vector<int> owner;
  Ranks &ranks;
  std::vector<std::uint64_t> table;    // [n_configurations][N_COLUMNS]
  std::atomic<std::size_t> next{0};
  std::size_t end = 0;
};

}    // namespace torchpot

#endif
