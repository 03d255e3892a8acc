// Training: Adam, determinism, continuation to the bit, the best model, the exported model.
#include "trainer.h"
#include "error_message.h"
#include "synthetic_data.h"
#include "torchpot_error.h"
#include "torchpot_evaluator.h"
#include "torchpot_model_file.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <gtest/gtest.h>
#include <unistd.h>

using namespace torchpot;
using namespace torchpot_test;
namespace fs = std::filesystem;

namespace {

class Quiet : public Progress {
 public:
  void start(int first, int) override { first_epoch = first; }
  void batch(int, std::size_t, std::size_t) override { batches++; }
  void epoch(const EpochRecord &) override {}
  void note(const std::string &text) override { notes.push_back(text); }
  void finish() override { finished = true; }
  std::vector<std::string> notes;
  int first_epoch = 0, batches = 0;
  bool finished = false;
};

const std::function<bool()> NEVER = [] { return false; };

TrainingOptions small_options()
{
  TrainingOptions options;
  options.learning_rate = 1e-2;
  options.num_epochs = 6;
  options.batch_size = 3;
  options.seed = 11;
  return options;
}

NetworkShape small_shape(ElementMode mode = ElementMode::shared)
{
  NetworkShape shape;
  shape.element_mode = mode;
  shape.layer_sizes = {6, 5, 1};
  shape.activations = {Activation::softplus, Activation::tanh, Activation::linear};
  return shape;
}

TEST(Training, OptionsOfTheInputFile)
{
  Settings settings;
  settings.pytorch.layer_sizes = {8, 4, 1};
  settings.pytorch.learning_rate = 5e-5;
  settings.pytorch.num_epochs = 200;
  settings.pytorch.batch_size = 7;
  settings.pytorch.shuffle = false;
  settings.pytorch.energy_weight = 1e-2;
  settings.pytorch.multi_element_option = 2;
  settings.torchpot.documented_loss = true;
  settings.torchpot.activation = Activation::silu;
  settings.torchpot.seed = 3;
  settings.torchpot.checkpoint = "x.state";
  settings.torchpot.checkpoint_every = 4;
  const TrainingOptions options = training_options(settings);
  EXPECT_EQ(options.learning_rate, 5e-5);
  EXPECT_EQ(options.num_epochs, 200);
  EXPECT_EQ(options.batch_size, 7);
  EXPECT_FALSE(options.shuffle);
  EXPECT_EQ(options.seed, 3u);
  EXPECT_EQ(options.checkpoint, "x.state");
  EXPECT_EQ(options.checkpoint_every, 4);
  EXPECT_EQ(options.loss.form, LossForm::documented);
  EXPECT_EQ(options.loss.energy_weight, 1e-2);
  EXPECT_TRUE(std::isnan(options.loss.force_weight));
  const NetworkShape shape = network_shape(settings);
  EXPECT_EQ(shape.element_mode, ElementMode::per_element);
  EXPECT_EQ(shape.layer_sizes, (std::vector<int>{8, 4, 1}));
  EXPECT_EQ(shape.activations,
            (std::vector<Activation>{Activation::silu, Activation::silu, Activation::linear}));
}

TEST(Training, LowersTheLossInAllElementModes)
{
  const Dataset data = snap_dataset(24);
  const SampleSet samples(data);
  for (const ElementMode mode :
       {ElementMode::shared, ElementMode::per_element, ElementMode::one_hot}) {
    TrainingOptions options = small_options();
    options.num_epochs = 60;
    options.learning_rate = 1e-3;
    options.precision = Precision::float32;
    Trainer trainer(options, small_shape(mode), samples);
    Quiet progress;
    EXPECT_EQ(trainer.run(progress, NEVER), TrainingStatus::finished);
    EXPECT_TRUE(progress.finished);
    EXPECT_EQ(progress.batches, 60 * 6);
    const std::vector<EpochRecord> &history = trainer.history();
    ASSERT_EQ(history.size(), 60u);
    EXPECT_LT(history.back().training_loss, 0.8 * history.front().training_loss);
    EXPECT_LT(history.back().force_mae, history.front().force_mae);
  }
}

TEST(Training, ShipsTheModelOfTheBestValidationLoss)
{
  const Dataset data = snap_dataset(24);
  const SampleSet samples(data);
  TrainingOptions options = small_options();
  options.num_epochs = 12;
  options.learning_rate = 0.05;    // wild enough that the last epoch is not the best
  Trainer trainer(options, small_shape(), samples);
  EXPECT_EQ(trainer.prepare(), "");
  Quiet progress;
  // the validation loss is the mean over batches of the validation configurations, in order
  const auto score = [&](const NetworkParameters &network) {
    BatchLoss loss(network, options.loss, Precision::float64);
    double sum = 0.0;
    int n_batches = 0;
    for (std::size_t m = 0; m < samples.validation.size(); m += 3, n_batches++)
      sum += loss.evaluate(std::min<std::size_t>(3, samples.validation.size() - m),
                           &samples.validation[m], nullptr);
    return sum / n_batches;
  };
  double lowest = score(trainer.best());    // the start is a candidate
  trainer.run(progress, NEVER);
  int best = 0;
  for (const EpochRecord &record : trainer.history()) {
    EXPECT_EQ(record.best, record.validation_loss < lowest);
    if (record.best) {
      best = record.epoch;
      lowest = record.validation_loss;
    }
  }
  EXPECT_EQ(trainer.best_epoch(), best);
  ASSERT_NE(best, options.num_epochs);
  EXPECT_NE(trainer.best().parameters, trainer.last().parameters);
  EXPECT_NEAR(score(trainer.best()), lowest, 1e-12 * lowest);
}

TEST(Training, NeverShipsAWorseModelThanItStartedFrom)
{
  const Dataset data = random_dataset(20, 2, 4);    // nothing can be learned from it
  const SampleSet samples(data);
  TrainingOptions options = small_options();
  options.learning_rate = 5.0;
  Trainer trainer(options, small_shape(), samples);
  trainer.prepare();
  const std::vector<double> start = trainer.best().parameters;
  Quiet progress;
  trainer.run(progress, NEVER);
  EXPECT_EQ(trainer.best_epoch(), 0);
  EXPECT_EQ(trainer.best().parameters, start);
}

TEST(Training, WithoutValidationTheTrainingLossDecides)
{
  Dataset data = random_dataset(10, 2, 4);
  for (Configuration &c : data.configurations) c.test = false;
  const SampleSet samples(data);
  Trainer trainer(small_options(), small_shape(), samples);
  Quiet progress;
  trainer.run(progress, NEVER);
  double best = INFINITY;
  for (const EpochRecord &record : trainer.history()) {
    EXPECT_TRUE(std::isnan(record.validation_loss));
    EXPECT_TRUE(std::isnan(record.force_mae));
    best = std::min(best, record.training_loss);
  }
  EXPECT_EQ(trainer.history()[trainer.best_epoch() - 1].training_loss, best);
}

TEST(Training, NoEpochsLeaveTheStart)
{
  const Dataset data = random_dataset(10, 1, 3);
  const SampleSet samples(data);
  TrainingOptions options = small_options();
  options.num_epochs = 0;
  Trainer trainer(options, small_shape(), samples);
  Quiet progress;
  EXPECT_EQ(trainer.run(progress, NEVER), TrainingStatus::finished);
  EXPECT_EQ(trainer.best().parameters, trainer.last().parameters);
}

TEST(Training, LearnsEnergiesAloneAndForcesAlone)
{
  const Dataset data = random_dataset(12, 2, 4);
  for (const bool forces : {false, true}) {
    const SampleSet samples(data, !forces, forces);
    Trainer trainer(small_options(), small_shape(), samples);
    Quiet progress;
    trainer.run(progress, NEVER);
    EXPECT_LT(trainer.history().back().training_loss, trainer.history().front().training_loss);
    EXPECT_EQ(std::isnan(trainer.history().back().energy_mae), forces);
    EXPECT_EQ(std::isnan(trainer.history().back().force_mae), !forces);
  }
}

class Continuation : public ::testing::Test {
 protected:
  void SetUp() override
  {
    folder = fs::temp_directory_path() /
        (std::string("torchpot_trainer_") +
         ::testing::UnitTest::GetInstance()->current_test_info()->name() + "_" +
         std::to_string((long) getpid()));
    fs::create_directories(folder);
    options.checkpoint = (folder / "fit.state").string();
  }
  void TearDown() override { fs::remove_all(folder); }

  void expect_same(const Trainer &a, const Trainer &b)
  {
    EXPECT_EQ(a.last().parameters, b.last().parameters);
    EXPECT_EQ(a.best().parameters, b.best().parameters);
    EXPECT_EQ(a.best_epoch(), b.best_epoch());
    ASSERT_EQ(a.history().size(), b.history().size());
    for (std::size_t k = 0; k < a.history().size(); k++) {
      EXPECT_EQ(a.history()[k].training_loss, b.history()[k].training_loss);
      EXPECT_EQ(a.history()[k].validation_loss, b.history()[k].validation_loss);
    }
  }

  TrainingOptions options = small_options();
  fs::path folder;
  const Dataset data = random_dataset(16, 2, 4);
  const SampleSet samples{data};
  Quiet progress;
};

TEST_F(Continuation, IsTheSameToTheBit)
{
  TrainingOptions plain = options;
  plain.checkpoint = "";
  for (const Precision precision : {Precision::float64, Precision::float32}) {
    options.precision = plain.precision = precision;
    Trainer whole(plain, small_shape(), samples);
    whole.run(progress, NEVER);
    Trainer again(plain, small_shape(), samples);
    again.run(progress, NEVER);
    expect_same(whole, again);
    const int n_batches = 4;
    // within an epoch, after its last batch, within the first and the last epoch
    for (const int k : {1, 6, 8, 13, 6 * n_batches - 1}) {
      remove_checkpoint(options.checkpoint);
      int count = 0;
      Trainer first(options, small_shape(), samples);
      EXPECT_EQ(first.run(progress, [&] { return ++count == k; }), TrainingStatus::interrupted);
      EXPECT_EQ(count, k);
      Trainer second(options, small_shape(), samples);
      const std::string text = second.prepare();
      EXPECT_EQ(text.find("continuing from " + options.checkpoint + " after epoch "), 0u) << text;
      EXPECT_EQ(second.run(progress, NEVER), TrainingStatus::finished);
      expect_same(whole, second);
    }
  }
}

TEST_F(Continuation, InterruptedAtEachBatch)
{
  Trainer whole(options, small_shape(), samples);
  whole.run(progress, NEVER);
  remove_checkpoint(options.checkpoint);
  for (int k = 0; k < 100; k++) {
    Trainer part(options, small_shape(), samples);
    if (part.run(progress, [] { return true; }) == TrainingStatus::finished) break;
  }
  Trainer last(options, small_shape(), samples);
  last.prepare();
  expect_same(whole, last);
}

TEST_F(Continuation, MoreEpochsGoOn)
{
  TrainingOptions longer = options;
  longer.checkpoint = "";
  longer.num_epochs = 9;
  Trainer whole(longer, small_shape(), samples);
  whole.run(progress, NEVER);
  Trainer first(options, small_shape(), samples);
  first.run(progress, NEVER);
  longer.checkpoint = options.checkpoint;
  Trainer second(longer, small_shape(), samples);
  second.run(progress, NEVER);
  EXPECT_EQ(progress.first_epoch, 7);
  expect_same(whole, second);
}

TEST_F(Continuation, ACheckpointOfAnotherFitIsRefused)
{
  Trainer first(options, small_shape(), samples);
  first.run(progress, NEVER);
  TrainingOptions other = options;
  other.learning_rate = 0.5;
  const auto refusal = [&](const TrainingOptions &o, const NetworkShape &s, const SampleSet &d) {
    return message([&] { Trainer(o, s, d).prepare(); });
  };
  EXPECT_EQ(refusal(options, small_shape(), samples), "no error");
  EXPECT_NE(refusal(other, small_shape(), samples).find("learning_rate differs"),
            std::string::npos);
  other = options;
  other.loss.stress_weight = 0.5;
  EXPECT_NE(refusal(other, small_shape(), samples).find("stress_weight differs"),
            std::string::npos);
  EXPECT_NE(refusal(options, small_shape(ElementMode::one_hot), samples).find("networks differs"),
            std::string::npos);
  Dataset changed = data;
  changed.configurations[0].force[2] += 1e-9;
  const SampleSet changed_samples(changed);
  EXPECT_NE(refusal(options, small_shape(), changed_samples).find("training data differs"),
            std::string::npos);
  other.restart = true;
  EXPECT_EQ(refusal(other, small_shape(), samples), "no error");
  EXPECT_TRUE(fs::is_empty(folder));
}

TEST_F(Continuation, ADamagedCheckpointWarns)
{
  options.num_epochs = 1;
  Trainer(options, small_shape(), samples).run(progress, NEVER);
  options.num_epochs = 2;
  Trainer(options, small_shape(), samples).run(progress, NEVER);
  fs::resize_file(options.checkpoint, 100);
  Trainer trainer(options, small_shape(), samples);
  EXPECT_EQ(trainer.prepare().find("WARNING: the checkpoint"), 0u);
  EXPECT_EQ(trainer.history().size(), 1u);
}

TEST(Training, RefusesOptionsThatCannotBeUsed)
{
  const Dataset data = random_dataset(6, 1, 3);
  const SampleSet samples(data);
  const auto text = [&](auto &&change) {
    TrainingOptions options = small_options();
    NetworkShape shape = small_shape();
    change(options, shape);
    return message([&] { Trainer trainer(options, shape, samples); });
  };
  const auto holds = [](const std::string &a, const std::string &b) {
    return a.find(b) != std::string::npos;
  };
  EXPECT_TRUE(holds(text([](auto &o, auto &) { o.learning_rate = 0.0; }),
                    "[PYTORCH]: learning_rate cannot be used; found: 0"));
  EXPECT_TRUE(holds(text([](auto &o, auto &) { o.learning_rate = NAN; }), "learning_rate"));
  EXPECT_TRUE(holds(text([](auto &o, auto &) { o.batch_size = 0; }),
                    "batch_size cannot be used; found: 0; wanted: 1 or more"));
  EXPECT_TRUE(holds(text([](auto &o, auto &) { o.num_epochs = -1; }),
                    "num_epochs cannot be used; found: -1"));
  EXPECT_TRUE(holds(text([](auto &, auto &s) { s.activations.pop_back(); }),
                    "wrong number of activations; found: 2; wanted: 3"));
}

TEST(Training, RefusesDataWithoutTrainingConfigurations)
{
  Dataset data = random_dataset(6, 1, 3);
  for (Configuration &c : data.configurations) c.test = true;
  const SampleSet samples(data);
  EXPECT_NE(message([&] { Trainer trainer(small_options(), small_shape(), samples); })
                .find("data: there is nothing to train on"),
            std::string::npos);
}

TEST(Training, StopsWhenTheLossIsNoLongerFinite)
{
  const Dataset data = random_dataset(6, 1, 3);
  const SampleSet samples(data);
  TrainingOptions options = small_options();
  options.learning_rate = 1e300;
  Trainer trainer(options, small_shape(), samples);
  Quiet progress;
  const std::string text = message([&] { trainer.run(progress, NEVER); });
  EXPECT_NE(text.find("training, epoch 1: the loss is no longer a finite number"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("Lower learning_rate"), std::string::npos);
}

TEST(Training, PredictRefusesAModelOfOtherData)
{
  const Dataset data = random_dataset(6, 2, 3), other = random_dataset(6, 1, 3),
                wide = random_dataset(6, 2, 4);
  const SampleSet samples(data), other_samples(other), wide_samples(wide);
  Trainer trainer(small_options(), small_shape(), samples);
  trainer.prepare();
  EXPECT_NE(message([&] { predict(trainer.best(), other_samples); }).find("number of elements"),
            std::string::npos);
  EXPECT_NE(message([&] { predict(trainer.best(), wide_samples); }).find("number of descriptors"),
            std::string::npos);
}

TEST(Training, ResultsOfPredictions)
{
  Dataset data = random_dataset(6, 2, 3);
  data.configurations[1].has_energy = false;
  data.configurations[2].has_forces = false;
  const SampleSet samples(data);
  Trainer trainer(small_options(), small_shape(), samples);
  trainer.prepare();
  const Predictions p = predict(trainer.best(), samples);
  const FitResults r = fit_results(data, p);
  ASSERT_EQ(r.configurations.size(), 6u);
  std::size_t atom = 0;
  for (std::size_t m = 0; m < 6; m++) {
    const Configuration &c = data.configurations[m];
    const ConfigurationResult &row = r.configurations[m];
    EXPECT_EQ(row.first_atom, atom);
    EXPECT_EQ(row.test, c.test);
    EXPECT_NEAR(row.predicted_energy * c.n_atoms(), p.energy[m], 1e-12);
    EXPECT_EQ(row.has_forces, m != 2);
    EXPECT_EQ(std::isnan(r.force[3 * atom]), m == 2);
    if (m == 1)
      EXPECT_TRUE(std::isnan(row.energy));
    else
      EXPECT_NEAR(row.energy * c.n_atoms(), c.energy - c.reference_energy, 1e-12);
    if (m != 2) EXPECT_EQ(r.force[3 * atom + 1], c.force[1] - c.reference_force[1]);
    atom += c.n_atoms();
  }
  EXPECT_EQ(r.type.size(), atom);
  EXPECT_EQ(r.predicted_force, p.force);
}

TEST(Training, ExportedModelGivesTheTrainersEnergiesAndForces)
{
  const Dataset data = snap_dataset(12);
  const SampleSet samples(data);
  for (const ElementMode mode :
       {ElementMode::shared, ElementMode::per_element, ElementMode::one_hot}) {
    TrainingOptions options = small_options();
    options.precision = Precision::float32;
    Trainer trainer(options, small_shape(mode), samples);
    Quiet progress;
    trainer.run(progress, NEVER);
    Model model;
    model.elements = data.elements;
    model.descriptor = data.descriptor;
    model.cutoff = 4.0;
    model.network = trainer.best();
    const fs::path file =
        fs::temp_directory_path() / ("torchpot_trained_" + std::to_string((long) getpid()) + ".pt");
    write_model(model, file.string());
    const Predictions p = predict(trainer.best(), samples);
    Evaluator evaluator(read_model(file.string()), Precision::float64);
    fs::remove(file);
    for (std::size_t m = 0; m < data.configurations.size(); m++) {
      const Configuration &c = data.configurations[m];
      const int n = c.n_atoms();
      const NeighborTable table =
          find_neighbors(n, n, c.position.data(), c.element.data(), c.cell, model.cutoff);
      std::vector<double> energy(n), slope(3 * table.neighbor.size()), force(3 * n, 0.0);
      evaluator.compute(table.view(), energy.data(), slope.data());
      double total = 0.0;
      for (int i = 0; i < n; i++) {
        total += energy[i];
        for (std::size_t q = table.first[i]; q < table.first[i + 1]; q++)
          for (int v = 0; v < 3; v++) {
            force[3 * i + v] += slope[3 * q + v];
            force[3 * table.neighbor[q] + v] -= slope[3 * q + v];
          }
      }
      EXPECT_NEAR(total, p.energy[m], 1e-10 * std::fabs(total));
      for (int k = 0; k < 3 * n; k++) EXPECT_NEAR(force[k], p.force[3 * n * m + k], 1e-10);
    }
  }
}

}    // namespace
