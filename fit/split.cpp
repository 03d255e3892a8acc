// Which configurations are trained on, which are held out.
#include "split.h"

#include "adam.h"
#include "samples.h"
#include "torchpot_error.h"

#include <cctype>
#include <cmath>
#include <fnmatch.h>
#include <map>
#include <numeric>

namespace torchpot {

namespace {

/// FNV-1a: a stream of random numbers for each group, so that groups do not change each other.
std::uint64_t stream_of(const std::string &name)
{
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : name) hash = (hash ^ (unsigned char) c) * 0x100000001b3u;
  return hash;
}

std::vector<std::size_t> drawn_order(std::size_t n, std::uint64_t seed, const std::string &name)
{
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  Random(seed, stream_of(name)).shuffle(order);
  return order;
}

}    // namespace

bool natural_less(const std::string &a, const std::string &b)
{
  const auto digit = [](char c) { return std::isdigit((unsigned char) c) != 0; };
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (!digit(a[i]) || !digit(b[j])) {
      if (a[i] != b[j]) return (unsigned char) a[i] < (unsigned char) b[j];
      i++, j++;
      continue;
    }
    while (i < a.size() && a[i] == '0') i++;
    while (j < b.size() && b[j] == '0') j++;
    std::size_t k = i, l = j;
    while (k < a.size() && digit(a[k])) k++;
    while (l < b.size() && digit(b[l])) l++;
    if (k - i != l - j) return k - i < l - j;
    const int order = a.compare(i, k - i, b, j, l - j);
    if (order) return order < 0;
    i = k, j = l;
  }
  if (a.size() - i != b.size() - j) return a.size() - i < b.size() - j;
  return a < b;
}

std::vector<Use> split_group(const std::vector<std::string> &names, const GroupSettings &group,
                             const Settings &settings, std::vector<std::string> &notes)
{
  std::vector<Use> use(names.size(), Use::none);
  std::vector<std::size_t> free;
  const std::string &pattern = settings.torchpot.test_files;
  std::vector<std::size_t> order(names.size());
  std::iota(order.begin(), order.end(), 0);
  if (settings.random_sampling)
    order = drawn_order(names.size(), settings.random_seed, group.name);
  for (const std::size_t i : order) {
    if (!pattern.empty() && fnmatch(pattern.c_str(), names[i].c_str(), 0) == 0)
      use[i] = Use::test;
    else
      free.push_back(i);
  }
  const std::size_t n = free.size(), train = group.training.of(n);
  const std::string where = group.where.text() + ": [GROUPS] " + group.name;
  if (train > n)
    throw Error("the group has too few configurations", where, std::to_string(n),
                "training_size " + std::to_string(train));
  std::size_t test = group.rest_is_test ? n - train : group.testing.of(n);
  if (!pattern.empty()) test = 0;
  if (train + test > n) {
    // shares that add up to one exceed a small group by rounding alone
    const bool rounding = group.training.fraction && group.testing.fraction &&
        group.training.value + group.testing.value < 1.0 + 1e-9;
    if (!rounding) notes.push_back(where + ": " + std::to_string(train) + " to train on and " +
                    std::to_string(test) + " to test on are more than the " + std::to_string(n) +
                    " there are; " + std::to_string(n - train) + " are tested on");
    test = n - train;
  }
  for (std::size_t k = 0; k < train + test; k++) use[free[k]] = k < train ? Use::train : Use::test;
  return use;
}

std::vector<Use> split_fraction(std::size_t n, double test_fraction, const std::string &label,
                                std::uint64_t seed)
{
  std::vector<Use> use(n, Use::train);
  std::size_t test = (std::size_t) (test_fraction * (double) n + 0.5);
  if (test_fraction > 0.0 && test == 0 && n > 1) test = 1;
  const std::vector<std::size_t> order = drawn_order(n, seed, label);
  for (std::size_t k = 0; k < test && k < n; k++) use[order[k]] = Use::test;
  return use;
}

void split_globally(std::vector<Configuration> &configurations, double training_fraction,
                    std::uint64_t seed)
{
  const std::size_t n = configurations.size();
  const std::size_t train = (std::size_t) (training_fraction * (double) n);
  const std::vector<std::size_t> order = drawn_order(n, seed, "");
  for (std::size_t k = 0; k < n; k++) configurations[order[k]].test = k >= train;
}

void divide_weights(std::vector<Configuration> &configurations)
{
  std::map<std::string, double> count[2];
  for (const Configuration &c : configurations) count[c.test][c.group] += 1.0;
  for (Configuration &c : configurations) {
    const double n = count[c.test][c.group];
    c.energy_weight /= n;
    c.force_weight /= n * 3.0 * c.n_atoms();
    c.stress_weight /= n * 6.0;
  }
}

double balanced_energy_weight(const Dataset &data)
{
  constexpr double SHARE = 5.0;
  std::vector<Sample> samples;
  double forces = 0.0, energies = 0.0;
  std::size_t n_components = 0;
  for (const Configuration &c : data.configurations) {
    if (c.test) continue;
    if (c.has_forces)
      for (const double f : c.force) forces += f * f;
    if (c.has_forces) n_components += c.force.size();
    if (!c.has_energy) continue;
    samples.emplace_back();
    samples.back().n_atoms = c.n_atoms();
    samples.back().element = c.element.data();
    samples.back().energy = c.energy;
  }
  std::vector<const Sample *> pointers;
  for (const Sample &sample : samples) pointers.push_back(&sample);
  const std::vector<double> shift = composition_energies(pointers, (int) data.elements.size());
  for (const Sample &sample : samples) {
    double rest = sample.energy;
    for (int i = 0; i < sample.n_atoms; i++) rest -= shift[sample.element[i]];
    energies += rest * rest / ((double) sample.n_atoms * sample.n_atoms);
  }
  const double weight = SHARE * (forces / (double) n_components) /
      (energies / (double) samples.size());
  if (!(weight > 0.0) || !std::isfinite(weight)) return 1.0;
  const double unit = std::pow(10.0, std::floor(std::log10(weight)) - 1.0);
  return std::round(weight / unit) * unit;
}

}    // namespace torchpot
