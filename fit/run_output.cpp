// What a run of torchpot_fit says and leaves behind; the first rank alone speaks.
#include "run_output.h"

#include "committee_fit.h"

#include <cstdio>
#include <unistd.h>

namespace torchpot {

double seconds_since(Clock::time_point start)
{
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string seconds_text(double seconds)
{
  char text[32];
  std::snprintf(text, sizeof text, "%.2f s", seconds);
  return seconds < 60.0 ? text : duration_text(seconds);
}

void say(const std::string &text)
{
  if (!world_ranks().is_first()) return;
  std::printf("%s%s", text.c_str(), !text.empty() && text.back() == '\n' ? "" : "\n");
  std::fflush(stdout);
}

void warn(const std::string &kind, const std::string &text)
{
  if (!world_ranks().is_first()) return;
  std::fflush(stdout);
  std::fprintf(stderr, "%s: %s\n", kind.c_str(), text.c_str());
}

std::function<void(std::size_t, std::size_t)> descriptor_progress(const Between &between)
{
  const bool shown = isatty(fileno(stdout)) && world_ranks().is_first();
  return [=](std::size_t done, std::size_t all) {
    between();
    if (!shown) return;
    std::printf("\rdescriptors of configuration %zu of %zu\r", done, all);
    std::fflush(stdout);
  };
}

void say_descriptors(double seconds, const std::string &how, FitOutcome &outcome)
{
  const std::string time = seconds_text(seconds);
  const int n_ranks = world_ranks().size();
  say("descriptors: " + time + ", " + (n_ranks > 1 ? std::to_string(n_ranks) + " ranks, " : "") +
      how +
      (isatty(fileno(stdout)) ? std::string(30, ' ') : ""));
  outcome.resources.push_back({"descriptors", time + ", " + how});
}

namespace {

/// A network that is worse than the linear model has not learned what it could.
void compare_with_linear(const FitOutcome &outcome)
{
  const ErrorRow all = error_table(outcome.results).at(0);
  for (const Baseline &linear : outcome.baselines) {
    if (linear.name != "linear model") continue;
    if (all.energy[0].mae > linear.energy[0].mae && all.force[0].mae > linear.force[0].mae)
      warn("warning",
           "on the training data the network is worse than the linear model, in energies and in "
           "forces: lower learning_rate, or train longer");
  }
}

/// Stresses that are not fitted follow from energies and forces only where the data have several
/// volumes.
void compare_stress(const FitOutcome &outcome)
{
  const ErrorRow all = error_table(outcome.results).at(0);
  for (const Baseline &zero : outcome.baselines)
    if (zero.name == zero_force_baseline(outcome.results).name &&
        all.stress[0].mae > zero.stress[0].mae)
      warn("warning",
           "the stresses are worse than zero: fit them with [TORCHPOT] stress_weight, or add "
           "configurations of other volumes");
}

}    // namespace

void write_all(const Settings &s, const Dataset &data, FitOutcome &outcome)
{
  if (outcome.date.empty()) outcome.date = date_now();
  outcome.resources.push_back({"memory", peak_memory()});
  const std::string model = outcome.trained ? "" : s.torchpot.model;
  for (const std::string &note : write_fit_files(s, data, outcome, model)) warn("note", note);
  std::vector<Baseline> rows = member_errors(outcome);
  rows.insert(rows.end(), outcome.baselines.begin(), outcome.baselines.end());
  say(error_report(error_table(outcome.results), rows, data.units, data.divided));
  if (!outcome.members.empty())
    say(spread_report(spread_errors(outcome.results, outcome.spread), data.units, data.divided));
  compare_with_linear(outcome);
  compare_stress(outcome);
}

void add_baselines(FitOutcome &outcome)
{
  outcome.baselines = {mean_energy_baseline(outcome.results), zero_force_baseline(outcome.results)};
}

}    // namespace torchpot
