// Files for LAMMPS's own pair_style mliap; that LAMMPS computes the same from them is shown by
// lammps/test_mliap_export.py.
#include "mliap_export.h"

#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

using namespace torchpot;

namespace {

Model sample_model(NetworkKind kind)
{
  Model model;
  SnapParameters &p = model.descriptor;
  p.elements = {"In", "P"}, p.radelem = {0.5, 0.45}, p.welem = {1.0, 0.8}, p.twojmax = 2;
  model.elements = p.elements;
  model.cutoff = p.cutoff(0, 0);
  NetworkParameters &network = model.network;
  network.kind = kind;
  network.n_elements = 2;
  network.n_descriptors = p.n_descriptors();
  if (kind == NetworkKind::mlp) {
    network.layer_sizes = {2, 1};
    network.activations = {Activation::tanh, Activation::linear};
  }
  network.output_scale = 2.0;
  network.energy_shift = {-1.5, -2.25};
  network.input_shift.assign(network.n_descriptors, 0.1);
  network.input_scale.assign(network.n_descriptors, 4.0);
  for (int i = 0; i < network.n_parameters(); i++) network.parameters.push_back(i + 1.0);
  return model;
}

std::vector<std::string> lines_of(const std::string &text)
{
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// Energy of `model linear` and `model quadratic`, as LAMMPS's documentation defines it.
double plain_energy(const std::string &text, int element, const std::vector<double> &b)
{
  std::vector<std::string> lines = lines_of(text);
  const std::size_t n = std::stoul(lines[1].substr(2));
  std::size_t at = 2 + element * n;
  const auto next = [&] { return std::stod(lines.at(at++)); };
  double energy = next();
  for (const double x : b) energy += next() * x;
  if (n > b.size() + 1)
    for (std::size_t k = 0; k < b.size(); k++)
      for (std::size_t l = k; l < b.size(); l++)
        energy += next() * b[k] * b[l] * (k == l ? 0.5 : 1.0);
  EXPECT_EQ(at, 2 + (element + 1) * n);
  return energy;
}

}    // namespace

TEST(MliapExport, WritesNetworksAsLammpsReadsThem)
{
  const Model model = sample_model(NetworkKind::mlp);
  const MliapExport result = mliap_export(model);
  EXPECT_EQ(result.obstacle, "");
  EXPECT_TRUE(result.notes.empty());
  EXPECT_EQ(result.style, "nn");
  EXPECT_EQ(result.descriptor, mliap_descriptor_text(model.descriptor));
  EXPECT_EQ(lines_of(result.model),
            (std::vector<std::string>{
                "# energy model of torchpot, UNITS: metal", "2 15", "NET 5 2 tanh 2 linear 1",
                "0.10000000000000001 0.10000000000000001 0.10000000000000001 0.10000000000000001 "
                "0.10000000000000001",
                "4 4 4 4 4", "11 1 2 3 4 5 12 6 7 8 9 10 28.5 26 28",
                "0.10000000000000001 0.10000000000000001 0.10000000000000001 0.10000000000000001 "
                "0.10000000000000001",
                "4 4 4 4 4", "11 1 2 3 4 5 12 6 7 8 9 10 27.75 26 28"}));
}

TEST(MliapExport, FoldsElementsIntoTheFirstBiases)
{
  Model model = sample_model(NetworkKind::mlp);
  model.network.element_mode = ElementMode::one_hot;
  model.network.parameters.clear();
  for (int i = 0; i < model.network.n_parameters(); i++)
    model.network.parameters.push_back(i + 1.0);
  const std::vector<std::string> lines = lines_of(mliap_export(model).model);
  EXPECT_EQ(lines.at(5), "21 1 2 3 4 5 29 8 9 10 11 12 36.5 34 36");
  EXPECT_EQ(lines.at(8), "22 1 2 3 4 5 30 8 9 10 11 12 35.75 34 36");
}

TEST(MliapExport, AddsALayerWhereTheLastIsNotLinear)
{
  Model model = sample_model(NetworkKind::mlp);
  model.network.activations[1] = Activation::sigmoid;
  const std::vector<std::string> lines = lines_of(mliap_export(model).model);
  EXPECT_EQ(lines[1], "2 17");
  EXPECT_EQ(lines[2], "NET 5 3 tanh 2 sigmoid 1 linear 1");
  EXPECT_EQ(lines[5], "11 1 2 3 4 5 12 6 7 8 9 10 15 13 14 -1.5 2");
}

TEST(MliapExport, ExpandsLinearAndQuadraticModels)
{
  const std::vector<double> b = {3.0, -1.5, 0.25, 4.0, 2.0};
  for (const NetworkKind kind : {NetworkKind::linear, NetworkKind::quadratic})
    for (const ElementMode mode : {ElementMode::shared, ElementMode::per_element,
                                   ElementMode::one_hot}) {
      Model model = sample_model(kind);
      NetworkParameters &p = model.network;
      p.element_mode = mode;
      p.input_shift.clear(), p.input_scale.clear(), p.parameters.clear();
      for (int i = 0; i < p.n_sets() * p.n_descriptors; i++)
        p.input_shift.push_back(std::sin(i)), p.input_scale.push_back(1.5 + std::cos(i));
      for (int i = 0; i < p.n_sets() * p.n_parameters(); i++)
        p.parameters.push_back(std::sin(1.7 * i));
      const MliapExport result = mliap_export(model);
      EXPECT_EQ(result.style, kind == NetworkKind::linear ? "linear" : "quadratic");
      EXPECT_TRUE(result.notes.empty());
      for (int e = 0; e < 2; e++)
        EXPECT_NEAR(plain_energy(result.model, e, b),
                    network_reference(p, e, b.data(), nullptr), 1e-13);
    }
}

TEST(MliapExport, SaysWhenDigitsAreLost)
{
  Model model = sample_model(NetworkKind::quadratic);
  for (double &x : model.network.input_scale) x = 1e-5;
  const MliapExport result = mliap_export(model);
  EXPECT_EQ(result.obstacle, "");
  ASSERT_EQ(result.notes.size(), 1u);
  EXPECT_NE(result.notes[0].find("cancel to about"), std::string::npos) << result.notes[0];
}

TEST(MliapExport, SaysWhatLammpsCannotRun)
{
  for (const Activation a : {Activation::softplus, Activation::silu, Activation::gelu}) {
    Model model = sample_model(NetworkKind::mlp);
    model.network.activations[0] = a;
    const MliapExport result = mliap_export(model);
    EXPECT_EQ(result.obstacle, std::string("its networks have the activations linear, tanh, "
                                           "sigmoid and relu, not ") + to_string(a));
    EXPECT_EQ(result.model, "");
  }
  Model model = sample_model(NetworkKind::mlp);
  model.network.layer_sizes.assign(200, 1);
  model.network.activations.assign(200, Activation::tanh);
  model.network.parameters.assign(model.network.n_parameters(), 0.5);
  EXPECT_EQ(mliap_export(model).obstacle,
            "it reads lines of up to 1022 characters, and the one of 'NET' has 1418");
}

TEST(MliapExport, NumbersThatUnderflowAreZero)
{
  Model model = sample_model(NetworkKind::mlp);
  model.network.parameters[0] = 1e-310;
  EXPECT_EQ(lines_of(mliap_export(model).model).at(5).substr(0, 7), "11 0 2 ");
}

TEST(MliapExport, IncludeFileHasReferenceAndNotes)
{
  Model model = sample_model(NetworkKind::mlp);
  const MliapNames names("Ta");
  MliapExport exported = mliap_export(model);
  EXPECT_EQ(mliap_include_text(model, exported, names),
            "# written by torchpot for LAMMPS without torchpot; units metal, newton on\n"
            "pair_style mliap model nn Ta.mliap.model descriptor sna Ta.mliap.descriptor\n"
            "pair_coeff * * In P\n");
  model.reference = {"pair_style hybrid/overlay zbl 4.0 4.8", "pair_coeff * * zbl 49 15"};
  exported.notes = {"a note"};
  EXPECT_EQ(mliap_include_text(model, exported, names),
            "# written by torchpot for LAMMPS without torchpot; units metal, newton on\n"
            "# a note\n"
            "pair_style hybrid/overlay zbl 4.0 4.8 mliap model nn Ta.mliap.model descriptor sna "
            "Ta.mliap.descriptor\n"
            "pair_coeff * * zbl 49 15\n"
            "pair_coeff * * mliap In P\n");
}
