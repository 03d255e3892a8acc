// SNAP: the fast kernels of every SIMD target against the reference, and the reference against
// finite differences and against what is known of it.
#include "snap_fixture.h"
#include "torchpot_error.h"
#include "torchpot_snap_tables.h"

#include <gtest/gtest.h>

using namespace torchpot;

namespace {

constexpr int N_CASES = 48;

struct Results {
  std::vector<double> value, derivative, energy, gradient;
};

Results evaluate(Descriptor &snap, const SnapCell &s, bool linear)
{
  const Neighborhoods hoods = s.table.view();
  const std::size_t n = snap.n_descriptors(), pairs = hoods.n_pairs();
  Results r;
  r.value.resize(hoods.n_centers * n);
  r.derivative.resize(3 * n * pairs);
  r.energy.resize(hoods.n_centers);
  r.gradient.resize(3 * pairs);
  snap.derivatives(hoods, r.value.data(), r.derivative.data());
  PolynomialEnergy<double> function((int) n, linear, 7);
  snap.energies_and_gradients(hoods, function, r.energy.data(), r.gradient.data());
  return r;
}

class Targets : public ::testing::Test {
 protected:
  void TearDown() override { set_simd_target(""); }
};

// second derivatives jump where a pair enters a switching function: no place to take differences
bool has_pair_at_a_border(const SnapCell &s, const SnapParameters &p)
{
  for (std::size_t i = 0; i + 1 < s.table.first.size(); i++)
    for (std::size_t q = s.table.first[i]; q < s.table.first[i + 1]; q++) {
      const int a = s.table.element[i], b = s.table.neighbor_element[q];
      const double *v = &s.table.vector[3 * q];
      const double r = std::sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
      const double inner = 0.5 * (p.sinnerelem[a] + p.sinnerelem[b]);
      for (const double border : {p.cutoff(a, b), inner - 0.6, inner + 0.6})
        if (std::fabs(r - border) < 1e-3) return true;
    }
  return false;
}

double total_energy(Descriptor &snap, const SnapCell &s, BlockEnergy<double> &function)
{
  const NeighborTable table =
      find_neighbors((int) s.element.size(), (int) s.element.size(), s.position.data(),
                     s.element.data(), s.cell, snap.max_cutoff());
  std::vector<double> energy(s.element.size()), gradient(3 * table.neighbor.size());
  snap.energies_and_gradients(table.view(), function, energy.data(), gradient.data());
  double sum = 0.0;
  for (const double e : energy) sum += e;
  return sum;
}

}    // namespace

TEST_F(Targets, FastEqualsReference)
{
  for (int number = 0; number < N_CASES; number++) {
    const SnapParameters p = snap_case(number);
    const auto reference = make_snap(p, false);
    // neighbor counts differ between atoms, pairs reach beyond the cutoff
    const SnapCell s = snap_cell(9, (int) p.elements.size(), 5.0, number);
    for (const bool linear : {true, false}) {
      const Results expected = evaluate(*reference, s, linear);
      for (const std::string &target : simd_targets()) {
        set_simd_target(target);
        const auto fast = make_snap(p);
        const Results found = evaluate(*fast, s, linear);
        const std::string at = "case " + std::to_string(number) + " on " + target;
        EXPECT_LT(relative_difference(found.value, expected.value), 2e-13) << at;
        EXPECT_LT(relative_difference(found.derivative, expected.derivative), 2e-13) << at;
        EXPECT_LT(relative_difference(found.energy, expected.energy), 2e-13) << at;
        EXPECT_LT(relative_difference(found.gradient, expected.gradient), 2e-13) << at;
      }
    }
  }
}

TEST_F(Targets, SinglePrecision)
{
  for (int number = 0; number < N_CASES; number++) {
    const SnapParameters p = snap_case(number);
    const SnapCell s = snap_cell(11, (int) p.elements.size(), 5.0, number, 1.6);
    const auto fast = make_snap(p);
    const Results expected = evaluate(*fast, s, true);
    for (const std::string &target : simd_targets()) {
      set_simd_target(target);
      Results found = expected;
      PolynomialEnergy<float> function(fast->n_descriptors(), true, 7);
      make_snap(p)->energies_and_gradients(s.table.view(), function, found.energy.data(),
                                           found.gradient.data());
      EXPECT_LT(relative_difference(found.energy, expected.energy), 1e-5) << number << target;
      EXPECT_LT(relative_difference(found.gradient, expected.gradient), 1e-5) << number << target;
    }
    set_simd_target("");
  }
}

// lanes are independent and idle ones add exact zeros
TEST_F(Targets, PackingDoesNotChangeABit)
{
  const SnapParameters p = snap_case(10);
  const SnapCell s = snap_cell(11, 1, 5.0, 3);
  const auto snap = make_snap(p);
  const Results all = evaluate(*snap, s, false);
  const std::size_t n = snap->n_descriptors();
  for (int i = 0; i < 11; i++) {
    const Neighborhoods hoods = s.table.view();
    const std::size_t first = hoods.first[i];
    const Neighborhoods one = {1, hoods.element + i, hoods.first + i, hoods.vector + 3 * first,
                               hoods.neighbor_element + first};
    std::vector<double> value(n), derivative(3 * n * one.n_pairs());
    snap->derivatives(one, value.data(), derivative.data());
    for (std::size_t k = 0; k < n; k++) EXPECT_EQ(value[k], all.value[i * n + k]);
    for (std::size_t k = 0; k < derivative.size(); k++)
      EXPECT_EQ(derivative[k], all.derivative[3 * n * first + k]);
  }
}

TEST(Snap, ForcesAreDerivativesOfTheEnergy)
{
  for (int number = 0; number < N_CASES; number++) {
    const SnapParameters p = snap_case(number);
    if (!p.switchflag) continue;    // energy is not continuous then
    int seed = 100 + number;
    SnapCell s = snap_cell(7, (int) p.elements.size(), 5.0, seed, 1.3);
    while (has_pair_at_a_border(s, p))
      s = snap_cell(7, (int) p.elements.size(), 5.0, seed += 1000, 1.3);
    const auto snap = make_snap(p);
    PolynomialEnergy<double> function(snap->n_descriptors(), false, 5);
    const NeighborTable table = find_neighbors(7, 7, s.position.data(), s.element.data(), s.cell,
                                               snap->max_cutoff());
    std::vector<double> energy(7), pair_gradient(3 * table.neighbor.size()), gradient(21, 0.0);
    snap->energies_and_gradients(table.view(), function, energy.data(), pair_gradient.data());
    for (int i = 0; i < 7; i++)
      for (std::size_t q = table.first[i]; q < table.first[i + 1]; q++)
        for (int c = 0; c < 3; c++) {
          gradient[3 * table.neighbor[q] + c] += pair_gradient[3 * q + c];
          gradient[3 * i + c] -= pair_gradient[3 * q + c];
        }
    std::vector<double> difference(21);
    const double h = 1e-4;
    for (int m = 0; m < 21; m++) {
      const double x = s.position[m];
      double e[4];
      const double step[4] = {h, -h, 2 * h, -2 * h};
      for (int k = 0; k < 4; k++) {
        s.position[m] = x + step[k];
        e[k] = total_energy(*snap, s, function);
      }
      s.position[m] = x;
      difference[m] = (8 * (e[0] - e[1]) - (e[2] - e[3])) / (12 * h);
    }
    EXPECT_LT(relative_difference(gradient, difference), 1e-7) << "case " << number;
  }
}

TEST(Snap, DerivativesAreThoseOfTheValues)
{
  for (const int number : {3, 8, 19, 22}) {
    const SnapParameters p = snap_case(number);
    const auto snap = make_snap(p, false);
    const std::size_t n = snap->n_descriptors();
    const SnapCell s = snap_cell(5, (int) p.elements.size(), 4.5, number, 1.3);
    std::vector<double> value(5 * n), derivative(3 * n * s.table.neighbor.size());
    snap->derivatives(s.table.view(), value.data(), derivative.data());
    NeighborTable moved = s.table;
    std::vector<double> found(3 * n), expected(3 * n);
    for (std::size_t q = 0; q < s.table.neighbor.size(); q += 7) {
      const double rc = snap->max_cutoff(), *r = &s.table.vector[3 * q];
      if (std::sqrt(r[0] * r[0] + r[1] * r[1] + r[2] * r[2]) > 0.9 * rc) continue;
      int center = 0;
      while (s.table.first[center + 1] <= q) center++;
      for (int c = 0; c < 3; c++) {
        std::vector<double> b[2];
        for (int side = 0; side < 2; side++) {
          b[side].resize(5 * n);
          moved.vector[3 * q + c] = s.table.vector[3 * q + c] + (side ? -1e-5 : 1e-5);
          snap->values(moved.view(), b[side].data());
        }
        moved.vector[3 * q + c] = s.table.vector[3 * q + c];
        for (std::size_t k = 0; k < n; k++) {
          expected[3 * k + c] = derivative[3 * n * q + 3 * k + c];
          found[3 * k + c] = (b[0][center * n + k] - b[1][center * n + k]) / 2e-5;
        }
      }
      EXPECT_LT(relative_difference(found, expected), 1e-6) << number << " pair " << q;
    }
  }
}

TEST(Snap, LonelyAndCoincidentAtoms)
{
  SnapParameters p = snap_case(8);
  const auto snap = make_snap(p);
  const std::size_t n = snap->n_descriptors();
  const int element[3] = {0, 0, 0}, other[3] = {0, 0, 0};
  // no neighbor; one on top of the center; one exactly at the cutoff
  const std::size_t first[4] = {0, 0, 1, 2};
  const double r[6] = {0, 0, 0, p.cutoff(0, 0), 0, 0};
  const Neighborhoods hoods = {3, element, first, r, other};
  std::vector<double> value(3 * n), derivative(3 * n * 2), energy(3), gradient(6);
  snap->derivatives(hoods, value.data(), derivative.data());
  PolynomialEnergy<double> function((int) n, false, 7);
  snap->energies_and_gradients(hoods, function, energy.data(), gradient.data());
  for (const double b : derivative) EXPECT_EQ(b, 0.0);
  for (const double g : gradient) EXPECT_EQ(g, 0.0);
  ASSERT_TRUE(p.bzeroflag);
  for (std::size_t k = 0; k < 3 * n; k++) EXPECT_NEAR(value[k], 0.0, 1e-12);
  EXPECT_EQ(energy[0], energy[1]);
}

TEST(Snap, SmoothThroughTheCutoff)
{
  SnapParameters p = snap_case(8);
  const auto snap = make_snap(p);
  PolynomialEnergy<double> function(snap->n_descriptors(), false, 7);
  const int element[1] = {0}, other[2] = {0, 0};
  const std::size_t first[2] = {0, 2};
  double e[2], g[2][6];
  for (int side = 0; side < 2; side++) {
    const double r[6] = {2, 0.3, 0, 0, 0, p.cutoff(0, 0) + (side ? 1e-7 : -1e-7)};
    const Neighborhoods hoods = {1, element, first, r, other};
    snap->energies_and_gradients(hoods, function, &e[side], g[side]);
  }
  EXPECT_NEAR(e[0], e[1], 1e-10);
  for (int c = 0; c < 6; c++) EXPECT_NEAR(g[0][c], g[1][c], 1e-5);
}

TEST(Snap, CountsAndCouplingCoefficients)
{
  const int expected[] = {1, 2, 5, 8, 14, 20, 30, 40, 55};
  for (int j = 0; j <= 8; j++) EXPECT_EQ((int) bispectrum_indices(j).size(), expected[j]);
  // two spins 1/2 to the triplet and the singlet
  EXPECT_NEAR(clebsch_gordan(1, 1, 1, 1, 2), 1.0, 1e-15);
  EXPECT_NEAR(clebsch_gordan(1, 1, 1, 0, 2), std::sqrt(0.5), 1e-15);
  EXPECT_NEAR(clebsch_gordan(1, 1, 1, 0, 0), std::sqrt(0.5), 1e-15);
  EXPECT_NEAR(clebsch_gordan(1, 0, 1, 1, 0), -std::sqrt(0.5), 1e-15);
  EXPECT_EQ(clebsch_gordan(1, 1, 1, 1, 0), 0.0);
  SnapParameters p = snap_case(1);
  p.chemflag = true;
  EXPECT_EQ(p.n_descriptors(), (int) bispectrum_indices(p.twojmax).size() * 8);
}

namespace {

std::string refusal(const SnapParameters &p)
{
  try {
    make_snap(p);
  } catch (const Error &error) {
    return error.what();
  }
  return "";
}

}    // namespace

TEST(Snap, Refusals)
{
  const auto expect = [](const char *field, void (*spoil)(SnapParameters &)) {
    SnapParameters p = snap_case(1);
    p.switchinnerflag = true;
    spoil(p);
    EXPECT_NE(refusal(p).find(std::string("cannot use ") + field), std::string::npos)
        << field << ": " << refusal(p);
  };
  expect("elems", [](SnapParameters &p) { p.elements.clear(); });
  expect("elems", [](SnapParameters &p) { p.elements = {"A", "A"}; });
  expect("twojmax", [](SnapParameters &p) { p.twojmax = -1; });
  expect("twojmax", [](SnapParameters &p) { p.twojmax = 21; });
  expect("rcutfac", [](SnapParameters &p) { p.rcutfac = 0.0; });
  expect("rfac0", [](SnapParameters &p) { p.rfac0 = NAN; });
  expect("rfac0", [](SnapParameters &p) { p.rfac0 = 1.5; });
  expect("radelems", [](SnapParameters &p) { p.radelem.pop_back(); });
  expect("radelems", [](SnapParameters &p) { p.radelem[0] = -0.5; });
  expect("welems", [](SnapParameters &p) { p.welem.push_back(1.0); });
  expect("welems", [](SnapParameters &p) { p.welem[0] = INFINITY; });
  expect("rmin0", [](SnapParameters &p) { p.rmin0 = 10.0; });
  expect("sinnerelems", [](SnapParameters &p) { p.sinnerelem.clear(); });
  expect("dinnerelems", [](SnapParameters &p) { p.dinnerelem.clear(); });
  expect("sinnerelems", [](SnapParameters &p) { p.sinnerelem[0] = NAN; });
  expect("dinnerelems", [](SnapParameters &p) { p.dinnerelem[0] = 0.0; });
  EXPECT_THROW(set_simd_target("abacus"), Error);
}
