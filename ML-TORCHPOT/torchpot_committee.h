// One model, or several whose mean is the potential.
#ifndef TORCHPOT_COMMITTEE_H
#define TORCHPOT_COMMITTEE_H

#include "torchpot_model.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace torchpot {

/// Atomic energies [n] and their gradients [n][K] for descriptors [n][K], evaluated outside of the
/// descriptor's pass, by libtorch for instance.
using BatchFunction = std::function<void(int n, const int *element, const double *descriptor,
                                         double *energy, double *gradient)>;

/// Evaluates models of the same elements. Models that share a descriptor share its evaluation.
class Committee {
 public:
  /// fast = false: slow reference descriptor and network, double only. networks: empty, or one
  /// per model that is used in place of the model's own network. Throws Error if there is no
  /// model, or if the models' elements or units differ.
  Committee(const std::vector<Model> &models, Precision precision, bool fast = true,
            std::vector<BatchFunction> networks = {});
  ~Committee();

  int size() const { return n_models; }
  /// Largest over the models.
  double cutoff(int element1, int element2) const;
  /// Descriptors that are evaluated per call of compute().
  int n_evaluations() const { return (int) parts.size(); }

  /// Mean over the models. energy [n_centers]; pair_gradient [n_pairs][3], see
  /// Descriptor::energies_and_gradients.
  void compute(const Neighborhoods &hoods, double *energy, double *pair_gradient);
  /// Model number m alone.
  void compute_member(int m, const Neighborhoods &hoods, double *energy, double *pair_gradient);

 private:
  struct Part;    // models of one descriptor
  std::vector<std::unique_ptr<Part>> parts;
  int n_models;
  std::vector<double> part_energy, part_gradient;
};

}    // namespace torchpot

#endif
