/* ----------------------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.
------------------------------------------------------------------------- */
// Pair style torchpot: `check yes`, forces against finite differences at the first step.

#include "pair_torchpot_impl.h"

#include "atom.h"
#include "comm.h"
#include "error.h"
#include "force.h"
#include "neigh_list.h"
#include "torchpot_check.h"

#include <algorithm>
#include <exception>
#include <limits>

using namespace LAMMPS_NS;
using torchpot::DifferenceStencil;

static constexpr int ATOMS_PER_TYPE = 2;
static constexpr double FIRST_STEP = 2e-4;    // in units of the cutoff; then a tenth, a hundredth
static constexpr int N_STEPS = 3;
static constexpr double TOLERANCE_FLOAT64 = 1e-6, TOLERANCE_FLOAT32 = 1e-4;

namespace {

/* The lowest IDs of each atom type are the same atoms on any number of ranks. */
std::vector<tagint> lowest_ids(const Atom *atom, const NeighList *list, MPI_Comm world)
{
  const tagint none = std::numeric_limits<tagint>::max();
  std::vector<tagint> ids, last(atom->ntypes + 1, std::numeric_limits<tagint>::min());
  for (int n = 0; n < ATOMS_PER_TYPE; n++) {
    std::vector<tagint> lowest(atom->ntypes + 1, none), all(atom->ntypes + 1);
    for (int ii = 0; ii < list->inum; ii++) {
      const int i = list->ilist[ii], t = atom->type[i];
      if (atom->tag[i] > last[t]) lowest[t] = std::min(lowest[t], atom->tag[i]);
    }
    MPI_Allreduce(lowest.data(), all.data(), atom->ntypes + 1, MPI_LMP_TAGINT, MPI_MIN, world);
    for (tagint id : all)
      if (id != none) ids.push_back(id);
    last = all;
  }
  return ids;
}

/* Local atoms whose energy depends on the position of an atom. */
std::vector<int> dependents(const Atom *atom, const NeighList *list, tagint id)
{
  std::vector<int> found;
  for (int ii = 0; ii < list->inum; ii++) {
    const int i = list->ilist[ii];
    bool depends = atom->tag[i] == id;
    for (int jj = 0; jj < list->numneigh[i] && !depends; jj++)
      depends = atom->tag[list->firstneigh[i][jj] & NEIGHMASK] == id;
    if (depends) found.push_back(i);
  }
  return found;
}

}    // namespace

/* ----------------------------------------------------------------------
   rows of our own hold the forces of this style on local atoms
------------------------------------------------------------------------- */

void PairTorchpot::check_forces()
{
  torchpot::ForceCheck check;
  const bool single = impl->precision == torchpot::Precision::float32;
  check.tolerance = single ? TOLERANCE_FLOAT32 : TOLERANCE_FLOAT64;

  double net[3] = {0.0, 0.0, 0.0}, scale = impl->largest_gradient;
  const double *const own = impl->own.data();
  const std::size_t width = impl->own_width;
  for (int i = 0; i < atom->nlocal; i++)
    for (int d = 0; d < 3; d++) net[d] += own[i * width + d];
  MPI_Allreduce(net, check.net_force, 3, MPI_DOUBLE, MPI_SUM, world);
  MPI_Allreduce(&scale, &check.scale, 1, MPI_DOUBLE, MPI_MAX, world);
  bigint n = list->inum, n_all;
  MPI_Allreduce(&n, &n_all, 1, MPI_LMP_BIGINT, MPI_SUM, world);
  check.n_atoms = n_all;

  // energies in double whatever the precision of the forces
  std::unique_ptr<torchpot::Committee> committee;
  collectively([&] {
    committee = std::make_unique<torchpot::Committee>(
        impl->models, torchpot::Precision::float64, !impl->settings.plain);
  });

  std::string problem;
  for (tagint id : lowest_ids(atom, list, world)) {
    const std::vector<int> centers = dependents(atom, list, id);
    double force[3] = {0.0, 0.0, 0.0};
    double derivative[3][N_STEPS] = {};
    for (int i = 0; i < atom->nlocal; i++)
      if (atom->tag[i] == id) std::copy_n(own + i * width, 3, force);
    try {
      for (int d = 0; d < 3; d++) {
        double h = FIRST_STEP * largest_cutoff();
        for (int s = 0; s < N_STEPS; s++, h *= 0.1)
          derivative[d][s] = energy_derivative(*committee, centers, id, d, h);
      }
    } catch (const std::exception &exception) {
      problem = exception.what();
    }
    if (!problem.empty()) error->one(FLERR, "Pair style torchpot: " + problem);
    double all_force[3], all_derivative[3][N_STEPS];
    MPI_Allreduce(force, all_force, 3, MPI_DOUBLE, MPI_SUM, world);
    MPI_Allreduce(derivative, all_derivative, 3 * N_STEPS, MPI_DOUBLE, MPI_SUM, world);
    for (int d = 0; d < 3; d++) {
      torchpot::ForceSample sample;
      sample.id = id;
      sample.direction = d;
      sample.force = all_force[d];
      for (int s = 0; s < N_STEPS; s++) sample.difference.push_back(-all_derivative[d][s]);
      check.samples.push_back(sample);
    }
  }
  if (comm->me == 0)
    utils::logmesg(lmp, "Pair style torchpot, check of forces:\n" + check.report());
  collectively([&] { check.require(); });
  if (force->newton_pair) std::vector<double>().swap(impl->own);    // not needed again
}

/* ----------------------------------------------------------------------
   derivative of the energy of some local atoms with respect to one coordinate of an atom
------------------------------------------------------------------------- */

double PairTorchpot::energy_derivative(torchpot::Committee &committee,
                                       const std::vector<int> &centers, tagint id, int direction,
                                       double h)
{
  // atom by atom, so that large constants cancel before they are summed
  std::vector<double> change(centers.size(), 0.0);
  for (int k = 0; k < DifferenceStencil::N_POINTS; k++) {
    Displacement displaced{id, {0.0, 0.0, 0.0}};
    displaced.vector[direction] = DifferenceStencil::OFFSET[k] * h;
    for (int start = 0; start < (int) centers.size();) {
      const int end = gather(centers.data(), (int) centers.size(), start, &displaced);
      committee.compute(impl->hoods(), impl->energy.data(), impl->gradient.data());
      for (int i = start; i < end; i++)
        change[i] += DifferenceStencil::WEIGHT[k] * impl->energy[i - start];
      start = end;
    }
  }
  double sum = 0.0;
  for (double c : change) sum += c;
  return sum / h;
}
