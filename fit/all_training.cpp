// The loss of all training configurations as a function that optimizers minimize.
#include "all_training.h"

#include "adam.h"

#include <algorithm>
#include <cmath>

namespace torchpot {

namespace {

constexpr double STEP = 1e-6;    // of difference quotients, of the largest parameter
// measured on the Si and Ni sets of Zuo et al. 2020: see doc/torchpot_fit.md
constexpr std::size_t RESIDUALS_PER_PARAMETER = 40, MAX_PARTS = 8;
constexpr std::size_t MIN_CONFIGURATIONS = 16;    // of a part

}    // namespace

AllTraining::AllTraining(Loss &loss, const LossSettings &settings,
                         const std::vector<const Sample *> &samples) :
    loss(loss), samples(samples), factors(samples.size())
{
  loss_factors(settings, samples.size(), samples.data(), factors.data());
  std::size_t n_residuals = 0;
  for (const Sample *sample : samples) n_residuals += sample->n_residuals();
  const std::size_t wanted = n_residuals / (RESIDUALS_PER_PARAMETER * loss.n_parameters());
  const std::size_t possible = std::min(MAX_PARTS, samples.size() / MIN_CONFIGURATIONS);
  n_parts = std::max<std::size_t>(1, std::min(wanted, possible));
}

double AllTraining::evaluate(const double *parameters, double *gradient)
{
  loss.set_parameters(parameters);
  if (gradient) {
    point.assign(parameters, parameters + loss.n_parameters());
    part_samples.clear();
  }
  return loss.evaluate(samples.size(), samples.data(), factors.data(), gradient);
}

// J v as a quotient of differences: the residuals are smooth, and the optimizer that asks for it works
// in double
void AllTraining::product(const double *v, double *result)
{
  if (part_samples.empty()) take_part();
  double squares = 0.0, largest = 1.0;
  for (std::size_t k = 0; k < point.size(); k++) {
    squares += v[k] * v[k];
    largest = std::max(largest, std::fabs(point[k]));
  }
  const double step = STEP * largest / std::sqrt(squares);
  there = point;
  for (std::size_t k = 0; k < point.size(); k++) there[k] += step * v[k];
  loss.set_parameters(point.data());
  loss.product(part_samples.size(), part_samples.data(), part_factors.data(),
               part_predicted.data(), there.data(), step, result);
}

// the adjoint of residuals r / W^(1/2), which product() sees as a change of the predictions
void AllTraining::probe(int number, double *result)
{
  if (part_samples.empty()) take_part();
  Random random(step, number);
  probed = part_predicted;
  double *p = probed.data();
  const auto move = [&](std::size_t n, double factor) {
    const double size = factor > 0.0 ? 1.0 / std::sqrt(factor) : 0.0;
    for (std::size_t k = 0; k < n; k++) *p++ -= random.uniform() < 0.5 ? size : -size;
  };
  for (std::size_t m = 0; m < part_samples.size(); m++) {
    move(1, part_factors[m].energy);
    move(3 * (std::size_t) part_samples[m]->n_atoms, part_factors[m].force);
    move(6, part_factors[m].virial);
  }
  loss.set_parameters(point.data());
  loss.product(part_samples.size(), part_samples.data(), part_factors.data(), probed.data(),
               point.data(), 1.0, result);
}

// Every n_parts-th configuration stands for all: in their order, groups have their shares. The
// predictions are made anew: of several ranks each has those of its chunks of this part alone.
void AllTraining::take_part()
{
  part_factors.clear();
  for (std::size_t m = part; m < samples.size(); m += n_parts) {
    part_samples.push_back(samples[m]);
    part_factors.push_back(factors[m]);
    part_factors.back().scale((double) n_parts);
  }
  const std::size_t n = part_samples.size();
  part_predicted.assign(Loss::prediction_size(n, part_samples.data()), 0.0);
  loss.set_parameters(point.data());
  loss.evaluate(n, part_samples.data(), part_factors.data(), nullptr, nullptr,
                part_predicted.data());
}

}    // namespace torchpot
