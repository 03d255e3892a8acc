// Settings of the data: sections SCRAPER, PATH, GROUPS, REFERENCE and ESHIFT.
#include "settings_data.h"

#include "settings_reader.h"
#include "torchpot_error.h"
#include "torchpot_text.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>

namespace torchpot {

namespace {

namespace fs = std::filesystem;

const std::vector<std::string> &GROUP_KEYS = known_keys("GROUPS");
const std::vector<std::string> COLUMNS = {"name",    "size",    "training_size", "testing_size",
                                          "eweight", "fweight", "vweight"};

/// A path in the input, seen from the input's folder.
std::string beside_input(const Settings &s, const std::string &name)
{
  const fs::path path(name), folder = fs::path(s.input_file).parent_path();
  return path.is_absolute() ? name : (folder / path).lexically_normal().string();
}

void read_scraper(const IniFile &ini, Settings &s)
{
  const SectionReader r(ini, "SCRAPER", known_keys("SCRAPER"));
  const std::string scraper = r.text("scraper", "JSON");
  s.xyz = scraper == "XYZ" || scraper == "xyz";
  if (scraper != "JSON" && scraper != "json" && !s.xyz)
    throw Error("this form of data is not read in this version", r.where("scraper"), scraper,
                "JSON or XYZ",
                "Trajectories can be collected with LAMMPS's rerun and fix fitdump "
                "(truth extxyz) and named in [TORCHPOT] fitdump");
  for (const char *key : {"save_group_scrape", "read_group_scrape", "property_array"})
    if (r.text(key, "None") != "None")
      throw Error("this key cannot be used", r.where(key), r.text(key, ""), "None",
                  std::string(key) == "property_array"
                      ? "Units stand in the data files (EnergyStyle, ForcesStyle, ...)"
                      : "");
}

/// What the columns of a group line are called, and of which type they are.
struct GroupColumns {
  std::vector<std::string> names, types;
  std::size_t find(const std::string &name) const
  {
    return std::find(names.begin(), names.end(), name) - names.begin();
  }
  bool has(const std::string &name) const { return find(name) < names.size(); }
};

GroupColumns read_columns(const SectionReader &r)
{
  GroupColumns columns;
  columns.names = r.words("group_sections", "name size eweight fweight vweight");
  columns.types = r.words("group_types", "str float float float float");
  for (const std::string &name : columns.names)
    if (std::find(COLUMNS.begin(), COLUMNS.end(), name) == COLUMNS.end()) {
      const std::string nearest = nearest_name(name, COLUMNS);
      throw Error("unknown column", r.where("group_sections"), name,
                  "some of " + join(COLUMNS, ", "),
                  nearest.empty() ? "" : "Did you mean " + nearest + "?");
    }
  if (columns.names.empty() || columns.names[0] != "name")
    throw Error("the first column must be the name", r.where("group_sections"),
                join(columns.names, " "), "name ...");
  if (columns.types.size() != columns.names.size())
    throw Error("group_types and group_sections differ in length", r.where("group_types"),
                std::to_string(columns.types.size()), std::to_string(columns.names.size()));
  for (const std::string &type : columns.types)
    if (type != "str" && type != "float" && type != "int" && type != "bool")
      throw Error("unknown type of a column", r.where("group_types"), type,
                  "one of str, float, int, bool");
  if (columns.has("size") == columns.has("training_size"))
    throw Error("the columns must say how much is trained on", r.where("group_sections"),
                join(columns.names, " "), "either size or training_size");
  return columns;
}

GroupSize group_size(const std::string &text, const std::string &type, const std::string &where)
{
  const double value = checked_number(text, Range::not_negative, where);
  GroupSize size;
  size.value = value;
  size.fraction = value < 1.0 || (value == 1.0 && type == "float");
  if (!size.fraction && value != std::floor(value))
    throw Error("wrong size", where, text, "a fraction up to 1 or a whole number");
  return size;
}

GroupSettings group_line(const GroupColumns &columns, const std::string &name,
                         const std::string &values, const Location &location)
{
  const std::string where = location.text() + ": [GROUPS] " + name;
  const std::vector<std::string> words = split_words(values);
  if (words.size() + 1 != columns.names.size()) {
    const std::string nearest = nearest_name(name, GROUP_KEYS), section = section_of_key(name);
    if (!section.empty()) throw Error("this key belongs in [" + section + "]", where);
    throw Error("wrong number of values", where, std::to_string(words.size()) + " (" + values + ")",
                std::to_string(columns.names.size() - 1) + ": " +
                    join({columns.names.begin() + 1, columns.names.end()}, " "),
                nearest.empty() ? "" : "If this is no group: did you mean " + nearest + "?");
  }
  GroupSettings group;
  group.name = name;
  group.where = location;
  const auto value = [&](const char *column) { return words[columns.find(column) - 1]; };
  const char *training = columns.has("size") ? "size" : "training_size";
  group.training =
      group_size(value(training), columns.types[columns.find(training)], where + " " + training);
  if (columns.has("testing_size"))
    group.testing = group_size(value("testing_size"), columns.types[columns.find("testing_size")],
                               where + " testing_size");
  group.rest_is_test =
      columns.has("size") && group.training.fraction && group.testing.value == 0.0;
  const auto weight = [&](const char *column, double &target) {
    if (columns.has(column))
      target = checked_number(value(column), Range::not_negative, where + " " + column);
  };
  weight("eweight", group.eweight);
  weight("fweight", group.fweight);
  weight("vweight", group.vweight);
  return group;
}

/// [PATH] groupFile: a line per group, columns as group_sections says.
void read_group_file(const GroupColumns &columns, const std::string &file, Settings &s)
{
  std::ifstream stream(file);
  if (!stream) throw Error("groupFile cannot be read", s.data_where, full_path(file));
  int number = 0;
  for (std::string line; std::getline(stream, line);) {
    const Location where{file, ++number};
    line = line.substr(0, line.find('#'));
    const std::vector<std::string> words = split_words(line);
    if (words.empty()) continue;
    for (const GroupSettings &old : s.groups)
      if (old.name == words[0])
        throw Error("group " + words[0] + " is there twice", where.text(),
                    "the first one at " + old.where.text());
    s.groups.push_back(group_line(columns, words[0], join({words.begin() + 1, words.end()}, " "),
                                  where));
  }
}

void read_groups(const IniFile &ini, Settings &s)
{
  const SectionReader r(ini, "GROUPS", {});
  const GroupColumns columns = read_columns(r);
  s.smartweights = r.flag("smartweights", false);
  s.random_sampling = r.flag("random_sampling", false);
  const double seed = r.number("random_seed", 0.0, Range::not_negative);
  if (seed != std::floor(seed) || seed > 9007199254740992.0)
    throw Error("wrong value", r.where("random_seed"), r.text("random_seed", ""),
                "a whole number");
  s.random_seed = seed > 0.0 ? (std::uint64_t) seed : s.torchpot.seed;
  if (r.has("BOLTZ") && r.number("BOLTZ", 0.0, Range::any) != 0.0)
    throw Error("Boltzmann weights are not in this version", r.where("BOLTZ"),
                r.text("BOLTZ", ""), "0");

  const SectionReader path(ini, "PATH", known_keys("PATH"));
  const std::string group_file = path.text("groupFile", "None");
  if (group_file != "None") {
    s.data_where = path.where("groupFile");
    read_group_file(columns, beside_input(s, group_file), s);
  } else if (const IniSection *section = ini.find("GROUPS")) {
    for (const IniEntry &entry : section->entries)
      if (std::find(GROUP_KEYS.begin(), GROUP_KEYS.end(), entry.key) == GROUP_KEYS.end())
        s.groups.push_back(group_line(columns, entry.key, entry.value, entry.where));
  }
  s.has_group_weights = !s.groups.empty() && (columns.has("eweight") || columns.has("fweight"));
}

/// Keys that would change nothing are a mistake about the data.
void refuse_xyz_keys(const IniFile &ini)
{
  const SectionReader r(ini, "TORCHPOT", {});
  for (const char *key : {"energy_key", "forces_key", "stress_key", "virial_key", "group_key",
                          "stress_unit"})
    if (r.has(key))
      throw Error("this key is for extended XYZ files only", r.where(key), r.text(key, ""), "",
                  "Put scraper = XYZ into [SCRAPER], or take the key away");
}

void read_path(const IniFile &ini, Settings &s)
{
  const SectionReader r(ini, "PATH", known_keys("PATH"));
  // fitdump files may stand for the JSON folders; with neither named, FitSNAP's default holds
  const bool wanted = r.has("dataPath") || s.torchpot.fitdump.empty();
  s.data_path = wanted ? beside_input(s, r.text("dataPath", "JSON")) : "";
  s.data_where = r.where("dataPath");
  if (!s.xyz || !wanted) refuse_xyz_keys(ini);
  if (!wanted) return;
  if (!s.bispectrum.present)
    throw Error("section [BISPECTRUM] is missing", s.input_file, "",
                "the descriptor for the data in " + s.data_path);
  if (s.groups.empty() && !s.xyz)
    throw Error("no groups of data are given", s.input_file, "",
                "a line per folder in [GROUPS], such as NAME = 0.9 0.1 1 1 1");
}

/// Whether a pair style adds nothing: `zero`, alone or as the only style of a hybrid one.
bool is_zero_style(const std::vector<std::string> &words)
{
  bool zero = false;
  for (std::size_t i = 0; i < words.size(); i++) {
    double number = 0.0;
    if (i == 0 && words[i].compare(0, 6, "hybrid") == 0) continue;
    if (words[i] == "zero")
      zero = true;
    else if (!to_number(words[i], number) && words[i] != "full" && words[i] != "nocoeff")
      return false;
  }
  return zero;
}

void read_reference(const IniFile &ini, Settings &s)
{
  const SectionReader r(ini, "REFERENCE", {});
  ReferenceSettings &reference = s.reference;
  reference.units = r.text("units", "metal");
  reference.has_units = r.has("units");
  if (reference.units != "metal" && !s.data_path.empty())
    throw Error(std::string(s.xyz ? "XYZ" : "JSON") + " data are read in metal units",
                r.where("units"), reference.units, "metal");
  reference.atom_style = r.text("atom_style", "atomic");
  if (reference.atom_style != "atomic")
    throw Error("spins and charges are not in this version", r.where("atom_style"),
                reference.atom_style, "atomic");
  const std::string style = r.text("pair_style", "zero 10.0");
  reference.lines = {"pair_style " + style};
  reference.is_zero = is_zero_style(split_words(style));
  reference.where = r.entry("pair_style") ? r.entry("pair_style")->where : Location{ini.file, 0};
  const IniSection *section = ini.find("REFERENCE");
  if (section)
    for (const IniEntry &entry : section->entries) {
      if (entry.key.compare(0, 10, "pair_coeff") == 0)
        reference.lines.push_back("pair_coeff " + entry.value);
      else if (entry.key != "units" && entry.key != "atom_style" && entry.key != "pair_style") {
        const std::string nearest =
            nearest_name(entry.key, {"units", "atom_style", "pair_style", "pair_coeff"});
        const std::string section = section_of_key(entry.key);
        if (!section.empty())
          throw Error("this key belongs in [" + section + "]", r.where(entry.key));
        throw Error("unknown key", r.where(entry.key), entry.key,
                    "one of units, atom_style, pair_style, pair_coeff, pair_coeff1, ...",
                    nearest.empty() ? "" : "Did you mean " + nearest + "?");
      }
    }
  if (reference.lines.size() == 1) reference.lines.push_back("pair_coeff * *");
}

void read_eshift(const IniFile &ini, Settings &s)
{
  const std::vector<std::string> &elements = s.bispectrum.snap.elements;
  const SectionReader r(ini, "ESHIFT", {});
  if (!r.present()) return;
  for (const IniEntry &entry : ini.find("ESHIFT")->entries) {
    const bool known = std::find(elements.begin(), elements.end(), entry.key) != elements.end();
    if (s.bispectrum.present && !known)
      throw Error(entry.key + " is not an element of [BISPECTRUM] type", r.where(entry.key),
                  entry.key, "one of " + join(elements, ", "));
    s.eshift[entry.key] = r.number(entry.key, 0.0, Range::any);
  }
}

}    // namespace

std::size_t GroupSize::of(std::size_t n) const
{
  if (value == 0.0) return 0;
  if (!fraction) return (std::size_t) value;
  return std::max<std::size_t>(1, (std::size_t) (value * (double) n + 0.5));
}

void read_data_settings(const IniFile &ini, Settings &s)
{
  read_scraper(ini, s);
  read_groups(ini, s);
  read_path(ini, s);
  read_reference(ini, s);
  read_eshift(ini, s);
}

}    // namespace torchpot
