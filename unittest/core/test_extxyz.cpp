// Extended XYZ files, and labels and pairs of a fitdump frame.
#include "torchpot_error.h"
#include "torchpot_fitdump_frame.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <unistd.h>

using namespace torchpot;

namespace {

class Extxyz : public testing::Test {
 protected:
  void SetUp() override
  {
    char name[] = "/tmp/test_extxyz_XXXXXX";
    const int descriptor = mkstemp(name);
    ASSERT_GE(descriptor, 0);
    close(descriptor);
    file = name;
  }
  void TearDown() override { std::remove(file.c_str()); }
  void write(const std::string &text) { std::ofstream(file) << text; }
  ExtxyzConfiguration read(const std::string &text)
  {
    write(text);
    ExtxyzReader reader(file);
    ExtxyzConfiguration c;
    EXPECT_TRUE(reader.next(c));
    return c;
  }
  void expect_error(const std::string &text, const std::vector<std::string> &parts)
  {
    write(text);
    try {
      ExtxyzReader reader(file);
      for (ExtxyzConfiguration c; reader.next(c);) {}
    } catch (const Error &error) {
      for (const std::string &part : parts)
        EXPECT_NE(std::string(error.what()).find(part), std::string::npos)
            << part << " not in: " << error.what();
      EXPECT_NE(std::string(error.what()).find(file), std::string::npos);
      return;
    }
    ADD_FAILURE() << "no error with " << parts[0];
  }
  std::string file;
};

const char *const CELL = "Lattice=\"4 0 0 1 5 0 0 0 6\" ";

FitdumpFrame two_atoms()
{
  FitdumpFrame frame;
  for (int k = 0; k < 3; k++) frame.cell[k][k] = 4.0 + k;
  frame.cell[1][0] = 1.0;
  frame.id = {1, 7};
  frame.type = {0, 1};
  frame.position = {0, 0, 0, 1, 1, 1};
  frame.force.assign(6, 0.0);
  return frame;
}

}    // namespace

TEST_F(Extxyz, WhatAseWrites)
{
  write(std::string("2\n") + CELL +
        "Properties=species:S:1:pos:R:3:tags:I:1:forces:R:3 energy=-3.5 name='a b' "
        "stress=\"1 2 3 2 4 5 3 5 6\" nested=[[1, 2], [3, 4]] flag pbc=\"T F T\"\n"
        "Si 0 0 0 7 0.1 0.2 0.3\nO\t1 2 3 8 -1e-3 0 2\n\n"
        "1\r\n\r\nSi 1 2 3\r\n");
  ExtxyzReader reader(file);
  ExtxyzConfiguration c;
  ASSERT_TRUE(reader.next(c));
  EXPECT_EQ(c.number, 1u);
  EXPECT_EQ(c.line, 1u);
  EXPECT_TRUE(c.has_cell);
  EXPECT_EQ(c.cell[1][0], 1.0);
  EXPECT_EQ(c.cell[1][1], 5.0);
  EXPECT_TRUE(c.pbc[0] && !c.pbc[1] && c.pbc[2]);
  EXPECT_EQ(c.species, (std::vector<std::string>{"Si", "O"}));
  EXPECT_EQ(c.position, (std::vector<double>{0, 0, 0, 1, 2, 3}));
  EXPECT_EQ(c.force, (std::vector<double>{0.1, 0.2, 0.3, -1e-3, 0, 2}));
  EXPECT_TRUE(c.has_energy && c.has_stress);
  EXPECT_EQ(c.energy, -3.5);
  const double stress[6] = {1, 4, 6, 2, 3, 5};
  for (int k = 0; k < 6; k++) EXPECT_EQ(c.stress[k], stress[k]);
  EXPECT_EQ(c.info.at("name"), "a b");
  EXPECT_EQ(c.info.at("nested"), "[1, 2], [3, 4]");
  EXPECT_EQ(c.info.at("flag"), "T");
  ASSERT_TRUE(reader.next(c));
  EXPECT_EQ(c.number, 2u);
  EXPECT_FALSE(c.has_cell || c.has_energy || c.has_stress || c.pbc[0]);
  EXPECT_TRUE(c.force.empty());
  EXPECT_FALSE(reader.next(c));
}

TEST_F(Extxyz, StressInOtherForms)
{
  const std::string atom = "\nSi 0 0 0\n";
  const double wanted[6] = {1, 2, 3, 6, 5, 4};
  ExtxyzConfiguration c = read(std::string("1\nstress=\"1 2 3 4 5 6\" ") + CELL + atom);
  for (int k = 0; k < 6; k++) EXPECT_EQ(c.stress[k], wanted[k]);
  c = read(std::string("1\nstress=\"_JSON [[1, 6, 5], [6, 2, 4], [5, 4, 3]]\" ") + CELL + atom);
  for (int k = 0; k < 6; k++) EXPECT_EQ(c.stress[k], wanted[k]);
  c = read(std::string("1\nvirial=\"1 6 5 6 2 4 5 4 3\" ") + CELL + atom);
  for (int k = 0; k < 6; k++) EXPECT_DOUBLE_EQ(c.stress[k], -wanted[k] / 120.0);
}

TEST_F(Extxyz, CommentLinesOfOtherPrograms)
{
  const ExtxyzConfiguration c = read(
      "1\nLattice = \"4 0 0 0 5 0 0 0 6\" alone energy= -2  Properties =species:S:1:pos:R:3 "
      "text=\"a \\\"b\\\" = c\" pbc=[True, False, true] number=+1.5E+0 last\nSi 1e-400 +2 3\n");
  EXPECT_EQ(c.cell[2][2], 6.0);
  EXPECT_EQ(c.energy, -2.0);
  EXPECT_EQ(c.info.at("alone"), "T");
  EXPECT_EQ(c.info.at("text"), "a \\\"b\\\" = c");
  EXPECT_EQ(c.info.at("last"), "T");
  EXPECT_TRUE(c.pbc[0] && !c.pbc[1] && c.pbc[2]);
  EXPECT_EQ(c.position, (std::vector<double>{0, 2, 3}));
  EXPECT_EQ(c.energy_key, "energy");
  EXPECT_TRUE(c.forces_key.empty() && c.stress_key.empty());
}

TEST_F(Extxyz, LabelsOfOtherNames)
{
  write(std::string("1\nE=1 energy=2 W=\"120 0 0 0 0 0\" ") + CELL +
        "Properties=species:S:1:pos:R:3:forces:R:3:F:R:3\nSi 0 0 0 1 1 1 2 2 2\n");
  ExtxyzKeys keys;
  keys.energy = {"none", "E", "energy"};
  keys.forces = {"F", "forces"};
  keys.stress = {"S"};
  keys.virial = {"V", "W"};
  ExtxyzReader reader(file, keys);
  ExtxyzConfiguration c;
  ASSERT_TRUE(reader.next(c));
  EXPECT_EQ(c.energy, 1.0);
  EXPECT_EQ(c.force, (std::vector<double>{2, 2, 2}));
  EXPECT_EQ(c.energy_key + c.forces_key + c.stress_key, "EFW");
  EXPECT_TRUE(c.from_virial);
  EXPECT_DOUBLE_EQ(c.stress[0], -1.0);
}

TEST_F(Extxyz, KnowsWhenTheFileIsCut)
{
  const auto cut = [&](const std::string &text) {
    write(text);
    ExtxyzReader reader(file);
    ExtxyzConfiguration c;
    EXPECT_THROW(reader.next(c), Error) << text;
    return reader.is_cut();
  };
  EXPECT_TRUE(cut("2"));
  EXPECT_TRUE(cut("2\n\nSi 0 0 0\n"));
  EXPECT_TRUE(cut("2\n\nSi 0 0 0\nSi 0 0"));
  EXPECT_FALSE(cut("2\n\nSi 0 0 0\nSi 0 0\n"));    // a line of its own, but wrong
  EXPECT_FALSE(cut("1\n\nSi 0 0 0 0"));
  EXPECT_FALSE(cut("1\n\nSi 0 nan 0"));
}

TEST_F(Extxyz, BadFiles)
{
  std::remove(file.c_str());
  EXPECT_THROW(ExtxyzReader("/nowhere/file.xyz"), Error);
  expect_error("abc\n\nSi 0 0 0\n", {"number of atoms", "line 1", "configuration 1", "abc"});
  expect_error("1\n\nSi 0 0 0\n0\n", {"number of atoms", "line 4", "configuration 2"});
  expect_error("2 3\n", {"number of atoms"});
  expect_error("1\n", {"ends within a configuration"});
  expect_error("2\n\nSi 0 0 0\n", {"ends within a configuration", "atom 2"});
  expect_error("1\n\nSi 0 0\n", {"wrong count of columns", "atom 1", "3", "4"});
  expect_error("1\n\nSi 0 0 x\n", {"not a number", "atom 1", "position", "x"});
  expect_error("1\n\nSi 0 1e400 0\n", {"not finite", "1e400"});
  expect_error("1\n\nSi 0 1e400x 0\n", {"not a number", "1e400x"});
  expect_error("1\n\nSi 0 inf 0\n", {"not finite", "atom 1", "inf"});
  expect_error("1\nProperties=species:S:1:pos:R:3:forces:R:3\nSi 0 0 0 0 nan 0\n",
               {"not finite", "atom 1, force"});
  expect_error("1\nProperties=species:S:1:pos\nSi 0 0 0\n", {"property list", "Properties"});
  expect_error("1\nProperties=species:S:0:pos:R:3\nSi 0 0 0\n", {"property list"});
  expect_error("1\nProperties=pos:R:3\n0 0 0\n", {"species and positions are missing"});
  expect_error("1\nLattice=\"1 2 3\"\nSi 0 0 0\n", {"wrong count of numbers", "Lattice", "3", "9"});
  expect_error("1\nLattice=\"1 2 3\nSi 0 0 0\n", {"no end", "Lattice"});
  expect_error("1\npbc=\"T T\"\nSi 0 0 0\n", {"wrong count of values", "pbc"});
  expect_error("1\nstress=\"1 2\"\nSi 0 0 0\n", {"wrong count of numbers", "stress", "6 or 9"});
  expect_error("1\nvirial=\"1 2 3 4 5 6 7 8 9\"\nSi 0 0 0\n", {"a virial needs a cell"});
  expect_error("1\nenergy=low\nSi 0 0 0\n", {"not a number", "energy", "low"});
}

TEST(FitdumpFrame, SortsAtoms)
{
  FitdumpFrame frame;
  frame.id = {5, 2, 9};
  frame.type = {0, 1, 2};
  frame.position = {1, 1, 1, 2, 2, 2, 3, 3, 3};
  frame.force = {4, 4, 4, 5, 5, 5, 6, 6, 6};
  sort_atoms(frame);
  EXPECT_EQ(frame.id, (std::vector<std::int64_t>{2, 5, 9}));
  EXPECT_EQ(frame.type, (std::vector<int>{1, 0, 2}));
  EXPECT_EQ(frame.position, (std::vector<double>{2, 2, 2, 1, 1, 1, 3, 3, 3}));
  EXPECT_EQ(frame.force, (std::vector<double>{5, 5, 5, 4, 4, 4, 6, 6, 6}));
  frame.id[2] = 5;
  try {
    sort_atoms(frame);
    FAIL();
  } catch (const Error &error) {
    EXPECT_NE(std::string(error.what()).find("atom 5: two atoms"), std::string::npos);
  }
}

TEST(FitdumpFrame, SortsPairsByAtomsAndImages)
{
  FitdumpFrame frame = two_atoms();
  LocalPairs pairs;
  pairs.center = {7};
  pairs.value = {2.5, 3.5};
  // atom 7 sees atom 1 in three images and an image of itself
  pairs.first = {7, 7, 7, 7};
  pairs.second = {7, 1, 1, 1};
  pairs.vector = {4, 0, 0, -1, -1, -1, 3, -1, -1, 0, 4, -1};
  for (int p = 0; p < 24; p++) pairs.derivative.push_back(p / 6);
  add_pairs(pairs, 2, frame);
  EXPECT_EQ(frame.first, (std::vector<int>{1, 1, 1, 1}));
  EXPECT_EQ(frame.second, (std::vector<int>{0, 0, 0, 1}));
  EXPECT_EQ(frame.vector, (std::vector<double>{-1, -1, -1, 0, 4, -1, 3, -1, -1, 4, 0, 0}));
  const int order[4] = {1, 3, 2, 0};
  for (int p = 0; p < 24; p++) EXPECT_EQ(frame.derivative[p], order[p / 6]);
  EXPECT_TRUE(std::isnan(frame.descriptor[0]) && std::isnan(frame.descriptor[1]));
  EXPECT_EQ(frame.descriptor[2], 2.5);
  EXPECT_EQ(frame.descriptor[3], 3.5);
  pairs.second[2] = 3;
  try {
    add_pairs(pairs, 2, frame);
    FAIL();
  } catch (const Error &error) {
    EXPECT_NE(std::string(error.what()).find("atom 3: a neighbor is not among"), std::string::npos);
  }
}

TEST(FitdumpFrame, KnowsTheSameConfiguration)
{
  const FitdumpFrame a = two_atoms();
  FitdumpFrame b = a;
  b.position[3] += 1.0;    // an image along the tilted second cell vector
  b.position[4] += 5.0;
  EXPECT_TRUE(same_configuration(a, b));
  b.position[4] += 1e-7;
  EXPECT_FALSE(same_configuration(a, b));
  const auto differs = [&](void (*change)(FitdumpFrame &)) {
    FitdumpFrame c = a;
    change(c);
    return !same_configuration(a, c);
  };
  EXPECT_TRUE(differs([](FitdumpFrame &c) { c.step = 1; }));
  EXPECT_TRUE(differs([](FitdumpFrame &c) { c.id[1] = 8; }));
  EXPECT_TRUE(differs([](FitdumpFrame &c) { c.type[1] = 0; }));
  EXPECT_TRUE(differs([](FitdumpFrame &c) { c.cell[1][0] += 1e-6; }));
  EXPECT_TRUE(differs([](FitdumpFrame &c) { c.origin[2] += 1e-6; }));
  EXPECT_TRUE(differs([](FitdumpFrame &c) { c.pbc[0] = 0; }));
}
