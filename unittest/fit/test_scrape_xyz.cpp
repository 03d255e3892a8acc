// Extended XYZ data in FitSNAP's, ASE's and MACE's ways, with a message for what can be wrong.
#include "scrape_xyz.h"

#include "data_fixture.h"
#include "load.h"

#include <cmath>

using namespace torchpot;

namespace {

const std::string SECTIONS = R"([BISPECTRUM]
numTypes = 2
type = Ta W
twojmax = 2
rcutfac = 4.6
[SCRAPER]
scraper = XYZ
[PATH]
dataPath = data
)";
const std::string LINES = R"([GROUPS]
group_sections = name training_size testing_size eweight fweight vweight
group_types = str float float float float float
liquid = 0.5 0.5 10 2 3
solid = 1.0 0 20 4 5
)";

/// One configuration of two atoms; `info` is more of its comment line, x moves the second atom.
std::string frame(const std::string &info, double x = 0.0, const std::string &forces = "forces")
{
  return "2\nLattice=\"4 0 0 1 5 0 0 0 6\" Properties=species:S:1:pos:R:3:" + forces + ":R:3 " +
      info + "\nTa 0 0 0 1 2 3\nW " + std::to_string(1.0 + x) + " 2 3 -1 -2 -3\n";
}

struct Xyz {
  Dataset load(const std::string &more = "")
  {
    notes.clear();
    const Settings s = read_settings(folder.write("in.fit", SECTIONS + more));
    return load_dataset(s, true, notes);
  }
  std::string all_notes() const
  {
    std::string text;
    for (const std::string &note : notes) text += note + "\n";
    return text;
  }
  /// One file named data with this content.
  Dataset one(const std::string &content, const std::string &more = "")
  {
    folder.write("data", content);
    return load(more);
  }
  void wrong(const std::string &content, const std::string &more,
             const std::vector<std::string> &parts)
  {
    SCOPED_TRACE(content + more);
    expect_error([&] { one(content, more); }, parts);
  }
  TemporaryFolder folder;
  std::vector<std::string> notes;
};

std::string names(const Dataset &data)
{
  std::string text;
  for (const Configuration &c : data.configurations)
    text += c.group + "/" + c.file + (c.test ? "* " : " ");
  return text;
}

}    // namespace

TEST(ScrapeXyz, FitSnapFolder)
{
  Xyz xyz;
  std::string liquid;
  for (int i = 0; i < 4; i++) liquid += frame("energy = -" + std::to_string(i), i);
  xyz.folder.write("data/liquid.xyz", liquid);
  xyz.folder.write("data/liquid.extxyz", liquid);    // FitSNAP takes this one first
  xyz.folder.write("data/solid.xyz", replaced(frame("energy=-7.5 stress=\"1 4 5 4 2 6 5 6 3\""),
                                              "Lattice=", "Lattice = "));
  xyz.folder.write("data/unused.xyz", "nonsense");
  const Dataset data = xyz.load(LINES + "[ESHIFT]\nTa = 1\nW = 0.25\n");
  EXPECT_EQ(names(data), "liquid/liquid.extxyz#0 liquid/liquid.extxyz#1 liquid/liquid.extxyz#2* "
                         "liquid/liquid.extxyz#3* solid/solid.xyz#0 ");
  const Configuration &first = data.configurations[0], &c = data.configurations[4];
  EXPECT_EQ(first.energy_weight, 10.0);
  EXPECT_EQ(first.force_weight, 2.0);
  EXPECT_EQ(first.stress_weight, 3.0);
  EXPECT_FALSE(first.has_stress);
  EXPECT_EQ(c.energy, -6.25);
  EXPECT_EQ(c.element, (std::vector<int>{0, 1}));
  EXPECT_EQ(c.cell.vectors[1][0], 1.0);
  EXPECT_EQ(c.position[4], 2.0);
  EXPECT_EQ(c.force[5], -3.0);
  const double stress[6] = {1, 2, 3, 4, 5, 6};
  for (int v = 0; v < 6; v++) EXPECT_DOUBLE_EQ(c.stress[v], -1.6021765e6 * stress[v]);
  EXPECT_EQ(names(xyz.load(replaced(LINES, "0.5 0.5", "1.0 0") +
                           "[TORCHPOT]\ntest_files = *liquid.extxyz#1\n")),
            "liquid/liquid.extxyz#0 liquid/liquid.extxyz#1* liquid/liquid.extxyz#2 "
            "liquid/liquid.extxyz#3 solid/solid.xyz#0 ");
}

TEST(ScrapeXyz, EqualsTheSameDataInJson)
{
  Xyz xyz;
  xyz.folder.write("data/liquid.xyz",
                   "2\nLattice=\"4.1 0.1 0 1 5 0.3 0 0.2 -6\" energy=-3.7 stress=\"1e-3 4e-3 5e-3 "
                   "4e-3 2e-3 6e-3 5e-3 6e-3 3e-3\" Properties=species:S:1:pos:R:3:forces:R:3\n"
                   "Ta 0.1 0.2 0.3 1.1 2.2 3.3\nW 9.4 -2.5 1.6 -1.4 -2.5 -3.6\n");
  xyz.folder.write("data/liquid/a.json", R"({"Dataset": {"StressStyle": "kB", "Data": [{
    "Energy": -3.7, "Lattice": [[4.1, 0.1, 0], [1, 5, 0.3], [0, 0.2, -6]],
    "AtomTypes": ["Ta", "W"], "Positions": [[0.1, 0.2, 0.3], [9.4, -2.5, 1.6]],
    "Forces": [[1.1, 2.2, 3.3], [-1.4, -2.5, -3.6]],
    "Stress": [[-1.6021765, -6.408706, -8.0108825], [-6.408706, -3.204353, -9.613059],
               [-8.0108825, -9.613059, -4.8065295]]}]}})");
  const std::string line = "[GROUPS]\nliquid = 1.0 1 1 1\n";
  const auto load = [&](const std::string &scraper) {
    const Settings s = read_settings(xyz.folder.write(
        "in.fit", replaced(SECTIONS + line, "scraper = XYZ", "scraper = " + scraper)));
    Dataset data = load_dataset(s, true, xyz.notes);
    prepare_dataset(data, s);
    return data;
  };
  const Dataset json = load("JSON"), other = load("XYZ");
  const Configuration &a = json.configurations.at(0), &b = other.configurations.at(0);
  EXPECT_TRUE(xyz.notes.empty()) << xyz.all_notes();
  EXPECT_EQ(a.file, "a.json");
  EXPECT_EQ(b.file, "liquid.xyz#0");
  EXPECT_EQ(a.element, b.element);
  EXPECT_EQ(a.position, b.position);
  EXPECT_EQ(a.force, b.force);
  EXPECT_EQ(a.energy, b.energy);
  EXPECT_GT(a.n_blocks(), 0u);
  EXPECT_EQ(a.descriptor, b.descriptor);
  EXPECT_EQ(a.derivative, b.derivative);
  for (int v = 0; v < 6; v++) EXPECT_NEAR(a.stress[v], b.stress[v], 1e-9);
}

TEST(ScrapeXyz, FolderWithoutLines)
{
  Xyz xyz;
  std::string text;
  for (int i = 0; i < 10; i++) text += frame("energy=1", i);
  xyz.folder.write("data/b10.xyz", text);
  xyz.folder.write("data/b2.xyz", frame("energy=1", 20));
  const Dataset data = xyz.load("[TORCHPOT]\ntest_fraction = 0.2\n");
  EXPECT_EQ(data.groups, (std::vector<std::string>{"b2", "b10"}));
  EXPECT_EQ(data.count(true), 2u);
  EXPECT_EQ(data.configurations[3].energy_weight, 1.0);    // the energies are all the same
  const Dataset named = xyz.load("[TORCHPOT]\ntest_files = b2.*\n");
  EXPECT_EQ(named.count(true), 1u);
  EXPECT_TRUE(named.configurations[0].test);
}

TEST(ScrapeXyz, OneFileIsDividedByItsKeys)
{
  Xyz xyz;
  const std::string text = frame("energy=1 config_type=bulk kind=x") +
      frame("energy=2 kind=y", 1) + frame("energy=3 config_type=slab kind=x", 2) +
      frame("energy=4 config_type=bulk kind=\"\"", 3);
  EXPECT_EQ(names(xyz.one(text, "[TORCHPOT]\ntest_fraction = 0\n")),
            "bulk/data#0 bulk/data#3 all/data#1 slab/data#2 ");
  EXPECT_TRUE(xyz.notes.empty()) << xyz.all_notes();
  EXPECT_EQ(names(xyz.one(text, "[TORCHPOT]\ntest_fraction = 0\ngroup_key = kind\n")),
            "x/data#0 x/data#2 y/data#1 all/data#3 ");
  EXPECT_EQ(names(xyz.one(text, "[GROUPS]\nslab = 1.0 2 1 1\nbulk = 0.5 1 1 1\n")),
            "slab/data#2 bulk/data#0 bulk/data#3* ");
  EXPECT_NE(xyz.all_notes().find("without a line in [GROUPS] are left out: all"),
            std::string::npos);
  xyz.wrong(text, "[GROUPS]\nslap = 1.0 1 1 1\n",
            {"[GROUPS] slap", "no configuration is of this group", "bulk, all, slab",
             "Did you mean slab?"});
  xyz.wrong(text, "[TORCHPOT]\ngroup_key = king\n",
            {"group_key", "no configuration has this key", "found: king", "Did you mean kind?"});
}

TEST(ScrapeXyz, LabelsUnderOtherNames)
{
  Xyz xyz;
  const std::string zero = "[TORCHPOT]\ntest_fraction = 0\n";
  const std::string ref = frame("REF_energy=-3 REF_stress=\"0 0 0 0 0 1e-3\"", 0, "REF_forces");
  Dataset data = xyz.one(ref, zero);
  EXPECT_EQ(data.configurations[0].energy, -3.0);
  EXPECT_EQ(data.configurations[0].force[1], 2.0);
  EXPECT_DOUBLE_EQ(data.configurations[0].stress[3], -1602.1765);
  for (const char *part : {"energies are those named REF_energy, in 1 of 1",
                           "forces are those named REF_forces", "stresses are those named REF_st"})
    EXPECT_NE(xyz.all_notes().find(part), std::string::npos) << part << xyz.all_notes();

  const std::string both = "2\nLattice=\"4 0 0 0 5 0 0 0 6\" Properties=species:S:1:pos:R:3:"
                           "REF_forces:R:3:forces:R:3 energy=1 REF_energy=2 dft=3\n"
                           "Ta 0 0 0 1 1 1 2 2 2\nW 1 1 1 1 1 1 2 2 2\n";
  data = xyz.one(both, zero);
  EXPECT_EQ(data.configurations[0].energy, 1.0);
  EXPECT_EQ(data.configurations[0].force[0], 2.0);
  EXPECT_NE(xyz.all_notes().find("energy is used, not REF_energy (energy_key), where both are"),
            std::string::npos) << xyz.all_notes();
  EXPECT_NE(xyz.all_notes().find("forces is used, not REF_forces (forces_key)"),
            std::string::npos);
  data = xyz.one(both, zero + "energy_key = dft\nforces_key = REF_forces\n");
  EXPECT_EQ(data.configurations[0].energy, 3.0);
  EXPECT_EQ(data.configurations[0].force[0], 1.0);
  EXPECT_TRUE(xyz.notes.empty()) << xyz.all_notes();
  xyz.wrong(both, zero + "energy_key = dtf\n",
            {"[TORCHPOT] energy_key", "no configuration has this key", "Did you mean dft?"});
  xyz.wrong(both, zero + "forces_key = F\n", {"forces_key", "no configuration has this key"});
  xyz.wrong(both, zero + "stress_key = S\n", {"stress_key", "no configuration has this key"});
  xyz.wrong(both, zero + "virial_key = V\n", {"virial_key", "no configuration has this key"});
}

TEST(ScrapeXyz, StressAndVirial)
{
  Xyz xyz;
  const std::string zero = "[TORCHPOT]\ntest_fraction = 0\n";
  const double bar = 1.6021765e6, volume = 120.0;
  const std::string text =
      frame("energy=1 stress=\"1 0 0 0 2 0 0 0 3\" virial=\"4 0 0 0 5 0 0 0 6\"");
  const auto stress = [&](const std::string &more) {
    return xyz.one(text, zero + more).configurations[0].stress[0];
  };
  EXPECT_DOUBLE_EQ(stress(""), -bar);
  EXPECT_DOUBLE_EQ(stress("virial_key = virial\n"), 4.0 / volume * bar);
  EXPECT_DOUBLE_EQ(stress("stress_key = stress\n"), -bar);
  EXPECT_DOUBLE_EQ(stress("stress_unit = bar\n"), 1.0);
  EXPECT_DOUBLE_EQ(stress("stress_unit = bar\nvirial_key = virial\n"), 4.0 / volume * bar);
  // numbers that no solid has are in bar for all configurations, as in FitSNAP's files
  const Dataset data = xyz.one(text + frame("energy=1 stress=\"23963 0 0 0 0 0 0 0 0\"", 1), zero);
  EXPECT_DOUBLE_EQ(data.configurations[0].stress[0], 1.0);
  EXPECT_DOUBLE_EQ(data.configurations[1].stress[0], 23963.0);
  EXPECT_NE(xyz.all_notes().find("up to 23963, are taken as pressures in bar"),
            std::string::npos) << xyz.all_notes();
  const Dataset told = xyz.one(frame("energy=1 stress=\"11 0 0 0 0 0\""),
                               zero + "stress_unit = eV/Angstrom^3\n");
  EXPECT_DOUBLE_EQ(told.configurations[0].stress[0], -11.0 * bar);
  EXPECT_TRUE(xyz.notes.empty()) << xyz.all_notes();
}

TEST(ScrapeXyz, WeightsOfConfigurations)
{
  Xyz xyz;
  const std::string text = frame("energy=1 config_weight=2 config_energy_weight=3 "
                                 "config_forces_weight=5 config_stress_weight=0") +
      frame("energy=1", 1);
  const Dataset data = xyz.one(text, "[GROUPS]\nall = 1.0 10 100 1000\n");
  const Configuration &c = data.configurations[0];
  EXPECT_EQ(c.energy_weight, 60.0);
  EXPECT_EQ(c.force_weight, 1000.0);
  EXPECT_EQ(c.stress_weight, 0.0);
  EXPECT_EQ(data.configurations[1].energy_weight, 10.0);
  EXPECT_TRUE(xyz.notes.empty()) << xyz.all_notes();
  xyz.one(text, "[PYTORCH]\nenergy_weight = 1\nforce_weight = 1\n");
  EXPECT_NE(xyz.all_notes().find("weights of configurations have no effect"), std::string::npos);
  xyz.wrong(frame("energy=1 config_weight=-1"), "",
            {"configuration 1, key config_weight", "found: -1", "not negative"});
}

TEST(ScrapeXyz, OpenBoundaries)
{
  Xyz xyz;
  const std::string molecule = "2\nenergy=1\nTa 0 0 0\nW 1 2 3\n";
  const std::string slab =
      "2\nenergy=1 stress=\"1 1 1 0 0 0\" pbc=\"T T F\" Lattice=\"4 0 0 0 4 0 0 0 0\"\n"
      "Ta 0 0 0\nW 1 2 3\n";
  const Dataset data = xyz.one(molecule + slab, "[TORCHPOT]\ntest_fraction = 0\n");
  EXPECT_FALSE(data.configurations[0].cell.periodic[0]);
  EXPECT_TRUE(data.configurations[1].cell.periodic[1]);
  EXPECT_FALSE(data.configurations[1].cell.periodic[2]);
  EXPECT_FALSE(data.configurations[1].has_stress);
  EXPECT_NE(xyz.all_notes().find("stress of 1 configurations is passed over"), std::string::npos)
      << xyz.all_notes();
  xyz.wrong("1\npbc=\"T T T\" energy=1\nTa 0 0 0\n", "",
            {"key pbc", "a periodic direction has no cell vector", "vector 1"});
  xyz.wrong(replaced(slab, "T T F", "T T T"), "", {"key Lattice", "no cell vector", "vector 3"});
  xyz.wrong(replaced(frame("energy=1"), "1 5 0", "8 0 0"), "",
            {"configuration 1, key Lattice", "the cell has no volume"});
}

TEST(ScrapeXyz, IncompleteEndIsPassedOver)
{
  Xyz xyz;
  const std::string good = frame("energy=1"), whole = good + frame("energy=2", 1);
  // a line may be complete without its end; one that is cut within its last number is not noticed
  for (const std::size_t cut : {4u, 12u, 30u}) {
    const Dataset data = xyz.one(whole.substr(0, whole.size() - cut));
    EXPECT_EQ(data.configurations.size(), 1u) << cut;
    ASSERT_EQ(data.warnings.size(), 1u);
    EXPECT_NE(data.warnings[0].find("ends within its configuration 2"), std::string::npos);
  }
  xyz.wrong(good.substr(0, good.size() - 30), "", {"wrong count of columns", "atom 1"});
  xyz.wrong(good.substr(0, good.size() - 10), "", {"wrong count of columns", "atom 2"});
  xyz.wrong("2\nenergy=1\nTa 0 0 0\n", "", {"the file ends within a configuration", "atom 2"});
  xyz.wrong("\n\n", "", {"there are no configurations"});
}

TEST(ScrapeXyz, BadData)
{
  Xyz xyz;
  const std::string good = frame("energy=1");
  const auto wrong = [&](const std::string &from, const std::string &to,
                         std::vector<std::string> parts) {
    parts.push_back("data, line 5, configuration 2");
    xyz.wrong(good + replaced(good, from, to), "", parts);
  };
  wrong("W ", "V ", {"atom 2", "unknown element", "found: V", "type: Ta W"});
  wrong("-2", "nan", {"atom 2, force", "not finite"});
  wrong("-2", "1,5", {"atom 2, force", "not a number"});
  wrong("1.000000", "inf", {"atom 2, position", "not finite"});
  wrong("energy=1", "energy=nan", {"key energy", "not finite"});
  wrong("energy=1", "energy=1 stress=\"nan 0 0 0 0 0\"", {"key stress", "not finite"});
  wrong("forces:R:3", "forces:R:2:x:R:1", {"forces must have three real components"});
  wrong("energy=1", "energy=1 pbc=\"T X T\"", {"key pbc", "not true or false"});
  const auto counts = [&](const std::string &n, const std::vector<std::string> &parts) {
    xyz.wrong(good + n + good.substr(1) + good, "", parts);
  };
  counts("1", {"data, line 8, configuration 3", "must start with its number of atoms", "W 1.0"});
  counts("3", {"line 5, configuration 2, atom 3", "wrong count of columns", "found: 1"});
}

TEST(ScrapeXyz, WindowsLineEndsAndMissingLabels)
{
  Xyz xyz;
  std::string text = frame("energy=1") + "2\nLattice=\"4 0 0 0 4 0 0 0 4\" energy=2\n"
                                         "Ta 0 0 0\nW 1 1 1\n";
  for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2)
    text.insert(at, "\r");
  const Dataset data = xyz.one(text, "[TORCHPOT]\ntest_fraction = 0\n");
  ASSERT_EQ(data.configurations.size(), 2u);
  EXPECT_FALSE(data.configurations[1].has_forces);
  ASSERT_EQ(xyz.notes.size(), 1u);
  EXPECT_EQ(xyz.notes[0], "configurations without forces: 1 in all (data#1)");
  xyz.wrong("1\nLattice=\"4 0 0 0 4 0 0 0 4\"\nTa 0 0 0\n", "",
            {"all/data#0", "nothing to be fitted"});
}

TEST(ScrapeXyz, WrongPlaces)
{
  Xyz xyz;
  expect_error([&] { xyz.load(); }, {"[PATH] dataPath", "the data are absent", "GROUP.xyz"});
  xyz.folder.write("data/solid/a.json", "");
  expect_error([&] { xyz.load(); }, {"no extended XYZ files", "a folder solid with JSON files",
                                     "Use scraper = JSON"});
  expect_error([&] { xyz.load("[TORCHPOT]\ngroup_key = x\n"); },
               {"group_key", "divides one file", "a folder"});
  xyz.folder.write("data/solid.xyz", frame("energy=1"));
  expect_error([&] { xyz.load(LINES); }, {"[GROUPS] liquid", "the group has no file",
                                          "the groups solid", "liquid.xyz or liquid.extxyz"});
  xyz.folder.write("one.json", "{}");
  const auto with_path = [&](const std::string &path, const std::string &scraper) {
    const std::string text = replaced(SECTIONS, "dataPath = data", "dataPath = " + path);
    std::vector<std::string> notes;
    load_dataset(read_settings(xyz.folder.write(
                     "in.fit", replaced(text, "scraper = XYZ", "scraper = " + scraper) + LINES)),
                 true, notes);
  };
  expect_error([&] { with_path("one.json", "xyz"); }, {"no extended XYZ file", "scraper = JSON"});
  xyz.folder.write("one.xyz", frame("energy=1"));
  expect_error([&] { with_path("one.xyz", "JSON"); },
               {"JSON data are in folders", "one.xyz, a file", "scraper = XYZ"});
  expect_error([&] { with_path("data", "JSON"); },
               {"[GROUPS] liquid", "the group has no folder", "scraper = XYZ"});
}
