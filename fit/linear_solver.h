// Weighted least squares of many rows by orthogonal factors, never by normal equations.
#ifndef TORCHPOT_FIT_LINEAR_SOLVER_H
#define TORCHPOT_FIT_LINEAR_SOLVER_H

#include <cstddef>
#include <vector>

namespace torchpot {

/// FitSNAP's bound for singular values that count, of the largest one.
constexpr double SMALLEST_SINGULAR_VALUE = 1e-13;

/// The triangle R of a QR factorization stands for its rows: R^T R = A^T A, so that |A x| = |R x|.
/// factor [n][n] becomes that of rows [n][n_rows]; both have their columns one after another. The
/// rows are overwritten; what is below the diagonal of the factor is zero.
void triangular_factor(std::size_t n_rows, std::size_t n, double *rows, double *factor);

/// The factor of the rows that two factors stand for, in place of the first. The result depends on
/// the order, in its last bits.
void merge_factors(std::size_t n, double *factor, const double *other);

struct LinearSolution {
  std::vector<double> x;    // [n_columns]
  int rank = 0;              // singular values that count
  double condition = 1.0;    // the largest of them over the smallest
};

/// x that minimizes |A x - b|, and among these |x|, where `factor` is that of the rows (A b), with
/// b as last of n_columns + 1 columns. Singular values of A up to `smallest` times the largest are
/// taken for zero, as scipy.linalg.lstsq does. Throws Error for rows that are not finite or all
/// zero.
LinearSolution solve_svd(std::size_t n_columns, const double *factor, double smallest);

/// x that minimizes |A x - b|^2 + alpha |x|^2.
LinearSolution solve_ridge(std::size_t n_columns, const double *factor, double alpha);

}    // namespace torchpot

#endif
