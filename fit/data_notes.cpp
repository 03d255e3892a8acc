// What a person should know about the data of a fit.
#include "data_notes.h"

#include "stress_units.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <numeric>

namespace torchpot {

namespace {

constexpr std::size_t NAMES = 3;             // that are written out
constexpr double SAME_GEOMETRY = 1e-9;       // Angstrom
constexpr double SAME_LABEL = 2e-6;          // files with six digits: eV/atom, eV/Angstrom

std::string name_of(const Configuration &c)
{
  return c.group + "/" + c.file;
}

/// "2 in A (c1.json, c2.json), 1 in B (d.json)" for those for which `is` holds; otherwise empty.
std::string by_group(const Dataset &data, const std::function<bool(const Configuration &)> &is)
{
  std::vector<std::string> groups, names;
  std::vector<std::size_t> counts;
  for (const Configuration &c : data.configurations) {
    if (!is(c)) continue;
    const std::size_t at = std::find(groups.begin(), groups.end(), c.group) - groups.begin();
    if (at == groups.size()) {
      groups.push_back(c.group);
      names.emplace_back();
      counts.push_back(0);
    }
    if (counts[at] < NAMES) names[at] += (counts[at] ? ", " : "") + c.file;
    if (counts[at]++ == NAMES) names[at] += ", ...";
  }
  std::string text;
  for (std::size_t g = 0; g < groups.size(); g++)
    text += (g ? ", " : "") + std::to_string(counts[g]) + " in " + groups[g] + " (" + names[g] +
        ")";
  return text;
}

using Order = std::vector<std::size_t>;

/// A number that is nearly the same for nearly the same geometries, and hardly so for others.
double fingerprint(const Configuration &c)
{
  std::uint64_t state = 1;
  const auto factor = [&] {    // 0.5 to 1.5
    state = state * 6364136223846793005u + 1442695040888963407u;
    return 0.5 + (double) (state >> 11) * 0x1p-53;
  };
  double sum = 0.0;
  for (const auto &v : c.cell.vectors)
    for (const double x : v) sum += factor() * x;
  for (const double x : c.position) sum += factor() * x;
  return sum;
}

bool same_geometry(const Configuration &a, const Configuration &b)
{
  if (a.element != b.element) return false;
  for (int k = 0; k < 9; k++)
    if (!(std::fabs(a.cell.vectors[k / 3][k % 3] - b.cell.vectors[k / 3][k % 3]) <= SAME_GEOMETRY))
      return false;
  if (!std::equal(a.cell.periodic, a.cell.periodic + 3, b.cell.periodic)) return false;
  for (std::size_t k = 0; k < a.position.size(); k++)
    if (!(std::fabs(a.position[k] - b.position[k]) <= SAME_GEOMETRY)) return false;
  return true;
}

/// For each configuration the first one that is the same, perhaps itself.
Order first_of_same(const std::vector<Configuration> &all)
{
  Order order(all.size()), first(all.size());
  std::iota(order.begin(), order.end(), 0);
  std::iota(first.begin(), first.end(), 0);
  std::vector<double> print;
  for (const Configuration &c : all) print.push_back(fingerprint(c));
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const std::size_t n = all[a].element.size(), m = all[b].element.size();
    return n != m ? n < m : print[a] != print[b] ? print[a] < print[b] : a < b;
  });
  Order different;    // of those before, one of each kind that can still be the same as the next
  for (const std::size_t i : order) {
    const std::size_t n = all[i].element.size();
    const double reach =
        1.5 * SAME_GEOMETRY * (double) (3 * n + 9) + 1e-12 * std::fabs(print[i]);
    different.erase(std::remove_if(different.begin(), different.end(),
                                   [&](std::size_t j) {
                                     return all[j].element.size() != n ||
                                         !(print[i] - print[j] <= reach);
                                   }),
                    different.end());
    const auto same = std::find_if(different.begin(), different.end(), [&](std::size_t j) {
      return same_geometry(all[i], all[j]);
    });
    if (same == different.end()) {
      different.push_back(i);
      continue;
    }
    first[i] = *same;
  }
  // the one that comes first in the data leads its kind
  Order lead(all.size());
  std::iota(lead.begin(), lead.end(), 0);
  for (std::size_t i = 0; i < all.size(); i++) lead[first[i]] = std::min(lead[first[i]], i);
  for (std::size_t &f : first) f = lead[f];
  return first;
}

/// Largest difference of energies per atom and of force components that both have.
double label_difference(const Configuration &a, const Configuration &b)
{
  double largest = 0.0;
  if (a.has_energy && b.has_energy) largest = std::fabs(a.energy - b.energy) / a.n_atoms();
  for (std::size_t k = 0; a.has_forces && b.has_forces && k < a.force.size(); k++)
    largest = std::max(largest, std::fabs(a.force[k] - b.force[k]));
  return largest;
}

/// Pairs of equal configurations of one kind: their count and the first names.
struct Pairs {
  std::size_t n = 0;
  std::string names;
  void add(const Configuration &a, const Configuration &b)
  {
    if (n < NAMES) names += (n ? ", " : "") + name_of(a) + " = " + name_of(b);
    if (n++ == NAMES) names += ", ...";
  }
  std::string text() const { return std::to_string(n) + " (" + names + ")"; }
};

}    // namespace

void note_missing_labels(const Dataset &data, const Settings &s, std::vector<std::string> &notes)
{
  std::string text;
  const auto mention = [&](const char *label, bool (*lacks)(const Configuration &)) {
    const std::string where = by_group(data, lacks);
    if (!where.empty()) text += (text.empty() ? "" : "; ") + std::string(label) + ": " + where;
  };
  if (s.calculator.energy)
    mention("without energy", [](const Configuration &c) { return !c.has_energy; });
  if (s.calculator.force)
    mention("without forces", [](const Configuration &c) { return !c.has_forces; });
  const auto has_stress = [](const Configuration &c) { return c.has_stress; };
  if (s.calculator.stress &&
      std::any_of(data.configurations.begin(), data.configurations.end(), has_stress))
    mention("without stress", [](const Configuration &c) {
      const bool(&p)[3] = c.cell.periodic;    // open boundaries have none
      return !c.has_stress && p[0] && p[1] && p[2];
    });
  if (!text.empty()) notes.push_back("configurations " + text);
}

void note_unfitted_stress(const Dataset &data, std::vector<std::string> &notes)
{
  std::size_t fitted = 0, open = 0;
  for (const Configuration &c : data.configurations) {
    fitted += c.has_stress;
    open += !is_periodic(c.cell);
  }
  const std::size_t all = data.configurations.size(), unknown = all - fitted - open;
  if (fitted == 0)
    notes.push_back("stress_weight has no effect: no configuration has a stress and a volume");
  else if (fitted < all)
    notes.push_back("stresses of " + std::to_string(fitted) + " of " + std::to_string(all) +
                    " configurations are fitted; " + std::to_string(unknown) +
                    " have none, and " + std::to_string(open) + " have open boundaries");
}

void note_duplicates(Dataset &data, std::vector<std::string> &notes)
{
  const std::vector<Configuration> &all = data.configurations;
  const Order first = first_of_same(all);
  Pairs same, other_labels, both_sets;
  double largest = 0.0;
  for (std::size_t i = 0; i < all.size(); i++) {
    if (first[i] == i) continue;
    const Configuration &a = all[first[i]], &b = all[i];
    same.add(a, b);
    const double difference = label_difference(a, b);
    if (difference > SAME_LABEL) other_labels.add(a, b);
    largest = std::max(largest, difference);
    if (a.test != b.test) both_sets.add(a, b);
  }
  if (same.n) notes.push_back("configurations that are there again: " + same.text());
  char number[32];
  std::snprintf(number, sizeof number, "%.3g", largest);
  if (other_labels.n)
    data.warnings.push_back("the same geometry has different labels, by up to " +
                            std::string(number) + " per atom or force component: " +
                            other_labels.text());
  if (both_sets.n)
    data.warnings.push_back("the same geometry is trained on and tested on, so that test errors "
                            "are too small: " + both_sets.text());
}

}    // namespace torchpot
