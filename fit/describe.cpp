// The table of torchpot_fit --check and the prediction of memory.
#include "load.h"

#include "descriptors.h"
#include "settings_reader.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>

namespace torchpot {

namespace {

std::string formatted(const char *format, ...) __attribute__((format(printf, 1, 2)));
std::string formatted(const char *format, ...)
{
  char text[512];
  std::va_list list;
  va_start(list, format);
  std::vsnprintf(text, sizeof text, format, list);
  va_end(list);
  return text;
}

std::string size_text(std::size_t bytes)
{
  return bytes < 1000000000 ? formatted("%.1f MB", 1e-6 * (double) bytes)
                            : formatted("%.2f GB", 1e-9 * (double) bytes);
}

struct Counts {
  std::size_t configurations[2] = {0, 0}, atoms[2] = {0, 0};
  void add(const Configuration &c)
  {
    configurations[c.test]++;
    atoms[c.test] += c.element.size();
  }
};

std::string counts_line(const std::string &name, int width, const Counts &n, bool divided)
{
  if (!divided)
    return formatted("  %-*s %10zu %10zu\n", width, name.c_str(), n.configurations[0], n.atoms[0]);
  return formatted("  %-*s %10zu %10zu %10zu %10zu\n", width, name.c_str(), n.configurations[0],
                   n.atoms[0], n.configurations[1], n.atoms[1]);
}

std::string missing_labels(const Dataset &data)
{
  std::size_t energy = 0, forces = 0;
  for (const Configuration &c : data.configurations) {
    energy += !c.has_energy;
    forces += !c.has_forces;
  }
  std::string text;
  if (energy) text += formatted("configurations without energy: %zu\n", energy);
  if (forces) text += formatted("configurations without forces: %zu\n", forces);
  return text;
}

}    // namespace

Prediction predict_memory(Dataset &data, const Settings &s, int n_threads, Ranks &ranks,
                          const std::function<void()> &between)
{
  count_blocks(data, n_threads, ranks, between);
  Prediction p;
  for (const Configuration &c : data.configurations) p.n_blocks += c.expected_blocks;
  p.single = stores_single(s, data, p.n_blocks);
  for (const Configuration &c : data.configurations) {
    const std::size_t n = c.element.size();
    const std::size_t bytes =
        descriptor_bytes(n, c.expected_blocks, data.n_descriptors, c.has_stress, p.single) +
        n * (9 * sizeof(double) + sizeof(int)) + sizeof(Configuration);
    p.bytes += bytes;
    p.largest = std::max(p.largest, bytes);
  }
  return p;
}

std::string describe(const Dataset &data, const Settings &s, const Prediction &memory)
{
  int width = 5;
  for (const std::string &group : data.groups) width = std::max(width, (int) group.size());
  std::vector<Counts> counts(data.groups.size());
  Counts all;
  for (const Configuration &c : data.configurations) {
    const auto at = std::find(data.groups.begin(), data.groups.end(), c.group);
    counts[at - data.groups.begin()].add(c);
    all.add(c);
  }
  std::string text = data.divided
      ? formatted("  %-*s %10s %10s %10s %10s\n", width, "group", "training", "atoms", "test",
                  "atoms")
      : formatted("  %-*s %10s %10s\n", width, "group", "configs", "atoms");
  for (std::size_t g = 0; g < counts.size(); g++)
    text += counts_line(data.groups[g], width, counts[g], data.divided);
  text += counts_line("all", width, all, data.divided);
  text += "elements: " + join(data.elements, " ") + "\n";
  text += formatted("descriptors: %d per atom (SNAP, 2J = %d%s), cutoff %g\n", data.n_descriptors,
                    data.descriptor.twojmax, data.descriptor.chemflag ? ", chemflag" : "",
                    make_snap(data.descriptor)->max_cutoff());
  text += "reference potential: " +
      (data.reference.empty() ? std::string("none") : join(data.reference, "; ")) + "\n";
  if (s.torchpot.network == NetworkKind::mlp) {
    text += formatted("network: %d", data.n_descriptors);
    for (const int size : s.pytorch.layer_sizes) text += formatted(" %d", size);
    text += std::string(", ") + to_string(s.torchpot.activation) + "\n";
  } else
    text += std::string("network: ") +
        (s.torchpot.network == NetworkKind::linear ? "linear" : "quadratic") + "\n";
  if (s.torchpot.committee > 1)
    text += formatted("committee: %d networks%s\n", s.torchpot.committee,
                      s.torchpot.bootstrap ? ", each on a bootstrap of the training data" : "");
  if (data.energy_weight != 1.0)
    text += formatted("weights: energies %g, forces 1, which balances them; the input gives none\n",
                      data.energy_weight);
  text += missing_labels(data);
  if (memory.n_rows)
    return text + formatted("linear solver %s: %zu rows of %zu coefficients, %s in memory\n",
                            to_string(s.solver), memory.n_rows, memory.n_columns,
                            size_text(memory.bytes).c_str());
  text += formatted("descriptors and derivatives: %zu pair blocks in %s, %s in memory%s\n",
                    memory.n_blocks, memory.single ? "float32" : "float64",
                    size_text(memory.bytes).c_str(),
                    s.torchpot.cache.empty() ? "" : " and on disk");
  return text;
}

}    // namespace torchpot
