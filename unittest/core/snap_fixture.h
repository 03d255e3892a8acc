// Random cells and SNAP parameters that tests share.
#ifndef TORCHPOT_SNAP_FIXTURE_H
#define TORCHPOT_SNAP_FIXTURE_H

#include "torchpot_descriptor.h"

#include <algorithm>
#include <cmath>
#include <random>

namespace torchpot {

/// Every flag occurs on and off, with one and with two elements, over 48 cases.
inline SnapParameters snap_case(int number)
{
  SnapParameters p;
  p.twojmax = 2 + number % 7;
  const int n = 1 + number % 2;
  p.elements = {"A"};
  p.radelem = {0.5};
  p.welem = {1.0};
  if (n == 2) {
    p.elements = {"A", "B"};
    p.radelem = {0.5, 0.42};
    p.welem = {1.0, 0.7};
  }
  p.rcutfac = 4.6;
  p.chemflag = n == 2 && number % 3 != 0;
  if (p.chemflag) p.twojmax = 2 + number % 4;    // the reference is slow
  p.bnormflag = number % 5 == 1 || number % 7 == 1;
  p.bzeroflag = number % 4 < 2;
  p.wselfallflag = number % 7 == 3 || number % 5 == 0;
  p.switchflag = number % 6 != 5;
  p.rmin0 = number % 4 == 2 ? 0.3 : 0.0;
  p.rfac0 = number % 9 == 4 ? 0.9 : 0.99363;
  p.switchinnerflag = number % 3 == 1;
  p.sinnerelem.assign(n, 1.6);
  p.dinnerelem.assign(n, 0.6);
  if (n == 2) p.sinnerelem[1] = 1.4;
  return p;
}

struct SnapCell {
  std::vector<double> position;
  std::vector<int> element;
  Cell cell;
  NeighborTable table;
};

/// Triclinic cell with atoms no closer than `separation`, so that numbers stay of one size.
inline SnapCell snap_cell(int n_atoms, int n_elements, double cutoff, int seed,
                          double separation = 1.0)
{
  SnapCell s;
  std::mt19937_64 generator(seed);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  const double v[9] = {6.5, 0, 0, 1, 7, 0, -0.7, 0.5, 7.5};
  for (int i = 0; i < 9; i++) s.cell.vectors[i / 3][i % 3] = v[i];
  while ((int) s.element.size() < n_atoms) {
    const double f[3] = {uniform(generator), uniform(generator), uniform(generator)};
    double r[3] = {0, 0, 0};
    for (int k = 0; k < 3; k++)
      for (int c = 0; c < 3; c++) r[c] += f[k] * s.cell.vectors[k][c];
    s.position.insert(s.position.end(), r, r + 3);
    s.element.push_back((int) s.element.size() % n_elements);
    const NeighborTable close = find_neighbors((int) s.element.size(), (int) s.element.size(),
                                               s.position.data(), s.element.data(), s.cell,
                                               separation);
    if (!close.neighbor.empty()) {
      s.position.resize(s.position.size() - 3);
      s.element.pop_back();
    }
  }
  s.table = find_neighbors(n_atoms, n_atoms, s.position.data(), s.element.data(), s.cell, cutoff);
  return s;
}

/// Largest difference over the largest magnitude.
inline double relative_difference(const std::vector<double> &a, const std::vector<double> &b)
{
  double difference = 0.0, size = 1e-300;
  for (std::size_t i = 0; i < a.size(); i++) {
    difference = std::max(difference, std::fabs(a[i] - b[i]));
    size = std::max({size, std::fabs(a[i]), std::fabs(b[i])});
    if (std::isnan(a[i]) || std::isnan(b[i])) return INFINITY;
  }
  return difference / size;
}

/// E = sum of c_k B_k + 1/2 sum of q_k B_k^2, or the linear part alone.
template <class T> class PolynomialEnergy : public BlockEnergy<T> {
 public:
  PolynomialEnergy(int n, bool linear, int seed) : linear(linear), c(n), q(n)
  {
    std::mt19937_64 generator(seed);
    std::uniform_real_distribution<double> uniform(-0.5, 0.5);
    for (int k = 0; k < n; k++) {
      c[k] = uniform(generator);
      q[k] = linear ? 0.0 : 0.01 * uniform(generator);
    }
  }
  void operator()(int width, const int *, const T *b, T *energy, T *gradient) override
  {
    for (int lane = 0; lane < width; lane++) {
      energy[lane] = T(0);
      for (std::size_t k = 0; k < c.size(); k++) {
        const T x = b[k * width + lane];
        energy[lane] += T(c[k]) * x + T(0.5) * T(q[k]) * x * x;
        gradient[k * width + lane] = T(c[k]) + T(q[k]) * x;
      }
    }
  }
  bool is_linear() const override { return linear; }

 private:
  const bool linear;
  std::vector<double> c, q;
};

}    // namespace torchpot

#endif
