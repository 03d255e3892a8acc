// The configurations of a fit as tensors on a device. Only files that see libtorch include this.
#ifndef TORCHPOT_FIT_TORCH_DATA_H
#define TORCHPOT_FIT_TORCH_DATA_H

#include "samples.h"
#include "torchpot_network.h"

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

namespace torchpot {

using Counts = std::vector<std::int64_t>;

/// Rows of a concatenated tensor that belong to the configurations of a chunk.
struct ChunkRows {
  std::int64_t n = 0, first = 0;
  at::Tensor index;    // [n]; undefined: the n rows from `first` on
  at::Tensor part;     // [n] the row's configuration within the chunk
  at::Tensor of(const at::Tensor &all) const
  {
    return index.defined() ? all.index_select(0, index) : all.narrow(0, first, n);
  }
};

/// Blocks [c][K] whose products with slopes dE/dB of atoms, added up, are forces or virials.
struct TorchBlocks {
  at::Tensor value;           // [n_blocks][c][K]
  at::Tensor row, target;     // [n_blocks] int: atom, and what is added to, within a configuration
  Counts first = {0};         // of each configuration, and the end
};

/// What a chunk needs, gathered.
struct TorchChunk {
  std::int64_t n = 0, n_atoms = 0;     // configurations, atoms
  ChunkRows atoms;
  at::Tensor input, element;           // [n_atoms][K] scaled descriptors; [n_atoms]
  at::Tensor order;                    // [n_atoms] by element, for networks per element
  Counts per_set;                      // their numbers
  at::Tensor label;                    // [n][TorchData::N_LABELS]
  at::Tensor force;                    // [n_atoms][3] labels, zero where there are none
  struct Blocks {
    at::Tensor value, row, target;     // numbers of atoms and configurations are the chunk's
  } forces, virials;                   // undefined: none
};

/// All labeled configurations of a set, those of training before those of validation.
class TorchData {
 public:
  /// label: energy, virial (6), and what the absolute errors of energy, of forces and of the virial
  /// count in sums: 0 without a label.
  static constexpr int N_LABELS = 10;

  /// Throws what libtorch throws if there is no space.
  TorchData(const SampleSet &samples, const NetworkParameters &network, at::ScalarType type,
            at::Device device);

  TorchChunk chunk(std::size_t n, const Sample *const *batch) const;
  /// Bytes of descriptors, derivatives and labels on the device.
  static std::size_t bytes(const SampleSet &samples, std::size_t number);
  std::int64_t n_atoms() const { return first_atom.back(); }
  /// Of descriptors and blocks, on average.
  double numbers_per_atom() const;

 private:
  void add_blocks(const std::vector<const Sample *> &list, int n_descriptors);
  void add_labels(const std::vector<const Sample *> &list);
  ChunkRows rows(const Counts &first, const Counts &configurations, bool one_range) const;
  TorchChunk::Blocks blocks(const TorchBlocks &all, const Counts &configurations, bool one_range,
                            const at::Tensor &atom_offset, bool to_atoms) const;
  void sort_by_element(const Counts &configurations, TorchChunk &chunk) const;
  at::Tensor to_device(const Counts &values) const;

  const Sample *base;            // SampleSet::all
  std::vector<std::int64_t> place;    // of a sample of SampleSet::all, -1: not here
  const int n_sets;
  const at::ScalarType type;
  const at::Device device;
  Counts first_atom = {0};
  std::vector<int> elements;     // of all atoms, on the host
  at::Tensor input, element, force, label;
  TorchBlocks forces, virials;    // of configurations with such a label
};

}    // namespace torchpot

#endif
