// Linear and quadratic models by weighted least squares on the rows of the loss.
#include "linear_fit.h"

#include "linear_algebra.h"
#include "torchpot_error.h"

#include <algorithm>

namespace torchpot {

namespace {

constexpr std::size_t MAX_COLUMNS = 20000;    // 3.2 GB of normal equations

std::size_t count_columns(const NetworkParameters &model)
{
  return (std::size_t) model.n_sets() * model.n_parameters() + model.n_elements;
}

/// The rows of one configuration: 3 N for the forces, one for the energy, 6 for the virial.
/// Columns: the coefficients of each set, then the change of each element's energy shift.
class Rows {
 public:
  explicit Rows(const NetworkParameters &model) :
      model(model), n(model.n_descriptors), n_parameters(model.n_parameters()),
      n_columns(count_columns(model)), x(n)
  {
  }

  void add_to(LeastSquares &fit, const Sample &sample, const LossFactors &factors)
  {
    const std::size_t n_forces = 3 * (std::size_t) sample.n_atoms;
    scaled.resize(sample.n_atoms * n);
    for (int i = 0; i < sample.n_atoms; i++) {
      const std::size_t set = set_of(sample, i) * n;
      for (std::size_t k = 0; k < n; k++)
        scaled[i * n + k] = (sample.descriptor[i * n + k] - model.input_shift[set + k]) /
            model.input_scale[set + k];
    }
    if (sample.has_forces() && factors.force != 0.0) {
      rows.assign(n_forces * n_columns, 0.0);
      sample.with_derivative([&](const auto *derivative) {
        for (std::size_t b = 0; b < sample.n_blocks; b++) add_block(sample, b, derivative);
      });
      fit.add(n_forces, rows.data(), sample.force, factors.force);
    }
    if (sample.has_energy() && factors.energy != 0.0) {
      rows.assign(n_columns, 0.0);
      double target = sample.energy;
      for (int i = 0; i < sample.n_atoms; i++) target -= add_energy(sample, i);
      fit.add(1, rows.data(), &target, factors.energy);
    }
    if (sample.has_virial() && factors.virial != 0.0) {
      rows.assign(6 * n_columns, 0.0);
      for (int i = 0; i < sample.n_atoms; i++)
        for (int v = 0; v < 6; v++) add_slopes(sample, i, sample.strain + (6 * i + v) * n, -1.0, v);
      fit.add(6, rows.data(), sample.virial, factors.virial);
    }
  }

  std::size_t columns() const { return n_columns; }

 private:
  std::size_t set_of(const Sample &sample, int i) const
  {
    return model.n_sets() > 1 ? sample.element[i] : 0;
  }

  /// Adds the features of atom i, and returns its part of the energy that is not to be fitted.
  double add_energy(const Sample &sample, int i)
  {
    const double *y = &scaled[i * n];
    double *row = &rows[set_of(sample, i) * n_parameters];
    for (std::size_t k = 0; k < n; k++) row[k] += y[k];
    if (model.kind == NetworkKind::quadratic) {
      double *pair = row + n;
      for (std::size_t k = 0; k < n; k++) {
        *pair++ += 0.5 * y[k] * y[k];
        for (std::size_t l = k + 1; l < n; l++) *pair++ += y[k] * y[l];
      }
    }
    rows[n_columns - model.n_elements + sample.element[i]] += 1.0;
    return model.energy_shift[sample.element[i]];
  }

  /// Force on atom `column` through the features of atom `row`.
  template <class T> void add_block(const Sample &sample, std::size_t b, const T *derivative)
  {
    for (int c = 0; c < 3; c++)
      add_slopes(sample, sample.row[b], derivative + (3 * b + c) * n, 1.0,
                 3 * sample.column[b] + c);
  }

  /// Adds sign * d . (slopes of the features of atom i) to a row.
  template <class T>
  void add_slopes(const Sample &sample, int i, const T *d, double sign, std::size_t at)
  {
    const std::size_t set = set_of(sample, i);
    const double *y = &scaled[i * n], *scale = &model.input_scale[set * n];
    double *row = &rows[at * n_columns + set * n_parameters];
    for (std::size_t k = 0; k < n; k++) {
      x[k] = sign * d[k] / scale[k];
      row[k] += x[k];
    }
    if (model.kind != NetworkKind::quadratic) return;
    double *pair = row + n;
    for (std::size_t k = 0; k < n; k++) {
      *pair++ += y[k] * x[k];
      for (std::size_t l = k + 1; l < n; l++) *pair++ += x[k] * y[l] + y[k] * x[l];
    }
  }

  const NetworkParameters &model;
  const std::size_t n, n_parameters, n_columns;
  std::vector<double> x, scaled, rows;
};

}    // namespace

bool is_linear_fit_possible(const NetworkParameters &model)
{
  return count_columns(model) <= MAX_COLUMNS;
}

NetworkParameters linear_start(NetworkKind kind, ElementMode mode, int n_elements,
                               int n_descriptors, const std::vector<const Sample *> &samples)
{
  NetworkParameters model;
  model.kind = kind;
  // a linear model of elements has no further inputs: the energy shifts are its one-hot part
  model.element_mode = mode == ElementMode::one_hot ? ElementMode::shared : mode;
  model.n_elements = n_elements;
  model.n_descriptors = n_descriptors;
  model.energy_shift = composition_energies(samples, n_elements);
  descriptor_scaling(samples, n_descriptors, model.n_sets(), model.input_shift,
                     model.input_scale);
  model.parameters.assign((std::size_t) model.n_sets() * model.n_parameters(), 0.0);
  return model;
}

NetworkParameters linear_fit(NetworkParameters model, const std::vector<const Sample *> &samples,
                             const LossSettings &loss, double ridge,
                             const std::function<void()> &between)
{
  if (model.kind == NetworkKind::mlp)
    throw Error("a network cannot be fitted by linear least squares", "linear fit", "mlp",
                "linear or quadratic");
  if (samples.empty())
    throw Error("there is nothing to fit", "linear fit", "no training configuration with a label",
                "at least one", "Check [GROUPS], and energy and force in [CALCULATOR]");
  if (!is_linear_fit_possible(model))
    throw Error("too many coefficients for the linear fit", "linear fit",
                std::to_string(count_columns(model)), "at most " + std::to_string(MAX_COLUMNS),
                "Use a smaller twojmax, or network = mlp");
  std::vector<LossFactors> factors(samples.size());
  loss_factors(loss, samples.size(), samples.data(), factors.data());
  Rows rows(model);
  LeastSquares fit((int) rows.columns());
  for (std::size_t m = 0; m < samples.size(); m++) {
    rows.add_to(fit, *samples[m], factors[m]);
    if (between) between();
  }
  const std::vector<double> x = fit.solve(ridge);
  const std::size_t n = (std::size_t) model.n_sets() * model.n_parameters();
  model.output_scale = 1.0;
  model.parameters.assign(x.begin(), x.begin() + n);
  for (int e = 0; e < model.n_elements; e++) model.energy_shift[e] += x[n + e];
  return model;
}

}    // namespace torchpot
