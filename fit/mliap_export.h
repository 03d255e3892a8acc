// A model in the files of LAMMPS's own pair_style mliap.
#ifndef TORCHPOT_FIT_MLIAP_EXPORT_H
#define TORCHPOT_FIT_MLIAP_EXPORT_H

#include "torchpot_model.h"

#include <string>
#include <vector>

namespace torchpot {

/// The same energies as coefficients of ML-IAP's model nn, linear or quadratic.
struct MliapExport {
  std::string obstacle;      // why pair_style mliap cannot run the model; empty: it can
  std::string style;         // nn, linear or quadratic
  std::string model;         // text of the coefficient file
  std::string descriptor;    // text of the descriptor file
  std::vector<std::string> notes;    // sentences on what pair_style mliap does differently
};

/// All bits of a number, or 0 for those too small, as LAMMPS reads it in a file of coefficients.
std::string lammps_number(double value);

/// model: as validate() accepts it. Its output scale and energy shifts go into the last layer, a
/// one-hot input into the first biases; a quadratic model is expanded into products of plain
/// descriptors. Numbers have all their bits.
MliapExport mliap_export(const Model &model);

/// Names STEM.mliap.model, STEM.mliap.descriptor, STEM.mliap.mod.
struct MliapNames {
  explicit MliapNames(const std::string &stem) :
      model(stem + ".mliap.model"), descriptor(stem + ".mliap.descriptor"),
      include(stem + ".mliap.mod")
  {
  }
  std::string model, descriptor, include;
};

/// LAMMPS include file: the model's reference potential plus pair_style mliap.
std::string mliap_include_text(const Model &model, const MliapExport &exported,
                               const MliapNames &names);

}    // namespace torchpot

#endif
