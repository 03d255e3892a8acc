// One run of torchpot_fit: check, fit, or evaluate a model.
#ifndef TORCHPOT_FIT_RUN_H
#define TORCHPOT_FIT_RUN_H

#include "settings.h"

#include <functional>
#include <string>
#include <vector>

namespace torchpot {

struct RunOptions {
  std::string input;
  std::vector<Override> overrides;
  bool overwrite = false;    // outputs may be replaced
  bool restart = false;      // so they may, and a checkpoint is discarded
  bool relative = false;
  bool check = false;      // read and describe everything, compute and write nothing
  std::vector<std::string> evaluate;    // models to be evaluated in place of a fit; none: fit
};

enum class RunStatus { finished, interrupted };

/// Prints what it does to stdout, warnings and notes to stderr; throws Error. stop() is asked
/// between batches and between configurations: if it says yes, the run ends as interrupted, during
/// training after writing a checkpoint.
RunStatus run(const RunOptions &options, const std::function<bool()> &stop);

}    // namespace torchpot

#endif
