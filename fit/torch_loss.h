// The loss of training, evaluated by libtorch: on a GPU, or on the CPU as the twin of BatchLoss.
#ifndef TORCHPOT_FIT_TORCH_LOSS_H
#define TORCHPOT_FIT_TORCH_LOSS_H

#include "loss.h"

namespace torchpot {

struct TorchPlace {
  int gpu = -1;       // number of the GPU; -1: the CPU
  int threads = 1;    // of libtorch on the CPU
  /// Memory of the intermediate values of a chunk, about.
  std::size_t chunk_bytes = std::size_t(256) << 20;
};

/// For the labeled configurations of `samples`, which are copied to the device. `network` is of the
/// kind mlp; what changes later are its parameters. The chunks depend on the number of ranks, and a
/// GPU adds up in an order that varies: results agree with those of BatchLoss but for rounding.
/// Throws Error if the device cannot be used or its memory is too small. Collective.
std::unique_ptr<Loss> make_torch_loss(const NetworkParameters &network, const LossSettings &loss,
                                      Precision precision, const SampleSet &samples,
                                      const TorchPlace &place, Ranks &ranks = single_rank());

}    // namespace torchpot

#endif
