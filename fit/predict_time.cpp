// What a fit will take, from a part of the data.
#include "predict_time.h"

#include "descriptors.h"
#include "initialize.h"
#include "linear_fit.h"
#include "progress.h"
#include "trainer.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace torchpot {

namespace {

// work that takes some tenths of a second
constexpr double PART_BLOCKS = 60000.0, PART_ATOMS = 5000.0;
// evaluations of the loss with its gradient that a step of an optimizer is worth
constexpr double LBFGS_EVALUATIONS = 1.1, LEVENBERG_EVALUATIONS = 25.0;

double seconds_of(const std::function<void()> &work)
{
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// What the work is in proportion to, roughly: pairs and atoms.
double weight(const Configuration &c)
{
  const double blocks = c.expected_blocks == Configuration::NOT_COUNTED
      ? 0.0
      : (double) c.expected_blocks;
  return blocks / PART_BLOCKS + c.n_atoms() / PART_ATOMS;
}

/// Configurations at even distances, without descriptors, all for training.
Dataset part_of(const Dataset &data, double total)
{
  Dataset part;
  part.elements = data.elements;
  part.units = data.units;
  part.descriptor = data.descriptor;
  part.n_descriptors = data.n_descriptors;
  const double share = std::min(1.0, 1.0 / total);
  double due = 1.0;
  for (const Configuration &c : data.configurations) {
    due += share;
    if (due < 1.0) continue;
    due -= 1.0;
    part.configurations.push_back(c);
    Configuration &copy = part.configurations.back();
    copy.test = false;
    if (!copy.has_energy && !copy.has_forces) {    // something to be evaluated
      copy.has_energy = true;
      copy.energy = 0.0;
    }
  }
  return part;
}

double epoch_seconds(const SampleSet &samples, const Settings &s)
{
  const TrainingOptions options = training_options(s);
  const NetworkShape shape = network_shape(s);
  NetworkParameters network =
      linear_start(NetworkKind::linear, shape.element_mode, samples.n_elements,
                   samples.n_descriptors, samples.training);
  network.kind = NetworkKind::mlp;
  network.element_mode = shape.element_mode;
  network.layer_sizes = shape.layer_sizes;
  network.activations = shape.activations;
  random_weights(network, 0);
  BatchLoss loss(network, options.loss, options.precision);
  std::vector<double> gradient(loss.n_parameters());
  const std::size_t n = samples.training.size();
  const std::size_t size =
      options.optimizer == OptimizerKind::adam ? (std::size_t) options.batch_size : n;
  const auto epoch = [&] {
    for (std::size_t first = 0; first < n; first += size)
      loss.evaluate(std::min(size, n - first), &samples.training[first], gradient.data());
  };
  epoch();    // makes room
  double seconds = seconds_of(epoch);
  // others may disturb
  for (int k = 0; k < 2; k++) seconds = std::min(seconds, seconds_of(epoch));
  return seconds *
      (options.optimizer == OptimizerKind::levenberg   ? LEVENBERG_EVALUATIONS
           : options.optimizer == OptimizerKind::lbfgs ? LBFGS_EVALUATIONS
                                                       : 1.0);
}

}    // namespace

TimePrediction predict_time(const Dataset &data, const Settings &s, int n_threads,
                            const std::function<void()> &between)
{
  double total = 0.0, part_total = 0.0;
  for (const Configuration &c : data.configurations) total += weight(c);
  Dataset part = part_of(data, total);
  const std::unique_ptr<Descriptor> descriptor = make_snap(data.descriptor);
  const double seconds = seconds_of([&] {
    for (Configuration &c : part.configurations) {
      if (between) between();
      compute_descriptors(c, *descriptor, c.has_forces, c.has_stress);
    }
  });
  for (const Configuration &c : part.configurations) part_total += weight(c);
  TimePrediction p;
  const bool come_with_the_data = s.data_path.empty();
  if (!come_with_the_data) p.descriptors = seconds * total / part_total / n_threads;
  if (s.torchpot.network != NetworkKind::mlp) return p;
  const SampleSet samples(part, s.calculator.energy, s.calculator.force, s.fits_stress());
  p.n_epochs = s.pytorch.num_epochs;
  p.epoch = epoch_seconds(samples, s) * total / part_total;
  return p;
}

std::string time_text(const TimePrediction &p, const Settings &s)
{
  std::string text = "predicted time on the CPU: descriptors " + duration_text(p.descriptors);
  if (p.n_epochs == 0) return text;
  char epochs[80];
  std::snprintf(epochs, sizeof epochs, "%d %s of %.3g s)", p.n_epochs,
                s.torchpot.optimizer == OptimizerKind::adam ? "epochs" : "steps", p.epoch);
  const int n_networks = s.torchpot.committee;
  return text + ", training " + duration_text(p.epoch * p.n_epochs * n_networks) + " (" +
      (n_networks > 1 ? std::to_string(n_networks) + " networks, " : "") + epochs;
}

}    // namespace torchpot
