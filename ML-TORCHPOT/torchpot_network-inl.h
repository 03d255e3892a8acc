// SIMD building blocks of networks, compiled once per instruction set: one matrix product and the
// activation functions. Included by kernel files after hwy/foreach_target.h.
#if defined(TORCHPOT_NETWORK_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef TORCHPOT_NETWORK_INL_H
#undef TORCHPOT_NETWORK_INL_H
#else
#define TORCHPOT_NETWORK_INL_H
#endif

#include "hwy/cache_control.h"
#include "hwy/highway.h"

#include "hwy/contrib/math/math-inl.h"

#include "torchpot_network.h"

#include <cstddef>

// Chebyshev interpolations, as powers; both good to a unit in the last place of double
#ifndef TORCHPOT_NETWORK_COEFFICIENTS
#define TORCHPOT_NETWORK_COEFFICIENTS
namespace torchpot {
// 2 artanh(s) / s in powers of s^2 <= 1/9: log(1 + e) with s = e / (2 + e), e <= 1
constexpr double LOG_COEFFICIENTS[] = {
    2.0,                 0.6666666666666614,  0.4000000000018931,  0.2857142854504191,
    0.22222224104933036, 0.18181740017812253, 0.15386630743249172, 0.13300162200565394,
    0.12111792015820001, 0.08317620940429153, 0.17056574502947028};
// e^(x^2/2) (x + 4) times the normal distribution's tail beyond x >= 0, in powers of
// t = (x - 4) / (x + 4)
constexpr double TAIL_COEFFICIENTS[] = {
    0.7552851304157515,      -0.6078966419718923,     0.3871374007422149,
    -0.1865218579596366,     0.060396574890917876,    -0.007540188967386312,
    -0.0034796923670479736,  0.0016308184674099085,   0.00013334430941183256,
    -0.00023109501736277426, -1.908246351414571e-06,  3.514511190283765e-05,
    7.166587641195121e-07,   -5.921611045923978e-06,  -6.298367338492369e-07,
    1.0247851016552774e-06,  2.7246296951145873e-07,  -1.597739614223922e-07,
    -8.686647015997893e-08,  1.7844927772981415e-08,  2.1427603843452355e-08,
    -5.873626764987191e-10,  -3.73064508186837e-09,   -1.1997782031253095e-10,
    3.403312308649495e-10};
}    // namespace torchpot
#endif

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

/// C = A B + bias for A stored in tiles of eight rows, [n_rows / 8][n_k][8], the last filled up
/// with zeros; bias [n_rows], or null for none. C [n_rows filled up][ldc].
template <class T> struct TiledProduct {
  std::size_t n_rows, n_columns, n_k;
  const T *a, *bias, *b;
  std::size_t ldb;
  T *c;
  std::size_t ldc;
};

template <int F, class T>
HWY_INLINE void tile_of_eight(const TiledProduct<T> &p, std::size_t row, std::size_t column)
{
  const hn::ScalableTag<T> d;
  using V = hn::Vec<hn::ScalableTag<T>>;
  constexpr std::size_t N = hn::MaxLanes(hn::ScalableTag<T>());
  const T *HWY_RESTRICT a = p.a + row * p.n_k, *HWY_RESTRICT b = p.b + column;
  T *HWY_RESTRICT c = p.c + row * p.ldc + column;
  const std::size_t ldb = p.ldb, ldc = p.ldc;
  V sum[8][F];
#pragma GCC unroll 8
  for (int r = 0; r < 8; r++)
#pragma GCC unroll 4
    for (int f = 0; f < F; f++) sum[r][f] = p.bias ? hn::Set(d, p.bias[row + r]) : hn::Zero(d);
  for (std::size_t k = 0; k < p.n_k; k++, a += 8, b += ldb) {
    hwy::Prefetch(a + 128);    // matrices exceed the first cache: half as fast without this
    V x[F];
#pragma GCC unroll 4
    for (int f = 0; f < F; f++) x[f] = hn::LoadU(d, b + f * N);
#pragma GCC unroll 8
    for (int r = 0; r < 8; r++) {
      const V y = hn::Set(d, a[r]);
#pragma GCC unroll 4
      for (int f = 0; f < F; f++) sum[r][f] = hn::MulAdd(y, x[f], sum[r][f]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < 8; r++)
#pragma GCC unroll 4
    for (int f = 0; f < F; f++) hn::StoreU(sum[r][f], d, c + r * ldc + f * N);
}

template <class T> HWY_NOINLINE void multiply(const TiledProduct<T> &p)
{
  constexpr std::size_t N = hn::MaxLanes(hn::ScalableTag<T>());
  // two vectors of columns at a time where there are registers enough
  constexpr int F = HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON ? 2 : 1;
  for (std::size_t row = 0; row < p.n_rows; row += 8) {
    std::size_t c = 0;
    for (; c + F * N <= p.n_columns; c += F * N) tile_of_eight<F>(p, row, c);
    for (; c < p.n_columns; c += N) tile_of_eight<1>(p, row, c);
  }
}

// ---- activations --------------------------------------------------------------------------------

// y, dy, ddy: value, first and second derivative

template <std::size_t n, class D, class V>
HWY_INLINE V polynomial(D d, V x, const double (&coefficient)[n])
{
  using T = hn::TFromD<D>;
  V sum = hn::Set(d, (T) coefficient[n - 1]);
#pragma GCC unroll 32
  for (std::size_t i = 1; i < n; i++)
    sum = hn::MulAdd(sum, x, hn::Set(d, (T) coefficient[n - 1 - i]));
  return sum;
}

// 1/(1+e^-x) and 1 minus that, both without cancellation
template <class D, class V> struct Sigmoid {
  V value, rest;

  HWY_INLINE Sigmoid(D d, V x)
  {
    const V e = decay(d, x);
    choose(d, x, e, hn::Div(hn::Set(d, 1), hn::Add(hn::Set(d, 1), e)));
  }

  // with the reciprocal of 1 + e
  HWY_INLINE Sigmoid(D d, V x, V e, V reciprocal) { choose(d, x, e, reciprocal); }

  // e^-|x|
  static HWY_INLINE V decay(D d, V x)
  {
    // Highway's Exp(NaN) is 0
    return hn::IfThenElse(hn::Eq(x, x), hn::Exp(d, hn::Neg(hn::Abs(x))), x);
  }

 private:
  HWY_INLINE void choose(D d, V x, V e, V large)
  {
    const V small = hn::Mul(e, large);
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
  // max(x, 0) + log(1 + e), e = e^-|x|; one division gives 1/(1 + e) and e/(2 + e)
  template <class D, class V> static HWY_INLINE void eval(D d, V x, V &y, V &dy, V &ddy)
  {
    const V e = Sigmoid<D, V>::decay(d, x), one = hn::Set(d, 1);
    const V e1 = hn::Add(e, one), e2 = hn::Add(e1, one), both = hn::Div(one, hn::Mul(e1, e2));
    const V s = hn::Mul(e, hn::Mul(both, e1));
    const V log = hn::Mul(s, polynomial(d, hn::Mul(s, s), LOG_COEFFICIENTS));
    const Sigmoid<D, V> sigmoid(d, x, e, hn::Mul(both, e2));
    y = hn::Add(hn::IfThenZeroElse(hn::Le(x, hn::Zero(d)), x), log);
    dy = sigmoid.value;
    ddy = hn::Mul(sigmoid.value, sigmoid.rest);
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
  // x times the normal distribution, of which the tail comes from a polynomial
  template <class D, class V> static HWY_INLINE void eval(D d, V x, V &y, V &dy, V &ddy)
  {
    using T = hn::TFromD<D>;
    const V size = hn::Abs(x), one = hn::Set(d, 1);
    const V near = hn::Div(one, hn::Add(size, hn::Set(d, 4)));
    const V t = hn::NegMulAdd(hn::Set(d, 8), near, one), bell = gauss(d, size);
    const V tail = hn::Mul(hn::Mul(bell, near), polynomial(d, t, TAIL_COEFFICIENTS));
    const V p = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), tail, hn::Sub(one, tail));
    const V density = hn::Mul(bell, hn::Set(d, (T) 0.3989422804014327));
    y = hn::Mul(x, p);
    dy = hn::MulAdd(x, density, p);
    ddy = hn::Mul(density, hn::NegMulAdd(x, x, hn::Set(d, 2)));
  }

  // e^(-x^2/2); x^2 is not rounded, because far out that would cost digits
  template <class D, class V> static HWY_INLINE V gauss(D d, V x)
  {
    using T = hn::TFromD<D>;
    const V half = hn::Set(d, T(0.5)), one = hn::Set(d, 1);
    if constexpr (sizeof(T) == sizeof(float)) {
      return hn::Exp(d, hn::Neg(hn::Mul(half, hn::Mul(x, x))));
    } else {
      const hn::RebindToUnsigned<D> bits;
      const V head = hn::BitCast(
          d, hn::And(hn::BitCast(bits, hn::Min(x, hn::Set(d, 50))),
                     hn::Set(bits, ~((hn::TFromD<decltype(bits)>(1) << 27) - 1))));
      const V rest = hn::Mul(half, hn::Mul(hn::Sub(x, head), hn::Add(x, head)));
      const V correction = hn::NegMulAdd(rest, hn::NegMulAdd(half, rest, one), one);
      return hn::Mul(hn::Exp(d, hn::Neg(hn::Mul(half, hn::Mul(head, head)))), correction);
    }
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
