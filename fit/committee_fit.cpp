// The networks of a committee: what tells them apart, and what they make together.
#include "committee_fit.h"

#include "adam.h"
#include "torchpot_error.h"

#include <algorithm>
#include <filesystem>
#include <limits>

namespace torchpot {

namespace {

// Beyond the streams of Random that the start (0) and the epochs (1, 2, ...) have.
constexpr std::uint64_t BOOTSTRAP_STREAM = std::numeric_limits<std::uint64_t>::max();

}    // namespace

std::string member_file(const std::string &file, int member, int n_members)
{
  if (n_members == 1 || file.empty()) return file;
  std::filesystem::path path(file);
  path.replace_filename(path.stem().string() + "_" + std::to_string(member) +
                        path.extension().string());
  return path.string();
}

std::vector<std::string> member_files(const std::string &file, int n_members)
{
  std::vector<std::string> files;
  for (int m = 1; m <= n_members; m++) files.push_back(member_file(file, m, n_members));
  return files;
}

std::vector<std::string> member_checkpoints(const Settings &s)
{
  if (s.torchpot.checkpoint.empty()) return {};
  return member_files(s.torchpot.checkpoint, s.torchpot.committee);
}

TrainingOptions member_options(const Settings &s, int member)
{
  TrainingOptions options = training_options(s);
  options.seed += member - 1;
  options.checkpoint = member_file(options.checkpoint, member, s.torchpot.committee);
  return options;
}

std::vector<const Sample *> bootstrap(const std::vector<const Sample *> &training,
                                      std::uint64_t seed)
{
  Random random(seed, BOOTSTRAP_STREAM);
  std::vector<std::size_t> drawn(training.size());
  for (std::size_t &m : drawn) m = random.below(training.size());
  std::sort(drawn.begin(), drawn.end());
  std::vector<const Sample *> samples;
  for (const std::size_t m : drawn) samples.push_back(training[m]);
  return samples;
}

std::string check_committee(const Settings &s)
{
  const TorchpotSettings &t = s.torchpot;
  if (t.committee == 1 || t.bootstrap || s.pytorch.state_input.empty()) return "";
  const bool in_batches = t.optimizer == OptimizerKind::adam && s.pytorch.shuffle;
  if (!in_batches || s.pytorch.num_epochs == 0)
    throw Error("the networks of this committee would all be the same: they start from one saved "
                "network and are trained alike",
                "[PYTORCH] save_state_input", s.pytorch.state_input,
                "no saved network, or batches in random order",
                "Let them differ in their data with [TORCHPOT] committee_data = bootstrap");
  return "all networks of the committee start from " + s.pytorch.state_input +
      " and differ in the order of batches alone: their spread tells less than that of networks "
      "from different starts";
}

void set_members(FitOutcome &outcome, std::vector<FitOutcome> members)
{
  const FitOutcome &first = members.at(0);
  outcome.network = first.network;
  outcome.history = first.history;
  outcome.best_epoch = first.best_epoch;
  if (members.size() > 1) outcome.members = std::move(members);
}

void join_members(FitOutcome &outcome)
{
  std::vector<const FitResults *> results;
  for (FitOutcome &member : outcome.members) {
    results.push_back(&member.results);
    member.member = (int) results.size();
    member.trained = outcome.trained;
    member.date = outcome.date;
    member.lammps_version = outcome.lammps_version;
  }
  outcome.results = committee_mean(results);
  outcome.spread = committee_spread(results);
}

std::vector<Baseline> member_errors(const FitOutcome &outcome)
{
  std::vector<Baseline> rows;
  for (const FitOutcome &member : outcome.members)
    rows.push_back(baseline_from("network " + std::to_string(member.member), member.results));
  return rows;
}

}    // namespace torchpot
