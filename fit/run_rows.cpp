// Runs of linear models on their design rows.
#include "run_rows.h"

#include "design_rows.h"
#include "linear_solver.h"
#include "parallel.h"
#include "reference.h"

#include <cstdio>

namespace torchpot {

namespace {

/// The coefficients of the linear solvers.
std::vector<double> solve_rows(const Settings &s, DesignRows &rows, std::size_t n_columns,
                               const Between &between, FitOutcome &outcome)
{
  const auto start = Clock::now();
  const std::vector<double> factor = rows.factor(between);
  LinearSolution solution;
  world_ranks().together([&] {
    if (!world_ranks().is_first()) return;
    solution = s.solver == SolverKind::ridge
        ? solve_ridge(n_columns, factor.data(), s.ridge_alpha)
        : solve_svd(n_columns, factor.data(), SMALLEST_SINGULAR_VALUE);
  });
  const std::string time = seconds_text(seconds_since(start));
  char text[160];
  std::snprintf(text, sizeof text, "least squares: %s, %zu coefficients, rank %d, condition %.1e",
                time.c_str(), n_columns, solution.rank, solution.condition);
  say(text);
  outcome.resources.push_back({"least squares", time});
  return solution.x;
}

}    // namespace

void work_by_rows(const Settings &s, Dataset &data, const LinearColumns &columns,
                  const Between &between, FitOutcome &outcome)
{
  Ranks &ranks = world_ranks();
  if (ranks.is_first()) say(describe(data, s, DesignRows::predict_memory(data, columns)));
  const auto start = Clock::now();
  DesignRows rows(data, s, columns, descriptor_progress(between), ranks);
  if (rows.is_mapped()) say("the rows are in a file: larger than memory_limit");
  say_descriptors(seconds_since(start),
                  threads_text(thread_count(s.torchpot.threads, ranks.size())), outcome);
  if (!data.reference.empty()) outcome.lammps_version = std::to_string(lammps_library_version());
  std::vector<double> x;
  if (outcome.trained) {
    x = solve_rows(s, rows, columns.count(), between, outcome);
    if (ranks.is_first()) outcome.network = linear_model(columns, x);
  } else
    linear_coefficients(columns, outcome.network, x);
  ranks.together([&] {
    if (!ranks.is_first()) return;
    outcome.results = fit_results(data, rows.predict(x));
    add_reference(data, outcome.results);
    add_baselines(outcome);
    write_all(s, data, outcome);
  });
}

bool goes_by_rows(const Settings &s, const Dataset &data, const FitOutcome &outcome)
{
  if (!s.is_linear_solver()) return false;
  std::vector<double> x;
  return outcome.trained || linear_coefficients(linear_columns(data, s), outcome.network, x);
}

}    // namespace torchpot
