// Model plus geometry gives energies and forces.
#include "torchpot_evaluator.h"

namespace torchpot {
namespace {

/// The network by plain loops, one atom at a time.
class ReferenceEnergy : public BlockEnergy<double> {
 public:
  explicit ReferenceEnergy(const NetworkParameters &parameters) :
      parameters(parameters), one(parameters.n_descriptors), beta(parameters.n_descriptors)
  {
  }

  void operator()(int width, const int *element, const double *descriptor, double *energy,
                  double *gradient) override
  {
    for (int lane = 0; lane < width; lane++) {
      for (std::size_t k = 0; k < one.size(); k++) one[k] = descriptor[k * width + lane];
      energy[lane] = network_reference(parameters, element[lane], one.data(), beta.data());
      for (std::size_t k = 0; k < one.size(); k++) gradient[k * width + lane] = beta[k];
    }
  }

 private:
  const NetworkParameters parameters;
  std::vector<double> one, beta;
};

}    // namespace

Evaluator::Evaluator(const Model &model, Precision precision, bool fast) :
    descriptor(make_snap(model.descriptor, fast))
{
  if (!fast)
    function = std::make_unique<ReferenceEnergy>(model.network);
  else if (precision == Precision::float32)
    function_float = make_block_energy<float>(model.network);
  else
    function = make_block_energy<double>(model.network);
}

Evaluator::~Evaluator() = default;

void Evaluator::compute(const Neighborhoods &hoods, double *energy, double *pair_gradient)
{
  if (function)
    descriptor->energies_and_gradients(hoods, *function, energy, pair_gradient);
  else
    descriptor->energies_and_gradients(hoods, *function_float, energy, pair_gradient);
}

}    // namespace torchpot
