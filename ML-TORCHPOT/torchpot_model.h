// A potential as one object, and the file model.pt that it comes from.
#ifndef TORCHPOT_MODEL_H
#define TORCHPOT_MODEL_H

#include "torchpot_descriptor.h"
#include "torchpot_network.h"

#include <string>
#include <vector>

namespace torchpot {

/// All that model.pt holds of a descriptor model. Energies in the energy unit of `units`
/// (LAMMPS unit style), lengths likewise.
struct Model {
  int version = 1;
  std::string family = "descriptor";
  std::vector<std::string> elements;
  double cutoff = 0.0;    // largest over all pairs of elements
  std::string units = "metal";
  Precision dtype = Precision::float64;
  SnapParameters descriptor;
  NetworkParameters network;
  std::vector<std::string> reference;    // LAMMPS commands of the potential trained on top of
  std::string training = "{}";           // JSON text: input, data hash, errors, date, versions

  /// Throws Error naming the field that does not fit the others.
  void validate(const std::string &where) const;
};

/// torchpot.json, the description inside model.pt (schema in doc/model_format.md). It holds all
/// but the arrays input_shift, input_scale and parameters, which are tensors of the archive.
std::string model_to_json(const Model &model);
Model model_from_json(const std::string &text, const std::string &where);

/// One descriptor as JSON text and back, as stored in model.pt and in fitdump files.
std::string descriptor_to_json(const SnapParameters &parameters);
SnapParameters descriptor_from_json(const std::string &text, const std::string &where);

/// ML-IAP descriptor file (`pair_style mliap ... descriptor sna FILE`).
SnapParameters read_mliap_descriptor(const std::string &file);
std::string mliap_descriptor_text(const SnapParameters &parameters);

}    // namespace torchpot

#endif
