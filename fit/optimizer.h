// Learning rates over the epochs, and optimizers that see all training data in every step.
#ifndef TORCHPOT_FIT_OPTIMIZER_H
#define TORCHPOT_FIT_OPTIMIZER_H

#include <cstddef>
#include <cstdint>
#include <vector>

namespace torchpot {

/// adam steps after each batch; lbfgs and levenberg see all training data in each step, which is
/// then an epoch.
enum class OptimizerKind { adam, lbfgs, levenberg };
const char *to_string(OptimizerKind);

enum class ScheduleKind { constant, cosine, exponential, plateau };
const char *to_string(ScheduleKind);

struct ScheduleSettings {
  ScheduleKind kind = ScheduleKind::constant;
  double warmup = 0.0;          // epochs over which the rate rises from zero
  double final_factor = 0.01;   // cosine, exponential: last over first rate; plateau: the smallest
  double decay_factor = 0.5;    // plateau: what the rate is multiplied with
  int patience = 50;            // plateau: epochs without a better validation loss before that
};

/// What the learning rate is multiplied with after `epochs` (with fraction) of n_epochs. For
/// plateau the factor is all that the warm-up does; the rest is Plateau's.
double schedule_factor(const ScheduleSettings &settings, double epochs, int n_epochs);

/// The state of ScheduleKind::plateau.
struct Plateau {
  double factor = 1.0;
  double best = 0.0;    // lowest score so far
  int waited = -1;      // epochs since then; -1: no score yet
  void update(const ScheduleSettings &settings, double score);
};

/// A loss over all training data as a function of the parameters.
class Objective {
 public:
  virtual ~Objective() = default;
  /// The loss; its gradient [n] as well unless null.
  virtual double evaluate(const double *parameters, double *gradient) = 0;
  /// result [n] = J^T W J v, with J the derivatives of the residuals at the parameters of the last
  /// evaluate() with a gradient and the loss = sum W residual^2 (half of its Hessian if the
  /// residuals were linear); or an estimate of it that is the same within a step.
  virtual void product(const double *v, double *result) = 0;
  /// result [n] = J^T W^(1/2) r with random signs r, other ones for each number: the mean of the
  /// squares is the diagonal of J^T W J. C. Bekas et al., Appl. Numer. Math. 57, 1214 (2007).
  virtual void probe(int number, double *result) = 0;
};

/// What an optimizer keeps between steps, for checkpoints.
struct OptimizerMemory {
  std::int64_t n_steps = 0;
  std::vector<std::vector<double>> arrays;
  std::vector<double> numbers;
};

/// One L-BFGS step: J. Nocedal and S. J. Wright, Numerical Optimization (2006), algorithms 7.4 and
/// 3.5 (line search for the strong Wolfe conditions). Returns the loss at the new parameters, which
/// is never above that at the old ones. The same loss twice: no further progress is possible.
double lbfgs_step(Objective &objective, OptimizerMemory &memory, std::size_t n,
                  double *parameters);

/// One Levenberg-Marquardt step, the linear system solved by conjugate gradients. As
/// D. W. Marquardt has it, J. Soc. Ind. Appl. Math. 11, 431 (1963), parameters are scaled by the
/// diagonal of J^T W J, which also preconditions; the damping follows H. B. Nielsen,
/// IMM-REP-1999-05. Returns the loss at the new parameters, which is never above that at the old
/// ones.
double levenberg_step(Objective &objective, OptimizerMemory &memory, std::size_t n,
                      double *parameters);

}    // namespace torchpot

#endif
