// Sentences about missing labels and about configurations that are there twice.
#include "data_notes.h"

#include "cell_fixture.h"

#include <gtest/gtest.h>

using namespace torchpot;

namespace {

Dataset data_of(int n)
{
  Dataset data;
  for (int i = 0; i < n; i++) data.configurations.push_back(random_configuration(2, 50 + i));
  return data;
}

}    // namespace

TEST(DataNotes, StressesThatAreNotFitted)
{
  Dataset data = data_of(6);
  std::vector<std::string> notes;
  note_unfitted_stress(data, notes);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_EQ(notes[0], "stress_weight has no effect: no configuration has a stress and a volume");
  notes.clear();
  for (int i = 0; i < 3; i++) data.configurations[i].has_stress = true;
  data.configurations[5].cell.periodic[0] = false;
  note_unfitted_stress(data, notes);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_EQ(notes[0], "stresses of 3 of 6 configurations are fitted; 2 have none, and 1 have open "
                      "boundaries");
  for (Configuration &c : data.configurations) c.has_stress = c.cell.periodic[0] = true;
  note_unfitted_stress(data, notes);
  EXPECT_EQ(notes.size(), 1u);
}

TEST(DataNotes, MissingLabels)
{
  Dataset data = data_of(6);
  Settings s;
  std::vector<std::string> notes;
  note_missing_labels(data, s, notes);
  EXPECT_TRUE(notes.empty());    // no stress at all is no surprise
  for (int i = 0; i < 5; i++) data.configurations[i].has_energy = false;
  data.configurations[4].group = "H";
  data.configurations[5].has_forces = false;
  data.configurations[5].has_stress = true;
  note_missing_labels(data, s, notes);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_EQ(notes[0], "configurations without energy: 4 in G (c50.json, c51.json, c52.json, ...), "
                      "1 in H (c54.json); without forces: 1 in G (c55.json); without stress: "
                      "4 in G (c50.json, c51.json, c52.json, ...), 1 in H (c54.json)");
  for (int i = 0; i < 5; i++) data.configurations[i].cell.periodic[i % 3] = false;
  notes.clear();
  note_missing_labels(data, s, notes);
  EXPECT_EQ(notes.at(0).find("stress"), std::string::npos) << notes[0];
  s.calculator.energy = s.calculator.force = s.calculator.stress = false;
  notes.clear();
  note_missing_labels(data, s, notes);
  EXPECT_TRUE(notes.empty());
}

TEST(DataNotes, Duplicates)
{
  Dataset data = data_of(8);
  std::vector<std::string> notes;
  note_duplicates(data, notes);
  EXPECT_TRUE(notes.empty() && data.warnings.empty());
  std::vector<Configuration> &all = data.configurations;
  const auto copy = [&](int to, int from) {
    const std::string file = all[to].file;
    all[to] = all[from];
    all[to].file = file;
  };
  copy(6, 1);
  for (double &x : all[6].position) x += 0.9e-9;
  copy(3, 1);
  all[3].position[5] -= 0.05e-9;
  copy(7, 2);
  all[7].position[5] += 1.1e-9;    // too far
  copy(5, 4);
  all[5].cell.periodic[2] = false;
  note_duplicates(data, notes);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_EQ(notes[0], "configurations that are there again: 2 (G/c51.json = G/c53.json, "
                      "G/c51.json = G/c56.json)");
  EXPECT_TRUE(data.warnings.empty());
}

TEST(DataNotes, DuplicatesWithOtherLabelsAndInBothSets)
{
  Dataset data = data_of(3);
  std::vector<Configuration> &all = data.configurations;
  for (int i = 0; i < 5; i++) {
    all.push_back(all[0]);
    all.back().file = "again" + std::to_string(i);
  }
  all[3].force[2] += 0.25;
  all[4].energy += 1e-7;    // rounding
  all[5].test = true;
  std::vector<std::string> notes;
  note_duplicates(data, notes);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_NE(notes[0].find("again: 5 ("), std::string::npos);
  EXPECT_NE(notes[0].find(", ...)"), std::string::npos);
  ASSERT_EQ(data.warnings.size(), 2u);
  EXPECT_NE(data.warnings[0].find("different labels, by up to 0.25 per atom or force component: "
                                  "1 (G/c50.json = G/again0)"), std::string::npos)
      << data.warnings[0];
  EXPECT_NE(data.warnings[1].find("trained on and tested on"), std::string::npos);
  EXPECT_NE(data.warnings[1].find("1 (G/c50.json = G/again2)"), std::string::npos)
      << data.warnings[1];
}
