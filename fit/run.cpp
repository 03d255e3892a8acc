// One run of torchpot_fit: check, fit, or evaluate a model.
#include "run.h"

#include "checkpoint.h"
#include "committee_fit.h"
#include "design_rows.h"
#include "device.h"
#include "initial_state.h"
#include "linear_fit.h"
#include "load.h"
#include "parallel.h"
#include "predict_time.h"
#include "reference.h"
#include "run_output.h"
#include "run_rows.h"
#include "scrape_fitdump.h"
#include "settings_reader.h"
#include "torchpot_error.h"
#include "torchpot_model_file.h"
#include "trainer.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <list>
#include <new>
#include <optional>

namespace torchpot {

namespace {

Dataset loaded_data(const Settings &settings, bool derivatives)
{
  std::vector<std::string> notes = settings.notes;
  Dataset data = load_dataset(settings, derivatives, notes);
  for (const std::string &note : notes) warn("note", note);
  for (const std::string &warning : data.warnings) warn("warning", warning);
  return data;
}

/// Prints what there is, and computes the descriptors.
void prepare(Dataset &data, const Settings &settings, const Between &between, FitOutcome &outcome)
{
  Ranks &ranks = world_ranks();
  const int n_threads = thread_count(settings.torchpot.threads, ranks.size());
  const Prediction memory = predict_memory(data, settings, n_threads, ranks, between);
  if (ranks.is_first()) say(describe(data, settings, memory));
  const PrepareResult result =
      prepare_dataset(data, settings, descriptor_progress(between), ranks);
  for (const std::string &warning : result.warnings) warn("warning", warning);
  if (result.mapped) say("descriptors and derivatives are in a file: larger than memory_limit");
  say_descriptors(result.seconds,
                  result.from_cache ? "read from the cache" : threads_text(n_threads), outcome);
  if (!data.reference.empty()) outcome.lammps_version = std::to_string(lammps_library_version());
}

NetworkParameters least_squares(NetworkKind kind, const Settings &s, const SampleSet &samples,
                                const Between &between)
{
  ElementMode mode = s.element_mode();
  if (mode == ElementMode::one_hot) mode = ElementMode::per_element;    // says as much, if linear
  return linear_fit(linear_start(kind, mode, samples.n_elements, samples.n_descriptors,
                                 samples.training),
                    samples.training, training_options(s).loss, LINEAR_FIT_RIDGE, between);
}

/// The network that the input says training starts from.
std::optional<SavedNetwork> saved_network(const Settings &s, const Dataset &data)
{
  if (s.pytorch.state_input.empty() || s.torchpot.network != NetworkKind::mlp) return {};
  return read_saved_network(s.pytorch.state_input, network_shape(s), data);
}

/// Where the network is trained; collective.
Device device_for(const Settings &s, const Dataset &data)
{
  Ranks &ranks = world_ranks();
  std::size_t n_atoms = 0;
  for (const Configuration &c : data.configurations)
    if (!c.test) n_atoms += c.n_atoms();
  return choose_device(s.torchpot.device,
                       training_work(s, data.count(false), n_atoms) / ranks.size(), ranks);
}

/// False if it was interrupted.
bool train(Trainer &trainer, const std::string &checkpoint, const std::string &units,
           const std::function<bool()> &stop, FitOutcome &outcome)
{
  const std::string sentence = trainer.prepare();
  if (!sentence.empty()) say(sentence);
  const std::unique_ptr<Progress> progress =
      world_ranks().is_first() ? make_progress(stdout, units) : make_silent_progress();
  const bool finished = trainer.run(*progress, stop) == TrainingStatus::finished;
  if (!finished) {
    say("interrupted; " + (checkpoint.empty() ? "there is no checkpoint"
                                              : "the same command continues from " + checkpoint));
    return false;
  }
  trainer.release();    // the next network of a committee wants the memory
  outcome.network = trainer.best();
  outcome.best_epoch = trainer.best_epoch();
  outcome.history = loss_history(trainer.history());
  return true;
}

using Trainers = std::vector<std::unique_ptr<Trainer>>;    // one for each network

/// How training begins.
struct Start {
  bool restart, goes_on;    // checkpoints are discarded; the fit was interrupted
  std::optional<SavedNetwork> saved;
};

/// Trains one network after the other; false if it was interrupted.
bool train_members(const Settings &s, const Start &start, const std::string &units,
                   const std::function<bool()> &stop, SampleSet &samples, Trainers &trainers,
                   std::vector<FitOutcome> &members)
{
  Ranks &ranks = world_ranks();
  const std::vector<const Sample *> all = samples.training;
  const int n = s.torchpot.committee;
  std::vector<TrainingOptions> options;
  const auto take_data = [&](int m) {
    if (s.torchpot.bootstrap) samples.training = bootstrap(all, options[m].seed);
  };
  ranks.together([&] {
    for (int m = 0; m < n; m++) {
      options.push_back(member_options(s, m + 1));
      take_data(m);
      options[m].keep_complete = start.goes_on;
      if (start.saved) options[m].initial = starting_network(*start.saved, samples.training);
      trainers.push_back(std::make_unique<Trainer>(options[m], network_shape(s), samples, ranks));
      const std::string &checkpoint = options[m].checkpoint;
      if (!ranks.is_first() || checkpoint.empty()) continue;
      if (start.restart) remove_checkpoint(checkpoint);
      check_checkpoint(checkpoint, trainers[m]->identity());    // before any is trained
    }
  });
  for (int m = 0; m < n; m++) {
    take_data(m);
    if (n > 1) say("network " + std::to_string(m + 1) + " of " + std::to_string(n) + ":");
    if (!train(*trainers[m], options[m].checkpoint, units, stop, members[m])) return false;
  }
  samples.training = all;
  return true;
}

/// Linear or quadratic models: one, or one for each bootstrap.
void fit_members(const Settings &s, SampleSet &samples, const Between &between,
                 std::vector<FitOutcome> &members)
{
  const std::vector<const Sample *> all = samples.training;
  for (std::size_t m = 0; m < members.size(); m++) {
    if (s.torchpot.bootstrap) samples.training = bootstrap(all, s.torchpot.seed + m);
    members[m].network = least_squares(s.torchpot.network, s, samples, between);
  }
  samples.training = all;
}

FitResults results_of(const NetworkParameters &network, const Dataset &data,
                      const SampleSet &samples, const Between &between)
{
  FitResults results = fit_results(data, predict(network, samples, between));
  add_reference(data, results);
  return results;
}

/// The errors of a linear model beside those of a network. A fit does not fail for want of them.
void add_linear_baseline(const Settings &s, const Dataset &data, const SampleSet &samples,
                         const Between &between, FitOutcome &outcome)
{
  std::string problem;
  try {
    const NetworkParameters linear = least_squares(NetworkKind::linear, s, samples, between);
    outcome.baselines.push_back(
        baseline_from("linear model", results_of(linear, data, samples, between)));
  } catch (const Error &error) {
    problem = error.what();
  } catch (const std::bad_alloc &) {
    problem = "out of memory";
  }
  if (!problem.empty()) warn("note", "there is no linear model to compare with: " + problem);
}

void finish(const Settings &s, const Dataset &data, const SampleSet &samples,
            const Between &between, FitOutcome &outcome)
{
  outcome.date = date_now();
  for (FitOutcome &member : outcome.members)
    member.results = results_of(member.network, data, samples, between);
  if (outcome.members.empty())
    outcome.results = results_of(outcome.network, data, samples, between);
  else
    join_members(outcome);
  add_baselines(outcome);
  if (outcome.trained && outcome.network.kind == NetworkKind::mlp)
    add_linear_baseline(s, data, samples, between, outcome);
  write_all(s, data, outcome);
}

/// Throws Error if the model cannot be evaluated on these data.
void check_model(const Model &model, const std::string &file, const Dataset &data)
{
  const std::string difference = descriptor_difference(model.descriptor, data.descriptor);
  if (!difference.empty())
    throw Error("the model's descriptor is not that of the input", file, difference,
                "the descriptor of the input file", "Evaluate with the input of the model's fit");
  if (model.units != data.units)
    throw Error("the model's units are not those of the data", file, model.units, data.units,
                "Evaluate on data in the model's units");
  const std::vector<std::string> reference = reference_for_md(data.reference);
  if (model.reference != reference)
    throw Error("the model's reference potential is not that of the input", file,
                model.reference.empty() ? "none" : join(model.reference, "; "),
                reference.empty() ? "none" : join(reference, "; "),
                "Give [REFERENCE] the lines of the model's fit");
}

/// The models' network in place of the input's, and their data: if they are not those they were
/// trained on, training and test set of the input are not the models'.
void prepare_evaluation(const std::vector<Model> &models, Settings &s, Dataset &data)
{
  const Model &model = models.at(0);
  s.torchpot.network = model.network.kind;
  s.torchpot.precision = model.dtype;
  s.pytorch.layer_sizes = model.network.layer_sizes;
  if (!model.network.activations.empty()) s.torchpot.activation = model.network.activations[0];
  data.divided = std::all_of(models.begin(), models.end(),
                             [&](const Model &m) { return was_trained_on(m, data); });
  if (data.divided) return;
  warn("note", std::string(models.size() > 1 ? "a model of the committee" : "the model") +
                   " was trained on other data, so that all configurations are in one table");
  for (Configuration &c : data.configurations) c.test = false;
}

/// What the input leaves open.
void plan(Settings &s, const Dataset &data)
{
  s.bispectrum.snap = data.descriptor;
  plan_training(s, data.count(false));
}

void note_committee(const Settings &s)
{
  const std::string note = check_committee(s);
  if (!note.empty()) warn("note", note);
}

/// --check: everything but the work.
void check_input(Settings s, const Between &between)
{
  Dataset data = loaded_data(s, false);
  plan(s, data);
  note_committee(s);
  saved_network(s, data);
  if (s.torchpot.network == NetworkKind::mlp)
    choose_device(s.torchpot.device, 0.0, single_rank());
  if (!s.reference.is_zero) {
    ReferenceSettings reference = s.reference;
    reference.units = data.units;
    ReferencePotential(reference, data.elements);
  }
  const int n_threads = thread_count(s.torchpot.threads);
  if (s.is_linear_solver()) {
    say(describe(data, s, DesignRows::predict_memory(data, linear_columns(data, s))));
  } else {
    say(describe(data, s, predict_memory(data, s, n_threads, single_rank(), between)));
    if (s.torchpot.network == NetworkKind::mlp) say("training: " + training_text(s));
    say(time_text(predict_time(data, s, n_threads, between), s));
  }
  try {
    check_output_files(fit_file_names(s, true), false);
  } catch (const Error &error) {
    warn("note", error.what());
  }
  say("the input is sound; nothing was written");
}

/// Fits or evaluates. goes_on: a fit that was interrupted. False if training was interrupted.
bool work(Settings &s, const RunOptions &options, bool goes_on, const std::function<bool()> &stop,
          FitOutcome &outcome)
{
  const Between between = [&stop] {
    if (stop()) throw Interrupted();
  };
  Ranks &ranks = world_ranks();
  std::vector<Model> models;
  Dataset data;
  Start start{options.restart, goes_on, {}};
  ranks.together([&] {
    for (const std::string &file : options.evaluate) models.push_back(read_model(file));
    data = loaded_data(s, ranks.is_first());    // what is stored is shared by prepare()
    plan(s, data);
    if (outcome.trained) {
      note_committee(s);
      start.saved = saved_network(s, data);
    } else {
      for (std::size_t m = 0; m < models.size(); m++)
        check_model(models[m], options.evaluate[m], data);
      prepare_evaluation(models, s, data);
    }
  });
  bool by_rows = false;
  ranks.together([&] {
    if (!outcome.trained) {
      outcome.network = models.at(0).network;
      s.torchpot.model = join(options.evaluate, " ");
    }
    by_rows = models.size() < 2 && goes_by_rows(s, data, outcome);
  });
  if (by_rows) {
    work_by_rows(s, data, linear_columns(data, s), between, outcome);
    return true;
  }
  if (outcome.trained && s.torchpot.network == NetworkKind::mlp)
    s.torchpot.device = device_for(s, data);
  prepare(data, s, between, outcome);
  std::unique_ptr<SampleSet> samples;
  std::vector<FitOutcome> members(s.torchpot.committee);
  ranks.together([&] {
    samples = std::make_unique<SampleSet>(data, s.calculator.energy, s.calculator.force,
                                          s.fits_stress());
    for (std::size_t m = 0; m < models.size(); m++) members[m].network = models[m].network;
    if (outcome.trained && s.torchpot.network != NetworkKind::mlp && ranks.is_first())
      fit_members(s, *samples, between, members);
  });
  Trainers trainers;
  if (outcome.trained && s.torchpot.network == NetworkKind::mlp) {
    say("training: " + training_text(s));
    const auto begin = Clock::now();
    if (!train_members(s, start, data.units, stop, *samples, trainers, members)) return false;
    outcome.resources.push_back({"training", seconds_text(seconds_since(begin))});
  }
  set_members(outcome, std::move(members));
  ranks.together([&] {
    if (ranks.is_first()) finish(s, data, *samples, between, outcome);
  });
  for (const std::unique_ptr<Trainer> &trainer : trainers) trainer->mark_complete();
  return true;
}

RunStatus check(const Settings &s, const std::function<bool()> &stop)
{
  try {
    world_ranks().together([&] {
      if (world_ranks().is_first())
        check_input(s, [&] {
          if (stop()) throw Interrupted();
        });
    });
  } catch (const Interrupted &) {
    return RunStatus::interrupted;
  }
  return RunStatus::finished;
}

}    // namespace

RunStatus run(const RunOptions &options, const std::function<bool()> &stop)
{
  Ranks &ranks = world_ranks();
  Settings s;
  ranks.together([&] {
    s = read_settings(options.input, options.overrides, options.relative);
  });
  if (options.check) return check(s, stop);
  FitOutcome outcome;
  outcome.trained = options.evaluate.empty();
  if (!outcome.trained) {
    s = evaluation_settings(s);
    s.torchpot.committee = (int) options.evaluate.size();
    s.torchpot.bootstrap = false;
  }
  std::vector<std::string> files;
  ranks.together([&] { files = fit_file_names(s, outcome.trained); });
  const bool trains = outcome.trained && s.torchpot.network == NetworkKind::mlp;
  const std::vector<std::string> checkpoints =
      trains ? member_checkpoints(s) : std::vector<std::string>();
  std::list<CheckpointLock> locks;
  ranks.together([&] {
    if (!ranks.is_first()) return;
    for (const std::string &checkpoint : checkpoints) locks.emplace_back(checkpoint);
  });
  // a fit that was interrupted may have written some of its files
  const bool goes_on = !options.restart &&
      std::any_of(checkpoints.begin(), checkpoints.end(), is_open_checkpoint);
  ranks.together([&] {
    if (!ranks.is_first()) return;
    check_output_files(files, options.overwrite || options.restart || goes_on);
    check_output_files(checkpoints, true);
  });
  try {
    if (!work(s, options, goes_on, stop, outcome)) return RunStatus::interrupted;
  } catch (const Interrupted &) {
    say("interrupted before the model was written; the same command does the rest");
    return RunStatus::interrupted;
  }
  const auto absent = [](const std::string &file) { return !std::filesystem::exists(file); };
  files.erase(std::remove_if(files.begin(), files.end(), absent), files.end());
  say("written: " + join(files, " "));
  return RunStatus::finished;
}

}    // namespace torchpot
