// What the input file says of training and of the network.
#include "trainer.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace torchpot {

namespace {

// measured on Ta, InP, and the Si and Ni sets of Zuo et al. 2020: see doc/torchpot_fit.md
constexpr std::size_t LEVENBERG_PARAMETERS = 3000;
constexpr int LEVENBERG_EPOCHS = 150, LBFGS_EPOCHS = 2000;
constexpr std::size_t ADAM_STEPS = 200000;
constexpr std::size_t MIN_EPOCHS = 50, MAX_EPOCHS = 5000;
constexpr double LEARNING_RATE = 2e-3, AVERAGE = 0.99;

std::size_t count_parameters(const Settings &s, int n_elements)
{
  std::size_t n_in = s.bispectrum.snap.n_descriptors(), n = 0;
  if (s.element_mode() == ElementMode::one_hot) n_in += n_elements;
  for (const int n_out : s.pytorch.layer_sizes) {
    n += (n_in + 1) * n_out;
    n_in = n_out;
  }
  return s.element_mode() == ElementMode::per_element ? n * n_elements : n;
}

}    // namespace

void plan_training(Settings &s, std::size_t n_training)
{
  PytorchSettings &p = s.pytorch;
  TorchpotSettings &t = s.torchpot;
  const bool open = std::isnan(p.learning_rate);
  if (!t.has_optimizer && open && !p.has_batch_size &&
      count_parameters(s, (int) s.bispectrum.snap.elements.size()) <= LEVENBERG_PARAMETERS)
    t.optimizer = OptimizerKind::levenberg;
  if (!t.has_schedule && open) t.schedule.kind = ScheduleKind::cosine;
  if (open) p.learning_rate = LEARNING_RATE;
  const bool adam = t.optimizer == OptimizerKind::adam;
  if (std::isnan(t.average)) t.average = adam ? AVERAGE : 0.0;
  if (p.num_epochs >= 0) return;
  const std::size_t n_batches = (n_training + p.batch_size - 1) / p.batch_size;
  p.num_epochs = t.optimizer == OptimizerKind::levenberg ? LEVENBERG_EPOCHS
      : t.optimizer == OptimizerKind::lbfgs              ? LBFGS_EPOCHS
      : (int) std::clamp(ADAM_STEPS / std::max<std::size_t>(1, n_batches), MIN_EPOCHS, MAX_EPOCHS);
}

double training_work(const Settings &s, std::size_t n_training, std::size_t n_atoms)
{
  const bool all = s.torchpot.optimizer != OptimizerKind::adam;
  const double n = (double) n_training, batch = all ? n : std::min<double>(n, s.pytorch.batch_size);
  return (double) count_parameters(s, (int) s.bispectrum.snap.elements.size()) * batch *
      (double) n_atoms / std::max(n, 1.0);
}

namespace {

std::string device_text(Device device)
{
  const std::string rounding = "; results are the same from run to run and on other numbers of "
                               "ranks only to rounding";
  switch (device) {
    case Device::cpu: return ", on the CPU";
    case Device::torch: return ", by libtorch on the CPU" + rounding;
    case Device::cuda: return ", by libtorch on a GPU" + rounding;
    default: return "";
  }
}

}    // namespace

std::string training_text(const Settings &s)
{
  const TorchpotSettings &t = s.torchpot;
  char text[200];
  if (t.optimizer != OptimizerKind::adam) {
    std::snprintf(text, sizeof text, "%s, %d steps on all training data", to_string(t.optimizer),
                  s.pytorch.num_epochs);
    return text + device_text(t.device);
  }
  std::snprintf(text, sizeof text, "adam, learning rate %g (%s), batches of %d, %d epochs",
                s.pytorch.learning_rate, to_string(t.schedule.kind), s.pytorch.batch_size,
                s.pytorch.num_epochs);
  return text + device_text(t.device);
}

TrainingOptions training_options(const Settings &settings)
{
  TrainingOptions options;
  options.loss.form =
      settings.torchpot.documented_loss ? LossForm::documented : LossForm::fitsnap;
  options.loss.energy_weight = settings.pytorch.energy_weight;
  options.loss.force_weight = settings.pytorch.force_weight;
  options.loss.stress_weight = settings.fits_stress() ? settings.torchpot.stress_weight : 0.0;
  const TorchpotSettings &t = settings.torchpot;
  options.optimizer = t.optimizer;
  options.schedule = t.schedule;
  options.weight_decay = t.weight_decay;
  options.clip = t.clip;
  options.average = t.average;
  options.early_stop = t.early_stop;
  options.learning_rate = settings.pytorch.learning_rate;
  options.num_epochs = settings.pytorch.num_epochs;
  options.batch_size = settings.pytorch.batch_size;
  options.shuffle = settings.pytorch.shuffle;
  options.seed = settings.torchpot.seed;
  // parameters, sums and the optimizer are double in any case; the errors that training ends with
  // are the same, and a step takes two thirds of the time
  const bool adam = t.optimizer == OptimizerKind::adam;
  const bool single = settings.pytorch.dtype < 0 ? adam
                                                 : settings.pytorch.dtype == 1 &&
          t.optimizer != OptimizerKind::levenberg;    // which takes quotients of differences
  options.precision = single ? Precision::float32 : Precision::float64;
  options.device = t.device;
  options.threads = std::max(1, t.threads);
  options.checkpoint = settings.torchpot.checkpoint;
  options.checkpoint_every = settings.torchpot.checkpoint_every;
  return options;
}

NetworkShape network_shape(const Settings &settings)
{
  NetworkShape shape;
  shape.element_mode = settings.element_mode();
  shape.layer_sizes = settings.pytorch.layer_sizes;
  shape.activations.assign(shape.layer_sizes.size(), settings.torchpot.activation);
  if (!shape.activations.empty()) shape.activations.back() = Activation::linear;
  return shape;
}

}    // namespace torchpot
