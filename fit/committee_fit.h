// The networks of a committee: what tells them apart, and what they make together.
#ifndef TORCHPOT_FIT_COMMITTEE_FIT_H
#define TORCHPOT_FIT_COMMITTEE_FIT_H

#include "fit_files.h"
#include "trainer.h"

#include <string>
#include <vector>

namespace torchpot {

/// NAME_2.pt for member 2 of NAME.pt. The name itself if there is but one, or if it is empty.
std::string member_file(const std::string &file, int member, int n_members);
/// Those of all members, from 1.
std::vector<std::string> member_files(const std::string &file, int n_members);
/// The checkpoints of all members; none if the input wants none.
std::vector<std::string> member_checkpoints(const Settings &settings);

/// Member 1 is trained as a fit without a committee: number m has the seed + m - 1, and files of
/// its own.
TrainingOptions member_options(const Settings &settings, int member);

/// As many as there are, drawn with replacement from a stream of this seed, in their order: some
/// are there several times.
std::vector<const Sample *> bootstrap(const std::vector<const Sample *> &training,
                                      std::uint64_t seed);

/// After plan_training(). Throws Error if all members would be the same; otherwise a note if they
/// differ in the order of batches alone, or empty.
std::string check_committee(const Settings &settings);

/// One model becomes the outcome itself, several its committee.
void set_members(FitOutcome &outcome, std::vector<FitOutcome> members);
/// The committee's results from those of its members, which take the date and versions from it.
void join_members(FitOutcome &outcome);
/// Errors of each member as "network 1", "network 2", ...; none if there is no committee.
std::vector<Baseline> member_errors(const FitOutcome &outcome);

}    // namespace torchpot

#endif
