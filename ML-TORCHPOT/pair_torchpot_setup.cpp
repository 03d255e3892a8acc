/* ----------------------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.
------------------------------------------------------------------------- */
// Pair style torchpot: model files, devices, and the block in the log.

#include "pair_torchpot_impl.h"

#include "atom.h"
#include "comm.h"
#include "domain.h"
#include "error.h"
#include "force.h"
#include "neighbor.h"
#include "torchpot_error.h"
#include "torchpot_model_file.h"
#include "torchpot_text.h"
#include "update.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <dlfcn.h>

using namespace LAMMPS_NS;
using torchpot::joined;

/* ---------------------------------------------------------------------- */

static void broadcast(std::string &text, MPI_Comm world)
{
  int n = (int) text.size();
  MPI_Bcast(&n, 1, MPI_INT, 0, world);
  text.resize(n);
  MPI_Bcast(&text[0], n, MPI_CHAR, 0, world);
}

static void broadcast(std::vector<double> &values, MPI_Comm world)
{
  int n = (int) values.size();
  MPI_Bcast(&n, 1, MPI_INT, 0, world);
  values.resize(n);
  MPI_Bcast(values.data(), n, MPI_DOUBLE, 0, world);
}

/* ----------------------------------------------------------------------
   libraries of torch operators register themselves when they are loaded
------------------------------------------------------------------------- */

void PairTorchpot::load_operators()
{
  if (impl->settings.operators.empty()) return;
  collectively([&] {
    const std::string &file = impl->settings.operators;
    const std::string path = file.find('/') == std::string::npos ? "./" + file : file;
    if (!dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL)) {
      const char *reason = dlerror();
      throw torchpot::Error("cannot load the library of operators", file, reason ? reason : "");
    }
  });
}

static bool known_element(const torchpot::Model &model, const std::string &word)
{
  const std::vector<std::string> &known = model.elements;
  return word == "NULL" || std::find(known.begin(), known.end(), word) != known.end();
}

/* ----------------------------------------------------------------------
   words: model files, then one element per atom type
------------------------------------------------------------------------- */

void PairTorchpot::load_models(int n_words, char **words)
{
  impl->models.clear();
  impl->files.clear();
  impl->stale = true;
  for (int i = 1; i <= atom->ntypes; i++)    // without models LAMMPS refuses to run
    for (int j = i; j <= atom->ntypes; j++) setflag[i][j] = 0;
  collectively([&] {
    const int n_files = n_words - atom->ntypes;
    const std::vector<std::string> given(words, words + n_words);
    if (n_files < 1)
      throw torchpot::Error("wrong number of arguments", "pair_coeff * *", joined(given),
                            "one or more model files, then one element for each of the " +
                                std::to_string(atom->ntypes) + " atom types");
    impl->elements.assign(given.begin() + n_files, given.end());
    if (comm->me != 0) return;

    for (int m = 0; m < n_files; m++) {
      const std::string path = utils::get_potential_file_path(given[m]);
      const bool is_element = m > 0 && known_element(impl->models[0], given[m]);
      if (path.empty() && is_element)
        throw torchpot::Error(
            "there are more elements than atom types", "pair_coeff * *",
            joined({given.begin() + m, given.end()}),
            "one element for each of the " + std::to_string(atom->ntypes) + " atom types");
      if (path.empty())
        throw torchpot::Error(
            "there is no such model file here or in LAMMPS_POTENTIALS", "pair_coeff * *",
            torchpot::full_path(given[m]),
            "a model.pt; the last " + std::to_string(atom->ntypes) +
                " arguments, one for each atom type, are elements: " + joined(impl->elements));
      impl->models.push_back(torchpot::read_model(path));
      impl->files.push_back({given[m], path, torchpot::file_sha256(path)});
    }
  });
  broadcast_models();
  nextra = impl->models.size() > 1 ? 3 : 0;
  pvector = nextra ? impl->global : nullptr;
}

/* ---------------------------------------------------------------------- */

void PairTorchpot::broadcast_models()
{
  int n = (int) impl->models.size();
  MPI_Bcast(&n, 1, MPI_INT, 0, world);
  impl->models.resize(n);
  impl->files.resize(n);
  for (int m = 0; m < n; m++) {
    torchpot::PairModelFile &file = impl->files[m];
    for (std::string *text : {&file.name, &file.path, &file.sha256}) broadcast(*text, world);

    torchpot::Model &model = impl->models[m];
    std::string json;
    if (comm->me == 0) json = torchpot::model_to_json(model);
    broadcast(json, world);
    collectively([&] {
      if (comm->me != 0) model = torchpot::model_from_json(json, file.name);
    });
    torchpot::NetworkParameters &network = model.network;
    for (auto *values : {&network.input_shift, &network.input_scale, &network.parameters})
      broadcast(*values, world);
  }
}

/* ----------------------------------------------------------------------
   elements of the model behind atom types; throws torchpot::Error
------------------------------------------------------------------------- */

void PairTorchpot::map_elements()
{
  const torchpot::Model &model = impl->models[0];
  const std::vector<std::string> &known = model.elements;
  for (std::size_t m = 1; m < impl->models.size(); m++)
    if (impl->models[m].elements != known)
      throw torchpot::Error("the models of a committee must have the same elements in the same "
                            "order",
                            impl->files[m].name, joined(impl->models[m].elements),
                            joined(known) + " (" + impl->files[0].name + ")");
  for (std::size_t m = 0; m < impl->models.size(); m++)
    if (impl->models[m].units != update->unit_style)
      throw torchpot::Error("the model has other units than this run", impl->files[m].name,
                            std::string("units of the run: ") + update->unit_style,
                            "units of the model: " + impl->models[m].units,
                            "Use the units command with the model's units");

  int n_used = 0;
  for (int t = 1; t <= atom->ntypes; t++) {
    const std::string &element = impl->elements[t - 1];
    const auto found = std::find(known.begin(), known.end(), element);
    if (element == "NULL") {
      map[t] = -1;
    } else if (found == known.end()) {
      throw torchpot::Error("element " + element + " is not in the model", impl->files[0].name,
                            "elements of pair_coeff: " + joined(impl->elements),
                            "elements of the model: " + joined(known));
    } else {
      map[t] = (int) (found - known.begin());
      n_used++;
    }
  }
  if (n_used == 0)
    throw torchpot::Error("no atom type has an element", "pair_coeff * *", joined(impl->elements),
                          "at least one of " + joined(known));
  for (int i = 1; i <= atom->ntypes; i++)
    for (int j = i; j <= atom->ntypes; j++) setflag[i][j] = map[i] >= 0 && map[j] >= 0;
}

/* ---------------------------------------------------------------------- */

void PairTorchpot::build_committee()
{
  const torchpot::PairSettings &settings = impl->settings;
  MPI_Comm node;
  int node_rank;
  MPI_Comm_split_type(world, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
  MPI_Comm_rank(node, &node_rank);
  MPI_Comm_free(&node);

  collectively([&] {
    using torchpot::Precision;
    impl->gpu = -1;
    if (settings.device == "cuda") {
      const int n = torchpot::cuda_device_count();
      if (n == 0)
        throw torchpot::Error("libtorch finds no GPU, or was built without CUDA", "device cuda",
                              "0 GPUs", "at least 1", "Use device cpu, or a libtorch with CUDA");
      impl->gpu = node_rank % n;
    }
    const bool through_torch = settings.plain || impl->gpu >= 0;
    if (settings.precision == "model") {
      // a committee computes in the wider arithmetic if its members differ
      impl->precision = Precision::float32;
      for (const torchpot::Model &model : impl->models)
        if (model.dtype == Precision::float64) impl->precision = Precision::float64;
    } else
      impl->precision = settings.precision == "float32" ? Precision::float32 : Precision::float64;
    if (through_torch && settings.precision == "float32")
      throw torchpot::Error("descriptor models run on a GPU in float64 only", "precision",
                            "float32", "model or float64");
    if (through_torch) impl->precision = Precision::float64;

    std::vector<torchpot::BatchFunction> networks;
    if (through_torch)
      for (const torchpot::PairModelFile &file : impl->files) {
        const std::string device =
            impl->gpu >= 0 ? "cuda:" + std::to_string(impl->gpu) : std::string("cpu");
        auto network = std::make_shared<torchpot::TorchNetwork>(file.path, device);
        networks.push_back([network](int n, const int *element, const double *descriptor,
                                     double *energy, double *gradient) {
          network->evaluate(n, element, descriptor, energy, gradient);
        });
      }
    impl->committee = std::make_unique<torchpot::Committee>(impl->models, impl->precision,
                                                            !settings.plain, networks);
  });
}

/* ---------------------------------------------------------------------- */

double PairTorchpot::largest_cutoff() const
{
  double cutoff = 0.0;
  for (int i = 1; i <= atom->ntypes; i++)
    for (int j = 1; j <= atom->ntypes; j++)
      if (map[i] >= 0 && map[j] >= 0)
        cutoff = std::max(cutoff, impl->committee->cutoff(map[i], map[j]));
  return cutoff;
}

/* ----------------------------------------------------------------------
   bytes of this style per rank, from the mean density
------------------------------------------------------------------------- */

double PairTorchpot::estimate_memory() const
{
  const double length = largest_cutoff() + neighbor->skin;
  const double n_local = (double) atom->natoms / comm->nprocs;
  const double volume = domain->xprd * domain->yprd * domain->zprd;
  const double n_neighbors =
      std::min((double) atom->natoms, atom->natoms / volume * 4.0 / 3.0 * M_PI * pow(length, 3));
  const double n_chunk = std::min(n_local, (double) chunk_size());
  const double side = cbrt(volume / comm->nprocs);
  const double n_all = n_local * pow(1.0 + 2.0 * length / std::max(side, 1e-10), 3);

  // pair arrays of a chunk in the style and in the descriptor, then rows for all atoms
  double bytes = n_chunk * (n_neighbors * 72.0 + 32.0);
  const int k = impl->models[0].network.n_descriptors;
  if (impl->gpu >= 0 || impl->settings.plain) bytes += n_chunk * k * 32.0;
  if (impl->settings.plain) bytes += n_chunk * n_neighbors * k * 24.0;
  if (!force->newton_pair || impl->models.size() > 1) bytes += n_all * 18.0 * sizeof(double);
  bytes += n_local * impl->models.size() * (impl->models.size() > 1 ? 24.0 : 0.0);
  return bytes;
}

/* ---------------------------------------------------------------------- */

static std::string number(double x)
{
  char text[32];
  snprintf(text, sizeof(text), "%.6g", x);
  return text;
}

static std::string line(const std::string &name, const std::string &value)
{
  return "  " + name + std::string(15 - name.size(), ' ') + value + "\n";
}

/* ----------------------------------------------------------------------
   what the model is
------------------------------------------------------------------------- */

static std::string network_words(const torchpot::NetworkParameters &p)
{
  if (p.kind == torchpot::NetworkKind::linear) return "linear model";
  if (p.kind == torchpot::NetworkKind::quadratic) return "quadratic model";
  std::string text = "network " + std::to_string(p.n_inputs());
  for (int size : p.layer_sizes) text += "-" + std::to_string(size);
  if (p.element_mode == torchpot::ElementMode::per_element) text += ", one per element";
  if (p.element_mode == torchpot::ElementMode::one_hot) text += ", element as one-hot input";
  return text;
}

static std::string model_lines(const std::vector<torchpot::Model> &models,
                               const std::vector<torchpot::PairModelFile> &files,
                               int n_evaluations)
{
  std::string text;
  for (const torchpot::PairModelFile &file : files)
    text += line("model", file.path + " (SHA-256 " + file.sha256.substr(0, 12) + "...)");
  if (models.size() > 1)
    text += line("committee", std::to_string(models.size()) + " models, forces are their mean; " +
                     std::to_string(n_evaluations) + " descriptor evaluation(s)");
  const torchpot::Model &model = models[0];
  return text +
      line("family", model.family + ": SNAP with 2J = " +
               std::to_string(model.descriptor.twojmax) + ", " +
               std::to_string(model.network.n_descriptors) + " descriptors, " +
               network_words(model.network));
}

static std::string reference_lines(const std::vector<std::string> &commands,
                                   const std::string &missing)
{
  const std::string head = missing.empty()
      ? "present: "
      : "trained on top of this potential, overlay it: ";
  std::string text;
  for (const std::string &command : commands)
    text += text.empty() ? line("reference", head + command) : line("", command);
  return text;
}

/* ----------------------------------------------------------------------
   pair styles of the model's reference potential that this run lacks
------------------------------------------------------------------------- */

std::string PairTorchpot::missing_reference() const
{
  std::vector<std::string> missing;
  for (const std::string &command : impl->models[0].reference) {
    const std::vector<std::string> words = utils::split_words(command);
    if (words.size() < 2 || words[0] != "pair_style") continue;
    const bool hybrid = words[1].rfind("hybrid", 0) == 0;
    const std::size_t first = hybrid ? 2 : 1;
    for (std::size_t i = first; i < words.size(); i++) {
      // the arguments of the sub-styles stand between their names
      if (i > first && (!hybrid || !force->pair_map->count(words[i]))) continue;
      bool active = words[i] == "zero";
      for (const char *suffix : {"", "/omp", "/kk", "/kk/device", "/kk/host", "/gpu", "/intel",
                                 "/opt"})
        active = active || force->pair_match(words[i] + suffix, 1, 1);
      if (!active) missing.push_back(words[i]);
    }
  }
  return joined(missing, ", ");
}

/* ---------------------------------------------------------------------- */

std::string PairTorchpot::device_lines(const std::vector<int> &gpus) const
{
  const std::string cpu = std::string("cpu (") +
      (impl->settings.plain ? "plain kernels" : torchpot::simd_target()) + ")";
  if (impl->settings.device != "cuda")
    return line("device", (comm->nprocs == 1 ? "rank 0: " : "ranks 0 to " +
                               std::to_string(comm->nprocs - 1) + ": ") + cpu);
  std::string text;
  for (int rank = 0; rank < comm->nprocs; rank++)
    text += line("device", "rank " + std::to_string(rank) + ": network on cuda:" +
                     std::to_string(gpus[rank]) + ", descriptors on " + cpu);
  return text;
}

/* ---------------------------------------------------------------------- */

void PairTorchpot::log_setup()
{
  std::vector<int> gpus(comm->nprocs);
  MPI_Gather(&impl->gpu, 1, MPI_INT, gpus.data(), 1, MPI_INT, 0, world);
  if (comm->me != 0) return;

  const torchpot::Model &model = impl->models[0];
  const double cutoff = largest_cutoff();
  std::vector<std::string> types;
  for (int t = 1; t <= atom->ntypes; t++)
    types.push_back(std::to_string(t) + " = " + impl->elements[t - 1]);

  std::string text = "Pair style torchpot:\n" +
      model_lines(impl->models, impl->files, impl->committee->n_evaluations());
  text += line("atom types", joined(types, ", "));
  text += line("cutoff", number(cutoff));
  text += line("units", model.units);
  text += line("precision",
               impl->precision == torchpot::Precision::float32 ? "float32" : "float64");
  text += device_lines(gpus);
  text += line("communication",
               "no message passing, keyword comm has no effect; ghost cutoff " +
                   number(std::max(cutoff + neighbor->skin, comm->cutghostuser)));
  text += line("memory", "about " + number(std::ceil(estimate_memory() / 1e5) / 10.0) +
                   " MB per rank, " + std::to_string(chunk_size()) + " atoms per model call");
  const std::string missing = missing_reference();
  utils::logmesg(lmp, text + reference_lines(model.reference, missing));
  if (!missing.empty())
    error->warning(FLERR,
                   "Pair style torchpot: {} was trained on top of a reference potential that this "
                   "run lacks: {}. Its forces are wrong alone: use pair_style hybrid/overlay with "
                   "both, as the include file of the fit does",
                   impl->files[0].name, missing);
}
