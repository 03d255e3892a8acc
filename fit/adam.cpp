// The Adam optimizer and the random numbers of training, both the same on every platform.
#include "adam.h"

#include <cmath>
#include <utility>

namespace torchpot {

Adam::Adam(const AdamSettings &settings, std::size_t n) :
    mean(n, 0.0), square(n, 0.0), settings(settings)
{
}

void Adam::step(const double *gradient, double *parameters)
{
  n_steps++;
  const double beta1 = settings.beta1, beta2 = settings.beta2, epsilon = settings.epsilon;
  const double rate = settings.learning_rate / (1.0 - std::pow(beta1, (double) n_steps));
  const double norm = 1.0 / std::sqrt(1.0 - std::pow(beta2, (double) n_steps));
  const std::size_t n = mean.size();
  double *m = mean.data(), *v = square.data();
  const double keep = 1.0 - settings.learning_rate * settings.weight_decay;
  for (std::size_t k = 0; k < n; k++) {
    m[k] = beta1 * m[k] + (1.0 - beta1) * gradient[k];
    v[k] = beta2 * v[k] + (1.0 - beta2) * gradient[k] * gradient[k];
    parameters[k] = keep * parameters[k] - rate * m[k] / (std::sqrt(v[k]) * norm + epsilon);
  }
}

namespace {
// finalizer of splitmix64: spreads neighboring seeds and streams over all 64 bits
std::uint64_t spread(std::uint64_t x)
{
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}
}    // namespace

Random::Random(std::uint64_t seed, std::uint64_t stream) :
    generator(spread(spread(seed) + stream))
{
}

double Random::uniform()
{
  return (double) (generator() >> 11) * 0x1p-53;
}

std::uint64_t Random::below(std::uint64_t n)
{
  // drop the few values that would make the remainder uneven
  const std::uint64_t unused = (UINT64_MAX % n + 1) % n;
  std::uint64_t x = generator();
  while (x > UINT64_MAX - unused) x = generator();
  return x % n;
}

void Random::shuffle(std::vector<std::size_t> &items)
{
  for (std::size_t k = items.size(); k > 1; k--) std::swap(items[k - 1], items[below(k)]);
}

}    // namespace torchpot
