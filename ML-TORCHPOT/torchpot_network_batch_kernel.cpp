// Training passes over the atoms of a batch, an atom per row: everything is a matrix product.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "torchpot_network_batch_kernel.cpp"
#include "hwy/foreach_target.h"

#include "hwy/highway.h"

#include "torchpot_network_batch_kernel.h"

#include "torchpot_network-inl.h"

#include <algorithm>

HWY_BEFORE_NAMESPACE();
namespace torchpot {
namespace HWY_NAMESPACE {

template <class T> class BatchPass {
 public:
  BatchPass(const BatchSet<T> &set, BatchBlock<T> &block, BatchScratch<T> &scratch) :
      g(set), b(block), scratch(scratch), n(block.atom.size())
  {
  }

  void forward() const
  {
    if (g.kind == NetworkKind::mlp)
      network_forward();
    else
      polynomial_forward();
  }

  void parameter_gradient(const T *a, double scale, double *result) const
  {
    if (g.kind == NetworkKind::mlp)
      network_gradient(a, scale, result);
    else
      polynomial_gradient(a, scale, result);
  }

 private:
  using Vec = hn::Vec<hn::ScalableTag<T>>;
  const hn::ScalableTag<T> d;
  const BatchSet<T> &g;
  BatchBlock<T> &b;
  BatchScratch<T> &scratch;
  const std::size_t n;

  std::size_t in_vectors(std::size_t columns) const
  {
    const std::size_t lanes = hn::Lanes(d);
    return (columns + lanes - 1) / lanes * lanes;
  }

  // every row of `to` becomes `row`, or zero
  void fill(T *to, const T *row, std::size_t n_rows, std::size_t ld, std::size_t columns) const
  {
    for (std::size_t r = 0; r < n_rows; r++)
      for (std::size_t i = 0; i < columns; i += hn::Lanes(d))
        hn::StoreU(row ? hn::Load(d, row + i) : hn::Zero(d), d, to + r * ld + i);
  }

  // the sums that enter a layer's activations; without biases for tangents
  void sums(const BatchLayer<T> &l, const T *input, const T *bias, T *z) const
  {
    const std::size_t columns = in_vectors(l.n_out);
    fill(z, bias, n, l.ld_out, columns);
    multiply(Product<T>{n, columns, l.n_in, input, l.ld_in, 1, l.transposed.data(), l.ld_out, z,
                        l.ld_out});
  }

  // down = up W
  void back(const BatchLayer<T> &l, const T *up, T *down) const
  {
    const std::size_t columns = in_vectors(l.n_in);
    fill(down, nullptr, n, l.ld_in, columns);
    multiply(Product<T>{n, columns, l.n_out, up, l.ld_out, 1, l.weight.data(), l.ld_in, down,
                        l.ld_in});
  }

  void network_forward() const
  {
    for (std::size_t i = 0; i < g.layers.size(); i++) {
      const BatchLayer<T> &l = g.layers[i];
      BatchRows<T> &r = b.rows[i];
      T *const y = i + 1 < g.layers.size() ? b.rows[i + 1].input.data() : b.output.data();
      sums(l, r.input.data(), l.bias.data(), y);
      activate<T>(l.activation, n, in_vectors(l.n_out), l.ld_out, y, r.slope.data(),
                  r.curvature.data());
    }
    T *up = scratch.rows.data();    // dE/d output of a layer
    const std::size_t ld = g.layers.back().ld_out;
    for (std::size_t r = 0; r < n; r++)
      for (std::size_t i = 0; i < ld; i++) up[r * ld + i] = T(1);
    for (std::size_t i = g.layers.size(); i-- > 0;) {
      const BatchLayer<T> &l = g.layers[i];
      BatchRows<T> &r = b.rows[i];
      T *const adjoint = r.adjoint.data() + n * l.ld_out;
      for (std::size_t row = 0; row < n; row++)
        for (std::size_t j = row * l.ld_out; j < row * l.ld_out + l.n_out; j += hn::Lanes(d)) {
          const Vec u = hn::Load(d, up + j);
          hn::Store(hn::Mul(u, hn::Load(d, r.slope.data() + j)), d, adjoint + j);
          hn::Store(hn::Mul(u, hn::Load(d, r.curvature.data() + j)), d, r.curvature.data() + j);
        }
      T *const down = i ? up : b.gradient.data();
      back(l, adjoint, down);
    }
  }

  void network_gradient(const T *a, double scale, double *result) const
  {
    // tangents forward; the first half of adjoint gets curvature x tangent
    for (std::size_t i = 0; i < g.layers.size(); i++) {
      const BatchLayer<T> &l = g.layers[i];
      BatchRows<T> &r = b.rows[i];
      T *const z = r.adjoint.data();
      T *const next =
          i + 1 < g.layers.size() ? b.rows[i + 1].input.data() + n * l.ld_out : nullptr;
      sums(l, r.input.data() + n * l.ld_in, nullptr, z);
      for (std::size_t row = 0; row < n; row++)
        for (std::size_t j = row * l.ld_out; j < row * l.ld_out + l.n_out; j += hn::Lanes(d)) {
          const Vec tangent = hn::Load(d, z + j);
          if (next) hn::Store(hn::Mul(tangent, hn::Load(d, r.slope.data() + j)), d, next + j);
          hn::Store(hn::Mul(tangent, hn::Load(d, r.curvature.data() + j)), d, z + j);
        }
    }
    network_reverse(a, scale, result);
  }

  void network_reverse(const T *a, double scale, double *result) const
  {
    T *const up = scratch.rows.data();
    const std::size_t ld = g.layers.back().ld_out;
    for (std::size_t r = 0; r < n; r++)
      for (std::size_t i = 0; i < ld; i++) up[r * ld + i] = a[r];
    for (const BatchLayer<T> &l : g.layers) result += l.n_out * (l.n_in + 1);
    for (std::size_t i = g.layers.size(); i-- > 0;) {
      const BatchLayer<T> &l = g.layers[i];
      BatchRows<T> &r = b.rows[i];
      T *const adjoint = r.adjoint.data();
      for (std::size_t row = 0; row < n; row++)
        for (std::size_t j = row * l.ld_out; j < row * l.ld_out + l.n_out; j += hn::Lanes(d))
          hn::Store(hn::MulAdd(hn::Load(d, up + j), hn::Load(d, r.slope.data() + j),
                               hn::Load(d, adjoint + j)),
                    d, adjoint + j);
      result -= l.n_out * (l.n_in + 1);
      add_layer(l, r, scale, result);
      if (i) back(l, adjoint, up);
    }
  }

  // weights [n_out][n_in], biases [n_out]
  void add_layer(const BatchLayer<T> &l, const BatchRows<T> &r, double scale, double *result) const
  {
    outer_product(l.n_out, l.n_in, l.ld_out, l.ld_in, r.adjoint.data(), r.input.data(), 2 * n);
    for (std::size_t o = 0; o < l.n_out; o++, result += l.n_in)
      add(result, scratch.sum.data() + o * l.ld_in, l.n_in, scale);
    T *const biases = scratch.sum.data();
    const std::size_t columns = in_vectors(l.n_out);
    for (std::size_t j = 0; j < columns; j += hn::Lanes(d)) {
      Vec sum = hn::Zero(d);
      for (std::size_t row = 0; row < n; row++)
        sum = hn::Add(sum, hn::Load(d, r.adjoint.data() + row * l.ld_out + j));
      hn::Store(sum, d, biases + j);
    }
    add(result, biases, l.n_out, scale);
  }

  static void add(double *HWY_RESTRICT to, const T *HWY_RESTRICT x, std::size_t count, double scale)
  {
    const hn::ScalableTag<T> tag;
    std::size_t i = 0;
    if constexpr (sizeof(T) == sizeof(double))
      for (const Vec s = hn::Set(tag, scale); i + hn::Lanes(tag) <= count; i += hn::Lanes(tag))
        hn::StoreU(hn::MulAdd(s, hn::Load(tag, x + i), hn::LoadU(tag, to + i)), tag, to + i);
    for (; i < count; i++) to[i] += scale * (double) x[i];
  }

  // sum [n_rows][ld_columns] = sum over k of left[k][row] right[k][column]
  void outer_product(std::size_t n_rows, std::size_t n_columns, std::size_t ld_rows,
                     std::size_t ld_columns, const T *left, const T *right, std::size_t n_k) const
  {
    const std::size_t columns = in_vectors(n_columns);
    fill(scratch.sum.data(), nullptr, n_rows, ld_columns, columns);
    multiply(Product<T>{n_rows, columns, n_k, left, 1, ld_rows, right, ld_columns, scratch.sum.data(),
                        ld_columns});
  }

  // E = sum_k x_k (w_k + 1/2 (V x)_k), dE/dx = w + V x
  void polynomial_forward() const
  {
    const std::size_t ld = g.ld_in, n_in = g.n_in, columns = in_vectors(n_in);
    const T *const x = b.rows[0].input.data();
    fill(b.gradient.data(), g.weights.data(), n, ld, columns);
    if (g.kind == NetworkKind::quadratic)
      multiply(Product<T>{n, columns, n_in, x, ld, 1, g.matrix.data(), ld, b.gradient.data(), ld});
    for (std::size_t r = 0; r < n; r++) {
      T e = T(0);
      for (std::size_t k = 0; k < n_in; k++)
        e += x[r * ld + k] * T(0.5) * (g.weights[k] + b.gradient[r * ld + k]);
      b.output[16 * r] = e;
    }
  }

  // dw_k = a x_k + t_k with the tangent t; dV_kl = M_kl + M_lk, dV_kk = M_kk
  // with M = sum over atoms of (a/2 x + t) x^T
  void polynomial_gradient(const T *a, double scale, double *result) const
  {
    const std::size_t ld = g.ld_in, n_in = g.n_in;
    const T *const x = b.rows[0].input.data(), *const t = x + n * ld;
    T *const left = b.rows[0].adjoint.data();
    for (std::size_t r = 0; r < n; r++)
      for (std::size_t k = 0; k < n_in; k++) {
        result[k] += scale * (double) (a[r] * x[r * ld + k] + t[r * ld + k]);
        left[r * ld + k] = T(0.5) * a[r] * x[r * ld + k] + t[r * ld + k];
      }
    if (g.kind == NetworkKind::linear) return;
    outer_product(n_in, n_in, ld, ld, left, x, n);
    const T *const m = scratch.sum.data();
    result += n_in;
    for (std::size_t k = 0; k < n_in; k++)
      for (std::size_t l = k; l < n_in; l++)
        *result++ += scale * (double) (k == l ? m[k * ld + k] : m[k * ld + l] + m[l * ld + k]);
  }
};

void ForwardDouble(const BatchSet<double> &set, BatchBlock<double> &block,
                   BatchScratch<double> &scratch)
{
  BatchPass<double>(set, block, scratch).forward();
}

void GradientDouble(const BatchSet<double> &set, BatchBlock<double> &block,
                    BatchScratch<double> &scratch, const double *a, double scale,
                    double *result)
{
  BatchPass<double>(set, block, scratch).parameter_gradient(a, scale, result);
}

void ForwardFloat(const BatchSet<float> &set, BatchBlock<float> &block,
                  BatchScratch<float> &scratch)
{
  BatchPass<float>(set, block, scratch).forward();
}

void GradientFloat(const BatchSet<float> &set, BatchBlock<float> &block,
                   BatchScratch<float> &scratch, const float *a, double scale,
                   double *result)
{
  BatchPass<float>(set, block, scratch).parameter_gradient(a, scale, result);
}

}    // namespace HWY_NAMESPACE
}    // namespace torchpot
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace torchpot {
HWY_EXPORT(ForwardDouble);
HWY_EXPORT(ForwardFloat);
HWY_EXPORT(GradientDouble);
HWY_EXPORT(GradientFloat);

template <>
void batch_forward(const BatchSet<double> &set, BatchBlock<double> &block,
                   BatchScratch<double> &scratch)
{
  HWY_DYNAMIC_DISPATCH(ForwardDouble)(set, block, scratch);
}

template <>
void batch_parameter_gradient(const BatchSet<double> &set, BatchBlock<double> &block,
                              BatchScratch<double> &scratch, const double *a, double scale,
                              double *result)
{
  HWY_DYNAMIC_DISPATCH(GradientDouble)(set, block, scratch, a, scale, result);
}

template <>
void batch_forward(const BatchSet<float> &set, BatchBlock<float> &block,
                   BatchScratch<float> &scratch)
{
  HWY_DYNAMIC_DISPATCH(ForwardFloat)(set, block, scratch);
}

template <>
void batch_parameter_gradient(const BatchSet<float> &set, BatchBlock<float> &block,
                              BatchScratch<float> &scratch, const float *a, double scale,
                              double *result)
{
  HWY_DYNAMIC_DISPATCH(GradientFloat)(set, block, scratch, a, scale, result);
}

}    // namespace torchpot
#endif
