// The prediction of times: what it covers, and its words.
#include "predict_time.h"
#include "load.h"
#include "synthetic_data.h"
#include "trainer.h"

#include <gtest/gtest.h>

using namespace torchpot;
using namespace torchpot_test;

namespace {

Settings settings(const std::string &more = "")
{
  const std::string text = "[BISPECTRUM]\n[PYTORCH]\nlayer_sizes = num_desc 8 1\n[PATH]\n"
                           "dataPath = data\n[GROUPS]\nall = 1.0 1 1 1\n";
  return settings_from_text(text + more, "in.fit");
}

}    // namespace

TEST(PredictTime, OfDescriptorsAndEpochs)
{
  Dataset data = snap_dataset(12);
  for (Configuration &c : data.configurations) c.descriptor.edit().clear();
  count_blocks(data, 1);
  Settings s = settings("[TORCHPOT]\noptimizer = adam\n");
  s.bispectrum.snap = data.descriptor;
  plan_training(s, data.count(false));
  const TimePrediction p = predict_time(data, s, 1);
  EXPECT_GT(p.descriptors, 0.0);
  EXPECT_GT(p.epoch, 0.0);
  EXPECT_EQ(p.n_epochs, s.pytorch.num_epochs);
  s.torchpot.network = NetworkKind::linear;
  EXPECT_EQ(predict_time(data, s, 1).n_epochs, 0);
  s.data_path.clear();    // descriptors of fix fitdump
  EXPECT_EQ(predict_time(data, s, 1).descriptors, 0.0);
}

TEST(PredictTime, CanBeEnded)
{
  Dataset data = snap_dataset(4);
  count_blocks(data, 1);
  const Settings s = settings();
  EXPECT_THROW(predict_time(data, s, 1, [] { throw Interrupted(); }), Interrupted);
  for (Configuration &c : data.configurations) c.expected_blocks = Configuration::NOT_COUNTED;
  EXPECT_THROW(count_blocks(data, 1, single_rank(), [] { throw Interrupted(); }), Interrupted);
}

TEST(PredictTime, InWords)
{
  Settings s = settings();
  TimePrediction p;
  p.descriptors = 72.0;
  EXPECT_EQ(time_text(p, s), "predicted time on the CPU: descriptors 1 min 12 s");
  p.epoch = 0.25;
  p.n_epochs = 80;
  EXPECT_EQ(time_text(p, s), "predicted time on the CPU: descriptors 1 min 12 s, training 20 s (80 "
                             "epochs of 0.25 s)");
  s.torchpot.optimizer = OptimizerKind::levenberg;
  s.torchpot.committee = 3;
  EXPECT_EQ(time_text(p, s), "predicted time on the CPU: descriptors 1 min 12 s, training 1 min "
                             "00 s (3 networks, 80 steps of 0.25 s)");
}
