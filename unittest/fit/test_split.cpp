// Division into training and test sets.
#include "split.h"

#include "data_fixture.h"

#include <algorithm>

using namespace torchpot;

namespace {

GroupSettings group(double train, bool train_fraction, double test, bool test_fraction)
{
  GroupSettings g;
  g.name = "G";
  g.where = {"in.fit", 5};
  g.training = {train, train_fraction};
  g.testing = {test, test_fraction};
  return g;
}

std::vector<std::string> names(std::size_t n)
{
  std::vector<std::string> list;
  for (std::size_t i = 0; i < n; i++) list.push_back("c_" + std::to_string(i) + ".json");
  return list;
}

/// One letter per file: + trained on, t tested on, . left out.
std::string letters(const std::vector<Use> &use)
{
  std::string text;
  for (const Use u : use) text += u == Use::train ? '+' : u == Use::test ? 't' : '.';
  return text;
}

std::string split(std::size_t n, const GroupSettings &g, const Settings &s = {})
{
  std::vector<std::string> notes;
  const std::string text = letters(split_group(names(n), g, s, notes));
  EXPECT_TRUE(notes.empty());
  return text;
}

}    // namespace

TEST(Split, NaturalOrder)
{
  std::vector<std::string> list = {"a10", "a9", "b1", "a09", "a", "A2", "a9b", "a100", "a9a2"};
  std::sort(list.begin(), list.end(), natural_less);
  EXPECT_EQ(list, (std::vector<std::string>{"A2", "a", "a09", "a9", "a9a2", "a9b", "a10", "a100",
                                            "b1"}));
}

TEST(Split, SizesAsFitSnapCountsThem)
{
  EXPECT_EQ(split(9, group(0.7, true, 0.3, true)), "++++++ttt");
  EXPECT_EQ(split(22, group(0.7, true, 0.3, true)), "+++++++++++++++ttttttt");
  EXPECT_EQ(split(5, group(1.0, true, 0.0, true)), "+++++");
  EXPECT_EQ(split(5, group(1.0, false, 2.0, false)), "+tt..");
  EXPECT_EQ(split(4, group(0.0, true, 1.0, true)), "tttt");
  EXPECT_EQ(split(4, group(0.1, true, 0.1, true)), "+t..");
  EXPECT_EQ(split(1, group(0.7, true, 0.3, true)), "+");
  GroupSettings rest = group(0.5, true, 0.0, true);
  rest.rest_is_test = true;
  EXPECT_EQ(split(6, rest), "+++ttt");
}

TEST(Split, TooFewConfigurations)
{
  std::vector<std::string> notes;
  expect_error([&] { split_group(names(3), group(4, false, 0, true), {}, notes); },
               {"in.fit:5: [GROUPS] G", "too few", "found: 3", "training_size 4"});
  EXPECT_EQ(letters(split_group(names(4), group(3, false, 3, false), {}, notes)), "+++t");
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_NE(notes[0].find("3 to test on are more than the 4"), std::string::npos);
}

TEST(Split, RandomSamplingDependsOnSeedAndGroupAlone)
{
  Settings s;
  s.random_sampling = true;
  s.random_seed = 1;
  GroupSettings g = group(0.5, true, 0.5, true);
  const std::string first = split(40, g, s);
  EXPECT_EQ(split(40, g, s), first);
  EXPECT_EQ(std::count(first.begin(), first.end(), '+'), 20);
  EXPECT_NE(first, split(40, g));
  s.random_seed = 2;
  EXPECT_NE(split(40, g, s), first);
  s.random_seed = 1;
  g.name = "H";
  EXPECT_NE(split(40, g, s), first);
}

TEST(Split, FilesNamedAsTests)
{
  Settings s;
  s.torchpot.test_files = "*test_*";
  std::vector<std::string> notes, list = {"a.json", "a_test_1.json", "b.json", "test_2.json"};
  EXPECT_EQ(letters(split_group(list, group(1.0, true, 0.0, true), s, notes)), "+t+t");
  EXPECT_EQ(letters(split_group(list, group(0.5, true, 0.5, true), s, notes)), "+t.t");
}

TEST(Split, FractionOfFrames)
{
  const std::string text = letters(split_fraction(20, 0.25, "melt", 3));
  EXPECT_EQ(std::count(text.begin(), text.end(), 't'), 5);
  EXPECT_EQ(letters(split_fraction(20, 0.25, "melt", 3)), text);
  EXPECT_EQ(letters(split_fraction(3, 0.0, "melt", 3)), "+++");
  const std::string few = letters(split_fraction(3, 0.1, "melt", 3));
  EXPECT_EQ(std::count(few.begin(), few.end(), 't'), 1);
  EXPECT_EQ(letters(split_fraction(1, 0.1, "melt", 3)), "+");
}

TEST(Split, GloballyByTrainingFraction)
{
  std::vector<Configuration> all(10);
  split_globally(all, 0.7, 5);
  EXPECT_EQ(std::count_if(all.begin(), all.end(), [](const Configuration &c) { return c.test; }),
            3);
  std::vector<Configuration> again(10);
  split_globally(again, 0.7, 5);
  for (std::size_t i = 0; i < 10; i++) EXPECT_EQ(all[i].test, again[i].test);
}

TEST(Split, BalancedWeightOfEnergies)
{
  Dataset data;
  data.elements = {"A"};
  data.configurations.resize(4);
  const double energies[] = {-3.0, -1.0, -4.0, 100.0}, force[] = {2.0, 1.0, 1.0, 50.0};
  for (int m = 0; m < 4; m++) {    // per atom -3, -1, -2 around -2
    Configuration &c = data.configurations[m];
    c.element.assign(m == 2 ? 2 : 1, 0);
    c.has_energy = c.has_forces = true;
    c.energy = energies[m];
    c.force.assign(3 * c.element.size(), force[m]);
    c.test = m == 3;
  }
  // mean squares: (3 4 + 3 + 6) / 12 of forces, (1 + 1 + 0) / 3 of energies
  EXPECT_NEAR(balanced_energy_weight(data), 13.0, 1e-12);    // 13.125 with two digits
  for (Configuration &c : data.configurations) c.has_forces = false;
  EXPECT_EQ(balanced_energy_weight(data), 1.0);
  data.configurations.clear();
  EXPECT_EQ(balanced_energy_weight(data), 1.0);
}

TEST(Split, SmartWeights)
{
  std::vector<Configuration> all(3);
  for (Configuration &c : all) {
    c.group = "G";
    c.element = {0, 0};
    c.energy_weight = 12.0;
    c.force_weight = 24.0;
    c.stress_weight = 36.0;
  }
  all[2].test = true;
  divide_weights(all);
  EXPECT_EQ(all[0].energy_weight, 6.0);
  EXPECT_EQ(all[0].force_weight, 2.0);
  EXPECT_EQ(all[0].stress_weight, 3.0);
  EXPECT_EQ(all[2].energy_weight, 12.0);
  EXPECT_EQ(all[2].force_weight, 4.0);
}
