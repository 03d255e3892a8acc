/* ----------------------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.
------------------------------------------------------------------------- */
// Pair style torchpot: settings, coefficients, restart, and what other commands ask for.

#include "pair_torchpot_impl.h"

#include "atom.h"
#include "comm.h"
#include "error.h"
#include "force.h"
#include "memory.h"
#include "neighbor.h"
#include "update.h"

#include <cstring>
#include <exception>

using namespace LAMMPS_NS;

static constexpr int MAX_RECORD = 1 << 24;    // bytes that a restart may hold for this style

/* ---------------------------------------------------------------------- */

PairTorchpot::PairTorchpot(LAMMPS *lmp) : Pair(lmp), impl(new Implementation)
{
  single_enable = 0;
  restartinfo = 1;
  one_coeff = 1;
  manybody_flag = 1;
  respa_enable = 0;
  writedata = 0;
  unit_convert_flag = 0;
  no_virial_fdotr_compute = 1;
  centroidstressflag = CENTROID_AVAIL;

  // force, virial and centroid virial of ghosts, sent home by the style itself
  comm_reverse_off = 3 + 6 + 9;
}

/* ---------------------------------------------------------------------- */

PairTorchpot::~PairTorchpot()
{
  if (copymode) return;
  pvector = nullptr;
  delete impl;
  if (allocated) {
    memory->destroy(setflag);
    memory->destroy(cutsq);
  }
}

/* ---------------------------------------------------------------------- */

void PairTorchpot::allocate()
{
  if (allocated) return;
  const int n = atom->ntypes + 1;
  memory->create(setflag, n, n, "pair:setflag");
  memory->create(cutsq, n, n, "pair:cutsq");
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) {
      setflag[i][j] = 0;
      cutsq[i][j] = 0.0;
    }
  map = new int[n];
  for (int i = 0; i < n; i++) map[i] = -1;
  allocated = 1;
}

/* ----------------------------------------------------------------------
   all ranks call this; if the work fails on one, all stop with its message
------------------------------------------------------------------------- */

void PairTorchpot::collectively(const std::function<void()> &work)
{
  std::string problem;
  int failed = comm->nprocs;
  try {
    work();
  } catch (const std::exception &exception) {
    problem = exception.what();
    failed = comm->me;
  }
  int first;
  MPI_Allreduce(&failed, &first, 1, MPI_INT, MPI_MIN, world);
  if (first == comm->nprocs) return;

  int n = (int) problem.size();
  MPI_Bcast(&n, 1, MPI_INT, first, world);
  problem.resize(n);
  MPI_Bcast(&problem[0], n, MPI_CHAR, first, world);
  error->all(FLERR, "Pair style torchpot: " + problem);
}

/* ---------------------------------------------------------------------- */

void PairTorchpot::settings(int narg, char **arg)
{
  collectively([&] {
    impl->settings = torchpot::parse_pair_settings(std::vector<std::string>(arg, arg + narg));
  });
  impl->has_record = false;
  impl->stale = true;
}

/* ---------------------------------------------------------------------- */

void PairTorchpot::coeff(int narg, char **arg)
{
  allocate();
  load_operators();
  load_models(narg > 2 ? narg - 2 : 0, arg + 2);    // after * *, which one_coeff sees to
  collectively([&] {
    if (impl->has_record)
      impl->record.require_same(impl->files, impl->elements, "pair_coeff after a restart",
                                "To go on with another potential, give pair_style again before "
                                "pair_coeff");
    map_elements();
  });
}

/* ---------------------------------------------------------------------- */

void PairTorchpot::init_style()
{
  if (impl->settings.check && !atom->tag_enable)
    error->all(FLERR, std::string("Pair style torchpot, check yes: needs atom IDs"));
  if (impl->stale) {
    build_committee();
    log_setup();
    impl->stale = false;
    impl->check_pending = impl->settings.check;
  }
  if (atom->molecular != Atom::ATOMIC)
    for (int k = 1; k <= 3; k++)
      if (force->special_lj[k] == 0.0 && comm->me == 0) {
        error->warning(FLERR,
                       std::string("Pair style torchpot does not see pairs that special_bonds "
                                   "excludes; use special_bonds with weights above 0"));
        break;
      }
  impl->computed = false;
  neighbor->add_request(this, NeighConst::REQ_FULL);
}

/* ---------------------------------------------------------------------- */

double PairTorchpot::init_one(int i, int j)
{
  return impl->committee->cutoff(map[i], map[j]);
}

/* ----------------------------------------------------------------------
   restart: settings, model names with their hashes, and elements
------------------------------------------------------------------------- */

void PairTorchpot::write_restart(FILE *fp)
{
  write_restart_settings(fp);
}

void PairTorchpot::write_restart_settings(FILE *fp)
{
  torchpot::PairRecord record = impl->record;
  record.settings = impl->settings;
  if (!impl->models.empty()) {
    record.files = impl->files;
    record.elements = impl->elements;
  }
  const std::string text = torchpot::pair_record_text(record);
  const int n = (int) text.size();
  fwrite(&n, sizeof(int), 1, fp);
  fwrite(text.data(), 1, n, fp);
}

void PairTorchpot::read_restart_settings(FILE *fp)
{
  int n = 0;
  if (comm->me == 0) utils::sfread(FLERR, &n, sizeof(int), 1, fp, nullptr, error);
  MPI_Bcast(&n, 1, MPI_INT, 0, world);
  if (n < 1 || n > MAX_RECORD)
    error->all(FLERR,
               "Pair style torchpot: the record of this style in the restart file is damaged: its "
               "length is {}, wanted: 1 to {}. Give pair_style and pair_coeff in an input that "
               "uses read_data, or take an older restart file",
               n, MAX_RECORD);
  std::string text(n, ' ');
  if (comm->me == 0) utils::sfread(FLERR, &text[0], 1, n, fp, nullptr, error);
  MPI_Bcast(&text[0], n, MPI_CHAR, 0, world);
  collectively([&] { impl->record = torchpot::pair_record_from(text, "restart file"); });
  impl->settings = impl->record.settings;
  impl->has_record = true;
  impl->stale = true;
}

void PairTorchpot::read_restart(FILE *fp)
{
  read_restart_settings(fp);
  const torchpot::PairRecord &record = impl->record;
  if (record.files.empty() || (int) record.elements.size() != atom->ntypes) return;

  std::vector<std::string> words;
  std::string missing;
  for (const torchpot::PairModelFile &file : record.files) {
    if (utils::get_potential_file_path(file.name).empty()) missing += " " + file.name;
    words.push_back(file.name);
  }
  int n_missing = (int) missing.size();
  MPI_Bcast(&n_missing, 1, MPI_INT, 0, world);
  if (n_missing) {
    if (comm->me == 0)
      error->warning(FLERR,
                     "Pair style torchpot: the restart file names models that are not here:" +
                         missing + ". Give pair_coeff before the run");
    return;
  }

  for (const std::string &element : record.elements) words.push_back(element);
  std::vector<char *> arg;
  for (std::string &word : words) arg.push_back(&word[0]);
  allocate();
  load_operators();
  load_models((int) arg.size(), arg.data());
  collectively([&] {
    record.require_same(impl->files, impl->elements, "read_restart",
                        "Put the original file back; or move this one away and give pair_style "
                        "torchpot and pair_coeff after read_restart");
    map_elements();
  });
}

/* ----------------------------------------------------------------------
   deviations within a committee, for fix pair, which asks on all ranks
------------------------------------------------------------------------- */

void *PairTorchpot::extract(const char *name, int &dim)
{
  dim = 0;
  if (strcmp(name, "deviation_flag") == 0) return &impl->deviation_flag;
  return nullptr;
}

void *PairTorchpot::extract_peratom(const char *name, int &ncol)
{
  ncol = 0;
  if (strcmp(name, "deviation") == 0) {
    if (impl->models.size() < 2)
      error->all(FLERR,
                 "Pair style torchpot: deviation needs two or more models, pair_coeff named " +
                     std::to_string(impl->models.size()));
    if ((int) impl->deviation.size() < atom->nmax || impl->deviation.empty())
      impl->deviation.resize(atom->nmax + 1, 0.0);
    // not outside of a run, where fix pair only looks whether there is such a property
    if (update->whichflag && impl->computed && !impl->deviations_known) compute_deviations();
    return impl->deviation.data();
  }
  if (strcmp(name, "extrapolation") == 0)
    error->all(FLERR,
               std::string("Pair style torchpot: this model does not hold the range of its "
                           "training data, so there is no extrapolation"));
  return nullptr;
}

/* ---------------------------------------------------------------------- */

double PairTorchpot::memory_usage()
{
  return Pair::memory_usage() + impl->bytes();
}
