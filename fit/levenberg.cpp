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
constexpr double FIRST_DAMPING = 1e-3;   // of the curvature along the gradient
constexpr int MAX_ATTEMPTS = 12;

/// Solves (A + damping) step = rhs approximately; returns step . A step as well.
double solve(Objective &objective, const Vector &rhs, double damping, Vector &step)
{
  const std::size_t n = rhs.size();
  Vector residual = rhs, p = rhs, product(n);
  step.assign(n, 0.0);
  double rr = dot(residual, residual);
  const double goal = TOLERANCE * TOLERANCE * rr;
  for (int k = 0; k < MAX_PRODUCTS && rr > goal; k++) {
    objective.product(p.data(), product.data());
    const double curvature = dot(p, product) + damping * dot(p, p);
    if (!(curvature > 0.0)) break;    // rounding
    const double alpha = rr / curvature;
    for (std::size_t i = 0; i < n; i++) {
      step[i] += alpha * p[i];
      residual[i] -= alpha * (product[i] + damping * p[i]);
    }
    const double next = dot(residual, residual);
    for (std::size_t i = 0; i < n; i++) p[i] = residual[i] + next / rr * p[i];
    rr = next;
  }
  // A step = rhs - residual - damping step
  return dot(step, rhs) - dot(step, residual) - damping * dot(step, step);
}

}    // namespace

// arrays: gradient; numbers: loss, damping, its next factor
double levenberg_step(Objective &objective, OptimizerMemory &memory, std::size_t n,
                      double *parameters)
{
  const Vector start(parameters, parameters + n);
  Vector gradient(n), rhs(n), step, x(n);
  const double loss = objective.evaluate(parameters, gradient.data());
  for (std::size_t k = 0; k < n; k++) rhs[k] = -0.5 * gradient[k];
  if (memory.numbers.empty()) {
    objective.product(rhs.data(), x.data());
    memory.numbers = {loss, FIRST_DAMPING * dot(rhs, x) / std::max(dot(rhs, rhs), 1e-300), 2.0};
  }
  double &damping = memory.numbers[1], &factor = memory.numbers[2];
  for (int attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const double curvature = solve(objective, rhs, damping, step);
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
