// A linear or quadratic model in the files of LAMMPS's own pair_style snap, as FitSNAP names them.
#include "snap_files.h"

#include "mliap_export.h"
#include "torchpot_error.h"
#include "torchpot_snap_tables.h"

#include <algorithm>

namespace torchpot {

namespace {

/// "j1 j2 j" of each descriptor; of chemical ones, which are many, for each triple of elements.
std::vector<std::string> descriptor_names(const SnapParameters &snap)
{
  std::vector<std::string> names, triples = {""};
  if (snap.chemflag) {
    triples.clear();
    for (const std::string &a : snap.elements)
      for (const std::string &b : snap.elements)
        for (const std::string &c : snap.elements) triples.push_back(a + " " + b + " " + c + " ");
  }
  for (const std::string &triple : triples)
    for (const BispectrumIndex &b : bispectrum_indices(snap.twojmax))
      names.push_back(triple + std::to_string(b.j1) + " " + std::to_string(b.j2) + " " +
                      std::to_string(b.j));
  return names;
}

}    // namespace

std::string snap_coefficients_text(const Model &model)
{
  const NetworkParameters &p = model.network;
  if (p.kind == NetworkKind::mlp || p.element_mode != ElementMode::per_element)
    throw Error("pair_style snap cannot run this model", "snap files", "",
                "a linear or quadratic model with coefficients for each element");
  const auto all = [](const std::vector<double> &values, double wanted) {
    return std::all_of(values.begin(), values.end(), [=](double x) { return x == wanted; });
  };
  if (!all(p.input_shift, 0.0) || !all(p.input_scale, 1.0))
    throw Error("pair_style snap has no scaling of descriptors", "snap files", "",
                "input shifts 0 and scales 1");
  std::vector<std::string> names = {"constant"};
  const std::vector<std::string> single = descriptor_names(model.descriptor);
  names.insert(names.end(), single.begin(), single.end());
  for (std::size_t k = 0; k < single.size() && p.kind == NetworkKind::quadratic; k++)
    for (std::size_t l = k; l < single.size(); l++) names.push_back(single[k] + ", " + single[l]);
  const std::size_t n = p.n_parameters();
  if (names.size() != n + 1)
    throw Error("wrong number of coefficients", "snap files", std::to_string(n),
                std::to_string(names.size() - 1));
  std::string text = "# written by torchpot_fit; units " + model.units + "\n\n" +
      std::to_string(model.elements.size()) + " " + std::to_string(n + 1) + "\n";
  for (int e = 0; e < p.n_elements; e++) {
    text += model.elements[e] + " " + lammps_number(model.descriptor.radelem[e]) + " " +
        lammps_number(model.descriptor.welem[e]) + "\n";
    text += lammps_number(p.energy_shift[e]) + " # constant\n";
    for (std::size_t k = 0; k < n; k++)
      text += lammps_number(p.output_scale * p.parameters[e * n + k]) + " # " + names[k + 1] + "\n";
  }
  return text;
}

std::string snap_parameters_text(const Model &model)
{
  const SnapParameters &snap = model.descriptor;
  std::string text = "# written by torchpot_fit\n";
  const auto line = [&](const char *key, const std::string &value) {
    text += std::string(key) + " " + value + "\n";
  };
  const auto flag = [&](const char *key, bool value) { line(key, value ? "1" : "0"); };
  const auto each = [&](const char *key, const std::vector<double> &values) {
    std::string all;
    for (const double value : values) all += (all.empty() ? "" : " ") + lammps_number(value);
    line(key, all);
  };
  line("rcutfac", lammps_number(snap.rcutfac));
  line("twojmax", std::to_string(snap.twojmax));
  line("rfac0", lammps_number(snap.rfac0));
  line("rmin0", lammps_number(snap.rmin0));
  flag("switchflag", snap.switchflag);
  flag("bzeroflag", snap.bzeroflag);
  flag("quadraticflag", model.network.kind == NetworkKind::quadratic);
  flag("chemflag", snap.chemflag);
  flag("bnormflag", snap.bnormflag);
  flag("wselfallflag", snap.wselfallflag);
  flag("switchinnerflag", snap.switchinnerflag);
  if (snap.switchinnerflag) {
    each("sinner", snap.sinnerelem);
    each("dinner", snap.dinnerelem);
  }
  return text;
}

std::string snap_include_text(const Model &model, const SnapNames &names)
{
  const bool hybrid = !model.reference.empty();
  std::string text = "# written by torchpot_fit for LAMMPS without torchpot; units " +
      model.units + ", newton on\n";
  text += hybrid ? model.reference[0] + " snap\n" : "pair_style snap\n";
  for (std::size_t i = 1; i < model.reference.size(); i++) text += model.reference[i] + "\n";
  text += std::string("pair_coeff * *") + (hybrid ? " snap" : "") + " " + names.coefficients +
      " " + names.parameters;
  for (const std::string &element : model.elements) text += " " + element;
  return text + "\n";
}

}    // namespace torchpot
