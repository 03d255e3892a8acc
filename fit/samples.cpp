// What training sees of a data set: targets, descriptors and their derivatives.
#include "samples.h"

#include "linear_algebra.h"
#include "stress_units.h"
#include "torchpot_error.h"

#include <algorithm>
#include <cmath>

namespace torchpot {

namespace {

void check(const Configuration &c, const Sample &sample, int n_descriptors)
{
  const std::size_t n = (std::size_t) c.n_atoms() * n_descriptors;
  if (c.descriptor.size() != n)
    throw Error("wrong number of descriptors", c.file, std::to_string(c.descriptor.size()),
                std::to_string(n));
  for (double x : c.descriptor)
    if (!std::isfinite(x)) throw Error("a descriptor is not a finite number", c.file);
  for (int v = 0; v < 6 && sample.has_virial(); v++)
    if (!std::isfinite(sample.virial[v]))
      throw Error("the stress is not a finite number", c.file,
                  "component " + std::to_string(v + 1));
  if (!sample.has_forces()) return;
  for (int k = 0; k < 3 * c.n_atoms(); k++)
    if (!std::isfinite(sample.force[k]))
      throw Error("a force is not a finite number", c.file, "atom " + std::to_string(k / 3 + 1));
  const bool known = c.has_derivatives || sample.n_blocks > 0;
  const std::size_t size = std::max(c.derivative.size(), c.derivative_single.size());
  if (!known || size != sample.n_blocks * 3 * n_descriptors)
    throw Error("forces cannot be learned without the derivatives of the descriptors", c.file, "",
                "", "Collect the data with `derivatives yes`, or set force = 0 in [CALCULATOR]");
}

}    // namespace

void SampleSet::take_stress(const Configuration &c, const Dataset &dataset, bool fitted,
                            Sample &sample)
{
  if (c.strain_derivative.empty() || !is_periodic(c.cell)) return;
  if (c.strain_derivative.size() != 6 * c.descriptor.size())
    throw Error("wrong number of strain derivatives", c.file,
                std::to_string(c.strain_derivative.size()),
                std::to_string(6 * c.descriptor.size()));
  const double volume = cell_volume(c.cell), factor = pressure_factor(dataset.units);
  sample.strain = c.strain_derivative.data();
  sample.shown_stress = shown_pressure(dataset.units).factor * factor / volume;
  sample.stress_weight = c.stress_weight;
  if (!fitted || !c.has_stress) return;
  const std::size_t first = virial_targets.size();
  for (int v = 0; v < 6; v++) virial_targets.push_back(c.stress_target(v) * volume / factor);
  sample.virial = &virial_targets[first];
}

SampleSet::SampleSet(const Dataset &dataset, bool energies, bool forces, bool stresses) :
    n_elements((int) dataset.elements.size()), n_descriptors(dataset.n_descriptors),
    single(dataset.single)
{
  force_targets.resize(3 * dataset.n_atoms());
  double *target = force_targets.data();
  virial_targets.reserve(stresses ? 6 * dataset.configurations.size() : 0);
  all.reserve(dataset.configurations.size());
  for (const Configuration &c : dataset.configurations) {
    Sample sample;
    sample.n_atoms = c.n_atoms();
    sample.element = c.element.data();
    sample.descriptor = c.descriptor.data();
    sample.n_blocks = c.derivative.empty() && c.derivative_single.empty() ? 0 : c.n_blocks();
    sample.row = c.row.data();
    sample.column = c.column.data();
    if (dataset.single)
      sample.derivative_single = c.derivative_single.data();
    else
      sample.derivative = c.derivative.data();
    sample.energy_weight = c.energy_weight;
    sample.force_weight = c.force_weight;
    if (energies && c.has_energy) {
      sample.energy = c.energy_target();
      if (!std::isfinite(sample.energy)) throw Error("the energy is not a finite number", c.file);
    }
    if (forces && c.has_forces) {
      for (int k = 0; k < 3 * c.n_atoms(); k++) target[k] = c.force_target(k);
      sample.force = target;
      target += 3 * c.n_atoms();
    }
    if (c.n_atoms() == 0) throw Error("a configuration has no atoms", c.file);
    take_stress(c, dataset, stresses, sample);
    check(c, sample, n_descriptors);
    all.push_back(sample);
  }
  for (std::size_t m = 0; m < all.size(); m++) {
    if (!all[m].has_label()) continue;
    (dataset.configurations[m].test ? validation : training).push_back(&all[m]);
  }
}

std::vector<double> composition_energies(const std::vector<const Sample *> &samples,
                                         int n_elements)
{
  double energy = 0.0, atoms = 0.0;
  for (const Sample *sample : samples)
    if (sample->has_energy()) {
      energy += sample->energy;
      atoms += sample->n_atoms;
    }
  const double mean = atoms > 0.0 ? energy / atoms : 0.0;
  // rows are per atom; what is left over the mean is small where it is not determined
  LeastSquares fit(n_elements);
  std::vector<double> row(n_elements);
  for (const Sample *sample : samples) {
    if (!sample->has_energy()) continue;
    std::fill(row.begin(), row.end(), 0.0);
    for (int i = 0; i < sample->n_atoms; i++) row[sample->element[i]] += 1.0 / sample->n_atoms;
    const double target = sample->energy / sample->n_atoms - mean;
    fit.add(1, row.data(), &target, 1.0);
  }
  std::vector<double> shift = fit.solve(1e-8);
  for (double &x : shift) x += mean;
  return shift;
}

void descriptor_scaling(const std::vector<const Sample *> &samples, int n_descriptors, int n_sets,
                        std::vector<double> &shift, std::vector<double> &scale)
{
  const std::size_t n = n_descriptors;
  std::vector<double> count(n_sets, 0.0), largest(n_sets * n, 0.0);
  shift.assign(n_sets * n, 0.0);
  scale.assign(n_sets * n, 0.0);
  const auto for_each_atom = [&](auto &&function) {
    for (const Sample *sample : samples)
      for (int i = 0; i < sample->n_atoms; i++)
        function(n_sets > 1 ? sample->element[i] : 0, sample->descriptor + i * n);
  };
  for_each_atom([&](int set, const double *x) {
    count[set] += 1.0;
    for (std::size_t k = 0; k < n; k++) {
      shift[set * n + k] += x[k];
      largest[set * n + k] = std::max(largest[set * n + k], std::fabs(x[k]));
    }
  });
  for (std::size_t k = 0; k < shift.size(); k++) shift[k] /= std::max(count[k / n], 1.0);
  for_each_atom([&](int set, const double *x) {
    for (std::size_t k = 0; k < n; k++) {
      const double deviation = x[k] - shift[set * n + k];
      scale[set * n + k] += deviation * deviation;
    }
  });
  for (std::size_t k = 0; k < scale.size(); k++) {
    scale[k] = std::sqrt(scale[k] / std::max(count[k / n], 1.0));
    // rounding noise of a constant is no spread
    if (scale[k] <= 1e-10 * largest[k]) scale[k] = 1.0;
  }
}

}    // namespace torchpot
