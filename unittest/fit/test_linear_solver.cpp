// Factors of rows, singular values and ridge, against hand-worked values and plain dense solutions.
#include "linear_solver.h"
#include "adam.h"
#include "data_fixture.h"
#include "linear_algebra.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace torchpot;

namespace {

/// Rows of n coefficients and the label.
struct Problem {
  std::size_t n;
  std::vector<std::vector<double>> rows;

  std::vector<double> factor(std::size_t begin, std::size_t end) const
  {
    const std::size_t width = n + 1;
    std::vector<double> columns, result(width * width, NAN);
    for (std::size_t k = 0; k < width; k++)
      for (std::size_t r = begin; r < end; r++) columns.push_back(rows[r][k]);
    triangular_factor(end - begin, width, columns.data(), result.data());
    return result;
  }
  std::vector<double> factor() const { return factor(0, rows.size()); }
  /// A^T (A x - b) + alpha x: zero for the solution.
  std::vector<double> gradient(const std::vector<double> &x, double alpha) const
  {
    std::vector<double> sum(n);
    for (std::size_t k = 0; k < n; k++) sum[k] = alpha * x[k];
    for (const std::vector<double> &row : rows) {
      double residual = -row[n];
      for (std::size_t k = 0; k < n; k++) residual += row[k] * x[k];
      for (std::size_t k = 0; k < n; k++) sum[k] += row[k] * residual;
    }
    return sum;
  }
};

Problem random_problem(std::size_t n_rows, std::size_t n, std::uint64_t seed = 1)
{
  Random random(seed, 3);
  Problem problem{n, {}};
  for (std::size_t r = 0; r < n_rows; r++) {
    problem.rows.emplace_back();
    std::vector<double> &row = problem.rows.back();
    for (std::size_t k = 0; k <= n; k++) row.push_back(2.0 * random.uniform() - 1.0);
  }
  return problem;
}

std::vector<double> svd_of(const Problem &problem, double smallest = 1e-13)
{
  return solve_svd(problem.n, problem.factor().data(), smallest).x;
}

}    // namespace

TEST(LinearSolver, LineThroughPoints)
{
  // y = 1, 3, 2 at 0, 1, 2; the last row counts twice in the sum of squares
  const double w = std::sqrt(2.0);
  const Problem problem{2, {{1, 0, 1}, {1, 1, 3}, {w, 2 * w, 2 * w}}};
  const LinearSolution s = solve_svd(2, problem.factor().data(), 1e-13);
  EXPECT_NEAR(s.x[0], 17.0 / 11.0, 1e-14);
  EXPECT_NEAR(s.x[1], 4.0 / 11.0, 1e-14);
  EXPECT_EQ(s.rank, 2);
}

TEST(LinearSolver, FactorHasTheProductsOfTheRows)
{
  for (const std::size_t n_rows : {3, 5, 40}) {    // fewer, as many and more than columns
    const Problem problem = random_problem(n_rows, 4);
    const std::vector<double> r = problem.factor();
    for (int a = 0; a < 5; a++)
      for (int b = 0; b < 5; b++) {
        double sum = 0.0, wanted = 0.0;
        for (int k = 0; k < 5; k++) sum += r[5 * a + k] * r[5 * b + k];
        for (const auto &row : problem.rows) wanted += row[a] * row[b];
        EXPECT_NEAR(sum, wanted, 1e-13 * n_rows);
        if (b > a) EXPECT_EQ(r[5 * a + b], 0.0);
      }
  }
}

TEST(LinearSolver, PartsMergedAreTheWhole)
{
  const Problem problem = random_problem(50, 6);
  std::vector<double> merged = problem.factor(0, 0);    // of no rows at all
  for (const double x : merged) EXPECT_EQ(x, 0.0);
  for (std::size_t begin = 0; begin < 50; begin += 13)
    merge_factors(7, merged.data(), problem.factor(begin, std::min<std::size_t>(50, begin + 13))
                                        .data());
  const std::vector<double> whole = problem.factor();
  for (int k = 0; k < 7; k++)
    for (int l = 0; l < 7; l++)    // rows are determined up to their sign
      EXPECT_NEAR(std::fabs(merged[7 * k + l]), std::fabs(whole[7 * k + l]), 1e-13);
}

TEST(LinearSolver, EqualsThePlainSolution)
{
  const Problem problem = random_problem(60, 8);
  LeastSquares plain(8);
  for (const auto &row : problem.rows) plain.add(1, row.data(), &row[8], 1.0);
  const std::vector<double> x = svd_of(problem), wanted = plain.solve(0.0);
  for (int k = 0; k < 8; k++) EXPECT_NEAR(x[k], wanted[k], 1e-12);
  for (const double g : problem.gradient(x, 0.0)) EXPECT_NEAR(g, 0.0, 1e-13);
}

TEST(LinearSolver, LeastNormOfDependentAndZeroColumns)
{
  Problem problem{3, {}};
  for (const double v : {0.3, -1.0, 2.0, 0.7}) problem.rows.push_back({v, 2 * v, 0.0, 5 * v});
  const LinearSolution s = solve_svd(3, problem.factor().data(), 1e-13);
  EXPECT_EQ(s.rank, 1);
  EXPECT_NEAR(s.x[0], 1.0, 1e-13);
  EXPECT_NEAR(s.x[1], 2.0, 1e-13);
  EXPECT_NEAR(s.x[2], 0.0, 1e-13);
  // fewer rows than columns
  const std::vector<double> x = svd_of({3, {{1, 1, 1, 6}}});
  for (int k = 0; k < 3; k++) EXPECT_NEAR(x[k], 2.0, 1e-13);
}

TEST(LinearSolver, SmallSingularValuesDoNotCount)
{
  const Problem problem{2, {{1, 0, 1}, {0, 1e-6, 1}}};
  EXPECT_NEAR(svd_of(problem, 1e-7)[1], 1e6, 1e-6);
  EXPECT_NEAR(solve_svd(2, problem.factor().data(), 1e-7).condition, 1e6, 1e-3);
  const LinearSolution s = solve_svd(2, problem.factor().data(), 1e-5);
  EXPECT_EQ(s.rank, 1);
  EXPECT_EQ(s.condition, 1.0);
  EXPECT_NEAR(s.x[1], 0.0, 1e-13);
  EXPECT_NEAR(s.x[0], 1.0, 1e-13);
}

// weights and near dependence as in fits of SNAP: normal equations have no digit left of these
TEST(LinearSolver, KeepsItsDigitsWhereNormalEquationsLoseThem)
{
  const double x[3] = {1.0, -2.0, 3.0};
  Random random(7, 7);
  Problem problem{3, {}};
  for (int r = 0; r < 60; r++) {
    const double v = random.uniform(), u = random.uniform(), z = random.uniform();
    std::vector<double> row = {v, v + 1e-6 * u, 1e-3 * z};
    row.push_back(row[0] * x[0] + row[1] * x[1] + row[2] * x[2]);
    const double weight = r % 3 == 0 ? 1e7 : r % 3 == 1 ? 1.0 : 1e-12;
    for (double &entry : row) entry *= weight;
    problem.rows.push_back(row);
  }
  const std::vector<double> found = svd_of(problem);
  for (int k = 0; k < 3; k++) EXPECT_NEAR(found[k], x[k], 1e-7);
}

TEST(LinearSolver, RidgeHasItsClosedForm)
{
  // one column: x = sum a b / (sum a^2 + alpha)
  const Problem column{1, {{1, 2}, {2, 3}}};
  EXPECT_NEAR(solve_ridge(1, column.factor().data(), 3.0).x[0], 8.0 / 8.0, 1e-14);
  for (const double alpha : {1e-8, 0.1, 50.0}) {
    const Problem problem = random_problem(30, 5, 4);
    const std::vector<double> x = solve_ridge(5, problem.factor().data(), alpha).x;
    for (const double g : problem.gradient(x, alpha)) EXPECT_NEAR(g, 0.0, 1e-13);
  }
  // nothing to divide by
  EXPECT_EQ(solve_ridge(2, Problem{2, {{1, 0, 1}}}.factor().data(), 0.0).x[1], 0.0);
}

TEST(LinearSolver, SomeRowMustCount)
{
  const Problem zero{2, {{0, 0, 1}}};
  expect_error([&] { svd_of(zero); }, {"nothing to fit: all weighted rows are zero", "[GROUPS]"});
}

TEST(LinearSolver, NumbersMustBeFinite)
{
  const Problem column{2, {{1, NAN, 1}, {0, 1, 1}}}, label{2, {{1, 0, INFINITY}, {0, 1, 1}}};
  expect_error([&] { svd_of(column); }, {"not finite in the linear fit", "column"});
  expect_error([&] { svd_of(label); }, {"not finite in the linear fit", "the labels"});
}
