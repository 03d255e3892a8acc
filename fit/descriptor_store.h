// Descriptors and derivatives of all configurations in one piece of memory, which the ranks of a
// node share.
#ifndef TORCHPOT_FIT_DESCRIPTOR_STORE_H
#define TORCHPOT_FIT_DESCRIPTOR_STORE_H

#include "dataset.h"

#include <cstddef>
#include <string>
#include <vector>

namespace torchpot {

/// How many numbers of each kind a configuration has here.
struct StoredSizes {
  std::size_t forces = 0, descriptors = 0, strains = 0, blocks = 0;
  bool derivatives = false;    // they are known, be there blocks or not
};

/// The arrays of a configuration lie together. Each configuration has an owner, the rank that
/// places its arrays here; in the end all ranks see all arrays. On several nodes each node has a
/// copy. Derivatives are stored in single precision if the data set says so.
class DescriptorStore {
 public:
  /// Collective. sizes [n_configurations], the same on all ranks. folder: of a file that the memory
  /// is mapped to; empty: in memory.
  DescriptorStore(Dataset &dataset, std::vector<StoredSizes> sizes, const std::string &folder,
                  Ranks &ranks);

  static std::size_t bytes(const StoredSizes &sizes, int n_descriptors, bool single);

  /// Copies the arrays of a configuration of this rank here; may be called by several threads.
  /// Throws Error if they have other sizes.
  void place(std::size_t i);
  /// The same, but reference energy, stress and forces are those that are here.
  void place_beside_reference(std::size_t i);
  /// Collective. owner [n_configurations]. Makes the arrays of all configurations refer to the
  /// store, which lives as long as the data set.
  void finish(const std::vector<int> &owner);

  /// The bytes of a configuration, for a cache on disk: with `reference` those of the reference
  /// potential alone, which come first.
  char *data(std::size_t i) const { return dataset.storage->data() + offset[i]; }
  std::size_t size(std::size_t i, bool reference) const;
  const std::vector<StoredSizes> &all_sizes() const { return sizes; }
  /// Whether rows and columns of its blocks are atoms of configuration i.
  bool has_good_blocks(std::size_t i) const;

 private:
  struct Place;
  void take_reference(std::size_t i);
  Dataset &dataset;
  const std::vector<StoredSizes> sizes;
  Ranks &ranks;
  std::vector<std::size_t> offset;    // [n_configurations] in bytes
};

}    // namespace torchpot

#endif
