// Output files of a fit: error tables by hand, formats, LAMMPS lines, refusals.
#include "outputs.h"

#include "error_message.h"
#include "sample_results.h"
#include "torchpot_error.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <sys/wait.h>
#include <unistd.h>

using namespace torchpot;
using namespace torchpot_test;
namespace fs = std::filesystem;

namespace {

/// A folder of its own, removed at the end.
class Folder : public ::testing::Test {
 protected:
  void SetUp() override
  {
    path = fs::temp_directory_path() / ("torchpot_outputs_" + std::to_string(::getpid()));
    fs::create_directory(path);
  }
  void TearDown() override
  {
    fs::permissions(path, fs::perms::owner_all);
    fs::remove_all(path);
  }
  std::string file(const std::string &name) const { return (path / name).string(); }
  fs::path path;
};
using Outputs = Folder;

std::string content(const std::string &file)
{
  std::ifstream stream(file);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

/// Two configurations to work out by hand.
FitResults two()
{
  FitResults results;
  ConfigurationResult a;
  a.file = "a.json", a.group = "one", a.n_atoms = 2, a.energy = -1.0, a.predicted_energy = -0.7;
  ConfigurationResult b;
  b.file = "b.json", b.group = "two", b.n_atoms = 1, b.energy = -3.0, b.predicted_energy = -3.1;
  b.test = true, b.first_atom = 2;
  results.configurations = {a, b};
  results.type = {0, 1, 0};
  results.force = {1, 0, 0, -1, 0, 0, 0, 0, 2};
  results.predicted_force = {1, 0, 0, -1, 0, 0.6, 0, 0, 5};
  return results;
}

}    // namespace

TEST(Leftovers, OfKilledProcessesAreDeleted)
{
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);    // its number is free now
  const fs::path folder = fs::temp_directory_path() / ("leftovers_" + std::to_string(::getpid()));
  fs::create_directory(folder);
  const std::string file = (folder / "m.pt").string();
  const std::string old = file + ".tmp" + std::to_string(child);
  const std::vector<std::string> kept = {file + ".tmp1", file + ".tmpx", file + ".tmp",
                                         (folder / "n.pt.tmp").string() + std::to_string(child)};
  for (const std::string &name : kept) std::ofstream(name) << "x";
  std::ofstream(old) << "x";
  write_output_file(file, "content");
  EXPECT_FALSE(fs::exists(old));
  for (const std::string &name : kept) EXPECT_TRUE(fs::exists(name)) << name;
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), fs::directory_iterator()), 5);
  fs::remove_all(folder);
}

TEST(Errors, AreThoseWorkedOutByHand)
{
  auto table = error_table(two());
  ASSERT_EQ(table.size(), 3u);
  EXPECT_EQ(table[0].group, "*ALL");
  EXPECT_EQ(table[1].group, "one");
  EXPECT_EQ(table[2].group, "two");
  for (int row : {0, 1}) {
    EXPECT_EQ(table[row].energy[0].count, 1u);
    EXPECT_NEAR(table[row].energy[0].mae, 0.3, 1e-15);
    EXPECT_EQ(table[row].force[0].count, 2u);
    EXPECT_NEAR(table[row].force[0].mae, 0.1, 1e-15);
    EXPECT_NEAR(table[row].force[0].rmse, 0.6 / std::sqrt(6.0), 1e-15);
  }
  // the test configuration counts in *ALL although the group named last has no training set
  EXPECT_NEAR(table[0].force[1].mae, 1.0, 1e-15);
  EXPECT_NEAR(table[0].force[1].rmse, std::sqrt(3.0), 1e-15);
  EXPECT_EQ(table[2].energy[0].count, 0u);
  EXPECT_TRUE(std::isnan(table[2].energy[0].mae));
}

TEST(Errors, AllWeighsConfigurationsAndAtomsAlike)
{
  auto table = error_table(torchpot_test::sample_results(30));
  for (int set = 0; set < 2; ++set) {
    EXPECT_NEAR(table[0].energy[set].mae, 0.02, 1e-12);
    EXPECT_NEAR(table[0].energy[set].rmse, 0.02, 1e-12);
    EXPECT_NEAR(table[0].force[set].mae, 0.1, 1e-12);
    std::size_t n = 0;
    for (std::size_t g = 1; g < table.size(); ++g) n += table[g].force[set].count;
    EXPECT_EQ(table[0].force[set].count, n);
  }
}

TEST(Errors, ConfigurationsWithoutLabelsDoNotCount)
{
  FitResults results = two();
  results.configurations[0].energy = NAN;
  results.configurations[1].has_forces = false;
  auto table = error_table(results);
  EXPECT_EQ(table[0].energy[0].count, 0u);
  EXPECT_EQ(table[0].force[0].count, 2u);
  EXPECT_EQ(table[0].energy[1].count, 1u);
  EXPECT_EQ(table[0].force[1].count, 0u);
}

TEST(Errors, BaselinesPredictTheDataWithTheReference)
{
  FitResults results = two();
  results.configurations[0].reference_energy = 0.5;    // total -0.5, the mean of training
  results.configurations[1].reference_energy = 1.0;    // total -2
  results.reference_force = {1, 0, 0, -1, 0, 0, 0, 0, -0.5};
  Baseline mean = mean_energy_baseline(results);
  EXPECT_NEAR(mean.energy[0].mae, 0.0, 1e-15);
  EXPECT_NEAR(mean.energy[1].mae, 1.5, 1e-15);
  EXPECT_EQ(mean.force[1].count, 0u);
  Baseline zero = zero_force_baseline(results);
  EXPECT_NEAR(zero.force[0].mae, 4.0 / 6, 1e-15);
  EXPECT_NEAR(zero.force[1].mae, 0.5, 1e-15);
  EXPECT_EQ(zero.energy[0].count, 0u);
  Baseline same = baseline_from("linear fit", results);
  EXPECT_EQ(same.name, "linear fit");
  EXPECT_NEAR(same.energy[1].mae, 0.1, 1e-15);
  EXPECT_NEAR(same.force[1].mae, 1.0, 1e-15);
}

TEST(Formats, Metrics)
{
  std::istringstream text(metrics_text(error_table(two())));
  std::string line, word;
  std::getline(text, line);
  std::istringstream head(line);
  for (const char *name : {"Group", "Train/Test", "Property", "Count", "MAE", "RMSE"}) {
    head >> word;
    EXPECT_EQ(word, name);
  }
  std::getline(text, line);
  EXPECT_EQ(line, "*ALL   Train       Energy            1   3.000e-01   3.000e-01");
  std::getline(text, line);
  EXPECT_EQ(line, "*ALL   Train       Force             2   1.000e-01   2.449e-01");
  int lines = 2;
  for (std::string next; std::getline(text, next); ++lines) line = next;
  EXPECT_EQ(lines, 12);
  EXPECT_EQ(line, "two    Test        Force             1   1.000e+00   1.732e+00");
}

TEST(Formats, PerConfigurationAndPerAtom)
{
  std::ostringstream configurations, atoms;
  write_perconfig(two(), configurations);
  EXPECT_EQ(configurations.str(),
            "Filename Group Natoms Energy_Truth Energy_Pred Testing_Bool\n"
            "a.json one 2 -1 -0.7 False\n"
            "b.json two 1 -3 -3.1 True\n");
  write_peratom(two(), atoms);
  EXPECT_EQ(atoms.str(),
            "Filename Group AtomID Type Fx_Truth Fy_Truth Fz_Truth Fx_Pred Fy_Pred Fz_Pred "
            "Testing_Bool\n"
            "a.json one 1 1 1 0 0 1 0 0 False\n"
            "a.json one 2 2 -1 0 0 -1 0 0.6 False\n"
            "b.json two 1 1 0 0 2 0 0 5 True\n");
}

/// The first has a stress of (1, 0, ...), predicted as (4, 0, ...), on a reference of (-2, 0, ...).
FitResults with_stress()
{
  FitResults results = two();
  ConfigurationResult &a = results.configurations[0];
  a.has_stress = true;
  a.stress[0] = 1.0, a.predicted_stress[0] = 4.0, a.reference_stress[0] = -2.0;
  a.stress[5] = a.predicted_stress[5] = 0.5;
  return results;
}

TEST(Errors, Stress)
{
  const auto table = error_table(with_stress());
  EXPECT_TRUE(has_stress(table));
  EXPECT_FALSE(has_stress(error_table(two())));
  EXPECT_EQ(table[0].stress[0].count, 1u);
  EXPECT_NEAR(table[0].stress[0].mae, 0.5, 1e-15);
  EXPECT_NEAR(table[0].stress[0].rmse, std::sqrt(1.5), 1e-15);
  EXPECT_EQ(table[0].stress[1].count, 0u);
  EXPECT_TRUE(std::isnan(table[2].stress[0].mae));
  EXPECT_NEAR(zero_force_baseline(with_stress()).stress[0].mae, 1.5 / 6.0, 1e-15);
  EXPECT_EQ(mean_energy_baseline(with_stress()).stress[0].count, 0u);
  EXPECT_NEAR(baseline_from("linear", with_stress()).stress[0].mae, 0.5, 1e-15);
}

TEST(Formats, StressInTables)
{
  const auto table = error_table(with_stress());
  const std::string metrics = metrics_text(table);
  EXPECT_NE(metrics.find("*ALL   Train       Stress            1   5.000e-01   1.225e+00\n"),
            std::string::npos) << metrics;
  EXPECT_NE(metrics.find("*ALL   Test        Stress            0         nan         nan\n"),
            std::string::npos) << metrics;
  std::ostringstream stress;
  write_stress(with_stress(), stress);
  EXPECT_EQ(stress.str(),
            "Filename Group Natoms Sxx_Truth Syy_Truth Szz_Truth Sxy_Truth Sxz_Truth Syz_Truth "
            "Sxx_Pred Syy_Pred Szz_Pred Sxy_Pred Sxz_Pred Syz_Pred Testing_Bool\n"
            "a.json one 2 1 0 0 0 0 0.5 4 0 0 0 0 0.5 False\n");
  const std::string text = error_report(table, {zero_force_baseline(with_stress())}, "metal");
  EXPECT_NE(text.find("stress, GPa\n"), std::string::npos) << text;
  EXPECT_NE(text.find("         1     0.500     1.225\n"), std::string::npos) << text;
  EXPECT_NE(text.find("         0         -         -\n"), std::string::npos) << text;
  EXPECT_EQ(error_report(error_table(two()), {}, "metal").find("stress"), std::string::npos);
}

TEST(Formats, LossHistory)
{
  std::string text = loss_text({{1, 0.5, 0.25}, {2, 0.125, NAN}});
  EXPECT_EQ(text,
            "1.000000000000000000e+00 5.000000000000000000e-01 2.500000000000000000e-01\n"
            "2.000000000000000000e+00 1.250000000000000000e-01 nan\n");
}

TEST(Formats, PrintedTable)
{
  FitResults results = torchpot_test::sample_results(30);
  std::string text = error_report(
      error_table(results), {mean_energy_baseline(results), zero_force_baseline(results)}, "metal");
  EXPECT_NE(text.find("energy, meV/atom"), std::string::npos) << text;
  EXPECT_NE(text.find("force, meV/Angstrom"), std::string::npos);
  EXPECT_NE(text.find("  all               30     20.00     20.00"), std::string::npos) << text;
  EXPECT_NE(text.find("mean energy"), std::string::npos);
  EXPECT_NE(text.find("zero force"), std::string::npos);
  EXPECT_LT(text.find("Test"), text.find("Training"));
  EXPECT_EQ(text.find("\n\n\n"), std::string::npos);
  EXPECT_EQ(text.find("\n\n", text.find("Training")), std::string::npos);
}

const std::string MOD_HEAD =
    "# written by torchpot_fit\n# The path of the model is seen from where LAMMPS is started; a "
    "bare name is looked for in\n# LAMMPS_POTENTIALS too.\n";

TEST(LammpsLines, ReferenceBecomesOneStyleOfAnOverlay)
{
  const std::vector<std::string> elements = {"In", "P"};
  EXPECT_EQ(potential_mod_text({"pair_style zero 10.0", "pair_coeff * *"}, "m.pt", elements),
            MOD_HEAD + "pair_style torchpot\npair_coeff * * m.pt In P\n");
  EXPECT_EQ(potential_mod_text({}, "/a/m.pt", elements),
            "# written by torchpot_fit\npair_style torchpot\npair_coeff * * /a/m.pt In P\n");
  EXPECT_EQ(potential_mod_text({}, "m.pt", elements),
            MOD_HEAD + "pair_style torchpot\npair_coeff * * m.pt In P\n");
  EXPECT_EQ(potential_mod_text({"pair_style hybrid/overlay zero 10.0 zbl 4.0 4.8",
                                "pair_coeff * * zero", "pair_coeff * * zbl 73 73"},
                               "m.pt", {"Ta"}),
            MOD_HEAD +
            "pair_style hybrid/overlay zbl 4.0 4.8 torchpot\n"
            "pair_coeff * * zbl 73 73\n"
            "pair_coeff * * torchpot m.pt Ta\n");
  EXPECT_EQ(potential_mod_text({"pair_style  zbl 4.0 4.8", "pair_coeff 1 2  49 15"}, "m.pt",
                               elements),
            MOD_HEAD +
            "pair_style hybrid/overlay zbl 4.0 4.8 torchpot\n"
            "pair_coeff 1 2 zbl 49 15\n"
            "pair_coeff * * torchpot m.pt In P\n");
  // zero last, with its own keyword; a coefficient that merely contains the word stays
  EXPECT_EQ(reference_for_md({"pair_style hybrid zbl 4.0 4.8 zero 6.0 full", "pair_coeff * * zero",
                              "pair_coeff * * zbl 73 73", "pair_modify tail no"}),
            (std::vector<std::string>{"pair_style hybrid/overlay zbl 4.0 4.8",
                                      "pair_coeff * * zbl 73 73", "pair_modify tail no"}));
  EXPECT_TRUE(reference_for_md({"pair_style hybrid/overlay zero 10.0", "pair_coeff * * zero"})
                  .empty());
  EXPECT_EQ(message([] { reference_for_md({"pair_style hybrid/scaled 0.5 zbl 4.0 4.8"}); }),
            "pair_style hybrid/scaled 0.5 zbl 4.0 4.8: the reference potential cannot be combined "
            "with torchpot; found: hybrid/scaled; wanted: a plain pair style or hybrid/overlay. "
            "Write the reference with hybrid/overlay");
}

TEST_F(Outputs, AreRefusedBeforeAnyWork)
{
  std::ofstream(file("metrics")) << "old";
  check_output_files({"", file("new"), file("metrics")}, true);
  EXPECT_EQ(message([&] { check_output_files({file("new"), file("metrics")}, false); }),
            file("metrics") + ": the output file exists already. Move it away, choose another "
                              "name, or give --overwrite");
  EXPECT_EQ(message([&] { check_output_files({file("none/new")}, true); }),
            file("none/new") + ": cannot write an output file into folder " + file("none") +
                "; found: No such file or directory");
  EXPECT_EQ(message([&] { check_output_files({path.string()}, true); }),
            path.string() + ": an output file is a folder");
}

TEST_F(Outputs, AreWrittenWholeOrNotAtAll)
{
  write_output_file(file("a"), "first\n");
  write_output_file(file("a"), "second\n");
  EXPECT_EQ(content(file("a")), "second\n");
  EXPECT_THROW(write_output_file(file("a"),
                                 [](std::ostream &out) {
                                   out << "half";
                                   throw Error("no more");
                                 }),
               Error);
  EXPECT_EQ(content(file("a")), "second\n");
  EXPECT_EQ(std::distance(fs::directory_iterator(path), fs::directory_iterator()), 1);
  EXPECT_EQ(message([&] { write_output_file(file("none/a"), "x"); }),
            file("none/a") + ": cannot write the file; found: No such file or directory");
  EXPECT_EQ(message([&] { write_output_file("/dev/full/a", "x"); }),
            "/dev/full/a: cannot write the file; found: Not a directory");
  fs::create_directory(file("folder"));
  std::ofstream(file("folder/in")) << "x";
  EXPECT_NE(message([&] { write_output_file(file("folder"), "x"); }).find("cannot rename"),
            std::string::npos);
}
