// The same crystal in cells that are awkward: left-handed, strongly tilted, much smaller than the
// cutoff, with atoms far outside. Descriptors, forces and stress must be those of a plain cell.
#include "cell_fixture.h"
#include "descriptors.h"
#include "reference.h"

#include <gtest/gtest.h>

using namespace torchpot;

namespace {

constexpr double TURN[3][3] = {{1.0 / 3, 2.0 / 3, 2.0 / 3},
                               {2.0 / 3, 1.0 / 3, -2.0 / 3},
                               {-2.0 / 3, 2.0 / 3, -1.0 / 3}};

/// Cell vectors that are these integer combinations of the old ones: with determinant 1 or -1 the
/// same crystal.
Configuration recombined(const Configuration &c, const int m[3][3])
{
  Configuration r = c;
  for (int i = 0; i < 3; i++)
    for (int k = 0; k < 3; k++) {
      r.cell.vectors[i][k] = 0.0;
      for (int j = 0; j < 3; j++) r.cell.vectors[i][k] += m[i][j] * c.cell.vectors[j][k];
    }
  return r;
}

Configuration turned(const Configuration &c, const double r[3][3])
{
  Configuration t = c;
  for (int i = 0; i < c.n_atoms(); i++) rotate(r, &c.position[3 * i], &t.position[3 * i]);
  for (int i = 0; i < 3; i++) rotate(r, c.cell.vectors[i], t.cell.vectors[i]);
  return t;
}

/// Each atom moved by many cell vectors.
Configuration scattered(Configuration c)
{
  for (int i = 0; i < c.n_atoms(); i++)
    for (int j = 0; j < 3; j++) {
      const int shift = (i * 7 + j * 5) % 11 * 20 - 100;
      for (int k = 0; k < 3; k++) c.position[3 * i + k] += shift * c.cell.vectors[j][k];
    }
  return c;
}

class AwkwardCells : public testing::Test {
 protected:
  static ReferenceSettings settings()
  {
    ReferenceSettings s;
    s.lines = {"pair_style zbl 3.0 3.6", "pair_coeff 1 1 73 73", "pair_coeff 1 2 73 14",
               "pair_coeff 2 2 14 14"};
    s.is_zero = false;
    return s;
  }
  void complete(Configuration &c)
  {
    compute_descriptors(c, *descriptor, true, true);
    reference.compute(c);
  }

  /// Forces of a model whose energy is linear in the descriptors.
  std::vector<double> forces(const Configuration &c) const
  {
    const std::size_t n = descriptor->n_descriptors();
    std::vector<double> f(c.position.size(), 0.0);
    for (std::size_t b = 0; b < c.n_blocks(); b++)
      for (int a = 0; a < 3; a++)
        for (std::size_t k = 0; k < n; k++)
          f[3 * c.column[b] + a] += c.derivative[(3 * b + a) * n + k] / (1.0 + k);
    return f;
  }

  /// Everything of `other`, turned back by r if it is given, is that of `plain`.
  void expect_same(const Configuration &plain, Configuration other, const double (*r)[3] = nullptr)
  {
    complete(other);
    const auto near = [](const std::vector<double> &a, const std::vector<double> &b) {
      ASSERT_EQ(a.size(), b.size());
      double scale = 0.0;
      for (const double x : a) scale = std::max(scale, std::fabs(x));
      ASSERT_GT(scale, 0.0);
      for (std::size_t k = 0; k < a.size(); k++) ASSERT_NEAR(a[k], b[k], 1e-9 * scale) << k;
    };
    const auto back = [&](std::vector<double> f) {
      for (std::size_t i = 0; r && i < f.size(); i += 3) rotate_back(r, &f[i], &f[i]);
      return f;
    };
    near(plain.descriptor, other.descriptor);
    near(forces(plain), back(forces(other)));
    near(plain.reference_force, back(other.reference_force));
    near({plain.reference_energy}, {other.reference_energy});
    double stress[6];
    std::copy(other.reference_stress, other.reference_stress + 6, stress);
    if (r) rotate_stress_back(r, other.reference_stress, stress);
    near({plain.reference_stress, plain.reference_stress + 6}, {stress, stress + 6});
    if (!r) near(plain.strain_derivative, other.strain_derivative);
  }

  Configuration plain_configuration(int side)
  {
    Configuration c = random_configuration(side, 77);
    complete(c);
    return c;
  }

  std::unique_ptr<Descriptor> descriptor = make_snap(two_element_snap());
  ReferencePotential reference{settings(), {"A", "B"}};
};

constexpr int SWAPPED[3][3] = {{0, 1, 0}, {1, 0, 0}, {0, 0, 1}};
constexpr int INVERTED[3][3] = {{-1, 0, 0}, {0, -1, 0}, {0, 0, -1}};
constexpr int TILTED[3][3] = {{1, 0, 0}, {9, 1, 0}, {-7, 8, 1}};
constexpr int BOTH[3][3] = {{4, 1, 0}, {1, 0, 0}, {-7, 8, 1}};

}    // namespace

TEST_F(AwkwardCells, LeftHanded)
{
  const Configuration plain = plain_configuration(2);
  expect_same(plain, recombined(plain, SWAPPED));
  expect_same(plain, recombined(plain, INVERTED));
  expect_same(plain, turned(recombined(plain, SWAPPED), TURN), TURN);
}

TEST_F(AwkwardCells, StronglyTilted)
{
  const Configuration plain = plain_configuration(2);
  expect_same(plain, recombined(plain, TILTED));
  expect_same(plain, recombined(plain, BOTH));
  expect_same(plain, turned(recombined(plain, TILTED), TURN), TURN);
}

TEST_F(AwkwardCells, AtomsFarOutside)
{
  const Configuration plain = plain_configuration(2);
  expect_same(plain, scattered(plain));
  expect_same(plain, scattered(recombined(plain, BOTH)));
}

TEST_F(AwkwardCells, MuchSmallerThanTheCutoff)
{
  Configuration plain = random_configuration(1, 78);    // 2.6 wide, the cutoff is 4.6
  for (auto &vector : plain.cell.vectors)
    for (double &x : vector) x *= 0.75;
  plain.element.push_back(1);
  plain.position.insert(plain.position.end(), {1.0, 0.9, 1.1});
  complete(plain);
  expect_same(plain, recombined(plain, SWAPPED));
  expect_same(plain, recombined(plain, BOTH));
  expect_same(plain, scattered(plain));
}

TEST_F(AwkwardCells, SlabsAndMolecules)
{
  Configuration plain = random_configuration(2, 79);
  plain.cell.periodic[2] = false;
  complete(plain);
  Configuration bare = plain;    // the open direction needs no vector
  for (double &x : bare.cell.vectors[2]) x = 0.0;
  Configuration tilted = bare;
  for (int k = 0; k < 3; k++) tilted.cell.vectors[1][k] += 6 * tilted.cell.vectors[0][k];
  for (Configuration *other : {&bare, &tilted}) {
    complete(*other);
    EXPECT_NEAR(other->reference_energy, plain.reference_energy, 1e-9 * plain.reference_energy);
    for (std::size_t k = 0; k < plain.descriptor.size(); k++)
      ASSERT_NEAR(other->descriptor[k], plain.descriptor[k], 1e-9 * std::fabs(plain.descriptor[0]));
  }
  for (bool &periodic : plain.cell.periodic) periodic = false;
  complete(plain);
  for (auto &vector : bare.cell.vectors)
    for (double &x : vector) x = 0.0;
  for (bool &periodic : bare.cell.periodic) periodic = false;
  complete(bare);
  EXPECT_EQ(bare.descriptor, plain.descriptor);
  EXPECT_EQ(bare.reference_force, plain.reference_force);
}
