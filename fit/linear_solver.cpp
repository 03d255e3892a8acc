// Weighted least squares of many rows by orthogonal factors, never by normal equations.
#include "linear_solver.h"

#include "torchpot_error.h"

#include <Eigen/QR>
#include <Eigen/SVD>

#include <algorithm>
#include <functional>

namespace torchpot {

namespace {

using Matrix = Eigen::MatrixXd;
using View = Eigen::Map<Matrix>;
using ConstView = Eigen::Map<const Matrix>;

/// x = V filter(s) U^T b with the singular values s of A.
LinearSolution solve(std::size_t n_columns, const double *factor,
                     const std::function<double(double s, double largest)> &filter)
{
  const Eigen::Index n = (Eigen::Index) n_columns;
  const ConstView all(factor, n + 1, n + 1);
  for (Eigen::Index k = 0; k <= n; k++)
    if (!all.col(k).allFinite())
      throw Error("a number that is not finite in the linear fit", "least squares",
                  k < n ? "column " + std::to_string(k + 1) : "the labels");
  LinearSolution result;
  const Eigen::BDCSVD<Matrix> svd(all.topLeftCorner(n, n),
                                  Eigen::ComputeThinU | Eigen::ComputeThinV);
  if (svd.info() != Eigen::Success || !svd.singularValues().allFinite())
    throw Error("the singular values of the linear fit did not converge", "least squares", "", "",
                "Check the weights in [GROUPS]");
  const Eigen::VectorXd &s = svd.singularValues();
  if (n == 0 || s[0] == 0.0)
    throw Error("there is nothing to fit: all weighted rows are zero", "least squares", "", "",
                "Check the weights and training sizes in [GROUPS], and what [CALCULATOR] fits");
  Eigen::VectorXd y = svd.matrixU().transpose() * all.topRightCorner(n, 1);
  for (Eigen::Index k = 0; k < n; k++) {
    const double inverse = filter(s[k], s[0]);
    y[k] *= inverse;
    if (inverse == 0.0) continue;
    result.rank++;
    result.condition = s[0] / s[k];
  }
  const Eigen::VectorXd x = svd.matrixV() * y;
  result.x.assign(x.data(), x.data() + n);
  return result;
}

}    // namespace

void triangular_factor(std::size_t n_rows, std::size_t n, double *rows, double *factor)
{
  View a(rows, n_rows, n), r(factor, n, n);
  r.setZero();
  if (n_rows == 0) return;
  Eigen::HouseholderQR<Eigen::Ref<Matrix>> qr(a);
  const Eigen::Index filled = (Eigen::Index) std::min(n_rows, n);
  r.topRows(filled) = qr.matrixQR().topRows(filled).triangularView<Eigen::Upper>();
}

void merge_factors(std::size_t n, double *factor, const double *other)
{
  Matrix both(2 * n, n);
  both.topRows(n) = ConstView(factor, n, n);
  both.bottomRows(n) = ConstView(other, n, n);
  triangular_factor(2 * n, n, both.data(), factor);
}

LinearSolution solve_svd(std::size_t n_columns, const double *factor, double smallest)
{
  return solve(n_columns, factor, [&](double s, double largest) {
    return s > smallest * largest ? 1.0 / s : 0.0;
  });
}

LinearSolution solve_ridge(std::size_t n_columns, const double *factor, double alpha)
{
  // what is not determined but for rounding stays zero, also without regularization
  return solve(n_columns, factor, [&](double s, double largest) {
    return s > SMALLEST_SINGULAR_VALUE * largest ? s / (s * s + alpha) : 0.0;
  });
}

}    // namespace torchpot
