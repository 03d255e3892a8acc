// Checkpoints: what is written comes back, damage is noticed, another fit is refused.
#include "checkpoint.h"
#include "torchpot_error.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <unistd.h>

using namespace torchpot;
namespace fs = std::filesystem;

namespace {

class Checkpoint : public ::testing::Test {
 protected:
  void SetUp() override
  {
    folder = fs::temp_directory_path() /
        (std::string("torchpot_checkpoint_") +
         ::testing::UnitTest::GetInstance()->current_test_info()->name() + "_" +
         std::to_string((long) getpid()));
    fs::create_directories(folder);
    file = (folder / "fit.state").string();
  }
  void TearDown() override { fs::remove_all(folder); }

  static TrainingState make_state(int epoch)
  {
    TrainingState s;
    s.network.element_mode = ElementMode::per_element;
    s.network.n_elements = 2;
    s.network.n_descriptors = 3;
    s.network.layer_sizes = {4, 1};
    s.network.activations = {Activation::silu, Activation::linear};
    s.network.output_scale = 1.0 / 3.0;
    s.network.energy_shift = {-1.0, 2.0};
    s.network.input_shift = {1, 2, 3, 4, 5, 6};
    s.network.input_scale = {6, 5, 4, 3, 2, 1};
    s.network.parameters.assign(2 * 21, 0.1 * epoch);
    s.best = s.network.parameters;
    s.best_epoch = epoch;
    s.best_score = 0.7;
    s.epoch = epoch;
    s.batch = 5;
    s.loss_sum = 1e-300;
    s.optimizer.n_steps = 99;
    s.optimizer.arrays = {std::vector<double>(42, -0.5), std::vector<double>(42, 0.25)};
    s.optimizer.numbers = {3.0, 1e-7};
    s.average.assign(42, 0.125);
    s.plateau.factor = 0.5;
    s.plateau.best = 0.75;
    s.plateau.waited = 7;
    EpochRecord record;
    record.epoch = epoch;
    record.training_loss = 0.125;
    record.stress_mae = 0.375;
    record.best = true;
    s.history = {record, record};
    return s;
  }

  std::string read(const std::string &name)
  {
    std::ifstream in(name, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }
  void write(const std::string &name, const std::string &bytes)
  {
    std::ofstream(name, std::ios::binary) << bytes;
  }

  std::string refusal(const Identity &wanted)
  {
    try {
      read_checkpoint(file, wanted);
    } catch (const Error &error) {
      return error.what();
    }
    return "accepted";
  }

  const Identity identity = {"learning_rate = 0.1", "data = abc"};
  fs::path folder;
  std::string file;
};

TEST_F(Checkpoint, IsCheckedBeforeItIsNeeded)
{
  const Identity other = {"learning_rate = 0.2", "data = abc"};
  check_checkpoint(file, other);    // there is none
  TrainingState state = make_state(3);
  write_checkpoint(file, identity, state);
  check_checkpoint(file, identity);
  try {
    check_checkpoint(file, other);
    ADD_FAILURE();
  } catch (const Error &error) {
    EXPECT_EQ(error.what(), refusal(other));
    EXPECT_NE(refusal(other).find("another fit: learning_rate differs"), std::string::npos);
  }
  state.complete = true;
  write_checkpoint(file, identity, state);
  check_checkpoint(file, other);
  write(file, read(file).substr(10));    // read_checkpoint() sees to a damaged one
  check_checkpoint(file, other);
}

TEST_F(Checkpoint, ComesBack)
{
  EXPECT_FALSE(read_checkpoint(file, identity).found);
  const TrainingState a = make_state(3);
  write_checkpoint(file, identity, a);
  const LoadedCheckpoint loaded = read_checkpoint(file, identity);
  ASSERT_TRUE(loaded.found);
  EXPECT_EQ(loaded.warning, "");
  const TrainingState &b = loaded.state;
  EXPECT_EQ(b.network.kind, a.network.kind);
  EXPECT_EQ(b.network.element_mode, a.network.element_mode);
  EXPECT_EQ(b.network.n_elements, 2);
  EXPECT_EQ(b.network.n_descriptors, 3);
  EXPECT_EQ(b.network.layer_sizes, a.network.layer_sizes);
  EXPECT_EQ(b.network.activations, a.network.activations);
  EXPECT_EQ(b.network.output_scale, a.network.output_scale);
  EXPECT_EQ(b.network.energy_shift, a.network.energy_shift);
  EXPECT_EQ(b.network.input_shift, a.network.input_shift);
  EXPECT_EQ(b.network.input_scale, a.network.input_scale);
  EXPECT_EQ(b.network.parameters, a.network.parameters);
  EXPECT_EQ(b.best, a.best);
  EXPECT_EQ(b.best_epoch, 3);
  EXPECT_EQ(b.best_score, a.best_score);
  EXPECT_EQ(b.epoch, 3);
  EXPECT_EQ(b.batch, 5u);
  EXPECT_EQ(b.loss_sum, a.loss_sum);
  EXPECT_EQ(b.optimizer.n_steps, 99);
  EXPECT_EQ(b.optimizer.arrays, a.optimizer.arrays);
  EXPECT_EQ(b.optimizer.numbers, a.optimizer.numbers);
  EXPECT_EQ(b.average, a.average);
  EXPECT_EQ(b.plateau.factor, 0.5);
  EXPECT_EQ(b.plateau.best, 0.75);
  EXPECT_EQ(b.plateau.waited, 7);
  ASSERT_EQ(b.history.size(), 2u);
  EXPECT_EQ(b.history[1].training_loss, 0.125);
  EXPECT_TRUE(b.history[1].best);
  EXPECT_FALSE(fs::exists(file + ".tmp"));
}

TEST_F(Checkpoint, DamageGoesBackToThePreviousWithAWarning)
{
  write_checkpoint(file, identity, make_state(1));
  write_checkpoint(file, identity, make_state(2));
  const std::string whole = read(file);
  const auto expect_previous = [&](const std::string &why) {
    const LoadedCheckpoint loaded = read_checkpoint(file, identity);
    EXPECT_EQ(loaded.state.epoch, 1);
    EXPECT_NE(loaded.warning.find("WARNING"), std::string::npos);
    EXPECT_NE(loaded.warning.find(why), std::string::npos) << loaded.warning;
    EXPECT_NE(loaded.warning.find("fit.state_prev, epoch 1"), std::string::npos);
  };
  for (const std::size_t n : {std::size_t(0), std::size_t(10)}) {
    write(file, whole.substr(0, n));
    expect_previous("it does not begin as a checkpoint");
  }
  for (const std::size_t n : {std::size_t(40), whole.size() / 2, whole.size() - 1}) {
    write(file, whole.substr(0, n));
    expect_previous("its end is missing");
  }
  std::string flipped = whole;
  flipped[whole.size() / 2] ^= 4;
  write(file, flipped);
  expect_previous("its checksum is wrong");
  // the damaged one is out of the way: the next one leaves the good one before it in place
  EXPECT_FALSE(fs::exists(file));
  EXPECT_EQ(read(file + "_damaged"), flipped);
  write_checkpoint(file, identity, make_state(3));
  write(file, whole.substr(0, 10));
  expect_previous("it does not begin as a checkpoint");
  expect_previous("it is missing");
}

TEST_F(Checkpoint, DamageOfBothIsAnError)
{
  write(file, "nonsense");
  EXPECT_NE(refusal(identity).find("it does not begin as a checkpoint of this version, and there "
                                   "is none before it. Start anew with --restart"),
            std::string::npos);
  write(file + "_prev", "torchpot checkpoint 4\n");
  EXPECT_NE(refusal(identity).find("and so is the one before it, its end is missing"),
            std::string::npos);
}

TEST_F(Checkpoint, AnotherFitIsRefused)
{
  write_checkpoint(file, identity, make_state(1));
  EXPECT_EQ(refusal(identity), "accepted");
  const std::string text = refusal({"learning_rate = 0.2", "data = abc"});
  EXPECT_NE(text.find("belongs to another fit: learning_rate differs"), std::string::npos) << text;
  EXPECT_NE(text.find("found: learning_rate = 0.1; wanted: learning_rate = 0.2"),
            std::string::npos);
  EXPECT_NE(text.find("--restart"), std::string::npos);
  EXPECT_NE(refusal({"learning_rate = 0.1", "data = abd"}).find("data differs"),
            std::string::npos);
  EXPECT_NE(refusal({"learning_rate = 0.1"}).find("data differs"), std::string::npos);
}

TEST_F(Checkpoint, OneFitAtATime)
{
  const std::string lock = file + ".lock";
  write(lock, "process 1 on a host that was switched off");
  {
    const CheckpointLock first(file);
    EXPECT_EQ(read(lock).find("process " + std::to_string(::getpid()) + " on "), 0u);
    try {
      CheckpointLock second(file);
      ADD_FAILURE();
    } catch (const Error &error) {
      const std::string text = error.what();
      EXPECT_NE(text.find("another fit is working on this checkpoint; found: process " +
                          std::to_string(::getpid())), std::string::npos) << text;
    }
    EXPECT_TRUE(fs::exists(lock));
  }
  EXPECT_FALSE(fs::exists(lock));
  const CheckpointLock nowhere(file + "/no/such/folder");    // no folder: no lock
}

TEST_F(Checkpoint, Removed)
{
  remove_checkpoint(file);
  write_checkpoint(file, identity, make_state(1));
  write_checkpoint(file, identity, make_state(2));
  remove_checkpoint(file);
  EXPECT_TRUE(fs::is_empty(folder));
  fs::create_directories(file + "/full");
  EXPECT_THROW(remove_checkpoint(file), Error);
  EXPECT_THROW(write_checkpoint(file + "/no/such/folder", identity, make_state(1)), Error);
}

}    // namespace
