// Trains a network on the energies and forces of a data set.
#include "trainer.h"

#include "hash.h"
#include "torchpot_error.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>

namespace torchpot {

namespace {

using Clock = std::chrono::steady_clock;

double since(Clock::time_point start)
{
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string number(double x)
{
  char text[32];
  std::snprintf(text, sizeof(text), "%.17g", x);
  return text;
}

/// Hash of all that training reads but the derivatives, which follow from the rest.
std::string data_hash(const std::vector<const Sample *> &samples, std::size_t n_descriptors)
{
  ContentHash sha;
  for (const Sample *s : samples) {
    const std::size_t n = s->n_atoms;
    sha.add(&s->n_atoms, sizeof(int));
    sha.add(s->element, n * sizeof(int));
    sha.add(s->descriptor, n * n_descriptors * sizeof(double));
    sha.add(s->row, s->n_blocks * sizeof(int));
    sha.add(s->column, s->n_blocks * sizeof(int));
    sha.add(&s->energy, sizeof(double));
    if (s->has_forces()) sha.add(s->force, 3 * n * sizeof(double));
    sha.add(&s->energy_weight, sizeof(double));
    sha.add(&s->force_weight, sizeof(double));
  }
  return sha.digest();
}

std::string network_hash(const NetworkParameters &network)
{
  ContentHash sha;
  for (const std::vector<double> *values : {&network.parameters, &network.input_shift,
                                            &network.input_scale, &network.energy_shift})
    sha.add(values->data(), values->size() * sizeof(double));
  sha.add(&network.output_scale, sizeof(double));
  return sha.digest();
}

const char *to_string(ElementMode mode)
{
  switch (mode) {
    case ElementMode::per_element: return "per_element";
    case ElementMode::one_hot: return "one_hot";
    default: return "shared";
  }
}

Identity make_identity(const TrainingOptions &options, const NetworkShape &shape,
                       const SampleSet &samples)
{
  std::string layers;
  for (std::size_t l = 0; l < shape.layer_sizes.size(); l++)
    layers += (l ? " " : "") + std::to_string(shape.layer_sizes[l]) + " " +
        to_string(shape.activations[l]);
  const LossSettings &loss = options.loss;
  Identity lines = {
      "descriptors = " + std::to_string(samples.n_descriptors),
      "elements = " + std::to_string(samples.n_elements),
      std::string("networks = ") + to_string(shape.element_mode),
      "layers = " + layers,
      std::string("loss = ") + to_string(loss.form),
      "energy_weight = " + number(loss.energy_weight),
      "force_weight = " + number(loss.force_weight),
      "learning_rate = " + number(options.learning_rate),
      "batch_size = " + std::to_string(options.batch_size),
      std::string("shuffle = ") + (options.shuffle ? "yes" : "no"),
      "seed = " + std::to_string(options.seed),
      std::string("precision = ") +
          (options.precision == Precision::float32 ? "float32" : "float64"),
      "training configurations = " + std::to_string(samples.training.size()),
      "validation configurations = " + std::to_string(samples.validation.size()),
      "training data = " + data_hash(samples.training, samples.n_descriptors),
      "validation data = " + data_hash(samples.validation, samples.n_descriptors),
  };
  if (options.initial) lines.push_back("save_state_input = " + network_hash(*options.initial));
  return lines;
}

void check(const TrainingOptions &options, const NetworkShape &shape)
{
  if (!(options.learning_rate > 0.0) || !std::isfinite(options.learning_rate))
    throw Error("learning_rate cannot be used", "[PYTORCH]", number(options.learning_rate),
                "a positive number");
  if (options.batch_size < 1)
    throw Error("batch_size cannot be used", "[PYTORCH]", std::to_string(options.batch_size),
                "1 or more");
  if (options.num_epochs < 0)
    throw Error("num_epochs cannot be used", "[PYTORCH]", std::to_string(options.num_epochs),
                "0 or more");
  if (shape.activations.size() != shape.layer_sizes.size())
    throw Error("wrong number of activations", "network",
                std::to_string(shape.activations.size()),
                std::to_string(shape.layer_sizes.size()) + ", one per layer");
}

}    // namespace

Trainer::Trainer(const TrainingOptions &options, const NetworkShape &shape,
                 const SampleSet &samples) :
    options(options), shape(shape), samples(samples)
{
  check(options, shape);
  if (samples.training.empty())
    throw Error("there is nothing to train on", "data", "no training configuration with a label",
                "at least one", "Check [GROUPS], and energy and force in [CALCULATOR]");
  lines = make_identity(options, shape, samples);
  const std::size_t size = options.batch_size, n = samples.training.size();
  n_batches = (n + size - 1) / size;
  order.resize(n);
  batch_samples.resize(std::min(size, n));

  // the mean over the batches is one weighted sum over all validation configurations
  const std::size_t m = samples.validation.size();
  validation_factors.resize(m);
  const double share = m ? 1.0 / (double) ((m + size - 1) / size) : 0.0;
  for (std::size_t first = 0; first < m; first += size)
    loss_factors(options.loss, std::min(size, m - first), &samples.validation[first],
                 &validation_factors[first]);
  for (LossFactors &factors : validation_factors) {
    factors.energy *= share;
    factors.force *= share;
  }
}

std::string Trainer::prepare()
{
  std::string message;
  LoadedCheckpoint loaded;
  if (!options.checkpoint.empty()) {
    if (options.overwrite)
      remove_checkpoint(options.checkpoint);
    else
      loaded = read_checkpoint(options.checkpoint, lines);
  }
  if (loaded.found) {
    state = std::move(loaded.state);
    message = loaded.warning.empty() ? "" : loaded.warning + "\n";
    message += "continuing from " + options.checkpoint + " after epoch " +
        std::to_string(state.epoch);
    if (state.batch) message += " and " + std::to_string(state.batch) + " batches";
  } else if (options.initial) {
    state.network = *options.initial;
  } else {
    state.network = initial_network(shape, samples.n_elements, samples.n_descriptors,
                                    samples.training, options.loss, options.seed);
  }
  const std::size_t n = state.network.parameters.size();
  AdamSettings settings;
  settings.learning_rate = options.learning_rate;
  adam = std::make_unique<Adam>(settings, n);
  if (loaded.found) {
    adam->n_steps = state.adam_steps;
    adam->mean = state.adam_mean;
    adam->square = state.adam_square;
  }
  gradient.resize(n);
  loss = std::make_unique<BatchLoss>(state.network, options.loss, options.precision);
  loss->set_parameters(state.network.parameters.data());
  state.history.reserve(std::max<std::size_t>(options.num_epochs, state.history.size()));
  prepared = true;
  return message;
}

// The order of an epoch is drawn from its own stream: it does not depend on what came before.
void Trainer::start_batches()
{
  for (std::size_t m = 0; m < order.size(); m++) order[m] = m;
  if (options.shuffle) Random(options.seed, state.epoch + 1).shuffle(order);
}

double Trainer::train_batch(std::size_t batch)
{
  const std::size_t size = options.batch_size, first = batch * size;
  const std::size_t n = std::min(size, order.size() - first);
  for (std::size_t m = 0; m < n; m++) batch_samples[m] = samples.training[order[first + m]];
  const double value = loss->evaluate(n, batch_samples.data(), gradient.data());
  if (!std::isfinite(value))
    throw Error("the loss is no longer a finite number",
                "training, epoch " + std::to_string(state.epoch + 1), std::to_string(value), "",
                "Lower learning_rate, and look for outliers among the training data");
  adam->step(gradient.data(), state.network.parameters.data());
  loss->set_parameters(state.network.parameters.data());
  return value;
}

TrainingStatus Trainer::run(Progress &progress, const std::function<bool()> &stop)
{
  if (!prepared) prepare();
  if (state.epoch >= options.num_epochs) return TrainingStatus::finished;
  progress.start(state.epoch + 1, options.num_epochs);
  Clock::time_point saved = Clock::now();
  int unsaved = 0;
  TrainingStatus status = TrainingStatus::finished;
  while (state.epoch < options.num_epochs && status == TrainingStatus::finished) {
    const Clock::time_point start = Clock::now();
    start_batches();
    while (state.batch < n_batches && status == TrainingStatus::finished) {
      state.loss_sum += train_batch(state.batch);
      state.batch++;
      progress.batch(state.epoch + 1, state.batch, n_batches);
      if (stop()) status = TrainingStatus::interrupted;
    }
    if (status == TrainingStatus::interrupted) break;
    progress.epoch(finish_epoch(since(start)));
    unsaved++;
    if (unsaved >= options.checkpoint_every && since(saved) >= 1.0) {
      save();
      saved = Clock::now();
      unsaved = 0;
    }
  }
  progress.finish();
  try {
    save();
  } catch (const Error &error) {
    if (status == TrainingStatus::interrupted) throw;
    unsaved_reason = error.what();    // the model is finished all the same
  }
  return status;
}

EpochRecord Trainer::finish_epoch(double seconds)
{
  const Clock::time_point start = Clock::now();
  EpochRecord record;
  record.epoch = state.epoch + 1;
  record.training_loss = state.loss_sum / (double) n_batches;
  validate(record);
  const bool held_out = !samples.validation.empty();
  const double score = held_out ? record.validation_loss : record.training_loss;
  record.best = std::isfinite(score) && (state.best.empty() || score < state.best_score);
  if (record.best) {
    state.best = state.network.parameters;
    state.best_score = score;
    state.best_epoch = record.epoch;
  }
  state.epoch++;
  state.batch = 0;
  state.loss_sum = 0.0;
  record.seconds = seconds + since(start);
  state.history.push_back(record);
  return record;
}

void Trainer::validate(EpochRecord &record)
{
  ErrorSums sums;
  record.validation_loss = std::numeric_limits<double>::quiet_NaN();
  if (!samples.validation.empty())
    record.validation_loss =
        loss->evaluate(samples.validation.size(), samples.validation.data(),
                       validation_factors.data(), nullptr, &sums);
  record.energy_mae = sums.energy_mae();
  record.force_mae = sums.force_mae();
}

void Trainer::save()
{
  if (options.checkpoint.empty()) return;
  state.adam_steps = adam->n_steps;
  state.adam_mean = adam->mean;
  state.adam_square = adam->square;
  write_checkpoint(options.checkpoint, lines, state);
}

NetworkParameters Trainer::best() const
{
  NetworkParameters network = state.network;
  if (!state.best.empty()) network.parameters = state.best;
  return network;
}

}    // namespace torchpot
