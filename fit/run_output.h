// What a run of torchpot_fit says and leaves behind; the first rank alone speaks.
#ifndef TORCHPOT_FIT_RUN_OUTPUT_H
#define TORCHPOT_FIT_RUN_OUTPUT_H

#include "fit_files.h"

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>

namespace torchpot {

using Clock = std::chrono::steady_clock;
using Between = std::function<void()>;    // called between pieces of work; may throw Interrupted

double seconds_since(Clock::time_point start);
/// "2.51 s", or as duration_text() from a minute on.
std::string seconds_text(double seconds);

/// A line on stdout.
void say(const std::string &text);
/// "kind: text" on stderr.
void warn(const std::string &kind, const std::string &text);

/// A line that counts configurations, on a terminal; between() is called each time.
std::function<void(std::size_t, std::size_t)> descriptor_progress(const Between &between);
/// How long descriptors took, over that line. `how`: threads, or that they came from the cache.
void say_descriptors(double seconds, const std::string &how, FitOutcome &outcome);

/// Those that need no model.
void add_baselines(FitOutcome &outcome);
/// Files and tables; outcome.results are those of the model.
void write_all(const Settings &settings, const Dataset &dataset, FitOutcome &outcome);

}    // namespace torchpot

#endif
