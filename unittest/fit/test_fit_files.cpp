// From a trained network to model.pt and the other files of a fit.
#include "committee_fit.h"
#include "fit_files.h"

#include "torchpot_error.h"
#include "torchpot_model_file.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <unistd.h>

using namespace torchpot;
namespace fs = std::filesystem;

namespace {

class FitFiles : public ::testing::Test {
 protected:
  void SetUp() override
  {
    path = fs::temp_directory_path() / ("torchpot_fit_files_" + std::to_string(::getpid()));
    fs::create_directory(path);
    settings.input_file = "folder/Ta.fit";
    settings.input_text = "[BISPECTRUM]\ntwojmax = 2\n";
    settings.outfile.metrics = file("metrics");
    settings.outfile.potential = file("Ta_pot");
    settings.outfile.perconfig = file("perconfig.dat");
    settings.outfile.peratom = file("peratom.dat");
    settings.outfile.loss = file("loss_vs_epochs.dat");
    settings.torchpot.model = file("Ta.pt");
    settings.torchpot.report = file("report.html");
    settings.pytorch.energy_weight = 0.01, settings.pytorch.force_weight = 1.0;
    settings.pytorch.learning_rate = 0.01, settings.pytorch.num_epochs = 3;
    make_dataset();
    make_outcome();
  }
  void TearDown() override { fs::remove_all(path); }
  std::string file(const std::string &name) const { return (path / name).string(); }
  std::string content(const std::string &name) const
  {
    std::ifstream stream(file(name));
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
  }

  void make_dataset()
  {
    dataset.elements = {"Ta"};
    dataset.descriptor.elements = {"Ta"};
    dataset.descriptor.radelem = {0.5}, dataset.descriptor.welem = {1.0};
    dataset.descriptor.twojmax = 2;
    dataset.n_descriptors = dataset.descriptor.n_descriptors();
    dataset.reference = {"pair_style hybrid/overlay zero 10.0 zbl 4.0 4.8", "pair_coeff * * zero",
                         "pair_coeff * * zbl 73 73"};
    dataset.groups = {"Liquid"};
    dataset.hash = "abc123";
    for (int m = 0; m < 2; ++m) {
      Configuration c;
      c.file = "A_" + std::to_string(m) + ".json", c.group = "Liquid", c.test = m == 1;
      c.element = {0, 0};
      c.has_energy = c.has_forces = true;
      c.energy = -20.0, c.reference_energy = 2.0;
      c.force.assign(6, 1.0), c.reference_force.assign(6, 0.25);
      dataset.configurations.push_back(c);
    }
  }

  void make_outcome()
  {
    NetworkParameters &network = outcome.network;
    network.n_descriptors = dataset.n_descriptors;
    network.layer_sizes = {3, 1};
    network.activations = {Activation::softplus, Activation::linear};
    network.energy_shift = {-11.0};
    network.input_shift.assign(network.n_descriptors, 0.5);
    network.input_scale.assign(network.n_descriptors, 2.0);
    for (int i = 0; i < network.n_parameters(); ++i) network.parameters.push_back(std::sin(i));
    outcome.results.configurations.resize(2);
    for (int m = 0; m < 2; ++m) {
      ConfigurationResult &r = outcome.results.configurations[m];
      r.file = dataset.configurations[m].file, r.group = "Liquid", r.test = m == 1, r.n_atoms = 2;
      r.energy = -11.0, r.predicted_energy = -10.9, r.first_atom = 2 * m;
    }
    outcome.results.type.assign(4, 0);
    outcome.results.force.assign(12, 0.75);
    outcome.results.predicted_force.assign(12, 0.5);
    add_reference(dataset, outcome.results);
    outcome.history = {{1, 0.5, 0.6}, {2, 0.4, 0.5}};
    outcome.best_epoch = 2;
    outcome.date = "2026-05-04T09:30:00Z";
    outcome.lammps_version = "20250722";
  }

  fs::path path;
  Settings settings;
  Dataset dataset;
  FitOutcome outcome;
};

}    // namespace

TEST_F(FitFiles, ReferenceIsAddedForFiguresAlone)
{
  EXPECT_DOUBLE_EQ(outcome.results.configurations[1].reference_energy, 1.0);
  EXPECT_DOUBLE_EQ(outcome.results.reference(7), 0.25);
  // the zero-force model is wrong by the forces of the data, 1
  EXPECT_DOUBLE_EQ(zero_force_baseline(outcome.results).force[1].mae, 1.0);
  EXPECT_NEAR(error_table(outcome.results)[0].force[1].mae, 0.25, 1e-15);
  outcome.results.type.pop_back();
  try {
    add_reference(dataset, outcome.results);
    ADD_FAILURE();
  } catch (const Error &error) {
    EXPECT_STREQ(error.what(), "add_reference: the predictions are not those of the data; found: "
                               "2 configurations, 3 atoms; wanted: 2, 4");
  }
}

TEST_F(FitFiles, StressIsRecordedAndInAFileOfItsOwn)
{
  settings.outfile.stress = file("stress.dat");
  settings.torchpot.stress_weight = 0.5;
  EXPECT_EQ(fit_file_names(settings, true).size(), 11u);
  dataset.configurations[1].has_stress = true;
  dataset.configurations[1].reference_stress[2] = 2e4;    // bar
  ConfigurationResult &r = outcome.results.configurations[1];
  r.has_stress = true;
  r.predicted_stress[2] = 6.0;
  add_reference(dataset, outcome.results);
  EXPECT_DOUBLE_EQ(r.reference_stress[2], 2.0);    // GPa
  write_fit_files(settings, dataset, outcome);
  EXPECT_TRUE(fs::exists(file("stress.dat")));
  auto record = nlohmann::json::parse(read_model(file("Ta.pt")).training);
  EXPECT_EQ(record["loss"]["stress_weight"], 0.5);
  EXPECT_NEAR(record["errors"]["test"]["stress_mae"].get<double>(), 1.0, 1e-12);
  EXPECT_TRUE(record["errors"]["train"]["stress_mae"].is_null());
  EXPECT_NE(content("report.html").find("stress weight 0.5"), std::string::npos);
  EXPECT_NE(content("report.html").find("1 with stress"), std::string::npos);
  // the file of an earlier fit does not stay beside new ones that have no stress
  r.has_stress = false;
  settings.torchpot.stress_weight = NAN;
  write_fit_files(settings, dataset, outcome);
  EXPECT_FALSE(fs::exists(file("stress.dat")));
  record = nlohmann::json::parse(read_model(file("Ta.pt")).training);
  EXPECT_TRUE(record["loss"]["stress_weight"].is_null());
  EXPECT_FALSE(record["errors"]["test"].contains("stress_mae"));
}

TEST_F(FitFiles, LossHistoryTakesTheEpochs)
{
  EpochRecord record;
  record.epoch = 3, record.training_loss = 0.5, record.validation_loss = 0.25;
  auto points = loss_history({record});
  ASSERT_EQ(points.size(), 1u);
  EXPECT_EQ(points[0].epoch, 3);
  EXPECT_EQ(points[0].train, 0.5);
  EXPECT_EQ(points[0].validation, 0.25);
}

TEST_F(FitFiles, LinearSolversLeaveFilesForPairSnap)
{
  settings.solver = SolverKind::ridge;
  settings.ridge_alpha = 1e-4;
  settings.outfile.loss.clear();
  NetworkParameters &network = outcome.network;
  network.kind = NetworkKind::linear;
  network.element_mode = ElementMode::per_element;
  network.layer_sizes.clear();
  network.activations.clear();
  network.parameters.assign(network.n_descriptors, 0.25);
  network.output_scale = 1.0;
  outcome.history.clear();
  try {
    write_fit_files(settings, dataset, outcome);
    FAIL() << "descriptors are scaled";
  } catch (const Error &error) {
    EXPECT_NE(std::string(error.what()).find("pair_style snap has no scaling of descriptors"),
              std::string::npos);
  }
  network.input_shift.assign(network.input_shift.size(), 0.0);
  network.input_scale.assign(network.input_scale.size(), 1.0);
  const auto names = fit_file_names(settings, true);
  EXPECT_TRUE(write_fit_files(settings, dataset, outcome).empty());
  for (const std::string &name : names) EXPECT_TRUE(fs::exists(name)) << name;
  EXPECT_NE(content("Ta_pot.snapcoeff").find("0.25 # 0 0 0"), std::string::npos);
  EXPECT_NE(content("Ta_pot.snapparam").find("twojmax 2"), std::string::npos);
  EXPECT_NE(content("Ta_pot.mod").find("pair_coeff * * snap " + file("Ta_pot.snapcoeff")),
            std::string::npos);
  EXPECT_NE(content("Ta_pot.torchpot.mod").find("pair_coeff * * torchpot"), std::string::npos);
  EXPECT_NE(content("report.html").find("ridge regression, alpha 0.0001"), std::string::npos);
  const auto record = nlohmann::json::parse(read_model(file("Ta.pt")).training);
  EXPECT_EQ(record["loss"]["form"], "weighted rows");
  EXPECT_EQ(record["loss"]["solver"], "ridge regression, alpha 0.0001");
}

TEST_F(FitFiles, TrainingLeavesModelTablesAndReport)
{
  auto names = fit_file_names(settings, true);
  EXPECT_EQ(names.size(), 10u);
  outcome.network.activations[0] = Activation::tanh;
  EXPECT_TRUE(write_fit_files(settings, dataset, outcome).empty());
  for (const std::string &name : names) EXPECT_TRUE(fs::exists(name)) << name;
  EXPECT_EQ(std::distance(fs::directory_iterator(path), fs::directory_iterator()), 10);

  Model model = read_model(file("Ta.pt"));
  EXPECT_EQ(model.network.parameters, outcome.network.parameters);
  EXPECT_DOUBLE_EQ(model.cutoff, 4.67637);
  EXPECT_EQ(model.reference, (std::vector<std::string>{"pair_style hybrid/overlay zbl 4.0 4.8",
                                                       "pair_coeff * * zbl 73 73"}));
  auto record = nlohmann::json::parse(model.training);
  EXPECT_EQ(record["input"], settings.input_text);
  EXPECT_EQ(record["input_file"], "Ta.fit");
  EXPECT_EQ(record["data_hash"], "abc123");
  EXPECT_EQ(record["data"]["configurations_test"], 1);
  EXPECT_EQ(record["loss"]["form"], "fitsnap");
  EXPECT_EQ(record["loss"]["energy_weight"], 0.01);
  EXPECT_EQ(record["epochs"], 2);
  EXPECT_EQ(record["date"], "2026-05-04T09:30:00Z");
  EXPECT_EQ(record["versions"]["lammps"], "20250722");
  EXPECT_NEAR(record["errors"]["test"]["energy_mae"].get<double>(), 0.1, 1e-12);
  EXPECT_NEAR(record["errors"]["train"]["force_mae"].get<double>(), 0.25, 1e-12);

  EXPECT_NE(content("Ta_pot.mod").find("pair_coeff * * torchpot " + file("Ta.pt") + " Ta"),
            std::string::npos);
  EXPECT_NE(content("Ta_pot.mliap.descriptor").find("twojmax 2"), std::string::npos);
  EXPECT_NE(content("Ta_pot.mliap.model").find("NET 5 2 tanh 3 linear 1"), std::string::npos);
  EXPECT_NE(content("Ta_pot.mliap.mod").find(
                "pair_style hybrid/overlay zbl 4.0 4.8 mliap model nn " +
                file("Ta_pot.mliap.model") + " descriptor sna " + file("Ta_pot.mliap.descriptor")),
            std::string::npos);
  EXPECT_NE(content("perconfig.dat").find("A_1.json Liquid 2 -11 -10.9 True"), std::string::npos);
  const std::string page = content("report.html");
  for (const char *part : {"Ta.fit", "adam, learning rate 0.01 (constant), batches of 4",
                           "energy weight 0.01", "1 for training, 1 for tests", "pair_coeff * * zbl 73 73", "abc123",
                           "best, epoch 2", "20250722"})
    EXPECT_NE(page.find(part), std::string::npos) << part;
}

TEST_F(FitFiles, ACommitteeHasAModelForEachMember)
{
  settings.torchpot.committee = 2;
  settings.torchpot.seed = 7;
  settings.outfile.committee = file("committee.dat");
  settings.pytorch.state_output = file("state.pt");
  std::vector<FitOutcome> members(2, outcome);
  for (FitOutcome &member : members) member.network.activations[0] = Activation::tanh;
  members[1].network.parameters[0] += 1.0;
  members[1].results.configurations[1].predicted_energy = -10.5;
  members[1].history.resize(1), members[1].best_epoch = 1;
  set_members(outcome, members);
  join_members(outcome);
  EXPECT_NEAR(outcome.results.configurations[1].predicted_energy, -10.7, 1e-12);
  EXPECT_EQ(outcome.network.parameters, members[0].network.parameters);
  EXPECT_EQ(outcome.best_epoch, 2);
  EXPECT_NEAR(member_errors(outcome).at(1).energy[1].mae, 0.5, 1e-12);

  const auto names = fit_file_names(settings, true);
  EXPECT_EQ(names.size(), 15u);
  std::ofstream(file("Ta_3.pt")) << "of a larger committee";
  EXPECT_EQ(write_fit_files(settings, dataset, outcome),
            (std::vector<std::string>{file("Ta_pot.mliap.model") +
                                          " is network 1 alone: pair_style mliap has no committees",
                                      file("Ta_3.pt") +
                                          " is of another fit, not a member of this committee"}));
  for (const std::string &name : names) EXPECT_TRUE(fs::exists(name)) << name;
  EXPECT_EQ(std::distance(fs::directory_iterator(path), fs::directory_iterator()), 16);
  for (int m = 0; m < 2; ++m) {
    const std::string number = std::to_string(m + 1);
    const Model model = read_model(file("Ta_" + number + ".pt"));
    EXPECT_EQ(model.network.parameters, members[m].network.parameters);
    EXPECT_EQ(read_model(file("state_" + number + ".pt")).network.parameters,
              members[m].network.parameters);
    const auto record = nlohmann::json::parse(model.training);
    EXPECT_EQ(record["committee"].dump(), "{\"data\":\"all\",\"member\":" + number +
                                              ",\"members\":2,\"seed\":" +
                                              std::to_string(7 + m) + "}");
    EXPECT_EQ(record["best_epoch"], 2 - m);
    EXPECT_EQ(record["date"], "2026-05-04T09:30:00Z");
    EXPECT_EQ(record["versions"]["lammps"], "20250722");
    EXPECT_NEAR(record["errors"]["test"]["energy_mae"].get<double>(), m ? 0.5 : 0.1, 1e-12);
    EXPECT_EQ(content("loss_vs_epochs_" + number + ".dat"),
              loss_text(outcome.members[m].history));
    EXPECT_NE(content("report.html").find("network " + number), std::string::npos);
  }
  EXPECT_NE(content("Ta_pot.mod").find("pair_coeff * * torchpot " + file("Ta_1.pt") + " " +
                                       file("Ta_2.pt") + " Ta\n# How far"),
            std::string::npos);
  EXPECT_NE(content("Ta_pot.mod").find("\n#fix deviation all pair 10 torchpot deviation 1\n"),
            std::string::npos);
  EXPECT_NE(content("committee.dat").find("A_1.json Liquid 2 -11 -10.7 0.2 0 0 True"),
            std::string::npos);
  EXPECT_NE(content("perconfig.dat").find("A_1.json Liquid 2 -11 -10.7 True"), std::string::npos);
  EXPECT_NE(content("report.html").find("a committee of 2"), std::string::npos);
}

TEST_F(FitFiles, NothingForMliapThatItCannotRun)
{
  for (const char *old : {"Ta_pot.mliap.model", "Ta_pot.mliap.mod"})
    std::ofstream(file(old)) << "of an earlier fit";
  settings.pytorch.state_output = file("state.pt");
  EXPECT_EQ(fit_file_names(settings, true).size(), 11u);
  EXPECT_EQ(write_fit_files(settings, dataset, outcome),
            (std::vector<std::string>{
                "no " + file("Ta_pot.mliap.model") + ", for LAMMPS's own pair_style mliap: its "
                "networks have the activations linear, tanh, sigmoid and relu, not softplus"}));
  EXPECT_FALSE(fs::exists(file("Ta_pot.mliap.model")));
  EXPECT_FALSE(fs::exists(file("Ta_pot.mliap.mod")));
  EXPECT_TRUE(fs::exists(file("Ta_pot.mliap.descriptor")));
  EXPECT_EQ(read_model(file("state.pt")).network.parameters, outcome.network.parameters);
  // the same name for both is one file
  settings.pytorch.state_output = settings.torchpot.model;
  EXPECT_EQ(fit_file_names(settings, true).size(), 10u);
}

TEST_F(FitFiles, EvaluationLeavesTablesAlone)
{
  outcome.trained = false, outcome.history.clear();
  settings.outfile.peratom = "";
  EXPECT_EQ(fit_file_names(settings, false),
            (std::vector<std::string>{file("metrics"), file("perconfig.dat"),
                                      file("report.html")}));
  write_fit_files(settings, dataset, outcome, "old.pt");
  EXPECT_EQ(std::distance(fs::directory_iterator(path), fs::directory_iterator()), 3);
  const std::string page = content("report.html");
  EXPECT_NE(page.find("Evaluation of old.pt by torchpot_fit"), std::string::npos);
  EXPECT_NE(page.find("old.pt"), std::string::npos);
  EXPECT_EQ(page.find("Loss per epoch"), std::string::npos);
}

TEST_F(FitFiles, EvaluationHasNamesOfItsOwn)
{
  settings.outfile.perconfig = "";
  settings.torchpot.committee = 2;
  settings.outfile.committee = file("committee.dat");
  const Settings own = evaluation_settings(settings);
  EXPECT_EQ(fit_file_names(own, false),
            (std::vector<std::string>{file("metrics_evaluation"), file("peratom_evaluation.dat"),
                                      file("report_evaluation.html"),
                                      file("committee_evaluation.dat")}));
}

TEST_F(FitFiles, DataOfTheTrainingAndOthers)
{
  Model model = assemble_model(settings, dataset, outcome);
  EXPECT_TRUE(was_trained_on(model, dataset));
  dataset.hash[0] ^= 1;
  EXPECT_FALSE(was_trained_on(model, dataset));
  for (const char *record : {"{}", "[]", "no JSON", "{\"data_hash\": 3}"}) {
    model.training = record;
    EXPECT_FALSE(was_trained_on(model, dataset)) << record;
  }
}

TEST_F(FitFiles, NamesMustDiffer)
{
  settings.outfile.metrics = file("x/../report.html");
  try {
    fit_file_names(settings, true);
    ADD_FAILURE();
  } catch (const Error &error) {
    EXPECT_EQ(std::string(error.what()),
              "folder/Ta.fit: two outputs have the same file name; found: " + file("report.html") +
                  ". Rename one of them in [OUTFILE], [PYTORCH] or [TORCHPOT]");
  }
}

TEST(Date, IsIso)
{
  std::string date = date_now();
  EXPECT_EQ(date.size(), 20u);
  EXPECT_EQ(date[10], 'T');
  EXPECT_EQ(date.back(), 'Z');
}

TEST(Memory, HasAUnit)
{
  std::string memory = peak_memory();
  EXPECT_NE(memory.find('B'), std::string::npos);
  EXPECT_GT(std::stod(memory), 1.0);
}

TEST_F(FitFiles, RecordsSurviveInputThatIsNoUtf8)
{
  settings.input_text = "name = K\xf6rper";
  EXPECT_NE(nlohmann::json::parse(training_record(settings, dataset, outcome))["input"], "");
}
