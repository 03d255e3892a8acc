// Parts of fix fitdump that its sources share.
#ifndef LMP_FIX_FITDUMP_IMPL_H
#define LMP_FIX_FITDUMP_IMPL_H

#include "fix_fitdump.h"

#include "torchpot_extxyz.h"
#include "torchpot_fitdump_file.h"

#include <string>

namespace LAMMPS_NS {

struct FixFitdump::Settings {
  enum Truth { PAIR, EXTXYZ, NONE };
  std::string file, descriptor_file, extxyz_file;
  std::string label = "all";
  Truth truth = PAIR;
  bool append = false;
  std::vector<int> element;    // [ntypes + 1] index into header.elements
  torchpot::FitdumpHeader header;
};

/// One configuration as this rank has it: first the centers, then its other atoms, then ghosts.
struct FixFitdump::Snapshot {
  bigint step = 0;
  double cell[3][3], origin[3];
  int pbc[3];
  int n_centers = 0, n_own = 0;
  std::vector<std::int64_t> id;     // [n_all]
  std::vector<int> element;         // [n_all]
  std::vector<double> position;     // [n_all][3] as LAMMPS has them
  std::vector<double> wrapped;      // [n_own][3] inside the cell
  std::vector<double> force;        // [n_own][3]
  double energy, stress[6];         // sums over all ranks
};

struct FixFitdump::State {
  std::unique_ptr<torchpot::Descriptor> descriptor;
  std::unique_ptr<torchpot::FitdumpWriter> writer;    // rank 0 only
  std::unique_ptr<torchpot::ExtxyzReader> extxyz;     // rank 0 only
  torchpot::ExtxyzConfiguration truth;                // its next one, if has_truth
  bool has_truth = false;
  torchpot::FitdumpFrame last;       // rank 0: without pairs and descriptors
  std::vector<std::int64_t> last_centers;
  torchpot::FitdumpFrame first;    // rank 0: of the file, until the first frame is compared
  bool has_last = false;
  bigint n_repeated = 0;    // configurations of the present run that were left out
  std::unique_ptr<Snapshot> pending;    // under minimize, until the iteration is over
  bigint done = -1;                     // step that the present run has collected
  bigint n_written = 0;
  bool announced = false;
};

}    // namespace LAMMPS_NS

#endif
