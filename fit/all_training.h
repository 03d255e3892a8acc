// The loss of all training configurations as a function that optimizers minimize.
#ifndef TORCHPOT_FIT_ALL_TRAINING_H
#define TORCHPOT_FIT_ALL_TRAINING_H

#include "loss.h"
#include "optimizer.h"

#include <vector>

namespace torchpot {

/// For optimizers that see all data in each step. The Gauss-Newton matrix of product() and probe()
/// is that of a part of the configurations, in each step another one, that has many residuals for
/// each parameter: R. H. Byrd et al., SIAM J. Optim. 21, 977 (2011). Collective, as Loss.
class AllTraining : public Objective {
 public:
  /// loss and samples must outlive this object.
  AllTraining(Loss &loss, const LossSettings &settings, const std::vector<const Sample *> &samples);

  std::size_t number_of_parts() const { return n_parts; }

  /// To be called before each step; steps of the same number see the same part.
  void start_step(std::size_t number)
  {
    step = number;
    part = number % n_parts;
  }
  double evaluate(const double *parameters, double *gradient) override;
  void product(const double *v, double *result) override;
  void probe(int number, double *result) override;

 private:
  void take_part();

  Loss &loss;
  const std::vector<const Sample *> &samples;
  std::vector<LossFactors> factors;
  std::vector<double> point, there;
  std::size_t n_parts = 1, part = 0, step = 0;
  std::vector<const Sample *> part_samples;    // empty until the first product after evaluate()
  std::vector<LossFactors> part_factors;
  std::vector<double> part_predicted, probed;
};

}    // namespace torchpot

#endif
