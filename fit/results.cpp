// Error tables and baselines from labels and predictions.
#include "results.h"

#include <cmath>
#include <map>

namespace torchpot {

namespace {

/// Sums of absolute and squared differences.
struct Sums {
  std::size_t count = 0;
  double absolute = 0.0, square = 0.0;
  void add(double difference)
  {
    absolute += std::abs(difference);
    square += difference * difference;
  }
  /// terms_each: differences added for each thing counted.
  ErrorSummary summary(int terms_each) const
  {
    ErrorSummary result;
    result.count = count;
    if (!count) return result;
    result.mae = absolute / (terms_each * (double) count);
    result.rmse = std::sqrt(square / (terms_each * (double) count));
    return result;
  }
};

struct GroupSums {
  Sums energy[2], force[2], stress[2];
  void add(const FitResults &results, const ConfigurationResult &configuration)
  {
    const int set = configuration.test;
    if (std::isfinite(configuration.energy)) {
      ++energy[set].count;
      energy[set].add(configuration.predicted_energy - configuration.energy);
    }
    stress[set].count += configuration.has_stress;
    for (int v = 0; v < 6 && configuration.has_stress; ++v)
      stress[set].add(configuration.predicted_stress[v] - configuration.stress[v]);
    if (!configuration.has_forces) return;
    force[set].count += configuration.n_atoms;
    const std::size_t begin = 3 * configuration.first_atom;
    for (std::size_t i = begin; i < begin + 3 * configuration.n_atoms; ++i)
      force[set].add(results.predicted_force[i] - results.force[i]);
  }
};

template <class Row> void summarize(const GroupSums &sums, Row &row)
{
  for (int set = 0; set < 2; ++set) {
    row.energy[set] = sums.energy[set].summary(1);
    row.force[set] = sums.force[set].summary(3);
    row.stress[set] = sums.stress[set].summary(6);
  }
}

}    // namespace

std::vector<ErrorRow> error_table(const FitResults &results)
{
  std::vector<std::string> names = {"*ALL"};
  std::map<std::string, GroupSums> sums;
  sums["*ALL"];
  for (const ConfigurationResult &configuration : results.configurations) {
    if (!sums.count(configuration.group)) names.push_back(configuration.group);
    sums[configuration.group].add(results, configuration);
    sums["*ALL"].add(results, configuration);
  }
  std::vector<ErrorRow> table;
  for (const std::string &name : names) {
    table.emplace_back();
    table.back().group = name;
    summarize(sums[name], table.back());
  }
  return table;
}

bool has_stress(const std::vector<ErrorRow> &table)
{
  for (const ErrorRow &row : table)
    if (row.stress[0].count || row.stress[1].count) return true;
  return false;
}

Baseline mean_energy_baseline(const FitResults &results)
{
  double sum = 0.0;
  std::size_t count = 0;
  for (const ConfigurationResult &configuration : results.configurations)
    if (!configuration.test && std::isfinite(configuration.energy)) {
      sum += configuration.energy + configuration.reference_energy;
      ++count;
    }
  GroupSums sums;
  for (ConfigurationResult configuration : results.configurations) {
    configuration.predicted_energy = (count ? sum / count : 0.0) - configuration.reference_energy;
    configuration.has_forces = configuration.has_stress = false;
    sums.add(results, configuration);
  }
  Baseline baseline;
  baseline.name = "mean energy";
  summarize(sums, baseline);
  return baseline;
}

Baseline zero_force_baseline(const FitResults &results)
{
  Baseline baseline;
  baseline.name = "zero force";
  GroupSums sums;
  for (const ConfigurationResult &configuration : results.configurations) {
    Sums &stress = sums.stress[configuration.test];
    stress.count += configuration.has_stress;
    for (int v = 0; v < 6 && configuration.has_stress; ++v)
      stress.add(configuration.stress[v] + configuration.reference_stress[v]);
    if (!configuration.has_forces) continue;
    Sums &force = sums.force[configuration.test];
    force.count += configuration.n_atoms;
    const std::size_t begin = 3 * configuration.first_atom;
    for (std::size_t i = begin; i < begin + 3 * configuration.n_atoms; ++i)
      force.add(results.force[i] + results.reference(i));
  }
  summarize(sums, baseline);
  return baseline;
}

Baseline baseline_from(const std::string &name, const FitResults &results)
{
  GroupSums sums;
  for (const ConfigurationResult &configuration : results.configurations)
    sums.add(results, configuration);
  Baseline baseline;
  baseline.name = name;
  summarize(sums, baseline);
  return baseline;
}

}    // namespace torchpot
