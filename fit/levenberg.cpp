// Levenberg-Marquardt with conjugate gradients: no matrix is formed.
#include "optimizer.h"

#include "vector_sums.h"

#include <algorithm>
#include <cmath>

namespace torchpot {

namespace {

using Vector = std::vector<double>;

constexpr int MAX_PRODUCTS = 60;         // of a step
constexpr double TOLERANCE = 0.05;       // residual of the linear system over its right-hand side
constexpr double FIRST_DAMPING = 1e-2;   // of the diagonal
constexpr int MAX_ATTEMPTS = 12;
// random vectors for the diagonal, which is averaged over the steps
constexpr int FIRST_PROBES = 16, PROBES = 2;
constexpr double KEEP = 0.9, SMALLEST = 1e-8;    // SMALLEST: of the largest element

/// Adds the mean of the squares of some probes, times weight.
void add_diagonal(Objective &objective, int n_probes, double weight, Vector &diagonal)
{
  Vector probe(diagonal.size());
  for (int k = 0; k < n_probes; k++) {
    objective.probe(k, probe.data());
    for (std::size_t i = 0; i < probe.size(); i++)
      diagonal[i] += weight / n_probes * probe[i] * probe[i];
  }
}

/// Solves (A + damping D) step = rhs approximately; returns step . A step as well.
double solve(Objective &objective, const Vector &rhs, double damping, const Vector &d, Vector &step)
{
  const std::size_t n = rhs.size();
  Vector residual = rhs, scaled(n), p(n), product(n), damped(n);
  const auto scale = [&] {
    for (std::size_t i = 0; i < n; i++) scaled[i] = residual[i] / d[i];
  };
  scale();
  p = scaled;
  step.assign(n, 0.0);
  double rr = dot(residual, scaled);
  const double goal = TOLERANCE * TOLERANCE * rr;
  for (int k = 0; k < MAX_PRODUCTS && rr > goal; k++) {
    objective.product(p.data(), product.data());
    for (std::size_t i = 0; i < n; i++) product[i] += damping * d[i] * p[i];
    const double curvature = dot(p, product);
    if (!(curvature > 0.0)) break;    // rounding
    add_multiple(step, rr / curvature, p);
    add_multiple(residual, -rr / curvature, product);
    scale();
    const double next = dot(residual, scaled);
    for (std::size_t i = 0; i < n; i++) p[i] = scaled[i] + next / rr * p[i];
    rr = next;
  }
  // A step = rhs - residual - damping D step
  for (std::size_t i = 0; i < n; i++) damped[i] = damping * d[i] * step[i];
  return dot(step, rhs) - dot(step, residual) - dot(step, damped);
}

/// D: the diagonal, nowhere zero.
Vector scale_of(const Vector &diagonal)
{
  double largest = 0.0;
  for (const double x : diagonal) largest = std::max(largest, x);
  Vector d = diagonal;
  for (double &x : d) x = std::max({x, SMALLEST * largest, 1e-300});
  return d;
}

}    // namespace

// arrays: diagonal; numbers: loss, damping, its next factor
double levenberg_step(Objective &objective, OptimizerMemory &memory, std::size_t n,
                      double *parameters)
{
  const Vector start(parameters, parameters + n);
  Vector gradient(n), rhs(n), step, x(n);
  const double loss = objective.evaluate(parameters, gradient.data());
  for (std::size_t k = 0; k < n; k++) rhs[k] = -0.5 * gradient[k];
  if (memory.numbers.empty()) {
    memory.numbers = {loss, FIRST_DAMPING, 2.0};
    memory.arrays = {Vector(n, 0.0)};
    add_diagonal(objective, FIRST_PROBES, 1.0, memory.arrays[0]);
  } else {
    for (double &value : memory.arrays[0]) value *= KEEP;
    add_diagonal(objective, PROBES, 1.0 - KEEP, memory.arrays[0]);
  }
  const Vector d = scale_of(memory.arrays[0]);
  double &damping = memory.numbers[1], &factor = memory.numbers[2];
  for (int attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const double curvature = solve(objective, rhs, damping, d, step);
    const double predicted = 2.0 * dot(step, rhs) - curvature;
    for (std::size_t k = 0; k < n; k++) x[k] = start[k] + step[k];
    const double value = objective.evaluate(x.data(), nullptr);
    const double ratio = (loss - value) / predicted;
    if (std::isfinite(value) && value < loss) {
      std::copy(x.begin(), x.end(), parameters);
      damping *= std::max(1.0 / 3.0, 1.0 - std::pow(2.0 * std::min(ratio, 1.0) - 1.0, 3.0));
      factor = 2.0;
      memory.numbers[0] = value;
      memory.n_steps++;
      return value;
    }
    damping *= factor;
    factor = std::min(2.0 * factor, 1e6);
  }
  return loss;
}

}    // namespace torchpot
