// A model in the files of LAMMPS's own pair_style mliap.
#include "mliap_export.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstdio>
#include <sstream>

namespace torchpot {

namespace {

// what LAMMPS reads of a line, and how many coefficients it takes from one
constexpr std::size_t MAX_LINE = 1022, MAX_NUMBERS = 30;
// energies per atom whose digits are worth a note when they are lost, in the model's unit
constexpr double LOST = 1e-9;

using Rows = std::vector<double>;

void append(std::string &text, const double *values, std::size_t n, std::size_t per_line)
{
  for (std::size_t i = 0; i < n; i++)
    text += lammps_number(values[i]) + ((i + 1) % per_line == 0 || i + 1 == n ? "\n" : " ");
}

// LAMMPS compares UNITS: of the first line with its own
std::string head(const Model &model, std::size_t n_parameters)
{
  return "# energy model of torchpot, UNITS: " + model.units + "\n" +
      std::to_string(model.elements.size()) + " " + std::to_string(n_parameters) + "\n";
}

std::size_t set_of(const NetworkParameters &p, int element)
{
  return p.element_mode == ElementMode::per_element ? element : 0;
}

/// The layers that an element sees; a row of a layer is the bias and the weights of a node.
std::vector<Rows> element_layers(const NetworkParameters &p, int element)
{
  std::vector<Rows> layers;
  const double *w = &p.parameters[set_of(p, element) * p.n_parameters()];
  std::size_t n_in = p.n_inputs();
  for (const int n_out : p.layer_sizes) {
    const std::size_t n_kept = layers.empty() ? p.n_descriptors : n_in;
    const double *const bias = w + n_out * n_in;
    Rows rows;
    for (int o = 0; o < n_out; o++) {
      const double *const row = w + o * n_in;
      // of the one-hot inputs, that of the element is 1
      rows.push_back(bias[o] + (n_kept < n_in ? row[n_kept + element] : 0.0));
      rows.insert(rows.end(), row, row + n_kept);
    }
    layers.push_back(rows);
    w = bias + n_out;
    n_in = n_out;
  }
  if (p.activations.back() == Activation::linear)
    for (double &x : layers.back()) x *= p.output_scale;
  else
    layers.push_back({0.0, p.output_scale});
  layers.back()[0] += p.energy_shift[element];
  return layers;
}

std::string network_text(const Model &model)
{
  const NetworkParameters &p = model.network;
  std::string shape, values;
  std::size_t n_layers = 0, n_parameters = 0;
  for (int e = 0; e < p.n_elements; e++) {
    const std::size_t first = set_of(p, e) * p.n_descriptors;
    append(values, &p.input_shift[first], p.n_descriptors, MAX_NUMBERS);
    append(values, &p.input_scale[first], p.n_descriptors, MAX_NUMBERS);
    const std::vector<Rows> layers = element_layers(p, e);
    Rows all;
    for (const Rows &rows : layers) all.insert(all.end(), rows.begin(), rows.end());
    append(values, all.data(), all.size(), MAX_NUMBERS);
    n_layers = layers.size();
    n_parameters = all.size();
  }
  for (std::size_t l = 0; l < n_layers; l++)
    shape += l < p.layer_sizes.size()
        ? std::string(" ") + to_string(p.activations[l]) + " " + std::to_string(p.layer_sizes[l])
        : " linear 1";
  return head(model, n_parameters) + "NET " + std::to_string(p.n_descriptors) + " " +
      std::to_string(n_layers) + shape + "\n" + values;
}

/// Coefficients of one element in plain descriptors: constant, linear, upper triangle. They are
/// differences of larger numbers, of which `rounding` becomes the last digit.
Rows plain_coefficients(const NetworkParameters &p, int element, double &rounding)
{
  const int n = p.n_descriptors, n_inputs = p.n_inputs(), hot = n + element;
  const double *const w = &p.parameters[set_of(p, element) * p.n_parameters()];
  const double *const s = &p.input_shift[set_of(p, element) * n];
  const double *const c = &p.input_scale[set_of(p, element) * n];
  const auto v = [&](int k, int l) {    // k <= l
    return p.kind == NetworkKind::linear
        ? 0.0L
        : (long double) p.output_scale * w[n_inputs + k * n_inputs - k * (k - 1) / 2 + l - k];
  };
  const bool one_hot = n_inputs > n;
  long double constant = p.energy_shift[element], sum = 0.0L;
  if (one_hot) constant += (long double) p.output_scale * w[hot] + 0.5L * v(hot, hot);
  Rows linear, products;
  for (int k = 0; k < n; k++) {
    long double slope = (long double) p.output_scale * w[k] + (one_hot ? v(k, hot) : 0.0L);
    slope /= c[k];
    constant -= slope * s[k];
    for (int l = 0; l < n; l++) {
      const long double q = v(std::min(k, l), std::max(k, l)) / c[k] / c[l];
      constant += 0.5L * q * s[k] * s[l];
      slope -= q * s[l];
      sum += std::fabs(0.5L * q * s[k] * s[l]);
      if (l >= k) products.push_back((double) q);
    }
    sum += std::fabs(slope * s[k]);
    linear.push_back((double) slope);
  }
  rounding = std::max(rounding, DBL_EPSILON * (double) (sum + std::fabs(constant)));
  Rows all = {(double) constant};
  all.insert(all.end(), linear.begin(), linear.end());
  if (p.kind == NetworkKind::quadratic) all.insert(all.end(), products.begin(), products.end());
  return all;
}

std::string polynomial_text(const Model &model, std::vector<std::string> &notes)
{
  std::string values;
  double rounding = 0.0;
  std::size_t n = 0;
  for (int e = 0; e < model.network.n_elements; e++) {
    const Rows all = plain_coefficients(model.network, e, rounding);
    append(values, all.data(), n = all.size(), 1);
  }
  if (rounding > LOST) {
    char text[160];
    std::snprintf(text, sizeof text,
                  "the coefficients for pair_style mliap cancel to about %.0e in an atom's energy, "
                  "since they are of descriptors without shift and scale", rounding);
    notes.push_back(text);
  }
  return head(model, n) + values;
}

/// Of a network; other activations LAMMPS would take for linear without a word.
std::string wrong_activation(const NetworkParameters &p)
{
  for (const Activation a : p.activations)
    if (a != Activation::linear && a != Activation::tanh && a != Activation::sigmoid &&
        a != Activation::relu)
      return std::string("its networks have the activations linear, tanh, sigmoid and relu, not ") +
          to_string(a);
  return "";
}

std::string long_line(const std::string &text)
{
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (line.size() > MAX_LINE)
      return "it reads lines of up to " + std::to_string(MAX_LINE) +
          " characters, and the one of '" + line.substr(0, line.find(' ')) + "' has " +
          std::to_string(line.size());
  return "";
}

}    // namespace

std::string lammps_number(double value)
{
  if (std::fabs(value) < DBL_MIN) value = 0.0;    // LAMMPS refuses numbers that underflow
  char text[40];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

MliapExport mliap_export(const Model &model)
{
  MliapExport result;
  const NetworkParameters &p = model.network;
  const bool network = p.kind == NetworkKind::mlp;
  result.obstacle = wrong_activation(p);
  if (!result.obstacle.empty()) return result;
  result.style = network ? "nn" : p.kind == NetworkKind::linear ? "linear" : "quadratic";
  result.descriptor = mliap_descriptor_text(model.descriptor);
  result.model = network ? network_text(model) : polynomial_text(model, result.notes);
  result.obstacle = long_line(result.model + result.descriptor);
  if (model.descriptor.chemflag && model.elements.size() > 1)
    result.notes.push_back("with chemflag 1 the forces of pair_style mliap are not the derivative "
                           "of its energy; those of pair_style torchpot are");
  return result;
}

std::string mliap_include_text(const Model &model, const MliapExport &exported,
                               const MliapNames &names)
{
  std::string text = "# written by torchpot for LAMMPS without torchpot; units " + model.units +
      ", newton on\n";
  for (const std::string &note : exported.notes) text += "# " + note + "\n";
  const bool hybrid = !model.reference.empty();
  const std::string style = "mliap model " + exported.style + " " + names.model +
      " descriptor sna " + names.descriptor + "\n";
  text += (hybrid ? model.reference[0] + " " : "pair_style ") + style;
  for (std::size_t i = 1; i < model.reference.size(); i++) text += model.reference[i] + "\n";
  text += std::string("pair_coeff * *") + (hybrid ? " mliap" : "");
  for (const std::string &element : model.elements) text += " " + element;
  return text + "\n";
}

}    // namespace torchpot
