// torchpot_model as a program, on good and on damaged files: messages and exit codes.
#include "checks.h"

#include "torchpot_error.h"
#include "torchpot_fitdump_file.h"
#include "torchpot_model_file.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <sys/wait.h>
#include <unistd.h>

using namespace torchpot;
namespace fs = std::filesystem;

namespace {

struct Output {
  int status;
  std::string text;    // both streams
};

Output run(const std::string &arguments)
{
  std::FILE *pipe = ::popen((TORCHPOT_MODEL_PROGRAM " " + arguments + " 2>&1").c_str(), "r");
  Output result;
  char buffer[4096];
  for (std::size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;)
    result.text.append(buffer, n);
  int status = ::pclose(pipe);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return result;
}

SnapParameters snap(int twojmax)
{
  SnapParameters p;
  p.elements = {"In", "P"};
  p.radelem = {0.5, 0.45}, p.welem = {1.0, 0.8};
  p.rcutfac = 4.6, p.twojmax = twojmax;
  return p;
}

Model sample_model(Activation activation)
{
  Model model;
  model.descriptor = snap(4);
  model.elements = model.descriptor.elements;
  model.cutoff = model.descriptor.cutoff(0, 0);
  NetworkParameters &network = model.network;
  network.element_mode = ElementMode::per_element;
  network.n_elements = 2;
  network.n_descriptors = model.descriptor.n_descriptors();
  network.layer_sizes = {8, 1};
  network.activations = {activation, Activation::linear};
  network.energy_shift = {-1.5, -2.25};
  for (int i = 0; i < 2 * network.n_descriptors; ++i) {
    network.input_shift.push_back(0.1 * i);
    network.input_scale.push_back(20.0 + i);
  }
  for (int i = 0; i < 2 * network.n_parameters(); ++i)
    network.parameters.push_back(0.3 * std::sin(1.7 * i + 0.3));
  model.reference = {"pair_style hybrid/overlay zbl 4.0 4.8", "pair_coeff * * zbl 49 15"};
  model.training = R"({"date": "2026-05-04T09:30:00Z", "epochs": 20, "best_epoch": 17,
    "data_hash": "0123", "versions": {"torchpot": "0.1.0"},
    "errors": {"test": {"energy_mae": 0.0123, "force_mae": 0.0456,
    "stress_mae": 0.789}}})";
  return model;
}

/// Atoms of a sheared, partly periodic cell with pairs and derivatives as fix fitdump writes them.
FitdumpFrame sample_frame(const SnapParameters &parameters, int seed)
{
  FitdumpFrame frame;
  frame.energy = -20.5 - seed, frame.step = 10 * seed, frame.label = seed % 2 ? "melt" : "crystal";
  const double cell[3][3] = {{5.0, 0, 0}, {0.7, 5.5, 0}, {-0.4, 0.3, 6.0}};
  Cell box;
  for (int a = 0; a < 3; ++a)
    for (int b = 0; b < 3; ++b) frame.cell[a][b] = box.vectors[a][b] = cell[a][b];
  frame.pbc[2] = 0, box.periodic[2] = false;
  const int n = 6;
  for (int i = 0; i < n; ++i) {
    frame.id.push_back(2 * i + 1);
    frame.type.push_back(i % 2);
    frame.position.push_back(2.4 * (i % 2) + 0.2 * std::sin(7.3 * i + seed));
    frame.position.push_back(2.6 * (i / 2 % 2) + 0.2 * std::sin(3.1 * i + seed));
    frame.position.push_back(2.5 * (i / 4) + 0.2 * std::sin(5.7 * i + seed));
    for (int c = 0; c < 3; ++c) frame.force.push_back(std::sin(i + c + seed));
  }
  auto descriptor = make_snap(parameters);
  NeighborTable table = find_neighbors(n, n, frame.position.data(), frame.type.data(), box,
                                       descriptor->max_cutoff());
  NeighborTable kept;
  kept.element = table.element, kept.first = {0};
  for (int i = 0; i < n; ++i) {
    for (std::size_t p = table.first[i]; p < table.first[i + 1]; ++p) {
      const double *v = &table.vector[3 * p];
      double r = std::sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
      if (r >= parameters.cutoff(frame.type[i], table.neighbor_element[p])) continue;
      frame.first.push_back(i), frame.second.push_back(table.neighbor[p]);
      frame.vector.insert(frame.vector.end(), v, v + 3);
      kept.neighbor_element.push_back(table.neighbor_element[p]);
    }
    kept.first.push_back(frame.first.size());
  }
  kept.vector = frame.vector;
  const std::size_t n_k = parameters.n_descriptors();
  frame.descriptor.resize(n * n_k), frame.derivative.resize(frame.first.size() * n_k * 3);
  descriptor->derivatives(kept.view(), frame.descriptor.data(), frame.derivative.data());
  return frame;
}

FitdumpHeader sample_header()
{
  FitdumpHeader header;
  header.descriptor = snap(4);
  header.elements = header.descriptor.elements;
  header.torchpot_version = "0.1.0", header.lammps_version = "20250722";
  return header;
}

class ModelTool : public ::testing::Test {
 protected:
  void SetUp() override
  {
    path = fs::temp_directory_path() / ("torchpot_model_" + std::to_string(::getpid()));
    fs::create_directory(path);
  }
  void TearDown() override { fs::remove_all(path); }
  std::string file(const std::string &name) const { return (path / name).string(); }

  /// Writes frames that `spoil` has changed, and verifies the file.
  template <class F> Output verify_spoiled(F spoil)
  {
    const std::string name = file("spoiled.h5");
    fs::remove(name);
    {
      FitdumpWriter writer(name, sample_header(), false);
      for (int k = 0; k < 3; ++k) {
        FitdumpFrame frame = sample_frame(snap(4), k);
        if (k == 1) spoil(frame);
        writer.append(frame);
      }
    }
    // what the program prints, without starting it each time
    CheckReport report = verify_fitdump(name, 3);
    Output result{report.passed() ? 0 : 1, ""};
    for (const Check &check : report.checks)
      result.text += check.name + (check.passed ? " ok: " : " FAILED: ") + check.text + "\n";
    return result;
  }

  fs::path path;
};

void expect(const Output &run, int status, const std::vector<std::string> &parts)
{
  EXPECT_EQ(run.status, status) << run.text;
  for (const std::string &part : parts)
    EXPECT_NE(run.text.find(part), std::string::npos) << "'" << part << "' in\n" << run.text;
}

}    // namespace

TEST_F(ModelTool, TellsAndVerifiesModels)
{
  for (Activation activation : {Activation::softplus, Activation::relu}) {
    write_model(sample_model(activation), file("m.pt"));
    expect(run("verify " + file("m.pt")), 0,
           {"finite differences   ok", "two paths            ok", "TorchScript          ok",
            "rotation             ok", "float32              -", "all checks passed"});
  }
  expect(run("info " + file("m.pt")), 0,
         {"torchpot model, family descriptor, format version 1", "In P", "metal (energies in eV",
          "SNAP, 2J = 4, 14 components",
          "14 -> 8 relu -> 1 linear, one per element, 258 parameters",
          "In -1.5, P -2.25", "pair_style hybrid/overlay zbl 4.0 4.8", "20, best epoch 17",
          "energy_mae 0.0123, force_mae 0.0456, stress_mae 0.789",
          "SHA-256           " + file_sha256(file("m.pt"))});
  Output json = run("info --json " + file("m.pt"));
  auto parsed = nlohmann::json::parse(json.text);
  EXPECT_EQ(parsed["kind"], "model");
  EXPECT_EQ(parsed["description"]["elements"], (std::vector<std::string>{"In", "P"}));
  json = run("verify --json --configurations 1 " + file("m.pt"));
  EXPECT_EQ(json.status, 0);
  parsed = nlohmann::json::parse(json.text);
  EXPECT_TRUE(parsed["passed"]);
  EXPECT_GE(parsed["checks"].size(), 6u);
}

TEST_F(ModelTool, FindsDamageInModels)
{
  write_model(sample_model(Activation::tanh), file("m.pt"));
  std::ifstream stream(file("m.pt"), std::ios::binary);
  std::ostringstream all;
  all << stream.rdbuf();
  const std::string bytes = all.str();
  auto write = [&](const std::string &content) {
    std::ofstream(file("d.pt"), std::ios::binary) << content;
  };
  // one bit of a parameter: libtorch itself would not notice
  std::string flipped = bytes;
  const double parameter = 0.3 * std::sin(1.7 * 5 + 0.3);
  std::size_t at = bytes.find(std::string((const char *) &parameter, sizeof parameter));
  ASSERT_NE(at, std::string::npos);
  flipped[at] ^= 1;
  write(flipped);
  expect(run("verify " + file("d.pt")), 1, {"archive              FAILED", "is damaged", "CRC-32",
                                            "NOT SOUND"});
  for (double part : {0.3, 0.9, 0.999}) {
    write(bytes.substr(0, (std::size_t) (part * bytes.size())));
    EXPECT_FALSE(verify_model(file("d.pt"), 1).passed()) << part;
  }
  expect(run("verify " + file("d.pt")), 1, {"archive", "FAILED", file("d.pt")});
  write("some text");
  expect(run("info " + file("d.pt")), 1, {"torchpot_model: ", file("d.pt")});
  write("");
  expect(run("info " + file("d.pt")), 1,
         {file("d.pt") + ": cannot read the file; found: an empty file"});
  std::ofstream(file("t.in")) << "units metal\n";
  for (const char *verb : {"info ", "verify "})
    expect(run(verb + file("t.in")), 1, {"t.in: this file is neither a model nor HDF5"});
  expect(run("info --jsom " + file("t.in")), 2, {"torchpot_model: ", "--jsom"});
  expect(run("info " + file("none.pt")), 1,
         {"torchpot_model: " + file("none.pt") +
          ": cannot read the file; found: No such file or directory"});
  expect(run("verify " + file("none.pt")), 1, {"No such file or directory"});
}

TEST_F(ModelTool, RefusesWrongUsage)
{
  expect(run("import x"), 2, {"'import' is not in this version. It has 'info', 'verify' and 'export'"});
  expect(run("export a"), 2, {"--mliap is required"});
  expect(run(""), 2, {"subcommand is required"});
  expect(run("inof x"), 2, {"unknown verb; found: inof; wanted: info, verify or export"});
  expect(run("verify"), 2, {"file is required"});
  expect(run("verify --configurations 0 x"), 2, {"--configurations"});
  Output help = run("--help");
  expect(help, 0, {"info", "verify", "Exit status"});
  EXPECT_EQ(help.text.find("import"), std::string::npos);
  expect(run("--version"), 0, {"torchpot_model "});
}

TEST_F(ModelTool, ExportsForMliap)
{
  write_model(sample_model(Activation::tanh), file("m.pt"));
  const std::string command = "export " + file("m.pt") + " --mliap " + file("p");
  expect(run(command), 0, {"written: " + file("p.mliap.model") + " " +
                           file("p.mliap.descriptor") + " " + file("p.mliap.mod")});
  for (const char *name : {"p.mliap.model", "p.mliap.descriptor", "p.mliap.mod"})
    EXPECT_TRUE(fs::exists(file(name))) << name;
  expect(run(command), 1, {file("p.mliap.model") + ": the output file exists already",
                           "--overwrite"});
  expect(run(command + " --overwrite"), 0, {"written: "});
  write_model(sample_model(Activation::gelu), file("g.pt"));
  expect(run("export " + file("g.pt") + " --mliap " + file("g")), 1,
         {file("g.pt") + ": LAMMPS's own pair_style mliap cannot run this model",
          "linear, tanh, sigmoid and relu, not gelu"});
  EXPECT_FALSE(fs::exists(file("g.mliap.model")));
  expect(run("export " + file("none.pt") + " --mliap " + file("n")), 1, {"cannot read"});
  Model chemical = sample_model(Activation::tanh);
  chemical.descriptor.chemflag = true;
  NetworkParameters &network = chemical.network;
  network.n_descriptors = chemical.descriptor.n_descriptors();
  network.input_shift.assign(2 * network.n_descriptors, 0.0);
  network.input_scale.assign(2 * network.n_descriptors, 1.0);
  network.parameters.assign(2 * network.n_parameters(), 0.5);
  write_model(chemical, file("c.pt"));
  expect(run("export " + file("c.pt") + " --mliap " + file("c")), 0,
         {"note: with chemflag 1 the forces of pair_style mliap are not the derivative"});
}

TEST_F(ModelTool, TellsAndVerifiesFitdumpFiles)
{
  for (Precision precision : {Precision::float64, Precision::float32}) {
    FitdumpHeader header = sample_header();
    header.precision = precision;
    fs::remove(file("f.h5"));
    {
      FitdumpWriter writer(file("f.h5"), header, false);
      for (int k = 0; k < 5; ++k) writer.append(sample_frame(header.descriptor, k));
    }
    expect(run("verify --configurations 2 " + file("f.h5")), 0,
           {"5 complete frames", "30 atoms", "recomputed for 2 frames",
            "all pairs            ok", "descriptors          ok", "derivatives          ok",
            "derivative sums      ok", "all checks passed"});
  }
  expect(run("info " + file("f.h5")), 0,
         {"collected by fix fitdump", "torchpot 0.1.0, LAMMPS 20250722", "In P", "float32",
          "5, with 30 atoms", "label crystal   3 frames", "label melt      2 frames"});
  auto parsed = nlohmann::json::parse(run("info --json " + file("f.h5")).text);
  EXPECT_EQ(parsed["kind"], "fitdump");
  EXPECT_EQ(parsed["frames"], 5);
}

TEST_F(ModelTool, RemovesTheMarkOfAKilledRun)
{
  pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {    // ends as if killed: the file is not closed
    FitdumpWriter writer(file("killed.h5"), sample_header(), false);
    writer.append(sample_frame(snap(4), 0));
    ::_exit(0);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  expect(run("verify " + file("killed.h5")), 0,
         {"1 complete frame", "left by a run that was killed, removed", "all checks passed"});
  Output again = run("verify " + file("killed.h5"));
  expect(again, 0, {"all checks passed"});
  EXPECT_EQ(again.text.find("writer's mark"), std::string::npos) << again.text;

  FitdumpWriter writer(file("live.h5"), sample_header(), false);
  writer.append(sample_frame(snap(4), 0));
  expect(run("verify " + file("live.h5")), 0, {"the file is being written", "all checks passed"});
  writer.append(sample_frame(snap(4), 1));
}

TEST_F(ModelTool, AcceptsFramesOfAGroupAndWithoutDerivatives)
{
  FitdumpHeader header = sample_header();
  header.has_derivatives = false;
  {
    FitdumpWriter writer(file("f.h5"), header, false);
    FitdumpFrame frame = sample_frame(header.descriptor, 1);
    frame.derivative.clear();
    const int n_k = header.descriptor.n_descriptors();
    // atom 5 outside the group: no descriptors, no pairs
    for (int k = 0; k < n_k; ++k) frame.descriptor[5 * n_k + k] = NAN;
    while (frame.first.back() == 5) {
      frame.first.pop_back(), frame.second.pop_back();
      frame.vector.resize(frame.vector.size() - 3);
    }
    writer.append(frame);
  }
  expect(run("verify " + file("f.h5")), 0, {"all pairs            ok", "all checks passed"});
  expect(run("info " + file("f.h5")), 0, {"not stored"});
}

TEST_F(ModelTool, FindsWhatIsWrongInFitdumpFiles)
{
  expect(verify_spoiled([](FitdumpFrame &) {}), 0, {"derivatives ok"});
  expect(verify_spoiled([](FitdumpFrame &f) { f.descriptor[3] += 1e-4; }), 1,
         {"descriptors FAILED"});
  expect(verify_spoiled([](FitdumpFrame &f) { f.derivative[3] += 1e-3; }), 1,
         {"derivatives FAILED"});
  expect(verify_spoiled([](FitdumpFrame &f) { f.derivative[7] = NAN; }), 1,
         {"frame 1: a derivative is not a number"});
  expect(verify_spoiled([](FitdumpFrame &f) { f.position[0] = NAN; }), 1,
         {"frames FAILED", "a position is not a number"});
  expect(verify_spoiled([](FitdumpFrame &f) { f.descriptor[2] = NAN; }), 1,
         {"frame 1: descriptors of atom 1 are not all numbers; found: 1 of 14"});
  expect(verify_spoiled([](FitdumpFrame &f) { f.position[4] += 0.01; }), 1,
         {"is no bond between its atoms"});
  expect(verify_spoiled([](FitdumpFrame &f) { f.vector[1] += 40.0; }), 1,
         {"frame 1: pair 0 is not within the cutoff"});
  expect(verify_spoiled([](FitdumpFrame &f) {
           f.first.pop_back(), f.second.pop_back();
           f.vector.resize(f.vector.size() - 3);
           f.derivative.resize(f.first.size() * 14 * 3);
         }),
         1, {"all pairs FAILED", "1 pairs within the cutoff missing"});
}

TEST(Checks, JudgeByTheLimit)
{
  CheckReport report;
  report.add("a", 1e-9, 1e-8, "");
  report.add("b", true, "");
  report.add("information", 5.0, NAN, "");
  EXPECT_TRUE(report.passed());
  report.add("no number", NAN, 1e-8, "");
  EXPECT_FALSE(report.checks.back().passed);
  EXPECT_FALSE(report.passed());
}
