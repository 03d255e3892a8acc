// Index lists of the SNAP bispectrum.
#include "torchpot_snap_tables.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace torchpot {
namespace {

double factorial(int n)
{
  double product = 1.0;
  for (int i = 2; i <= n; i++) product *= i;
  return product;
}

}    // namespace

double clebsch_gordan(int j1, int m1, int j2, int m2, int j)
{
  const int a = 2 * m1 - j1, b = 2 * m2 - j2, c = a + b;
  if (c < -j || c > j) return 0.0;
  const int z_min = std::max({0, -(j - j2 + a) / 2, -(j - j1 - b) / 2});
  const int z_max = std::min({(j1 + j2 - j) / 2, (j1 - a) / 2, (j2 + b) / 2});
  double sum = 0.0;
  for (int z = z_min; z <= z_max; z++)
    sum += (z % 2 ? -1.0 : 1.0) /
        (factorial(z) * factorial((j1 + j2 - j) / 2 - z) * factorial((j1 - a) / 2 - z) *
         factorial((j2 + b) / 2 - z) * factorial((j - j2 + a) / 2 + z) *
         factorial((j - j1 - b) / 2 + z));
  const double delta =
      std::sqrt(factorial((j1 + j2 - j) / 2) * factorial((j1 - j2 + j) / 2) *
                factorial((-j1 + j2 + j) / 2) / factorial((j1 + j2 + j) / 2 + 1));
  const double norm = std::sqrt(factorial((j1 + a) / 2) * factorial((j1 - a) / 2) *
                                factorial((j2 + b) / 2) * factorial((j2 - b) / 2) *
                                factorial((j + c) / 2) * factorial((j - c) / 2) * (j + 1));
  return sum * delta * norm;
}

std::vector<BispectrumIndex> bispectrum_indices(int twojmax)
{
  std::vector<BispectrumIndex> list;
  for (int j1 = 0; j1 <= twojmax; j1++)
    for (int j2 = 0; j2 <= j1; j2++)
      for (int j = j1 - j2; j <= std::min(twojmax, j1 + j2); j += 2)
        if (j >= j1) list.push_back({j1, j2, j});
  return list;
}

template <class T> SnapTables<T>::SnapTables(int twojmax_in, bool bnorm) : twojmax(twojmax_in)
{
  const int n = twojmax + 1;
  n_u = 0;
  for (int j = 0; j <= twojmax; j++) {
    block.push_back(n_u);
    n_u += (j + 1) * (j + 1);
  }
  root.assign((twojmax + 2) * (twojmax + 2), T(0));
  for (int p = 1; p <= n; p++)
    for (int q = 1; q <= n; q++) root[p * (n + 1) + q] = std::sqrt((double) p / q);

  half_weight.assign(n_u, T(0));
  for (int j = 0; j <= twojmax; j++)
    for (int mb = 0; 2 * mb <= j; mb++)
      for (int ma = 0; ma <= j; ma++)
        half_weight[block[j] + (j + 1) * mb + ma] = 2 * mb < j ? 2 : ma < mb ? 2 : ma == mb;

  component = bispectrum_indices(twojmax);
  block_index.assign(n * n * n, -1);
  for (int j1 = 0; j1 <= twojmax; j1++)
    for (int j2 = 0; j2 <= j1; j2++)
      for (int j = j1 - j2; j <= std::min(twojmax, j1 + j2); j += 2) add_block(j1, j2, j, bnorm);
  n_z = (int) z.size();
  for (int j = 0; j <= twojmax; j++) {
    level_first.push_back((int) level_blocks.size());
    for (std::size_t i = 0; i < z_blocks.size(); i++)
      if (z_blocks[i].j == j) level_blocks.push_back((int) i);
    while (level_blocks.size() % 4) level_blocks.push_back(level_blocks.back());
  }
  level_first.push_back((int) level_blocks.size());
  for (const BispectrumIndex &b : component)
    component_block.push_back(z_block(b.j1, b.j2, b.j));
}

// B(l1,l2,l) = conj(U(l)) . Z(l1,l2,l) depends on three U matrices. By the symmetry of the coupling
// coefficients the derivatives with respect to the other two are (l+1)/(l1+1) Z(l,l2,l1) and
// (l+1)/(l2+1) Z(l,l1,l2), without the factors if B is normalized.
template <class T> void SnapTables<T>::add_block(int j1, int j2, int j, bool bnorm)
{
  ZBlock b;
  b.first = (int) z.size();
  b.j1 = j1;
  b.j2 = j2;
  b.j = j;
  b.n_terms = 0;
  b.factor = T(0);
  const T ratio = bnorm ? 1.0 : (j1 + 1) / (j + 1.0);
  const auto add = [&](int l1, int l2, int l, int p1, int p2, int p3, T factor) {
    int k = 0;
    while (component[k].j1 != l1 || component[k].j2 != l2 || component[k].j != l) k++;
    b.term[b.n_terms++] = {k, {p1, p2, p3}, factor};
    b.factor += factor;
  };
  if (j >= j1) add(j1, j2, j, 0, 1, 2, T(1));
  if (j <= j1 && j >= j2) add(j, j2, j1, 2, 1, 0, ratio);
  if (j <= j2) add(j2, j, j1, 1, 2, 0, ratio);

  const T norm = bnorm ? 1.0 / (j + 1) : 1.0;
  for (int mb = 0; 2 * mb <= j; mb++)
    for (int ma = 0; ma <= j; ma++) add_entry(j1, j2, j, ma, mb, norm);
  b.last = (int) z.size();
  block_index[(j1 * (twojmax + 1) + j2) * (twojmax + 1) + j] = (int) z_blocks.size();
  z_blocks.push_back(b);
}

template <class T>
void SnapTables<T>::add_entry(int j1, int j2, int j, int ma, int mb, T norm)
{
  const auto range = [&](int m, int &low, int &high, int &length) {
    low = std::max(0, (2 * m - j - j2 + j1) / 2);
    high = (2 * m - j - (2 * low - j1) + j2) / 2;
    length = std::min(j1, (2 * m - j + j2 + j1) / 2) - low + 1;
  };
  int a1, a2, b1, b2;
  ZEntry e;
  range(ma, a1, a2, e.na);
  range(mb, b1, b2, e.nb_full);
  e.u1 = block[j1] + (j1 + 1) * b1 + a1;
  e.u2 = block[j2] + (j2 + 1) * b2 + a2;
  e.s1 = j1 + 1;
  e.s2 = j2 + 1;
  e.u = block[j] + (j + 1) * mb + ma;

  e.ca = (int) coefficient.size();
  for (int i = 0; i < e.na; i++)
    coefficient.push_back(clebsch_gordan(j1, a1 + i, j2, a2 - i, j));
  e.cb_full = (int) coefficient.size();
  for (int i = 0; i < e.nb_full; i++)
    coefficient.push_back(norm * (T) clebsch_gordan(j1, b1 + i, j2, b2 - i, j));

  // with j1 = j2 and one U the rows ib and nb - 1 - ib are equal: add one, count it twice
  e.nb = e.nb_full;
  e.cb = e.cb_full;
  if (j1 == j2 && e.nb_full > 1) {
    e.nb = (e.nb_full + 1) / 2;
    e.cb = (int) coefficient.size();
    for (int i = 0; i < e.nb; i++) {
      const T c = coefficient[e.cb_full + i];
      coefficient.push_back(2 * i + 1 == e.nb_full ? c : 2 * c);
    }
  }
  z.push_back(e);
}

template struct SnapTables<double>;
template struct SnapTables<float>;

}    // namespace torchpot
