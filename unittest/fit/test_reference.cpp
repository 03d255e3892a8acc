// The reference potential from LAMMPS: orientation, finite differences, small cells, errors.
#include "reference.h"

#include "cell_fixture.h"
#include "data_fixture.h"

using namespace torchpot;

namespace {

ReferenceSettings settings(std::vector<std::string> lines)
{
  ReferenceSettings s;
  s.lines = std::move(lines);
  s.is_zero = false;
  s.where = {"in.fit", 40};
  return s;
}

ReferenceSettings zbl()
{
  return settings({"pair_style hybrid/overlay zero 10.0 zbl 3.0 3.6", "pair_coeff * * zero",
                   "pair_coeff 1 1 zbl 73 73", "pair_coeff 1 2 zbl 73 14",
                   "pair_coeff 2 2 zbl 14 14"});
}

/// The configuration turned and, if det < 0, mirrored.
Configuration turned(const Configuration &c, const double r[3][3])
{
  Configuration t = c;
  for (int i = 0; i < c.n_atoms(); i++) rotate(r, &c.position[3 * i], &t.position[3 * i]);
  for (int i = 0; i < 3; i++) rotate(r, c.cell.vectors[i], t.cell.vectors[i]);
  return t;
}

// rows are orthonormal: a turn about (1,2,2)/3 and a mirror
constexpr double TURN[3][3] = {{1.0 / 3, 2.0 / 3, 2.0 / 3},
                               {2.0 / 3, 1.0 / 3, -2.0 / 3},
                               {-2.0 / 3, 2.0 / 3, -1.0 / 3}};
constexpr double MIRROR[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, -1}};

double largest(const std::vector<double> &list)
{
  double result = 0.0;
  for (const double x : list) result = std::max(result, std::fabs(x));
  return result;
}

double volume(const Cell &cell)
{
  const double(&a)[3][3] = cell.vectors;
  return std::fabs(a[0][0] * (a[1][1] * a[2][2] - a[1][2] * a[2][1]) +
                   a[0][1] * (a[1][2] * a[2][0] - a[1][0] * a[2][2]) +
                   a[0][2] * (a[1][0] * a[2][1] - a[1][1] * a[2][0]));
}

}    // namespace

TEST(Reference, TriangularCellKeepsLengthsAndAngles)
{
  for (const bool mirrored : {false, true}) {
    Configuration c = random_configuration(1, 1);
    c = turned(c, TURN);
    if (mirrored) c = turned(c, MIRROR);
    const TriangularCell t = triangular_cell(c.cell.vectors);
    for (int i = 0; i < 3; i++) {
      EXPECT_GT(t.box[i][i], 0.0);
      double x[3], back[3];
      rotate(t.rotation, c.cell.vectors[i], x);
      rotate_back(t.rotation, x, back);
      for (int k = 0; k < 3; k++) {
        EXPECT_NEAR(x[k], t.box[i][k], 1e-14);
        EXPECT_NEAR(back[k], c.cell.vectors[i][k], 1e-14);
      }
    }
  }
}

TEST(Reference, ResultsTurnWithTheConfiguration)
{
  ReferencePotential reference(zbl(), {"A", "B"});
  Configuration c = random_configuration(2, 4);
  reference.compute(c);
  ASSERT_GT(c.reference_energy, 1.0);
  const double scale = largest(c.reference_force);
  for (const auto &r : {TURN, MIRROR}) {
    Configuration t = turned(c, r);
    reference.compute(t);
    EXPECT_NEAR(t.reference_energy, c.reference_energy, 1e-11 * c.reference_energy);
    for (int i = 0; i < c.n_atoms(); i++) {
      double f[3];
      rotate_back(r, &t.reference_force[3 * i], f);
      for (int k = 0; k < 3; k++) EXPECT_NEAR(f[k], c.reference_force[3 * i + k], 1e-11 * scale);
    }
    double s[6];
    rotate_stress_back(r, t.reference_stress, s);
    for (int v = 0; v < 6; v++)
      EXPECT_NEAR(s[v], c.reference_stress[v], 1e-11 * std::fabs(c.reference_stress[0]));
  }
}

TEST(Reference, ForcesAndStressEqualFiniteDifferences)
{
  ReferencePotential reference(zbl(), {"A", "B"});
  Configuration c = turned(random_configuration(2, 9), TURN);
  reference.compute(c);
  const auto energy = [&](Configuration t) {
    reference.compute(t);
    return t.reference_energy;
  };
  const double h = 1e-5;
  for (std::size_t x = 0; x < 3 * 8; x += 5) {
    Configuration up = c, down = c;
    up.position[x] += h;
    down.position[x] -= h;
    EXPECT_NEAR(c.reference_force[x], -(energy(up) - energy(down)) / (2 * h),
                1e-7 * largest(c.reference_force));
  }
  const int A[6] = {0, 1, 2, 0, 0, 1}, B[6] = {0, 1, 2, 1, 2, 2};
  for (int v = 0; v < 6; v++) {
    const auto strained = [&](double e) {
      Configuration t = c;
      for (std::size_t i = 0; i < t.position.size(); i += 3)
        t.position[i + A[v]] += e * c.position[i + B[v]];
      for (int i = 0; i < 3; i++) t.cell.vectors[i][A[v]] += e * c.cell.vectors[i][B[v]];
      return t;
    };
    // eV/Angstrom^3 to bar
    const double expected = -1602176.6208 *
        (energy(strained(h)) - energy(strained(-h))) / (2 * h) / volume(c.cell);
    EXPECT_NEAR(c.reference_stress[v], expected, 1e-7 * std::fabs(c.reference_stress[0]));
  }
}

TEST(Reference, SmallCellEqualsItsSupercell)
{
  ReferencePotential reference(zbl(), {"A", "B"});
  Configuration small = random_configuration(1, 2), large = small;
  large.position.clear();
  large.element.clear();
  for (int n = 0; n < 8; n++) {
    for (int k = 0; k < 3; k++)
      large.position.push_back(small.position[k] + (n & 1) * small.cell.vectors[0][k] +
                               (n >> 1 & 1) * small.cell.vectors[1][k] +
                               (n >> 2) * small.cell.vectors[2][k]);
    large.element.push_back(small.element[0]);
  }
  for (auto &row : large.cell.vectors)
    for (double &x : row) x *= 2.0;
  reference.compute(large);
  reference.compute(small);
  EXPECT_GT(small.reference_energy, 0.0);
  EXPECT_NEAR(large.reference_energy, 8 * small.reference_energy, 1e-11 * large.reference_energy);
  for (int v = 0; v < 6; v++)
    EXPECT_NEAR(large.reference_stress[v], small.reference_stress[v],
                1e-11 * std::fabs(small.reference_stress[0]));
}

TEST(Reference, DirectionsWithoutPeriodHaveNoImages)
{
  ReferencePotential reference(zbl(), {"A", "B"});
  Configuration pair = random_configuration(1, 2);
  pair.element = {0, 1};
  pair.position = {0, 0, 0, 1.0, 1.0, 1.0};
  for (bool &periodic : pair.cell.periodic) periodic = false;
  Configuration wide = pair;
  for (bool &periodic : wide.cell.periodic) periodic = true;
  for (int i = 0; i < 3; i++)
    for (int k = 0; k < 3; k++) wide.cell.vectors[i][k] = i == k ? 30.0 : 0.0;
  reference.compute(pair);
  reference.compute(wide);
  EXPECT_GT(pair.reference_energy, 0.0);
  EXPECT_NEAR(pair.reference_energy, wide.reference_energy, 1e-11);
  for (int x = 0; x < 6; x++)
    EXPECT_NEAR(pair.reference_force[x], wide.reference_force[x], 1e-10);
}

TEST(Reference, NumbersDoNotDependOnWhatCameBefore)
{
  ReferencePotential reference(zbl(), {"A", "B"});
  Configuration a = random_configuration(2, 1), b = random_configuration(3, 2), again = a;
  reference.compute(a);
  reference.compute(b);
  reference.compute(again);
  EXPECT_EQ(a.reference_energy, again.reference_energy);
  EXPECT_EQ(a.reference_force, again.reference_force);
}

TEST(Reference, ErrorsNameTheCommand)
{
  const auto start = [](const std::vector<std::string> &lines) {
    return [lines] { ReferencePotential(settings(lines), {"A", "B"}); };
  };
  expect_error(start({"pair_style nonsense 1.0"}),
               {"in.fit:40: [REFERENCE]", "command: pair_style nonsense 1.0",
                "Unrecognized pair style"});
  expect_error(start({"pair_style zbl 3.0 3.6", "pair_coeff 1 1 73"}),
               {"command: pair_coeff 1 1 73"});
  expect_error(start({"pair_style zbl 3.0 3.6", "pair_coeff 1 1 73 73"}),
               {"All pair coeffs are not set"});
}

TEST(Reference, AtomsOnTopOfEachOther)
{
  ReferencePotential reference(zbl(), {"A", "B"});
  Configuration c = random_configuration(2, 1);
  for (int k = 0; k < 3; k++) c.position[3 + k] = c.position[k];
  expect_error([&] { reference.compute(c); }, {"G/c1.json", "no finite energy or force"});
}

TEST(Reference, VersionOfLammps) { EXPECT_GT(lammps_library_version(), 20200101); }
