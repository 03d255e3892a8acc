// Reading and writing model.pt. The only part of the core that uses libtorch, hidden in the .cpp.
#ifndef TORCHPOT_MODEL_FILE_H
#define TORCHPOT_MODEL_FILE_H

#include "torchpot_model.h"

#include <memory>
#include <string>

namespace torchpot {

/// A TorchScript archive whose forward(descriptor [n, K], element [n]) gives atomic energies [n].
/// write_model() writes to a temporary file in the same folder, syncs and renames.
/// read_model() throws Error for anything that it does not understand, naming the field.
Model read_model(const std::string &file);
void write_model(const Model &model, const std::string &file);

/// Whether the file's content (not its name) is a torchpot model. Throws Error for an archive that
/// was cut off.
bool is_torchpot_model(const std::string &file);

/// SHA-256 of a file's bytes, as 64 hexadecimal digits.
std::string file_sha256(const std::string &file);
std::string text_sha256(const std::string &text);

/// GPUs that libtorch can use; 0 too if this libtorch was built without CUDA.
int cuda_device_count();

/// The archive's own TorchScript code, evaluated by libtorch: the plain twin of
/// make_block_energy(), and the route for `device cuda`. device: "cpu" or "cuda" or "cuda:N".
class TorchNetwork {
 public:
  TorchNetwork(const std::string &file, const std::string &device);
  ~TorchNetwork();
  /// energy [n], gradient [n][K] for descriptor [n][K]
  void evaluate(int n, const int *element, const double *descriptor, double *energy,
                double *gradient);

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation;
};

}    // namespace torchpot

#endif
