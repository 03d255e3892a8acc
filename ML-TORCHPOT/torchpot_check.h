// Judges whether forces are those of the energy: what `check yes` of the pair style reports.
#ifndef TORCHPOT_CHECK_H
#define TORCHPOT_CHECK_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace torchpot {

/// Derivative of fourth order: sum_k WEIGHT[k] f(x + OFFSET[k] h) / h.
struct DifferenceStencil {
  static constexpr int N_POINTS = 4;
  static constexpr double OFFSET[N_POINTS] = {-2.0, -1.0, 1.0, 2.0};
  static constexpr double WEIGHT[N_POINTS] = {1.0 / 12.0, -8.0 / 12.0, 8.0 / 12.0, -1.0 / 12.0};
};

/// One force component, and minus the derivative of the energy by steps of different length: of
/// these the best counts, since networks with kinks need a short step and others a longer one.
struct ForceSample {
  std::int64_t id = 0;      // of the atom
  int direction = 0;        // 0, 1, 2
  double force = 0.0;
  std::vector<double> difference;

  double deviation() const;
};

struct ForceCheck {
  double net_force[3] = {0.0, 0.0, 0.0};    // sum over all atoms
  std::int64_t n_atoms = 0;
  double scale = 0.0;        // largest |dE_i/dr_j|: what forces are sums of
  double tolerance = 0.0;    // of a sample, in units of scale
  std::vector<ForceSample> samples;

  double largest_deviation() const;
  /// Rounding of a sum over n_atoms.
  double net_tolerance() const;
  /// Figures, a line each.
  std::string report() const;
  /// Throws Error if the forces do not sum to zero, disagree with the differences or are not
  /// numbers.
  void require() const;
};

}    // namespace torchpot

#endif
