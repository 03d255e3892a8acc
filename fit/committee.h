// Several models of the same data: their mean, and how far they disagree.
#ifndef TORCHPOT_FIT_COMMITTEE_H
#define TORCHPOT_FIT_COMMITTEE_H

#include "results.h"

#include <cstddef>
#include <iosfwd>
#include <string>
#include <vector>

namespace torchpot {

/// The first one's labels with the mean of the predictions. Throws Error if there are none, or if
/// they are not of the same configurations.
FitResults committee_mean(const std::vector<const FitResults *> &members);

/// As pair style torchpot has it, with N models:
///   energy of a configuration   sqrt(1/N sum_m (E_m - mean E)^2) / atoms
///   force on an atom            sqrt(1/N sum_m |F_m - mean F|^2)
/// Atoms of configurations without forces, whose derivatives are not there, have NaN.
struct CommitteeSpread {
  std::vector<double> energy;    // [n_configurations] per atom
  std::vector<double> force;     // [n_atoms]
};
CommitteeSpread committee_spread(const std::vector<const FitResults *> &members);

/// Spread beside the error of the mean, of one quantity in one set.
struct SpreadPairs {
  std::vector<double> spread, error;    // |dE| per atom of configurations, |dF| of atoms

  double mean_spread() const;    // NaN if there are none, as for the others
  double mean_error() const;
  double correlation() const;    // rank_correlation()
};
/// Those of configurations with that label: [0] training, [1] test.
struct SpreadErrors {
  SpreadPairs energy[2], force[2];
};
SpreadErrors spread_errors(const FitResults &mean, const CommitteeSpread &spread);

/// Spearman's: that of the ranks, where equal values share their mean rank. NaN for fewer than two
/// pairs or without variation.
double rank_correlation(const std::vector<double> &x, const std::vector<double> &y);

/// Filename Group Natoms Energy_Truth Energy_Pred Energy_Spread Force_Spread_Mean Force_Spread_Max
/// Testing_Bool; energies per atom, of the mean, and nan where there is nothing.
void write_committee(const FitResults &mean, const CommitteeSpread &spread, std::ostream &out);

/// Lines for a terminal: mean spread, mean error and rank correlation in each set.
std::string spread_report(const SpreadErrors &errors, const std::string &units, bool divided);

}    // namespace torchpot

#endif
