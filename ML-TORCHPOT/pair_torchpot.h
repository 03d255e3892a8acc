/* -*- c++ -*- ----------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.
------------------------------------------------------------------------- */
// Pair style torchpot: potentials from model files.

#ifdef PAIR_CLASS
// clang-format off
PairStyle(torchpot,PairTorchpot);
// clang-format on
#else

#ifndef LMP_PAIR_TORCHPOT_H
#define LMP_PAIR_TORCHPOT_H

#include "pair.h"

#include <functional>
#include <string>
#include <vector>

namespace torchpot {
class Committee;
}

namespace LAMMPS_NS {

class PairTorchpot : public Pair {
 public:
  PairTorchpot(class LAMMPS *);
  ~PairTorchpot() override;

  void compute(int, int) override;
  void settings(int, char **) override;
  void coeff(int, char **) override;
  void init_style() override;
  double init_one(int, int) override;

  void write_restart(FILE *) override;
  void read_restart(FILE *) override;
  void write_restart_settings(FILE *) override;
  void read_restart_settings(FILE *) override;

  int pack_reverse_comm(int, int, double *) override;
  void unpack_reverse_comm(int, int *, double *) override;
  void *extract(const char *, int &) override;
  void *extract_peratom(const char *, int &) override;
  double memory_usage() override;

 protected:
  struct Implementation;    // all that is not LAMMPS's
  struct Tally;             // where forces and virials of a sweep go
  struct Displacement;      // of one atom and its images
  Implementation *impl;

  void allocate();
  void collectively(const std::function<void()> &);

  // set-up: pair_torchpot_setup.cpp
  void load_operators();
  void load_models(int, char **);
  void broadcast_models();
  void map_elements();
  void build_committee();
  void log_setup();
  std::string missing_reference() const;
  double largest_cutoff() const;
  double estimate_memory() const;
  std::string device_lines(const std::vector<int> &) const;

  // forces: pair_torchpot_compute.cpp
  int chunk_size() const;
  int gather(const int *, int, int, const Displacement *);
  double sweep(int, const Tally &);
  void scatter(const Tally &);
  void scatter_virial(const Tally &);
  Tally own_rows(int, bool, bool);
  void add_own_rows();

  // deviations within a committee: pair_torchpot_committee.cpp
  bool deviations_wanted() const;
  void compute_deviations();

  // check yes: pair_torchpot_check.cpp
  void check_forces();
  double energy_derivative(torchpot::Committee &, const std::vector<int> &, tagint, int, double);
};

}    // namespace LAMMPS_NS

#endif
#endif
