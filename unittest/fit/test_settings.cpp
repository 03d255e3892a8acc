// Typed settings: FitSNAP's defaults and names, and a message for every wrong value.
#include "settings.h"

#include "data_fixture.h"

#include <cmath>

using namespace torchpot;

namespace {

const std::string TA = R"([BISPECTRUM]
numTypes = 1
twojmax = 6
rcutfac = 4.67637
rfac0 = 0.99363
rmin0 = 0.0
wj = 1.0
radelem = 0.5
type = Ta
wselfallflag = 0
chemflag = 0
bzeroflag = 0
quadraticflag = 0
bikflag = 1
dgradflag = 1

[CALCULATOR]
calculator = LAMMPSSNAP
energy = 1
per_atom_energy = 1
force = 1
stress = 0
nonlinear = 1

[ESHIFT]
Ta = 0.5

[PYTORCH]
layer_sizes = num_desc 64 32 1 #1000 1000 8 1
learning_rate = 5e-5
num_epochs = 50
batch_size = 8 # 363 configs in entire set
energy_weight = 1e-2
force_weight = 1.0

[SOLVER]
solver = PYTORCH
compute_testerrs = 1
detailed_errors = 1

[SCRAPER]
scraper = JSON

[PATH]
dataPath = JSON

[OUTFILE]
metrics = Ta_metrics.dat
potential = Ta_pot

[REFERENCE]
units = metal
atom_style = atomic
pair_style = hybrid/overlay zero 10.0 zbl 4.0 4.8
pair_coeff1 = * * zero
pair_coeff2 = * * zbl 73 73

[GROUPS]
# name size eweight fweight vweight
group_sections = name training_size testing_size eweight fweight vweight
group_types = str float float float float float
smartweights = 0
random_sampling = 0
Displaced_A15 =  0.7    0.3       100             1               1.00E-08
Liquid        =  1.0    0       4.67E+02        0.5               1.00E-08

[EXTRAS]
dump_descriptors = 0
dump_perconfig = 1

[MEMORY]
override = 0
)";

Settings read(const std::string &text) { return settings_from_text(text, "dir/Ta.fit"); }

/// The message of an input in which `from` is replaced by `to`.
void expect_wrong(const std::string &from, const std::string &to,
                  const std::vector<std::string> &parts)
{
  SCOPED_TRACE(to);
  expect_error([&] { read(replaced(TA, from, to)); }, parts);
}

}    // namespace

TEST(Settings, ReadsAFitSnapInputUnchanged)
{
  const Settings s = read(TA);
  EXPECT_TRUE(s.notes.empty());
  EXPECT_TRUE(s.bispectrum.present);
  EXPECT_EQ(s.bispectrum.snap.elements, std::vector<std::string>{"Ta"});
  EXPECT_EQ(s.bispectrum.snap.twojmax, 6);
  EXPECT_EQ(s.bispectrum.snap.rcutfac, 4.67637);
  EXPECT_EQ(s.bispectrum.snap.radelem, std::vector<double>{0.5});
  EXPECT_FALSE(s.bispectrum.snap.bzeroflag);
  EXPECT_TRUE(s.bispectrum.snap.switchflag);
  EXPECT_EQ(s.pytorch.layer_sizes, (std::vector<int>{64, 32, 1}));
  EXPECT_EQ(s.pytorch.input_size, 0);
  EXPECT_EQ(s.pytorch.learning_rate, 5e-5);
  EXPECT_EQ(s.pytorch.num_epochs, 50);
  EXPECT_EQ(s.pytorch.batch_size, 8);
  EXPECT_TRUE(s.has_global_weights());
  EXPECT_TRUE(std::isnan(s.pytorch.training_fraction));
  EXPECT_EQ(s.element_mode(), ElementMode::shared);
  EXPECT_EQ(s.data_path, "dir/JSON");
  EXPECT_EQ(s.eshift.at("Ta"), 0.5);
  EXPECT_EQ(s.outfile.metrics, "Ta_metrics.dat");
  EXPECT_EQ(s.outfile.perconfig, "perconfig.dat");
  EXPECT_EQ(s.outfile.peratom, "");
  EXPECT_FALSE(s.reference.is_zero);
  EXPECT_EQ(s.reference.lines,
            (std::vector<std::string>{"pair_style hybrid/overlay zero 10.0 zbl 4.0 4.8",
                                      "pair_coeff * * zero", "pair_coeff * * zbl 73 73"}));
  ASSERT_EQ(s.groups.size(), 2u);
  EXPECT_EQ(s.groups[0].name, "Displaced_A15");
  EXPECT_EQ(s.groups[0].training.of(9), 6u);
  EXPECT_EQ(s.groups[0].testing.of(9), 3u);
  EXPECT_EQ(s.groups[0].eweight, 100.0);
  EXPECT_EQ(s.groups[1].training.of(3), 3u);
  EXPECT_EQ(s.groups[1].testing.of(3), 0u);
  EXPECT_EQ(s.groups[1].fweight, 0.5);
  EXPECT_EQ(s.groups[1].where.text(), "dir/Ta.fit:65");
  EXPECT_EQ(s.torchpot.activation, Activation::softplus);
  EXPECT_EQ(s.torchpot.model, "FitTorch_Pytorch.pt");
  EXPECT_EQ(s.torchpot.checkpoint, "FitTorch_Pytorch.checkpoint");
  EXPECT_EQ(s.torchpot.cache, "torchpot_cache");
  EXPECT_EQ(s.torchpot.report, "report.html");
}

TEST(Settings, ReadsItsOwnSection)
{
  const Settings s = settings_from_text(TA + R"([TORCHPOT]
activation = tanh
loss = documented
network = quadratic
precision = float32
fitdump = a.h5 /b/c.h5
test_fraction = 0.25
cache = none
model = out/m.pt
report = none
seed = 7
threads = 3
)",
                                        "dir/Ta.fit", {}, true);
  const TorchpotSettings &t = s.torchpot;
  EXPECT_EQ(t.activation, Activation::tanh);
  EXPECT_TRUE(t.documented_loss);
  EXPECT_EQ(t.network, NetworkKind::quadratic);
  EXPECT_EQ(t.precision, Precision::float32);
  EXPECT_EQ(t.fitdump, (std::vector<std::string>{"dir/a.h5", "/b/c.h5"}));
  EXPECT_EQ(t.test_fraction, 0.25);
  EXPECT_EQ(t.cache, "");
  EXPECT_EQ(t.model, "dir/out/m.pt");
  EXPECT_EQ(t.checkpoint, "dir/out/m.checkpoint");
  EXPECT_EQ(t.report, "");
  EXPECT_EQ(t.seed, 7u);
  EXPECT_EQ(t.threads, 3);
  EXPECT_EQ(s.outfile.metrics, "dir/Ta_metrics.dat");
  ASSERT_EQ(s.notes.size(), 1u);
  EXPECT_NE(s.notes[0].find("layer_sizes: no effect with network = quadratic"), std::string::npos);
}

TEST(Settings, ExtendedXyz)
{
  const std::string own = "[TORCHPOT]\nenergy_key = e\nforces_key = f\nstress_key = s\n"
                          "virial_key = v\ngroup_key = g\nstress_unit = bar\n";
  const std::string xyz = replaced(TA, "scraper = JSON", "scraper = XYZ");
  const Settings s = read(xyz + own);
  const TorchpotSettings &t = s.torchpot;
  EXPECT_TRUE(s.xyz);
  EXPECT_EQ(t.energy_key + t.forces_key + t.stress_key + t.virial_key + t.group_key, "efsvg");
  EXPECT_EQ(t.stress_unit, "bar");
  EXPECT_FALSE(read(TA).xyz);
  expect_error([&] { read(TA + own); },
               {"[TORCHPOT] energy_key", "extended XYZ files only", "scraper = XYZ"});
  expect_error([&] { read(xyz + "[TORCHPOT]\nstress_unit = GPa\n"); },
               {"stress_unit", "found: GPa", "one of eV/Angstrom^3, bar"});
  expect_error([&] { read(replaced(xyz, "units = metal", "units = real")); },
               {"XYZ data are read in metal units"});
}

TEST(Settings, OverridesReplaceValues)
{
  const Settings s = settings_from_text(
      TA, "Ta.fit", {{"PYTORCH", "num_epochs", "3"}, {"TORCHPOT", "seed", "5"}});
  EXPECT_EQ(s.pytorch.num_epochs, 3);
  EXPECT_EQ(s.torchpot.seed, 5u);
  EXPECT_NE(s.input_text.find("# --keyword PYTORCH num_epochs 3"), std::string::npos);
  expect_error([] { settings_from_text(TA, "Ta.fit", {{"PYTORCH", "num_epochs", "x"}}); },
               {"--keyword PYTORCH num_epochs x", "found: x"});
  expect_error([] { settings_from_text(TA, "Ta.fit", {{"PYTROCH", "num_epochs", "1"}}); },
               {"unknown section", "Did you mean [PYTORCH]?"});
}

TEST(Settings, DefaultsAreThoseOfFitSnap)
{
  const Settings s = read("[BISPECTRUM]\ntype = H\n[PATH]\ndataPath = d\n[GROUPS]\nall = 5 1 1 1\n");
  EXPECT_EQ(s.pytorch.layer_sizes, (std::vector<int>{512, 512, 1}));
  EXPECT_TRUE(std::isnan(s.pytorch.learning_rate));    // until the size of the data is known
  EXPECT_EQ(s.pytorch.num_epochs, -1);
  EXPECT_EQ(s.pytorch.batch_size, 4);
  EXPECT_FALSE(s.has_global_weights());
  EXPECT_EQ(s.outfile.metrics, "fitsnap_metrics");
  EXPECT_TRUE(s.reference.is_zero);
  EXPECT_EQ(s.groups[0].training.of(100), 5u);
}

TEST(Settings, TwoElementsAndInnerSwitch)
{
  const Settings s = read(
      "[BISPECTRUM]\nnumTypes = 2\ntype = In P\nwj = 1 0.9\nradelem = 3.8 3.9\nchemflag = 1\n"
      "twojmax = 4 6\nswitchinnerflag = 1\n[PATH]\ndataPath = d\n[GROUPS]\na = 1 1 1 1\n");
  EXPECT_EQ(s.bispectrum.snap.twojmax, 6);
  EXPECT_TRUE(s.bispectrum.snap.chemflag);
  EXPECT_EQ(s.bispectrum.snap.sinnerelem, (std::vector<double>{0.9, 0.9}));
  EXPECT_EQ(s.notes.size(), 1u);    // the largest twojmax is used
}

TEST(Settings, FitdumpFilesAloneNeedNothingElse)
{
  const Settings s = read("[TORCHPOT]\nfitdump = a.h5\n");
  EXPECT_EQ(s.data_path, "");
  EXPECT_FALSE(s.bispectrum.present);
}

TEST(Settings, GroupsFromAFile)
{
  const TemporaryFolder folder;
  folder.write("groups.txt", "# comment\nA 0.5 1 1 1\n\nB 3 2 2 2 # why\n");
  const std::string input = folder.write(
      "in.fit", "[BISPECTRUM]\ntype = H\n[PATH]\ndataPath = d\ngroupFile = groups.txt\n");
  const Settings s = read_settings(input);
  ASSERT_EQ(s.groups.size(), 2u);
  EXPECT_TRUE(s.groups[0].rest_is_test);
  EXPECT_EQ(s.groups[1].training.of(10), 3u);
  EXPECT_EQ(s.groups[1].where.text(), folder("groups.txt") + ":4");
  folder.write("groups.txt", "A 1 1 1 1\nA 1 1 1 1\n");
  expect_error([&] { read_settings(input); }, {"groups.txt:2", "group A is there twice"});
  std::filesystem::remove(folder("groups.txt"));
  expect_error([&] { read_settings(input); }, {"groupFile cannot be read", folder("groups.txt")});
}

TEST(Settings, SavedStates)
{
  Settings s = read(TA);
  EXPECT_EQ(s.pytorch.state_input + s.pytorch.state_output, "");
  const auto with = [](const std::string &lines) {
    return replaced(TA, "batch_size", lines + "batch_size");
  };
  s = read(with("save_state_input = a.pt\nsave_state_output = b.pt\n"));
  EXPECT_EQ(s.pytorch.state_input, "a.pt");
  EXPECT_EQ(s.pytorch.state_output, "b.pt");
  EXPECT_TRUE(s.notes.empty());
  s = settings_from_text(with("save_state_input = a.pt\nsave_state_output = None\n"),
                         "folder/in.fit", {}, true);
  EXPECT_EQ(s.pytorch.state_input, "folder/a.pt");
  EXPECT_EQ(s.pytorch.state_output, "");
  s = settings_from_text(with("save_state_input = a.pt\n"), "in.fit",
                         {{"TORCHPOT", "network", "linear"}});
  ASSERT_EQ(s.notes.size(), 2u);    // the other is of layer_sizes
  EXPECT_EQ(s.notes[1], "save_state_input: no effect with network = linear");
}

TEST(Settings, StressWeight)
{
  const std::string on = replaced(TA, "stress = 0", "stress = 1");
  EXPECT_FALSE(read(on).fits_stress());
  EXPECT_FALSE(read(on + "[TORCHPOT]\nstress_weight = none\n").fits_stress());
  EXPECT_FALSE(read(on + "[TORCHPOT]\nstress_weight = 0\n").fits_stress());
  Settings s = read(on + "[TORCHPOT]\nstress_weight = group\n");
  EXPECT_TRUE(s.fits_stress());
  EXPECT_TRUE(std::isnan(s.torchpot.stress_weight));
  EXPECT_TRUE(s.notes.empty());
  s = read(on + "[TORCHPOT]\nstress_weight = 0.25\n");
  EXPECT_TRUE(s.fits_stress());
  EXPECT_EQ(s.torchpot.stress_weight, 0.25);
  // [CALCULATOR] switches it off
  s = read(TA + std::string("[TORCHPOT]\nstress_weight = 0.25\n"));
  EXPECT_FALSE(s.fits_stress());
  ASSERT_EQ(s.notes.size(), 1u);
  EXPECT_NE(s.notes[0].find("stress_weight: no effect with [CALCULATOR] stress = 0"),
            std::string::npos);
  // stresses alone are something to fit
  const std::string alone = replaced(on, "energy = 1\nper_atom_energy = 1\nforce = 1",
                                     "energy = 0\nforce = 0");
  EXPECT_TRUE(read(alone + "[TORCHPOT]\nstress_weight = 1\n").fits_stress());
  expect_error([&] { read(alone); }, {"nothing to fit", "stress_weight"});
  for (const char *wrong : {"some", "-1", "inf", "nan", "1 2"})
    expect_error([&] { read(on + "[TORCHPOT]\nstress_weight = " + wrong + "\n"); },
                 {"[TORCHPOT] stress_weight", std::string("found: ") + wrong,
                  "none, group, or a number that is not negative"});
}

TEST(Settings, NotesSayWhatHasNoEffect)
{
  const auto note_of = [](const std::string &from, const std::string &to) {
    const Settings s = read(replaced(TA, from, to));
    EXPECT_EQ(s.notes.size(), 1u) << to;
    return s.notes.empty() ? "" : s.notes[0];
  };
  const auto has = [](const std::string &text, const std::string &part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  has(note_of("dump_descriptors = 0", "dump_descriptors = 1"), "no effect");
  has(note_of("stress = 0", "stress = 1"), "not fitted without [TORCHPOT] stress_weight");
  has(note_of("bikflag = 1", "bikflag = 0"), "always computed");
  has(note_of("metrics = ", "metrics_style = CSV\nmetrics = "), "text table");
  has(note_of("compute_testerrs = 1", "nsam = 1"), "no effect with solver");
  has(note_of("dump_descriptors = 0", "apply_transpose = 1"), "no effect here");
  has(note_of("bikflag = 1", "sinner = 1"), "no effect without switchinnerflag");
}

TEST(Settings, Committee)
{
  const auto with = [](const std::string &lines) { return TA + "\n[TORCHPOT]\n" + lines; };
  EXPECT_EQ(read(TA).torchpot.committee, 1);
  const Settings s = read(with("committee = 4\ncommittee_data = bootstrap\nnetwork = linear\n"));
  EXPECT_EQ(s.torchpot.committee, 4);
  EXPECT_TRUE(s.torchpot.bootstrap);
  EXPECT_FALSE(read(with("committee = 2\n")).torchpot.bootstrap);
  const Settings alone = read(with("committee_data = bootstrap\n"));
  EXPECT_FALSE(alone.torchpot.bootstrap);
  ASSERT_EQ(alone.notes.size(), 1u);
  EXPECT_NE(alone.notes[0].find("committee_data: no effect without committee"), std::string::npos);
  for (const char *wrong : {"0", "-1", "1.5", "many"})
    expect_error([&] { read(with(std::string("committee = ") + wrong + "\n")); },
                 {"[TORCHPOT] committee", "wrong value", std::string("found: ") + wrong,
                  "a whole number from 1 to 1000"});
  expect_error([&] { read(with("committee = 2\ncommittee_data = some\n")); },
               {"[TORCHPOT] committee_data", "found: some", "all", "bootstrap"});
  for (const char *network : {"linear", "quadratic"})
    expect_error(
        [&] { read(with(std::string("committee = 3\nnetwork = ") + network + "\n")); },
        {"[TORCHPOT] committee", "would all be the same", "nothing random", "found: 3",
         "committee_data = bootstrap"});
}

TEST(Settings, UnknownNames)
{
  expect_wrong("Ta = 0.5", "num_epochs = 4", {"num_epochs is not an element"});
  expect_wrong("compute_testerrs = 1", "num_epochs = 4",
               {"[SOLVER] num_epochs", "this key belongs in [PYTORCH]"});
  expect_wrong("atom_style = atomic", "num_epochs = 4",
               {"[REFERENCE] num_epochs", "this key belongs in [PYTORCH]"});
  expect_wrong("smartweights = 0", "num_epochs = 4",
               {"[GROUPS] num_epochs", "this key belongs in [PYTORCH]"});
  expect_wrong("learning_rate = 5e-5", "fitdump = a.h5", {"this key belongs in [TORCHPOT]"});
  expect_wrong("[ESHIFT]", "[ESHFIT]", {"dir/Ta.fit:25", "unknown section", "[ESHIFT]?"});
  expect_wrong("[MEMORY]", "[ELEPHANTS]", {"unknown section", "one of BISPECTRUM, CALCULATOR"});
  expect_wrong("learning_rate", "learing_rate",
               {"dir/Ta.fit:30: [PYTORCH] learing_rate", "unknown key",
                "Did you mean learning_rate?"});
  expect_wrong("override", "elephants", {"[MEMORY] elephants", "one of memory, override"});
  expect_wrong("Ta = 0.5", "W = 0.5", {"[ESHIFT] W: W is not an element of [BISPECTRUM] type", "Ta"});
  expect_wrong("atom_style", "atomstyle", {"[REFERENCE] atomstyle", "Did you mean atom_style?"});
}

TEST(Settings, RefusedFeaturesSayWhy)
{
  expect_wrong("[MEMORY]", "[ACE]", {"section [ACE] cannot be used", "not in this version"});
  expect_wrong("[MEMORY]", "[LASSO]", {"the linear solvers are SVD and RIDGE"});
  expect_wrong("solver = PYTORCH", "solver = SVD", {"[CALCULATOR] nonlinear", "solver = SVD"});
  expect_wrong("solver = PYTORCH", "solver = NETWORK", {"[PYTORCH] does not belong to"});
  expect_wrong("scraper = JSON", "scraper = VASP", {"[SCRAPER] scraper", "VASP", "rerun"});
  expect_wrong("scraper = JSON", "property_array = a", {"property_array", "cannot be used"});
  expect_wrong("LAMMPSSNAP", "LAMMPSPACE", {"[CALCULATOR] calculator", "LAMMPSSNAP"});
  expect_wrong("nonlinear = 1", "nonlinear = 0", {"networks need nonlinear = 1"});
  expect_wrong("per_atom_energy = 1", "per_atom_scalar = 1", {"atomic scalars"});
  expect_wrong("quadraticflag = 0", "quadraticflag = 1", {"network = quadratic"});
  expect_wrong("dump_descriptors = 0", "only_test = 1", {"--evaluate"});
  expect_wrong("metrics = ", "output_style = PACE\nmetrics = ", {"output_style", "SNAP"});
  expect_wrong("atom_style = atomic", "atom_style = spin", {"spins and charges"});
  expect_wrong("units = metal", "units = real", {"metal units"});
  expect_wrong("smartweights = 0", "BOLTZ = 300", {"Boltzmann weights"});
}

TEST(Settings, WrongValuesNamePlaceAndWish)
{
  expect_wrong("learning_rate = 5e-5", "learning_rate = fast",
               {"dir/Ta.fit:30: [PYTORCH] learning_rate", "found: fast", "larger than 0"});
  expect_wrong("learning_rate = 5e-5", "learning_rate = 0", {"a number larger than 0"});
  expect_wrong("learning_rate = 5e-5", "learning_rate = inf", {"a number larger than 0"});
  expect_wrong("num_epochs = 50", "num_epochs = 5.5", {"found: 5.5", "a whole number from 0"});
  expect_wrong("batch_size = 8", "batch_size = 0", {"a whole number from 1"});
  expect_wrong("energy = 1", "energy = maybe", {"[CALCULATOR] energy", "maybe", "0 or 1"});
  expect_wrong("energy = 1\n", "energy = 0\nforce = 0 #", {"there twice"});
  expect_wrong("energy = 1\nper_atom_energy = 1\nforce = 1", "energy = 0\nforce = 0",
               {"nothing to fit"});
  expect_wrong("num_desc 64 32 1", "num_desc 64 32", {"last layer", "size 1"});
  expect_wrong("num_desc 64 32 1", "desc 64 1", {"wrong layer size", "desc", "num_desc"});
  expect_wrong("num_desc 64 32 1", "num_desc 0 1", {"wrong layer size", "found: 0"});
  expect_wrong("force_weight = 1.0", "", {"go together", "only energy_weight"});
  expect_wrong("energy_weight = 1e-2\nforce_weight = 1.0", "energy_weight = 0\nforce_weight = 0",
               {"force_weight: nothing to fit", "at least one of them larger than 0"});
  expect_wrong("force_weight = 1.0", "force_weight = -1", {"not negative"});
  expect_wrong("batch_size", "training_fraction = 1.5\nbatch_size", {"at most 1"});
  expect_wrong("batch_size", "multi_element_option = 4\nbatch_size", {"from 1 to 3"});
  expect_wrong("numTypes = 1", "numTypes = 2", {"numTypes", "1 (Ta)", "numTypes = 2"});
  expect_wrong("twojmax = 6", "twojmax = 6 8", {"wrong number of values"});
  expect_wrong("twojmax = 6", "twojmax = six", {"[BISPECTRUM] twojmax", "six"});
  expect_wrong("radelem = 0.5", "radelem = 0.5 0.6", {"radelem", "found: 2", "wanted: 1"});
  expect_wrong("rcutfac = 4.67637", "rcutfac = -1", {"rcutfac", "larger than 0"});
  expect_wrong("rcutfac = 4.67637", "rcutfac = 4,67", {"found: 4,67"});
  const std::string own = "[TORCHPOT]\n";
  const auto wrong_own = [&](const std::string &line, const std::vector<std::string> &parts) {
    SCOPED_TRACE(line);
    expect_error([&] { read(TA + own + line); }, parts);
  };
  wrong_own("activation = softmax", {"[TORCHPOT] activation", "softmax", "softplus"});
  wrong_own("loss = mean", {"[TORCHPOT] loss", "one of fitsnap, documented"});
  wrong_own("device = gpu", {"[TORCHPOT] device", "gpu", "one of auto, cpu, torch, cuda"});
  wrong_own("network = deep", {"one of linear, quadratic, mlp"});
  wrong_own("precision = single", {"one of float64, float32"});
  wrong_own("test_fraction = 1", {"from 0 to below 1"});
  wrong_own("seed = -1", {"[TORCHPOT] seed", "from 0"});
}

TEST(Settings, WrongGroups)
{
  const std::string line = "Liquid        =  1.0    0       4.67E+02        0.5 ";
  expect_wrong(line, "Liquid = 1.0", {"dir/Ta.fit:65: [GROUPS] Liquid", "found: 2", "wanted: 5",
                                      "training_size testing_size eweight fweight vweight"});
  expect_wrong("random_sampling = 0", "random_samplin = 1", {"did you mean random_sampling?"});
  expect_wrong(line, "Liquid = 1.5 0 1 1 ", {"fraction up to 1 or a whole number", "1.5"});
  expect_wrong(line, "Liquid = -1 0 1 1 ", {"Liquid training_size", "not negative"});
  expect_wrong(line, "Liquid = 1 0 x 1 ", {"Liquid eweight", "found: x"});
  expect_wrong("name training_size testing_size", "name train_size testing_size",
               {"unknown column", "Did you mean training_size?"});
  expect_wrong("name training_size testing_size", "training_size name testing_size",
               {"first column must be the name"});
  expect_wrong("name training_size testing_size", "name size training_size",
               {"either size or training_size"});
  expect_wrong("str float float", "float float", {"differ in length"});
  expect_wrong("str float float", "str float number", {"unknown type", "number"});
  expect_wrong("random_sampling = 0", "random_seed = 1.5", {"random_seed", "a whole number"});
  expect_error([] { read("[BISPECTRUM]\ntype = H\n[PATH]\ndataPath = d\n"); },
               {"no groups of data"});
  expect_error([] { read("[PATH]\ndataPath = d\n[GROUPS]\na = 1 1 1 1\n"); },
               {"[BISPECTRUM] is missing"});
}

TEST(Settings, AbsentInputFile)
{
  expect_error([] { read_settings("no/such.fit"); },
               {"no/such.fit", "cannot be read", "no such file"});
}

TEST(Settings, ZeroReferences)
{
  const auto is_zero = [](const std::string &style) {
    return read(replaced(TA, "hybrid/overlay zero 10.0 zbl 4.0 4.8", style)).reference.is_zero;
  };
  EXPECT_TRUE(is_zero("zero 10.0"));
  EXPECT_TRUE(is_zero("zero 4.5 full"));
  EXPECT_TRUE(is_zero("hybrid/overlay zero 5.0"));
  EXPECT_FALSE(is_zero("zbl 4.0 4.8"));
  EXPECT_FALSE(is_zero("hybrid/overlay zero 10.0 zbl 4.0 4.8"));
}

TEST(Settings, TrainingIsPlannedWhereTheInputLeavesItOpen)
{
  const std::string bispectrum =
      "[BISPECTRUM]\ntwojmax = 6\n[GROUPS]\nall = 0.9 1 1 1\n";
  const auto planned = [&](const std::string &text, std::size_t n_training) {
    Settings s = settings_from_text(bispectrum + text, "in.fit");
    plan_training(s, n_training);
    return s;
  };
  // few parameters: all training data in each step
  Settings s = planned("[PYTORCH]\nlayer_sizes = num_desc 16 16 1\n", 200);
  EXPECT_EQ(training_text(s), "levenberg, 150 steps on all training data");
  EXPECT_EQ(s.torchpot.average, 0.0);
  // many: batches, about 200,000 steps
  s = planned("[PYTORCH]\nlayer_sizes = num_desc 64 64 1\n", 800);
  EXPECT_EQ(training_text(s), "adam, learning rate 0.002 (cosine), batches of 4, 1000 epochs");
  EXPECT_EQ(s.torchpot.average, 0.99);
  EXPECT_EQ(planned("[PYTORCH]\nlayer_sizes = num_desc 64 64 1\n", 8).pytorch.num_epochs, 5000);
  EXPECT_EQ(planned("[PYTORCH]\nlayer_sizes = num_desc 64 64 1\n", 80000).pytorch.num_epochs, 50);
  // what the input says holds
  s = planned("[PYTORCH]\nlayer_sizes = num_desc 16 16 1\nlearning_rate = 5e-5\nnum_epochs = 7\n",
              200);
  EXPECT_EQ(training_text(s), "adam, learning rate 5e-05 (constant), batches of 4, 7 epochs");
  s = planned("[PYTORCH]\nlayer_sizes = num_desc 16 16 1\n[TORCHPOT]\noptimizer = lbfgs\n"
              "average = 0.5\n",
              200);
  EXPECT_EQ(training_text(s), "lbfgs, 2000 steps on all training data");
  s.torchpot.device = Device::cpu;
  EXPECT_EQ(training_text(s), "lbfgs, 2000 steps on all training data, on the CPU");
  s.torchpot.device = Device::cuda;
  EXPECT_EQ(training_text(s),
            "lbfgs, 2000 steps on all training data, by libtorch on a GPU; results are the same "
            "from run to run and on other numbers of ranks only to rounding");
  EXPECT_EQ(s.torchpot.average, 0.5);
}
