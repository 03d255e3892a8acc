/* ----------------------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.
------------------------------------------------------------------------- */
// Pair style torchpot: neighbor list to chunks of pairs, pair gradients to forces and virials.

#include "pair_torchpot_impl.h"

#include "atom.h"
#include "comm.h"
#include "error.h"
#include "force.h"
#include "neigh_list.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <exception>

using namespace LAMMPS_NS;

static constexpr int CHUNK = 4096;          // atoms per call, unless the user says otherwise
static constexpr int CHUNK_PLAIN = 64;      // the plain descriptor stores all its derivatives
static constexpr std::size_t MAX_PAIRS = 1 << 21;    // of an automatic chunk

/* ---------------------------------------------------------------------- */

void PairTorchpot::compute(int eflag, int vflag)
{
  ev_init(eflag, vflag);

  // with newton off, forces and virials of ghosts go home from rows of our own; `check yes` wants
  // the forces of this style alone
  const bool own = !force->newton_pair || impl->check_pending;
  Tally tally;
  if (own) {
    tally = own_rows(atom->nlocal + atom->nghost, vflag_atom, cvflag_atom);
  } else {
    tally.force = atom->f ? atom->f[0] : nullptr;
    if (vflag_atom && vatom) tally.virial_atom = vatom[0];
    if (cvflag_atom && cvatom) tally.centroid_atom = cvatom[0];
  }
  if (eflag_atom) tally.energy_atom = eatom;
  if (vflag_global) tally.virial = virial;
  tally.measure = impl->check_pending;

  const double energy = sweep(-1, tally);
  if (eflag_global) eng_vdwl += energy;
  if (own) add_own_rows();
  if (impl->check_pending) {
    impl->check_pending = false;
    check_forces();
  }
  impl->computed = true;
  impl->deviations_known = false;
  if (deviations_wanted()) compute_deviations();
}

/* ---------------------------------------------------------------------- */

int PairTorchpot::chunk_size() const
{
  if (impl->settings.chunk > 0) return impl->settings.chunk;
  return impl->settings.plain ? CHUNK_PLAIN : CHUNK;
}

/* ----------------------------------------------------------------------
   all atoms of the neighbor list, chunk by chunk; member -1 is the mean of the committee
   returns the energy of this rank's atoms
------------------------------------------------------------------------- */

double PairTorchpot::sweep(int member, const Tally &tally)
{
  double energy = 0.0;
  std::string problem;
  try {
    for (int start = 0; start < list->inum;) {
      start = gather(list->ilist, list->inum, start, nullptr);
      if (member < 0)
        impl->committee->compute(impl->hoods(), impl->energy.data(), impl->gradient.data());
      else
        impl->committee->compute_member(member, impl->hoods(), impl->energy.data(),
                                        impl->gradient.data());
      for (int i = 0; i < impl->n_centers; i++) energy += impl->energy[i];
      scatter(tally);
    }
  } catch (const std::exception &exception) {
    problem = exception.what();
  }
  if (!problem.empty()) error->one(FLERR, "Pair style torchpot: " + problem);
  return energy;
}

/* ----------------------------------------------------------------------
   atoms index[start], index[start + 1], ... and their neighbors within the cutoff
   returns the start of the next chunk
------------------------------------------------------------------------- */

int PairTorchpot::gather(const int *index, int n, int start, const Displacement *displaced)
{
  Implementation &m = *impl;
  int end = start;
  const int limit = (int) std::min<bigint>(n, (bigint) start + chunk_size());
  std::size_t n_listed = 0;
  while (end < limit) {
    n_listed += list->numneigh[index[end++]];
    if (m.settings.chunk == 0 && n_listed > MAX_PAIRS) break;
  }
  m.reserve_centers(end - start);
  m.reserve_pairs(n_listed);

  const double *const *const x = atom->x;
  const int *const type = atom->type;
  std::size_t p = 0;
  for (int ii = start; ii < end; ii++) {
    const int i = index[ii], itype = type[i], row = ii - start;
    const int *const neighbors = list->firstneigh[i];
    const double *const cut = cutsq[itype];
    const bool move_i = displaced && atom->tag[i] == displaced->id;
    m.center[row] = i;
    m.element[row] = map[itype];
    m.first[row] = p;
    for (int jj = 0; jj < list->numneigh[i]; jj++) {
      const int j = neighbors[jj] & NEIGHMASK, jtype = type[j];
      double r[3] = {x[j][0] - x[i][0], x[j][1] - x[i][1], x[j][2] - x[i][2]};
      if (displaced) {
        const double factor = (atom->tag[j] == displaced->id) - (int) move_i;
        for (int k = 0; k < 3; k++) r[k] += factor * displaced->vector[k];
      }
      if (!(r[0] * r[0] + r[1] * r[1] + r[2] * r[2] < cut[jtype]) || map[jtype] < 0) continue;
      for (int k = 0; k < 3; k++) m.vector[3 * p + k] = r[k];
      m.neighbor[p] = j;
      m.neighbor_element[p++] = map[jtype];
    }
  }
  m.n_centers = end - start;
  m.first[m.n_centers] = p;
  return end;
}

/* ---------------------------------------------------------------------- */

void PairTorchpot::scatter(const Tally &tally)
{
  const Implementation &m = *impl;
  const std::size_t step = tally.force_step;
  for (int i = 0; i < m.n_centers; i++) {
    double sum[3] = {0.0, 0.0, 0.0};
    for (std::size_t p = m.first[i]; p < m.first[i + 1]; p++) {
      const double *const g = &m.gradient[3 * p];
      double *const fj = tally.force + step * m.neighbor[p];
      for (int k = 0; k < 3; k++) {
        fj[k] -= g[k];
        sum[k] += g[k];
      }
    }
    double *const fi = tally.force + step * m.center[i];
    for (int k = 0; k < 3; k++) fi[k] += sum[k];
    if (tally.energy_atom) tally.energy_atom[m.center[i]] += m.energy[i];
  }
  if (tally.virial || tally.virial_atom || tally.centroid_atom) scatter_virial(tally);
  if (tally.measure)
    for (std::size_t q = 0; q < 3 * m.first[m.n_centers]; q++)
      impl->largest_gradient = std::max(impl->largest_gradient, std::fabs(m.gradient[q]));
}

/* ----------------------------------------------------------------------
   the term dE_i/dr_j is (r_j - r_i) x (-dE_i/dr_j), and belongs to atom j
------------------------------------------------------------------------- */

void PairTorchpot::scatter_virial(const Tally &tally)
{
  const Implementation &m = *impl;
  double total[6] = {0.0, 0.0, 0.0, 0.0, 0.0, 0.0};
  if (tally.virial) std::copy_n(tally.virial, 6, total);
  for (std::size_t p = 0; p < m.first[m.n_centers]; p++) {
    const double *const r = &m.vector[3 * p], *const g = &m.gradient[3 * p];
    const double w[9] = {-r[0] * g[0], -r[1] * g[1], -r[2] * g[2], -r[0] * g[1], -r[0] * g[2],
                         -r[1] * g[2], -r[1] * g[0], -r[2] * g[0], -r[2] * g[1]};
    if (tally.virial)
      for (int k = 0; k < 6; k++) total[k] += w[k];
    if (tally.virial_atom) {
      double *const v = tally.virial_atom + tally.virial_step * m.neighbor[p];
      for (int k = 0; k < 6; k++) v[k] += w[k];
    }
    if (tally.centroid_atom) {
      double *const v = tally.centroid_atom + tally.centroid_step * m.neighbor[p];
      for (int k = 0; k < 9; k++) v[k] += w[k];
    }
  }
  if (tally.virial) std::copy_n(total, 6, tally.virial);
}

/* ----------------------------------------------------------------------
   rows of our own, set to zero
------------------------------------------------------------------------- */

PairTorchpot::Tally PairTorchpot::own_rows(int n, bool virial_atom, bool centroid_atom)
{
  impl->own_virial = virial_atom;
  impl->own_centroid = centroid_atom;
  impl->own_width = 3 + (virial_atom ? 6 : 0) + (centroid_atom ? 9 : 0);
  impl->own.assign((std::size_t) n * impl->own_width, 0.0);
  Tally tally;
  tally.force = impl->own.data();
  if (virial_atom) tally.virial_atom = tally.force + 3;
  if (centroid_atom) tally.centroid_atom = tally.force + 3 + (virial_atom ? 6 : 0);
  tally.force_step = tally.virial_step = tally.centroid_step = impl->own_width;
  return tally;
}

/* ----------------------------------------------------------------------
   add our own rows to LAMMPS's arrays, with newton off after those of ghosts came home; in any
   case our rows of local atoms are complete thereafter
------------------------------------------------------------------------- */

void PairTorchpot::add_own_rows()
{
  const int newton = force->newton_pair;
  if (!newton) comm->reverse_comm(this, impl->own_width);
  const int n = newton ? atom->nlocal + atom->nghost : atom->nlocal;
  for (int i = 0; i < n; i++) {
    const double *row = &impl->own[(std::size_t) i * impl->own_width];
    for (int k = 0; k < 3; k++) atom->f[i][k] += row[k];
    row += 3;
    if (impl->own_virial) {
      for (int k = 0; k < 6; k++) vatom[i][k] += row[k];
      row += 6;
    }
    if (impl->own_centroid)
      for (int k = 0; k < 9; k++) cvatom[i][k] += row[k];
  }
  if (newton) comm->reverse_comm(this, impl->own_width);
}

/* ---------------------------------------------------------------------- */

int PairTorchpot::pack_reverse_comm(int n, int first, double *buf)
{
  const std::size_t width = impl->own_width;
  memcpy(buf, impl->own.data() + first * width, n * width * sizeof(double));
  return (int) (n * width);
}

void PairTorchpot::unpack_reverse_comm(int n, int *index, double *buf)
{
  const std::size_t width = impl->own_width;
  for (int i = 0; i < n; i++) {
    double *const row = impl->own.data() + index[i] * width;
    for (std::size_t k = 0; k < width; k++) row[k] += *buf++;
  }
}

/* ---------------------------------------------------------------------- */

void PairTorchpot::Implementation::reserve_centers(std::size_t n)
{
  if (center.size() >= n && first.size() > n) return;
  center.resize(n);
  element.resize(n);
  energy.resize(n);
  first.resize(n + 1);
}

void PairTorchpot::Implementation::reserve_pairs(std::size_t n)
{
  if (neighbor.size() >= n) return;
  n += n / 8;    // neighbor counts fluctuate
  neighbor.resize(n);
  neighbor_element.resize(n);
  vector.resize(3 * n);
  gradient.resize(3 * n);
}

double PairTorchpot::Implementation::bytes() const
{
  const double n_int = (double) center.capacity() + element.capacity() + neighbor.capacity() +
      neighbor_element.capacity();
  const double n_double = (double) vector.capacity() + gradient.capacity() + energy.capacity() +
      own.capacity() + deviation.capacity() + member_force.capacity();
  return n_int * sizeof(int) + n_double * sizeof(double) +
      (double) first.capacity() * sizeof(std::size_t);
}
