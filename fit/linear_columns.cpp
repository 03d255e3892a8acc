// The coefficients of a linear fit, and what an atom adds to their columns.
#include "linear_columns.h"

#include "torchpot_error.h"
#include "torchpot_snap_tables.h"

#include <algorithm>

namespace torchpot {

namespace {

constexpr std::size_t MAX_COLUMNS = 20000;    // 3.2 GB for each factor

/// Which descriptors each element has, as twojmax of [BISPECTRUM] says.
std::vector<char> active_descriptors(const SnapParameters &snap, const std::vector<int> &orders)
{
  std::vector<char> active;
  for (const int order : orders)
    for (const BispectrumIndex &b : bispectrum_indices(snap.twojmax))
      active.push_back(b.j <= order);    // the largest of the three
  return active;
}

}    // namespace

std::size_t LinearColumns::n_features() const
{
  const std::size_t n = n_descriptors;
  return quadratic ? n + n * (n + 1) / 2 : n;
}

std::vector<char> LinearColumns::inactive() const
{
  if (active.empty()) return std::vector<char>(count(), 0);
  const int n = n_descriptors;
  std::vector<char> zero;
  for (int e = 0; e < n_elements; e++) {
    const char *has = &active[e * n];
    if (constant) zero.push_back(0);
    for (int k = 0; k < n; k++) zero.push_back(!has[k]);
    for (int k = 0; k < n && quadratic; k++)
      for (int l = k; l < n; l++) zero.push_back(!has[k] || !has[l]);
  }
  return zero;
}

void LinearColumns::add_values(int element, const double *b, double factor, double *row) const
{
  const int n = n_descriptors;
  row += element * per_element();
  if (constant) *row++ += factor;
  for (int k = 0; k < n; k++) row[k] += factor * b[k];
  double *pair = row + n;
  for (int k = 0; k < n && quadratic; k++) {
    *pair++ += 0.5 * factor * b[k] * b[k];
    for (int l = k + 1; l < n; l++) *pair++ += factor * b[k] * b[l];
  }
}

void LinearColumns::add_derivatives(int element, const double *b, const double *d, double factor,
                                    double *row) const
{
  const int n = n_descriptors;
  row += element * per_element() + constant;
  for (int k = 0; k < n; k++) row[k] += factor * d[k];
  double *pair = row + n;
  for (int k = 0; k < n && quadratic; k++) {
    const double bk = factor * b[k], dk = factor * d[k];
    *pair++ += bk * d[k];
    for (int l = k + 1; l < n; l++) *pair++ += bk * d[l] + dk * b[l];
  }
}

LinearColumns linear_columns(const Dataset &data, const Settings &s)
{
  LinearColumns columns;
  columns.n_elements = (int) data.elements.size();
  columns.n_descriptors = data.n_descriptors;
  columns.constant = !data.descriptor.bzeroflag;
  columns.quadratic = s.torchpot.network == NetworkKind::quadratic;
  const std::vector<int> &orders = s.bispectrum.orders;
  if (std::any_of(orders.begin(), orders.end(),
                  [&](int order) { return order != data.descriptor.twojmax; }))
    columns.active = active_descriptors(data.descriptor, orders);
  if (columns.count() > MAX_COLUMNS)
    throw Error("too many coefficients for the linear fit", s.input_file,
                std::to_string(columns.count()), "at most " + std::to_string(MAX_COLUMNS),
                "Use a smaller twojmax");
  return columns;
}

NetworkParameters linear_model(const LinearColumns &columns, std::vector<double> x)
{
  const std::vector<char> zero = columns.inactive();    // up to rounding they are in x too
  for (std::size_t k = 0; k < x.size(); k++)
    if (zero[k]) x[k] = 0.0;
  NetworkParameters model;
  model.kind = columns.quadratic ? NetworkKind::quadratic : NetworkKind::linear;
  model.element_mode = ElementMode::per_element;
  model.n_elements = columns.n_elements;
  model.n_descriptors = columns.n_descriptors;
  const std::size_t n = (std::size_t) columns.n_elements * columns.n_descriptors;
  model.input_shift.assign(n, 0.0);
  model.input_scale.assign(n, 1.0);
  for (int e = 0; e < columns.n_elements; e++) {
    const double *of_element = &x[e * columns.per_element()];
    model.energy_shift.push_back(columns.constant ? *of_element : 0.0);
    of_element += columns.constant;
    model.parameters.insert(model.parameters.end(), of_element,
                            of_element + columns.n_features());
  }
  return model;
}

bool linear_coefficients(const LinearColumns &columns, const NetworkParameters &model,
                         std::vector<double> &x)
{
  const auto is = [](const std::vector<double> &values, double wanted) {
    return std::all_of(values.begin(), values.end(), [&](double v) { return v == wanted; });
  };
  const bool kind = model.kind ==
      (columns.quadratic ? NetworkKind::quadratic : NetworkKind::linear);
  if (!kind || model.element_mode != ElementMode::per_element || model.output_scale != 1.0 ||
      !is(model.input_shift, 0.0) || !is(model.input_scale, 1.0) ||
      (!columns.constant && !is(model.energy_shift, 0.0)))
    return false;
  x.clear();
  const std::size_t n = columns.n_features();
  for (int e = 0; e < columns.n_elements; e++) {
    if (columns.constant) x.push_back(model.energy_shift[e]);
    x.insert(x.end(), &model.parameters[e * n], &model.parameters[e * n] + n);
  }
  return true;
}

}    // namespace torchpot
