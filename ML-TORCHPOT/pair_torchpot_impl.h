// What pair style torchpot keeps; included by its sources only.
#ifndef LMP_PAIR_TORCHPOT_IMPL_H
#define LMP_PAIR_TORCHPOT_IMPL_H

#include "pair_torchpot.h"

#include "torchpot_committee.h"
#include "torchpot_pair_settings.h"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace LAMMPS_NS {

struct PairTorchpot::Implementation {
  torchpot::PairSettings settings;
  std::vector<torchpot::PairModelFile> files;
  std::vector<torchpot::Model> models;
  std::vector<std::string> elements;    // per atom type, as given
  torchpot::PairRecord record;          // of the restart file that was read
  bool has_record = false;

  std::unique_ptr<torchpot::Committee> committee;
  torchpot::Precision precision = torchpot::Precision::float64;
  int gpu = -1;                  // number of this rank's GPU, -1 = CPU
  bool stale = true;             // the committee does not fit models and settings
  bool check_pending = false;    // `check yes` and no step so far

  // one chunk: its atoms, and their pairs within the cutoff
  std::vector<int> center, element, neighbor, neighbor_element;
  std::vector<std::size_t> first;
  std::vector<double> vector, gradient, energy;
  int n_centers = 0;

  // rows of our own for all atoms, ghosts too: force [3], virial [6] and centroid virial [9] as
  // far as wanted
  std::vector<double> own;
  int own_width = 0;
  bool own_virial = false, own_centroid = false;

  double largest_gradient = 0.0;    // |dE_i/dr_j| of the sweeps since it was reset

  // deviations within a committee
  int deviation_flag = 0;           // what fix pair sets before it asks; not needed
  bool computed = false;            // since the neighbor list was asked for
  bool deviations_known = false;    // of the present configuration
  std::vector<double> deviation, member_force;
  double global[3] = {0.0, 0.0, 0.0};    // largest and mean deviation, energy spread

  torchpot::Neighborhoods hoods() const
  {
    return {n_centers, element.data(), first.data(), vector.data(), neighbor_element.data()};
  }
  void reserve_centers(std::size_t);
  void reserve_pairs(std::size_t);
  double bytes() const;
};

/// Where the forces of a sweep go; null = not wanted. Rows lie `*_step` numbers apart.
struct PairTorchpot::Tally {
  double *force = nullptr, *virial_atom = nullptr, *centroid_atom = nullptr;
  std::size_t force_step = 3, virial_step = 6, centroid_step = 9;
  double *energy_atom = nullptr;
  double *virial = nullptr;    // [6] sum over all pairs
  bool measure = false;        // note the largest gradient
};

struct PairTorchpot::Displacement {
  tagint id;    // atom ID: the atom and all its images move
  double vector[3];
};

}    // namespace LAMMPS_NS

#endif
