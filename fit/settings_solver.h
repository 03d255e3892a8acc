// The part of the settings that says how the model is fitted: section SOLVER and those of solvers.
#ifndef TORCHPOT_FIT_SETTINGS_SOLVER_H
#define TORCHPOT_FIT_SETTINGS_SOLVER_H

#include "settings.h"

namespace torchpot {

/// Sections SOLVER and RIDGE; before the others, which depend on the solver. Returns the name of
/// the section with the network's keys.
std::string read_solver(const IniFile &ini, Settings &settings);

/// For a linear solver, after the others: kind of the model, what is fitted, default names; notes
/// on keys without effect. Throws Error for what contradicts the solver.
void complete_linear_solver(const IniFile &ini, Settings &settings);

}    // namespace torchpot

#endif
