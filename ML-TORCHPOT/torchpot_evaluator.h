// Model plus geometry gives energies and forces: what the pair style, the trainer's final tables
// and the model checker all call.
#ifndef TORCHPOT_EVALUATOR_H
#define TORCHPOT_EVALUATOR_H

#include "torchpot_model.h"

#include <memory>

namespace torchpot {

class Evaluator {
 public:
  /// fast = false: slow reference descriptor and network, for diagnosis and tests.
  Evaluator(const Model &model, Precision precision, bool fast = true);
  ~Evaluator();

  /// energy [n_centers]; pair_gradient [n_pairs][3], see Descriptor::energies_and_gradients.
  void compute(const Neighborhoods &hoods, double *energy, double *pair_gradient);

 private:
  std::unique_ptr<Descriptor> descriptor;
  std::unique_ptr<BlockEnergy<double>> function;
  std::unique_ptr<BlockEnergy<float>> function_float;
};

}    // namespace torchpot

#endif
