// What training tells about itself while it runs: a live line on a terminal, or a line per epoch.
#ifndef TORCHPOT_FIT_PROGRESS_H
#define TORCHPOT_FIT_PROGRESS_H

#include <cstdio>
#include <limits>
#include <memory>
#include <string>
#include <vector>

namespace torchpot {

/// One epoch. Figures that were not computed are NaN.
struct EpochRecord {
  int epoch = 0;                  // from 1
  double training_loss = 0.0;     // mean over the batches of the epoch, as its weights changed
  double validation_loss = 0.0;   // with the weights at the end of the epoch
  double energy_mae = 0.0;        // of the validation set: energy unit per atom
  double force_mae = 0.0;         // of the validation set: per component
  /// Of the validation set, if stresses are fitted: per component, for units metal in GPa.
  double stress_mae = std::numeric_limits<double>::quiet_NaN();
  double seconds = 0.0;           // of this epoch, wall time
  bool best = false;              // the best model so far
};

class Progress {
 public:
  virtual ~Progress() = default;
  /// Before the first epoch of this run; first_epoch counts from 1.
  virtual void start(int first_epoch, int n_epochs) = 0;
  /// After each batch; called often, must be cheap.
  virtual void batch(int epoch, std::size_t done, std::size_t n_batches) = 0;
  virtual void epoch(const EpochRecord &record) = 0;
  /// A sentence that must be read, on a line of its own.
  virtual void note(const std::string &text) = 0;
  /// After the last epoch or an interruption.
  virtual void finish() = 0;
};

/// Rewrites one line, at most ten times a second: epoch, losses, errors, time left. Errors are in
/// `units`, a LAMMPS unit style; empty: without units.
std::unique_ptr<Progress> make_live_progress(std::FILE *terminal, const std::string &units = "");
/// Writes and flushes a line per epoch, or of long trainings for every n-th, about 100 in all.
std::unique_ptr<Progress> make_line_progress(std::FILE *file, const std::string &units = "");
/// Says nothing.
std::unique_ptr<Progress> make_silent_progress();
/// Live if `file` is a terminal, else lines.
std::unique_ptr<Progress> make_progress(std::FILE *file, const std::string &units = "");

/// The parts of the lines, for tests: "1 h 02 min", "3 min 20 s", "12 s".
std::string duration_text(double seconds);
std::string epoch_text(const EpochRecord &record, int n_epochs, const std::string &units = "");

}    // namespace torchpot

#endif
