// Several models of the same data: their mean, and how far they disagree.
#include "committee.h"

#include "outputs.h"
#include "torchpot_error.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <ostream>

namespace torchpot {

namespace {

constexpr double UNKNOWN = std::numeric_limits<double>::quiet_NaN();

double mean_of(const std::vector<double> &values)
{
  return std::accumulate(values.begin(), values.end(), 0.0) / (double) values.size();
}

/// 1 for the smallest.
std::vector<double> ranks_of(const std::vector<double> &values)
{
  const std::size_t n = values.size();
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> rank(n);
  for (std::size_t first = 0, last; first < n; first = last) {
    for (last = first + 1; last < n && values[order[last]] == values[order[first]];) last++;
    for (std::size_t k = first; k < last; k++) rank[order[k]] = 0.5 * (double) (first + last + 1);
  }
  return rank;
}

std::string printed(const char *format, double value)
{
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

}    // namespace

FitResults committee_mean(const std::vector<const FitResults *> &members)
{
  if (members.empty()) throw Error("a committee needs at least one model");
  FitResults mean = *members[0];
  const double share = 1.0 / (double) members.size();
  for (std::size_t m = 1; m < members.size(); m++) {
    const FitResults &member = *members[m];
    if (member.configurations.size() != mean.configurations.size() ||
        member.predicted_force.size() != mean.predicted_force.size())
      throw Error("the predictions of the models are not of the same data",
                  "model number " + std::to_string(m + 1),
                  std::to_string(member.configurations.size()) + " configurations",
                  std::to_string(mean.configurations.size()));
    for (std::size_t c = 0; c < mean.configurations.size(); c++) {
      ConfigurationResult &to = mean.configurations[c];
      const ConfigurationResult &from = member.configurations[c];
      to.predicted_energy += from.predicted_energy;
      for (int v = 0; v < 6; v++) to.predicted_stress[v] += from.predicted_stress[v];
    }
    for (std::size_t k = 0; k < mean.predicted_force.size(); k++)
      mean.predicted_force[k] += member.predicted_force[k];
  }
  for (ConfigurationResult &c : mean.configurations) {
    c.predicted_energy *= share;
    for (double &component : c.predicted_stress) component *= share;
  }
  for (double &component : mean.predicted_force) component *= share;
  return mean;
}

CommitteeSpread committee_spread(const std::vector<const FitResults *> &members)
{
  const FitResults mean = committee_mean(members);
  const double share = 1.0 / (double) members.size();
  CommitteeSpread spread;
  spread.force.assign(mean.type.size(), UNKNOWN);
  for (std::size_t c = 0; c < mean.configurations.size(); c++) {
    const ConfigurationResult &of = mean.configurations[c];
    double variance = 0.0;
    for (const FitResults *member : members) {
      const double difference = member->configurations[c].predicted_energy - of.predicted_energy;
      variance += share * difference * difference;
    }
    spread.energy.push_back(std::sqrt(variance));
    if (!of.has_forces) continue;
    for (std::size_t i = of.first_atom; i < of.first_atom + of.n_atoms; i++) {
      double squares = 0.0;
      for (const FitResults *member : members)
        for (std::size_t k = 3 * i; k < 3 * i + 3; k++) {
          const double difference = member->predicted_force[k] - mean.predicted_force[k];
          squares += share * difference * difference;
        }
      spread.force[i] = std::sqrt(squares);
    }
  }
  return spread;
}

double SpreadPairs::mean_spread() const { return mean_of(spread); }
double SpreadPairs::mean_error() const { return mean_of(error); }
double SpreadPairs::correlation() const { return rank_correlation(spread, error); }

SpreadErrors spread_errors(const FitResults &mean, const CommitteeSpread &spread)
{
  SpreadErrors errors;
  const auto add = [](SpreadPairs &to, double s, double error) {
    if (!std::isfinite(s) || !std::isfinite(error)) return;
    to.spread.push_back(s);
    to.error.push_back(error);
  };
  for (std::size_t c = 0; c < mean.configurations.size(); c++) {
    const ConfigurationResult &of = mean.configurations[c];
    if (std::isfinite(of.energy))
      add(errors.energy[of.test], spread.energy[c], std::fabs(of.predicted_energy - of.energy));
    if (!of.has_forces) continue;
    for (std::size_t i = of.first_atom; i < of.first_atom + of.n_atoms; i++) {
      double squares = 0.0;
      for (std::size_t k = 3 * i; k < 3 * i + 3; k++) {
        const double difference = mean.predicted_force[k] - mean.force[k];
        squares += difference * difference;
      }
      add(errors.force[of.test], spread.force[i], std::sqrt(squares));
    }
  }
  return errors;
}

double rank_correlation(const std::vector<double> &x, const std::vector<double> &y)
{
  const std::vector<double> a = ranks_of(x), b = ranks_of(y);
  const double middle = 0.5 * (double) (a.size() + 1);
  double aa = 0.0, bb = 0.0, ab = 0.0;
  for (std::size_t k = 0; k < a.size(); k++) {
    aa += (a[k] - middle) * (a[k] - middle);
    bb += (b[k] - middle) * (b[k] - middle);
    ab += (a[k] - middle) * (b[k] - middle);
  }
  return aa > 0.0 && bb > 0.0 ? ab / std::sqrt(aa * bb) : UNKNOWN;
}

void write_committee(const FitResults &mean, const CommitteeSpread &spread, std::ostream &out)
{
  out << "Filename Group Natoms Energy_Truth Energy_Pred Energy_Spread Force_Spread_Mean "
         "Force_Spread_Max Testing_Bool\n";
  for (std::size_t c = 0; c < mean.configurations.size(); c++) {
    const ConfigurationResult &of = mean.configurations[c];
    const double *first = &spread.force[of.first_atom], *last = first + of.n_atoms;
    const double mean_force = std::accumulate(first, last, 0.0) / of.n_atoms;
    const double largest = of.has_forces ? *std::max_element(first, last) : UNKNOWN;
    out << of.file << ' ' << of.group << ' ' << of.n_atoms;
    for (const double value : {of.energy, of.predicted_energy, spread.energy[c], mean_force,
                               largest})
      out << ' ' << printed("%.15g", value);
    out << (of.test ? " True\n" : " False\n");
  }
}

std::string spread_report(const SpreadErrors &errors, const std::string &units, bool divided)
{
  const ShownUnits shown = shown_units(units);
  const auto line = [&](const std::string &what, const std::string &unit,
                        const SpreadPairs &pairs) {
    if (pairs.spread.empty()) return std::string();
    return what + error_cell(pairs.mean_spread(), shown.factor) +
        error_cell(pairs.mean_error(), shown.factor) + "  " + error_cell(pairs.correlation(), 1.0) +
        "   " + unit + "\n";
  };
  std::string text;
  for (int set = divided; set >= 0; set--) {
    const std::string lines = line("    energy  ", shown.energy, errors.energy[set]) +
        line("    force   ", shown.force + ", length of the vector", errors.force[set]);
    if (lines.empty()) continue;
    char heads[200];
    std::snprintf(heads, sizeof heads, "  %-10s%10s%10s%12s\n",
                  !divided ? "Evaluation" : set ? "Test" : "Training", "spread", "error",
                  "correlation");
    text += heads + lines;
  }
  return "Spread of the committee beside the error of its mean, averages; rank correlation\n" +
      text;
}

}    // namespace torchpot
