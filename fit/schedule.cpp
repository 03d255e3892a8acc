// Learning rates over the epochs.
#include "optimizer.h"

#include <algorithm>
#include <cmath>

namespace torchpot {

const char *to_string(OptimizerKind kind)
{
  switch (kind) {
    case OptimizerKind::lbfgs: return "lbfgs";
    case OptimizerKind::levenberg: return "levenberg";
    default: return "adam";
  }
}

const char *to_string(ScheduleKind kind)
{
  switch (kind) {
    case ScheduleKind::cosine: return "cosine";
    case ScheduleKind::exponential: return "exponential";
    case ScheduleKind::plateau: return "plateau";
    default: return "constant";
  }
}

double schedule_factor(const ScheduleSettings &s, double epochs, int n_epochs)
{
  const double rise = s.warmup > 0.0 ? std::min(1.0, epochs / s.warmup) : 1.0;
  const double length = n_epochs - s.warmup;
  const double done = length > 0.0 ? std::clamp((epochs - s.warmup) / length, 0.0, 1.0) : 1.0;
  double factor = 1.0;
  if (s.kind == ScheduleKind::cosine)
    factor = s.final_factor + (1.0 - s.final_factor) * 0.5 * (1.0 + std::cos(M_PI * done));
  if (s.kind == ScheduleKind::exponential) factor = std::pow(s.final_factor, done);
  return rise * factor;
}

void Plateau::update(const ScheduleSettings &settings, double score)
{
  if (!std::isfinite(score)) return;
  if (waited < 0 || score < best) {
    best = score;
    waited = 0;
    return;
  }
  if (++waited < settings.patience) return;
  factor = std::max(factor * settings.decay_factor, settings.final_factor);
  waited = 0;
}

}    // namespace torchpot
