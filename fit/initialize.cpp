// The network that training starts from: scaling of inputs and outputs, first weights.
#include "initialize.h"

#include "adam.h"
#include "linear_fit.h"

#include <algorithm>
#include <cmath>

namespace torchpot {

namespace {

// Share of the random neurons in the first energies: small beside the linear fit, not zero, since
// then no gradient would reach their inputs.
constexpr double REST = 0.1;
// Of the natural scale of the output. Adam's steps move the energies in proportion to it: larger
// shares learn faster and end noisier. From 1/6 to 1 the errors after 200 epochs at learning rates
// of 5e-5 hardly differ.
constexpr double SHARE = 1.0 / 3.0;
// Configurations from which the natural scale of the output is taken.
constexpr std::size_t ENOUGH = 200;

/// c in phi(z) - phi(-z) = c z + O(z^3)
double odd_slope(Activation activation)
{
  switch (activation) {
    case Activation::linear:
    case Activation::tanh: return 2.0;
    case Activation::sigmoid: return 0.5;
    default: return 1.0;    // relu, softplus, silu, gelu: z itself, without higher terms
  }
}

/// Factor that brings an argument of this root mean square to where the activation is linear.
double narrowing(Activation activation, double rms)
{
  const double wanted = activation == Activation::tanh ? 0.2 : 0.4;
  const bool curved = activation == Activation::tanh || activation == Activation::sigmoid;
  return curved && rms > wanted ? wanted / rms : 1.0;
}

void embed_set(NetworkParameters &network, const double *linear, double spread, double rest,
               double *weights)
{
  const int n = network.n_descriptors, n_layers = (int) network.layer_sizes.size();
  double norm = 0.0;
  for (int k = 0; k < n; k++) norm += linear[k] * linear[k];
  norm = std::sqrt(norm) / network.output_scale;
  const double gain = norm > 0.0 ? std::pow(norm, 1.0 / n_layers) : 1.0;
  // root mean square of the value that the layer carries, and 1 / slope of the layer before
  double rms = norm > 0.0 ? spread / network.output_scale / norm : 0.0, unit = 1.0;
  int n_in = network.n_inputs();
  for (int l = 0; l < n_layers; l++) {
    const bool first = l == 0, last = l == n_layers - 1;
    const int n_out = network.layer_sizes[l];
    double *bias = weights + (std::size_t) n_out * n_in;
    rms *= gain;
    const double narrow = last ? 1.0 : narrowing(network.activations[l], rms);
    if (last) {
      for (int k = 0; k < n_in; k++) weights[k] *= rest;
      bias[0] *= rest;
    }
    for (int q = 0; q < (last ? 1 : 2); q++) {
      double *row = weights + (std::size_t) q * n_in;
      const double factor = (q == 0 ? 1.0 : -1.0) * gain * narrow;
      if (!last) {
        std::fill_n(row, n_in, 0.0);
        bias[q] = 0.0;
      }
      if (first) {
        for (int k = 0; k < n && norm > 0.0; k++)
          row[k] = factor * linear[k] / (network.output_scale * norm);
      } else {
        row[0] = factor * unit;
        row[1] = -factor * unit;
      }
    }
    if (!last) unit = 1.0 / (odd_slope(network.activations[l]) * narrow);
    weights = bias + n_out;
    n_in = n_out;
  }
}

/// Root mean square over the atoms of each set of w . x.
std::vector<double> linear_spread(const NetworkParameters &linear,
                                  const std::vector<const Sample *> &samples)
{
  const std::size_t n = linear.n_descriptors;
  std::vector<double> squares(linear.n_sets(), 0.0), count(linear.n_sets(), 0.0);
  for (const Sample *sample : samples)
    for (int i = 0; i < sample->n_atoms; i++) {
      const std::size_t set = linear.n_sets() > 1 ? sample->element[i] : 0;
      double energy = 0.0;
      for (std::size_t k = 0; k < n; k++)
        energy += linear.parameters[set * n + k] *
            (sample->descriptor[i * n + k] - linear.input_shift[set * n + k]) /
            linear.input_scale[set * n + k];
      squares[set] += energy * energy;
      count[set] += 1.0;
    }
  for (std::size_t s = 0; s < squares.size(); s++)
    squares[s] = std::sqrt(squares[s] / std::max(count[s], 1.0));
  return squares;
}

/// Mean squares of labels and of the network's predictions; the energies per atom and relative to
/// the energy shifts.
struct Spread {
  double label = 0.0, predicted = 0.0;
  void add(double a, double b)
  {
    label += a * a;
    predicted += b * b;
  }
  double ratio() const { return predicted > 0.0 ? std::sqrt(label / predicted) : 0.0; }
};

/// Factor that gives the network's forces the spread of the training forces, or its energies that
/// of the energies where there are no forces, or of the virials where there is nothing else, times
/// SHARE. A part of the data is enough.
double natural_scale(const NetworkParameters &network, const std::vector<const Sample *> &training)
{
  BatchLoss evaluator(network, LossSettings(), Precision::float64);
  Spread forces, energies, virials;
  std::vector<double> force;
  const std::size_t step = std::max<std::size_t>(1, training.size() / ENOUGH);
  for (std::size_t m = 0; m < training.size(); m += step) {
    const Sample &sample = *training[m];
    force.resize(3 * sample.n_atoms);
    double shift = 0.0, virial[6];
    const double energy = evaluator.predict(sample, force.data(), virial);
    for (int i = 0; i < sample.n_atoms; i++) shift += network.energy_shift[sample.element[i]];
    if (sample.has_energy())
      energies.add((sample.energy - shift) / sample.n_atoms, (energy - shift) / sample.n_atoms);
    if (sample.has_forces())
      for (std::size_t k = 0; k < force.size(); k++) forces.add(sample.force[k], force[k]);
    for (int v = 0; v < 6 && sample.has_virial(); v++) virials.add(sample.virial[v], virial[v]);
  }
  const double scale = forces.ratio() > 0.0 ? forces.ratio()
      : energies.ratio() > 0.0              ? energies.ratio()
                                            : virials.ratio();
  return scale > 0.0 ? SHARE * scale : 1.0;
}

}    // namespace

void random_weights(NetworkParameters &network, std::uint64_t seed)
{
  Random random(seed, 0);
  network.parameters.resize((std::size_t) network.n_sets() * network.n_parameters());
  double *p = network.parameters.data();
  for (int set = 0; set < network.n_sets(); set++) {
    int n_in = network.n_inputs();
    for (int n_out : network.layer_sizes) {
      const double bound = 1.0 / std::sqrt((double) n_in);
      for (int k = 0; k < n_out * (n_in + 1); k++) *p++ = bound * (2.0 * random.uniform() - 1.0);
      n_in = n_out;
    }
  }
}

bool embed_linear(NetworkParameters &network, const NetworkParameters &linear,
                  const std::vector<double> &spread, double rest)
{
  for (std::size_t l = 0; l + 1 < network.layer_sizes.size(); l++)
    if (network.layer_sizes[l] < 2) return false;
  for (int set = 0; set < network.n_sets(); set++)
    embed_set(network, &linear.parameters[(std::size_t) set * network.n_descriptors], spread[set],
              rest, &network.parameters[(std::size_t) set * network.n_parameters()]);
  network.energy_shift = linear.energy_shift;
  return true;
}

void correct_energy_shift(NetworkParameters &network, const std::vector<const Sample *> &samples)
{
  BatchLoss evaluator(network, LossSettings(), Precision::float64);
  std::vector<Sample> errors;
  std::vector<double> force;
  for (const Sample *sample : samples) {
    if (!sample->has_energy()) continue;
    force.resize(3 * sample->n_atoms);
    errors.push_back(*sample);
    errors.back().energy -= evaluator.predict(*sample, force.data());
  }
  if (errors.empty()) return;
  std::vector<const Sample *> pointers;
  for (const Sample &sample : errors) pointers.push_back(&sample);
  const std::vector<double> shift = composition_energies(pointers, network.n_elements);
  for (int e = 0; e < network.n_elements; e++) network.energy_shift[e] += shift[e];
}

NetworkParameters initial_network(const NetworkShape &shape, int n_elements, int n_descriptors,
                                  const std::vector<const Sample *> &training,
                                  const LossSettings &loss, std::uint64_t seed)
{
  NetworkParameters linear = linear_start(NetworkKind::linear, shape.element_mode, n_elements,
                                          n_descriptors, training);
  NetworkParameters network = linear;
  network.kind = NetworkKind::mlp;
  network.element_mode = shape.element_mode;
  network.layer_sizes = shape.layer_sizes;
  network.activations = shape.activations;
  random_weights(network, seed);
  network.validate("[PYTORCH] layer_sizes");
  if (is_linear_fit_possible(linear)) linear = linear_fit(linear, training, loss);
  network.output_scale = natural_scale(network, training);
  embed_linear(network, linear, linear_spread(linear, training), REST);
  correct_energy_shift(network, training);
  return network;
}

}    // namespace torchpot
