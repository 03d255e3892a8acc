/* ----------------------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.
------------------------------------------------------------------------- */
// Fix fitdump: what a rank knows of a configuration, and the pair style's labels.

#include "fix_fitdump_impl.h"

#include "atom.h"
#include "comm.h"
#include "domain.h"
#include "force.h"
#include "pair.h"
#include "update.h"

#include <cstring>
#include <limits>

using namespace LAMMPS_NS;

// values of LAMMPS's flags for what a pair style has to tally
static constexpr int ENERGY_GLOBAL = 1, VIRIAL_PAIR = 1, VIRIAL_FDOTR = 2;

/* ---------------------------------------------------------------------- */

std::unique_ptr<FixFitdump::Snapshot> FixFitdump::take_snapshot()
{
  std::unique_ptr<Snapshot> s(new Snapshot);
  s->step = update->ntimestep;
  const double cell[3][3] = {{domain->xprd, 0.0, 0.0},
                             {domain->xy, domain->yprd, 0.0},
                             {domain->xz, domain->yz, domain->zprd}};
  std::memcpy(s->cell, cell, sizeof(cell));
  for (int k = 0; k < 3; k++) {
    s->origin[k] = domain->boxlo[k];
    s->pbc[k] = domain->periodicity[k];
  }

  const int nlocal = atom->nlocal, nall = nlocal + atom->nghost;
  std::vector<int> order;
  for (int i = 0; i < nlocal; i++)
    if (atom->mask[i] & groupbit) order.push_back(i);
  s->n_centers = (int) order.size();
  for (int i = 0; i < nlocal; i++)
    if (!(atom->mask[i] & groupbit)) order.push_back(i);
  for (int i = nlocal; i < nall; i++) order.push_back(i);
  s->n_own = nlocal;

  s->energy = std::numeric_limits<double>::quiet_NaN();
  for (double &value : s->stress) value = s->energy;
  s->force.assign(3 * (std::size_t) nlocal, s->energy);
  for (const int i : order) {
    s->id.push_back(atom->tag[i]);
    s->element.push_back(settings->element[atom->type[i]]);
    s->position.insert(s->position.end(), atom->x[i], atom->x[i] + 3);
    if (i >= nlocal) continue;
    double wrapped[3] = {atom->x[i][0], atom->x[i][1], atom->x[i][2]};
    domain->remap(wrapped);
    s->wrapped.insert(s->wrapped.end(), wrapped, wrapped + 3);
  }
  if (settings->truth == Settings::PAIR) {
    evaluate_pair(*s);
    // evaluate_pair() gives forces in LAMMPS's order
    const std::vector<double> forces = std::move(s->force);
    s->force.clear();
    for (int k = 0; k < nlocal; k++)
      s->force.insert(s->force.end(), &forces[3 * (std::size_t) order[k]],
                      &forces[3 * (std::size_t) order[k]] + 3);
  }
  return s;
}

/* ----------------------------------------------------------------------
   what the pair style alone gives, whatever else adds to the forces: it is
   computed once more on forces set to zero. Everything that was tallied on
   this step is tallied again, so that per-atom quantities stay as they are.
------------------------------------------------------------------------- */

void FixFitdump::evaluate_pair(Snapshot &s)
{
  Pair *pair = force->pair;
  const std::size_t n_all = 3 * ((std::size_t) atom->nlocal + atom->nghost);
  std::vector<double *> arrays;
  if (n_all) {
    arrays.push_back(atom->f[0]);
    if (atom->torque_flag) arrays.push_back(atom->torque[0]);
  }
  std::vector<std::vector<double>> saved;
  for (double *array : arrays) {
    saved.emplace_back(array, array + n_all);
    std::fill(array, array + n_all, 0.0);
  }

  // what others have asked for on this step is tallied again, the flags of the style say whether
  int eflag = ENERGY_GLOBAL, vflag = force->newton_pair ? VIRIAL_FDOTR : VIRIAL_PAIR;
  if (pair->eflag_atom) eflag |= ENERGY_ATOM;
  if (pair->vflag_atom) vflag |= VIRIAL_ATOM;
  if (pair->cvflag_atom) vflag |= VIRIAL_CENTROID;
  pair->compute(eflag, vflag);
  if (force->newton) comm->reverse_comm();
  if (n_all) s.force.assign(atom->f[0], atom->f[0] + 3 * (std::size_t) atom->nlocal);
  for (std::size_t a = 0; a < arrays.size(); a++)
    std::memcpy(arrays[a], saved[a].data(), n_all * sizeof(double));

  double mine[7] = {pair->eng_vdwl + pair->eng_coul}, sum[7];
  std::memcpy(mine + 1, pair->virial, 6 * sizeof(double));
  MPI_Allreduce(mine, sum, 7, MPI_DOUBLE, MPI_SUM, world);
  const double volume = domain->xprd * domain->yprd * domain->zprd;
  s.energy = sum[0];
  if (pair->tail_flag) {
    s.energy += pair->etail / volume;
    for (int k = 0; k < 3; k++) sum[1 + k] += pair->ptail / volume;
  }
  for (int k = 0; k < 6; k++) s.stress[k] = sum[1 + k] / volume * force->nktv2p;
}
