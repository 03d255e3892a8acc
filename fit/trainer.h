// Trains a network on the energies, forces and stresses of a data set.
#ifndef TORCHPOT_FIT_TRAINER_H
#define TORCHPOT_FIT_TRAINER_H

#include "adam.h"
#include "all_training.h"
#include "checkpoint.h"
#include "initialize.h"
#include "loss.h"
#include "progress.h"
#include "results.h"
#include "settings.h"

#include <functional>
#include <optional>
#include <string>

namespace torchpot {

struct TrainingOptions {
  LossSettings loss;
  OptimizerKind optimizer = OptimizerKind::adam;
  ScheduleSettings schedule;
  double learning_rate = 1e-2;    // of adam, as weight_decay, clip and average
  double weight_decay = 0.0;
  double clip = 0.0;       // largest norm of the gradient; 0: none
  double average = 0.0;    // decay per step of the running average of the parameters; 0: none
  int early_stop = 0;      // epochs without a better model before training ends; 0: never
  int num_epochs = 10;
  int batch_size = 4;    // configurations
  bool shuffle = true;
  std::uint64_t seed = 0;
  Precision precision = Precision::float64;    // of the arithmetic; parameters are double
  Device device = Device::cpu;                 // automatic: by choose_device()
  int threads = 1;                             // of Device::torch
  std::string checkpoint;                      // file; empty: none
  int checkpoint_every = 10;    // epochs; more seldom where these take less than a second
  bool restart = false;         // do not continue from a checkpoint, delete it
  /// A complete checkpoint of num_epochs is taken as it is, not done again: outputs of the fit that
  /// it is part of are missing.
  bool keep_complete = false;
  /// To start from, of the shape and for the samples; otherwise a new network is made.
  std::optional<NetworkParameters> initial;
};

/// What the input file says of training and of the network.
TrainingOptions training_options(const Settings &settings);
NetworkShape network_shape(const Settings &settings);

enum class TrainingStatus { finished, interrupted };

/// One training run. With Adam each epoch goes once over the training configurations in batches,
/// with a step after each batch; with the other optimizers an epoch is one step on all of them.
/// The validation loss is the mean over the batches of the validation configurations, with the
/// running average of the parameters if there is one. The best model is that of the lowest
/// validation loss, or training loss if there are no validation configurations.
///
/// Everything is determined by the data, the shape and the options: the same bits on every run, on
/// any number of ranks, and after any number of interruptions; on other devices than the CPU but
/// for rounding. With several ranks all functions that are not const are collective; the first one
/// reads and writes checkpoints.
class Trainer {
 public:
  /// samples must outlive this object. Throws Error for options that cannot be used.
  Trainer(const TrainingOptions &options, const NetworkShape &shape, const SampleSet &samples,
          Ranks &ranks = single_rank());
  ~Trainer();

  /// Takes up the checkpoint if there is one, otherwise initializes the network; called by run()
  /// if it has not been. Returns a sentence to be shown, empty for a new start.
  /// Throws Error if the checkpoint is damaged or of another fit.
  std::string prepare();

  /// Trains up to num_epochs. stop() is asked after each batch; if it says yes, the checkpoint is
  /// written and the run ends as interrupted. Throws Error if the loss is no longer finite, or if
  /// then the checkpoint cannot be written; at other times that is a note of progress.
  TrainingStatus run(Progress &progress, const std::function<bool()> &stop);

  /// After run(): gives back what only training needs.
  void release();

  /// Notes in the checkpoint that the outputs of the fit are written. Never throws.
  void mark_complete();

  /// The best model so far (the present one before the first epoch) and the last one.
  NetworkParameters best() const;
  const NetworkParameters &last() const { return state.network; }
  int best_epoch() const { return state.best_epoch; }
  const std::vector<EpochRecord> &history() const { return state.history; }
  /// Lines "name = value" that a checkpoint must agree in.
  const Identity &identity() const { return lines; }

 private:
  void start_batches();
  double train_batch(std::size_t batch);
  double train_all();
  void train_epoch(Progress &progress, const std::function<bool()> &stop, TrainingStatus &status);
  void update_average();
  bool is_stopped_early() const;
  EpochRecord finish_epoch(double seconds);
  void validate(EpochRecord &record);
  void save();
  void try_save(Progress &progress);
  void start_score();
  std::string load_or_initialize();

  TrainingOptions options;
  NetworkShape shape;
  const SampleSet &samples;
  Ranks &ranks;
  Identity lines;
  bool prepared = false;
  TrainingState state;
  std::unique_ptr<Adam> adam;
  std::unique_ptr<Loss> loss;
  std::unique_ptr<AllTraining> objective;
  bool is_save_failing = false;
  std::size_t n_batches = 0;
  std::vector<std::size_t> order;                  // of the training samples in this epoch
  std::vector<const Sample *> batch_samples;       // [batch_size]
  std::vector<LossFactors> validation_factors;     // for all validation batches together
  std::vector<double> gradient;
};

/// Predictions of any model for all configurations, in double: energies [n_configurations],
/// forces [n_atoms][3] one configuration after another, and stresses [n_configurations][6] as they
/// are shown (shown_pressure()), NaN where they are not known. between(), if given, is called after
/// each configuration; what it throws ends the work.
struct Predictions {
  std::vector<double> energy, force, stress;
};
Predictions predict(const NetworkParameters &model, const SampleSet &samples,
                    const std::function<void()> &between = nullptr);

/// Labels and predictions as the tables and the report want them.
FitResults fit_results(const Dataset &dataset, const Predictions &predictions);

}    // namespace torchpot

#endif
