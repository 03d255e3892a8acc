/* ----------------------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.
------------------------------------------------------------------------- */
// Fix fitdump: the command, and when to collect.

#include "fix_fitdump_impl.h"

#include "torchpot_error.h"
#include "torchpot_fitdump_frame.h"
#include "torchpot_model.h"
#include "torchpot_model_file.h"
#include "torchpot_text.h"

#include "atom.h"
#include "comm.h"
#include "compute.h"
#include "domain.h"
#include "error.h"
#include "force.h"
#include "info.h"
#include "modify.h"
#include "neighbor.h"
#include "pair.h"
#include "update.h"
#include "utils.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <fstream>

using namespace LAMMPS_NS;
using namespace FixConst;
using Problem = torchpot::Error;    // LAMMPS has an Error of its own

static const std::vector<std::string> KEYWORDS = {"descriptor", "elements",  "truth", "derivatives",
                                                  "precision",  "label", "append"};

static bool is_keyword(const std::string &word)
{
  return std::find(KEYWORDS.begin(), KEYWORDS.end(), word) != KEYWORDS.end();
}

static std::string joined(const std::vector<std::string> &words)
{
  std::string text;
  for (const std::string &word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

/* ----------------------------------------------------------------------
   a keyword with a typing error is taken for one more element
------------------------------------------------------------------------- */

static std::string keyword_among(const std::vector<std::string> &elements)
{
  for (const std::string &word : elements) {
    const std::string nearest = torchpot::nearest_name(word, KEYWORDS);
    if (!nearest.empty())
      return word + " is no keyword: did you mean " + nearest + "?";
  }
  return "";
}

/* ---------------------------------------------------------------------- */

FixFitdump::FixFitdump(LAMMPS *lmp, int narg, char **arg) :
    Fix(lmp, narg, arg), settings(new Settings), state(new State)
{
  dynamic_group_allow = 1;
  scalar_flag = 1;
  global_freq = 1;
  extscalar = 0;

  together([&] { parse(narg, arg); });
  together([&] { read_descriptor(); });
  together([&] { check_files(); });
}

/* ---------------------------------------------------------------------- */

FixFitdump::~FixFitdump() = default;

/* ----------------------------------------------------------------------
   fix ID group fitdump N file keyword value ...
------------------------------------------------------------------------- */

void FixFitdump::parse(int narg, char **arg)
{
  if (narg < 5)
    throw Problem("too few arguments", "", "", "fix ID group fitdump N file keyword value ...");
  if (!utils::is_integer(arg[3]) || (nevery = std::atoi(arg[3])) < 1)
    throw Problem("N must be a positive integer", "", arg[3]);
  settings->file = arg[4];

  const auto choose = [](const std::string &keyword, const std::string &value,
                         const std::vector<std::string> &choices) {
    for (std::size_t c = 0; c < choices.size(); c++)
      if (value == choices[c]) return (int) c;
    throw Problem("unknown value", "keyword " + keyword, value, joined(choices),
                  torchpot::did_you_mean(value, choices));
  };
  std::vector<std::string> element_names;
  for (int i = 5; i < narg;) {
    const std::string keyword = arg[i++];
    if (!is_keyword(keyword))
      throw Problem("unknown keyword", "", keyword, joined(KEYWORDS),
                    torchpot::did_you_mean(keyword, KEYWORDS));
    std::vector<std::string> values;
    // files and labels may have the name of a keyword
    while (i < narg && (values.empty() ? keyword != "elements" || !is_keyword(arg[i])
                                       : !is_keyword(arg[i])))
      values.push_back(arg[i++]);
    if (keyword == "truth" && values.size() == 1 && values[0] == "extxyz" && i < narg)
      values.push_back(arg[i++]);
    const bool two = keyword == "truth" && !values.empty() && values[0] == "extxyz";
    if (keyword != "elements" && values.size() != (two ? 2 : 1))
      throw Problem("wrong count of values", "keyword " + keyword, joined(values),
                  two ? "extxyz FILE" : "one value");

    if (keyword == "descriptor") settings->descriptor_file = values[0];
    if (keyword == "elements") element_names = values;
    if (keyword == "label") settings->label = values[0];
    if (keyword == "append") settings->append = choose(keyword, values[0], {"no", "yes"});
    if (keyword == "derivatives")
      settings->header.has_derivatives = choose(keyword, values[0], {"no", "yes"});
    if (keyword == "precision")
      settings->header.precision = choose(keyword, values[0], {"float32", "float64"})
          ? torchpot::Precision::float64
          : torchpot::Precision::float32;
    if (keyword == "truth") {
      settings->truth =
          static_cast<Settings::Truth>(choose(keyword, values[0], {"pair", "extxyz", "none"}));
      if (two) settings->extxyz_file = values[1];
    }
  }
  if (settings->descriptor_file.empty()) throw Problem("keyword descriptor is missing");
  if (element_names.empty()) throw Problem("keyword elements is missing");
  if ((int) settings->label.size() > torchpot::FITDUMP_LABEL_LENGTH)
    throw Problem("label is too long", settings->label, std::to_string(settings->label.size()),
                "at most " + std::to_string(torchpot::FITDUMP_LABEL_LENGTH) + " characters");
  if (!atom->tag_enable) throw Problem("atoms must have IDs", "atom_modify id", "no", "yes");
  if (domain->dimension != 3)
    throw Problem("the simulation must be three-dimensional", "dimension", "2", "3");
  if ((int) element_names.size() != atom->ntypes)
    throw Problem("wrong count of elements", "keyword elements", joined(element_names),
                  "one for each of the " + std::to_string(atom->ntypes) + " atom types",
                  keyword_among(element_names));
  settings->header.elements = element_names;    // until the descriptor is known
}

/* ---------------------------------------------------------------------- */

void FixFitdump::read_descriptor()
{
  const std::string &file = settings->descriptor_file;
  std::ifstream in(file);
  if (!in) throw Problem("cannot open the descriptor's file", torchpot::full_path(file));
  torchpot::FitdumpHeader &header = settings->header;
  header.units = update->unit_style;
  if (torchpot::is_torchpot_model(file)) {
    const torchpot::Model model = torchpot::read_model(file);
    if (model.units != header.units)
      throw Problem("the model has other units than this run", file, model.units, header.units);
    header.descriptor = model.descriptor;
  } else {
    for (std::string word; in >> word;)
      if (word.rfind("symfunction_", 0) == 0 || word == "number_of_elements")
        throw Problem("this is an n2p2 file of symmetry functions, which are not available in this "
                    "version",
                    file, word, "an ML-IAP file `descriptor sna`, or a model.pt");
    header.descriptor = torchpot::read_mliap_descriptor(file);
  }
  const std::vector<std::string> names = header.elements;
  header.elements = header.descriptor.elements;
  parse_elements(names);
  header.torchpot_version = TORCHPOT_VERSION;
  header.lammps_version = lmp->version;
  state->descriptor = torchpot::make_snap(header.descriptor);
}

/* ---------------------------------------------------------------------- */

void FixFitdump::parse_elements(const std::vector<std::string> &names)
{
  const std::vector<std::string> &known = settings->header.elements;
  settings->element.assign(1, -1);
  for (const std::string &name : names) {
    const auto found = std::find(known.begin(), known.end(), name);
    if (found == known.end())
      throw Problem("element " + name + " is not one of the descriptor's", "keyword elements",
                  joined(names), joined(known));
    settings->element.push_back((int) (found - known.begin()));
  }
}

/* ---------------------------------------------------------------------- */

void FixFitdump::check_files()
{
  if (comm->me != 0) return;
  torchpot::check_fitdump_target(settings->file, settings->header, settings->append);
  if (settings->truth == Settings::EXTXYZ)
    state->extxyz = std::make_unique<torchpot::ExtxyzReader>(settings->extxyz_file);
}

/* ----------------------------------------------------------------------
   not before the first run: a command or run that is refused leaves no file
------------------------------------------------------------------------- */

void FixFitdump::open_file()
{
  if (comm->me != 0 || state->writer) return;
  state->writer = std::make_unique<torchpot::FitdumpWriter>(settings->file, settings->header,
                                                            settings->append);
  if (state->writer->n_dropped())
    error->warning(FLERR, "Fix fitdump dropped {} torn frame(s) at the end of {}",
                   state->writer->n_dropped(), settings->file);
  // a run that goes on from a restart file starts with the last frame of the run before
  if (state->writer->n_frames()) {
    const torchpot::FitdumpReader reader(settings->file);
    state->first = reader.read(0, false);
    state->last = reader.read(reader.n_frames() - 1, false);
    state->last_centers = torchpot::centers_of(state->last);
    state->has_last = true;
  }
}

/* ---------------------------------------------------------------------- */

void FixFitdump::together(const std::function<void()> &work)
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
  error->all(FLERR, "Fix fitdump: " + problem);
}

/* ---------------------------------------------------------------------- */

int FixFitdump::setmask()
{
  return POST_FORCE | END_OF_STEP | MIN_POST_FORCE | POST_RUN;
}

/* ----------------------------------------------------------------------
   the pair style is computed twice on the steps that are collected
------------------------------------------------------------------------- */

void FixFitdump::check_pair()
{
  const Pair *pair = force->pair;
  if (!(pair && pair->compute_flag))
    error->all(FLERR,
               std::string("Fix fitdump with truth pair needs a pair style that is computed; use "
                           "truth extxyz or none, or define one"));
  bool device = pair->execution_space == Device;
  if (utils::strmatch(force->pair_style, "^hybrid.*/kk"))    // its sub-styles may be on a GPU
    for (const char *api : {"cuda", "hip", "sycl"})
      device = device || Info::has_accelerator_feature("KOKKOS", "api", api);
  if (device)
    error->all(FLERR,
               std::string("Fix fitdump with truth pair cannot use a pair style that runs on a "
                           "GPU; use the style without suffix, or rerun with truth extxyz"));
  for (const Compute *compute : modify->get_compute_list())
    if (utils::strmatch(compute->style, "/tally$"))
      error->all(FLERR,
                 "Fix fitdump with truth pair computes the pair style twice on the steps that it "
                 "collects, so that compute {} (style {}) would count these twice; collect in a "
                 "rerun without it",
                 compute->id, compute->style);
}

/* ----------------------------------------------------------------------
   ghosts must reach as far as the descriptor until the next reneighboring
------------------------------------------------------------------------- */

void FixFitdump::init()
{
  if (settings->truth == Settings::PAIR) check_pair();
  if (comm->mode != Comm::SINGLE)
    error->all(FLERR, std::string("Fix fitdump needs comm_modify mode single"));
  together([&] { open_file(); });
  const double wanted = state->descriptor->max_cutoff() + neighbor->skin;
  if (comm->cutghostuser >= wanted) return;
  comm->cutghostuser = wanted;
  if (comm->me == 0 && !state->announced)
    utils::logmesg(lmp, "Fix fitdump: ghost cutoff is at least {:.8} (descriptor + skin)\n",
                   wanted);
  state->announced = true;
}

/* ---------------------------------------------------------------------- */

bool FixFitdump::due() const
{
  return update->ntimestep % nevery == 0;
}

/* ----------------------------------------------------------------------
   first step of a run, and each configuration of rerun
------------------------------------------------------------------------- */

void FixFitdump::setup(int)
{
  if (due()) collect();
}

/* ----------------------------------------------------------------------
   here rather than at the end of the step, where other fixes may have
   changed the box or moved atoms away from their ghosts
------------------------------------------------------------------------- */

void FixFitdump::post_force(int)
{
  if (due()) collect();
}

/* ----------------------------------------------------------------------
   r-RESPA calls no post_force
------------------------------------------------------------------------- */

void FixFitdump::end_of_step()
{
  if (state->done != update->ntimestep) collect();
}

/* ---------------------------------------------------------------------- */

void FixFitdump::min_setup(int)
{
  min_post_force(0);
}

/* ----------------------------------------------------------------------
   an iteration evaluates several configurations; the last is accepted
------------------------------------------------------------------------- */

void FixFitdump::min_post_force(int)
{
  if (state->pending && state->pending->step != update->ntimestep) flush();
  if (due()) state->pending = take_snapshot();
}

/* ---------------------------------------------------------------------- */

void FixFitdump::post_run()
{
  flush();
  if (state->n_repeated && comm->me == 0)
    utils::logmesg(lmp, "Fix fitdump {} left out {} configuration(s) that the frame before holds\n",
                   id, state->n_repeated);
  state->n_repeated = 0;
}

/* ---------------------------------------------------------------------- */

void FixFitdump::collect()
{
  process(*take_snapshot());
  state->done = update->ntimestep;
}

/* ---------------------------------------------------------------------- */

void FixFitdump::flush()
{
  if (!state->pending) return;
  const std::unique_ptr<Snapshot> snapshot = std::move(state->pending);
  process(*snapshot);
}

/* ----------------------------------------------------------------------
   frames written by this fix
------------------------------------------------------------------------- */

double FixFitdump::compute_scalar()
{
  return static_cast<double>(state->n_written);
}

/* ---------------------------------------------------------------------- */

double FixFitdump::memory_usage()
{
  double bytes = 0.0;
  if (const Snapshot *s = state->pending.get())
    bytes += s->id.capacity() * 8.0 + s->element.capacity() * 4.0 +
        (s->position.capacity() + s->wrapped.capacity() + s->force.capacity()) * 8.0;
  const torchpot::FitdumpFrame &last = state->last;
  bytes += (last.id.capacity() + last.position.capacity() + last.force.capacity()) * 8.0;
  return bytes;
}
