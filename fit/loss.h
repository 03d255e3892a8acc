// The weighted energy, force and stress loss of a batch of configurations and its gradient.
#ifndef TORCHPOT_FIT_LOSS_H
#define TORCHPOT_FIT_LOSS_H

#include "samples.h"
#include "torchpot_network_batch.h"

#include <limits>
#include <memory>
#include <vector>

namespace torchpot {

/// With N_m atoms in configuration m of the M of a batch, dE_m and dF_mi prediction minus label,
/// and dW_m = V_m dS_m the six components of the stress's error times the volume, an energy:
///   fitsnap      mean over m of wE_m (dE_m / N_m)^2
///                + mean over all force components of wF_m dF^2   (as FitSNAP computes it)
///                + mean over m and six components of wS_m (dW_m / N_m)^2
///   documented   1/M sum_m 1/N_m { wE_m dE_m^2 + wF_m / 3 sum_i |dF_mi|^2 + wS_m / 6 |dW_m|^2 }
/// Configurations without a label of energy, forces or stress do not count in that mean of
/// `fitsnap`.
enum class LossForm { fitsnap, documented };
const char *to_string(LossForm);

struct LossSettings {
  LossForm form = LossForm::fitsnap;
  /// Weights for all configurations alike; NaN: the weights of each configuration.
  double energy_weight = std::numeric_limits<double>::quiet_NaN();
  double force_weight = std::numeric_limits<double>::quiet_NaN();
  double stress_weight = 0.0;    // 0: stresses are not fitted
};

/// The loss of a batch is  sum_m energy_m dE_m^2 + force_m sum_i |dF_mi|^2 + virial_m |dW_m|^2
/// with these factors.
struct LossFactors {
  double energy = 0.0, force = 0.0, virial = 0.0;
  void scale(double x)
  {
    energy *= x;
    force *= x;
    virial *= x;
  }
};
/// factors [n] for a batch of n configurations
void loss_factors(const LossSettings &settings, std::size_t n, const Sample *const *batch,
                  LossFactors *factors);

/// Sums over configurations for mean errors.
struct ErrorSums {
  std::size_t n_energies = 0, n_forces = 0, n_stresses = 0;    // configurations, components
  double energy = 0.0, force = 0.0;    // sums of |dE / N| and of |dF|
  double stress = 0.0;                 // of |dS| as it is shown: Sample::shown_stress

  void add(const ErrorSums &other)
  {
    n_energies += other.n_energies;
    n_forces += other.n_forces;
    n_stresses += other.n_stresses;
    energy += other.energy;
    force += other.force;
    stress += other.stress;
  }
  double energy_mae() const { return energy / (double) n_energies; }    // NaN if there are none
  double force_mae() const { return force / (double) n_forces; }
  double stress_mae() const { return stress / (double) n_stresses; }
};

/// Evaluates batches. A batch is cut into chunks of whole configurations, in order; the ranks share
/// them out, and what the chunks contribute is added in order. What a chunk contributes is computed
/// by BatchLoss or, through libtorch, by the object of make_torch_loss().
class Loss {
 public:
  virtual ~Loss() = default;

  virtual void set_parameters(const double *parameters) = 0;

  /// The loss; sets gradient [n_parameters()] if not null and adds to sums if not null. With
  /// several ranks evaluate() and product() are collective; all ranks have the results.
  double evaluate(std::size_t n, const Sample *const *batch, double *gradient,
                  ErrorSums *sums = nullptr);
  /// The same with given factors [n] in place of those of the batch. `predicted`, if not null,
  /// gets energy, forces and virial of each configuration, one after another: prediction_size(). Of
  /// several ranks each has the predictions of its own chunks, for product() with the same batch.
  double evaluate(std::size_t n, const Sample *const *batch, const LossFactors *factors,
                  double *gradient, ErrorSums *sums = nullptr, double *predicted = nullptr);
  static std::size_t prediction_size(std::size_t n, const Sample *const *batch);

  /// result = J^T W J v, with W the factors, J the derivatives of the predictions with respect to
  /// the parameters, and J v = (predictions with the parameters `moved` - predicted) / step: these
  /// are the present ones plus step times v.
  void product(std::size_t n, const Sample *const *batch, const LossFactors *factors,
               const double *predicted, const double *moved, double step, double *result);

  std::size_t n_parameters() const { return n; }

 protected:
  Loss(std::size_t n_parameters, const LossSettings &loss, Ranks &ranks);

  struct Chunk {
    std::size_t n_samples;
    const Sample *const *samples;
    const LossFactors *factors;
    std::size_t predicted;    // where its predictions begin
  };
  /// Energy, forces and virial of one configuration.
  static std::size_t predicted_numbers(const Sample &sample)
  {
    return 1 + 3 * (std::size_t) sample.n_atoms + 6;
  }

  /// A chunk of this batch ends with the configuration that brings it to this number of atoms.
  virtual std::size_t chunk_atoms(std::size_t n, const Sample *const *batch) const = 0;
  /// The loss of a chunk, and what else is not null: the gradient [n] and error sums, both set, and
  /// predictions.
  virtual double evaluate_chunk(const Chunk &chunk, double *partial, ErrorSums *sums,
                                double *predicted) = 0;
  /// The part of product() of a chunk, after set_moved().
  virtual void set_moved(const double *parameters) = 0;
  virtual void product_chunk(const Chunk &chunk, const double *predicted, double step,
                             double *partial) = 0;

  const std::size_t n;
  LossSettings settings;
  Ranks &ranks;

 private:
  struct Slot;    // what a chunk contributes
  Chunk next_chunk(std::size_t n, const Sample *const *batch, const LossFactors *factors,
                   const Chunk &before, std::size_t full) const;
  /// Calls work(chunk, partial gradient, sums) for the chunks; returns the sum of what it returns,
  /// and adds up the partial gradients and the error sums unless they are null.
  template <class Work>
  double sum_chunks(std::size_t n, const Sample *const *batch, const LossFactors *factors,
                    double *gradient, ErrorSums *sums, Work &&work);
  void add_slots(std::size_t n_slots, std::size_t first_chunk, double *gradient, ErrorSums *sums,
                 double &loss);

  std::vector<LossFactors> factors;
  std::size_t n_slots;
  std::unique_ptr<SharedMemory> memory;    // slots of chunks, then the sum of gradients
};

/// By our own kernels. The chunks depend on the batch alone, so that the result has the same bits
/// on any number of ranks. Nothing is allocated once the largest batch has been seen.
class BatchLoss : public Loss {
 public:
  BatchLoss(const NetworkParameters &network, const LossSettings &loss, Precision precision,
            Ranks &ranks = single_rank());

  void set_parameters(const double *parameters) override { network->set_parameters(parameters); }

  /// Energy of the configuration, forces [n_atoms][3] and, if not null, virial [6], which is NaN
  /// where the sample has no strain derivatives.
  double predict(const Sample &sample, double *force, double *virial = nullptr);

 private:
  std::size_t chunk_atoms(std::size_t n, const Sample *const *batch) const override;
  double evaluate_chunk(const Chunk &chunk, double *partial, ErrorSums *sums,
                        double *predicted) override;
  double evaluate_sample(const Sample &sample, const LossFactors &factors, int first_atom,
                         bool with_gradient, ErrorSums *sums, double *predicted);
  double force_loss(const Sample &sample, double factor, int first_atom, bool with_gradient,
                    ErrorSums *sums, double *predicted);
  double virial_loss(const Sample &sample, double factor, int first_atom, bool with_gradient,
                     ErrorSums *sums, double *predicted);
  void set_moved(const double *parameters) override;
  void product_chunk(const Chunk &chunk, const double *predicted, double step,
                     double *partial) override;
  void predict_forces(const Sample &sample, int first_atom, double *result) const;
  void predict_virial(const Sample &sample, int first_atom, double *result) const;
  void add_force_adjoint(const Sample &sample, int first_atom, const double *factor);
  void add_virial_adjoint(const Sample &sample, int first_atom, const double *factor);
  void forward(std::size_t n_samples, const Sample *const *samples);
  void reserve(int n_atoms);

  int n_descriptors;
  NetworkParameters shape;    // its parameters are those of the start
  Precision precision;
  std::unique_ptr<NetworkBatch> network;
  std::vector<int> element;
  // over the atoms of a chunk: descriptors, energies, dE/dB, dL/dE, dL/d(dE/dB), forces
  std::vector<double> descriptor, energy, slope, energy_factor, slope_factor, force;
  std::unique_ptr<BatchLoss> other;    // with the parameters of set_moved()
};

}    // namespace torchpot

#endif
