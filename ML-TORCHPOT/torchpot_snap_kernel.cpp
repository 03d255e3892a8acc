// SNAP for one block of atoms, an atom per vector lane: U, then Z and B, the energy function, Y,
// and one reverse sweep through the recursion of U for the forces.
//
// U, Z, B and Y are those of A. P. Thompson et al., J. Comput. Phys. 285, 316 (2015) and of
// LAMMPS. The reverse sweep replaces the derivative of U along x, y and z by the adjoint of the
// recursion, which costs half as much.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "torchpot_snap_kernel.cpp"
#include "hwy/foreach_target.h"

#include "hwy/highway.h"

#include "torchpot_snap_derivatives-inl.h"

#include <algorithm>

HWY_BEFORE_NAMESPACE();
namespace torchpot {
namespace HWY_NAMESPACE {

template <class T> struct Kernel : SnapDerivatives<T> {
  using Base = SnapDerivatives<T>;
  using typename Base::V;
  using Base::Base;
  using Base::N, Base::setup, Base::t, Base::b, Base::d;
  using Base::ur, Base::ui, Base::tr, Base::ti, Base::yr, Base::yi, Base::vr, Base::vi;
  using Base::set, Base::load, Base::store, Base::geometry, Base::slot_geometry;
  using Base::levels, Base::mirror_row, Base::half_size, Base::z_real;

  void total_u() const
  {
    const std::size_t n_u = t.n_u;
    std::fill(tr, tr + N * n_u * setup.n_chem, T(0));
    std::fill(ti, ti + N * n_u * setup.n_chem, T(0));
    for (int chem = 0; chem < setup.n_chem; chem++)
      for (int j = 0; j <= t.twojmax; j++)
        for (int m = 0; 2 * m <= j; m++)
          store(load(b.self.data(), chem), tr, chem * n_u + t.block[j] + (j + 2) * m);

    for (int s = 0; s < b.n_slots; s++) {
      slot_geometry(s);
      levels(geometry(s));
      const V w = load(geometry(s), WEIGHT);
      T *const sr = tr + N * n_u * b.slot_chem[s], *const si = ti + (sr - tr);
      for (int j = 0; j <= t.twojmax; j++) {
        const int end = t.block[j] + half_size(j);
        for (int i = t.block[j]; i < end; i++) {
          store(hn::MulAdd(w, load(ur, i), load(sr, i)), sr, i);
          store(hn::MulAdd(w, load(ui, i), load(si, i)), si, i);
        }
      }
    }
    for (int chem = 0; chem < setup.n_chem; chem++)
      for (int j = 0; j <= t.twojmax; j++)
        for (int mb = 0; 2 * mb < j; mb++)
          mirror_row(j, mb, tr + N * n_u * chem, ti + N * n_u * chem);
  }

  // ---- Z, B and Y -----------------------------------------------------------------------------

  // one element of Z from the totals of chemical elements e1 and e2
  HWY_INLINE void z_entry(const typename SnapTables<T>::ZEntry &k, int e1, int e2, V &zr,
                          V &zi) const
  {
    const bool folded = e1 == e2;
    const int nb = folded ? k.nb : k.nb_full;
    const T *const ca = &t.coefficient[k.ca];
    const T *const cb = &t.coefficient[folded ? k.cb : k.cb_full];
    const std::size_t o1 = (std::size_t) e1 * t.n_u + k.u1, o2 = (std::size_t) e2 * t.n_u + k.u2;
    const T *a = tr + N * o1, *ac = ti + N * o1, *c = tr + N * o2, *cc = ti + N * o2;
    zr = zi = hn::Zero(d);
    for (int ib = 0; ib < nb; ib++) {
      V xr = hn::Zero(d), xi = xr;
      const T *c1 = c, *cc1 = cc;
      for (int ia = 0; ia < k.na; ia++) {
        const V p = load(a, ia), q = load(ac, ia), r = hn::Load(d, c1), s = hn::Load(d, cc1);
        const V g = set(ca[ia]);
        xr = hn::MulAdd(g, hn::NegMulAdd(q, s, hn::Mul(p, r)), xr);
        xi = hn::MulAdd(g, hn::MulAdd(q, r, hn::Mul(p, s)), xi);
        c1 -= N;
        cc1 -= N;
      }
      zr = hn::MulAdd(set(cb[ib]), xr, zr);
      zi = hn::MulAdd(set(cb[ib]), xi, zi);
      a += N * k.s1;
      ac += N * k.s1;
      c -= N * k.s2;
      cc -= N * k.s2;
    }
  }

  void all_z() const
  {
    for (int e1 = 0; e1 < setup.n_chem; e1++)
      for (int e2 = 0; e2 < setup.n_chem; e2++) {
        T *const zr = z_real(e1, e2), *const zi = zr + N * t.n_z;
        for (int q = 0; q < t.n_z; q++) {
          V re, im;
          z_entry(t.z[q], e1, e2, re, im);
          store(re, zr, q);
          store(im, zi, q);
        }
      }
  }

  // sum over the independent half of weight * (p . Z)
  HWY_INLINE V half_dot(const T *pr, const T *pi, int j, const T *zr, const T *zi) const
  {
    V sum = hn::Zero(d);
    const T *const weight = &t.half_weight[t.block[j]];
    for (int i = 0; i < half_size(j); i++) {
      const V w = set(weight[i]);
      const V part = hn::MulAdd(load(pr, i), load(zr, i), hn::Mul(load(pi, i), load(zi, i)));
      sum = hn::MulAdd(w, part, sum);
    }
    return sum;
  }

  void all_b() const
  {
    std::size_t row = 0;
    for (int e1 = 0; e1 < setup.n_chem; e1++)
      for (int e2 = 0; e2 < setup.n_chem; e2++)
        for (int e3 = 0; e3 < setup.n_chem; e3++) {
          const T *const zr = z_real(e1, e2), *const zi = zr + N * t.n_z;
          const V self = self_product(e1, e2, e3);
          for (int k = 0; k < t.n_components(); k++, row++) {
            const auto &block = t.z_blocks[t.component_block[k]];
            const std::size_t u = (std::size_t) e3 * t.n_u + t.block[block.j];
            const V sum = half_dot(tr + N * u, ti + N * u, block.j, zr + N * block.first,
                                   zi + N * block.first);
            store(hn::NegMulAdd(self, set(setup.bzero[k]), sum), b.descriptor.data(), row);
          }
        }
  }

  HWY_INLINE V self_product(int e1, int e2, int e3) const
  {
    const T *const self = b.self.data();
    return hn::Mul(load(self, e1), hn::Mul(load(self, e2), load(self, e3)));
  }

  // weight of a Z block of elements (e1, e2) in Y of element e3
  HWY_INLINE V y_weight(const typename SnapTables<T>::ZBlock &block, int e1, int e2, int e3) const
  {
    const T *const beta = b.beta.data();
    if (setup.n_chem == 1) return hn::Mul(set(block.factor), load(beta, block.term[0].component));
    const int elem[3] = {e1, e2, e3}, n = setup.n_chem;
    V sum = hn::Zero(d);
    for (int m = 0; m < block.n_terms; m++) {
      const auto &term = block.term[m];
      const int triple = (elem[term.place[0]] * n + elem[term.place[1]]) * n + elem[term.place[2]];
      const std::size_t row = (std::size_t) triple * t.n_components() + term.component;
      sum = hn::MulAdd(set(term.factor), load(beta, row), sum);
    }
    return sum;
  }

  // Y = dE/dU from beta; `stored`: Z is at hand, else it is made here and not kept
  void all_y(bool stored) const
  {
    const std::size_t n_y = (std::size_t) t.n_u * setup.n_chem;
    std::fill(yr, yr + N * n_y, T(0));
    std::fill(yi, yi + N * n_y, T(0));
    for (int e1 = 0; e1 < setup.n_chem; e1++)
      for (int e2 = 0; e2 < setup.n_chem; e2++) {
        const T *const zr = z_real(e1, e2), *const zi = zr + N * t.n_z;
        for (const auto &block : t.z_blocks) {
          for (int q = block.first; q < block.last; q++) {
            V re, im;
            if (stored) {
              re = load(zr, q);
              im = load(zi, q);
            } else {
              z_entry(t.z[q], e1, e2, re, im);
            }
            for (int e3 = 0; e3 < setup.n_chem; e3++) {
              const V w = y_weight(block, e1, e2, e3);
              const std::size_t u = (std::size_t) e3 * t.n_u + t.z[q].u;
              store(hn::MulAdd(w, re, load(yr, u)), yr, u);
              store(hn::MulAdd(w, im, load(yi, u)), yi, u);
            }
          }
        }
      }
    for (int chem = 0; chem < setup.n_chem; chem++)
      for (int i = 0; i < t.n_u; i++) {
        const std::size_t u = (std::size_t) chem * t.n_u + i;
        const V w = set(t.half_weight[i]);
        store(hn::Mul(w, load(yr, u)), yr, u);
        store(hn::Mul(w, load(yi, u)), yi, u);
      }
  }

  // ---- forces ---------------------------------------------------------------------------------

  // gradient of sum(Y . U) of one neighbor by the adjoint of levels()
  void slot_gradient(int s) const
  {
    const T *const g = geometry(s);
    levels(g);
    const T *const wr = yr + N * t.n_u * b.slot_chem[s], *const wi = yi + (wr - yr);
    const V ar = load(g, AR), ai = load(g, AI), br = load(g, BR), bi = load(g, BI);
    V sum = hn::Zero(d), gar = sum, gai = sum, gbr = sum, gbi = sum;

    const int top = t.twojmax, top_end = t.block[top] + half_size(top);
    for (int i = t.block[top]; i < top_end; i++) {
      const V y1 = load(wr, i), y2 = load(wi, i);
      store(y1, vr, i);
      store(y2, vi, i);
      sum = hn::MulAdd(y1, load(ur, i), hn::MulAdd(y2, load(ui, i), sum));
    }
    for (int j = top; j >= 1; j--) {
      const int below = t.block[j - 1], rows = (j - 1) / 2 + 1;
      for (int mb = 0; 2 * mb <= j; mb++) {
        const std::size_t at = below + j * mb, from = t.block[j] + (j + 1) * mb;
        const bool mirrored = mb >= rows;    // the extra row, a copy of the one before it
        for (int ma = 0; ma < j; ma++) {
          const V p = load(ur, at + ma), q = load(ui, at + ma);
          const V r1 = set(t.ratio(j - ma, j - mb)), r2 = set(-t.ratio(ma + 1, j - mb));
          const V g1r = hn::Mul(r1, load(vr, from + ma)), g1i = hn::Mul(r1, load(vi, from + ma));
          const V g2r = hn::Mul(r2, load(vr, from + ma + 1));
          const V g2i = hn::Mul(r2, load(vi, from + ma + 1));
          gar = hn::MulAdd(g1r, p, hn::MulAdd(g1i, q, gar));
          gai = hn::MulAdd(g1r, q, hn::NegMulAdd(g1i, p, gai));
          gbr = hn::MulAdd(g2r, p, hn::MulAdd(g2i, q, gbr));
          gbi = hn::MulAdd(g2r, q, hn::NegMulAdd(g2i, p, gbi));
          V xr = hn::MulAdd(ar, g1r, hn::NegMulAdd(ai, g1i, hn::Mul(br, g2r)));
          xr = hn::NegMulAdd(bi, g2i, xr);
          V xi = hn::MulAdd(ai, g1r, hn::MulAdd(ar, g1i, hn::Mul(bi, g2r)));
          xi = hn::MulAdd(br, g2i, xi);
          if (!mirrored) {
            const V y1 = load(wr, at + ma), y2 = load(wi, at + ma);
            sum = hn::MulAdd(y1, p, hn::MulAdd(y2, q, sum));
            xr = hn::Add(xr, y1);
            xi = hn::Add(xi, y2);
          }
          store(xr, vr, at + ma);
          store(xi, vi, at + ma);
        }
        if (mirrored) fold_row(j - 1, mb);
      }
    }
    finish_gradient(s, sum, gar, gai, gbr, gbi);
  }

  // adjoint of mirror_row: row mb gives its gradient to the row it was copied from
  HWY_INLINE void fold_row(int j, int mb) const
  {
    const std::size_t from = t.block[j] + (j + 1) * mb, to = t.block[j] + (j + 1) * (j - mb);
    for (int ma = 0; ma <= j; ma++) {
      const V p = load(vr, from + ma), q = load(vi, from + ma);
      const V r = load(vr, to + j - ma), i = load(vi, to + j - ma);
      const bool odd = (j - ma + j - mb) % 2;
      store(odd ? hn::Sub(r, p) : hn::Add(r, p), vr, to + j - ma);
      store(odd ? hn::Add(i, q) : hn::Sub(i, q), vi, to + j - ma);
    }
  }

  // from the derivatives with respect to a and b to those along x, y and z
  HWY_INLINE void finish_gradient(int s, V sum, V gar, V gai, V gbr, V gbi) const
  {
    const T *const g = geometry(s);
    const V x = load(b.vector.data(), 3 * s), y = load(b.vector.data(), 3 * s + 1),
            z = load(b.vector.data(), 3 * s + 2);
    const V rinv = load(g, RINV), r0inv = load(g, R0INV);
    const V w = load(g, WEIGHT), dw = load(g, DWEIGHT);
    V other = hn::NegMulAdd(gai, z, hn::Mul(gbr, y));
    other = hn::NegMulAdd(gbi, x, other);
    const V radial =
        hn::Mul(rinv,
                hn::MulAdd(dw, sum,
                           hn::Mul(w, hn::MulAdd(gar, load(g, DAR),
                                                 hn::Mul(other, load(g, DR0INV))))));
    const V wr0 = hn::Mul(w, r0inv);
    store(hn::NegMulAdd(gbi, wr0, hn::Mul(radial, x)), b.gradient.data(), 3 * s);
    store(hn::MulAdd(gbr, wr0, hn::Mul(radial, y)), b.gradient.data(), 3 * s + 1);
    store(hn::NegMulAdd(gai, wr0, hn::Mul(radial, z)), b.gradient.data(), 3 * s + 2);
  }

  // ---- entries --------------------------------------------------------------------------------

  void values() const
  {
    total_u();
    all_z();
    all_b();
  }

  void energy(BlockEnergy<T> &function, bool want_descriptor) const
  {
    const bool direct = function.is_linear() && !want_descriptor;
    total_u();
    if (direct)
      vacuum_b();
    else {
      all_z();
      all_b();
    }
    function(N, b.element.data(), b.descriptor.data(), b.energy.data(), b.beta.data());
    all_y(!direct);
    if (direct) add_linear_energy();
    for (int s = 0; s < b.n_slots; s++) slot_gradient(s);
  }

  // descriptors that are left when the bispectrum itself is zero
  void vacuum_b() const
  {
    std::size_t row = 0;
    for (int e1 = 0; e1 < setup.n_chem; e1++)
      for (int e2 = 0; e2 < setup.n_chem; e2++)
        for (int e3 = 0; e3 < setup.n_chem; e3++) {
          const V self = self_product(e1, e2, e3);
          for (int k = 0; k < t.n_components(); k++, row++)
            store(hn::Neg(hn::Mul(self, set(setup.bzero[k]))), b.descriptor.data(), row);
        }
  }

  // B is of third degree in U, so that sum(beta B) = 1/3 sum(Y U)
  void add_linear_energy() const
  {
    const std::size_t n_y = (std::size_t) t.n_u * setup.n_chem;
    V sum = hn::Zero(d);
    for (std::size_t i = 0; i < n_y; i++)
      sum = hn::MulAdd(load(yr, i), load(tr, i), hn::MulAdd(load(yi, i), load(ti, i), sum));
    T *const out = b.energy.data();
    store(hn::MulAdd(set(T(1) / T(3)), sum, load(out, 0)), out, 0);
  }
};

// the dispatch tables want plain functions of their own for each type

void SnapWidthDouble(int *width) { *width = (int) Kernel<double>::N; }
void SnapWidthFloat(int *width) { *width = (int) Kernel<float>::N; }
void SnapValuesDouble(const SnapSetup<double> &s, SnapBlock<double> &b)
{
  Kernel<double>(s, b).values();
}
void SnapValuesFloat(const SnapSetup<float> &s, SnapBlock<float> &b)
{
  Kernel<float>(s, b).values();
}
void SnapDerivativeDouble(const SnapSetup<double> &s, SnapBlock<double> &b, int slot)
{
  Kernel<double>(s, b).slot_derivative(slot);
}
void SnapEnergyDouble(const SnapSetup<double> &s, SnapBlock<double> &b, BlockEnergy<double> &f,
                      bool want)
{
  Kernel<double>(s, b).energy(f, want);
}
void SnapEnergyFloat(const SnapSetup<float> &s, SnapBlock<float> &b, BlockEnergy<float> &f,
                     bool want)
{
  Kernel<float>(s, b).energy(f, want);
}

}    // namespace HWY_NAMESPACE
}    // namespace torchpot
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace torchpot {

HWY_EXPORT(SnapWidthDouble);
HWY_EXPORT(SnapWidthFloat);
HWY_EXPORT(SnapValuesDouble);
HWY_EXPORT(SnapValuesFloat);
HWY_EXPORT(SnapDerivativeDouble);
HWY_EXPORT(SnapEnergyDouble);
HWY_EXPORT(SnapEnergyFloat);

template <> int snap_block_width<double>()
{
  int width;
  HWY_DYNAMIC_DISPATCH(SnapWidthDouble)(&width);
  return width;
}

template <> int snap_block_width<float>()
{
  int width;
  HWY_DYNAMIC_DISPATCH(SnapWidthFloat)(&width);
  return width;
}

namespace {

// slots may have grown since the scratch was made
template <class T> void fit_geometry(SnapBlock<T> &b)
{
  const std::size_t size = (std::size_t) b.n_slots * N_GEOMETRY * b.width;
  if (b.geometry.size() < size) b.geometry.resize(size);
}

}    // namespace

template <class T> void snap_block_prepare(const SnapSetup<T> &setup, SnapBlock<T> &b)
{
  const std::size_t n = setup.n_chem, n_u = setup.tables.n_u, n_z = setup.tables.n_z;
  const std::size_t n_b = setup.n_descriptors(), width = snap_block_width<T>();
  b.width = (int) width;
  b.element.assign(width, 0);
  b.self.assign(n * width, T(0));
  b.u.assign(2 * n_u * width, T(0));
  b.u_total.assign(2 * n * n_u * width, T(0));
  b.y.assign(2 * n * n_u * width, T(0));
  b.adjoint.assign(2 * n_u * width, T(0));
  b.direction.assign(6 * n_u * width, T(0));
  b.product.assign(3 * n * n * setup.tables.z_blocks.size() * width, T(0));
  b.z.assign(2 * n * n * n_z * width, T(0));
  b.descriptor.assign(n_b * width, T(0));
  b.beta.assign(n_b * width, T(0));
  b.derivative.assign(3 * n_b * width, T(0));
  b.energy.assign(width, T(0));
}
template void snap_block_prepare(const SnapSetup<double> &, SnapBlock<double> &);
template void snap_block_prepare(const SnapSetup<float> &, SnapBlock<float> &);

template <> void snap_block_values(const SnapSetup<double> &setup, SnapBlock<double> &block)
{
  fit_geometry(block);
  HWY_DYNAMIC_DISPATCH(SnapValuesDouble)(setup, block);
}

template <> void snap_block_values(const SnapSetup<float> &setup, SnapBlock<float> &block)
{
  fit_geometry(block);
  HWY_DYNAMIC_DISPATCH(SnapValuesFloat)(setup, block);
}

template <>
void snap_block_derivative(const SnapSetup<double> &setup, SnapBlock<double> &block, int slot)
{
  HWY_DYNAMIC_DISPATCH(SnapDerivativeDouble)(setup, block, slot);
}

template <>
void snap_block_energy(const SnapSetup<double> &setup, SnapBlock<double> &block,
                       BlockEnergy<double> &function, bool want_descriptor)
{
  fit_geometry(block);
  HWY_DYNAMIC_DISPATCH(SnapEnergyDouble)(setup, block, function, want_descriptor);
}

template <>
void snap_block_energy(const SnapSetup<float> &setup, SnapBlock<float> &block,
                       BlockEnergy<float> &function, bool want_descriptor)
{
  fit_geometry(block);
  HWY_DYNAMIC_DISPATCH(SnapEnergyFloat)(setup, block, function, want_descriptor);
}

}    // namespace torchpot
#endif
