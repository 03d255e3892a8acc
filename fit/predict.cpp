// Predictions of a model for all configurations, and their table beside the labels.
#include "trainer.h"

#include "stress_units.h"
#include "torchpot_error.h"

#include <algorithm>
#include <cmath>

namespace torchpot {

namespace {

/// Plain and in double, for the models that NetworkBatch does not know.
double predict_plain(const NetworkParameters &model, const Sample &sample,
                     std::vector<double> &slope, double *force, double *virial)
{
  const std::size_t n = model.n_descriptors;
  slope.resize(sample.n_atoms * n);
  double energy = 0.0;
  for (int i = 0; i < sample.n_atoms; i++)
    energy += network_reference(model, sample.element[i], sample.descriptor + i * n, &slope[i * n]);
  sample.with_derivative([&](const auto *derivative) {
    derivative_forward(model.n_descriptors, sample.n_blocks, derivative, sample.row, sample.column,
                       slope.data(), force);
  });
  std::fill_n(virial, 6, sample.strain ? 0.0 : std::numeric_limits<double>::quiet_NaN());
  for (int i = 0; i < sample.n_atoms && sample.strain; i++)
    for (std::size_t v = 0; v < 6; v++)
      for (std::size_t k = 0; k < n; k++)
        virial[v] -= slope[i * n + k] * sample.strain[(6 * i + v) * n + k];
  return energy;
}

}    // namespace

Predictions predict(const NetworkParameters &model, const SampleSet &samples,
                    const std::function<void()> &between)
{
  if (model.n_descriptors != samples.n_descriptors)
    throw Error("the model does not fit the data: number of descriptors", "model",
                std::to_string(model.n_descriptors), std::to_string(samples.n_descriptors));
  if (model.n_elements != samples.n_elements)
    throw Error("the model does not fit the data: number of elements", "model",
                std::to_string(model.n_elements), std::to_string(samples.n_elements));
  std::size_t n_atoms = 0;
  for (const Sample &sample : samples.all) n_atoms += sample.n_atoms;
  Predictions result;
  result.force.assign(3 * n_atoms, 0.0);
  std::unique_ptr<BatchLoss> network;
  if (model.kind == NetworkKind::mlp)
    network = std::make_unique<BatchLoss>(model, LossSettings(), Precision::float64);
  std::vector<double> slope;
  double *force = result.force.data();
  for (const Sample &sample : samples.all) {
    double virial[6];
    result.energy.push_back(network ? network->predict(sample, force, virial)
                                    : predict_plain(model, sample, slope, force, virial));
    for (const double w : virial) result.stress.push_back(w * sample.shown_stress);
    force += 3 * sample.n_atoms;
    if (between) between();
  }
  return result;
}

FitResults fit_results(const Dataset &dataset, const Predictions &predictions)
{
  FitResults results;
  std::size_t atom = 0;
  const double unit = shown_pressure(dataset.units).factor;
  results.predicted_force = predictions.force;
  for (std::size_t m = 0; m < dataset.configurations.size(); m++) {
    const Configuration &c = dataset.configurations[m];
    ConfigurationResult row;
    row.file = c.file;
    row.group = c.group;
    row.test = c.test;
    row.n_atoms = c.n_atoms();
    if (c.has_energy) row.energy = c.energy_target() / c.n_atoms();
    row.predicted_energy = predictions.energy[m] / c.n_atoms();
    row.has_forces = c.has_forces;
    for (int v = 0; v < 6; v++) {
      row.stress[v] = unit * c.stress_target(v);
      row.predicted_stress[v] = predictions.stress[6 * m + v];
    }
    row.has_stress = c.has_stress && std::isfinite(row.predicted_stress[0]);
    row.first_atom = atom;
    results.configurations.push_back(row);
    for (std::size_t k = 0; k < 3 * (std::size_t) c.n_atoms(); k++)
      results.force.push_back(c.has_forces ? c.force_target(k)
                                           : std::numeric_limits<double>::quiet_NaN());
    results.type.insert(results.type.end(), c.element.begin(), c.element.end());
    atom += c.n_atoms();
  }
  return results;
}

}    // namespace torchpot
