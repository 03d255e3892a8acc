// The potential that is subtracted from the labels, evaluated by LAMMPS in this process.
#ifndef TORCHPOT_FIT_REFERENCE_H
#define TORCHPOT_FIT_REFERENCE_H

#include "dataset.h"
#include "settings.h"

#include <memory>
#include <string>
#include <vector>

namespace torchpot {

/// One LAMMPS, reused for all configurations; one object per thread is not possible, LAMMPS has
/// global state. Starts MPI if that has not been done.
class ReferencePotential {
 public:
  /// Atom types are numbered as `elements`. Throws Error with the LAMMPS command that failed.
  ReferencePotential(const ReferenceSettings &settings, const std::vector<std::string> &elements);
  ~ReferencePotential();

  /// Sets reference_energy, reference_force and reference_stress. Cells of any orientation and
  /// handedness: they are turned into the triangular form that LAMMPS wants, results are turned
  /// back. Directions that are not periodic get a cell in which images are out of reach.
  void compute(Configuration &configuration);

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation;
};

/// Version of the LAMMPS that this program is linked with, such as 20250722.
int lammps_library_version();

/// The cell in LAMMPS's form: rows of `box` are (lx 0 0), (xy ly 0), (xz yz lz), and `rotation`
/// turns a vector x of the data into rotation x, with determinant 1 or, for left-handed cells, -1.
struct TriangularCell {
  double box[3][3];
  double rotation[3][3];
};
TriangularCell triangular_cell(const double cell[3][3]);

/// rotation x, and its transpose times x. in and out may be the same.
void rotate(const double rotation[3][3], const double *in, double *out);
void rotate_back(const double rotation[3][3], const double *in, double *out);
/// A symmetric tensor (xx yy zz xy xz yz) turned back: rotation^T s rotation.
void rotate_stress_back(const double rotation[3][3], const double *in, double *out);

}    // namespace torchpot

#endif
