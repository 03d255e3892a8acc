// A made-up fit for the tests of output files and report: three groups, made by a fixed rule.
#ifndef TORCHPOT_TEST_SAMPLE_RESULTS_H
#define TORCHPOT_TEST_SAMPLE_RESULTS_H

#include "results.h"

#include <cmath>

namespace torchpot_test {

/// n configurations of each group, each third one a test configuration, of 1 to 8 atoms times
/// `factor`; every force component is off by +-0.1.
inline torchpot::FitResults sample_results(int n, int factor = 1, int n_groups = 3)
{
  torchpot::FitResults results;
  for (int g = 0; g < n_groups; ++g)
    for (int k = 0; k < n; ++k) {
      torchpot::ConfigurationResult c;
      c.file = "conf_" + std::to_string(k) + ".json";
      c.group = "group" + std::to_string(g);
      c.test = k % 3 == 2;
      c.n_atoms = (1 + k % 8) * factor;
      c.energy = -4.0 + 0.1 * g + std::sin(k);
      c.predicted_energy = c.energy + (k % 2 ? 0.02 : -0.02);
      c.first_atom = results.type.size();
      for (int i = 0; i < 3 * c.n_atoms; ++i) {
        results.force.push_back(3.0 * std::sin(12.9 * i + 7.1 * k + g));
        results.predicted_force.push_back(results.force.back() + (i % 2 ? 0.1 : -0.1));
        if (i % 3 == 0) results.type.push_back(i % 2);
      }
      results.configurations.push_back(c);
    }
  return results;
}

}    // namespace torchpot_test

#endif
