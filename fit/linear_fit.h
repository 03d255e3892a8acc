// Linear and quadratic models by weighted least squares on the rows of the loss.
#ifndef TORCHPOT_FIT_LINEAR_FIT_H
#define TORCHPOT_FIT_LINEAR_FIT_H

#include "loss.h"

#include <functional>

namespace torchpot {

/// Relative eigenvalues of the normal equations below this are damped (LeastSquares::solve).
constexpr double LINEAR_FIT_RIDGE = 1e-9;

/// The linear or quadratic model that minimizes the loss of all samples taken as one batch, over
/// its coefficients and the energy shifts together. input_shift, input_scale and energy_shift of
/// `start` must be set; `start.energy_shift` is changed no further than the energies demand.
/// Quadratic models see the descriptors relative to input_shift, as all models do.
/// between(), if given, is called after each configuration; what it throws ends the work.
/// Throws Error if start.kind is mlp, or if there are too many coefficients.
NetworkParameters linear_fit(NetworkParameters start, const std::vector<const Sample *> &samples,
                             const LossSettings &loss, double ridge = LINEAR_FIT_RIDGE,
                             const std::function<void()> &between = nullptr);

/// Whether the coefficients are few enough (20,000) for the normal equations.
bool is_linear_fit_possible(const NetworkParameters &model);

/// A model of that kind with scaling and energy shifts of the samples and zero coefficients.
NetworkParameters linear_start(NetworkKind kind, ElementMode mode, int n_elements,
                               int n_descriptors, const std::vector<const Sample *> &samples);

}    // namespace torchpot

#endif
