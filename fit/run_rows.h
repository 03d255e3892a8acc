// Runs of linear models on their design rows.
#ifndef TORCHPOT_FIT_RUN_ROWS_H
#define TORCHPOT_FIT_RUN_ROWS_H

#include "linear_columns.h"
#include "run_output.h"

namespace torchpot {

/// The linear solvers, and evaluation of what they fitted.
bool goes_by_rows(const Settings &settings, const Dataset &dataset, const FitOutcome &outcome);

/// Fit or evaluation of a linear model by its rows, which alone are kept in memory. Collective.
void work_by_rows(const Settings &settings, Dataset &dataset, const LinearColumns &columns,
                  const Between &between, FitOutcome &outcome);

}    // namespace torchpot

#endif
