// From settings, data and a trained network to the model and to all files of a fit.
#ifndef TORCHPOT_FIT_FIT_FILES_H
#define TORCHPOT_FIT_FIT_FILES_H

#include "committee.h"
#include "dataset.h"
#include "progress.h"
#include "report.h"
#include "settings.h"
#include "torchpot_model.h"

#include <string>
#include <vector>

namespace torchpot {

/// What a fit, or the evaluation of a model, ends with.
struct FitOutcome {
  bool trained = true;          // false: the evaluation of an existing model
  NetworkParameters network;    // of the best epoch
  FitResults results;           // predictions of that network, with add_reference()
  std::vector<Baseline> baselines;
  std::vector<LossPoint> history;    // empty: no epochs, as for linear models
  int best_epoch = 0;
  std::string date;          // ISO 8601, UTC; of the end of the fit
  Facts resources;           // times and memory, in words
  std::string lammps_version;    // empty: LAMMPS was not needed

  /// Of a committee of two or more: what each model ends with, and how far they disagree. Then
  /// network, history and epoch above are those of the first one, and results are of the mean.
  std::vector<FitOutcome> members;
  CommitteeSpread spread;
  int member = 0;    // number of one of these, from 1
};

/// The rows of loss_vs_epochs.dat from what training recorded.
std::vector<LossPoint> loss_history(const std::vector<EpochRecord> &history);

/// Adds the reference potential's energies and forces, so that figures and baselines can show
/// those of the data. Throws Error if results are not of this data.
void add_reference(const Dataset &dataset, FitResults &results);

/// JSON text for Model::training: input, data_hash, numbers of configurations, loss, epochs,
/// errors, date, versions.
std::string training_record(const Settings &settings, const Dataset &dataset,
                            const FitOutcome &outcome);

/// The model as MD needs it. Its reference is that of the data, as hybrid/overlay lines.
Model assemble_model(const Settings &settings, const Dataset &dataset, const FitOutcome &outcome);

/// All files that write_fit_files() will write, for check_output_files() before any work.
/// training = false: those of an evaluation, which makes no model.
std::vector<std::string> fit_file_names(const Settings &settings, bool training);

/// The same settings with names of their own for the outputs of an evaluation: "report.html"
/// becomes "report_evaluation.html".
Settings evaluation_settings(Settings settings);

/// Whether the model says that it was trained on this data, with this division into sets.
bool was_trained_on(const Model &model, const Dataset &dataset);

/// Tables and report, and after training the model and its LAMMPS include and descriptor files.
/// `model_file`: the model evaluated; not used after training. Returns notes to be shown: files
/// for pair_style mliap that it could not run are not written, and old ones of these names removed.
std::vector<std::string> write_fit_files(const Settings &settings, const Dataset &dataset,
                                         const FitOutcome &outcome,
                                         const std::string &model_file = "");

/// "2026-05-04T09:30:00Z" for now.
std::string date_now();

/// Largest memory that this process has had so far, for FitOutcome::resources: "212 MB".
std::string peak_memory();

}    // namespace torchpot

#endif
