// SNAP by its defining sums in complex arithmetic.
#include "torchpot_snap_reference.h"

#include "torchpot_snap_tables.h"

#include <array>
#include <cmath>
#include <complex>

namespace torchpot {

double snap_switch(const SnapParameters &p, double r, double cutoff, double &derivative)
{
  derivative = 0.0;
  if (!p.switchflag || r <= p.rmin0) return 1.0;
  if (r > cutoff) return 0.0;
  const double k = M_PI / (cutoff - p.rmin0);
  derivative = -0.5 * k * std::sin((r - p.rmin0) * k);
  return 0.5 * (std::cos((r - p.rmin0) * k) + 1.0);
}

double snap_switch_inner(double r, double sinner, double dinner, double &derivative)
{
  derivative = 0.0;
  if (r >= sinner + dinner) return 1.0;
  if (r <= sinner - dinner) return 0.0;
  const double k = 0.5 * M_PI / dinner, angle = 0.5 * M_PI + (r - sinner) * k;
  derivative = 0.5 * k * std::sin(angle);
  return 0.5 * (1.0 - std::cos(angle));
}

namespace {

using Complex = std::complex<double>;

/// A quantity with its derivatives along x, y and z.
struct Jet {
  Complex value;
  std::array<Complex, 3> d;
};

Jet operator*(const Jet &a, const Jet &b)
{
  Jet c{a.value * b.value, {}};
  for (int k = 0; k < 3; k++) c.d[k] = a.d[k] * b.value + a.value * b.d[k];
  return c;
}

Jet conj(const Jet &a)
{
  return {std::conj(a.value), {std::conj(a.d[0]), std::conj(a.d[1]), std::conj(a.d[2])}};
}

void add(Jet &a, const Jet &b, double factor)
{
  a.value += factor * b.value;
  for (int k = 0; k < 3; k++) a.d[k] += factor * b.d[k];
}

class SnapReference : public Descriptor {
 public:
  explicit SnapReference(const SnapParameters &parameters) :
      p(parameters), components(bispectrum_indices(p.twojmax)),
      n_chem(p.chemflag ? (int) p.elements.size() : 1)
  {
    n_u = 0;
    for (int j = 0; j <= p.twojmax; j++) {
      block.push_back(n_u);
      n_u += (j + 1) * (j + 1);
    }
    for (const BispectrumIndex &l : components) {
      coupling.emplace_back();
      for (int m1 = 0; m1 <= l.j1; m1++)
        for (int m2 = 0; m2 <= l.j2; m2++)
          coupling.back().push_back(clebsch_gordan(l.j1, m1, l.j2, m2, l.j));
    }
  }

  int n_elements() const override { return (int) p.elements.size(); }
  int n_descriptors() const override { return p.n_descriptors(); }
  double cutoff(int element1, int element2) const override { return p.cutoff(element1, element2); }

  void values(const Neighborhoods &hoods, double *value) override
  {
    for (int i = 0; i < hoods.n_centers; i++)
      bispectrum(hoods.element[i], total(hoods, i), value + (std::size_t) i * n_descriptors());
  }

  void derivatives(const Neighborhoods &hoods, double *value, double *derivative) override
  {
    const std::size_t n = n_descriptors();
    for (int i = 0; i < hoods.n_centers; i++) {
      const std::vector<Complex> u = total(hoods, i);
      bispectrum(hoods.element[i], u, value + i * n);
      for (std::size_t q = hoods.first[i]; q < hoods.first[i + 1]; q++)
        pair_derivative(hoods, i, q, u, derivative + 3 * n * (q - hoods.first[0]));
    }
  }

  void energies_and_gradients(const Neighborhoods &hoods, BlockEnergy<double> &function,
                              double *energy, double *pair_gradient, double *value) override
  {
    const std::size_t n = n_descriptors();
    std::vector<double> b((std::size_t) hoods.n_centers * n), beta(n);
    std::vector<double> db(3 * n * hoods.n_pairs());
    derivatives(hoods, b.data(), db.data());
    for (int i = 0; i < hoods.n_centers; i++) {
      function.next_centers(1, &i);
      function(1, hoods.element + i, &b[i * n], energy + i, beta.data());
      for (std::size_t q = hoods.first[i] - hoods.first[0]; q < hoods.first[i + 1] - hoods.first[0];
           q++)
        for (int c = 0; c < 3; c++) {
          double sum = 0.0;
          for (std::size_t k = 0; k < n; k++) sum += beta[k] * db[(q * n + k) * 3 + c];
          pair_gradient[3 * q + c] = sum;
        }
    }
    if (value) std::copy(b.begin(), b.end(), value);
  }

  void energies_and_gradients(const Neighborhoods &hoods, BlockEnergy<float> &function,
                              double *energy, double *pair_gradient, double *value) override
  {
    struct Widened : BlockEnergy<double> {
      BlockEnergy<float> &narrow;
      int n;
      std::vector<float> b, g;
      Widened(BlockEnergy<float> &f, int n) : narrow(f), n(n), b(n), g(n) {}
      void next_centers(int n_used, const int *center) override
      {
        narrow.next_centers(n_used, center);
      }
      void operator()(int, const int *element, const double *descriptor, double *e,
                      double *gradient) override
      {
        float single;
        std::copy(descriptor, descriptor + n, b.begin());
        narrow(1, element, b.data(), &single, g.data());
        *e = single;
        std::copy(g.begin(), g.end(), gradient);
      }
    } widened(function, n_descriptors());
    energies_and_gradients(hoods, widened, energy, pair_gradient, value);
  }

 private:
  // Wigner matrices of one neighbor times its weight and switching function, with derivatives
  // (Varshalovich et al. 4.8.2: level j from level j - 1)
  std::vector<Jet> neighbor_u(int center, int neighbor, const double *r, double wself) const
  {
    const double rc = cutoff(center, neighbor);
    const double length = std::sqrt(r[0] * r[0] + r[1] * r[1] + r[2] * r[2]);
    const double scale = p.rfac0 * M_PI / (rc - p.rmin0), theta = (length - p.rmin0) * scale;
    const double z0 = length * std::cos(theta) / std::sin(theta);
    const double dz0 = z0 / length - scale * length / (std::sin(theta) * std::sin(theta));
    const double inv = 1.0 / std::sqrt(length * length + z0 * z0);
    const double dinv = -inv * inv * inv * (length + z0 * dz0);

    // Cayley-Klein parameters a = (z0 - i z) / r0, b = (y - i x) / r0
    Jet a{Complex(z0, -r[2]) * inv, {}}, b{Complex(r[1], -r[0]) * inv, {}};
    for (int k = 0; k < 3; k++) {
      const double unit = r[k] / length;
      a.d[k] = (dz0 * inv * unit) + Complex(z0, -r[2]) * dinv * unit;
      b.d[k] = Complex(r[1], -r[0]) * dinv * unit;
    }
    a.d[2] += Complex(0, -inv);
    b.d[1] += inv;
    b.d[0] += Complex(0, -inv);

    std::vector<Jet> u(n_u);
    u[0].value = 1.0;
    for (int j = 1; j <= p.twojmax; j++) raise(u, j, conj(a), conj(b));

    double df, dinner = 0.0, inner = 1.0;
    const double f = snap_switch(p, length, rc, df);
    if (p.switchinnerflag)
      inner = snap_switch_inner(length, 0.5 * (p.sinnerelem[center] + p.sinnerelem[neighbor]),
                                0.5 * (p.dinnerelem[center] + p.dinnerelem[neighbor]), dinner);
    Jet weight{wself * f * inner, {}};
    for (int k = 0; k < 3; k++)
      weight.d[k] = wself * (df * inner + f * dinner) * r[k] / length;
    for (Jet &element : u) element = element * weight;
    return u;
  }

  void raise(std::vector<Jet> &u, int j, const Jet &a, const Jet &b) const
  {
    for (int mb = 0; 2 * mb <= j; mb++)
      for (int ma = 0; ma < j; ma++) {
        const Jet &below = u[block[j - 1] + j * mb + ma];
        add(u[block[j] + (j + 1) * mb + ma], a * below, std::sqrt((j - ma) / (double) (j - mb)));
        add(u[block[j] + (j + 1) * mb + ma + 1], b * below,
            -std::sqrt((ma + 1) / (double) (j - mb)));
      }
    // u(j - ma, j - mb) = (-1)^(ma - mb) conj u(ma, mb)
    for (int mb = 0; 2 * mb <= j; mb++)
      for (int ma = 0; ma <= j; ma++) {
        Jet mirror{};
        add(mirror, conj(u[block[j] + (j + 1) * mb + ma]), (ma + mb) % 2 ? -1.0 : 1.0);
        u[block[j] + (j + 1) * (j - mb) + (j - ma)] = mirror;
      }
  }

  bool inside(const Neighborhoods &hoods, int i, std::size_t q) const
  {
    const double *r = hoods.vector + 3 * (q - hoods.first[0]);
    const double rc = cutoff(hoods.element[i], hoods.neighbor_element[q - hoods.first[0]]);
    const double rsq = r[0] * r[0] + r[1] * r[1] + r[2] * r[2];
    return rsq < rc * rc && rsq > 1e-20;
  }

  std::vector<Complex> total(const Neighborhoods &hoods, int i) const
  {
    std::vector<Complex> u((std::size_t) n_chem * n_u, 0.0);
    for (int e = 0; e < n_chem; e++)
      if (n_chem == 1 || e == hoods.element[i] || p.wselfallflag)
        for (int j = 0; j <= p.twojmax; j++)
          for (int m = 0; m <= j; m++) u[e * n_u + block[j] + (j + 2) * m] = 1.0;
    for (std::size_t q = hoods.first[i]; q < hoods.first[i + 1]; q++) {
      if (!inside(hoods, i, q)) continue;
      const std::size_t row = q - hoods.first[0];
      const int e = hoods.neighbor_element[row];
      const auto un = neighbor_u(hoods.element[i], e, hoods.vector + 3 * row, p.welem[e]);
      for (int m = 0; m < n_u; m++) u[(n_chem == 1 ? 0 : e) * n_u + m] += un[m].value;
    }
    return u;
  }

  // sum over all ma, mb of conj(u3(j)) C C u1(j1) u2(j2), for numbers or jets
  template <class V> V coupled(std::size_t k, const V *u1, const V *u2, const V *u3) const
  {
    const BispectrumIndex &l = components[k];
    const std::vector<double> &cg = coupling[k];
    V sum{};
    for (int mb1 = 0; mb1 <= l.j1; mb1++)
      for (int mb2 = 0; mb2 <= l.j2; mb2++) {
        const int mb = mb1 + mb2 - (l.j1 + l.j2 - l.j) / 2;
        if (mb < 0 || mb > l.j) continue;
        const double cb = cg[mb1 * (l.j2 + 1) + mb2];
        for (int ma1 = 0; ma1 <= l.j1; ma1++)
          for (int ma2 = 0; ma2 <= l.j2; ma2++) {
            const int ma = ma1 + ma2 - (l.j1 + l.j2 - l.j) / 2;
            if (ma < 0 || ma > l.j) continue;
            const double c = cb * cg[ma1 * (l.j2 + 1) + ma2];
            add_to(sum,
                   conj(u3[block[l.j] + (l.j + 1) * mb + ma]) *
                       u1[block[l.j1] + (l.j1 + 1) * mb1 + ma1] *
                       u2[block[l.j2] + (l.j2 + 1) * mb2 + ma2],
                   c);
          }
      }
    return sum;
  }
  static void add_to(Complex &a, const Complex &b, double c) { a += c * b; }
  static void add_to(Jet &a, const Jet &b, double c) { add(a, b, c); }

  void bispectrum(int center, const std::vector<Complex> &u, double *value) const
  {
    int k = 0;
    for (int e1 = 0; e1 < n_chem; e1++)
      for (int e2 = 0; e2 < n_chem; e2++)
        for (int e3 = 0; e3 < n_chem; e3++)
          for (std::size_t m = 0; m < components.size(); m++) {
            const BispectrumIndex &l = components[m];
            const double norm = p.bnormflag ? 1.0 / (l.j + 1) : 1.0;
            value[k] = norm * coupled(m, &u[e1 * n_u], &u[e2 * n_u], &u[e3 * n_u]).real();
            const bool self = n_chem == 1 || p.wselfallflag ||
                (e1 == center && e2 == center && e3 == center);
            if (p.bzeroflag && self) value[k] -= p.bnormflag ? 1.0 : l.j + 1.0;
            k++;
          }
  }

  void pair_derivative(const Neighborhoods &hoods, int i, std::size_t q,
                       const std::vector<Complex> &u, double *derivative) const
  {
    const int n = n_descriptors();
    std::fill(derivative, derivative + 3 * n, 0.0);
    if (!inside(hoods, i, q)) return;
    const std::size_t row = q - hoods.first[0];
    const int e = hoods.neighbor_element[row];
    const auto un = neighbor_u(hoods.element[i], e, hoods.vector + 3 * row, p.welem[e]);
    // the totals as jets: this neighbor alone moves
    std::vector<Jet> jets(u.size());
    for (std::size_t m = 0; m < u.size(); m++) jets[m].value = u[m];
    for (int m = 0; m < n_u; m++) jets[(n_chem == 1 ? 0 : e) * n_u + m].d = un[m].d;
    int k = 0;
    for (int e1 = 0; e1 < n_chem; e1++)
      for (int e2 = 0; e2 < n_chem; e2++)
        for (int e3 = 0; e3 < n_chem; e3++)
          for (std::size_t m = 0; m < components.size(); m++) {
            const double norm = p.bnormflag ? 1.0 / (components[m].j + 1) : 1.0;
            const Jet b = coupled(m, &jets[e1 * n_u], &jets[e2 * n_u], &jets[e3 * n_u]);
            for (int c = 0; c < 3; c++) derivative[3 * k + c] = norm * b.d[c].real();
            k++;
          }
  }

  const SnapParameters p;
  const std::vector<BispectrumIndex> components;
  const int n_chem;
  int n_u;
  std::vector<int> block;
  std::vector<std::vector<double>> coupling;    // per component, [j1 + 1][j2 + 1]
};

}    // namespace

std::unique_ptr<Descriptor> make_snap_reference(const SnapParameters &parameters)
{
  parameters.validate("SNAP descriptor");
  return std::make_unique<SnapReference>(parameters);
}

}    // namespace torchpot
