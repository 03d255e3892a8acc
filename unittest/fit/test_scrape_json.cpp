// Reading FitSNAP's JSON files, with a message for everything that can be wrong with one.
#include "scrape_json.h"

#include "data_fixture.h"

using namespace torchpot;

namespace {

const std::string GOOD = R"(# a comment
{"Dataset": {
  "AtomTypeStyle": "chemicalsymbol", "EnergyStyle": "electronvolt", "StressStyle": "kB",
  "Label": "x",
  "Data": [{"NumAtoms": 2, "Energy": -3.5,
    "Lattice": [[4.0, 0.0, 0.0], [1.0, 5.0, 0.0], [0.5, 0.25, 6.0]],
    "AtomTypes": ["P", "In"],
    "Positions": [[0.0, 0.1, 0.2], [2.0, 2.5, 3.0]],
    "Forces": [[1.0, 2.0, 3.0], [-1.0, -2.0, -3.0]],
    "Stress": [[1.0, 4.0, 5.0], [4.0, 2.0, 6.0], [5.0, 6.0, 3.0]]}]
}}
)";

Configuration read(const std::string &text, const std::map<std::string, double> &eshift = {})
{
  const TemporaryFolder folder;
  return read_json(folder.write("c.json", text), {"In", "P"}, eshift);
}

void expect_wrong(const std::string &from, const std::string &to, std::vector<std::string> parts)
{
  SCOPED_TRACE(to);
  parts.push_back("c.json: ");
  expect_error([&] { read(replaced(GOOD, from, to)); }, parts);
}

}    // namespace

TEST(ScrapeJson, ReadsAConfiguration)
{
  const Configuration c = read(GOOD);
  EXPECT_EQ(c.file, "c.json");
  EXPECT_EQ(c.element, (std::vector<int>{1, 0}));
  EXPECT_EQ(c.cell.vectors[1][0], 1.0);
  EXPECT_EQ(c.cell.vectors[2][1], 0.25);
  EXPECT_EQ(c.position[4], 2.5);
  EXPECT_TRUE(c.has_energy && c.has_forces && c.has_stress);
  EXPECT_EQ(c.energy, -3.5);
  EXPECT_EQ(c.force[2], 3.0);
  const double stress[6] = {1000, 2000, 3000, 4000, 5000, 6000};
  for (int v = 0; v < 6; v++) EXPECT_EQ(c.stress[v], stress[v]);
}

TEST(ScrapeJson, WithoutCommentLine)
{
  EXPECT_EQ(read(GOOD.substr(GOOD.find('\n') + 1)).energy, -3.5);
}

TEST(ScrapeJson, ShiftsAreAddedBeforeUnitsAreConverted)
{
  EXPECT_DOUBLE_EQ(read(GOOD, {{"In", 1.0}, {"P", 0.25}}).energy, -2.25);
  const Configuration c = read(replaced(GOOD, "\"electronvolt\"", "\"hartree\""), {{"In", 1.0}});
  EXPECT_DOUBLE_EQ(c.energy, -2.5 * 27.211386245988);
}

TEST(ScrapeJson, UnitsOfLengthAndForce)
{
  const Configuration c = read(replaced(
      GOOD, "\"Label\"", "\"PositionsStyle\": \"bohr\", \"LatticeStyle\": \"bohr\", "
                         "\"ForcesStyle\": \"hartree/bohr\", \"Label\""));
  EXPECT_DOUBLE_EQ(c.position[3], 2.0 * 0.529177210903);
  EXPECT_DOUBLE_EQ(c.cell.vectors[0][0], 4.0 * 0.529177210903);
  EXPECT_DOUBLE_EQ(c.force[0], 27.211386245988 / 0.529177210903);
}

TEST(ScrapeJson, UnitsOfStress)
{
  const auto stress = [](const std::string &style) {
    return read(replaced(GOOD, "\"StressStyle\": \"kB\"", style)).stress[1];
  };
  EXPECT_EQ(stress("\"StressStyle\": \"bar\""), 2.0);
  EXPECT_EQ(stress("\"StressStyle\": \"GPa\""), 20000.0);
  EXPECT_EQ(stress("\"StressStyle\": \"metal\""), 2.0);
  EXPECT_EQ(stress("\"x\": 1"), 2.0);    // bar, as FitSNAP takes it
}

TEST(ScrapeJson, CellsOfAnyHandAndAtomsOutside)
{
  const Configuration c = read(replaced(
      replaced(GOOD, "[[4.0, 0.0, 0.0], [1.0, 5.0, 0.0]", "[[1.0, 5.0, 0.0], [4.0, 0.0, 0.0]"),
      "[2.0, 2.5, 3.0]", "[-200.0, 250.0, 3.0]"));
  EXPECT_EQ(c.cell.vectors[0][1], 5.0);
  EXPECT_EQ(c.position[3], -200.0);
}

TEST(ScrapeJson, AbsentLabelsAreUnknown)
{
  for (const std::string text :
       {"\"Energy\": -3.5", "\"Forces\": [[1.0, 2.0, 3.0], [-1.0, -2.0, -3.0]]"}) {
    const std::string key = text.substr(0, text.find(':'));
    const Configuration c = read(replaced(GOOD, text, key + ": null"));
    EXPECT_EQ(c.has_energy + c.has_forces + c.has_stress, 2) << key;
  }
  const Configuration c = read(replaced(
      replaced(GOOD, "\"Energy\": -3.5,", ""),
      "\"Stress\": [[1.0, 4.0, 5.0], [4.0, 2.0, 6.0], [5.0, 6.0, 3.0]]", "\"Stress\": null"));
  EXPECT_FALSE(c.has_energy);
  EXPECT_FALSE(c.has_stress);
  EXPECT_TRUE(c.has_forces);
}

TEST(ScrapeJson, SyntaxErrorsNameLineAndColumn)
{
  expect_wrong("\"Energy\": -3.5", "\"Energy\": -3.5.", {"not valid JSON", "line 5, column"});
  expect_wrong("\"Energy\": -3.5", "\"Energy\": 1e999", {"not valid JSON", "1e999"});
  expect_error([] { read("# only a comment\n"); }, {"not valid JSON"});
  expect_error([] { read(""); }, {"not valid JSON"});
}

TEST(ScrapeJson, WrongStructure)
{
  expect_error([] { read("{\"Data\": []}"); }, {"no object \"Dataset\""});
  expect_error([] { read("{\"Dataset\": {\"Data\": []}}"); },
               {"Dataset", "exactly one configuration", "0 configurations"});
  expect_wrong("\"AtomTypes\": [\"P\", \"In\"],", "", {"a key is missing", "AtomTypes"});
  expect_wrong("\"Forces\"", "\"Force\"", {"Force: unknown key", "Did you mean Forces?"});
  expect_wrong("\"Positions\"", "\"Position\"", {"Did you mean Positions?"});
  expect_wrong("chemicalsymbol", "numbers", {"AtomTypeStyle", "numbers"});
  expect_wrong("electronvolt", "electronvolts", {"EnergyStyle", "unknown unit", "hartree"});
  expect_wrong("\"kB\"", "3", {"StressStyle", "unknown unit", "found: 3"});
}

TEST(ScrapeJson, WrongNumbers)
{
  expect_wrong("[[1.0, 2.0, 3.0], [-1.0, -2.0, -3.0]]", "[[1.0, 2.0, 3.0]]",
               {"Forces", "wrong number of rows", "found: 1", "wanted: 2, one for each atom"});
  expect_wrong("[5.0, 6.0, 3.0]]", "[5.0, 6.0]]", {"Stress, row 3", "wrong number of values"});
  expect_wrong(", [5.0, 6.0, 3.0]]", "]", {"Stress", "wrong number of rows", "wanted: 3"});
  expect_wrong("[1.0, 5.0, 0.0], ", "", {"Lattice", "wrong number of rows", "found: 2"});
  expect_wrong("[2.0, 2.5, 3.0]", "[2.0, \"2.5\", 3.0]",
               {"Positions, row 2, value 2", "not a number", "\"2.5\""});
  expect_wrong("[2.0, 2.5, 3.0]", "[2.0, 2.5, Infinity]",
               {"Positions, row 2, value 3", "found: Infinity"});
  expect_wrong("[5.0, 6.0, 3.0]]", "[5.0, null, 3.0]]", {"Stress, row 3, value 2", "found: null"});
  expect_wrong("[-1.0, -2.0, -3.0]", "[-1.0, -2.0]",
               {"Forces, row 2", "wrong number of values", "wanted: 3"});
  expect_wrong("-2.0, -3.0]", "NaN, -3.0]", {"Forces, row 2, value 2", "found: NaN", "finite"});
  expect_wrong("-2.0, -3.0]", "-2.0, -Infinity]", {"Forces, row 2, value 3", "found: Infinity"});
  expect_wrong("\"Energy\": -3.5", "\"Energy\": NaN", {"Energy", "found: NaN"});
  expect_wrong("\"Energy\": -3.5", "\"Energy\": \"low\"", {"Energy", "not a number", "\"low\""});
  expect_wrong("\"NumAtoms\": 2", "\"NumAtoms\": 3", {"NumAtoms", "differ", "found: 3"});
  expect_wrong("\"P\", \"In\"", "\"P\", \"Si\"",
               {"AtomTypes, atom 2", "unknown element", "found: Si", "In P"});
  expect_wrong("[\"P\", \"In\"]", "[]", {"AtomTypes", "no atoms"});
  expect_wrong("[4.0, 0.0, 0.0]", "[2.0, 10.0, 0.0]", {"Lattice", "no volume"});
}

TEST(ScrapeJson, AbsentFile)
{
  const TemporaryFolder folder;
  expect_error([&] { read_json(folder.path.string(), {"H"}, {}); }, {"cannot be read"});
  expect_error([] { read_json("no/such.json", {"H"}, {}); }, {"no/such.json", "cannot be read"});
}
