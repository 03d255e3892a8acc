/* ----------------------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.
------------------------------------------------------------------------- */
// Pair style torchpot: how far the models of a committee disagree.

#include "pair_torchpot_impl.h"

#include "atom.h"
#include "comm.h"
#include "modify.h"
#include "neigh_list.h"

#include <algorithm>
#include <cmath>

using namespace LAMMPS_NS;

/* ----------------------------------------------------------------------
   with the energy, if there is a compute pair to read the global ones; those of atoms are
   computed when fix pair asks for them
------------------------------------------------------------------------- */

bool PairTorchpot::deviations_wanted() const
{
  return impl->models.size() > 1 && eflag_global &&
      !modify->get_compute_by_style("^pair$").empty();
}

/* ----------------------------------------------------------------------
   deviation of atom i = root mean square over the models of |F_i(model) - F_i(mean)|
------------------------------------------------------------------------- */

void PairTorchpot::compute_deviations()
{
  Implementation &m = *impl;
  m.deviations_known = true;
  const int n_models = (int) m.models.size(), nlocal = atom->nlocal;
  const std::size_t n3 = 3 * (std::size_t) nlocal;
  std::vector<double> energy(n_models), total(n_models);
  m.member_force.resize(n_models * n3);
  for (int k = 0; k < n_models; k++) {
    energy[k] = sweep(k, own_rows(nlocal + atom->nghost, false, false));
    comm->reverse_comm(this, m.own_width);
    std::copy_n(m.own.begin(), n3, m.member_force.begin() + k * n3);
  }

  m.deviation.assign(atom->nmax + 1, 0.0);
  for (int i = 0; i < nlocal; i++) {
    double sum = 0.0;
    for (int d = 0; d < 3; d++) {
      double mean = 0.0;
      for (int k = 0; k < n_models; k++) mean += m.member_force[k * n3 + 3 * i + d] / n_models;
      for (int k = 0; k < n_models; k++) {
        const double difference = m.member_force[k * n3 + 3 * i + d] - mean;
        sum += difference * difference / n_models;
      }
    }
    m.deviation[i] = std::sqrt(sum);
  }

  double largest = 0.0, all_largest = 0.0, sums[2] = {0.0, (double) list->inum}, all_sums[2];
  for (int ii = 0; ii < list->inum; ii++) {
    largest = std::max(largest, m.deviation[list->ilist[ii]]);
    sums[0] += m.deviation[list->ilist[ii]];
  }
  MPI_Allreduce(&largest, &all_largest, 1, MPI_DOUBLE, MPI_MAX, world);
  MPI_Allreduce(sums, all_sums, 2, MPI_DOUBLE, MPI_SUM, world);
  MPI_Allreduce(energy.data(), total.data(), n_models, MPI_DOUBLE, MPI_SUM, world);
  double mean = 0.0, variance = 0.0;
  for (double e : total) mean += e / n_models;
  for (double e : total) variance += (e - mean) * (e - mean) / n_models;

  // compute pair sums over ranks
  const double one = comm->me == 0 ? 1.0 : 0.0;
  m.global[0] = one * all_largest;
  m.global[1] = all_sums[1] > 0.0 ? one * all_sums[0] / all_sums[1] : 0.0;
  m.global[2] = one * std::sqrt(variance);
}
