// Trains a network on the energies, forces and stresses of a data set.
#include "trainer.h"

#include "device.h"
#include "hash.h"
#include "torch_loss.h"
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
    if (s->has_virial()) sha.add(s->virial, 6 * sizeof(double));
    if (s->has_virial()) sha.add(&s->stress_weight, sizeof(double));
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

/// What the learning rates of all epochs depend on. A constant rate lets a fit be prolonged.
std::string schedule_text(const TrainingOptions &options)
{
  const ScheduleSettings &s = options.schedule;
  std::string text =
      std::string("schedule = ") + to_string(s.kind) + ", warmup " + number(s.warmup);
  if (s.kind != ScheduleKind::constant) text += ", final " + number(s.final_factor);
  if (s.kind == ScheduleKind::cosine || s.kind == ScheduleKind::exponential)
    text += ", num_epochs " + std::to_string(options.num_epochs);
  if (s.kind == ScheduleKind::plateau)
    text += ", decay " + number(s.decay_factor) + ", patience " + std::to_string(s.patience);
  return text;
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
      "stress_weight = " + (std::isnan(loss.stress_weight) ? "group"
                            : loss.stress_weight == 0.0    ? "none"
                                                           : number(loss.stress_weight)),
      std::string("optimizer = ") + to_string(options.optimizer),
      "learning_rate = " + number(options.learning_rate),
      schedule_text(options),
      "weight_decay = " + number(options.weight_decay),
      "clip = " + number(options.clip),
      "average = " + number(options.average),
      "batch_size = " + std::to_string(options.batch_size),
      std::string("shuffle = ") + (options.shuffle ? "yes" : "no"),
      "seed = " + std::to_string(options.seed),
      std::string("precision = ") +
          (options.precision == Precision::float32 ? "float32" : "float64"),
      std::string("derivatives = ") + (samples.single ? "float32" : "float64"),
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

/// All ranks have the same loss.
void require_finite(double loss, int epoch)
{
  if (!std::isfinite(loss))
    throw CommonError("the loss is no longer a finite number",
                "training, epoch " + std::to_string(epoch), std::to_string(loss), "",
                "Lower learning_rate, and look for outliers among the training data");
}

void clip_norm(std::vector<double> &gradient, double largest)
{
  double square = 0.0;
  for (double x : gradient) square += x * x;
  if (square <= largest * largest) return;
  const double factor = largest / std::sqrt(square);
  for (double &x : gradient) x *= factor;
}

/// The device may be another one than that of the checkpoint: results agree but for rounding.
std::unique_ptr<Loss> make_loss(const TrainingOptions &options, const NetworkParameters &network,
                                const SampleSet &samples, Ranks &ranks)
{
  if (options.device == Device::cpu)
    return std::make_unique<BatchLoss>(network, options.loss, options.precision, ranks);
  TorchPlace place;
  place.threads = options.threads;
  if (options.device == Device::cuda) place.gpu = gpu_of_rank(ranks);
  return make_torch_loss(network, options.loss, options.precision, samples, place, ranks);
}

}    // namespace

Trainer::~Trainer() = default;

Trainer::Trainer(const TrainingOptions &options, const NetworkShape &shape,
                 const SampleSet &samples, Ranks &ranks) :
    options(options), shape(shape), samples(samples), ranks(ranks)
{
  check(options, shape);
  if (samples.training.empty())
    throw Error("there is nothing to train on", "data", "no training configuration with a label",
                "at least one", "Check [GROUPS], and energy and force in [CALCULATOR]");
  lines = make_identity(options, shape, samples);
  const std::size_t size = options.batch_size, n = samples.training.size();
  n_batches = options.optimizer == OptimizerKind::adam ? (n + size - 1) / size : 1;
  order.resize(n);
  batch_samples.resize(std::min(size, n));

  // the mean over the batches is one weighted sum over all validation configurations
  const std::size_t m = samples.validation.size();
  validation_factors.resize(m);
  const double share = m ? 1.0 / (double) ((m + size - 1) / size) : 0.0;
  for (std::size_t first = 0; first < m; first += size)
    loss_factors(options.loss, std::min(size, m - first), &samples.validation[first],
                 &validation_factors[first]);
  for (LossFactors &factors : validation_factors) factors.scale(share);
}

// The state is the checkpoint's or a new one, with no epochs done.
std::string Trainer::load_or_initialize()
{
  std::string message;
  LoadedCheckpoint loaded;
  if (!options.checkpoint.empty()) {
    if (options.restart)
      remove_checkpoint(options.checkpoint);
    else
      loaded = read_checkpoint(options.checkpoint, lines);
  }
  // a fit that is complete is prolonged or done again
  if (loaded.found && loaded.state.complete &&
      loaded.state.epoch >= options.num_epochs + options.keep_complete)
    loaded = LoadedCheckpoint();
  if (loaded.found) {
    state = std::move(loaded.state);
    state.complete = false;
    message = loaded.warning.empty() ? "" : loaded.warning + "\n";
    message += "continuing from " + options.checkpoint + " after epoch " +
        std::to_string(state.epoch);
    if (state.epoch > options.num_epochs)
      message += ", which is beyond num_epochs = " + std::to_string(options.num_epochs);
    if (state.batch) message += " and " + std::to_string(state.batch) + " batches";
  } else if (options.initial) {
    state.network = *options.initial;
  } else {
    state.network = initial_network(shape, samples.n_elements, samples.n_descriptors,
                                    samples.training, options.loss, options.seed);
  }
  return message;
}

std::string Trainer::prepare()
{
  std::string message;
  ranks.together([&] {
    if (ranks.is_first()) message = load_or_initialize();
  });
  if (ranks.size() > 1) {
    std::string bytes = ranks.is_first() ? state_bytes(state) : "";
    ranks.broadcast(bytes);
    if (!ranks.is_first()) state = state_from(bytes);
  }
  const std::size_t n = state.network.parameters.size();
  AdamSettings settings;
  settings.weight_decay = options.weight_decay;
  adam = std::make_unique<Adam>(settings, n);
  if (!state.optimizer.arrays.empty() && options.optimizer == OptimizerKind::adam) {
    adam->n_steps = state.optimizer.n_steps;
    adam->mean = state.optimizer.arrays.at(0);
    adam->square = state.optimizer.arrays.at(1);
  }
  if (options.average > 0.0 && state.average.empty()) state.average = state.network.parameters;
  gradient.resize(n);
  ranks.together([&] { loss = make_loss(options, state.network, samples, ranks); });
  loss->set_parameters(state.network.parameters.data());
  if (options.optimizer != OptimizerKind::adam)
    objective = std::make_unique<AllTraining>(*loss, options.loss, samples.training);
  if (state.epoch == 0 && state.batch == 0) start_score();
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
  require_finite(value, state.epoch + 1);
  if (options.clip > 0.0) clip_norm(gradient, options.clip);
  const double epochs = state.epoch + (batch + 1.0) / (double) n_batches;
  adam->set_learning_rate(options.learning_rate * state.plateau.factor *
                          schedule_factor(options.schedule, epochs, options.num_epochs));
  adam->step(gradient.data(), state.network.parameters.data());
  loss->set_parameters(state.network.parameters.data());
  if (options.average > 0.0) update_average();
  return value;
}

double Trainer::train_all()
{
  double *const parameters = state.network.parameters.data();
  const std::size_t n = state.network.parameters.size();
  objective->start_step(state.epoch);
  const double value = options.optimizer == OptimizerKind::lbfgs
      ? lbfgs_step(*objective, state.optimizer, n, parameters)
      : levenberg_step(*objective, state.optimizer, n, parameters);
  require_finite(value, state.epoch + 1);
  loss->set_parameters(parameters);
  return value;
}

// the first steps count more than the decay says, or else the start would be remembered for long
void Trainer::update_average()
{
  const double steps = (double) adam->n_steps;
  const double keep = std::min(options.average, steps / (steps + 10.0));
  const std::vector<double> &now = state.network.parameters;
  for (std::size_t k = 0; k < now.size(); k++)
    state.average[k] = keep * state.average[k] + (1.0 - keep) * now[k];
}

void Trainer::train_epoch(Progress &progress, const std::function<bool()> &stop,
                          TrainingStatus &status)
{
  if (options.optimizer != OptimizerKind::adam) {
    state.loss_sum = train_all();
    if (ranks.any(stop())) status = TrainingStatus::interrupted;
    return;
  }
  start_batches();
  while (state.batch < n_batches && status == TrainingStatus::finished) {
    state.loss_sum += train_batch(state.batch);
    state.batch++;
    progress.batch(state.epoch + 1, state.batch, n_batches);
    if (ranks.any(stop())) status = TrainingStatus::interrupted;
  }
}

TrainingStatus Trainer::run(Progress &progress, const std::function<bool()> &stop)
{
  if (!prepared) prepare();
  if (state.epoch >= options.num_epochs || is_stopped_early()) return TrainingStatus::finished;
  progress.start(state.epoch + 1, options.num_epochs);
  Clock::time_point saved = Clock::now();
  int unsaved = 0;
  TrainingStatus status = TrainingStatus::finished;
  while (state.epoch < options.num_epochs && !is_stopped_early()) {
    const Clock::time_point start = Clock::now();
    train_epoch(progress, stop, status);
    if (status == TrainingStatus::interrupted && options.optimizer == OptimizerKind::adam) break;
    progress.epoch(finish_epoch(since(start)));
    // they are the same, unless nodes have processors of different kinds
    ranks.broadcast(state.network.parameters.data(),
                    state.network.parameters.size() * sizeof(double));
    loss->set_parameters(state.network.parameters.data());
    if (status == TrainingStatus::interrupted) break;
    unsaved++;
    if (unsaved >= options.checkpoint_every && since(saved) >= 1.0) {
      try_save(progress);
      saved = Clock::now();
      unsaved = 0;
    }
  }
  progress.finish();
  if (status == TrainingStatus::interrupted)
    ranks.together([&] { save(); });
  else
    try_save(progress);
  return status;
}

bool Trainer::is_stopped_early() const
{
  return options.early_stop > 0 && state.best_epoch > 0 &&
      state.epoch - state.best_epoch >= options.early_stop;
}

EpochRecord Trainer::finish_epoch(double seconds)
{
  const Clock::time_point start = Clock::now();
  EpochRecord record;
  record.epoch = state.epoch + 1;
  record.training_loss = state.loss_sum / (double) n_batches;
  const std::vector<double> &shipped = state.average.empty() ? state.network.parameters
                                                             : state.average;
  if (!state.average.empty()) loss->set_parameters(shipped.data());
  validate(record);
  if (!state.average.empty()) loss->set_parameters(state.network.parameters.data());
  const bool held_out = !samples.validation.empty();
  const double score = held_out ? record.validation_loss : record.training_loss;
  record.best = std::isfinite(score) && (state.best.empty() || score < state.best_score);
  if (record.best) {
    state.best = shipped;
    state.best_score = score;
    state.best_epoch = record.epoch;
  }
  state.plateau.update(options.schedule, score);
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
  record.stress_mae = sums.stress_mae();
}

// a fit goes on without checkpoints rather than end
void Trainer::try_save(Progress &progress)
{
  try {
    save();
    is_save_failing = false;
  } catch (const Error &error) {
    if (!is_save_failing) progress.note(std::string("warning: ") + error.what());
    is_save_failing = true;
  }
}

void Trainer::release()
{
  objective.reset();
  loss.reset();
}

void Trainer::mark_complete()
{
  state.complete = true;
  try {
    save();
  } catch (const Error &) {
    // then the next run writes the outputs once more
  }
}

/// The network that training starts from is the first candidate for the best.
void Trainer::start_score()
{
  EpochRecord record;
  validate(record);
  if (samples.validation.empty() || !std::isfinite(record.validation_loss)) return;
  state.best = state.network.parameters;
  state.best_score = record.validation_loss;
}

void Trainer::save()
{
  if (options.checkpoint.empty() || !ranks.is_first()) return;
  if (options.optimizer == OptimizerKind::adam) {
    state.optimizer.n_steps = adam->n_steps;
    state.optimizer.arrays = {adam->mean, adam->square};
  }
  write_checkpoint(options.checkpoint, lines, state);
}

NetworkParameters Trainer::best() const
{
  NetworkParameters network = state.network;
  if (!state.best.empty()) network.parameters = state.best;
  return network;
}

}    // namespace torchpot
