// The text of the files for pair_style snap; LAMMPS reads them in lammps/test_fit_linear.py.
#include "snap_files.h"
#include "data_fixture.h"

using namespace torchpot;

namespace {

Model small_model(NetworkKind kind)
{
  Model model;
  model.elements = {"In", "P"};
  model.units = "metal";
  SnapParameters &snap = model.descriptor;
  snap.elements = model.elements;
  snap.twojmax = 1;    // 0 0 0 and 1 0 1
  snap.rcutfac = 4.2;
  snap.radelem = {0.5, 0.1};
  snap.welem = {1.0, 0.75};
  NetworkParameters &p = model.network;
  p.kind = kind;
  p.element_mode = ElementMode::per_element;
  p.n_elements = p.n_descriptors = 2;
  p.energy_shift = {-1.5, 0.0};
  p.input_shift.assign(4, 0.0);
  p.input_scale.assign(4, 1.0);
  if (kind == NetworkKind::linear)
    p.parameters = {0.25, 1.0 / 3.0, 1e-310, -4.0};
  else
    p.parameters = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  return model;
}

}    // namespace

TEST(SnapFiles, CoefficientsOfEachElement)
{
  EXPECT_EQ(snap_coefficients_text(small_model(NetworkKind::linear)),
            "# written by torchpot_fit; units metal\n\n2 3\n"
            "In 0.5 1\n-1.5 # constant\n0.25 # 0 0 0\n0.33333333333333331 # 1 0 1\n"
            "P 0.10000000000000001 0.75\n0 # constant\n0 # 0 0 0\n-4 # 1 0 1\n");
}

TEST(SnapFiles, ProductsOfQuadraticModels)
{
  const std::string text = snap_coefficients_text(small_model(NetworkKind::quadratic));
  EXPECT_NE(text.find("\n2 6\n"), std::string::npos) << text;
  EXPECT_NE(text.find("\n6 # 0 0 0\n7 # 1 0 1\n8 # 0 0 0, 0 0 0\n9 # 0 0 0, 1 0 1\n"
                      "10 # 1 0 1, 1 0 1\n"),
            std::string::npos)
      << text;
}

TEST(SnapFiles, NamesOfChemicalDescriptors)
{
  Model model = small_model(NetworkKind::linear);
  model.descriptor.chemflag = true;
  model.network.n_descriptors = 16;
  model.network.parameters.assign(32, 2.0);
  const std::string text = snap_coefficients_text(model);
  EXPECT_NE(text.find("\n2 17\n"), std::string::npos) << text;
  EXPECT_NE(text.find("\n2 # In In P 0 0 0\n2 # In In P 1 0 1\n2 # In P In 0 0 0\n"),
            std::string::npos)
      << text;
}

TEST(SnapFiles, Parameters)
{
  Model model = small_model(NetworkKind::linear);
  EXPECT_EQ(snap_parameters_text(model),
            "# written by torchpot_fit\nrcutfac 4.2000000000000002\ntwojmax 1\n"
            "rfac0 0.99363000000000001\nrmin0 0\nswitchflag 1\nbzeroflag 1\nquadraticflag 0\n"
            "chemflag 0\nbnormflag 0\nwselfallflag 0\nswitchinnerflag 0\n");
  model.network.kind = NetworkKind::quadratic;
  model.descriptor.switchinnerflag = true;
  model.descriptor.sinnerelem = {1.0, 1.5};
  model.descriptor.dinnerelem = {0.5, 0.25};
  const std::string text = snap_parameters_text(model);
  EXPECT_NE(text.find("quadraticflag 1\n"), std::string::npos);
  EXPECT_NE(text.find("switchinnerflag 1\nsinner 1 1.5\ndinner 0.5 0.25\n"), std::string::npos);
}

TEST(SnapFiles, IncludeFile)
{
  Model model = small_model(NetworkKind::linear);
  EXPECT_EQ(snap_include_text(model, SnapNames("dir/pot")),
            "# written by torchpot_fit for LAMMPS without torchpot; units metal, newton on\n"
            "pair_style snap\npair_coeff * * dir/pot.snapcoeff dir/pot.snapparam In P\n");
  model.reference = {"pair_style hybrid/overlay zbl 4.0 4.8", "pair_coeff 1 1 zbl 49 49"};
  EXPECT_EQ(snap_include_text(model, SnapNames("pot")),
            "# written by torchpot_fit for LAMMPS without torchpot; units metal, newton on\n"
            "pair_style hybrid/overlay zbl 4.0 4.8 snap\npair_coeff 1 1 zbl 49 49\n"
            "pair_coeff * * snap pot.snapcoeff pot.snapparam In P\n");
}

TEST(SnapFiles, OnlyOfModelsThatPairSnapCanRun)
{
  Model model = small_model(NetworkKind::linear);
  model.network.element_mode = ElementMode::shared;
  expect_error([&] { snap_coefficients_text(model); }, {"pair_style snap cannot run this model"});
  model = small_model(NetworkKind::linear);
  model.network.kind = NetworkKind::mlp;
  expect_error([&] { snap_coefficients_text(model); }, {"pair_style snap cannot run this model"});
  model = small_model(NetworkKind::linear);
  model.network.n_descriptors = 3;
  expect_error([&] { snap_coefficients_text(model); },
               {"wrong number of coefficients", "found: 3", "wanted: 2"});
}
