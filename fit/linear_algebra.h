// Weighted linear least squares by normal equations.
#ifndef TORCHPOT_FIT_LINEAR_ALGEBRA_H
#define TORCHPOT_FIT_LINEAR_ALGEBRA_H

#include <cstddef>
#include <vector>

namespace torchpot {

/// Minimizes sum_r w_r (a_r . x - b_r)^2 over rows r added one after another; memory n^2.
class LeastSquares {
 public:
  explicit LeastSquares(int n_columns);

  /// rows [n_rows][n_columns], targets [n_rows], all of weight w
  void add(std::size_t n_rows, const double *rows, const double *targets, double weight);

  /// x [n_columns]. Columns are scaled to unit length first, then ridge * |x|^2 is added, so that
  /// `ridge` is the smallest relative eigenvalue that counts; a column of zeros gets x = 0. The
  /// ridge is raised tenfold until the matrix is positive definite to rounding.
  /// Throws Error for rows that are not finite.
  std::vector<double> solve(double ridge) const;

 private:
  std::size_t n;
  std::vector<double> matrix;    // [n][n], upper triangle of A^T W A
  std::vector<double> right;     // A^T W b
};

/// Cholesky factorization in place of the symmetric [n][n] whose upper triangle is given:
/// upper triangle U with U^T U. Returns false if a pivot is not above `smallest`.
bool cholesky(std::size_t n, double *matrix, double smallest);
/// x with U^T U x = b, in place.
void cholesky_solve(std::size_t n, const double *matrix, double *x);

}    // namespace torchpot

#endif
