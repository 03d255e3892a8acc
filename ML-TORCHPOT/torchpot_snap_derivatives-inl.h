// Derivatives of the bispectrum with respect to one neighbor, an atom per vector lane. Included by
// torchpot_snap_kernel.cpp once per SIMD target.
#if defined(TORCHPOT_SNAP_DERIVATIVES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef TORCHPOT_SNAP_DERIVATIVES_INL_H
#undef TORCHPOT_SNAP_DERIVATIVES_INL_H
#else
#define TORCHPOT_SNAP_DERIVATIVES_INL_H
#endif

#include "torchpot_snap_levels-inl.h"

#include <algorithm>

HWY_BEFORE_NAMESPACE();
namespace torchpot {
namespace HWY_NAMESPACE {

template <class T> struct SnapDerivatives : SnapLevels<T> {
  using Base = SnapLevels<T>;
  using typename Base::V;
  using Base::Base;
  using Base::N, Base::setup, Base::t, Base::b, Base::d;
  using Base::set, Base::load, Base::store, Base::geometry;
  using Base::levels, Base::level_derivatives, Base::half_size;

  T *z_real(int e1, int e2) const
  {
    return b.z.data() + 2 * N * t.n_z * ((std::size_t) e1 * setup.n_chem + e2);
  }

  // real and imaginary parts of dU along direction c
  T *direction(int c, int part) const
  {
    return b.direction.data() + N * t.n_u * (2 * c + part);
  }

  // product rule over the three U matrices of each component; only those of the slot's element move
  void slot_derivative(int s) const
  {
    const int n = setup.n_chem, chem = b.slot_chem[s];
    levels(geometry(s));
    for (int c = 0; c < 3; c++) level_derivatives(s, c, direction(c, 0), direction(c, 1));
    for (int e1 = 0; e1 < n; e1++)
      for (int e2 = 0; e2 < n; e2++)
        for (int j = 0; j <= t.twojmax; j++) level_products(j, e1, e2);

    if (n > 1) std::fill(b.derivative.begin(), b.derivative.end(), T(0));
    for (int k = 0; k < t.n_components(); k++) {
      const BispectrumIndex &l = t.component[k];
      const int q = t.z_block(l.j1, l.j2, l.j), q1 = t.z_block(l.j, l.j2, l.j1);
      const int q2 = t.z_block(l.j, l.j1, l.j2);
      const V f1 = set(setup.bnormflag ? T(1) : T(l.j + 1) / T(l.j1 + 1));
      const V f2 = set(setup.bnormflag ? T(1) : T(l.j + 1) / T(l.j2 + 1));
      if (n == 1) {
        for (int c = 0; c < 3; c++)
          store(hn::MulAdd(f1, product(0, 0, q1, c),
                           hn::MulAdd(f2, product(0, 0, q2, c), product(0, 0, q, c))),
                b.derivative.data(), 3 * k + c);
        continue;
      }
      const auto add = [&](int a1, int a2, int a3, int c, V value) {
        const std::size_t row = (std::size_t) ((a1 * n + a2) * n + a3) * t.n_components() + k;
        T *const out = b.derivative.data();
        store(hn::Add(value, load(out, 3 * row + c)), out, 3 * row + c);
      };
      for (int e1 = 0; e1 < n; e1++)
        for (int e2 = 0; e2 < n; e2++)
          for (int c = 0; c < 3; c++) {
            add(e1, e2, chem, c, product(e1, e2, q, c));
            add(chem, e2, e1, c, hn::Mul(f1, product(e1, e2, q1, c)));
            add(e1, chem, e2, c, hn::Mul(f2, product(e2, e1, q2, c)));
          }
    }
  }

 private:
  HWY_INLINE T *products(int e1, int e2) const
  {
    return b.product.data() + 3 * N * t.z_blocks.size() * ((std::size_t) e1 * setup.n_chem + e2);
  }
  HWY_INLINE V product(int e1, int e2, int block, int c) const
  {
    return load(products(e1, e2), 3 * block + c);
  }

  // dU . Z of all blocks of a level, four at a time: each dU that is loaded serves four. Written
  // out, since sums in an array would live in memory.
  HWY_INLINE void level_products(int j, int e1, int e2) const
  {
    const int first = t.block[j], size = half_size(j);
    T *const out = products(e1, e2);
    for (int k = t.level_first[j]; k < t.level_first[j + 1]; k += 4) {
      const int *const q = &t.level_blocks[k];
      const T *z0 = z_real(e1, e2) + N * t.z_blocks[q[0]].first;
      const T *z1 = z_real(e1, e2) + N * t.z_blocks[q[1]].first;
      const T *z2 = z_real(e1, e2) + N * t.z_blocks[q[2]].first;
      const T *z3 = z_real(e1, e2) + N * t.z_blocks[q[3]].first;
      V x0 = hn::Zero(d), y0 = x0, w0 = x0, x1 = x0, y1 = x0, w1 = x0;
      V x2 = x0, y2 = x0, w2 = x0, x3 = x0, y3 = x0, w3 = x0;
      for (int part = 0; part < 2; part++) {
        const T *const x = direction(0, part) + N * first;
        const T *const y = direction(1, part) + N * first;
        const T *const w = direction(2, part) + N * first;
        for (int i = 0; i < size; i++) {
          const V dx = load(x, i), dy = load(y, i), dw = load(w, i);
          V z = load(z0, i);
          x0 = hn::MulAdd(dx, z, x0), y0 = hn::MulAdd(dy, z, y0), w0 = hn::MulAdd(dw, z, w0);
          z = load(z1, i);
          x1 = hn::MulAdd(dx, z, x1), y1 = hn::MulAdd(dy, z, y1), w1 = hn::MulAdd(dw, z, w1);
          z = load(z2, i);
          x2 = hn::MulAdd(dx, z, x2), y2 = hn::MulAdd(dy, z, y2), w2 = hn::MulAdd(dw, z, w2);
          z = load(z3, i);
          x3 = hn::MulAdd(dx, z, x3), y3 = hn::MulAdd(dy, z, y3), w3 = hn::MulAdd(dw, z, w3);
        }
        const std::size_t imaginary = N * t.n_z;
        z0 += imaginary, z1 += imaginary, z2 += imaginary, z3 += imaginary;
      }
      store3(x0, y0, w0, out, q[0]);
      store3(x1, y1, w1, out, q[1]);
      store3(x2, y2, w2, out, q[2]);
      store3(x3, y3, w3, out, q[3]);
    }
  }

  HWY_INLINE void store3(V x, V y, V w, T *out, int row) const
  {
    store(x, out, 3 * row);
    store(y, out, 3 * row + 1);
    store(w, out, 3 * row + 2);
  }
};

}    // namespace HWY_NAMESPACE
}    // namespace torchpot
HWY_AFTER_NAMESPACE();

#endif
