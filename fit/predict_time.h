// What a fit will take, from a part of the data.
#ifndef TORCHPOT_FIT_PREDICT_TIME_H
#define TORCHPOT_FIT_PREDICT_TIME_H

#include "dataset.h"
#include "settings.h"

#include <functional>
#include <string>

namespace torchpot {

/// Seconds on this machine as it is now.
struct TimePrediction {
  double descriptors = 0.0;    // of all configurations, unless all come with the data
  double epoch = 0.0;          // or step of an optimizer that sees all data in each; 0: no epochs
  int n_epochs = 0;
};

/// Does a small part of the work: descriptors of some configurations and the loss of a network on
/// them, by our own kernels in this process. After plan_training(). expected_blocks of all
/// configurations must be known. between() is called now and then; what it throws ends the work.
TimePrediction predict_time(const Dataset &dataset, const Settings &settings, int n_threads,
                            const std::function<void()> &between = nullptr);

/// "predicted time: descriptors 12 s, training 3 min 20 s (200 epochs of 1.0 s)"
std::string time_text(const TimePrediction &prediction, const Settings &settings);

}    // namespace torchpot

#endif
