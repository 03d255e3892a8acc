// The Adam optimizer and the random numbers of training, both the same on every platform.
#ifndef TORCHPOT_FIT_ADAM_H
#define TORCHPOT_FIT_ADAM_H

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace torchpot {

/// D. P. Kingma and J. Ba, arXiv:1412.6980, algorithm 1, with the defaults of torch.optim.Adam;
/// weight decay as in I. Loshchilov and F. Hutter, arXiv:1711.05101 (AdamW).
struct AdamSettings {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.0;
};

class Adam {
 public:
  Adam(const AdamSettings &settings, std::size_t n);

  /// One step for n parameters. gradient [n] is that of the loss.
  void step(const double *gradient, double *parameters);
  void set_learning_rate(double rate) { settings.learning_rate = rate; }

  // state, for checkpoints
  std::int64_t n_steps = 0;
  std::vector<double> mean, square;    // running averages of the gradient and of its square

 private:
  AdamSettings settings;
};

/// std::mt19937_64 is defined to the bit by the standard, its distributions are not: these are.
class Random {
 public:
  /// Independent streams of one seed, such as one for the start and one for each epoch.
  Random(std::uint64_t seed, std::uint64_t stream);

  double uniform();                                // in [0, 1)
  std::uint64_t below(std::uint64_t n);            // 0 ... n-1, all equally likely
  void shuffle(std::vector<std::size_t> &items);    // Fisher and Yates

 private:
  std::mt19937_64 generator;
};

}    // namespace torchpot

#endif
