// SIMD building blocks of networks, compiled once per instruction set: one matrix product and the
// activation functions. Included by kernel files after hwy/foreach_target.h.
#if defined(TORCHPOT_NETWORK_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef TORCHPOT_NETWORK_INL_H
#undef TORCHPOT_NETWORK_INL_H
#else
#define TORCHPOT_NETWORK_INL_H
#endif

#include "hwy/highway.h"

#include "hwy/contrib/math/math-inl.h"

#include "torchpot_network_kernel.h"

#include <cstddef>

HWY_BEFORE_NAMESPACE();
namespace torchpot {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// ---- matrix product -----------------------------------------------------------------------------

/// C += A B. Element (r, k) of A is at a[r rs + k ks]; B [n_k][ldb] and C [n_rows][ldc] are read
/// and written in whole vectors. Every element of C is summed over k in order, one fused
/// multiply-add each, wherever it lies: results of a row do not depend on the other rows.
template <class T> struct Product {
  std::size_t n_rows, n_columns, n_k;
  const T *a;
  std::size_t rs, ks;
  const T *b;
  std::size_t ldb;
  T *c;
  std::size_t ldc;
};

// R rows and F vectors of C in registers
template <int R, int F, class T>
HWY_INLINE void product_tile(const Product<T> &p, std::size_t row, std::size_t column)
{
  const hn::ScalableTag<T> d;
  using V = hn::Vec<hn::ScalableTag<T>>;
  constexpr std::size_t N = hn::MaxLanes(hn::ScalableTag<T>());
  const T *HWY_RESTRICT a = p.a + row * p.rs, *HWY_RESTRICT b = p.b + column;
  T *HWY_RESTRICT c = p.c + row * p.ldc + column;
  const std::size_t rs = p.rs, ks = p.ks, ldb = p.ldb, ldc = p.ldc;
  V sum[R][F];
#pragma GCC unroll 8
  for (int r = 0; r < R; r++)
#pragma GCC unroll 4
    for (int f = 0; f < F; f++) sum[r][f] = hn::LoadU(d, c + r * ldc + f * N);
  for (std::size_t k = 0; k < p.n_k; k++, a += ks, b += ldb) {
    V x[F];
#pragma GCC unroll 4
    for (int f = 0; f < F; f++) x[f] = hn::LoadU(d, b + f * N);
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
      const V y = hn::Set(d, a[r * rs]);
#pragma GCC unroll 4
      for (int f = 0; f < F; f++) sum[r][f] = hn::MulAdd(y, x[f], sum[r][f]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; r++)
#pragma GCC unroll 4
    for (int f = 0; f < F; f++) hn::StoreU(sum[r][f], d, c + r * ldc + f * N);
}

// the last rows, fewer than a full tile has
template <int R, int F, class T>
HWY_INLINE void product_rest(const Product<T> &p, std::size_t row, std::size_t column)
{
  if constexpr (R > 0) {
    if (p.n_rows - row == R)
      product_tile<R, F>(p, row, column);
    else
      product_rest<R - 1, F>(p, row, column);
  }
}

template <int R, int F, class T> HWY_NOINLINE void product_panel(const Product<T> &p, std::size_t c)
{
  std::size_t row = 0;
  for (; row + R <= p.n_rows; row += R) product_tile<R, F>(p, row, c);
  product_rest<R - 1, F>(p, row, c);
}

template <class T> HWY_INLINE void multiply(const Product<T> &p)
{
  constexpr std::size_t N = hn::MaxLanes(hn::ScalableTag<T>());
  std::size_t c = 0;
  for (; c + N < p.n_columns; c += 2 * N) product_panel<6, 2>(p, c);
  if (c < p.n_columns) product_panel<8, 1>(p, c);
}

// ---- activations --------------------------------------------------------------------------------

// y, dy, ddy: value, first and second derivative

template <class D, class V> struct Sigmoid {
  V value, rest, decay;    // 1/(1+e^-x) and 1 minus that, both without cancellation; e^-|x|
  HWY_INLINE Sigmoid(D d, V x)
  {
    const V one = hn::Set(d, 1), e = hn::Exp(d, hn::Neg(hn::Abs(x)));
    decay = hn::IfThenElse(hn::Eq(x, x), e, x);    // Highway's Exp(NaN) is 0
    const V large = hn::Div(one, hn::Add(one, decay)), small = hn::Mul(decay, large);
    const auto positive = hn::Ge(x, hn::Zero(d));
    value = hn::IfThenElse(positive, large, small);
    rest = hn::IfThenElse(positive, small, large);
  }
};

struct Linear {
  template <class D, class V> static HWY_INLINE void eval(D d, V x, V &y, V &dy, V &ddy)
  {
    y = x;
    dy = hn::Set(d, 1);
    ddy = hn::Zero(d);
  }
};

struct Tanh {
  // tanh x = -u / (2 + u) with u = e^(-2x) - 1, for x > 0
  template <class D, class V> static HWY_INLINE void eval(D d, V x, V &y, V &dy, V &ddy)
  {
    const V u = hn::Expm1(d, hn::Mul(hn::Set(d, -2), hn::Abs(x))), one = hn::Set(d, 1);
    const V size = hn::Div(hn::Neg(u), hn::Add(u, hn::Set(d, 2)));
    y = hn::IfThenElse(hn::Eq(x, x), hn::CopySignToAbs(size, x), x);
    dy = hn::Mul(hn::Sub(one, y), hn::Add(one, y));
    ddy = hn::Mul(hn::Set(d, -2), hn::Mul(y, dy));
  }
};

struct Logistic {
  template <class D, class V> static HWY_INLINE void eval(D d, V x, V &y, V &dy, V &ddy)
  {
    const Sigmoid<D, V> s(d, x);
    y = s.value;
    dy = hn::Mul(s.value, s.rest);
    ddy = hn::Mul(dy, hn::Sub(s.rest, s.value));
  }
};

struct Relu {
  template <class D, class V> static HWY_INLINE void eval(D d, V x, V &y, V &dy, V &ddy)
  {
    const auto negative = hn::Le(x, hn::Zero(d));    // NaN passes
    y = hn::IfThenZeroElse(negative, x);
    dy = hn::IfThenZeroElse(negative, hn::Set(d, 1));
    ddy = hn::Zero(d);
  }
};

struct Softplus {
  // max(x, 0) + log(1 + e^-|x|)
  template <class D, class V> static HWY_INLINE void eval(D d, V x, V &y, V &dy, V &ddy)
  {
    const Sigmoid<D, V> s(d, x);
    y = hn::Add(hn::IfThenZeroElse(hn::Le(x, hn::Zero(d)), x), hn::Log1p(d, s.decay));
    dy = s.value;
    ddy = hn::Mul(s.value, s.rest);
  }
};

struct Silu {
  template <class D, class V> static HWY_INLINE void eval(D d, V x, V &y, V &dy, V &ddy)
  {
    const Sigmoid<D, V> s(d, x);
    const V slope = hn::Mul(s.value, s.rest);
    y = hn::Mul(x, s.value);
    dy = hn::MulAdd(x, slope, s.value);
    ddy = hn::Mul(slope, hn::MulAdd(x, hn::Sub(s.rest, s.value), hn::Set(d, 2)));
  }
};

struct Gelu {
  // x P(x), P the normal distribution: lane by lane, Highway has no erfc
  template <class D, class V> static HWY_INLINE void eval(D d, V x, V &y, V &dy, V &ddy)
  {
    using T = hn::TFromD<D>;
    constexpr std::size_t N = hn::MaxLanes(D());
    alignas(128) T lanes[N], density[N];
    hn::Store(x, d, lanes);
    for (std::size_t i = 0; i < N; i++) {
      density[i] = gelu_density(lanes[i]);
      lanes[i] = gelu_probability(lanes[i]);
    }
    const V p = hn::Load(d, lanes), q = hn::Load(d, density);
    y = hn::Mul(x, p);
    dy = hn::MulAdd(x, q, p);
    ddy = hn::Mul(q, hn::NegMulAdd(x, x, hn::Set(d, 2)));
  }
};

/// z [n_rows][ld], n_columns of each row in whole vectors: z becomes the value, dz the
/// derivative and, unless null, ddz the second derivative.
template <class F, class T>
HWY_NOINLINE void activate_by(std::size_t n_rows, std::size_t n_columns, std::size_t ld, T *z,
                              T *dz, T *ddz)
{
  const hn::ScalableTag<T> d;
  for (std::size_t row = 0; row < n_rows; row++)
    for (std::size_t i = row * ld; i < row * ld + n_columns; i += hn::Lanes(d)) {
      hn::Vec<hn::ScalableTag<T>> y, dy, ddy;
      F::eval(d, hn::LoadU(d, z + i), y, dy, ddy);
      hn::StoreU(y, d, z + i);
      hn::StoreU(dy, d, dz + i);
      if (ddz) hn::StoreU(ddy, d, ddz + i);
    }
}

template <class T>
void activate(Activation a, std::size_t n_rows, std::size_t n_columns, std::size_t ld, T *z, T *dz,
              T *ddz)
{
  switch (a) {
    case Activation::linear: return activate_by<Linear>(n_rows, n_columns, ld, z, dz, ddz);
    case Activation::tanh: return activate_by<Tanh>(n_rows, n_columns, ld, z, dz, ddz);
    case Activation::sigmoid: return activate_by<Logistic>(n_rows, n_columns, ld, z, dz, ddz);
    case Activation::relu: return activate_by<Relu>(n_rows, n_columns, ld, z, dz, ddz);
    case Activation::softplus: return activate_by<Softplus>(n_rows, n_columns, ld, z, dz, ddz);
    case Activation::silu: return activate_by<Silu>(n_rows, n_columns, ld, z, dz, ddz);
    case Activation::gelu: return activate_by<Gelu>(n_rows, n_columns, ld, z, dz, ddz);
  }
}

}    // namespace HWY_NAMESPACE
}    // namespace torchpot
HWY_AFTER_NAMESPACE();

#endif
