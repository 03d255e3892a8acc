// From settings to a complete data set.
#include "load.h"

#include "cache.h"
#include "data_notes.h"
#include "descriptor_store.h"
#include "descriptors.h"
#include "hash.h"
#include "parallel.h"
#include "reference.h"
#include "scrape_fitdump.h"
#include "scrape_json.h"
#include "scrape_xyz.h"
#include "settings_reader.h"
#include "split.h"
#include "stress_units.h"
#include "torchpot_error.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>

namespace torchpot {

namespace {

namespace fs = std::filesystem;

// bytes of derivatives in double from which they are kept in single precision
constexpr double LARGE_DATA = 1e9;

bool contains(const std::vector<std::string> &list, const std::string &name)
{
  return std::find(list.begin(), list.end(), name) != list.end();
}

void add(std::vector<Configuration> &all, std::vector<Configuration> &&more)
{
  for (Configuration &c : more) all.push_back(std::move(c));
}

/// Where configurations come from; what the input does not name is null.
struct Sources {
  const FitdumpScraper *fitdump;
  XyzScraper *xyz;
};

/// Groups without a line in [GROUPS]: labels of fitdump files always, those of XYZ files if the
/// input has no lines at all.
void gather_others(const Settings &s, const Sources &from, bool derivatives, Dataset &data,
                   std::vector<std::string> &notes)
{
  const auto has_line = [&](const std::string &name) {
    for (const GroupSettings &group : s.groups)
      if (group.name == name) return true;
    return false;
  };
  std::vector<std::string> left_out;
  if (from.xyz)
    for (const std::string &name : from.xyz->groups()) {
      if (s.groups.empty())
        add(data.configurations, from.xyz->scrape(name, nullptr, notes));
      else if (!has_line(name))
        left_out.push_back(name);
    }
  if (!left_out.empty())
    notes.push_back(s.data_path + ": groups without a line in [GROUPS] are left out: " +
                    join(left_out, ", "));
  if (from.fitdump)
    for (const std::string &label : from.fitdump->labels())
      if (!has_line(label))
        add(data.configurations, from.fitdump->scrape(label, nullptr, derivatives, notes));
}

/// Groups of the input in its order, then those that have no line there.
void gather(const Settings &s, const Sources &from, bool derivatives, Dataset &data,
            std::vector<std::string> &notes)
{
  const std::vector<std::string> labels =
      from.fitdump ? from.fitdump->labels() : std::vector<std::string>();
  for (const GroupSettings &group : s.groups) {
    const bool is_label = contains(labels, group.name);
    const bool in_files = from.xyz ? contains(from.xyz->groups(), group.name)
        : !s.data_path.empty() && fs::is_directory(fs::path(s.data_path) / group.name);
    if (in_files || (!s.data_path.empty() && !is_label))
      add(data.configurations, from.xyz ? from.xyz->scrape(group.name, &group, notes)
                                        : scrape_json_group(s, group, notes));
    else if (!is_label)
      throw Error("no frames have this label", group.where.text() + ": [GROUPS] " + group.name,
                  "the labels " + join(labels, ", "));
    if (is_label)
      add(data.configurations, from.fitdump->scrape(group.name, &group, derivatives, notes));
  }
  gather_others(s, from, derivatives, data, notes);
}

std::string wanted_labels(const Settings &s)
{
  const CalculatorSettings &c = s.calculator;
  const char *stress = s.fits_stress() ? " or Stress" : "";
  if (c.energy && c.force) return std::string("Energy or Forces") + stress;
  if (c.energy) return std::string("Energy") + stress + " (force = 0)";
  return c.force ? std::string("Forces") + stress + " (energy = 0)"
                 : "Stress (energy = 0 and force = 0)";
}

void check_labels(const Settings &s, Dataset &data)
{
  for (Configuration &c : data.configurations) {
    c.has_energy = c.has_energy && s.calculator.energy;
    c.has_forces = c.has_forces && s.calculator.force;
    // only where the model has a stress too
    c.has_stress = c.has_stress && s.calculator.stress && is_periodic(c.cell);
    if (!c.has_energy && !c.has_forces && !(c.has_stress && s.fits_stress()))
      throw Error("the configuration has nothing to be fitted", c.group + "/" + c.file, "",
                  wanted_labels(s));
  }
  if (data.count(false) == 0)
    throw Error("there is nothing to train on", s.input_file,
                std::to_string(data.count(true)) + " configurations, all of them for testing",
                "training sizes larger than 0");
}

void set_hash(Dataset &data)
{
  ContentHash hash;
  for (const std::string &element : data.elements) hash.add(element);
  for (const Configuration &c : data.configurations) {
    hash.add(c.group);
    hash.add(c.file);
    hash.add(c.element);
    hash.add(c.position);
    hash.add(c.cell.vectors, sizeof c.cell.vectors);
    hash.add(c.cell.periodic, sizeof c.cell.periodic);
    hash.add(c.force);
    const double numbers[] = {(double) c.test,   (double) c.has_energy, (double) c.has_forces,
                              (double) c.has_stress, c.energy_weight,   c.force_weight,
                              c.stress_weight,   c.has_energy ? c.energy : 0.0};
    hash.add(numbers, sizeof numbers);
    if (c.has_stress) hash.add(c.stress, sizeof c.stress);
  }
  data.hash = hash.digest();
}

/// Everything that several ranks share out, or one of them has.
struct Work {
  std::vector<bool> stored;    // descriptors came with the data, and rank 0 has them
  std::vector<int> owner;      // [n_configurations] rank that computes it
  std::unique_ptr<DescriptorStore> store;
};

/// Vectors of one thread that keep their memory from one configuration to the next.
struct Scratch {
  void swap(Configuration &c)
  {
    std::swap(descriptor, c.descriptor);
    std::swap(derivative, c.derivative);
    std::swap(strain, c.strain_derivative);
    std::swap(row, c.row);
    std::swap(column, c.column);
  }
  Array<double> descriptor, derivative, strain;
  Array<int> row, column;
};

void compute_references(Dataset &data, const Settings &s, const Work &work, Ranks &ranks,
                        const std::function<void()> &between)
{
  if (data.reference.empty()) return;
  ReferenceSettings settings = s.reference;
  settings.units = data.units;
  ReferencePotential reference(settings, data.elements);
  for (std::size_t i = 0; i < data.configurations.size(); i++) {
    if (work.owner[i] != ranks.rank()) continue;
    reference.compute(data.configurations[i]);
    if (between) between();
  }
}

void compute_own(Dataset &data, const Settings &s, Work &work, Ranks &ranks,
                 const std::function<void(std::size_t, std::size_t)> &progress)
{
  std::vector<Configuration> &all = data.configurations;
  std::vector<std::size_t> own;
  for (std::size_t i = 0; i < all.size(); i++)
    if (work.owner[i] == ranks.rank()) own.push_back(i);
  compute_references(data, s, work, ranks, [&] {
    if (progress) progress(0, own.size());
  });
  const int n_threads = thread_count(s.torchpot.threads, ranks.size());
  std::vector<std::unique_ptr<Descriptor>> descriptors;
  for (int t = 0; t < n_threads; t++) descriptors.push_back(make_snap(data.descriptor));
  std::vector<Scratch> scratch(n_threads);
  std::atomic<std::size_t> done{0};
  parallel_for(own.size(), n_threads, [&](int thread, std::size_t k) {
    Configuration &c = all[own[k]];
    const bool stored = work.stored[own[k]];
    if (!stored) {
      scratch[thread].swap(c);
      compute_descriptors(c, *descriptors[thread], c.has_forces, c.has_stress);
    }
    work.store->place(own[k]);
    if (stored)
      Scratch().swap(c);    // their memory is free now
    else
      scratch[thread].swap(c);
    const std::size_t n = ++done;
    if (progress && thread == 0) progress(n, own.size());
  });
}

/// Who has what: rank 0 what is stored or was cached, the others are dealt out.
void assign_owners(const Dataset &data, bool from_cache, const Ranks &ranks, Work &work)
{
  const std::size_t n = data.configurations.size();
  work.owner.assign(n, 0);
  std::size_t dealt = 0;
  for (std::size_t i = 0; i < n && !from_cache; i++)
    if (!work.stored[i]) work.owner[i] = (int) (dealt++ % ranks.size());
}

/// Collective; also says what is stored.
std::vector<StoredSizes> count_sizes(Dataset &data, int n_threads, Work &work, Ranks &ranks)
{
  enum { BLOCKS, DERIVATIVES, STRAINS, STORED, N_FLAGS };
  std::vector<Configuration> &all = data.configurations;
  std::vector<std::uint64_t> count(all.size() * N_FLAGS, 0);
  if (ranks.is_first())
    for (std::size_t i = 0; i < all.size(); i++) {
      if (all[i].descriptor.empty()) continue;
      count[i * N_FLAGS + BLOCKS] = all[i].derivative.empty() ? 0 : all[i].n_blocks();
      count[i * N_FLAGS + DERIVATIVES] = all[i].has_derivatives;
      count[i * N_FLAGS + STRAINS] = !all[i].strain_derivative.empty();
      count[i * N_FLAGS + STORED] = 1;
    }
  ranks.sum(count.data(), count.size());
  count_blocks(data, n_threads, ranks);
  std::vector<StoredSizes> sizes(all.size());
  work.stored.resize(all.size());
  for (std::size_t i = 0; i < all.size(); i++) {
    const Configuration &c = all[i];
    const std::uint64_t *const n = &count[i * N_FLAGS];
    const bool stored = work.stored[i] = n[STORED] != 0;
    sizes[i].forces = data.reference.empty() ? 0 : 3 * c.element.size();
    sizes[i].descriptors = c.element.size() * data.n_descriptors;
    sizes[i].strains = (stored ? n[STRAINS] : c.has_stress) ? 6 * sizes[i].descriptors : 0;
    sizes[i].derivatives = stored ? n[DERIVATIVES] : c.has_forces;
    sizes[i].blocks = stored ? n[BLOCKS] : c.expected_blocks;
  }
  return sizes;
}

}    // namespace

std::string mapping_folder(const Settings &s)
{
  const char *temporary = std::getenv("TMPDIR");
  if (s.torchpot.cache.empty()) return temporary && *temporary ? temporary : "/tmp";
  std::error_code failure;
  std::filesystem::create_directories(s.torchpot.cache, failure);
  return s.torchpot.cache;
}

Dataset load_dataset(const Settings &s, bool derivatives, std::vector<std::string> &notes)
{
  if (!s.data_path.empty() && !s.xyz) check_data_path(s);
  std::unique_ptr<FitdumpScraper> fitdump;
  if (!s.torchpot.fitdump.empty()) fitdump = std::make_unique<FitdumpScraper>(s);
  Dataset data;
  data.descriptor = fitdump ? fitdump->descriptor() : s.bispectrum.snap;
  data.elements = data.descriptor.elements;
  data.n_descriptors = data.descriptor.n_descriptors();
  data.units = fitdump ? fitdump->units() : s.reference.units;
  if (!s.data_path.empty() && data.units != "metal")
    throw Error(std::string("fitdump files and ") + (s.xyz ? "XYZ" : "JSON") +
                    " data have different units", s.torchpot.fitdump[0],
                data.units, "metal");
  for (const auto &shift : s.eshift)
    if (!contains(data.elements, shift.first))
      throw Error("unknown element", s.input_file + ": [ESHIFT] " + shift.first, shift.first,
                  "one of " + join(data.elements, ", "));
  if (s.pytorch.input_size && s.pytorch.input_size != data.n_descriptors)
    throw Error("the first layer size is not the number of descriptors",
                s.input_file + ": layer_sizes", std::to_string(s.pytorch.input_size),
                "num_desc or " + std::to_string(data.n_descriptors));
  if (!s.reference.is_zero) data.reference = s.reference.lines;
  std::unique_ptr<XyzScraper> xyz;
  if (s.xyz && !s.data_path.empty())
    xyz = std::make_unique<XyzScraper>(s, notes, data.warnings);
  gather(s, {fitdump.get(), xyz.get()}, derivatives, data, notes);
  if (!std::isnan(s.pytorch.training_fraction))
    split_globally(data.configurations, s.pytorch.training_fraction, s.torchpot.seed);
  check_labels(s, data);
  if (s.fits_stress()) note_unfitted_stress(data, notes);
  note_missing_labels(data, s, notes);
  note_duplicates(data, notes);
  if (s.wants_balance()) data.energy_weight = balanced_energy_weight(data);
  for (Configuration &c : data.configurations) c.energy_weight *= data.energy_weight;
  if (s.smartweights) divide_weights(data.configurations);
  for (const Configuration &c : data.configurations)
    if (!contains(data.groups, c.group)) data.groups.push_back(c.group);
  set_hash(data);
  return data;
}

void count_blocks(Dataset &data, int n_threads, Ranks &ranks, const std::function<void()> &between)
{
  std::vector<Configuration> &all = data.configurations;
  const std::unique_ptr<Descriptor> descriptor = make_snap(data.descriptor);
  std::vector<std::uint64_t> blocks(all.size(), 0);
  bool known = true;
  for (const Configuration &c : all)
    known = known && c.expected_blocks != Configuration::NOT_COUNTED;
  if (!ranks.any(!known)) return;
  ranks.together([&] {
    parallel_for(all.size(), n_threads, [&](int thread, std::size_t i) {
      if (between && thread == 0) between();
      if (i % ranks.size() == (std::size_t) ranks.rank() && all[i].has_forces)
        blocks[i] = count_blocks(all[i], *descriptor);
    });
  });
  ranks.sum(blocks.data(), blocks.size());
  for (std::size_t i = 0; i < all.size(); i++) all[i].expected_blocks = blocks[i];
}

bool stores_single(const Settings &s, const Dataset &data, std::size_t n_blocks)
{
  const double bytes = 3.0 * sizeof(double) * data.n_descriptors * (double) n_blocks;
  return s.torchpot.derivatives == DerivativeStorage::float32 ||
      (s.torchpot.derivatives == DerivativeStorage::automatic && bytes > LARGE_DATA);
}

PrepareResult prepare_dataset(Dataset &data, const Settings &s,
                              const std::function<void(std::size_t, std::size_t)> &progress,
                              Ranks &ranks)
{
  const auto start = std::chrono::steady_clock::now();
  PrepareResult result;
  Work work;
  const int n_threads = thread_count(s.torchpot.threads, ranks.size());
  std::vector<StoredSizes> sizes = count_sizes(data, n_threads, work, ranks);
  std::size_t n_blocks = 0;
  for (const StoredSizes &n : sizes) n_blocks += n.blocks;
  data.single = stores_single(s, data, n_blocks);
  double bytes = 0.0;
  for (const StoredSizes &n : sizes)
    bytes += (double) DescriptorStore::bytes(n, data.n_descriptors, data.single);
  const double limit = 1e9 * s.torchpot.memory_limit;
  result.mapped = limit > 0.0 && bytes > limit;
  const bool all_stored = data.reference.empty() &&
      std::find(work.stored.begin(), work.stored.end(), false) == work.stored.end();
  std::string file, key, problem;
  if (!s.torchpot.cache.empty() && !all_stored && ranks.is_first()) {
    key = cache_key(data, data.reference.empty() ? 0 : lammps_library_version());
    file = cache_file(s.torchpot.cache, key);
  }
  work.store = std::make_unique<DescriptorStore>(
      data, std::move(sizes), result.mapped ? mapping_folder(s) : "", ranks);
  if (!file.empty()) {
    result.from_cache = read_cache(file, key, *work.store, work.stored, problem);
    if (!problem.empty())
      result.warnings.push_back("the cache " + file + " cannot be used, since " + problem +
                                "; it is written anew");
  }
  ranks.broadcast(&result.from_cache, sizeof result.from_cache);

  assign_owners(data, result.from_cache, ranks, work);
  ranks.together([&] {
    if (!result.from_cache)
      compute_own(data, s, work, ranks, progress);
    else if (ranks.is_first())
      for (std::size_t i = 0; i < work.stored.size(); i++)
        if (work.stored[i]) work.store->place_beside_reference(i);
  });
  work.store->finish(work.owner);
  if (!result.from_cache && !file.empty()) {
    try {
      write_cache(file, key, *work.store, work.stored);
    } catch (const Error &e) {
      result.warnings.push_back(e.what());
    }
  }
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
  result.seconds = spent.count();
  return result;
}

}    // namespace torchpot
