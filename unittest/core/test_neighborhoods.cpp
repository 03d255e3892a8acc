// The neighbor search against a brute-force sum over images, and its refusals.
#include "torchpot_error.h"
#include "torchpot_neighborhoods.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>

using namespace torchpot;

namespace {

struct Pair {
  int first, second;
  std::array<double, 3> r;
};

std::vector<Pair> brute_force(int n_centers, const std::vector<double> &x, const Cell &cell,
                              double cutoff, int n_images)
{
  std::vector<Pair> pairs;
  const int n = (int) x.size() / 3;
  int m[3];
  for (int k = 0; k < 3; k++) m[k] = cell.periodic[k] ? n_images : 0;
  for (int i = 0; i < n_centers; i++)
    for (int j = 0; j < n; j++)
      for (int a = -m[0]; a <= m[0]; a++)
        for (int b = -m[1]; b <= m[1]; b++)
          for (int c = -m[2]; c <= m[2]; c++) {
            if (i == j && !a && !b && !c) continue;
            std::array<double, 3> r;
            for (int d = 0; d < 3; d++)
              r[d] = x[3 * j + d] - x[3 * i + d] + a * cell.vectors[0][d] +
                  b * cell.vectors[1][d] + c * cell.vectors[2][d];
            if (r[0] * r[0] + r[1] * r[1] + r[2] * r[2] < cutoff * cutoff)
              pairs.push_back({i, j, r});
          }
  return pairs;
}

void expect_same(const NeighborTable &table, std::vector<Pair> expected)
{
  std::vector<Pair> found;
  for (std::size_t i = 0; i + 1 < table.first.size(); i++)
    for (std::size_t q = table.first[i]; q < table.first[i + 1]; q++)
      found.push_back({(int) i, table.neighbor[q],
                       {table.vector[3 * q], table.vector[3 * q + 1], table.vector[3 * q + 2]}});
  ASSERT_EQ(found.size(), expected.size());
  const auto key = [](const Pair &p) {
    return std::make_tuple(p.first, p.second, std::lround(p.r[0] * 1e6), std::lround(p.r[1] * 1e6),
                           std::lround(p.r[2] * 1e6));
  };
  const auto less = [&](const Pair &a, const Pair &b) { return key(a) < key(b); };
  EXPECT_TRUE(std::is_sorted(found.begin(), found.end(), [](const Pair &a, const Pair &b) {
    return std::make_pair(a.first, a.second) < std::make_pair(b.first, b.second);
  }));
  std::sort(found.begin(), found.end(), less);
  std::sort(expected.begin(), expected.end(), less);
  for (std::size_t q = 0; q < found.size(); q++) {
    ASSERT_EQ(found[q].first, expected[q].first);
    ASSERT_EQ(found[q].second, expected[q].second);
    for (int d = 0; d < 3; d++) ASSERT_NEAR(found[q].r[d], expected[q].r[d], 1e-12);
  }
}

std::vector<double> random_positions(int n, double spread, int seed)
{
  std::mt19937_64 generator(seed);
  std::uniform_real_distribution<double> uniform(-spread, spread);
  std::vector<double> x(3 * n);
  for (double &q : x) q = uniform(generator);
  return x;
}

Cell make_cell(std::array<double, 9> v, bool px, bool py, bool pz)
{
  Cell cell;
  for (int i = 0; i < 9; i++) cell.vectors[i / 3][i % 3] = v[i];
  cell.periodic[0] = px;
  cell.periodic[1] = py;
  cell.periodic[2] = pz;
  cell.origin[0] = -1.5;
  return cell;
}

}    // namespace

TEST(Neighborhoods, PeriodicTriclinicSmallCell)
{
  const Cell cell = make_cell({3.1, 0, 0, 1.2, 2.9, 0, -0.7, 0.4, 3.3}, true, true, true);
  const auto x = random_positions(3, 8.0, 1);
  const std::vector<int> element(3, 0);
  expect_same(find_neighbors(3, 3, x.data(), element.data(), cell, 5.0),
              brute_force(3, x, cell, 5.0, 12));
}

TEST(Neighborhoods, PeriodicLargeLeftHandedCell)
{
  const Cell cell = make_cell({0, 14, 0, 13, 0, 1, 0, 2, 15}, true, true, true);
  const auto x = random_positions(150, 10.0, 2);
  const std::vector<int> element(150, 0);
  expect_same(find_neighbors(150, 150, x.data(), element.data(), cell, 3.5),
              brute_force(150, x, cell, 3.5, 3));
}

TEST(Neighborhoods, SlabAndWireWithoutVectors)
{
  const auto x = random_positions(12, 3.0, 3);
  const std::vector<int> element(12, 0);
  const Cell slab = make_cell({4, 0, 0, 1, 5, 0, 0, 0, 0}, true, true, false);
  expect_same(find_neighbors(12, 12, x.data(), element.data(), slab, 4.0),
              brute_force(12, x, slab, 4.0, 6));
  const Cell wire = make_cell({0, 0, 0, 0, 3, 1, 0, 0, 0}, false, true, false);
  expect_same(find_neighbors(12, 12, x.data(), element.data(), wire, 4.0),
              brute_force(12, x, wire, 4.0, 6));
}

TEST(Neighborhoods, OpenClusterAndCentersOnly)
{
  const auto x = random_positions(60, 6.0, 4);
  std::vector<int> element(60);
  for (int i = 0; i < 60; i++) element[i] = i % 3;
  const Cell open = make_cell({0, 0, 0, 0, 0, 0, 0, 0, 0}, false, false, false);
  const NeighborTable table = find_neighbors(20, 60, x.data(), element.data(), open, 3.0);
  expect_same(table, brute_force(20, x, open, 3.0, 0));
  ASSERT_EQ(table.element.size(), 20u);
  for (std::size_t q = 0; q < table.neighbor.size(); q++)
    EXPECT_EQ(table.neighbor_element[q], element[table.neighbor[q]]);
}

TEST(Neighborhoods, NothingThere)
{
  Cell open;
  open.periodic[0] = open.periodic[1] = open.periodic[2] = false;
  EXPECT_EQ(find_neighbors(0, 0, nullptr, nullptr, open, 3.0).first.size(), 1u);
  const double x[3] = {1, 2, 3};
  const int element = 0;
  EXPECT_TRUE(find_neighbors(1, 1, x, &element, open, 3.0).neighbor.empty());
}

TEST(Neighborhoods, DistantAtomsNeedLittleMemory)
{
  const double x[6] = {0, 0, 0, 1e9, 1e9, 1e9};
  const int element[2] = {0, 0};
  Cell open;
  open.periodic[0] = open.periodic[1] = open.periodic[2] = false;
  EXPECT_TRUE(find_neighbors(2, 2, x, element, open, 1.0).neighbor.empty());
}

namespace {

std::string message_of(int n_centers, int n_atoms, const double *x, const Cell &cell, double cutoff)
{
  const std::vector<int> element(std::max(n_atoms, 1), 0);
  try {
    find_neighbors(n_centers, n_atoms, x, element.data(), cell, cutoff);
  } catch (const Error &error) {
    return error.what();
  }
  return "";
}

}    // namespace

TEST(Neighborhoods, Refusals)
{
  const double x[3] = {0, 0, 0}, bad[3] = {0, NAN, 0};
  const Cell flat = make_cell({1, 0, 0, 2, 0, 0, 0, 0, 1}, true, true, true);
  const Cell good = make_cell({4, 0, 0, 0, 4, 0, 0, 0, 4}, true, true, true);
  EXPECT_NE(message_of(1, 1, x, flat, 3.0).find("the cell has no volume"), std::string::npos);
  EXPECT_NE(message_of(1, 1, x, good, 0.0).find("needs a cutoff"), std::string::npos);
  EXPECT_NE(message_of(1, 1, x, good, NAN).find("needs a cutoff"), std::string::npos);
  EXPECT_NE(message_of(2, 1, x, good, 3.0).find("centers must be the first"), std::string::npos);
  EXPECT_NE(message_of(1, 1, bad, good, 3.0).find("atom index 0"), std::string::npos);
}
