// The data of a fit: configurations with labels, descriptors and derivatives.
#ifndef TORCHPOT_FIT_DATASET_H
#define TORCHPOT_FIT_DATASET_H

#include "array.h"
#include "ranks.h"
#include "torchpot_descriptor.h"

#include <cstddef>
#include <limits>
#include <memory>
#include <string>
#include <vector>

namespace torchpot {

/// One configuration. Units are those of `Dataset::units`, for `metal` eV, Angstrom and bar.
/// Vectors in the frame of the data, whatever the orientation of the cell.
struct Configuration {
  std::string file;     // name for tables; with `#N` for N, from 0, in a fitdump or XYZ file
  std::string group;
  bool test = false;    // held out: never trained on
  Cell cell;
  std::vector<double> position;    // [A][3]
  std::vector<int> element;        // [A] index into Dataset::elements

  // Labels as in the data, with [ESHIFT] added. What is not known is NaN and its flag false.
  bool has_energy = false, has_forces = false, has_stress = false;
  double energy = std::numeric_limits<double>::quiet_NaN();    // of the configuration
  std::vector<double> force;                                   // [A][3], empty if not known
  double stress[6] = {0, 0, 0, 0, 0, 0};    // xx yy zz xy xz yz, as LAMMPS's pressure (no kinetic)

  // What the reference potential gives; subtracted from the labels for training.
  double reference_energy = 0.0;
  std::vector<double> reference_force;    // [A][3]; empty: zero
  double reference_stress[6] = {0, 0, 0, 0, 0, 0};

  // Weights of the group; divided by counts if smartweights = 1.
  double energy_weight = 1.0, force_weight = 1.0, stress_weight = 1.0;

  Array<double> descriptor;    // [A][K]

  // Derivatives of the descriptors, summed over the periodic images of a pair. Block b is
  //   d_b[c][k] = - d B_k(row[b]) / d r_c(column[b]),
  // so that with g_i = dE_i/dB_i the force on atom j is the sum of d_b g_row[b] over the blocks
  // with column[b] = j: derivative_forward() of torchpot_network_batch.h. Blocks with row = column,
  // minus the sum of the others of the row, are included; blocks are sorted by (row, column).
  // An atom without neighbors other than its own images has none.
  bool has_derivatives = false;      // they are here, be there blocks or not
  Array<int> row, column;        // [n_blocks]
  Array<double> derivative;      // [n_blocks][3][K]
  Array<float> derivative_single;    // the same, in its place if the data set says so

  /// d B_k(i) / d strain, [A][6][K] in the order of `stress`: with volume V the model's stress is
  /// - 1/V sum_i g_i . strain_derivative_i. Only if asked for, otherwise empty.
  Array<double> strain_derivative;

  static constexpr std::size_t NOT_COUNTED = (std::size_t) -1;
  std::size_t expected_blocks = NOT_COUNTED;    // what count_blocks() says

  int n_atoms() const { return (int) element.size(); }
  std::size_t n_blocks() const { return row.size(); }
  /// Energy to be learned: the label without the reference.
  double energy_target() const { return energy - reference_energy; }
  /// Force to be learned, component c (0 ... 3 A - 1).
  double force_target(std::size_t c) const
  {
    return reference_force.empty() ? force[c] : force[c] - reference_force[c];
  }
  double stress_target(int v) const { return stress[v] - reference_stress[v]; }
};

/// All configurations, in an order that depends on the input alone: the groups as the input names
/// them, within a group by file name (numbers in names by value) or frame.
struct FitDataset {
  std::vector<std::string> elements;
  std::string units = "metal";
  SnapParameters descriptor;
  int n_descriptors = 0;                 // K
  bool single = false;                   // derivatives are in derivative_single
  std::vector<std::string> reference;    // LAMMPS commands; empty if nothing is subtracted
  std::vector<std::string> groups;       // those with configurations, in order
  std::vector<Configuration> configurations;
  bool divided = true;    // false: for an evaluation, none is of a training or test set
  std::vector<std::string> warnings;    // sentences about what may be wrong with the data
  std::shared_ptr<SharedMemory> storage;    // what the arrays refer to, if it is not their own
  double energy_weight = 1.0;    // that of all energies where the input gives no weights
  std::string hash;    // SHA-256 of geometries, labels and split: what training depends on

  std::size_t n_atoms() const
  {
    std::size_t n = 0;
    for (const Configuration &c : configurations) n += c.element.size();
    return n;
  }
  std::size_t count(bool test) const
  {
    std::size_t n = 0;
    for (const Configuration &c : configurations) n += c.test == test;
    return n;
  }
};

/// The short name in fit/. The core has an HDF5 data set of that name, and two types of one name
/// must not be linked together.
using Dataset = FitDataset;

}    // namespace torchpot

#endif
