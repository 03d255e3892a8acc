// Reader of extended XYZ files, as ASE writes them.
#include "torchpot_extxyz.h"

#include "torchpot_error.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <sstream>

namespace torchpot {
namespace {

std::vector<std::string> split(std::string text, const char *separators)
{
  for (char &c : text)
    if (std::string(separators).find(c) != std::string::npos) c = ' ';
  std::istringstream words(text);
  std::vector<std::string> result;
  for (std::string word; words >> word;) result.push_back(word);
  return result;
}

double number(const std::string &word, const std::string &where)
{
  char *end = nullptr;
  const double value = std::strtod(word.c_str(), &end);
  if (word.empty() || *end != '\0') throw Error("not a number", where, word);
  if (!std::isfinite(value)) throw Error("a value is not finite", where, word, "a number");
  return value;
}

std::vector<double> numbers(const std::string &text, const std::string &where)
{
  std::vector<double> values;
  for (const std::string &word : split(text, " ,[]{}\t")) values.push_back(number(word, where));
  return values;
}

/// key=value pairs; values may stand in quotes, braces or brackets. A key alone means true.
std::map<std::string, std::string> parse_comment(const std::string &line, const std::string &where)
{
  std::map<std::string, std::string> info;
  std::size_t at = 0;
  const auto blank = [&](std::size_t i) { return std::isspace((unsigned char) line[i]) != 0; };
  while (true) {
    while (at < line.size() && blank(at)) at++;
    if (at == line.size()) return info;
    const std::size_t start = at;
    while (at < line.size() && line[at] != '=' && !blank(at)) at++;
    const std::string key = line.substr(start, at - start);
    if (at == line.size() || line[at] != '=') {
      info[key] = "T";
      continue;
    }
    at++;
    const char open = at < line.size() ? line[at] : ' ';
    if (open == '"' || open == '\'' || open == '{' || open == '[') {
      const char close = open == '{' ? '}' : open == '[' ? ']' : open;
      // brackets nest: [[1, 0], [0, 1]]
      std::size_t end = at + 1;
      for (int depth = 1; end < line.size(); end++) {
        if (line[end] == close && --depth == 0) break;
        if (line[end] == open) depth++;
      }
      if (end >= line.size()) throw Error("no end of the value of a key", where + ", key " + key);
      info[key] = line.substr(at + 1, end - at - 1);
      at = end + 1;
    } else {
      const std::size_t value = at;
      while (at < line.size() && !blank(at)) at++;
      info[key] = line.substr(value, at - value);
    }
  }
}

/// Places of the columns that are wanted; -1 where a property is absent.
struct Columns {
  int species = -1, position = -1, force = -1, total = 0;
};

Columns parse_properties(const std::string &text, const std::string &where)
{
  Columns columns;
  const std::vector<std::string> parts = split(text, ":");
  if (parts.size() % 3 != 0 || parts.empty())
    throw Error("property list must be name:kind:count ...", where + ", key Properties", text);
  for (std::size_t i = 0; i < parts.size(); i += 3) {
    const std::string &name = parts[i], &kind = parts[i + 1];
    const int n = std::atoi(parts[i + 2].c_str());
    if (n < 1)
      throw Error("property list must be name:kind:count ...", where + ", key Properties", text);
    if (name == "species" && kind == "S" && n == 1) columns.species = columns.total;
    if ((name == "pos" || name == "positions") && kind == "R" && n == 3)
      columns.position = columns.total;
    if ((name == "forces" || name == "force") && kind == "R" && n == 3)
      columns.force = columns.total;
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
  const std::vector<std::string> words = split(pbc->second, ",[]\t");
  if (words.size() != 3)
    throw Error("wrong count of values", where + ", key pbc", pbc->second, "3");
  for (int k = 0; k < 3; k++)
    c.pbc[k] = words[k] == "1" || words[k][0] == 'T' || words[k][0] == 't';
}

double volume(const double a[3][3])
{
  return std::fabs(a[0][0] * (a[1][1] * a[2][2] - a[1][2] * a[2][1]) -
                   a[0][1] * (a[1][0] * a[2][2] - a[1][2] * a[2][0]) +
                   a[0][2] * (a[1][0] * a[2][1] - a[1][1] * a[2][0]));
}

void parse_stress(ExtxyzConfiguration &c, const std::string &where)
{
  const auto given = [&](const char *name) { return c.info.find(name) != c.info.end(); };
  const std::string key = given("stress") ? "stress"
      : given("virial")                   ? "virial"
      : given("virials")                  ? "virials"
                                          : "";
  c.has_stress = !key.empty();
  if (!c.has_stress) return;
  std::vector<double> v = numbers(c.info.at(key), where + ", key " + key);
  if (v.size() == 6) v = {v[0], v[5], v[4], v[5], v[1], v[3], v[4], v[3], v[2]};
  if (v.size() != 9)
    throw Error("wrong count of numbers", where + ", key " + key, std::to_string(v.size()),
                "6 or 9");
  double factor = 1.0;
  if (key != "stress") {
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

ExtxyzReader::ExtxyzReader(const std::string &file) : file(file), in(file)
{
  if (!in) throw Error("cannot open it", file);
}

bool ExtxyzReader::next(ExtxyzConfiguration &configuration)
{
  std::string line;
  do {
    if (!std::getline(in, line)) return false;
    n_lines++;
  } while (split(line, "\r\t").empty());

  ExtxyzConfiguration c;
  c.number = ++n_read;
  c.line = n_lines;
  const std::string where =
      file + ", line " + std::to_string(n_lines) + ", configuration " + std::to_string(c.number);
  const std::vector<std::string> count = split(line, "\r\t");
  const long n = std::atol(count[0].c_str());
  if (count.size() != 1 || n < 1 || count[0] != std::to_string(n))
    throw Error("a configuration must start with its number of atoms", where, line);
  if (!std::getline(in, line)) throw Error("the file ends within a configuration", where);
  n_lines++;
  if (!line.empty() && line.back() == '\r') line.pop_back();

  c.info = parse_comment(line, where);
  const auto properties = c.info.find("Properties");
  const Columns columns = parse_properties(
      properties == c.info.end() ? "species:S:1:pos:R:3" : properties->second, where);
  parse_cell(c, where);
  parse_stress(c, where);
  const auto energy = c.info.find("energy");
  c.has_energy = energy != c.info.end();
  if (c.has_energy) c.energy = number(energy->second, where + ", key energy");

  for (long i = 0; i < n; i++) {
    const std::string atom = where + ", atom " + std::to_string(i + 1);
    if (!std::getline(in, line)) throw Error("the file ends within a configuration", atom);
    n_lines++;
    const std::vector<std::string> words = split(line, "\r\t");
    if ((int) words.size() != columns.total)
      throw Error("wrong count of columns", atom, std::to_string(words.size()),
                  std::to_string(columns.total));
    c.species.push_back(words[columns.species]);
    for (int k = 0; k < 3; k++)
      c.position.push_back(number(words[columns.position + k], atom + ", position"));
    for (int k = 0; k < 3 && columns.force >= 0; k++)
      c.force.push_back(number(words[columns.force + k], atom + ", force"));
  }
  configuration = std::move(c);
  return true;
}

}    // namespace torchpot
