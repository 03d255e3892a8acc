// The network that training starts from when the input names a saved one.
#ifndef TORCHPOT_FIT_INITIAL_STATE_H
#define TORCHPOT_FIT_INITIAL_STATE_H

#include "dataset.h"
#include "initialize.h"

#include <string>

namespace torchpot {

/// A network as its file has it.
struct SavedNetwork {
  NetworkParameters network;
  /// The inputs are plain descriptors, as FitSNAP's networks see them once their first layer is
  /// folded into the next: to be brought to mean 0 and deviation 1, which changes no prediction.
  bool plain_inputs = false;
};

/// file: a torchpot model, or the JSON text of tools/convert_fitsnap.py. Throws Error if it is
/// damaged, of another kind, or if its network is not of this shape and for these data.
SavedNetwork read_saved_network(const std::string &file, const NetworkShape &shape,
                                const Dataset &data);

/// What Trainer starts from. Throws Error if there is nothing to scale by.
NetworkParameters starting_network(const SavedNetwork &saved,
                                   const std::vector<const Sample *> &training);

/// The same function of descriptors with another shift and scale [n_sets][n_descriptors] of the
/// inputs; the first layer takes up the difference.
NetworkParameters with_scaling(const NetworkParameters &network, const std::vector<double> &shift,
                               const std::vector<double> &scale);

}    // namespace torchpot

#endif
