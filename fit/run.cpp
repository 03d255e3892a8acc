// One run of torchpot_fit: check, fit, or evaluate a model.
#include "run.h"

#include "checkpoint.h"
#include "design_rows.h"
#include "fit_files.h"
#include "initial_state.h"
#include "linear_fit.h"
#include "linear_solver.h"
#include "load.h"
#include "outputs.h"
#include "parallel.h"
#include "reference.h"
#include "scrape_fitdump.h"
#include "settings_reader.h"
#include "torchpot_error.h"
#include "torchpot_model_file.h"
#include "trainer.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <new>
#include <optional>
#include <unistd.h>

namespace torchpot {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start)
{
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string seconds_text(double seconds)
{
  char text[32];
  std::snprintf(text, sizeof text, "%.2f s", seconds);
  return seconds < 60.0 ? text : duration_text(seconds);
}

void say(const std::string &text)
{
  if (!world_ranks().is_first()) return;
  std::printf("%s\n", text.c_str());
  std::fflush(stdout);
}

void warn(const std::string &kind, const std::string &text)
{
  if (!world_ranks().is_first()) return;
  std::fflush(stdout);
  std::fprintf(stderr, "%s: %s\n", kind.c_str(), text.c_str());
}

using Between = std::function<void()>;

Dataset loaded_data(const Settings &settings, bool derivatives)
{
  std::vector<std::string> notes = settings.notes;
  Dataset data = load_dataset(settings, derivatives, notes);
  for (const std::string &note : notes) warn("note", note);
  for (const std::string &warning : data.warnings) warn("warning", warning);
  return data;
}

/// A line that counts configurations, on a terminal; between() is called each time.
std::function<void(std::size_t, std::size_t)> descriptor_progress(const Between &between)
{
  const bool shown = isatty(fileno(stdout)) && world_ranks().is_first();
  return [=](std::size_t done, std::size_t all) {
    between();
    if (!shown) return;
    std::printf("\rdescriptors of configuration %zu of %zu\r", done, all);
    std::fflush(stdout);
  };
}

/// Prints what there is, and computes the descriptors.
void prepare(Dataset &data, const Settings &settings, const Between &between, FitOutcome &outcome)
{
  Ranks &ranks = world_ranks();
  const int n_threads = thread_count(settings.torchpot.threads, ranks.size());
  if (ranks.is_first()) say(describe(data, settings, predict_memory(data, n_threads)));
  const bool shown = isatty(fileno(stdout)) && ranks.is_first();
  const PrepareResult result =
      prepare_dataset(data, settings, descriptor_progress(between), ranks);
  for (const std::string &warning : result.warnings) warn("warning", warning);
  const std::string time = seconds_text(result.seconds);
  const char *cached = result.from_cache ? ", read from the cache" : "";
  if (result.mapped) say("descriptors and derivatives are in a file: larger than memory_limit");
  const std::string threads = std::to_string(n_threads) + (n_threads > 1 ? " threads" : " thread");
  say("descriptors: " + time + (result.from_cache ? cached : ", " + threads) +
      (shown ? std::string(30, ' ') : ""));
  outcome.resources.push_back({"descriptors", time + cached});
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

/// False if it was interrupted.
bool train(Trainer &trainer, const Settings &s, const std::string &units,
           const std::function<bool()> &stop, FitOutcome &outcome)
{
  const auto start = Clock::now();
  const std::string sentence = trainer.prepare();
  if (!sentence.empty()) say(sentence);
  const std::unique_ptr<Progress> progress =
      world_ranks().is_first() ? make_progress(stdout, units) : make_silent_progress();
  const bool finished = trainer.run(*progress, stop) == TrainingStatus::finished;
  const double seconds = seconds_since(start);
  outcome.resources.push_back({"training", seconds_text(seconds)});
  if (!finished) {
    say("interrupted; " + (s.torchpot.checkpoint.empty()
                               ? "there is no checkpoint"
                               : "the same command continues from " + s.torchpot.checkpoint));
    return false;
  }
  outcome.network = trainer.best();
  outcome.best_epoch = trainer.best_epoch();
  outcome.history = loss_history(trainer.history());
  return true;
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

/// A network that is worse than the linear model has not learned what it could.
void compare_with_linear(const FitOutcome &outcome)
{
  const ErrorRow all = error_table(outcome.results).at(0);
  for (const Baseline &linear : outcome.baselines) {
    if (linear.name != "linear model") continue;
    if (all.energy[0].mae > linear.energy[0].mae && all.force[0].mae > linear.force[0].mae)
      warn("warning",
           "on the training data the network is worse than the linear model, in energies and in "
           "forces: lower learning_rate, or train longer");
  }
}

/// Files and tables; outcome.results are those of the model.
void write_all(const Settings &s, const Dataset &data, FitOutcome &outcome)
{
  outcome.date = date_now();
  outcome.resources.push_back({"memory", peak_memory()});
  const std::string model = outcome.trained ? "" : s.torchpot.model;
  for (const std::string &note : write_fit_files(s, data, outcome, model)) warn("note", note);
  say(error_report(error_table(outcome.results), outcome.baselines, data.units, data.divided));
  compare_with_linear(outcome);
}

void add_baselines(FitOutcome &outcome)
{
  outcome.baselines = {mean_energy_baseline(outcome.results), zero_force_baseline(outcome.results)};
}

void finish(const Settings &s, const Dataset &data, const SampleSet &samples,
            const Between &between, FitOutcome &outcome)
{
  outcome.results = results_of(outcome.network, data, samples, between);
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

/// The model's network in place of the input's, and its data: if they are not those it was trained
/// on, training and test set of the input are not the model's.
void prepare_evaluation(const Model &model, Settings &s, Dataset &data)
{
  s.torchpot.network = model.network.kind;
  s.torchpot.precision = model.dtype;
  s.pytorch.layer_sizes = model.network.layer_sizes;
  if (!model.network.activations.empty()) s.torchpot.activation = model.network.activations[0];
  data.divided = was_trained_on(model, data);
  if (data.divided) return;
  warn("note", "the model was trained on other data, so that all configurations are in one table");
  for (Configuration &c : data.configurations) c.test = false;
}

/// The coefficients of the linear solvers.
std::vector<double> solve_rows(const Settings &s, DesignRows &rows, std::size_t n_columns,
                               const Between &between, FitOutcome &outcome)
{
  const auto start = Clock::now();
  const std::vector<double> factor = rows.factor(between);
  LinearSolution solution;
  world_ranks().together([&] {
    if (!world_ranks().is_first()) return;
    solution = s.solver == SolverKind::ridge
        ? solve_ridge(n_columns, factor.data(), s.ridge_alpha)
        : solve_svd(n_columns, factor.data(), SMALLEST_SINGULAR_VALUE);
  });
  const std::string time = seconds_text(seconds_since(start));
  char text[160];
  std::snprintf(text, sizeof text, "least squares: %s, %zu coefficients, rank %d, condition %.1e",
                time.c_str(), n_columns, solution.rank, solution.condition);
  say(text);
  outcome.resources.push_back({"least squares", time});
  return solution.x;
}

/// Fit or evaluation of a linear model by its rows, which alone are kept in memory.
void work_by_rows(const Settings &s, Dataset &data, const LinearColumns &columns,
                  const Between &between, FitOutcome &outcome)
{
  Ranks &ranks = world_ranks();
  if (ranks.is_first()) say(describe(data, s, DesignRows::predict_memory(data, columns)));
  const auto start = Clock::now();
  DesignRows rows(data, s, columns, descriptor_progress(between), ranks);
  if (rows.is_mapped()) say("the rows are in a file: larger than memory_limit");
  const std::string time = seconds_text(seconds_since(start));
  const int n_threads = thread_count(s.torchpot.threads, ranks.size());
  say("descriptors: " + time + ", " + std::to_string(n_threads) +
      (n_threads > 1 ? " threads" : " thread") +
      (isatty(fileno(stdout)) ? std::string(30, ' ') : ""));
  outcome.resources.push_back({"descriptors", time});
  if (!data.reference.empty()) outcome.lammps_version = std::to_string(lammps_library_version());
  std::vector<double> x;
  if (outcome.trained) {
    x = solve_rows(s, rows, columns.count(), between, outcome);
    if (ranks.is_first()) outcome.network = linear_model(columns, x);
  } else
    linear_coefficients(columns, outcome.network, x);
  ranks.together([&] {
    if (!ranks.is_first()) return;
    outcome.results = fit_results(data, rows.predict(x));
    add_reference(data, outcome.results);
    add_baselines(outcome);
    write_all(s, data, outcome);
  });
}

/// The linear solvers, and evaluation of what they fitted.
bool goes_by_rows(const Settings &s, const Dataset &data, const FitOutcome &outcome)
{
  if (!s.is_linear_solver()) return false;
  std::vector<double> x;
  return outcome.trained || linear_coefficients(linear_columns(data, s), outcome.network, x);
}

/// --check: everything but the work.
void check_input(const Settings &s)
{
  const Dataset data = loaded_data(s, false);
  saved_network(s, data);
  if (!s.reference.is_zero) {
    ReferenceSettings reference = s.reference;
    reference.units = data.units;
    ReferencePotential(reference, data.elements);
  }
  const Prediction memory = s.is_linear_solver()
      ? DesignRows::predict_memory(data, linear_columns(data, s))
      : predict_memory(data, thread_count(s.torchpot.threads));
  say(describe(data, s, memory) +
      "the input is sound; nothing was written");
}

/// Fits or evaluates. False if training was interrupted.
bool work(Settings &s, const RunOptions &options, const std::function<bool()> &stop,
          FitOutcome &outcome)
{
  const Between between = [&stop] {
    if (stop()) throw Interrupted();
  };
  Ranks &ranks = world_ranks();
  Model model;
  Dataset data;
  std::optional<SavedNetwork> saved;
  ranks.together([&] {
    if (!outcome.trained) model = read_model(options.evaluate);
    data = loaded_data(s, ranks.is_first());    // what is stored is shared by prepare()
    s.bispectrum.snap = data.descriptor;
    plan_training(s, data.count(false));
    if (outcome.trained) {
      saved = saved_network(s, data);
    } else {
      check_model(model, options.evaluate, data);
      prepare_evaluation(model, s, data);
    }
  });
  bool by_rows = false;
  ranks.together([&] {
    if (!outcome.trained) {
      outcome.network = model.network;
      s.torchpot.model = options.evaluate;
    }
    by_rows = goes_by_rows(s, data, outcome);
  });
  if (by_rows) {
    work_by_rows(s, data, linear_columns(data, s), between, outcome);
    return true;
  }
  prepare(data, s, between, outcome);
  std::unique_ptr<SampleSet> samples;
  std::unique_ptr<Trainer> trainer;
  ranks.together([&] {
    samples = std::make_unique<SampleSet>(data, s.calculator.energy, s.calculator.force,
                                          s.fits_stress());
    if (!outcome.trained) return;
    if (s.torchpot.network != NetworkKind::mlp) {
      if (ranks.is_first())
        outcome.network = least_squares(s.torchpot.network, s, *samples, between);
    } else {
      TrainingOptions training = training_options(s);
      training.restart = options.restart;
      if (saved) training.initial = starting_network(*saved, samples->training);
      trainer = std::make_unique<Trainer>(training, network_shape(s), *samples, ranks);
    }
  });
  if (trainer) say("training: " + training_text(s));
  if (trainer && !train(*trainer, s, data.units, stop, outcome)) return false;
  ranks.together([&] {
    if (ranks.is_first()) finish(s, data, *samples, between, outcome);
  });
  if (trainer) trainer->mark_complete();
  return true;
}

}    // namespace

RunStatus run(const RunOptions &options, const std::function<bool()> &stop)
{
  Ranks &ranks = world_ranks();
  Settings s;
  ranks.together([&] {
    s = read_settings(options.input, options.overrides, options.relative);
    if (options.check && ranks.is_first()) check_input(s);
  });
  if (options.check) return RunStatus::finished;
  FitOutcome outcome;
  outcome.trained = options.evaluate.empty();
  if (!outcome.trained) s = evaluation_settings(s);
  std::vector<std::string> files = fit_file_names(s, outcome.trained);
  const bool trains = outcome.trained && s.torchpot.network == NetworkKind::mlp;
  std::optional<CheckpointLock> lock;
  ranks.together([&] {
    if (trains && !s.torchpot.checkpoint.empty() && ranks.is_first())
      lock.emplace(s.torchpot.checkpoint);
  });
  // a fit that was interrupted may have written some of its files
  const bool goes_on = trains && !options.restart && is_open_checkpoint(s.torchpot.checkpoint);
  ranks.together([&] {
    if (!ranks.is_first()) return;
    check_output_files(files, options.overwrite || options.restart || goes_on);
    if (trains) check_output_files({s.torchpot.checkpoint}, true);
  });
  try {
    if (!work(s, options, stop, outcome)) return RunStatus::interrupted;
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
