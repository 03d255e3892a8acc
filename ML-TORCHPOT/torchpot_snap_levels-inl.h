// U of one neighbor, an atom per vector lane: its geometry, the recursion over levels, and its
// derivatives along x, y and z. Included by torchpot_snap_kernel.cpp once per SIMD target.
#if defined(TORCHPOT_SNAP_LEVELS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef TORCHPOT_SNAP_LEVELS_INL_H
#undef TORCHPOT_SNAP_LEVELS_INL_H
#else
#define TORCHPOT_SNAP_LEVELS_INL_H
#endif

#include "hwy/highway.h"

#include "hwy/contrib/math/math-inl.h"

#include "torchpot_snap_kernel.h"

#include <cmath>

// parts of a slot's geometry that the first pass leaves to the later ones
#ifndef TORCHPOT_SNAP_GEOMETRY
#define TORCHPOT_SNAP_GEOMETRY
namespace torchpot {
enum SnapGeometry { AR, AI, BR, BI, WEIGHT, DWEIGHT, RINV, DAR, DR0INV, R0INV, N_GEOMETRY };
}
#endif

HWY_BEFORE_NAMESPACE();
namespace torchpot {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class T> struct SnapLevels {
  using D = hn::ScalableTag<T>;
  using V = hn::Vec<D>;
  static constexpr std::size_t N = hn::MaxLanes(D());

  const SnapSetup<T> &setup;
  const SnapTables<T> &t;
  SnapBlock<T> &b;
  const D d;
  T *const ur, *const ui;    // U of one neighbor
  T *const tr, *const ti;    // sum over neighbors [n_chem][n_u]
  T *const yr, *const yi;    // dE/dU [n_chem][n_u]
  T *const vr, *const vi;    // adjoint of ur, ui

  SnapLevels(const SnapSetup<T> &s, SnapBlock<T> &block) :
      setup(s), t(s.tables), b(block), ur(b.u.data()), ui(ur + N * t.n_u), tr(b.u_total.data()),
      ti(tr + N * t.n_u * s.n_chem), yr(b.y.data()), yi(yr + N * t.n_u * s.n_chem),
      vr(b.adjoint.data()), vi(vr + N * t.n_u)
  {
  }

  HWY_INLINE V set(T x) const { return hn::Set(d, x); }
  HWY_INLINE V load(const T *p, std::size_t i) const { return hn::Load(d, p + N * i); }
  HWY_INLINE void store(V x, T *p, std::size_t i) const { hn::Store(x, d, p + N * i); }
  // elements of the independent rows of a level, 2 mb <= j
  HWY_INLINE static int half_size(int j) { return (j / 2 + 1) * (j + 1); }
  HWY_INLINE T *geometry(int slot) const { return b.geometry.data() + N * N_GEOMETRY * slot; }

  // ---- geometry of one slot -------------------------------------------------------------------

  // Cayley-Klein parameters a = (z0 - i z)/r0, b = (y - i x)/r0 with z0 = r / tan(theta0), and
  // what their derivatives need
  void slot_geometry(int slot) const
  {
    T *const g = geometry(slot);
    const V x = load(b.vector.data(), 3 * slot), y = load(b.vector.data(), 3 * slot + 1),
            z = load(b.vector.data(), 3 * slot + 2);
    const V rc = load(b.cutoff.data(), slot);
    const V rsq = hn::MulAdd(x, x, hn::MulAdd(y, y, hn::Mul(z, z)));
    const V r = hn::Sqrt(rsq), rinv = hn::Div(set(1), r);
    const V range = hn::Sub(rc, set(setup.rmin0)), inside = hn::Sub(r, set(setup.rmin0));
    const V scale = hn::Div(set(T(setup.rfac0 * M_PI)), range);
    const V theta = hn::Mul(inside, scale);
    const V z0 = hn::Div(hn::Mul(r, hn::Cos(d, theta)), hn::Sin(d, theta));
    const V r0sq = hn::MulAdd(z0, z0, rsq);
    const V dz0 = hn::NegMulAdd(hn::Mul(scale, rinv), r0sq, hn::Mul(z0, rinv));
    const V r0inv = hn::Div(set(1), hn::Sqrt(r0sq));
    const V dr0inv = hn::Neg(
        hn::Mul(hn::Mul(r0inv, hn::Mul(r0inv, r0inv)), hn::MulAdd(z0, dz0, r)));

    V f, df;
    slot_switch(slot, r, inside, range, f, df);
    const V w = load(b.weight.data(), slot);
    store(hn::Mul(z0, r0inv), g, AR);
    store(hn::Neg(hn::Mul(z, r0inv)), g, AI);
    store(hn::Mul(y, r0inv), g, BR);
    store(hn::Neg(hn::Mul(x, r0inv)), g, BI);
    store(hn::Mul(w, f), g, WEIGHT);
    store(hn::Mul(w, df), g, DWEIGHT);
    store(rinv, g, RINV);
    store(hn::MulAdd(dz0, r0inv, hn::Mul(z0, dr0inv)), g, DAR);
    store(dr0inv, g, DR0INV);
    store(r0inv, g, R0INV);
  }

  // outer switching function times the inner one, with derivative
  HWY_INLINE void slot_switch(int slot, V r, V inside, V range, V &f, V &df) const
  {
    const V zero = hn::Zero(d), one = set(1), half = set(T(0.5));
    f = one;
    df = zero;
    if (setup.switchflag) {
      const V k = hn::Div(set(T(M_PI)), range), angle = hn::Mul(inside, k);
      const auto beyond = hn::Gt(inside, zero);
      f = hn::IfThenElse(beyond, hn::MulAdd(half, hn::Cos(d, angle), half), one);
      df = hn::IfThenElseZero(
          beyond, hn::Neg(hn::Mul(hn::Mul(half, k), hn::Sin(d, angle))));
    }
    if (!setup.switchinnerflag) return;
    const V s = load(b.sinner.data(), slot), w = load(b.dinner.data(), slot);
    const V k = hn::Div(set(T(0.5 * M_PI)), w);
    // clamped to the switching region, where the function is constant outside of it
    const V offset = hn::Max(hn::Neg(w), hn::Min(w, hn::Sub(r, s)));
    const auto within = hn::Lt(hn::Abs(hn::Sub(r, s)), w);
    const V angle = hn::MulAdd(offset, k, set(T(0.5 * M_PI)));
    const V fi = hn::NegMulAdd(half, hn::Cos(d, angle), half);
    const V dfi = hn::IfThenElseZero(within, hn::Mul(hn::Mul(half, k), hn::Sin(d, angle)));
    df = hn::MulAdd(df, fi, hn::Mul(f, dfi));
    f = hn::Mul(f, fi);
  }

  // ---- U of one neighbor ----------------------------------------------------------------------

  // rows 2 mb <= j of every level, and for odd j the first row of the other half, which the next
  // level starts from
  HWY_INLINE void levels(const T *g) const
  {
    const V ar = load(g, AR), ai = load(g, AI), br = load(g, BR), bi = load(g, BI);
    store(set(1), ur, 0);
    store(hn::Zero(d), ui, 0);
    for (int j = 1; j <= t.twojmax; j++) {
      for (int mb = 0; 2 * mb <= j; mb++) {
        const T *pr = ur + N * (t.block[j - 1] + j * mb), *pi = ui + (pr - ur);
        T *qr = ur + N * (t.block[j] + (j + 1) * mb), *qi = ui + (qr - ur);
        V cr = hn::Zero(d), ci = cr;
        for (int ma = 0; ma < j; ma++) {
          const V p = load(pr, ma), q = load(pi, ma);
          const V r1 = set(t.ratio(j - ma, j - mb)), r2 = set(-t.ratio(ma + 1, j - mb));
          store(hn::MulAdd(r1, hn::MulAdd(ar, p, hn::Mul(ai, q)), cr), qr, ma);
          store(hn::MulAdd(r1, hn::NegMulAdd(ai, p, hn::Mul(ar, q)), ci), qi, ma);
          cr = hn::Mul(r2, hn::MulAdd(br, p, hn::Mul(bi, q)));
          ci = hn::Mul(r2, hn::NegMulAdd(bi, p, hn::Mul(br, q)));
        }
        store(cr, qr, j);
        store(ci, qi, j);
      }
      if (j % 2) mirror_row(j, (j - 1) / 2, ur, ui);
    }
  }

  // u(j - ma, j - mb) = (-1)^(ma - mb) conj u(ma, mb)
  HWY_INLINE void mirror_row(int j, int mb, T *re, T *im) const
  {
    const std::size_t from = t.block[j] + (j + 1) * mb, to = t.block[j] + (j + 1) * (j - mb);
    for (int ma = 0; ma <= j; ma++) {
      const V p = load(re, from + ma), q = load(im, from + ma);
      const bool odd = (ma + mb) % 2;
      store(odd ? hn::Neg(p) : p, re, to + j - ma);
      store(odd ? q : hn::Neg(q), im, to + j - ma);
    }
  }

  // ---- its derivatives -------------------------------------------------------------------------

  // derivatives of weight * U of one neighbor along direction c, into dr, di, times half_weight
  void level_derivatives(int s, int c, T *dr, T *di) const
  {
    const T *const g = geometry(s);
    const V ar = load(g, AR), ai = load(g, AI), br = load(g, BR), bi = load(g, BI);
    const V unit = hn::Mul(load(b.vector.data(), 3 * s + c), load(g, RINV));
    const V radial = hn::Mul(load(g, DR0INV), unit), r0inv = load(g, R0INV), zero = hn::Zero(d);
    const V x = load(b.vector.data(), 3 * s), y = load(b.vector.data(), 3 * s + 1),
            z = load(b.vector.data(), 3 * s + 2);
    const V dar = hn::Mul(load(g, DAR), unit);
    const V dai = hn::Neg(hn::MulAdd(z, radial, c == 2 ? r0inv : zero));
    const V dbr = hn::MulAdd(y, radial, c == 1 ? r0inv : zero);
    const V dbi = hn::Neg(hn::MulAdd(x, radial, c == 0 ? r0inv : zero));

    store(zero, dr, 0);
    store(zero, di, 0);
    for (int j = 1; j <= t.twojmax; j++) {
      for (int mb = 0; 2 * mb <= j; mb++) {
        const std::size_t from = t.block[j - 1] + j * mb, to = t.block[j] + (j + 1) * mb;
        V cr = zero, ci = zero;
        for (int ma = 0; ma < j; ma++) {
          const V p = load(ur, from + ma), q = load(ui, from + ma);
          const V dp = load(dr, from + ma), dq = load(di, from + ma);
          const V r1 = set(t.ratio(j - ma, j - mb)), r2 = set(-t.ratio(ma + 1, j - mb));
          V re = hn::MulAdd(dar, p, hn::MulAdd(dai, q, hn::MulAdd(ar, dp, hn::Mul(ai, dq))));
          V im = hn::MulAdd(dar, q, hn::NegMulAdd(dai, p, hn::NegMulAdd(ai, dp, hn::Mul(ar, dq))));
          store(hn::MulAdd(r1, re, cr), dr, to + ma);
          store(hn::MulAdd(r1, im, ci), di, to + ma);
          re = hn::MulAdd(dbr, p, hn::MulAdd(dbi, q, hn::MulAdd(br, dp, hn::Mul(bi, dq))));
          im = hn::MulAdd(dbr, q, hn::NegMulAdd(dbi, p, hn::NegMulAdd(bi, dp, hn::Mul(br, dq))));
          cr = hn::Mul(r2, re);
          ci = hn::Mul(r2, im);
        }
        store(cr, dr, to + j);
        store(ci, di, to + j);
      }
      if (j % 2) mirror_row(j, (j - 1) / 2, dr, di);
    }
    const V w = load(g, WEIGHT), dw = hn::Mul(load(g, DWEIGHT), unit);
    for (int j = 0; j <= t.twojmax; j++)
      for (int i = t.block[j]; i < t.block[j] + half_size(j); i++) {
        const V half = set(t.half_weight[i]);
        store(hn::Mul(half, hn::MulAdd(dw, load(ur, i), hn::Mul(w, load(dr, i)))), dr, i);
        store(hn::Mul(half, hn::MulAdd(dw, load(ui, i), hn::Mul(w, load(di, i)))), di, i);
      }
  }
};

}    // namespace HWY_NAMESPACE
}    // namespace torchpot
HWY_AFTER_NAMESPACE();

#endif
