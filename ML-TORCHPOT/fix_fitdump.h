/* -*- c++ -*- ----------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.
------------------------------------------------------------------------- */

#ifdef FIX_CLASS
FixStyle(fitdump,FixFitdump);
#else

#ifndef LMP_FIX_FITDUMP_H
#define LMP_FIX_FITDUMP_H

#include "fix.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace torchpot {
struct FitdumpFrame;
}

namespace LAMMPS_NS {

class FixFitdump : public Fix {
 public:
  FixFitdump(class LAMMPS *, int, char **);
  ~FixFitdump() override;

  int setmask() override;
  void init() override;
  void setup(int) override;
  void post_force(int) override;
  void end_of_step() override;
  void min_setup(int) override;
  void min_post_force(int) override;
  void post_run() override;
  double compute_scalar() override;
  double memory_usage() override;

 private:
  struct Settings;    // what the command says
  struct Snapshot;    // one configuration as this rank has it
  struct State;       // descriptor, file, last frame
  std::unique_ptr<Settings> settings;
  std::unique_ptr<State> state;

  // reading the command
  void parse(int, char **);
  void parse_elements(const std::vector<std::string> &);
  void read_descriptor();
  void check_files();
  void open_file();
  void check_pair();

  // all ranks: run the function; if it fails on one rank, all stop with its message
  void together(const std::function<void()> &);
  template <class T> std::vector<T> gather(const std::vector<T> &);

  // from the atoms of all ranks to one frame
  bool due() const;
  std::unique_ptr<Snapshot> take_snapshot();
  void evaluate_pair(Snapshot &);
  void collect();
  void flush();
  void process(const Snapshot &);
  void warn_of_duplicate(const torchpot::FitdumpFrame &);
  bool is_repeated(const torchpot::FitdumpFrame &, const std::vector<std::int64_t> &);
  void gather_atoms(const Snapshot &, torchpot::FitdumpFrame &);
  void gather_pairs(const Snapshot &, torchpot::FitdumpFrame &);
  void write(const Snapshot &, torchpot::FitdumpFrame &);
};

}    // namespace LAMMPS_NS

#endif
#endif
