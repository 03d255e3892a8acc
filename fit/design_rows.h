// The rows of a linear fit: what each coefficient adds to energies, forces and stresses.
#ifndef TORCHPOT_FIT_DESIGN_ROWS_H
#define TORCHPOT_FIT_DESIGN_ROWS_H

#include "dataset.h"
#include "linear_columns.h"
#include "load.h"
#include "settings.h"
#include "trainer.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

namespace torchpot {

/// Rows of all configurations, in memory that the ranks of a node share: the energy per atom, 3 N
/// forces, and 6 stresses (xx yy zz xy xz yz, in the pressure unit of the data), each as far as
/// there are labels, but the energy always. Behind the coefficients of a row is its label, without
/// the reference potential.
///
/// Descriptors and their derivatives are dropped as soon as the rows of a configuration are made.
class DesignRows {
 public:
  using Progress = std::function<void(std::size_t done, std::size_t all)>;

  /// Rows, coefficients, and bytes of the rows and the factors of the chunks.
  static Prediction predict_memory(const Dataset &dataset, const LinearColumns &columns);

  /// Collective: each rank computes the rows of some chunks of configurations, with the reference
  /// potential, which is set in the data set on all ranks. Throws Error, as SampleSet.
  DesignRows(Dataset &dataset, const Settings &settings, const LinearColumns &columns,
             const Progress &progress, Ranks &ranks = single_rank());

  /// Collective. Factor of the training rows, each multiplied with its weight, and their labels,
  /// [count() + 1][count() + 1]; complete on the first rank. Chunks of rows have factors of their
  /// own, which are merged in order, so that it has the same bits on any number of ranks.
  std::vector<double> factor(const std::function<void()> &between = nullptr);

  /// Of all configurations, from their rows.
  Predictions predict(const std::vector<double> &x) const;

  bool is_mapped() const { return mapped; }
  std::size_t n_rows() const { return first_row.back(); }
  /// Row r: count() coefficients and the label.
  const double *row(std::size_t r) const { return rows + r * width; }

 private:
  struct Chunk {
    std::size_t begin, end;    // configurations
    int owner;                 // rank
  };
  void lay_out();
  void compute_own(const Settings &settings, const Progress &progress);
  void store_reference(std::size_t m);
  void load_reference(std::size_t m);
  void add_weighted(std::size_t m, std::vector<double> &matrix) const;
  void factor_chunk(const Chunk &chunk, double *result) const;

  Dataset &data;
  const LinearColumns columns;
  const std::size_t width;
  Ranks &ranks;
  const int n_threads;
  bool mapped = false;
  std::vector<std::size_t> first_row;    // [n_configurations + 1]
  std::vector<std::size_t> first_atom;
  std::vector<Chunk> chunks;
  std::shared_ptr<SharedMemory> memory;
  double *rows = nullptr, *references = nullptr, *factors = nullptr;
};

}    // namespace torchpot

#endif
