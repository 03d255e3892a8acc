// The network that training starts from: scaling of inputs and outputs, first weights.
#ifndef TORCHPOT_FIT_INITIALIZE_H
#define TORCHPOT_FIT_INITIALIZE_H

#include "loss.h"

#include <cstdint>

namespace torchpot {

struct NetworkShape {
  ElementMode element_mode = ElementMode::shared;
  std::vector<int> layer_sizes;           // behind the input; the last is 1
  std::vector<Activation> activations;    // one per layer
};

/// The random weights: uniform within +-1/sqrt(inputs) for weights and biases, PyTorch's default.
/// Scaling and energy shifts must be set. Same numbers on every platform.
void random_weights(NetworkParameters &network, std::uint64_t seed);

/// Makes two neurons of each hidden layer carry the linear model, since for most activations
/// phi(z) - phi(-z) is proportional to z (for tanh and sigmoid up to z^3, which is kept small);
/// the other neurons keep their weights but their outputs are scaled by `rest`.
/// Does nothing, and returns false, where a hidden layer has fewer than two neurons.
/// linear: of kind linear, same element sets and scaling. spread [n_sets]: rms over the atoms of
/// a set of the linear model's energy without the energy shift.
bool embed_linear(NetworkParameters &network, const NetworkParameters &linear,
                  const std::vector<double> &spread, double rest);

/// Adds to the energy shifts what, by least squares on the compositions, is missing in the energies
/// of the samples: random neurons have a mean output.
void correct_energy_shift(NetworkParameters &network, const std::vector<const Sample *> &samples);

/// Inputs to mean 0 and standard deviation 1 over the training atoms, energy shifts from the
/// compositions, random weights, an output scale that gives these random weights forces of the
/// spread of the training forces (so that a learning rate means the same for any data), then the
/// linear fit of the same loss embedded and the energy shifts corrected.
NetworkParameters initial_network(const NetworkShape &shape, int n_elements, int n_descriptors,
                                  const std::vector<const Sample *> &training,
                                  const LossSettings &loss, std::uint64_t seed);

}    // namespace torchpot

#endif
