// Files that a fit leaves behind, in FitSNAP's formats, and the table printed at its end.
#ifndef TORCHPOT_FIT_OUTPUTS_H
#define TORCHPOT_FIT_OUTPUTS_H

#include "results.h"

#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

namespace torchpot {

/// Before any work: throws Error naming the first of the files that exists, unless overwrite, or
/// whose folder is absent or cannot be written to. Empty names are skipped.
void check_output_files(const std::vector<std::string> &files, bool overwrite);

/// Writes to a temporary file in the same folder, syncs and renames, so that `file` is never seen
/// half-written. Throws Error with the path and the system's reason; the temporary is then gone.
void write_output_file(const std::string &file, const std::function<void(std::ostream &)> &content);
void write_output_file(const std::string &file, const std::string &content);

/// Columns Group Train/Test Property Count MAE RMSE; eV/atom and eV/Angstrom (energy and length
/// units of the data), force errors per component. nan where there is nothing to compare. If there
/// are stresses a third row has their errors per component, for metal in GPa.
/// divided = false: one set, "Evaluation", in place of training and test.
std::string metrics_text(const std::vector<ErrorRow> &table, bool divided = true);

/// Filename Group Natoms Energy_Truth Energy_Pred Testing_Bool; energies per atom. Truth is, as
/// FitSNAP has it, the label less the reference potential.
void write_perconfig(const FitResults &results, std::ostream &out);
/// Filename Group Natoms, six components of the stress (pressure tensor xx yy zz xy xz yz, for
/// metal in GPa) as truth and as predicted, Testing_Bool; of configurations with a stress. Truth
/// as above.
void write_stress(const FitResults &results, std::ostream &out);
/// Filename Group AtomID Type Fx_Truth .. Fz_Pred Testing_Bool; ids and types count from 1.
void write_peratom(const FitResults &results, std::ostream &out);

struct LossPoint {
  int epoch = 0;
  double train = 0.0;
  double validation = std::numeric_limits<double>::quiet_NaN();    // NaN: no validation set
};
/// Three columns without a header: epoch, training loss, validation loss.
std::string loss_text(const std::vector<LossPoint> &history);

/// The LAMMPS commands (`pair_style ...`, `pair_coeff ...`) that stand for the reference potential
/// in MD: those given, without `pair_style zero`, which only lends its cutoff to the neighbor
/// lists of the fit, and as a hybrid/overlay style. Empty if nothing else is left. Throws Error
/// for a style that a sum of potentials cannot stand for.
std::vector<std::string> reference_for_md(const std::vector<std::string> &reference);

/// LAMMPS include file: reference potential plus `pair_style torchpot`. model: file name as LAMMPS
/// shall find it.
std::string potential_mod_text(const std::vector<std::string> &reference, const std::string &model,
                               const std::vector<std::string> &elements);

/// Comment lines to be added for a committee: the LAMMPS commands for its deviations.
std::string deviation_mod_text();

/// The table for a terminal: per group, in meV/atom and meV/Angstrom (if `units` is metal;
/// otherwise in the units' own energies and lengths), with the baselines below. Columns for stress
/// if there are stresses.
std::string error_report(const std::vector<ErrorRow> &table, const std::vector<Baseline> &baselines,
                         const std::string &units, bool divided = true);

/// A cell of it, 10 characters wide: value times factor, or "-" where there is none.
std::string error_cell(double value, double factor);

/// Names and factor with which errors in `units` are shown: "meV/atom", "meV/Angstrom", 1000.
struct ShownUnits {
  std::string energy, force;
  double factor;
};
ShownUnits shown_units(const std::string &units);

}    // namespace torchpot

#endif
