// Input files as Python's ConfigParser reads them.
#include "ini.h"
#include "torchpot_text.h"

#include "data_fixture.h"

using namespace torchpot;

TEST(Ini, ReadsSectionsKeysAndPlaces)
{
  const IniFile ini = parse_ini("# comment\n; another\n\n[A]\nx = 1\nY: two words  # why\n\n"
                                "[B]\nx=y=z:w\nempty =\n",
                                "in.fit");
  ASSERT_EQ(ini.sections.size(), 2u);
  const IniSection &a = *ini.find("A"), &b = *ini.find("B");
  EXPECT_EQ(a.where.text(), "in.fit:4");
  EXPECT_EQ(a.find("x")->value, "1");
  EXPECT_EQ(a.find("x")->where.text(), "in.fit:5");
  EXPECT_EQ(a.find("Y")->value, "two words");
  EXPECT_EQ(a.find("y"), nullptr);
  EXPECT_EQ(b.find("x")->value, "y=z:w");
  EXPECT_EQ(b.find("empty")->value, "");
  EXPECT_EQ(ini.find("C"), nullptr);
}

TEST(Ini, CommentsNeedSpaceBeforeThem)
{
  const IniFile ini = parse_ini("[A]\nx = a#b\ny = a #b\nz = a;b ; c\n", "f");
  EXPECT_EQ(ini.find("A")->find("x")->value, "a#b");
  EXPECT_EQ(ini.find("A")->find("y")->value, "a");
  EXPECT_EQ(ini.find("A")->find("z")->value, "a;b ; c");
}

TEST(Ini, DeeperLinesContinueAValue)
{
  const IniFile ini = parse_ini("[A]\nx = 1\n    2 # two\n\n  # comment\n  3 = 4\ny = 5\r\n"
                                "  [A]\n",
                                "f");
  EXPECT_EQ(ini.find("A")->find("x")->value, "1\n2\n3 = 4");
  EXPECT_EQ(ini.find("A")->find("y")->value, "5\n[A]");
}

TEST(Ini, IndentedKeysOfOneDepthAreKeys)
{
  const IniFile ini = parse_ini("  [A]\n  x = 1\n  y = 2\n", "f");
  EXPECT_EQ(ini.find("A")->find("y")->value, "2");
}

TEST(Ini, SetReplacesAndAdds)
{
  IniFile ini = parse_ini("[A]\nx = 1\n", "f");
  ini.set("A", "x", "2", {"--keyword", 0});
  ini.set("A", "y", "3", {"--keyword", 0});
  ini.set("B", "z", "4", {"--keyword", 0});
  EXPECT_EQ(ini.find("A")->find("x")->value, "2");
  EXPECT_EQ(ini.find("A")->find("x")->where.text(), "--keyword");
  EXPECT_EQ(ini.find("A")->find("y")->value, "3");
  EXPECT_EQ(ini.find("B")->find("z")->value, "4");
}

TEST(Ini, NamesBothLinesOfDuplicates)
{
  expect_error([] { parse_ini("[A]\nx = 1\n[B]\n[A]\n", "f"); },
               {"f:4", "section [A] is there twice", "f:1"});
  expect_error([] { parse_ini("[A]\nx = 1\ny = 2\nx = 3\n", "f"); },
               {"f:4", "key x of [A] is there twice", "f:2"});
}

TEST(Ini, RefusesLinesThatAreNothing)
{
  expect_error([] { parse_ini("x = 1\n", "f"); },
               {"f:1", "before the first section", "found: x = 1"});
  expect_error([] { parse_ini("[A]\njust words\n", "f"); },
               {"f:2", "neither a section nor a setting", "just words", "key = value"});
  expect_error([] { parse_ini("[A]\n = 1\n", "f"); }, {"f:2", "neither"});
}

TEST(Ini, FindsTheNearestName)
{
  const std::vector<std::string> names = {"learning_rate", "batch_size", "num_epochs"};
  EXPECT_EQ(nearest_name("learing_rate", names), "learning_rate");
  EXPECT_EQ(nearest_name("Batch_Size", names), "batch_size");
  EXPECT_EQ(nearest_name("number_epochs", names), "num_epochs");
  EXPECT_EQ(nearest_name("elephant", names), "");
  EXPECT_EQ(nearest_name("x", {"H"}), "");
}
