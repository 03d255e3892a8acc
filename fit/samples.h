// What training sees of a data set: targets, descriptors and their derivatives.
#ifndef TORCHPOT_FIT_SAMPLES_H
#define TORCHPOT_FIT_SAMPLES_H

#include "dataset.h"

#include <cstddef>
#include <limits>
#include <vector>

namespace torchpot {

/// View of one configuration; whoever made it owns the arrays. Energy, forces and virial are those
/// to be learned, without the reference potential. NaN energy, null force or virial: no label.
/// The virial W is volume times stress, in the energy unit; that of a model with slopes g_i is
/// - sum_i g_i . strain_i.
struct Sample {
  int n_atoms = 0;
  const int *element = nullptr;          // [n_atoms]
  const double *descriptor = nullptr;    // [n_atoms][K]
  std::size_t n_blocks = 0;              // blocks of derivatives as in struct Configuration:
  const int *row = nullptr, *column = nullptr;    // [n_blocks]
  const double *derivative = nullptr;             // [n_blocks][3][K], or null and
  const float *derivative_single = nullptr;       // the same in single precision
  double energy = std::numeric_limits<double>::quiet_NaN();    // of the whole configuration
  const double *force = nullptr;                               // [n_atoms][3]
  const double *strain = nullptr;    // [n_atoms][6][K] derivatives by strain; null: not known
  const double *virial = nullptr;    // [6] xx yy zz xy xz yz; only with strain
  double shown_stress = 0.0;         // stress as it is shown (for metal in GPa) for a virial of 1
  double energy_weight = 1.0, force_weight = 1.0, stress_weight = 1.0;    // those of its group

  bool has_energy() const { return energy == energy; }
  bool has_forces() const { return force != nullptr; }
  bool has_virial() const { return virial != nullptr; }
  std::size_t n_residuals() const
  {
    return has_energy() + 3 * (std::size_t) n_atoms * has_forces() + 6 * has_virial();
  }
  bool has_label() const { return has_energy() || has_forces() || has_virial(); }
  /// use(derivatives) in the precision that they are stored in.
  template <class Use> void with_derivative(Use &&use) const
  {
    if (derivative_single)
      use(derivative_single);
    else
      use(derivative);
  }
};

/// The configurations of a data set, which must outlive this object.
class SampleSet {
 public:
  /// Leaves out all energies or all forces on request, and takes stresses as virials on request,
  /// of configurations that have a stress, a volume and strain derivatives. Throws Error naming
  /// the configuration if it has forces but no derivatives, or if a target is not a number.
  explicit SampleSet(const Dataset &dataset, bool energies = true, bool forces = true,
                     bool stresses = false);
  SampleSet(const SampleSet &) = delete;

  int n_elements, n_descriptors;
  bool single;    // derivatives are stored in single precision
  std::vector<Sample> all;    // in the order of the data set
  std::vector<const Sample *> training, validation;    // those with a label

 private:
  void take_stress(const Configuration &configuration, const Dataset &dataset, bool fitted,
                   Sample &sample);

  std::vector<double> force_targets, virial_targets;    // never moved once samples point to them
};

/// Least squares of the training energies on the compositions: energy per atom of each element.
/// The mean energy per atom plus the smallest correction where compositions do not tell the
/// elements apart. Zero without energies.
std::vector<double> composition_energies(const std::vector<const Sample *> &samples,
                                         int n_elements);

/// Mean and standard deviation of the descriptors over the atoms of `samples`: [n_sets][K], one
/// set for all elements or one for each. A descriptor without spread gets the scale 1, so that it
/// enters as zero; so does an element without atoms.
void descriptor_scaling(const std::vector<const Sample *> &samples, int n_descriptors, int n_sets,
                        std::vector<double> &shift, std::vector<double> &scale);

}    // namespace torchpot

#endif
