// Reader of extended XYZ files, as ASE writes them.
#include "torchpot_extxyz.h"

#include "torchpot_error.h"
#include "torchpot_text.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <string_view>

namespace torchpot {
namespace {

void split(std::string_view text, std::string_view separators, std::vector<std::string_view> &words)
{
  words.clear();
  for (std::size_t at = 0; at < text.size();) {
    while (at < text.size() && separators.find(text[at]) != separators.npos) at++;
    const std::size_t begin = at;
    while (at < text.size() && separators.find(text[at]) == separators.npos) at++;
    if (at > begin) words.push_back(text.substr(begin, at - begin));
  }
}

std::vector<std::string_view> split(std::string_view text, std::string_view separators)
{
  std::vector<std::string_view> words;
  split(text, separators, words);
  return words;
}

/// where() makes the place for messages, which most numbers never need.
template <class Where> double number(std::string_view word, const Where &where)
{
  const char *begin = word.data(), *end = begin + word.size();
  if (begin != end && *begin == '+') begin++;
  double value = 0.0;
  const auto result = std::from_chars(begin, end, value);
  const bool out_of_range = result.ec == std::errc::result_out_of_range;
  if ((result.ec != std::errc() && !out_of_range) || result.ptr != end || begin == end)
    throw Error("not a number", where(), std::string(word));
  if (out_of_range)    // 1e-400 is nothing, 1e400 no number of anything
    value = word.find('-', 1) == word.npos ? INFINITY : 0.0;
  if (!std::isfinite(value))
    throw Error("a value is not finite", where(), std::string(word), "a number");
  return value;
}

std::vector<double> numbers(const std::string &text, const std::string &where)
{
  std::vector<double> values;
  for (const std::string_view word : split(text, " ,[]{}\t"))
    if (word != "_JSON")    // before matrices that ASE does not know
      values.push_back(number(word, [&] { return where; }));
  return values;
}

/// Where the value that begins at the quote or bracket at `begin` ends: at its closing one.
std::size_t end_of_value(const std::string &line, std::size_t begin)
{
  const char open = line[begin];
  const char close = open == '{' ? '}' : open == '[' ? ']' : open;
  // brackets nest: [[1, 0], [0, 1]]
  int depth = 1;
  for (std::size_t end = begin + 1; end < line.size(); end++) {
    if (line[end] == '\\')
      end++;    // the next one is no end
    else if (line[end] == close && --depth == 0)
      return end;
    else if (line[end] == open)
      depth++;
  }
  return line.size();
}

/// key=value pairs, blanks around = allowed; values may stand in quotes, braces or brackets. A key
/// alone means true.
std::map<std::string, std::string> parse_comment(const std::string &line, const std::string &where)
{
  std::map<std::string, std::string> info;
  std::size_t at = 0;
  const auto skip = [&](std::size_t i) {
    while (i < line.size() && std::isspace((unsigned char) line[i])) i++;
    return i;
  };
  const auto word_end = [&](std::size_t i, bool key) {
    while (i < line.size() && !std::isspace((unsigned char) line[i]) && !(key && line[i] == '='))
      i++;
    return i;
  };
  while ((at = skip(at)) < line.size()) {
    const std::size_t start = at;
    at = word_end(at, true);
    const std::string key = line.substr(start, at - start);
    const std::size_t equal = skip(at);
    if (equal == line.size() || line[equal] != '=') {
      info[key] = "T";
      continue;
    }
    at = skip(equal + 1);
    const char open = at < line.size() ? line[at] : ' ';
    if (open == '"' || open == '\'' || open == '{' || open == '[') {
      const std::size_t end = end_of_value(line, at);
      if (end >= line.size()) throw Error("no end of the value of a key", where + ", key " + key);
      info[key] = line.substr(at + 1, end - at - 1);
      at = end + 1;
    } else {
      const std::size_t value = at;
      at = word_end(at, false);
      info[key] = line.substr(value, at - value);
    }
  }
  return info;
}

/// Places of the columns that are wanted; -1 where a property is absent.
struct Columns {
  int species = -1, position = -1, force = -1, total = 0;
};

Columns parse_properties(const std::string &text, const std::string &where,
                         const ExtxyzKeys &keys, std::string &forces_key)
{
  Columns columns;
  const std::vector<std::string_view> parts = split(text, ":");
  if (parts.size() % 3 != 0 || parts.empty())
    throw Error("property list must be name:kind:count ...", where + ", key Properties", text);
  std::size_t rank = keys.forces.size();    // of the name of the forces found so far
  for (std::size_t i = 0; i < parts.size(); i += 3) {
    const std::string_view name = parts[i], kind = parts[i + 1];
    const int n = std::atoi(std::string(parts[i + 2]).c_str());
    if (n < 1)
      throw Error("property list must be name:kind:count ...", where + ", key Properties", text);
    if (name == "species" && kind == "S" && n == 1) columns.species = columns.total;
    if ((name == "pos" || name == "positions") && kind == "R" && n == 3)
      columns.position = columns.total;
    const std::size_t at =
        std::find(keys.forces.begin(), keys.forces.end(), name) - keys.forces.begin();
    if (at < rank) {
      if (kind != "R" || n != 3)
        throw Error("forces must have three real components", where + ", key Properties",
                    text, std::string(name) + ":R:3");
      rank = at;
      forces_key = name;
      columns.force = columns.total;
    }
    columns.total += n;
  }
  if (columns.species < 0 || columns.position < 0)
    throw Error("species and positions are missing", where + ", key Properties", text,
                "species:S:1:pos:R:3");
  return columns;
}

void parse_cell(ExtxyzConfiguration &c, const std::string &where)
{
  const auto lattice = c.info.find("Lattice");
  c.has_cell = lattice != c.info.end();
  if (c.has_cell) {
    const std::vector<double> values = numbers(lattice->second, where + ", key Lattice");
    if (values.size() != 9)
      throw Error("wrong count of numbers", where + ", key Lattice",
                  std::to_string(values.size()), "9");
    for (int k = 0; k < 9; k++) c.cell[k / 3][k % 3] = values[k];
  }
  for (bool &periodic : c.pbc) periodic = c.has_cell;
  const auto pbc = c.info.find("pbc");
  if (pbc == c.info.end()) return;
  const std::vector<std::string_view> words = split(pbc->second, " ,[]\t");
  if (words.size() != 3)
    throw Error("wrong count of values", where + ", key pbc", pbc->second, "3");
  for (int k = 0; k < 3; k++) {
    const char first = words[k][0];
    c.pbc[k] = first == '1' || first == 'T' || first == 't';
    if (!c.pbc[k] && first != '0' && first != 'F' && first != 'f')
      throw Error("not true or false", where + ", key pbc", pbc->second, "T or F");
  }
}

double volume(const double a[3][3])
{
  return std::fabs(a[0][0] * (a[1][1] * a[2][2] - a[1][2] * a[2][1]) -
                   a[0][1] * (a[1][0] * a[2][2] - a[1][2] * a[2][0]) +
                   a[0][2] * (a[1][0] * a[2][1] - a[1][1] * a[2][0]));
}

/// The first of the names that is there, otherwise empty.
std::string present(const ExtxyzConfiguration &c, const std::vector<std::string> &names)
{
  for (const std::string &name : names)
    if (c.info.find(name) != c.info.end()) return name;
  return "";
}

void parse_stress(ExtxyzConfiguration &c, const ExtxyzKeys &keys, const std::string &where)
{
  std::string key = present(c, keys.stress);
  c.from_virial = key.empty();
  if (c.from_virial) key = present(c, keys.virial);
  c.stress_key = key;
  c.has_stress = !key.empty();
  if (!c.has_stress) return;
  std::vector<double> v = numbers(c.info.at(key), where + ", key " + key);
  if (v.size() == 6) v = {v[0], v[5], v[4], v[5], v[1], v[3], v[4], v[3], v[2]};
  if (v.size() != 9)
    throw Error("wrong count of numbers", where + ", key " + key, std::to_string(v.size()),
                "6 or 9");
  double factor = 1.0;
  if (c.from_virial) {
    if (!c.has_cell || !(volume(c.cell) > 0.0))
      throw Error("a virial needs a cell", where + ", key " + key);
    factor = -1.0 / volume(c.cell);
  }
  const int place[6][2] = {{0, 0}, {1, 1}, {2, 2}, {0, 1}, {0, 2}, {1, 2}};
  for (int k = 0; k < 6; k++)
    c.stress[k] = 0.5 * factor *
        (v[3 * place[k][0] + place[k][1]] + v[3 * place[k][1] + place[k][0]]);
}

}    // namespace

ExtxyzReader::ExtxyzReader(const std::string &file, const ExtxyzKeys &keys) :
    file(file), keys(keys), in(file)
{
  if (!in) throw Error("cannot open it", full_path(file));
}

bool ExtxyzReader::read_line()
{
  cut = !std::getline(in, line);
  n_lines += !cut;
  return !cut;
}

void ExtxyzReader::read_atoms(ExtxyzConfiguration &c, long n, const std::string &where)
{
  const auto properties = c.info.find("Properties");
  const Columns columns = parse_properties(
      properties == c.info.end() ? "species:S:1:pos:R:3" : properties->second, where, keys,
      c.forces_key);
  std::vector<std::string_view> words;
  for (long i = 0; i < n; i++) {
    const auto atom = [&] { return where + ", atom " + std::to_string(i + 1); };
    if (!read_line()) throw Error("the file ends within a configuration", atom());
    split(line, " \r\t", words);
    if ((int) words.size() != columns.total) {
      cut = in.eof() && (int) words.size() < columns.total;    // within the last line
      throw Error("wrong count of columns", atom(), std::to_string(words.size()),
                  std::to_string(columns.total));
    }
    c.species.emplace_back(words[columns.species]);
    for (int k = 0; k < 3; k++)
      c.position.push_back(
          number(words[columns.position + k], [&] { return atom() + ", position"; }));
    for (int k = 0; k < 3 && columns.force >= 0; k++)
      c.force.push_back(number(words[columns.force + k], [&] { return atom() + ", force"; }));
  }
}

bool ExtxyzReader::next(ExtxyzConfiguration &configuration)
{
  do {
    if (!std::getline(in, line)) return false;
    n_lines++;
  } while (split(line, " \r\t").empty());

  ExtxyzConfiguration c;
  c.number = ++n_read;
  c.line = n_lines;
  const std::string where =
      file + ", line " + std::to_string(n_lines) + ", configuration " + std::to_string(c.number);
  const std::vector<std::string_view> count = split(line, " \r\t");
  const long n = std::atol(std::string(count[0]).c_str());
  if (count.size() != 1 || n < 1 || count[0] != std::to_string(n))
    throw Error("a configuration must start with its number of atoms", where, line);
  if (!read_line()) throw Error("the file ends within a configuration", where);
  if (!line.empty() && line.back() == '\r') line.pop_back();

  c.info = parse_comment(line, where);
  parse_cell(c, where);
  parse_stress(c, keys, where);
  c.energy_key = present(c, keys.energy);
  c.has_energy = !c.energy_key.empty();
  if (c.has_energy)
    c.energy = number(c.info.at(c.energy_key), [&] { return where + ", key " + c.energy_key; });
  read_atoms(c, n, where);
  configuration = std::move(c);
  return true;
}

}    // namespace torchpot
