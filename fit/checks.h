// The checks of `torchpot_model verify`, for model files and for fitdump files.
#ifndef TORCHPOT_FIT_CHECKS_H
#define TORCHPOT_FIT_CHECKS_H

#include <limits>
#include <string>
#include <vector>

namespace torchpot {

/// One figure and whether it is as it should be.
struct Check {
  std::string name;
  bool passed = true;
  std::string text;    // what was looked at and found
  double figure = std::numeric_limits<double>::quiet_NaN();    // NaN: a yes-or-no check
  double limit = std::numeric_limits<double>::quiet_NaN();     // NaN: for information
};

struct CheckReport {
  std::vector<Check> checks;
  bool passed() const;
  /// Adds a check that passes if figure <= limit (NaN fails); text follows the figure.
  void add(const std::string &name, double figure, double limit, const std::string &text);
  void add(const std::string &name, bool passed, const std::string &text);
};

/// Reads all of model.pt, compares its bytes with the checksums in it, and evaluates it on
/// `n_configurations` random cells: forces against finite differences, fast against reference
/// path, the archive's own TorchScript against the core, invariance under rotation. Damage that
/// stops the reading comes back as a failed check, with the reader's message.
CheckReport verify_model(const std::string &file, int n_configurations);

/// Reads all frames of a fitdump file and checks every array's values; for up to `n_recomputed`
/// frames, spread over the file, recomputes pairs, descriptors and derivatives from the positions.
/// Then removes the mark left by a killed writer, which makes plain readers refuse the file, unless
/// a process of this machine is still writing.
CheckReport verify_fitdump(const std::string &file, std::size_t n_recomputed);

/// Whether the file begins as HDF5 files do. Throws Error if it cannot be read.
bool is_hdf5(const std::string &file);

}    // namespace torchpot

#endif
