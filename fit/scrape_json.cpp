// Configurations from FitSNAP's JSON files.
#include "scrape_json.h"

#include "ini.h"
#include "scrape_xyz.h"
#include "settings_reader.h"
#include "split.h"
#include "torchpot_error.h"
#include "torchpot_text.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace torchpot {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

struct Unit {
  const char *name;
  double factor;
};
// CODATA 2018
constexpr double HARTREE = 27.211386245988, BOHR = 0.529177210903;
constexpr double KCAL_MOL = 0.0433641042385;
const std::vector<Unit> ENERGY = {
    {"electronvolt", 1.0}, {"electron_volt", 1.0}, {"eV", 1.0},          {"ev", 1.0},
    {"metal", 1.0},        {"Metal", 1.0},         {"hartree", HARTREE}, {"Hartree", HARTREE},
    {"Ha", HARTREE},       {"ha", HARTREE},        {"Eh", HARTREE},      {"atomic", HARTREE},
    {"rydberg", HARTREE / 2}, {"Rydberg", HARTREE / 2}, {"ryd", HARTREE / 2}, {"Ry", HARTREE / 2},
    {"kcalmol", KCAL_MOL}, {"kcal/mol", KCAL_MOL}};
const std::vector<Unit> LENGTH = {{"angstrom", 1.0}, {"angstroms", 1.0}, {"Angstrom", 1.0},
                                  {"ang", 1.0},      {"metal", 1.0},     {"Metal", 1.0},
                                  {"bohr", BOHR},    {"au", BOHR},       {"atomic", BOHR}};
const std::vector<Unit> FORCE = {{"electronvoltperangstrom", 1.0}, {"eV/Angstrom", 1.0},
                                 {"eV/angstrom", 1.0},             {"ev/angstrom", 1.0},
                                 {"eV/ang", 1.0},                  {"ev/ang", 1.0},
                                 {"metal", 1.0},                   {"Metal", 1.0},
                                 {"hartree/bohr", HARTREE / BOHR}, {"ha/bohr", HARTREE / BOHR},
                                 {"ha/au", HARTREE / BOHR},        {"atomic", HARTREE / BOHR},
                                 {"kcal/mol/angstrom", KCAL_MOL}};
const std::vector<Unit> PRESSURE = {{"bar", 1.0},    {"metal", 1.0},  {"Metal", 1.0},
                                    {"kB", 1000.0},  {"kbar", 1000.0}, {"kiloBar", 1000.0},
                                    {"GPa", 10000.0}, {"gpa", 10000.0}, {"Pa", 1e-5}};

/// One file while it is read.
class JsonConfiguration {
 public:
  JsonConfiguration(const std::string &file, const std::vector<std::string> &elements) :
      file(file), elements(elements)
  {
  }

  Configuration read(const std::map<std::string, double> &eshift);

 private:
  [[noreturn]] void fail(const std::string &problem, const std::string &key,
                         const std::string &found = "", const std::string &wanted = "",
                         const std::string &next = "") const
  {
    throw Error(problem, key.empty() ? file : file + ": " + key, found, wanted, next);
  }

  std::string text() const;
  void parse();
  const Json *value(const char *key, bool required) const;
  double unit(const char *key, const std::vector<Unit> &units) const;
  double number(const Json &item, const std::string &place) const;
  std::vector<double> rows(const char *key, const Json &item, std::size_t n, double factor) const;
  void read_atoms(Configuration &c) const;
  void read_labels(Configuration &c, const std::map<std::string, double> &eshift) const;

  const std::string &file;
  const std::vector<std::string> &elements;
  Json dataset, data;
};

/// NaN, Infinity and -Infinity, which Python writes into JSON files, become strings, so that the
/// message can say where they stand. Lengths are kept for the columns of other messages.
void quote_non_numbers(std::string &text)
{
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); i++) {
    if (text[i] == '"' && (i == 0 || text[i - 1] != '\\')) quoted = !quoted;
    if (quoted || (text[i] != 'N' && text[i] != 'I' && text[i] != 'n')) continue;
    for (const std::string name : {"NaN", "nan", "Infinity"}) {
      if (text.compare(i, name.size(), name) != 0) continue;
      const bool minus = i > 0 && text[i - 1] == '-';
      const std::size_t begin = i - minus;
      text.replace(begin, name.size() + minus,
                   "\"" + std::string(name.size() + minus - 2, name[0]) + "\"");
      i = begin + name.size() + minus - 1;
      break;
    }
  }
}

std::string JsonConfiguration::text() const
{
  std::ifstream stream(file, std::ios::binary | std::ios::ate);
  std::string text;
  if (stream && fs::is_regular_file(file)) {
    text.resize((std::size_t) stream.tellg());
    stream.seekg(0);
    stream.read(&text[0], (std::streamsize) text.size());
  } else
    stream.setstate(std::ios::failbit);
  if (!stream) fail("the file cannot be read", "");
  if (!text.empty() && text[0] != '{') {    // a comment: blank, so that line numbers stay
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::fill(text.begin(), text.begin() + (std::ptrdiff_t) end, ' ');
  }
  for (const char *name : {"NaN", "nan", "Infinity"})
    if (text.find(name) != std::string::npos) {
      quote_non_numbers(text);
      break;
    }
  return text;
}

void JsonConfiguration::parse()
{
  Json whole;
  try {
    whole = Json::parse(text());
  } catch (const Json::exception &e) {
    std::string message = e.what();
    const std::size_t at = message.find("] ");    // after the library's own tag
    if (at != std::string::npos) message = message.substr(at + 2);
    fail("this is not valid JSON", "", message);
  }
  if (!whole.is_object() || !whole.contains("Dataset") || !whole["Dataset"].is_object())
    fail("no object \"Dataset\"", "", "", "{\"Dataset\": {\"Data\": [{...}]}}");
  dataset = std::move(whole["Dataset"]);
  if (!dataset.contains("Data") || !dataset["Data"].is_array() || dataset["Data"].size() != 1 ||
      !dataset["Data"][0].is_object())
    fail("\"Data\" must be a list of exactly one configuration", "Dataset",
         dataset.contains("Data") && dataset["Data"].is_array()
             ? std::to_string(dataset["Data"].size()) + " configurations"
             : "",
         "", "Write each configuration into a file of its own");
  data = std::move(dataset["Data"][0]);
}

const Json *JsonConfiguration::value(const char *key, bool required) const
{
  const auto found = data.find(key);
  if (found != data.end() && !found->is_null()) return &*found;
  std::vector<std::string> names;
  for (const auto &item : data.items()) names.push_back(item.key());
  const std::string nearest = nearest_name(key, names);
  if (!nearest.empty() && nearest != key)
    fail("unknown key", nearest, nearest, "", std::string("Did you mean ") + key + "?");
  if (required) fail("a key is missing", "", join(names, ", "), key);
  return nullptr;
}

double JsonConfiguration::unit(const char *key, const std::vector<Unit> &units) const
{
  const std::string style = std::string(key) + "Style";
  if (!dataset.contains(style)) return 1.0;
  const std::string name = dataset[style].is_string() ? dataset[style].get<std::string>()
                                                      : dataset[style].dump();
  std::vector<std::string> names;
  for (const Unit &u : units) {
    if (name == u.name) return u.factor;
    names.push_back(u.name);
  }
  fail("unknown unit", style, name, "one of " + join(names, ", "));
}

double JsonConfiguration::number(const Json &item, const std::string &place) const
{
  if (!item.is_number()) {
    std::string found = item.dump();
    if (item.is_string() && found.find_first_not_of("Nn\"") == std::string::npos)
      found = "NaN";
    else if (item.is_string() && found.find_first_not_of("I\"") == std::string::npos)
      found = "Infinity";
    fail("not a number", place, found, "a finite number");
  }
  const double value = item.get<double>();
  if (!std::isfinite(value)) fail("not a finite number", place, item.dump(), "a finite number");
  return value;
}

std::vector<double> JsonConfiguration::rows(const char *key, const Json &item, std::size_t n,
                                            double factor) const
{
  if (!item.is_array() || item.size() != n)
    fail("wrong number of rows", key,
         item.is_array() ? std::to_string(item.size()) : item.dump().substr(0, 40),
         std::to_string(n) + (std::string(key) == "Lattice" || std::string(key) == "Stress"
                                  ? ""
                                  : ", one for each atom"));
  std::vector<double> values;
  values.reserve(3 * n);
  for (std::size_t i = 0; i < n; i++) {
    const auto place = [&] { return std::string(key) + ", row " + std::to_string(i + 1); };
    const Json &row = item[i];
    if (!row.is_array() || row.size() != 3)
      fail("wrong number of values", place(), row.dump().substr(0, 60), "3");
    for (std::size_t c = 0; c < 3; c++) {
      double value = row[c].is_number() ? row[c].get<double>() : NAN;
      if (!std::isfinite(value))    // throws, with a place that is not made for all the others
        value = number(row[c], place() + ", value " + std::to_string(c + 1));
      values.push_back(factor * value);
    }
  }
  return values;
}

void JsonConfiguration::read_atoms(Configuration &c) const
{
  const Json &types = *value("AtomTypes", true);
  if (!types.is_array() || types.empty())
    fail("no atoms", "AtomTypes", types.dump().substr(0, 60), "a list of element names");
  for (std::size_t i = 0; i < types.size(); i++) {
    const std::string name =
        types[i].is_string() ? types[i].get<std::string>() : types[i].dump();
    const auto found = std::find(elements.begin(), elements.end(), name);
    if (found == elements.end())
      fail("unknown element", "AtomTypes, atom " + std::to_string(i + 1), name,
           "one of those in [BISPECTRUM] type: " + join(elements, " "));
    c.element.push_back((int) (found - elements.begin()));
  }
  const Json *count = value("NumAtoms", false);
  if (count && (!count->is_number() || count->get<double>() != (double) types.size()))
    fail("NumAtoms and the number of AtomTypes differ", "NumAtoms", count->dump(),
         std::to_string(types.size()));
  c.position =
      rows("Positions", *value("Positions", true), types.size(), unit("Positions", LENGTH));
  const std::vector<double> lattice =
      rows("Lattice", *value("Lattice", true), 3, unit("Lattice", LENGTH));
  std::copy(lattice.begin(), lattice.end(), &c.cell.vectors[0][0]);
  const double *a = c.cell.vectors[0], *b = c.cell.vectors[1], *d = c.cell.vectors[2];
  const double volume = a[0] * (b[1] * d[2] - b[2] * d[1]) + a[1] * (b[2] * d[0] - b[0] * d[2]) +
      a[2] * (b[0] * d[1] - b[1] * d[0]);
  if (std::fabs(volume) < 1e-6)
    fail("the cell has no volume", "Lattice", (*value("Lattice", true)).dump(),
         "three independent vectors");
}

void JsonConfiguration::read_labels(Configuration &c,
                                    const std::map<std::string, double> &eshift) const
{
  if (const Json *energy = value("Energy", false)) {
    c.energy = number(*energy, "Energy");
    for (const int e : c.element) {
      const auto shift = eshift.find(elements[e]);
      if (shift != eshift.end()) c.energy += shift->second;
    }
    c.energy *= unit("Energy", ENERGY);
    c.has_energy = true;
  }
  if (const Json *forces = value("Forces", false)) {
    c.force = rows("Forces", *forces, c.element.size(), unit("Forces", FORCE));
    c.has_forces = true;
  }
  if (const Json *stress = value("Stress", false)) {
    const std::vector<double> s = rows("Stress", *stress, 3, unit("Stress", PRESSURE));
    const double six[6] = {s[0],
                           s[4],
                           s[8],
                           0.5 * (s[1] + s[3]),
                           0.5 * (s[2] + s[6]),
                           0.5 * (s[5] + s[7])};
    std::copy(six, six + 6, c.stress);
    c.has_stress = true;
  }
}

Configuration JsonConfiguration::read(const std::map<std::string, double> &eshift)
{
  parse();
  if (dataset.contains("AtomTypeStyle") && dataset["AtomTypeStyle"] != "chemicalsymbol")
    fail("unknown style", "AtomTypeStyle", dataset["AtomTypeStyle"].dump(), "chemicalsymbol");
  Configuration c;
  c.file = fs::path(file).filename().string();
  read_atoms(c);
  read_labels(c, eshift);
  return c;
}

/// Names of the groups' folders that are there, for messages.
std::string folders_in(const std::string &path)
{
  std::vector<std::string> names;
  for (const auto &item : fs::directory_iterator(path))
    if (item.is_directory()) names.push_back(item.path().filename().string());
  std::sort(names.begin(), names.end(), natural_less);
  return names.empty() ? "no folders" : "the folders " + join(names, ", ");
}

bool has_xyz_files(const std::string &path)
{
  for (const auto &item : fs::directory_iterator(path))
    if (has_xyz_name(item.path().string())) return true;
  return false;
}

std::vector<std::string> files_of(const Settings &s, const GroupSettings &group,
                                  std::vector<std::string> &notes)
{
  const fs::path folder = fs::path(s.data_path) / group.name;
  const std::string where = group.where.text() + ": [GROUPS] " + group.name;
  if (!fs::is_directory(folder)) {
    std::vector<std::string> names;
    for (const auto &item : fs::directory_iterator(s.data_path))
      if (item.is_directory()) names.push_back(item.path().filename().string());
    const std::string nearest = nearest_name(group.name, names);
    throw Error("the group has no folder", where,
                "in " + s.data_path + " " + folders_in(s.data_path), "a folder " + group.name,
                has_xyz_files(s.data_path) ? "For extended XYZ use scraper = XYZ in [SCRAPER]"
                    : nearest.empty()      ? ""
                                           : "Did you mean " + nearest + "?");
  }
  std::vector<std::string> names;
  std::size_t others = 0;
  for (const auto &item : fs::directory_iterator(folder)) {
    if (item.is_regular_file() && item.path().extension() == ".json")
      names.push_back(item.path().filename().string());
    else
      others += item.path().filename().string()[0] != '.';
  }
  if (others)
    notes.push_back(folder.string() + ": " + std::to_string(others) +
                    " entries that are not .json files are passed over");
  if (names.empty()) throw Error("the group's folder has no .json files", where, folder.string());
  std::sort(names.begin(), names.end(), natural_less);
  return names;
}

/// Data sets that come with a test set often mark its files so.
void note_test_names(const Settings &s, const GroupSettings &group,
                     const std::vector<std::string> &names, std::vector<std::string> &notes)
{
  std::size_t n = 0;
  for (const std::string &name : names) n += name.find("test_") != std::string::npos;
  if (n && s.torchpot.test_files.empty())
    notes.push_back(group.name + ": " + std::to_string(n) + " files have test_ in their names; " +
                    "test_files = *test_* in [TORCHPOT] would hold out exactly those");
}

}    // namespace

Configuration read_json(const std::string &file, const std::vector<std::string> &elements,
                        const std::map<std::string, double> &eshift)
{
  return JsonConfiguration(file, elements).read(eshift);
}

void check_data_path(const Settings &s)
{
  if (fs::is_regular_file(s.data_path))
    throw Error("JSON data are in folders", s.data_where, s.data_path + ", a file",
                "a folder with a subfolder for each group",
                has_xyz_name(s.data_path) ? "For extended XYZ use scraper = XYZ in [SCRAPER]" : "");
  if (!fs::is_directory(s.data_path))
    throw Error("the data folder is absent", s.data_where, full_path(s.data_path),
                "a folder with a subfolder for each group",
                "A relative path is seen from the folder of the input file");
}

std::vector<Configuration> scrape_json_group(const Settings &s, const GroupSettings &group,
                                             std::vector<std::string> &notes)
{
  const std::vector<std::string> names = files_of(s, group, notes);
  const std::vector<Use> use = split_group(names, group, s, notes);
  note_test_names(s, group, names, notes);
  std::vector<Configuration> all;
  for (std::size_t i = 0; i < names.size(); i++) {
    if (use[i] == Use::none) continue;
    const std::string file = (fs::path(s.data_path) / group.name / names[i]).string();
    Configuration c = read_json(file, s.bispectrum.snap.elements, s.eshift);
    c.group = group.name;
    c.test = use[i] == Use::test;
    c.energy_weight = group.eweight;
    c.force_weight = group.fweight;
    c.stress_weight = group.vweight;
    all.push_back(std::move(c));
  }
  return all;
}

}    // namespace torchpot
