// Adam's steps, the random numbers of training, and what training prints.
#include "adam.h"
#include "progress.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <gtest/gtest.h>

using namespace torchpot;

namespace {

// two steps worked by hand: m = 0.1 g, v = 0.001 g^2 after the first, corrected to g and g^2
TEST(AdamOptimizer, FirstSteps)
{
  AdamSettings settings;
  settings.learning_rate = 0.01;
  Adam adam(settings, 2);
  std::vector<double> p = {1.0, -2.0};
  const double first[] = {4.0, 0.0}, second[] = {-1.0, 2.0};
  adam.step(first, p.data());
  EXPECT_NEAR(p[0], 1.0 - 0.01 * 4.0 / (4.0 + 1e-8), 1e-15);
  EXPECT_EQ(p[1], -2.0);
  const double before = p[0];
  adam.step(second, p.data());
  const double m = (0.9 * 0.4 - 0.1) / (1.0 - 0.81);
  const double v = (0.999 * 0.016 + 0.001) / (1.0 - 0.999 * 0.999);
  EXPECT_NEAR(p[0], before - 0.01 * m / (std::sqrt(v) + 1e-8), 1e-14);
  EXPECT_EQ(adam.n_steps, 2);
}

TEST(RandomNumbers, AreTheSameEverywhere)
{
  // checkpoints and published fits depend on these values
  Random first(1, 0);
  EXPECT_EQ(first.uniform(), 0.44149167444625148);
  EXPECT_EQ(first.below(1000), 58u);
  std::vector<std::size_t> five = {0, 1, 2, 3, 4};
  first.shuffle(five);
  EXPECT_EQ(five, (std::vector<std::size_t>{3, 2, 1, 0, 4}));
  Random a(1, 0), b(1, 0), c(1, 1);
  for (int k = 0; k < 100; k++) {
    const double x = a.uniform();
    EXPECT_EQ(x, b.uniform());
    EXPECT_NE(x, c.uniform());
    EXPECT_TRUE(x >= 0.0 && x < 1.0);
  }
  std::vector<int> count(7, 0);
  for (int k = 0; k < 7000; k++) count[a.below(7)]++;
  for (int n : count) EXPECT_NEAR(n, 1000, 150);
  std::vector<std::size_t> items = {0, 1, 2, 3, 4};
  a.shuffle(items);
  std::sort(items.begin(), items.end());
  EXPECT_EQ(items, (std::vector<std::size_t>{0, 1, 2, 3, 4}));
}

TEST(ProgressLines, TextOfEpochs)
{
  EXPECT_EQ(duration_text(12.4), "12 s");
  EXPECT_EQ(duration_text(200.0), "3 min 20 s");
  EXPECT_EQ(duration_text(3725.0), "1 h 02 min");
  EpochRecord record;
  record.epoch = 7;
  record.training_loss = 0.25;
  record.validation_loss = 0.5;
  record.energy_mae = 0.125;
  record.force_mae = 0.0625;
  record.seconds = 0.5;
  record.best = true;
  EXPECT_EQ(epoch_text(record, 50),
            "epoch 7/50  loss 0.25  validation 0.5  energy MAE 0.125  force MAE 0.0625");
  record.validation_loss = record.energy_mae = record.force_mae = NAN;
  EXPECT_EQ(epoch_text(record, 50), "epoch 7/50  loss 0.25");
  record.stress_mae = 0.5;
  EXPECT_EQ(epoch_text(record, 50), "epoch 7/50  loss 0.25  stress MAE 0.5");
  record.stress_mae = NAN;
  record.energy_mae = 0.5, record.force_mae = 0.125;
  EXPECT_EQ(epoch_text(record, 50, "metal"),
            "epoch 7/50  loss 0.25  energy MAE 0.5 eV/atom  force MAE 0.125 eV/A");
  EXPECT_EQ(epoch_text(record, 50, "real"),
            "epoch 7/50  loss 0.25  energy MAE 0.5 kcal/mol/atom  force MAE 0.125 kcal/mol/A");
  EXPECT_EQ(epoch_text(record, 50, "lj"),
            "epoch 7/50  loss 0.25  energy MAE 0.5  force MAE 0.125");
}

std::string written(bool live)
{
  std::FILE *file = std::tmpfile();
  const std::unique_ptr<Progress> progress =
      live ? make_live_progress(file) : make_progress(file);
  progress->start(1, 2);
  progress->batch(1, 1, 4);
  EpochRecord record;
  record.epoch = 1;
  record.training_loss = 0.25;
  record.validation_loss = record.energy_mae = record.force_mae = NAN;
  record.seconds = 0.5;
  record.best = true;
  progress->epoch(record);
  record.epoch = 2;
  record.best = false;
  progress->epoch(record);
  progress->finish();
  std::rewind(file);
  char buffer[4096];
  const std::size_t n = std::fread(buffer, 1, sizeof(buffer), file);
  std::fclose(file);
  return std::string(buffer, n);
}

TEST(ProgressLines, OnePerEpochInAFile)
{
  EXPECT_EQ(written(false),
            "epoch 1/2  loss 0.25  0.500 s  best\nepoch 2/2  loss 0.25  0.500 s\n");
}

TEST(ProgressLines, OneLiveLineOnATerminal)
{
  const std::string text = written(true);
  EXPECT_EQ(text.find("\rtraining"), 0u);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_NE(text.find("\repoch 2/2  loss 0.25  0 s\033[K\n"), std::string::npos) << text;
}

}    // namespace
