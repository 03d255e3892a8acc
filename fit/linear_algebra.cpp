// Weighted linear least squares by normal equations.
#include "linear_algebra.h"

#include "torchpot_error.h"

#include <algorithm>
#include <cmath>

namespace torchpot {

LeastSquares::LeastSquares(int n_columns) :
    n(n_columns), matrix(n * n, 0.0), right(n, 0.0)
{
}

void LeastSquares::add(std::size_t n_rows, const double *rows, const double *targets,
                       double weight)
{
  // four rows at a time: each element of the matrix is then loaded and stored once for four
  constexpr std::size_t BLOCK = 4;
  for (std::size_t r = 0; r < n_rows; r += BLOCK) {
    const std::size_t m = std::min(BLOCK, n_rows - r);
    const double *a[BLOCK];
    double weights[BLOCK];
    for (std::size_t q = 0; q < BLOCK; q++) {
      a[q] = rows + (r + (q < m ? q : 0)) * n;
      weights[q] = q < m ? weight : 0.0;
    }
    for (std::size_t i = 0; i < n; i++) {
      const double f0 = weights[0] * a[0][i], f1 = weights[1] * a[1][i];
      const double f2 = weights[2] * a[2][i], f3 = weights[3] * a[3][i];
      if (f0 == 0.0 && f1 == 0.0 && f2 == 0.0 && f3 == 0.0) continue;
      double *row = &matrix[i * n];
      for (std::size_t j = i; j < n; j++)
        row[j] += f0 * a[0][j] + f1 * a[1][j] + (f2 * a[2][j] + f3 * a[3][j]);
      for (std::size_t q = 0; q < m; q++) right[i] += weight * a[q][i] * targets[r + q];
    }
  }
}

std::vector<double> LeastSquares::solve(double ridge) const
{
  for (std::size_t i = 0; i < n; i++)
    if (!std::isfinite(matrix[i * n + i]) || !std::isfinite(right[i]))
      throw Error("the equations of the linear fit hold a number that is not finite", "",
                  "column " + std::to_string(i + 1));
  std::vector<double> scale(n), scaled(n * n), x(n);
  for (std::size_t i = 0; i < n; i++) {
    const double square = matrix[i * n + i];
    scale[i] = square > 0.0 ? 1.0 / std::sqrt(square) : 0.0;
  }
  for (;; ridge = std::max(10.0 * ridge, 1e-16)) {
    for (std::size_t i = 0; i < n; i++) {
      for (std::size_t j = i; j < n; j++)
        scaled[i * n + j] = matrix[i * n + j] * scale[i] * scale[j];
      scaled[i * n + i] = 1.0 + ridge;
      x[i] = right[i] * scale[i];
    }
    if (cholesky(n, scaled.data(), 1e-13)) break;
  }
  cholesky_solve(n, scaled.data(), x.data());
  for (std::size_t i = 0; i < n; i++) x[i] *= scale[i];
  return x;
}

bool cholesky(std::size_t n, double *a, double smallest)
{
  for (std::size_t i = 0; i < n; i++) {
    double *row = a + i * n;
    if (!(row[i] > smallest)) return false;
    const double inverse = 1.0 / std::sqrt(row[i]);
    for (std::size_t j = i; j < n; j++) row[j] *= inverse;
    for (std::size_t k = i + 1; k < n; k++) {
      const double f = row[k];
      double *below = a + k * n;
      for (std::size_t j = k; j < n; j++) below[j] -= f * row[j];
    }
  }
  return true;
}

void cholesky_solve(std::size_t n, const double *a, double *x)
{
  for (std::size_t i = 0; i < n; i++) {
    x[i] /= a[i * n + i];
    for (std::size_t j = i + 1; j < n; j++) x[j] -= a[i * n + j] * x[i];
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t j = i + 1; j < n; j++) x[i] -= a[i * n + j] * x[j];
    x[i] /= a[i * n + i];
  }
}

}    // namespace torchpot
