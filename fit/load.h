// From settings to a complete data set: reading, splitting, reference, descriptors.
#ifndef TORCHPOT_FIT_LOAD_H
#define TORCHPOT_FIT_LOAD_H

#include "dataset.h"
#include "settings.h"

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace torchpot {

/// Reads all configurations with their labels, divides them into training and test sets and sets
/// their weights. `derivatives`: take descriptors and blocks over from fitdump files. Adds
/// sentences to notes; throws Error if nothing is left to train on.
Dataset load_dataset(const Settings &settings, bool derivatives, std::vector<std::string> &notes);

struct PrepareResult {
  bool from_cache = false;
  bool mapped = false;    // larger than memory_limit, and therefore in a file
  double seconds = 0.0;
  std::vector<std::string> warnings;    // a damaged cache, a folder that cannot be written to
};
/// Computes reference, descriptors and blocks, and strain derivatives for configurations with a
/// stress, or takes them from the cache. The result does not depend on the number of threads.
/// progress(done, all), if given, is called now and then; what it throws ends the work.
/// Collective: each rank computes a part, all have the result.
PrepareResult
prepare_dataset(Dataset &dataset, const Settings &settings,
                const std::function<void(std::size_t, std::size_t)> &progress = nullptr,
                Ranks &ranks = single_rank());

/// Collective. Sets expected_blocks of all configurations, if that has not been done.
/// between(), if given, is called now and then; what it throws ends the work.
void count_blocks(Dataset &dataset, int n_threads, Ranks &ranks = single_rank(),
                  const std::function<void()> &between = nullptr);

/// Whether derivatives are to be kept in single precision.
bool stores_single(const Settings &settings, const Dataset &dataset, std::size_t n_blocks);
/// Of the file that what does not fit into memory is mapped to: where the cache is.
std::string mapping_folder(const Settings &settings);

/// What a fit will need, from a neighbor search alone.
struct Prediction {
  std::size_t n_blocks = 0;
  std::size_t largest = 0;    // bytes of the largest configuration
  std::size_t bytes = 0;      // of all descriptors, blocks, geometries and labels
  bool single = false;        // derivatives in single precision
  std::size_t n_rows = 0, n_columns = 0;    // of a linear solver, which keeps these alone
};
Prediction predict_memory(Dataset &dataset, const Settings &settings, int n_threads,
                          Ranks &ranks = single_rank(),
                          const std::function<void()> &between = nullptr);

/// The table of --check: configurations and atoms per group for training and test, elements,
/// descriptors, labels that are missing, memory. Without the name of the input file.
std::string describe(const Dataset &dataset, const Settings &settings, const Prediction &memory);

}    // namespace torchpot

#endif
