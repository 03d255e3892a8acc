// Energies and gradients of one block of atoms, an atom per vector lane.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "torchpot_network_block.cpp"
#include "hwy/foreach_target.h"

#include "hwy/highway.h"

#include "torchpot_network_kernel.h"

#include "torchpot_network-inl.h"

#include <algorithm>

HWY_BEFORE_NAMESPACE();
namespace torchpot {
namespace HWY_NAMESPACE {

/// Some columns of a block: one or two vectors of lanes, evaluated with one set of parameters.
template <class T> class BlockPass {
 public:
  BlockPass(BlockNetwork<T> &network, std::size_t set_number, std::size_t n_columns) :
      net(network), set(network.sets[set_number]), n(n_columns)
  {
  }

  /// descriptor and gradient [n_descriptors][stride]; the element matters for one-hot inputs
  void evaluate(const int *element, const T *descriptor, T *energy, T *gradient,
                std::size_t stride)
  {
    inputs(element, descriptor, stride);
    T *const g = net.kind == NetworkKind::mlp ? network() : polynomial();
    const Vec scale = hn::Set(d, net.output_scale);
    for (std::size_t c = 0; c < n; c += hn::Lanes(d))
      hn::StoreU(hn::Mul(scale, hn::LoadU(d, output + c)), d, energy + c);
    for (int k = 0; k < net.n_descriptors; k++) {
      const Vec factor = hn::Set(d, net.output_scale * set.input_factor[k]);
      for (std::size_t c = 0; c < n; c += hn::Lanes(d))
        hn::StoreU(hn::Mul(factor, hn::LoadU(d, g + k * n + c)), d, gradient + k * stride + c);
    }
  }

 private:
  using Vec = hn::Vec<hn::ScalableTag<T>>;
  const hn::ScalableTag<T> d;
  BlockNetwork<T> &net;
  const typename BlockNetwork<T>::Set &set;
  const std::size_t n;
  const T *output = nullptr;    // [n] energies before output_scale

  void inputs(const int *element, const T *descriptor, std::size_t stride)
  {
    T *const x = net.value.data();
    for (int k = 0; k < net.n_descriptors; k++) {
      const Vec shift = hn::Set(d, set.input_shift[k]), factor = hn::Set(d, set.input_factor[k]);
      for (std::size_t c = 0; c < n; c += hn::Lanes(d))
        hn::StoreU(hn::Mul(hn::Sub(hn::LoadU(d, descriptor + k * stride + c), shift), factor), d,
                   x + k * n + c);
    }
    for (int k = net.n_descriptors; k < net.n_inputs; k++)
      for (std::size_t c = 0; c < n; c++)
        x[k * n + c] = element[c] == k - net.n_descriptors ? T(1) : T(0);
  }

  // returns the derivative with respect to the inputs
  T *network()
  {
    T *x = net.value.data(), *slope = net.slope.data();
    for (std::size_t i = 0; i < set.layers.size(); i++) {
      const auto &l = set.layers[i];
      T *const y = x + whole_tiles(l.n_in) * n;
      multiply(TiledProduct<T>{l.n_out, n, l.n_in, l.forward.data(), l.bias.data(), x, n, y, n});
      activate<T>(net.activations[i], 1, l.n_out * n, l.n_out * n, y, slope, nullptr);
      x = y;
      slope += l.n_out * n;
    }
    output = x;
    return backward(slope);
  }

  // from behind the derivatives of the last activation
  T *backward(T *slope)
  {
    T *up = net.adjoint.data(), *down = net.spare.data();
    for (std::size_t c = 0; c < n; c += hn::Lanes(d)) hn::StoreU(hn::Set(d, 1), d, up + c);
    for (std::size_t i = set.layers.size(); i-- > 0;) {
      const auto &l = set.layers[i];
      slope -= l.n_out * n;
      for (std::size_t j = 0; j < l.n_out * n; j += hn::Lanes(d))
        hn::StoreU(hn::Mul(hn::LoadU(d, up + j), hn::LoadU(d, slope + j)), d, up + j);
      multiply(TiledProduct<T>{l.n_in, n, l.n_out, l.backward.data(), nullptr, up, n, down, n});
      std::swap(up, down);
    }
    return up;
  }

  // E = sum_k x_k (w_k + 1/2 (V x)_k), dE/dx = w + V x
  T *polynomial()
  {
    const auto &l = set.layers[0];
    const std::size_t n_k = net.kind == NetworkKind::quadratic ? l.n_in : 0;
    T *const x = net.value.data(), *const g = net.adjoint.data(), *const e = net.spare.data();
    multiply(TiledProduct<T>{l.n_in, n, n_k, l.forward.data(), l.bias.data(), x, n, g, n});
    const Vec half = hn::Set(d, T(0.5));
    for (std::size_t c = 0; c < n; c += hn::Lanes(d)) {
      Vec sum = hn::Zero(d);
      for (std::size_t k = 0; k < l.n_in; k++) {
        const Vec mean =
            hn::Mul(half, hn::Add(hn::Set(d, l.bias[k]), hn::LoadU(d, g + k * n + c)));
        sum = hn::MulAdd(hn::LoadU(d, x + k * n + c), mean, sum);
      }
      hn::StoreU(sum, d, e + c);
    }
    output = e;
    return g;
  }
};

/// A block whose number of lanes need not fit the vectors, of atoms that may differ in element.
template <class T> class Block {
 public:
  Block(BlockNetwork<T> &network, std::size_t width, const int *element, const T *descriptor,
        T *energy, T *gradient) :
      net(network), width(width), element(element), descriptor(descriptor), energy(energy),
      gradient(gradient)
  {
  }

  void evaluate()
  {
    std::size_t c = 0;
    for (; c + 2 * N <= width; c += 2 * N) columns(c, 2 * N);
    for (; c + N <= width; c += N) columns(c, N);
    if (c < width) columns(c, width - c);
    for (c = 0; c < width; c++) energy[c] += net.energy_shift[element[c]];
  }

 private:
  static constexpr std::size_t N = hn::MaxLanes(hn::ScalableTag<T>());
  static_assert(2 * N <= BlockNetwork<T>::MAX_COLUMNS, "scratch too small");
  BlockNetwork<T> &net;
  const std::size_t width;
  const int *const element;
  const T *const descriptor;
  T *const energy, *const gradient;

  void columns(std::size_t c, std::size_t n)
  {
    const bool by_element = net.element_mode == ElementMode::per_element;
    const bool uniform = std::all_of(element + c, element + c + n,
                                     [&](int e) { return e == element[c]; });
    if (n % N == 0 && (uniform || !by_element)) {
      BlockPass<T> pass(net, by_element ? element[c] : 0, n);
      pass.evaluate(element + c, descriptor + c, energy + c, gradient + c, width);
      return;
    }
    // once for every element that occurs, each lane takes what belongs to it
    for (std::size_t i = c; i < c + n; i++)
      if (!by_element ? i == c : std::find(element + c, element + i, element[i]) == element + i)
        some_columns(c, n, by_element ? element[i] : 0, by_element);
  }

  void some_columns(std::size_t c, std::size_t n, int set, bool by_element)
  {
    const std::size_t n_full = (n + N - 1) / N * N, K = net.n_descriptors;
    T *const in = net.padded.data(), *const out = in + K * n_full;
    T e[2 * N] = {};
    int types[2 * N] = {};
    for (std::size_t i = 0; i < n_full; i++) {
      const std::size_t from = c + std::min(i, n - 1);
      types[i] = element[from];
      for (std::size_t k = 0; k < K; k++) in[k * n_full + i] = descriptor[k * width + from];
    }
    BlockPass<T>(net, set, n_full).evaluate(types, in, e, out, n_full);
    for (std::size_t i = 0; i < n; i++) {
      if (by_element && types[i] != set) continue;
      energy[c + i] = e[i];
      for (std::size_t k = 0; k < K; k++) gradient[k * width + c + i] = out[k * n_full + i];
    }
  }
};

void EvaluateDouble(BlockNetwork<double> &net, int width, const int *element, const double *x,
                    double *energy, double *gradient)
{
  Block<double>(net, width, element, x, energy, gradient).evaluate();
}

void EvaluateFloat(BlockNetwork<float> &net, int width, const int *element, const float *x,
                   float *energy, float *gradient)
{
  Block<float>(net, width, element, x, energy, gradient).evaluate();
}

}    // namespace HWY_NAMESPACE
}    // namespace torchpot
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace torchpot {
HWY_EXPORT(EvaluateDouble);
HWY_EXPORT(EvaluateFloat);

template <>
void block_network_evaluate(BlockNetwork<double> &net, int width, const int *element,
                            const double *descriptor, double *energy, double *gradient)
{
  HWY_DYNAMIC_DISPATCH(EvaluateDouble)(net, width, element, descriptor, energy, gradient);
}

template <>
void block_network_evaluate(BlockNetwork<float> &net, int width, const int *element,
                            const float *descriptor, float *energy, float *gradient)
{
  HWY_DYNAMIC_DISPATCH(EvaluateFloat)(net, width, element, descriptor, energy, gradient);
}

}    // namespace torchpot
#endif
