// The state of a training run on disk, such that it continues bit for bit.
#ifndef TORCHPOT_FIT_CHECKPOINT_H
#define TORCHPOT_FIT_CHECKPOINT_H

#include "optimizer.h"
#include "progress.h"
#include "torchpot_network.h"

#include <cstdint>
#include <string>
#include <vector>

namespace torchpot {

/// All that changes while a network is trained, and the scaling, which must not be computed anew.
/// Batches are drawn from Random(seed, epoch), so that epoch and batch say where the random
/// numbers are.
struct TrainingState {
  NetworkParameters network;    // present parameters
  std::vector<double> best;     // parameters of the best model, empty before the first epoch
  int best_epoch = 0;           // from 1
  double best_score = 0.0;
  int epoch = 0;                  // epochs completed
  std::uint64_t batch = 0;        // batches done in the epoch after those
  double loss_sum = 0.0;          // over these batches
  OptimizerMemory optimizer;
  std::vector<double> average;    // running average of the parameters, if there is one
  Plateau plateau;
  std::vector<EpochRecord> history;
  bool complete = false;    // the outputs of the fit are written
};

/// What a checkpoint belongs to: lines "name = value" of settings, with a hash of the data.
using Identity = std::vector<std::string>;

/// A state as bytes for other ranks, and back.
std::string state_bytes(const TrainingState &state);
TrainingState state_from(const std::string &bytes);

/// Writes to a temporary file beside it, syncs, keeps the previous one as FILE_prev and renames.
void write_checkpoint(const std::string &file, const Identity &identity,
                      const TrainingState &state);

struct LoadedCheckpoint {
  bool found = false;
  std::string warning;    // to be shown: the newest was damaged and the one before is used
  TrainingState state;
};
/// Nothing found if neither FILE nor FILE_prev exists, or if it is that of another fit which is
/// complete. Throws Error if no intact one is left, or if it belongs to other settings or data,
/// naming the first that differs.
LoadedCheckpoint read_checkpoint(const std::string &file, const Identity &identity);

/// Throws Error as read_checkpoint() does if FILE is intact and of another fit.
void check_checkpoint(const std::string &file, const Identity &identity);

/// Held by the fit that works on a checkpoint: FILE.lock, which ends with the process and is
/// deleted with the object. Throws Error naming the process that holds it. File systems without
/// locks give none.
class CheckpointLock {
 public:
  explicit CheckpointLock(const std::string &file);
  ~CheckpointLock();
  CheckpointLock(const CheckpointLock &) = delete;
  CheckpointLock &operator=(const CheckpointLock &) = delete;

 private:
  const std::string name;
  int handle = -1;
};

/// Whether there is an intact checkpoint of a fit whose outputs are not yet all written.
bool is_open_checkpoint(const std::string &file);

/// Deletes FILE and FILE_prev, if they exist.
void remove_checkpoint(const std::string &file);

}    // namespace torchpot

#endif
