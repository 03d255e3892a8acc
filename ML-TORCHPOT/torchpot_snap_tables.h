// Index lists and coupling coefficients of the SNAP bispectrum, shared by all its kernels.
#ifndef TORCHPOT_SNAP_TABLES_H
#define TORCHPOT_SNAP_TABLES_H

#include <vector>

namespace torchpot {

/// Clebsch-Gordan coefficient of doubled angular momenta j1, j2, j and projections counted from 0
/// (m = 0 .. j), as in D. A. Varshalovich et al., Quantum Theory of Angular Momentum, 8.2.1(3).
double clebsch_gordan(int j1, int m1, int j2, int m2, int j);

/// Bispectrum components (j1 >= j2, j >= j1) in LAMMPS's order.
struct BispectrumIndex {
  int j1, j2, j;
};
std::vector<BispectrumIndex> bispectrum_indices(int twojmax);

/// All that the vectorized kernels need to know about the sums over angular momenta.
/// U matrices are stored level after level, u[block[j] + (j+1) mb + ma], both halves; only the
/// rows 2 mb <= j are independent. Z is stored for these rows alone.
template <class T> struct SnapTables {
  /// One element of Z(j1,j2,j): sum over ib, ia of cb[ib] ca[ia] u1[ia + s1 ib] u2[-ia - s2 ib].
  struct ZEntry {
    int u1, u2;    // first elements of u(j1) and u(j2)
    int s1, s2;    // steps of u1 and u2 per row
    int na, nb;    // lengths; nb of the folded sum where `folded`
    int nb_full;
    int ca, cb, cb_full;    // places in `coefficient`
    int u;                  // element of u(j) that this one couples to
  };
  /// Z(j1,j2,j) of chemical elements (elem1, elem2) enters Y = dE/dU of element elem3 with
  /// factor * beta of this component, whose elements (e1, e2, e3) are (elem1, elem2, elem3)
  /// taken in the order of `place`.
  struct ZTerm {
    int component;
    int place[3];
    T factor;
  };
  /// Several terms where momenta are equal: then more than one U matrix of a component, or of
  /// two chemically different components, meets the same Z.
  struct ZBlock {
    int first, last;    // range of ZEntry
    int j1, j2, j;
    int n_terms;
    ZTerm term[3];
    T factor;    // sum over the terms: without chemical elements they are of one component
  };

  SnapTables(int twojmax, bool bnorm);

  int twojmax, n_u, n_z;
  std::vector<int> block;                  // [twojmax + 1] first element of each level
  std::vector<T> root;                     // [(twojmax + 2)^2] sqrt(p/q) at p (twojmax + 2) + q
  std::vector<ZEntry> z;
  std::vector<ZBlock> z_blocks;            // in order of z
  std::vector<int> level_blocks;           // indices of z_blocks, those of one j together, the
                                           // last one repeated to fill up groups of four
  std::vector<int> level_first;            // [twojmax + 2] where those of each j begin
  std::vector<BispectrumIndex> component;
  std::vector<int> component_block;        // [n_components] its own Z block (j1, j2, j)
  std::vector<T> coefficient;
  std::vector<T> half_weight;              // [n_u] multiplicity of an element: 2, 1 or 0

  int n_components() const { return (int) component.size(); }
  T ratio(int p, int q) const { return root[p * (twojmax + 2) + q]; }
  /// Index of the block Z(j1,j2,j), j1 >= j2.
  int z_block(int j1, int j2, int j) const
  {
    return block_index[(j1 * (twojmax + 1) + j2) * (twojmax + 1) + j];
  }

 private:
  void add_block(int j1, int j2, int j, bool bnorm);
  void add_entry(int j1, int j2, int j, int ma, int mb, T norm);
  std::vector<int> block_index;
};

extern template struct SnapTables<double>;
extern template struct SnapTables<float>;

}    // namespace torchpot

#endif
