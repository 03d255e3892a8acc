// L-BFGS with a line search for the strong Wolfe conditions.
#include "optimizer.h"

#include "vector_sums.h"

#include <algorithm>
#include <cmath>

namespace torchpot {

namespace {

using Vector = std::vector<double>;

constexpr std::size_t MEMORY = 30;       // pairs of changes
constexpr double DECREASE = 1e-4;        // c1 and c2 of the Wolfe conditions
constexpr double CURVATURE = 0.9;
constexpr int MAX_EVALUATIONS = 20;      // of a line search

/// Algorithm 7.4; pairs s, y from the oldest to the newest.
Vector direction(const Vector &gradient, const std::vector<Vector> &pairs)
{
  Vector d = gradient, alpha(pairs.size() / 2);
  for (std::size_t p = alpha.size(); p-- > 0;) {
    const Vector &s = pairs[2 * p], &y = pairs[2 * p + 1];
    alpha[p] = dot(s, d) / dot(s, y);
    add_multiple(d, -alpha[p], y);
  }
  if (!pairs.empty()) {
    const Vector &s = pairs[pairs.size() - 2], &y = pairs.back();
    const double gamma = dot(s, y) / dot(y, y);
    for (double &x : d) x *= gamma;
  }
  for (std::size_t p = 0; p < alpha.size(); p++) {
    const Vector &s = pairs[2 * p], &y = pairs[2 * p + 1];
    add_multiple(d, alpha[p] - dot(y, d) / dot(s, y), s);
  }
  for (double &x : d) x = -x;
  return d;
}

/// The loss along a line.
class Line {
 public:
  Line(Objective &objective, const Vector &start, const Vector &direction) :
      objective(objective), start(start), d(direction), x(start), gradient(start.size())
  {
  }
  double value = 0.0, slope = 0.0;

  void move(double t)
  {
    for (std::size_t k = 0; k < x.size(); k++) x[k] = start[k] + t * d[k];
    value = objective.evaluate(x.data(), gradient.data());
    slope = dot(gradient, d);
    if (!std::isfinite(slope)) value = HUGE_VAL;
  }

  Objective &objective;
  const Vector &start, &d;
  Vector x, gradient;
};

/// Minimum of the cubic through two points with slopes, kept inside of the interval.
double cubic(double a, double fa, double da, double b, double fb, double db)
{
  const double d1 = da + db - 3.0 * (fa - fb) / (a - b), root = d1 * d1 - da * db;
  const double low = std::min(a, b), width = std::fabs(b - a);
  if (!(root >= 0.0)) return 0.5 * (a + b);
  const double d2 = (b > a ? 1.0 : -1.0) * std::sqrt(root);
  const double t = b - (b - a) * (db + d2 - d1) / (db - da + 2.0 * d2);
  if (!std::isfinite(t)) return 0.5 * (a + b);
  return std::clamp(t, low + 0.1 * width, low + 0.9 * width);
}

/// Algorithms 3.5 and 3.6. Leaves the line at the point found; false if nothing is lower.
bool search(Line &line, double f0, double slope0, double t)
{
  double low = 0.0, f_low = f0, d_low = slope0, high = 0.0, f_high = 0.0, d_high = 0.0;
  bool bracketed = false;
  for (int n = 0; n < MAX_EVALUATIONS; n++) {
    line.move(t);
    const bool too_high = line.value > f0 + DECREASE * t * slope0 || line.value >= f_low;
    if (!too_high && std::fabs(line.slope) <= -CURVATURE * slope0) return true;
    if (too_high || (bracketed ? line.slope * (high - low) >= 0.0 : line.slope >= 0.0)) {
      if (!too_high) {    // the minimum lies between here and the former best
        high = low;
        f_high = f_low;
        d_high = d_low;
        low = t;
        f_low = line.value;
        d_low = line.slope;
      } else {
        high = t;
        f_high = line.value;
        d_high = line.slope;
      }
      bracketed = true;
    } else {
      low = t;
      f_low = line.value;
      d_low = line.slope;
    }
    if (!bracketed)
      t *= 2.5;
    else if (std::isfinite(f_high))
      t = cubic(low, f_low, d_low, high, f_high, d_high);
    else
      t = low + 0.1 * (high - low);
    if (bracketed && std::fabs(high - low) < 1e-14 * std::max(1.0, std::fabs(low))) break;
  }
  if (low <= 0.0) return false;
  line.move(low);
  return line.value < f0;
}

}    // namespace

// arrays: gradient, then the pairs; numbers: the loss
double lbfgs_step(Objective &objective, OptimizerMemory &memory, std::size_t n,
                  double *parameters)
{
  const Vector start(parameters, parameters + n);
  if (memory.arrays.empty()) {
    memory.arrays.assign(1, Vector(n));
    memory.numbers = {objective.evaluate(parameters, memory.arrays[0].data())};
  }
  const Vector gradient = memory.arrays[0];
  std::vector<Vector> pairs(memory.arrays.begin() + 1, memory.arrays.end());
  const double f0 = memory.numbers[0];
  for (int attempt = 0; attempt < 2; attempt++) {
    const Vector d = direction(gradient, pairs);
    const double slope = dot(gradient, d), size = std::sqrt(dot(gradient, gradient));
    Line line(objective, start, d);
    const double t = pairs.empty() ? std::min(1.0, 1.0 / size) : 1.0;
    if (slope < 0.0 && size > 0.0 && search(line, f0, slope, t)) {
      Vector s = line.x, y = line.gradient;
      add_multiple(s, -1.0, start);
      add_multiple(y, -1.0, gradient);
      if (dot(s, y) > 1e-12 * std::sqrt(dot(s, s) * dot(y, y))) {
        if (pairs.size() == 2 * MEMORY) pairs.erase(pairs.begin(), pairs.begin() + 2);
        pairs.push_back(std::move(s));
        pairs.push_back(std::move(y));
      }
      std::copy(line.x.begin(), line.x.end(), parameters);
      memory.numbers[0] = line.value;
      memory.arrays.assign(1, line.gradient);
      memory.arrays.insert(memory.arrays.end(), pairs.begin(), pairs.end());
      memory.n_steps++;
      return line.value;
    }
    pairs.clear();    // once more along the gradient
  }
  memory.arrays.resize(1);
  return f0;
}

}    // namespace torchpot
