// Judges whether forces are those of the energy: what `check yes` of the pair style reports.
#include "torchpot_check.h"

#include "torchpot_error.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace torchpot {
namespace {

std::string number(double x)
{
  char text[32];
  std::snprintf(text, sizeof(text), "%.6g", x);
  return text;
}

std::string name(const ForceSample &sample)
{
  return std::string("force component ") + "xyz"[sample.direction] + " of atom " +
      std::to_string(sample.id);
}

// not below, so that NaN is not
bool within(double x, double limit)
{
  return std::fabs(x) <= limit;
}

}    // namespace

double ForceSample::deviation() const
{
  double best = INFINITY;
  for (double d : difference) best = std::min(best, std::fabs(d - force));
  return std::isfinite(force) ? best : INFINITY;
}

double ForceCheck::largest_deviation() const
{
  double largest = 0.0;
  for (const ForceSample &sample : samples) largest = std::max(largest, sample.deviation());
  return largest;
}

double ForceCheck::net_tolerance() const
{
  return 1e-10 * scale * std::sqrt((double) std::max<std::int64_t>(n_atoms, 1)) + 1e-13 * n_atoms;
}

std::string ForceCheck::report() const
{
  return "  sum of forces      " + number(net_force[0]) + " " + number(net_force[1]) + " " +
      number(net_force[2]) + " (tolerance " + number(net_tolerance()) + ")\n" +
      "  finite differences largest deviation " + number(largest_deviation()) + " of " +
      std::to_string(samples.size()) + " force components (tolerance " +
      number(tolerance * scale) + ")\n";
}

void ForceCheck::require() const
{
  const std::string next = "The model's forces cannot be trusted; please report this";
  for (int d = 0; d < 3; d++)
    if (!within(net_force[d], net_tolerance()))
      throw Error("the forces do not sum to zero", "check of the pair style",
                  std::string("component ") + "xyz"[d] + " " + number(net_force[d]),
                  "below " + number(net_tolerance()), next);
  for (const ForceSample &sample : samples)
    if (!within(sample.deviation(), tolerance * scale)) {
      std::string found;
      for (double d : sample.difference) found += (found.empty() ? "" : ", ") + number(d);
      throw Error("the force differs from the change of the energy",
                  "check of the pair style, " + name(sample), number(sample.force),
                  found + " by finite differences", next);
    }
}

}    // namespace torchpot
