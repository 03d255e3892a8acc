// Committees in a fit: mean and spread by hand, file names, bootstraps, what is trained again.
#include "committee_fit.h"

#include "committee.h"
#include "data_fixture.h"
#include "error_message.h"
#include "linear_fit.h"
#include "synthetic_data.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <sstream>

using namespace torchpot;
using namespace torchpot_test;

namespace {

/// A training configuration of two atoms and a test one of one, without forces.
FitResults results(double energy1, double energy2, std::vector<double> force)
{
  FitResults r;
  ConfigurationResult a, b;
  a.file = "a.json", a.group = "one", a.n_atoms = 2, a.energy = 3.5, a.predicted_energy = energy1;
  b.file = "b.json", b.group = "two", b.n_atoms = 1, b.energy = 1.0, b.predicted_energy = energy2;
  b.test = true, b.first_atom = 2, b.has_forces = false;
  a.has_stress = true, a.predicted_stress[3] = 2.0 * energy1;
  r.configurations = {a, b};
  r.type = {0, 0, 0};
  r.force = {1, 1, 4, 0, 0, 0, NAN, NAN, NAN};
  r.predicted_force = std::move(force);
  return r;
}

const FitResults FIRST = results(1, 2, {0, 0, 0, 1, 0, 0, 0, 0, 0}),
                 SECOND = results(2, 2, {3, 0, 0, 1, 0, 0, 0, 0, 0}),
                 THIRD = results(6, 5, {0, 3, 0, 1, 0, 0, 0, 0, 0});
const std::vector<const FitResults *> MEMBERS = {&FIRST, &SECOND, &THIRD};

std::vector<int> drawn(const std::vector<const Sample *> &from,
                       const std::vector<const Sample *> &samples)
{
  std::vector<int> numbers;
  for (const Sample *sample : samples)
    numbers.push_back((int) (std::find(from.begin(), from.end(), sample) - from.begin()));
  return numbers;
}

}    // namespace

TEST(CommitteeFit, MeanAndSpreadByHand)
{
  const FitResults mean = committee_mean(MEMBERS);
  EXPECT_DOUBLE_EQ(mean.configurations[0].predicted_energy, 3.0);
  EXPECT_DOUBLE_EQ(mean.configurations[1].predicted_energy, 3.0);
  EXPECT_DOUBLE_EQ(mean.configurations[0].predicted_stress[3], 6.0);
  EXPECT_DOUBLE_EQ(mean.configurations[0].energy, 3.5);
  EXPECT_DOUBLE_EQ(mean.predicted_force[0], 1.0);
  EXPECT_DOUBLE_EQ(mean.predicted_force[1], 1.0);
  EXPECT_DOUBLE_EQ(mean.predicted_force[3], 1.0);
  const CommitteeSpread spread = committee_spread(MEMBERS);
  EXPECT_DOUBLE_EQ(spread.energy[0], std::sqrt((4.0 + 1.0 + 9.0) / 3.0));
  EXPECT_DOUBLE_EQ(spread.energy[1], std::sqrt(2.0));
  EXPECT_DOUBLE_EQ(spread.force[0], 2.0);    // |F - mean|^2 = 2, 5, 5
  EXPECT_DOUBLE_EQ(spread.force[1], 0.0);
  EXPECT_TRUE(std::isnan(spread.force[2]));
  // of two it is half their difference; of one there is none
  EXPECT_DOUBLE_EQ(committee_spread({&FIRST, &SECOND}).energy[0], 0.5);
  EXPECT_DOUBLE_EQ(committee_spread({&FIRST, &SECOND}).force[0], 1.5);
  EXPECT_EQ(committee_spread({&FIRST}).force[0], 0.0);
}

TEST(CommitteeFit, SpreadBesideErrors)
{
  const FitResults mean = committee_mean(MEMBERS);
  const SpreadErrors errors = spread_errors(mean, committee_spread(MEMBERS));
  EXPECT_EQ(errors.energy[0].error, (std::vector<double>{0.5}));
  EXPECT_EQ(errors.energy[1].error, (std::vector<double>{2.0}));
  EXPECT_EQ(errors.force[0].error, (std::vector<double>{4.0, 1.0}));
  EXPECT_EQ(errors.force[0].spread, (std::vector<double>{2.0, 0.0}));
  EXPECT_TRUE(errors.force[1].error.empty());
  EXPECT_DOUBLE_EQ(errors.force[0].mean_spread(), 1.0);
  EXPECT_DOUBLE_EQ(errors.force[0].mean_error(), 2.5);
  EXPECT_DOUBLE_EQ(errors.force[0].correlation(), 1.0);
  EXPECT_TRUE(std::isnan(errors.force[1].mean_error()));
  const std::string text = spread_report(errors, "metal", true);
  EXPECT_NE(text.find("    force       1000.0    2500.0       1.000   meV/Angstrom"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("         -   meV/atom"), std::string::npos);
  EXPECT_LT(text.find("  Test "), text.find("  Training "));
  EXPECT_NE(spread_report(errors, "lj", false).find("  Evaluation "), std::string::npos);
  EXPECT_EQ(spread_report(errors, "lj", false).find("Test"), std::string::npos);
}

TEST(CommitteeFit, RankCorrelation)
{
  EXPECT_DOUBLE_EQ(rank_correlation({1, 2, 3, 40}, {0.1, 0.2, 5, 6}), 1.0);
  EXPECT_DOUBLE_EQ(rank_correlation({1, 2, 3}, {9, 8, 1}), -1.0);
  // ranks 1, 2.5, 2.5, 4 and 1, 3, 2, 4
  EXPECT_NEAR(rank_correlation({1, 2, 2, 4}, {1, 3, 2, 4}), 4.5 / std::sqrt(4.5 * 5.0), 1e-15);
  EXPECT_TRUE(std::isnan(rank_correlation({1, 1}, {1, 2})));
  EXPECT_TRUE(std::isnan(rank_correlation({}, {})));
}

TEST(CommitteeFit, Table)
{
  std::ostringstream out;
  write_committee(committee_mean(MEMBERS), committee_spread(MEMBERS), out);
  EXPECT_EQ(out.str(), "Filename Group Natoms Energy_Truth Energy_Pred Energy_Spread "
                       "Force_Spread_Mean Force_Spread_Max Testing_Bool\n"
                       "a.json one 2 3.5 3 2.16024689946929 1 2 False\n"
                       "b.json two 1 1 3 1.4142135623731 nan nan True\n");
}

TEST(CommitteeFit, MeansOfWhatDoesNotBelongTogether)
{
  EXPECT_EQ(message([] { committee_mean({}); }), "a committee needs at least one model");
  FitResults other = SECOND;
  other.configurations.pop_back();
  EXPECT_EQ(message([&] { committee_mean({&FIRST, &other}); }),
            "model number 2: the predictions of the models are not of the same data; found: 1 "
            "configurations; wanted: 2");
}

TEST(CommitteeFit, FileNames)
{
  EXPECT_EQ(member_file("a.b/Si.pt", 2, 3), "a.b/Si_2.pt");
  EXPECT_EQ(member_file("a.b/Si", 12, 12), "a.b/Si_12");
  EXPECT_EQ(member_file("Si.pt", 1, 1), "Si.pt");
  EXPECT_EQ(member_file("", 1, 2), "");
  EXPECT_EQ(member_files("Si.pt", 2), (std::vector<std::string>{"Si_1.pt", "Si_2.pt"}));
  Settings s;
  s.torchpot.committee = 2;
  EXPECT_TRUE(member_checkpoints(s).empty());
  s.torchpot.checkpoint = "Si.checkpoint", s.torchpot.seed = 5;
  EXPECT_EQ(member_checkpoints(s),
            (std::vector<std::string>{"Si_1.checkpoint", "Si_2.checkpoint"}));
  EXPECT_EQ(member_options(s, 1).seed, 5u);
  EXPECT_EQ(member_options(s, 2).seed, 6u);
  EXPECT_EQ(member_options(s, 2).checkpoint, "Si_2.checkpoint");
}

TEST(CommitteeFit, Bootstrap)
{
  const Dataset data = random_dataset(60, 2, 5);
  const SampleSet samples(data);
  const std::vector<const Sample *> &all = samples.training;
  const std::vector<int> one = drawn(all, bootstrap(all, 1)), two = drawn(all, bootstrap(all, 2));
  EXPECT_EQ(one, drawn(all, bootstrap(all, 1)));
  EXPECT_NE(one, two);
  EXPECT_EQ(one.size(), all.size());
  EXPECT_TRUE(std::is_sorted(one.begin(), one.end()));
  // of n, 1 - 1/e are there in the mean
  double different = 0.0;
  for (std::uint64_t seed = 0; seed < 200; seed++) {
    const std::vector<int> numbers = drawn(all, bootstrap(all, seed));
    different += (double) std::set<int>(numbers.begin(), numbers.end()).size();
  }
  EXPECT_NEAR(different / (200.0 * (double) all.size()), 1.0 - std::exp(-1.0), 0.02);
}

TEST(CommitteeFit, RepeatedConfigurationsCountTwice)
{
  // a batch with a configuration twice has the gradient of one with doubled weights
  const Dataset data = random_dataset(4, 2, 5);
  Dataset doubled = random_dataset(4, 2, 5);
  doubled.configurations[0].energy_weight *= 2.0;
  doubled.configurations[0].force_weight *= 2.0;
  const SampleSet a(data), b(doubled);
  const std::vector<const Sample *> twice = {&a.all[0], &a.all[0], &a.all[1]};
  const std::vector<const Sample *> once = {&b.all[0], &b.all[1]};
  LossSettings settings;
  settings.form = LossForm::documented;    // a mean over configurations
  const NetworkParameters linear =
      linear_start(NetworkKind::linear, ElementMode::shared, 2, 5, once);
  NetworkParameters network = linear;
  network.kind = NetworkKind::mlp;
  network.layer_sizes = {4, 1};
  network.activations = {Activation::tanh, Activation::linear};
  random_weights(network, 3);
  BatchLoss loss(network, settings, Precision::float64);
  loss.set_parameters(network.parameters.data());
  std::vector<double> g(loss.n_parameters()), h(loss.n_parameters());
  const double x = loss.evaluate(3, twice.data(), g.data());
  const double y = loss.evaluate(2, once.data(), h.data());
  EXPECT_NEAR(3.0 * x, 2.0 * y, 1e-12 * y);
  for (std::size_t k = 0; k < g.size(); k++)
    EXPECT_NEAR(3.0 * g[k], 2.0 * h[k], 1e-11 * (1.0 + std::fabs(h[k])));
}

TEST(CommitteeFit, MembersThatWouldBeTheSame)
{
  Settings s;
  s.torchpot.committee = 2, s.pytorch.num_epochs = 3;
  EXPECT_EQ(check_committee(s), "");
  s.pytorch.state_input = "saved.pt";
  EXPECT_NE(check_committee(s).find("all networks of the committee start from saved.pt and differ "
                                    "in the order of batches alone"),
            std::string::npos);
  const auto refused = [](Settings settings) {
    expect_error([&] { check_committee(settings); },
                 {"[PYTORCH] save_state_input", "would all be the same", "found: saved.pt",
                  "batches in random order", "committee_data = bootstrap"});
    settings.torchpot.bootstrap = true;
    EXPECT_EQ(check_committee(settings), "");
  };
  Settings other = s;
  other.torchpot.optimizer = OptimizerKind::levenberg;
  refused(other);
  other = s, other.pytorch.shuffle = false;
  refused(other);
  other = s, other.pytorch.num_epochs = 0;
  refused(other);
  other.torchpot.committee = 1;
  EXPECT_EQ(check_committee(other), "");
}

TEST(CommitteeFit, CompleteMembersAreTrainedAgainOnlyIfAllAre)
{
  const Dataset data = random_dataset(9, 2, 5);
  const SampleSet samples(data);
  const TemporaryFolder folder;
  NetworkShape shape;
  shape.layer_sizes = {4, 1};
  shape.activations = {Activation::tanh, Activation::linear};
  TrainingOptions options;
  options.num_epochs = 3;
  options.checkpoint = folder("fit.checkpoint");
  const auto progress = make_silent_progress();
  const auto never = [] { return false; };
  Trainer first(options, shape, samples);
  first.run(*progress, never);
  first.mark_complete();
  const auto sentence = [&](bool keep, int epochs) {
    options.keep_complete = keep;
    options.num_epochs = epochs;
    Trainer trainer(options, shape, samples);
    const std::string text = trainer.prepare();
    if (keep && epochs == 3) {
      EXPECT_EQ(trainer.best().parameters, first.best().parameters);
    }
    return text;
  };
  EXPECT_EQ(sentence(false, 3), "");
  EXPECT_EQ(sentence(true, 3), "continuing from " + options.checkpoint + " after epoch 3");
  EXPECT_EQ(sentence(true, 2), "");    // it has been trained for longer
  EXPECT_NE(sentence(true, 5), "");
  EXPECT_NE(sentence(false, 5), "");
}
