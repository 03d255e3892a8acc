// What a fit ends with, as plain numbers: labels, predictions and errors, which the output files,
// the printed table and the report all show.
#ifndef TORCHPOT_FIT_RESULTS_H
#define TORCHPOT_FIT_RESULTS_H

#include <cstddef>
#include <limits>
#include <string>
#include <vector>

namespace torchpot {

/// Labels and predictions of one configuration, both without the reference potential.
struct ConfigurationResult {
  std::string file, group;
  bool test = false;
  int n_atoms = 0;
  double energy = std::numeric_limits<double>::quiet_NaN();    // per atom; NaN: no label
  double predicted_energy = 0.0;                               // per atom
  double reference_energy = 0.0;    // per atom: add it for the energy of the data and of MD
  bool has_forces = true;
  std::size_t first_atom = 0;    // row of the arrays over atoms
  // xx yy zz xy xz yz, in the unit of shown_pressure(); add the reference as for the energy
  bool has_stress = false;    // a label and a prediction
  double stress[6] = {0, 0, 0, 0, 0, 0}, predicted_stress[6] = {0, 0, 0, 0, 0, 0};
  double reference_stress[6] = {0, 0, 0, 0, 0, 0};
};

/// All configurations, in the order of the data.
struct FitResults {
  std::vector<ConfigurationResult> configurations;
  std::vector<int> type;                        // [n_atoms] element index, from 0
  std::vector<double> force, predicted_force;    // [n_atoms][3]
  std::vector<double> reference_force;           // [n_atoms][3]; empty: zero

  /// Reference force to add to component i of the arrays above.
  double reference(std::size_t i) const
  {
    return reference_force.empty() ? 0.0 : reference_force[i];
  }
};

/// Mean absolute and root-mean-square error of `count` energies per atom, of all components of
/// the forces on `count` atoms, or of those of `count` stresses. NaN where there are none.
struct ErrorSummary {
  std::size_t count = 0;
  double mae = std::numeric_limits<double>::quiet_NaN();
  double rmse = std::numeric_limits<double>::quiet_NaN();
};

struct ErrorRow {
  std::string group;    // "*ALL": all groups together
  ErrorSummary energy[2], force[2], stress[2];    // [0] training, [1] test configurations
  bool has(int set) const { return energy[set].count || force[set].count || stress[set].count; }
};
/// Whether there are stresses among the data, so that tables show them.
bool has_stress(const std::vector<ErrorRow> &table);

/// *ALL, then the groups in the order in which the data names them.
std::vector<ErrorRow> error_table(const FitResults &results);

/// Errors of a model too simple to be used, for comparison: other predictions of the same energies,
/// forces and stresses (those of the data, with the reference potential in them).
struct Baseline {
  std::string name;
  ErrorSummary energy[2], force[2], stress[2];
  bool has(int set) const { return energy[set].count || force[set].count || stress[set].count; }
};
/// Each energy per atom predicted as the mean of the training configurations' energies per atom.
Baseline mean_energy_baseline(const FitResults &results);
/// Each force and stress predicted as zero.
Baseline zero_force_baseline(const FitResults &results);
/// The *ALL row of other predictions for the same configurations.
Baseline baseline_from(const std::string &name, const FitResults &results);

}    // namespace torchpot

#endif
