// Strain derivatives and stresses for the made-up data of synthetic_data.h.
#ifndef TORCHPOT_TEST_STRESS_FIXTURE_H
#define TORCHPOT_TEST_STRESS_FIXTURE_H

#include "synthetic_data.h"

namespace torchpot_test {

/// Random strain derivatives, stresses, reference stresses and weights; units in which a virial is
/// volume times stress.
inline void add_random_stress(torchpot::Dataset &data, std::uint64_t seed = 1)
{
  torchpot::Random random(seed, 78);
  data.units = "lj";
  for (torchpot::Configuration &c : data.configurations) {
    for (int v = 0; v < 3; v++) c.cell.vectors[v][v] = 2.0 + random.uniform();
    c.has_stress = true;
    c.stress_weight = 0.5 + random.uniform();
    for (int v = 0; v < 6; v++) c.stress[v] = centered(random, 0.5);
    for (int v = 0; v < 6; v++) c.reference_stress[v] = centered(random, 0.1);
    const std::size_t n = data.n_descriptors;
    for (std::size_t k = 0; k < 6 * c.descriptor.size(); k++)
      c.strain_derivative.edit().push_back((1.0 + k % n) * centered(random, 0.5));
  }
}

/// Takes labels away: of n_kinds kinds of configurations, three at a time, the first has all labels,
/// the next have energy, forces or stress alone, and all labels again.
inline void mix_labels(torchpot::Dataset &data, int n_kinds)
{
  for (std::size_t m = 0; m < data.configurations.size(); m++) {
    torchpot::Configuration &c = data.configurations[m];
    const int kind = (int) (m / 3) % n_kinds;
    if (kind == 1) c.has_forces = c.has_stress = false;
    if (kind == 2) c.has_energy = c.has_stress = false;
    if (kind == 3) c.has_energy = c.has_forces = false;
  }
}

}    // namespace torchpot_test

#endif
