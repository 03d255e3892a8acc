// Settings of the linear solvers: FitSNAP's inputs for them, unchanged, and what is refused.
#include "settings.h"
#include "data_fixture.h"
#include "fit_files.h"

#include <algorithm>
#include <array>

using namespace torchpot;

namespace {

// as FitSNAP's examples are: no nonlinear, no network, groups with all three weights
const std::string INPUT = R"([BISPECTRUM]
numTypes = 2
twojmax = 6 6
rcutfac = 1.0
wj = 1.0 0.93
radelem = 3.8 3.9
type = In P
wselfallflag = 0
chemflag = 0
quadraticflag = 0
bzeroflag = 1

[CALCULATOR]
calculator = LAMMPSSNAP
energy = 1
force = 1
stress = 1

[ESHIFT]
In = -1.5
P = 4.25

[SOLVER]
solver = SVD
compute_testerrs = 1
detailed_errors = 1

[SCRAPER]
scraper = JSON

[PATH]
dataPath = JSON

[OUTFILE]
metrics = InP_metrics.md
potential = InP_pot

[REFERENCE]
units = metal
atom_style = atomic
pair_style = hybrid/overlay zero 10.0 zbl 4.0 4.2
pair_coeff1 = * * zero
pair_coeff2 = 1 1 zbl 49 49

[GROUPS]
group_sections = name training_size testing_size eweight fweight vweight
group_types = str float float float float float
smartweights = 0
random_sampling = 0
aa = 1.0  0.0	5319411.5	12160.3 	1.0e-12

[EXTRAS]
dump_descriptors = 0

[MEMORY]
override = 0
)";

Settings read(const std::string &text) { return settings_from_text(text, "dir/InP.in"); }

Settings changed(const std::string &from, const std::string &to)
{
  return read(replaced(INPUT, from, to));
}

void expect_wrong(const std::string &from, const std::string &to,
                  const std::vector<std::string> &parts)
{
  SCOPED_TRACE(to);
  expect_error([&] { changed(from, to); }, parts);
}

void expect_note(const Settings &s, const std::string &part)
{
  ASSERT_EQ(s.notes.size(), 1u) << part;
  EXPECT_NE(s.notes[0].find(part), std::string::npos) << s.notes[0];
}

}    // namespace

TEST(LinearSolverSettings, ReadsAFitSnapInputUnchanged)
{
  const Settings s = read(INPUT);
  EXPECT_TRUE(s.notes.empty()) << s.notes[0];
  EXPECT_EQ(s.solver, SolverKind::svd);
  EXPECT_TRUE(s.is_linear_solver());
  EXPECT_EQ(s.torchpot.network, NetworkKind::linear);
  EXPECT_TRUE(s.fits_stress());    // with vweight, without a key of ours
  EXPECT_EQ(s.groups[0].vweight, 1e-12);
  EXPECT_EQ(s.bispectrum.orders, (std::vector<int>{6, 6}));
  EXPECT_EQ(s.torchpot.model, "InP_pot.pt");
  EXPECT_TRUE(s.outfile.loss.empty());
  EXPECT_EQ(s.eshift.at("P"), 4.25);
}

TEST(LinearSolverSettings, Ridge)
{
  EXPECT_EQ(changed("solver = SVD", "solver = RIDGE").ridge_alpha, 1e-8);
  const Settings s = read(replaced(replaced(INPUT, "solver = SVD", "solver = RIDGE"), "[MEMORY]",
                                   "[RIDGE]\nalpha = 1.0E-6\nlocal_solver = 1\n[MEMORY]"));
  EXPECT_EQ(s.solver, SolverKind::ridge);
  EXPECT_EQ(s.ridge_alpha, 1e-6);
  EXPECT_TRUE(s.notes.empty());
  expect_wrong("[MEMORY]", "[RIDGE]\nalpha = -1\n[MEMORY]",
               {"[RIDGE] alpha", "a number that is not negative"});
  expect_wrong("[MEMORY]", "[RIDGE]\nalhpa = 1\n[MEMORY]", {"unknown key", "Did you mean alpha?"});
  expect_note(changed("[MEMORY]", "[RIDGE]\nalpha = 1\n[MEMORY]"),
              "section [RIDGE] has no effect without solver = RIDGE");
}

TEST(LinearSolverSettings, QuadraticAndWhatIsFitted)
{
  EXPECT_EQ(changed("quadraticflag = 0", "quadraticflag = 1").torchpot.network,
            NetworkKind::quadratic);
  EXPECT_FALSE(changed("stress = 1", "stress = 0").fits_stress());
  EXPECT_TRUE(changed("force = 1", "force = 0\nnonlinear = 0").fits_stress());
  EXPECT_EQ(changed("twojmax = 6 6", "twojmax = 6 4").bispectrum.orders,
            (std::vector<int>{6, 4}));
  EXPECT_EQ(changed("twojmax = 6 6", "twojmax = 6 4").bispectrum.snap.twojmax, 6);
}

TEST(LinearSolverSettings, NotesOnWhatHasNoEffect)
{
  expect_note(changed("[MEMORY]", "[PYTORCH]\nnum_epochs = 4\n[MEMORY]"),
              "section [PYTORCH] has no effect with solver = SVD");
  expect_note(changed("[MEMORY]", "[TORCHPOT]\nloss = documented\nclip = 1\n[MEMORY]"),
              "no effect with solver = SVD: loss, clip");
  expect_note(changed("dump_descriptors = 0", "apply_transpose = 1"), "no effect here");
  expect_note(changed("compute_testerrs = 1", "nsam = 1"), "no effect with solver = SVD");
  // names of networks do not count
  EXPECT_EQ(changed("[MEMORY]", "[PYTORCH]\noutput_file = a\n[MEMORY]").torchpot.model,
            "InP_pot.pt");
  EXPECT_EQ(changed("[MEMORY]", "[TORCHPOT]\nmodel = b.pt\n[MEMORY]").torchpot.model, "b.pt");
}

TEST(LinearSolverSettings, RefusedSolversSayWhyAndWhatInstead)
{
  for (const auto &[solver, reason, instead] :
       std::vector<std::array<std::string, 3>>{{"LASSO", "L1 penalty", "RIDGE, or SVD"},
                                               {"ARD", "relevance determination", "RIDGE, or SVD"},
                                               {"ANL", "covariance", "SVD, which gives the same"},
                                               {"MCMC", "by sampling", "SVD"},
                                               {"MERR", "model errors", "SVD"},
                                               {"BCS", "compressive sensing", "RIDGE, or SVD"},
                                               {"OPT", "general optimizers", "SVD"},
                                               {"LREG", "not in this version", "SVD"},
                                               {"ScaLAPACK", "several ranks", "SVD"},
                                               {"SLATE", "several ranks", "RIDGE, or SVD"},
                                               {"TENSORFLOWSVD", "TensorFlow", "SVD"},
                                               {"JAX", "networks", "PYTORCH"}})
    expect_wrong("solver = SVD", "solver = " + solver,
                 {"dir/InP.in:24: [SOLVER] solver: this solver cannot be used", reason,
                  "found: " + solver + "; wanted: " + instead});
  expect_wrong("solver = SVD", "solver = SVG",
               {"unknown solver", "found: SVG", "PYTORCH, NETWORK, SVD or RIDGE"});
  for (const char *section : {"LASSO", "ARD", "SLATE", "JAX"})
    expect_wrong("[MEMORY]", "[" + std::string(section) + "]",
                 {"section [" + std::string(section) + "] cannot be used", "SVD and RIDGE"});
}

TEST(LinearSolverSettings, ContradictionsAreErrors)
{
  expect_wrong("[MEMORY]", "[TORCHPOT]\ncommittee = 3\n[MEMORY]",
               {"[TORCHPOT] committee", "linear solvers fit one model", "found: 3",
                "network = linear", "bootstrap"});
  expect_wrong("stress = 1", "stress = 1\nnonlinear = 1",
               {"[CALCULATOR] nonlinear", "solver = SVD fits linear models", "solver = PYTORCH"});
  const std::string network = replaced(INPUT, "solver = SVD", "solver = PYTORCH");
  expect_error([&] { read(replaced(network, "stress = 1", "nonlinear = 0")); },
               {"networks need nonlinear = 1", "solver = SVD", "network = linear"});
  expect_error([&] { read(replaced(network, "quadraticflag = 0", "quadraticflag = 1")); },
               {"products of descriptors", "solver = SVD", "network = quadratic"});
  expect_wrong("[MEMORY]", "[TORCHPOT]\nnetwork = linear\n[MEMORY]",
               {"[TORCHPOT] network", "solver = PYTORCH", "quadraticflag"});
  expect_wrong("chemflag = 0\nquadraticflag = 0", "chemflag = 1\nquadraticflag = 1",
               {"quadratic models of chemical descriptors", "one of them 0"});
  const std::string chemical = replaced(INPUT, "chemflag = 0", "chemflag = 1");
  expect_error([&] { read(replaced(chemical, "6 6", "6 4")); },
               {"[BISPECTRUM] twojmax", "chemical descriptors need the same twojmax"});
}

TEST(LinearSolverSettings, OutputsAreChecked)
{
  const std::vector<std::string> names = fit_file_names(read(INPUT), true);
  for (const char *name : {"InP_pot.snapcoeff", "InP_pot.snapparam", "InP_pot.mod",
                           "InP_pot.torchpot.mod", "InP_pot.mliap.model", "InP_pot.pt"})
    EXPECT_EQ(std::count(names.begin(), names.end(), name), 1) << name;
  EXPECT_EQ(std::count(names.begin(), names.end(), "loss_vs_epochs.dat"), 0);
}
