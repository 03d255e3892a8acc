// A linear or quadratic model in the files of LAMMPS's own pair_style snap, as FitSNAP names them.
#ifndef TORCHPOT_FIT_SNAP_FILES_H
#define TORCHPOT_FIT_SNAP_FILES_H

#include "torchpot_model.h"

#include <string>

namespace torchpot {

/// Names STEM.snapcoeff, STEM.snapparam, STEM.mod.
struct SnapNames {
  explicit SnapNames(const std::string &stem) :
      coefficients(stem + ".snapcoeff"), parameters(stem + ".snapparam"), include(stem + ".mod")
  {
  }
  std::string coefficients, parameters, include;
};

/// For each element the constant, the coefficients of the descriptors and, of a quadratic model, of
/// the upper triangle of their products. Numbers have all their bits. The model must be linear or
/// quadratic, of plain descriptors, with coefficients for each element: see linear_model().
std::string snap_coefficients_text(const Model &model);
std::string snap_parameters_text(const Model &model);
/// LAMMPS include file: the model's reference potential plus pair_style snap.
std::string snap_include_text(const Model &model, const SnapNames &names);

}    // namespace torchpot

#endif
