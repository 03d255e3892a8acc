/* ----------------------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.
------------------------------------------------------------------------- */
// Fix fitdump: the atoms and pairs of all ranks become one frame.

#include "fix_fitdump_impl.h"

#include "torchpot_error.h"
#include "torchpot_fitdump_frame.h"

#include "atom.h"
#include "comm.h"
#include "error.h"
#include "force.h"

#include <algorithm>
#include <cstring>
#include <limits>

using namespace LAMMPS_NS;
using torchpot::FitdumpFrame;

static constexpr std::size_t MESSAGE = 1 << 28;    // bytes, well below what an int counts

/* ----------------------------------------------------------------------
   rank 0: the arrays of all ranks one after another
------------------------------------------------------------------------- */

template <class T> std::vector<T> FixFitdump::gather(const std::vector<T> &mine)
{
  const int me = comm->me, nprocs = comm->nprocs;
  long long n = (long long) mine.size();
  std::vector<long long> counts(nprocs);
  MPI_Gather(&n, 1, MPI_LONG_LONG, counts.data(), 1, MPI_LONG_LONG, 0, world);
  std::vector<T> all;
  together([&] {
    if (me != 0) return;
    std::size_t total = 0;
    for (const long long count : counts) total += count;
    all.reserve(total);
    all = mine;
    all.resize(total);
  });
  const auto transfer = [&](char *data, std::size_t bytes, int rank) {
    for (std::size_t at = 0; at < bytes; at += MESSAGE) {
      const int length = (int) std::min(MESSAGE, bytes - at);
      if (me == 0)
        MPI_Recv(data + at, length, MPI_BYTE, rank, 0, world, MPI_STATUS_IGNORE);
      else
        MPI_Send(data + at, length, MPI_BYTE, 0, 0, world);
    }
  };
  if (me != 0)
    transfer(reinterpret_cast<char *>(const_cast<T *>(mine.data())), n * sizeof(T), 0);
  else
    for (std::size_t rank = 1, at = counts[0]; (int) rank < nprocs; at += counts[rank++])
      transfer(reinterpret_cast<char *>(all.data() + at), counts[rank] * sizeof(T), (int) rank);
  return all;
}

/* ---------------------------------------------------------------------- */

void FixFitdump::process(const Snapshot &s)
{
  FitdumpFrame frame;
  gather_atoms(s, frame);
  std::vector<std::int64_t> centers =
      gather(std::vector<std::int64_t>(s.id.begin(), s.id.begin() + s.n_centers));
  int repeated = 0;
  together([&] {
    std::sort(centers.begin(), centers.end());
    if (comm->me == 0) repeated = is_repeated(frame, centers);
  });
  MPI_Bcast(&repeated, 1, MPI_INT, 0, world);
  if (repeated) {
    state->n_repeated++;
    return;
  }
  if (comm->me == 0) warn_of_duplicate(frame);
  gather_pairs(s, frame);
  write(s, frame);
  state->last_centers.swap(centers);
}

/* ----------------------------------------------------------------------
   a run that goes on computes the last configuration of the run before once
   more. Labels in a file may be of the same configuration twice, though.
------------------------------------------------------------------------- */

bool FixFitdump::is_repeated(const FitdumpFrame &frame, const std::vector<std::int64_t> &centers)
{
  if (!state->has_last || centers != state->last_centers ||
      !torchpot::same_configuration(frame, state->last))
    return false;
  if (!state->extxyz) return true;
  if (!state->has_truth) state->has_truth = state->extxyz->next(state->truth);
  return !state->has_truth ||
      !torchpot::is_configuration_of(state->truth, settings->header.elements, frame);
}

/* ----------------------------------------------------------------------
   the first frame that is appended, against the ends of the file
------------------------------------------------------------------------- */

void FixFitdump::warn_of_duplicate(const FitdumpFrame &frame)
{
  if (state->first.id.empty()) return;
  bool duplicate = false;
  for (const FitdumpFrame *old : {&state->first, &state->last}) {
    FitdumpFrame same = *old;
    same.label = frame.label;
    duplicate = duplicate || torchpot::same_configuration(frame, same);
  }
  if (duplicate)
    error->warning(FLERR,
                   "Fix fitdump appends a configuration that {} already holds (step {}); such "
                   "duplicates end up in training and test sets",
                   settings->file, frame.step);
  state->first = FitdumpFrame();
}

/* ---------------------------------------------------------------------- */

void FixFitdump::gather_atoms(const Snapshot &s, FitdumpFrame &frame)
{
  frame.step = s.step;
  frame.label = settings->label;
  frame.energy = s.energy;
  std::memcpy(frame.stress, s.stress, sizeof(s.stress));
  std::memcpy(frame.cell, s.cell, sizeof(s.cell));
  std::memcpy(frame.origin, s.origin, sizeof(s.origin));
  std::memcpy(frame.pbc, s.pbc, sizeof(s.pbc));
  frame.id = gather(std::vector<std::int64_t>(s.id.begin(), s.id.begin() + s.n_own));
  frame.type = gather(std::vector<int>(s.element.begin(), s.element.begin() + s.n_own));
  frame.position = gather(s.wrapped);
  frame.force = gather(s.force);
  // the order of the atoms is settled first: the pairs name their places in it
  together([&] { torchpot::sort_atoms(frame); });
}

/* ---------------------------------------------------------------------- */

void FixFitdump::gather_pairs(const Snapshot &s, FitdumpFrame &frame)
{
  torchpot::LocalPairs pairs;
  together([&] {
    torchpot::find_local_pairs(*state->descriptor, settings->header.has_derivatives, s.n_centers,
                               s.id, s.position, s.element, pairs);
  });
  torchpot::LocalPairs all;
  all.center = gather(pairs.center);
  all.value = gather(pairs.value);
  all.first = gather(pairs.first);
  all.second = gather(pairs.second);
  all.vector = gather(pairs.vector);
  all.derivative = gather(pairs.derivative);
  together([&] {
    if (comm->me == 0)
      torchpot::add_pairs(all, state->descriptor->n_descriptors(), frame);
  });
}

/* ---------------------------------------------------------------------- */

void FixFitdump::write(const Snapshot &, FitdumpFrame &frame)
{
  together([&] {
    if (comm->me != 0) return;
    if (state->extxyz) {
      if (!state->has_truth && !state->extxyz->next(state->truth))
        throw torchpot::Error("there is no configuration for this frame", settings->extxyz_file,
                              std::to_string(state->n_written) + " configurations",
                              std::to_string(state->n_written + 1) + " or more");
      state->has_truth = false;
      torchpot::label_from_extxyz(state->truth, settings->extxyz_file, settings->header.elements,
                                  force->nktv2p, frame);
    }
    state->writer->append(frame);
    for (auto *array : {&frame.descriptor, &frame.vector, &frame.derivative})
      std::vector<double>().swap(*array);
    for (auto *array : {&frame.first, &frame.second}) std::vector<int>().swap(*array);
    state->last = std::move(frame);
    state->has_last = true;
  });
  state->n_written++;
}
