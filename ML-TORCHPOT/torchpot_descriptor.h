// Descriptors: functions of an atom's neighborhood that feed a linear model or a network.
#ifndef TORCHPOT_DESCRIPTOR_H
#define TORCHPOT_DESCRIPTOR_H

#include "torchpot_neighborhoods.h"

#include <memory>
#include <string>
#include <vector>

namespace torchpot {

/// Arithmetic of the descriptor and of the network behind it.
enum class Precision { float64, float32 };

/// Parameters of SNAP bispectrum components, with the names, meaning and defaults of LAMMPS's
/// ML-IAP descriptor file (`descriptor sna`). Lengths in the model's length unit.
struct SnapParameters {
  double rcutfac = 4.67637;
  int twojmax = 6;
  std::vector<std::string> elements;    // order of radelem, welem, and of chemical components
  std::vector<double> radelem;          // [n_elements]; cutoff(i,j) = rcutfac (rad_i + rad_j)
  std::vector<double> welem;            // [n_elements] weight of a neighbor of that element
  double rfac0 = 0.99363;
  double rmin0 = 0.0;
  bool switchflag = true;
  bool bzeroflag = true;
  bool bnormflag = false;
  bool chemflag = false;
  bool wselfallflag = false;
  bool switchinnerflag = false;
  std::vector<double> sinnerelem, dinnerelem;    // [n_elements], with switchinnerflag only

  int n_descriptors() const;
  double cutoff(int element1, int element2) const;
  /// Throws Error naming the first field that cannot be used.
  void validate(const std::string &where) const;
};

/// Energies and their derivatives with respect to the descriptors, for `width` atoms of one SIMD
/// block. Arrays over descriptors are [n_descriptors][width], so that atoms run fastest.
/// With padding, the last lanes of a block repeat an atom; their results are ignored.
template <class T> class BlockEnergy {
 public:
  virtual ~BlockEnergy() = default;
  /// in: element [width], descriptor [n_descriptors][width];
  /// out: energy [width], gradient [n_descriptors][width] = d energy / d descriptor.
  virtual void operator()(int width, const int *element, const T *descriptor, T *energy,
                          T *gradient) = 0;
  /// True if gradient depends on element alone; the descriptor then need not be evaluated when
  /// energies are not wanted.
  virtual bool is_linear() const { return false; }
  /// Called before each evaluation of a Descriptor's pass with the centers, rows of the caller's
  /// arrays, that the first n_used lanes are; for functions that were evaluated elsewhere.
  virtual void next_centers(int /*n_used*/, const int * /*center*/) {}
};

/// A descriptor of fixed parameters. Evaluation is const and uses caller-invisible scratch per
/// object: one object per thread.
class Descriptor {
 public:
  virtual ~Descriptor() = default;

  virtual int n_elements() const = 0;
  virtual int n_descriptors() const = 0;
  virtual double cutoff(int element1, int element2) const = 0;
  double max_cutoff() const;

  /// value [n_centers][n_descriptors]
  virtual void values(const Neighborhoods &hoods, double *value) = 0;

  /// value [n_centers][n_descriptors] and derivative [n_pairs][n_descriptors][3], the derivative
  /// of the center's descriptors with respect to the neighbor's position through that pair alone.
  virtual void derivatives(const Neighborhoods &hoods, double *value, double *derivative) = 0;

  /// One pass: descriptors, energies, and one backward sweep.
  /// energy [n_centers]; pair_gradient [n_pairs][3] = d energy(center) / d r_neighbor through that
  /// pair, so that the force on the neighbor is minus this and on the center plus this.
  /// value may be null, or [n_centers][n_descriptors].
  virtual void energies_and_gradients(const Neighborhoods &hoods, BlockEnergy<double> &function,
                                      double *energy, double *pair_gradient,
                                      double *value = nullptr) = 0;
  virtual void energies_and_gradients(const Neighborhoods &hoods, BlockEnergy<float> &function,
                                      double *energy, double *pair_gradient,
                                      double *value = nullptr) = 0;
};

/// SNAP as in A. P. Thompson et al., J. Comput. Phys. 285, 316 (2015), with the index conventions
/// of LAMMPS. `fast` selects the SIMD kernel, otherwise the slow reference (double only).
std::unique_ptr<Descriptor> make_snap(const SnapParameters &parameters, bool fast = true);

/// Names of the SIMD targets compiled in and usable on this processor, best first, and the one in
/// use: avx512, avx2, sse4, ssse3, neon, baseline.
std::vector<std::string> simd_targets();
std::string simd_target();
/// For tests: use this target from now on; empty = the best. Throws Error if it is not usable.
void set_simd_target(const std::string &name);
/// Takes the target that the environment variable TORCHPOT_SIMD names, the first time that it is
/// called in a process. make_snap() calls it.
void choose_simd_target_once();

}    // namespace torchpot

#endif
