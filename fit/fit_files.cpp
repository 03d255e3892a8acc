// From settings, data and a trained network to the model and to all files of a fit.
#include "fit_files.h"

#include "committee_fit.h"
#include "mliap_export.h"
#include "snap_files.h"
#include "stress_units.h"
#include "torchpot_error.h"
#include "torchpot_model_file.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <set>

#include <sys/resource.h>

namespace torchpot {

using nlohmann::ordered_json;

namespace {

std::string number(double value)
{
  char text[40];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

std::string joined(const std::vector<std::string> &words, const char *between = " ")
{
  std::string text;
  for (const std::string &word : words) text += (text.empty() ? "" : between) + word;
  return text;
}

const char *loss_name(const Settings &settings)
{
  if (settings.is_linear_solver()) return "weighted rows";
  return settings.torchpot.documented_loss ? "documented" : "fitsnap";
}

/// JSON has no NaN: absent values are null.
ordered_json value(double number) { return std::isfinite(number) ? ordered_json(number) : nullptr; }

ordered_json errors_of(const std::vector<ErrorRow> &table, int set)
{
  const ErrorSummary &energy = table[0].energy[set], &force = table[0].force[set];
  ordered_json errors = {{"energy_mae", value(energy.mae)},
                         {"energy_rmse", value(energy.rmse)},
                         {"force_mae", value(force.mae)},
                         {"force_rmse", value(force.rmse)}};
  if (has_stress(table)) {
    errors["stress_mae"] = value(table[0].stress[set].mae);
    errors["stress_rmse"] = value(table[0].stress[set].rmse);
  }
  return errors;
}

/// FitSNAP's linear models have an include file of that name, for pair_style snap.
std::string torchpot_include(const Settings &settings)
{
  return settings.outfile.potential + (settings.is_linear_solver() ? ".torchpot.mod" : ".mod");
}

std::string solver_text(const Settings &settings)
{
  if (settings.solver != SolverKind::ridge)
    return settings.is_linear_solver() ? "least squares by singular values" : "least squares";
  return "ridge regression, alpha " + number(settings.ridge_alpha);
}

}    // namespace

std::string date_now()
{
  std::time_t now = std::time(nullptr);
  std::tm utc;
  gmtime_r(&now, &utc);
  char text[40];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

std::string peak_memory()
{
  rusage usage;
  ::getrusage(RUSAGE_SELF, &usage);
#ifdef __APPLE__
  const double bytes = usage.ru_maxrss;
#else
  const double bytes = 1024.0 * usage.ru_maxrss;
#endif
  char text[40];
  std::snprintf(text, sizeof text, bytes < 1e9 ? "%.0f MB" : "%.2f GB",
                bytes < 1e9 ? bytes / 1e6 : bytes / 1e9);
  return text;
}

std::vector<LossPoint> loss_history(const std::vector<EpochRecord> &history)
{
  std::vector<LossPoint> points;
  for (const EpochRecord &record : history)
    points.push_back({record.epoch, record.training_loss, record.validation_loss});
  return points;
}

void add_reference(const Dataset &dataset, FitResults &results)
{
  const std::size_t n = dataset.n_atoms();
  const double unit = shown_pressure(dataset.units).factor;
  if (results.configurations.size() != dataset.configurations.size() || results.type.size() != n)
    throw Error("the predictions are not those of the data", "add_reference",
                std::to_string(results.configurations.size()) + " configurations, " +
                    std::to_string(results.type.size()) + " atoms",
                std::to_string(dataset.configurations.size()) + ", " + std::to_string(n));
  results.reference_force.assign(3 * n, 0.0);
  for (std::size_t m = 0; m < dataset.configurations.size(); ++m) {
    const Configuration &from = dataset.configurations[m];
    ConfigurationResult &to = results.configurations[m];
    to.reference_energy = from.reference_energy / from.n_atoms();
    for (int v = 0; v < 6; ++v) to.reference_stress[v] = unit * from.reference_stress[v];
    std::copy(from.reference_force.begin(), from.reference_force.end(),
              results.reference_force.begin() + 3 * to.first_atom);
  }
}

std::string training_record(const Settings &settings, const Dataset &dataset,
                            const FitOutcome &outcome)
{
  const std::vector<ErrorRow> table = error_table(outcome.results);
  ordered_json record;
  record["date"] = outcome.date;
  record["input_file"] = std::filesystem::path(settings.input_file).filename().string();
  record["input"] = settings.input_text;
  record["data_hash"] = dataset.hash;
  record["data"] = {{"configurations_train", dataset.count(false)},
                    {"configurations_test", dataset.count(true)},
                    {"atoms", dataset.n_atoms()},
                    {"groups", dataset.groups}};
  record["loss"] = {{"form", loss_name(settings)},
                    {"energy_weight", value(settings.pytorch.energy_weight)},
                    {"force_weight", value(settings.pytorch.force_weight)},
                    {"stress_weight",
                     value(settings.fits_stress() ? settings.torchpot.stress_weight : 0.0)}};
  if (settings.is_linear_solver()) record["loss"]["solver"] = solver_text(settings);
  record["epochs"] = outcome.history.empty() ? 0 : outcome.history.back().epoch;
  record["best_epoch"] = outcome.best_epoch;
  if (outcome.member > 0)
    record["committee"] = {{"member", outcome.member},
                           {"members", settings.torchpot.committee},
                           {"seed", settings.torchpot.seed + outcome.member - 1},
                           {"data", settings.torchpot.bootstrap ? "bootstrap" : "all"}};
  record["errors"] = {{"train", errors_of(table, 0)}, {"test", errors_of(table, 1)}};
  record["versions"] = {{"torchpot", TORCHPOT_VERSION}};
  if (!outcome.lammps_version.empty()) record["versions"]["lammps"] = outcome.lammps_version;
  // bytes of the input that are not UTF-8 become the replacement character
  return record.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

Model assemble_model(const Settings &settings, const Dataset &dataset, const FitOutcome &outcome)
{
  Model model;
  model.elements = dataset.elements;
  model.units = dataset.units;
  model.dtype = settings.torchpot.precision;
  model.descriptor = dataset.descriptor;
  for (std::size_t a = 0; a < dataset.elements.size(); ++a)
    for (std::size_t b = 0; b < dataset.elements.size(); ++b)
      model.cutoff = std::max(model.cutoff, dataset.descriptor.cutoff((int) a, (int) b));
  model.network = outcome.network;
  model.reference = reference_for_md(dataset.reference);
  model.training = training_record(settings, dataset, outcome);
  model.validate(settings.torchpot.model);
  return model;
}

std::vector<std::string> fit_file_names(const Settings &settings, bool training)
{
  const OutputSettings &out = settings.outfile;
  std::vector<std::string> names = {out.metrics, out.perconfig, out.stress, out.peratom,
                                    settings.torchpot.report};
  if (settings.torchpot.committee > 1) names.push_back(out.committee);
  if (training) {
    const MliapNames mliap(out.potential);
    const SnapNames snap(out.potential);
    for (const std::string &name :
         {torchpot_include(settings), mliap.descriptor, mliap.model, mliap.include})
      names.push_back(name);
    if (settings.is_linear_solver())
      names.insert(names.end(), {snap.coefficients, snap.parameters, snap.include});
    std::vector<std::string> of_members = {settings.torchpot.model, out.loss};
    if (settings.pytorch.state_output != settings.torchpot.model)
      of_members.push_back(settings.pytorch.state_output);
    for (const std::string &name : of_members)
      for (const std::string &file : member_files(name, settings.torchpot.committee))
        names.push_back(file);
  }
  names.erase(std::remove(names.begin(), names.end(), ""), names.end());
  std::set<std::string> seen;
  for (const std::string &name : names)
    if (!seen.insert(std::filesystem::path(name).lexically_normal().string()).second)
      throw Error("two outputs have the same file name", settings.input_file, name, "",
                  "Rename one of them in [OUTFILE], [PYTORCH] or [TORCHPOT]");
  return names;
}

Settings evaluation_settings(Settings settings)
{
  OutputSettings &out = settings.outfile;
  std::string *const names[] = {&out.metrics, &out.perconfig, &out.peratom, &out.stress,
                                &out.committee, &settings.torchpot.report};
  for (std::string *name : names) {
    if (name->empty()) continue;
    std::filesystem::path path(*name);
    path.replace_filename(path.stem().string() + "_evaluation" + path.extension().string());
    *name = path.string();
  }
  return settings;
}

bool was_trained_on(const Model &model, const Dataset &dataset)
{
  const ordered_json record = ordered_json::parse(model.training, nullptr, false);
  return record.is_object() && record.value("data_hash", ordered_json()) == dataset.hash;
}

namespace {

std::string network_words(const NetworkParameters &network)
{
  if (network.kind == NetworkKind::linear) return "linear model";
  if (network.kind == NetworkKind::quadratic) return "quadratic model";
  std::string text = std::to_string(network.n_inputs());
  for (std::size_t layer = 0; layer < network.layer_sizes.size(); ++layer) {
    text += " → " + std::to_string(network.layer_sizes[layer]);
    if (network.activations[layer] != Activation::linear)
      text += std::string(" ") + to_string(network.activations[layer]);
  }
  return text;
}

Facts settings_facts(const Settings &settings, const Dataset &dataset, const FitOutcome &outcome,
                     const Model &model)
{
  const SnapParameters &snap = dataset.descriptor;
  const NetworkParameters &network = outcome.network;
  const PytorchSettings &train = settings.pytorch;
  Facts facts;
  facts.push_back({"elements", joined(dataset.elements)});
  facts.push_back({"descriptor", "SNAP, 2J = " + std::to_string(snap.twojmax) + ", " +
                                     std::to_string(snap.n_descriptors()) +
                                     " components, cutoff " + number(model.cutoff)});
  const char *sets[] = {"one for all elements", "one per element", "elements as one-hot inputs"};
  const int n = settings.torchpot.committee;
  facts.push_back({"network", (n > 1 ? "a committee of " + std::to_string(n) + ": " : "") +
                                  network_words(network) + ", " + sets[(int) network.element_mode] +
                                  ", " + std::to_string(network.parameters.size()) +
                                  " parameters"});
  if (outcome.trained) {
    std::string weights = settings.has_global_weights()
        ? "energy weight " + number(train.energy_weight) + ", force weight " +
            number(train.force_weight)
        : settings.has_group_weights
        ? "weights of the groups"
        : "energy weight " + number(dataset.energy_weight) + ", force weight 1";
    const double stress = settings.torchpot.stress_weight;
    if (settings.fits_stress())
      weights += ", stress weight " + (std::isnan(stress) ? "of the groups" : number(stress));
    facts.push_back({"loss", std::string(loss_name(settings)) + ", " + weights});
    if (network.kind != NetworkKind::mlp)
      facts.push_back({"optimizer", solver_text(settings)});
    else if (outcome.history.empty())
      facts.push_back({"optimizer", "none: no epochs"});
    else
      facts.push_back({"optimizer", training_text(settings)});
    facts.push_back({"arithmetic of the model", settings.torchpot.precision == Precision::float64
                                     ? "float64"
                                     : "float32"});
  }
  facts.push_back({"reference potential",
                   model.reference.empty() ? "none" : joined(model.reference, "\n")});
  facts.push_back({"units", dataset.units});
  return facts;
}

Facts data_facts(const Dataset &dataset)
{
  Facts facts;
  const std::string sets = dataset.divided ? " for training, " +
          std::to_string(dataset.count(true)) + " for tests, in "
                                           : " in ";
  facts.push_back({"configurations", std::to_string(dataset.count(false)) + sets +
                                         std::to_string(dataset.groups.size()) + " groups"});
  std::vector<std::size_t> count(dataset.elements.size(), 0);
  std::size_t energies = 0, forces = 0, stresses = 0;
  for (const Configuration &configuration : dataset.configurations) {
    for (int element : configuration.element) ++count[element];
    energies += configuration.has_energy, forces += configuration.has_forces;
    stresses += configuration.has_stress;
  }
  std::string atoms;
  for (std::size_t e = 0; e < count.size(); ++e)
    atoms += (e ? ", " : "") + std::to_string(count[e]) + " " + dataset.elements[e];
  facts.push_back({"atoms", atoms});
  facts.push_back({"labels", std::to_string(energies) + " configurations with energy, " +
                                 std::to_string(forces) + " with forces, " +
                                 std::to_string(stresses) + " with stress"});
  facts.push_back({"SHA-256", dataset.hash});
  return facts;
}

std::string report_text(const Settings &settings, const Dataset &dataset,
                        const FitOutcome &outcome, const Model &model, const std::string &file)
{
  Report report;
  report.title = std::filesystem::path(settings.input_file).filename().string();
  report.subtitle = (outcome.trained ? "Fit" : "Evaluation of " + file) +
      " by torchpot_fit " TORCHPOT_VERSION ", " + outcome.date;
  report.model = file;
  report.units = dataset.units;
  report.settings = settings_facts(settings, dataset, outcome, model);
  report.data = data_facts(dataset);
  report.resources = outcome.resources;
  report.versions = {{"torchpot", TORCHPOT_VERSION}};
  if (!outcome.lammps_version.empty())
    report.versions.push_back({"LAMMPS", outcome.lammps_version});
  report.history = outcome.history;
  for (const Baseline &errors : member_errors(outcome)) {
    const FitOutcome &member = outcome.members[report.members.size()];
    report.members.push_back({errors, member.history, member.best_epoch});
  }
  report.spread = outcome.spread;
  report.best_epoch = outcome.best_epoch;
  report.baselines = outcome.baselines;
  report.divided = dataset.divided;
  return report_html(report, outcome.results);
}

/// What LAMMPS needs to run the models, with and without torchpot. `model`: the first. Returns
/// notes.
std::vector<std::string> write_lammps_files(const Settings &settings, const Dataset &dataset,
                                            const Model &model)
{
  const std::string &stem = settings.outfile.potential;
  const MliapNames names(stem);
  const int n = settings.torchpot.committee;
  MliapExport mliap = mliap_export(model);
  write_output_file(torchpot_include(settings),
                    potential_mod_text(dataset.reference,
                                       joined(member_files(settings.torchpot.model, n)),
                                       dataset.elements) +
                        (n > 1 ? deviation_mod_text() : ""));
  if (n > 1)
    mliap.notes.push_back(names.model + " is network 1 alone: pair_style mliap has no committees");
  if (settings.is_linear_solver()) {
    const SnapNames snap(stem);
    write_output_file(snap.coefficients, snap_coefficients_text(model));
    write_output_file(snap.parameters, snap_parameters_text(model));
    write_output_file(snap.include, snap_include_text(model, snap));
  }
  write_output_file(names.descriptor, mliap_descriptor_text(dataset.descriptor));
  if (mliap.obstacle.empty()) {
    write_output_file(names.model, mliap.model);
    write_output_file(names.include, mliap_include_text(model, mliap, names));
    return mliap.notes;
  }
  // those of an earlier fit would not belong to the new descriptor
  for (const std::string &old : {names.model, names.include}) {
    std::error_code error;
    std::filesystem::remove(old, error);
  }
  return {"no " + names.model + ", for LAMMPS's own pair_style mliap: " + mliap.obstacle};
}

/// Without stresses there is none, and that of an earlier fit goes.
void write_stress_file(const FitResults &results, const std::string &file)
{
  const auto has = [](const ConfigurationResult &c) { return c.has_stress; };
  std::error_code error;
  if (std::any_of(results.configurations.begin(), results.configurations.end(), has))
    write_output_file(file, [&](std::ostream &to) { write_stress(results, to); });
  else
    std::filesystem::remove(file, error);
}

/// What each network has of its own.
void write_member(const Settings &settings, const Model &model, const FitOutcome &outcome)
{
  const auto name = [&](const std::string &file) {
    return member_file(file, outcome.member, settings.torchpot.committee);
  };
  write_model(model, name(settings.torchpot.model));
  const std::string state = name(settings.pytorch.state_output);
  if (!state.empty()) write_model(model, state);
  if (!settings.outfile.loss.empty())
    write_output_file(name(settings.outfile.loss), loss_text(outcome.history));
}

}    // namespace

std::vector<std::string> write_fit_files(const Settings &settings, const Dataset &dataset,
                                         const FitOutcome &outcome, const std::string &model_file)
{
  const OutputSettings &out = settings.outfile;
  const FitResults &results = outcome.results;
  const int n = settings.torchpot.committee;
  const Model model = assemble_model(
      settings, dataset, outcome.members.empty() ? outcome : outcome.members.front());
  std::vector<std::string> notes;
  if (outcome.trained) {    // first what cannot be made again in seconds
    if (outcome.members.empty()) write_member(settings, model, outcome);
    for (const FitOutcome &member : outcome.members)
      write_member(settings, assemble_model(settings, dataset, member), member);
    notes = write_lammps_files(settings, dataset, model);
    const std::string next = member_file(settings.torchpot.model, n + 1, n + 1);
    if (n > 1 && std::filesystem::exists(next))
      notes.push_back(next + " is of another fit, not a member of this committee");
  }
  if (!out.metrics.empty())
    write_output_file(out.metrics, metrics_text(error_table(results), dataset.divided));
  if (!out.perconfig.empty())
    write_output_file(out.perconfig, [&](std::ostream &to) { write_perconfig(results, to); });
  if (!out.stress.empty()) write_stress_file(results, out.stress);
  if (!outcome.members.empty())
    write_output_file(out.committee, [&](std::ostream &to) {
      write_committee(results, outcome.spread, to);
    });
  if (!out.peratom.empty())
    write_output_file(out.peratom, [&](std::ostream &to) { write_peratom(results, to); });
  if (!settings.torchpot.report.empty())
    write_output_file(settings.torchpot.report,
                      report_text(settings, dataset, outcome, model,
                                  outcome.trained ? joined(member_files(settings.torchpot.model, n))
                                                  : model_file));
  return notes;
}

}    // namespace torchpot
