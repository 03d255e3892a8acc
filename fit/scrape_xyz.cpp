// Configurations from extended XYZ files.
#include "scrape_xyz.h"

#include "ini.h"
#include "settings_reader.h"
#include "split.h"
#include "torchpot_error.h"
#include "torchpot_text.h"
#include "torchpot_extxyz.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fnmatch.h>
#include <map>
#include <set>

namespace torchpot {

namespace {

namespace fs = std::filesystem;

constexpr double BAR = 1.6021765e6;    // 1 eV/Angstrom^3, as LAMMPS's units metal have it
constexpr double LARGEST_STRESS = 10.0;    // eV/Angstrom^3, 1,600 GPa: larger ones are in bar

/// Names of one kind of label: the plain ones, and one that training data often have beside.
struct LabelNames {
  const char *what, *key;
  std::vector<std::string> plain, other;
};
const LabelNames ENERGY = {"energies", "energy_key", {"energy", "Energy"}, {"REF_energy"}};
const LabelNames FORCES = {
    "forces", "forces_key", {"forces", "force", "Forces"}, {"REF_forces"}};
const LabelNames STRESS = {"stresses", "stress_key", {"stress", "Stress"}, {"REF_stress"}};
const LabelNames VIRIAL = {
    "stresses", "virial_key", {"virial", "virials"}, {"REF_virial", "REF_virials"}};

std::vector<std::string> names_of(const LabelNames &label, const std::string &given)
{
  if (!given.empty()) return {given};
  std::vector<std::string> names = label.plain;
  names.insert(names.end(), label.other.begin(), label.other.end());
  return names;
}

bool contains(const std::vector<std::string> &list, const std::string &name)
{
  return std::find(list.begin(), list.end(), name) != list.end();
}

/// Whether a configuration has this key, or this property of its atoms.
bool mentions(const ExtxyzConfiguration &x, const std::string &name)
{
  const auto properties = x.info.find("Properties");
  return x.info.count(name) ||
      (properties != x.info.end() &&
       (":" + properties->second + ":").find(":" + name + ":") != std::string::npos);
}

double weight(const ExtxyzConfiguration &x, const std::string &key, const std::string &where)
{
  const auto found = x.info.find(key);
  if (found == x.info.end()) return 1.0;
  return checked_number(found->second, Range::not_negative, where + ", key " + key);
}

void take_cell(const ExtxyzConfiguration &x, const std::string &where, Configuration &c)
{
  std::copy(&x.cell[0][0], &x.cell[0][0] + 9, &c.cell.vectors[0][0]);
  std::copy(x.pbc, x.pbc + 3, c.cell.periodic);
  const double(&a)[3][3] = c.cell.vectors;
  const auto length = [&](int k) { return std::hypot(a[k][0], a[k][1], a[k][2]); };
  for (int k = 0; k < 3; k++)
    if (x.pbc[k] && !(length(k) > 0.0))
      throw Error("a periodic direction has no cell vector", where + ", key " +
                  (x.has_cell ? "Lattice" : "pbc"), "vector " + std::to_string(k + 1),
                  "nine numbers in Lattice, or pbc=\"F F F\"");
  const double volume = a[0][0] * (a[1][1] * a[2][2] - a[1][2] * a[2][1]) +
      a[0][1] * (a[1][2] * a[2][0] - a[1][0] * a[2][2]) +
      a[0][2] * (a[1][0] * a[2][1] - a[1][1] * a[2][0]);
  if (x.pbc[0] && x.pbc[1] && x.pbc[2] && std::fabs(volume) < 1e-6)
    throw Error("the cell has no volume", where + ", key Lattice", x.info.at("Lattice"),
                "three independent vectors");
}

/// First of GROUP.extxyz and GROUP.xyz that is there, as FitSNAP takes it; otherwise empty.
std::string file_of(const std::string &folder, const std::string &group)
{
  for (const char *extension : {".extxyz", ".xyz"}) {
    const fs::path file = fs::path(folder) / (group + extension);
    if (fs::is_regular_file(file)) return file.string();
  }
  return "";
}

/// Groups of the files in a folder; `json`: a folder in it that has JSON files.
std::vector<std::string> groups_in(const std::string &folder, std::string &json)
{
  std::set<std::string> names;
  for (const auto &item : fs::directory_iterator(folder)) {
    if (has_xyz_name(item.path().string())) names.insert(item.path().stem().string());
    if (!item.is_directory() || !json.empty()) continue;
    for (const auto &inner : fs::directory_iterator(item))
      if (inner.path().extension() == ".json") json = item.path().filename().string();
  }
  std::vector<std::string> sorted(names.begin(), names.end());
  std::sort(sorted.begin(), sorted.end(), natural_less);
  return sorted;
}

struct XyzGroup {
  std::string name;
  std::vector<Configuration> configurations;
  std::vector<bool> plain_stress;    // the configuration's stress is no virial
};

/// Counts over all files, for notes.
struct Statistics {
  std::map<std::string, std::size_t> used, unused;    // of labels by name, "energies REF_energy"
  std::set<std::string> keys;                         // all that were seen
  std::size_t n = 0, open_stress = 0;
  bool has_weights = false;
  double largest_stress = 0.0;
};

}    // namespace

struct XyzScraper::Implementation {
  explicit Implementation(const Settings &settings) : s(settings)
  {
    const TorchpotSettings &t = s.torchpot;
    keys.energy = names_of(ENERGY, t.energy_key);
    keys.forces = names_of(FORCES, t.forces_key);
    // one that is named is used, even if there are others of the plain name
    const bool stress = !t.stress_key.empty(), virial = !t.virial_key.empty();
    keys.stress = stress || !virial ? names_of(STRESS, t.stress_key) : std::vector<std::string>();
    keys.virial = virial || !stress ? names_of(VIRIAL, t.virial_key) : std::vector<std::string>();
    group_key = t.group_key.empty() ? "config_type" : t.group_key;
  }

  void read_all(std::vector<std::string> &warnings)
  {
    if (fs::is_directory(s.data_path)) return read_folder(warnings);
    if (!fs::exists(s.data_path))
      throw Error("the data are absent", s.data_where, full_path(s.data_path),
                  "a folder with a file GROUP.xyz for each group, or one extended XYZ file",
                  "A relative path is seen from the folder of the input file");
    if (fs::path(s.data_path).extension() == ".json")
      throw Error("this is no extended XYZ file", s.data_where, s.data_path, "",
                  "For folders with JSON files use scraper = JSON");
    read_file(s.data_path, "", warnings);
    if (!s.torchpot.group_key.empty()) expect_key("group_key", s.torchpot.group_key);
  }

  void read_folder(std::vector<std::string> &warnings)
  {
    if (!s.torchpot.group_key.empty())
      throw Error("group_key divides one file into groups", s.input_file + ": [TORCHPOT] group_key",
                  s.data_path + ", a folder", "a file as dataPath");
    std::string json;
    std::vector<std::string> names = groups_in(s.data_path, json);
    if (names.empty())
      throw Error("there are no extended XYZ files", s.data_where,
                  json.empty() ? s.data_path : "a folder " + json + " with JSON files",
                  "files GROUP.xyz or GROUP.extxyz", json.empty() ? "" : "Use scraper = JSON");
    if (!s.groups.empty()) {
      names.clear();
      for (const GroupSettings &group : s.groups) names.push_back(group.name);
    }
    for (const std::string &name : names) {
      const std::string file = file_of(s.data_path, name);
      if (!file.empty()) read_file(file, name, warnings);
    }
  }

  /// All configurations of a file; `group` empty: divided by their keys.
  void read_file(const std::string &file, const std::string &group,
                 std::vector<std::string> &warnings)
  {
    ExtxyzReader reader(file, keys);
    ExtxyzConfiguration x;
    std::size_t n = 0;
    while (next(reader, x, n, file, warnings)) {
      const std::string where = file + ", line " + std::to_string(x.line) + ", configuration " +
          std::to_string(x.number);
      const auto key = x.info.find(group_key);
      const bool named = key != x.info.end() && !key->second.empty();
      const std::string name = !group.empty() ? group : named ? key->second : "all";
      count(x);
      XyzGroup &target = group_of(name);
      target.configurations.push_back(converted(x, fs::path(file).filename().string(), where));
      target.plain_stress.push_back(!x.from_virial);
      n++;
    }
    if (n == 0) throw Error("there are no configurations", file);
  }

  /// The next one; an incomplete one at the end is passed over.
  static bool next(ExtxyzReader &reader, ExtxyzConfiguration &x, std::size_t n,
                   const std::string &file, std::vector<std::string> &warnings)
  {
    try {
      return reader.next(x);
    } catch (const Error &e) {
      if (!reader.is_cut() || n == 0) throw;
      warnings.push_back(file + ": the file ends within its configuration " +
                         std::to_string(n + 1) + ", which is passed over");
      return false;
    }
  }

  void count(const ExtxyzConfiguration &x)
  {
    statistics.n++;
    for (const auto &item : x.info) statistics.keys.insert(item.first);
    const auto properties = x.info.find("Properties");
    if (properties != x.info.end()) {
      const std::string &text = properties->second;    // name:kind:count:name:...
      std::size_t field = 0;
      for (std::size_t at = 0; at < text.size(); field++) {
        const std::size_t end = std::min(text.find(':', at), text.size());
        if (field % 3 == 0) statistics.keys.insert(text.substr(at, end - at));
        at = end + 1;
      }
    }
    const TorchpotSettings &t = s.torchpot;
    const auto label = [&](const LabelNames &names, const std::string &used, bool given) {
      if (given || used.empty()) return;
      if (!contains(names.plain, used)) statistics.used[std::string(names.what) + " " + used]++;
      for (const std::string &name : names.other)
        if (name != used && mentions(x, name))
          statistics.unused[used + " is used, not " + name + " (" + names.key + ")"]++;
    };
    label(ENERGY, x.energy_key, !t.energy_key.empty());
    label(FORCES, x.forces_key, !t.forces_key.empty());
    label(x.from_virial ? VIRIAL : STRESS, x.stress_key,
          !t.stress_key.empty() || !t.virial_key.empty());
  }

  XyzGroup &group_of(const std::string &name)
  {
    for (XyzGroup &group : all)
      if (group.name == name) return group;
    all.push_back({name, {}, {}});
    return all.back();
  }

  Configuration converted(const ExtxyzConfiguration &x, const std::string &file,
                          const std::string &where)
  {
    const std::vector<std::string> &elements = s.bispectrum.snap.elements;
    Configuration c;
    c.file = file + "#" + std::to_string(x.number - 1);
    take_cell(x, where, c);
    c.position = x.position;
    c.has_energy = x.has_energy;
    if (x.has_energy) c.energy = x.energy;
    for (std::size_t i = 0; i < x.species.size(); i++) {
      const auto found = std::find(elements.begin(), elements.end(), x.species[i]);
      if (found == elements.end())
        throw Error("unknown element", where + ", atom " + std::to_string(i + 1), x.species[i],
                    "one of those in [BISPECTRUM] type: " + join(elements, " "));
      c.element.push_back((int) (found - elements.begin()));
      const auto shift = s.eshift.find(*found);
      if (shift != s.eshift.end()) c.energy += shift->second;
    }
    c.force = x.force;
    c.has_forces = !x.force.empty();
    take_stress(x, c);
    take_weights(x, where, c);
    return c;
  }

  void take_stress(const ExtxyzConfiguration &x, Configuration &c)
  {
    const bool open = !(x.pbc[0] && x.pbc[1] && x.pbc[2]);
    c.has_stress = x.has_stress && !open;
    statistics.open_stress += x.has_stress && open;
    if (!c.has_stress) return;
    for (int v = 0; v < 6; v++) {
      c.stress[v] = -BAR * x.stress[v];
      if (!x.from_virial)
        statistics.largest_stress = std::max(statistics.largest_stress, std::fabs(x.stress[v]));
    }
  }

  void take_weights(const ExtxyzConfiguration &x, const std::string &where, Configuration &c)
  {
    const double common = weight(x, "config_weight", where);
    c.energy_weight = common * weight(x, "config_energy_weight", where);
    c.force_weight = common * weight(x, "config_forces_weight", where);
    c.stress_weight = common * weight(x, "config_stress_weight", where);
    if (c.energy_weight != 1.0 || c.force_weight != 1.0) statistics.has_weights = true;
  }

  /// Throws Error if no configuration has a key that the input names.
  void expect_key(const std::string &setting, const std::string &key) const
  {
    if (key.empty() || statistics.keys.count(key)) return;
    const std::vector<std::string> seen(statistics.keys.begin(), statistics.keys.end());
    const std::string nearest = nearest_name(key, seen);
    throw Error("no configuration has this key", s.input_file + ": [TORCHPOT] " + setting, key,
                "one of " + join(seen, ", "),
                nearest.empty() ? "" : "Did you mean " + nearest + "?");
  }

  /// FitSNAP's files have the stress in bar, as a pressure; no solid has so many eV/Angstrom^3.
  void settle_stress(std::vector<std::string> &notes)
  {
    const std::string &unit = s.torchpot.stress_unit;
    const bool large = statistics.largest_stress > LARGEST_STRESS;
    if (unit == "eV/Angstrom^3" || (unit.empty() && !large)) return;
    for (XyzGroup &group : all)
      for (std::size_t i = 0; i < group.configurations.size(); i++)
        for (int v = 0; v < 6 && group.plain_stress[i]; v++)
          group.configurations[i].stress[v] /= -BAR;
    if (unit.empty())
      notes.push_back(s.data_path + ": the stresses, up to " +
                      std::to_string((long long) statistics.largest_stress) +
                      ", are taken as pressures in bar, as in FitSNAP's files; stress_unit in "
                      "[TORCHPOT] says it");
  }

  void add_notes(std::vector<std::string> &notes) const
  {
    const std::string of = " of " + std::to_string(statistics.n) + " configurations";
    for (const auto &item : statistics.used)
      notes.push_back(s.data_path + ": the " + item.first.substr(0, item.first.find(' ')) +
                      " are those named " + item.first.substr(item.first.find(' ') + 1) + ", in " +
                      std::to_string(item.second) + of);
    for (const auto &item : statistics.unused)
      notes.push_back(s.data_path + ": " + item.first + ", where both are, in " +
                      std::to_string(item.second) + of);
    if (statistics.open_stress)
      notes.push_back(s.data_path + ": the stress of " + std::to_string(statistics.open_stress) +
                      " configurations is passed over: they are not periodic in all directions");
    if (statistics.has_weights && s.has_global_weights())
      notes.push_back(s.data_path + ": weights of configurations have no effect beside "
                                    "energy_weight and force_weight in [PYTORCH]");
  }

  std::vector<Use> use_of(const XyzGroup &group, const GroupSettings *line,
                          std::vector<std::string> &notes) const
  {
    std::vector<std::string> names;
    for (const Configuration &c : group.configurations) names.push_back(c.file);
    if (line) return split_group(names, *line, s, notes);
    if (s.torchpot.test_files.empty())
      return split_fraction(names.size(), s.torchpot.test_fraction, group.name, s.torchpot.seed);
    std::vector<Use> use;
    for (const std::string &name : names)
      use.push_back(fnmatch(s.torchpot.test_files.c_str(), name.c_str(), 0) == 0 ? Use::test
                                                                                : Use::train);
    return use;
  }

  const Settings &s;
  ExtxyzKeys keys;
  std::string group_key;
  std::vector<XyzGroup> all;
  Statistics statistics;
};

XyzScraper::XyzScraper(const Settings &settings, std::vector<std::string> &notes,
                       std::vector<std::string> &warnings) :
    implementation(std::make_unique<Implementation>(settings))
{
  const TorchpotSettings &t = settings.torchpot;
  implementation->read_all(warnings);
  implementation->expect_key("energy_key", t.energy_key);
  implementation->expect_key("forces_key", t.forces_key);
  implementation->expect_key("stress_key", t.stress_key);
  implementation->expect_key("virial_key", t.virial_key);
  implementation->settle_stress(notes);
  implementation->add_notes(notes);
}

XyzScraper::~XyzScraper() = default;

std::vector<std::string> XyzScraper::groups() const
{
  std::vector<std::string> names;
  for (const XyzGroup &group : implementation->all) names.push_back(group.name);
  return names;
}

std::vector<Configuration> XyzScraper::scrape(const std::string &name, const GroupSettings *line,
                                              std::vector<std::string> &notes)
{
  std::vector<XyzGroup> &all = implementation->all;
  const auto group = std::find_if(all.begin(), all.end(),
                                  [&](const XyzGroup &g) { return g.name == name; });
  if (group == all.end()) {
    const Settings &s = implementation->s;
    std::string json;
    const bool folder = fs::is_directory(s.data_path);
    const std::vector<std::string> there = folder ? groups_in(s.data_path, json) : groups();
    const std::string nearest = nearest_name(name, there);
    throw Error(folder ? "the group has no file" : "no configuration is of this group",
                (line ? line->where.text() + ": [GROUPS] " : "") + name,
                "in " + s.data_path + " the groups " + join(there, ", "),
                folder ? name + ".xyz or " + name + ".extxyz" : "",
                nearest.empty() ? "" : "Did you mean " + nearest + "?");
  }
  const std::vector<Use> use = implementation->use_of(*group, line, notes);
  std::vector<Configuration> taken;
  for (std::size_t i = 0; i < use.size(); i++) {
    if (use[i] == Use::none) continue;
    Configuration &c = group->configurations[i];
    c.group = name;
    c.test = use[i] == Use::test;
    if (line) {
      c.energy_weight *= line->eweight;
      c.force_weight *= line->fweight;
      c.stress_weight *= line->vweight;
    }
    taken.push_back(std::move(c));
  }
  group->configurations.clear();
  return taken;
}

bool has_xyz_name(const std::string &name)
{
  const std::string extension = fs::path(name).extension().string();
  return extension == ".xyz" || extension == ".extxyz";
}

}    // namespace torchpot
