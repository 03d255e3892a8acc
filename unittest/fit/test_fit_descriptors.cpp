// Blocks of derivatives summed over images, against finite differences of the descriptors.
#include "descriptors.h"

#include "cell_fixture.h"
#include "data_fixture.h"
#include "parallel.h"
#include "samples.h"
#include "torchpot_error.h"

#include <atomic>
#include <numeric>

using namespace torchpot;

namespace {

std::vector<double> values(const Configuration &c, Descriptor &descriptor)
{
  Configuration copy = c;
  compute_descriptors(copy, descriptor, false);
  EXPECT_TRUE(copy.derivative.empty());
  return copy.descriptor;
}

/// d B(i) / d r_c(j), K values, from the blocks.
std::vector<double> from_blocks(const Configuration &c, int i, int j, int axis, int n)
{
  for (std::size_t b = 0; b < c.n_blocks(); b++)
    if (c.row[b] == i && c.column[b] == j) {
      const double *d = &c.derivative[(3 * b + axis) * n];
      std::vector<double> result(n);
      for (int k = 0; k < n; k++) result[k] = -d[k];
      return result;
    }
  return std::vector<double>(n, 0.0);
}

double largest(const std::vector<double> &list)
{
  double result = 0.0;
  for (const double x : list) result = std::max(result, std::fabs(x));
  return result;
}

void expect_blocks_match(const Configuration &c, Descriptor &descriptor)
{
  const int n = descriptor.n_descriptors(), n_atoms = c.n_atoms();
  const double h = 1e-5, scale = std::max(largest(c.derivative), largest(c.descriptor));
  for (int j = 0; j < n_atoms; j += std::max(1, n_atoms / 4))
    for (int axis = 0; axis < 3; axis++) {
      Configuration up = c, down = c;
      up.position[3 * j + axis] += h;
      down.position[3 * j + axis] -= h;
      const std::vector<double> high = values(up, descriptor), low = values(down, descriptor);
      for (int i = 0; i < n_atoms; i++) {
        const std::vector<double> d = from_blocks(c, i, j, axis, n);
        for (int k = 0; k < n; k++)
          ASSERT_NEAR(d[k], (high[i * n + k] - low[i * n + k]) / (2 * h), 1e-8 * scale)
              << "i " << i << " j " << j << " axis " << axis << " k " << k;
      }
    }
}

}    // namespace

TEST(FitDescriptors, BlocksEqualFiniteDifferences)
{
  for (const int side : {1, 2, 3}) {    // side 1: own images only; 2: several images per pair
    SCOPED_TRACE(side);
    const std::unique_ptr<Descriptor> snap = make_snap(two_element_snap());
    Configuration c = random_configuration(side, 11);
    compute_descriptors(c, *snap, true);
    EXPECT_EQ(c.descriptor, values(c, *snap));
    EXPECT_EQ(c.n_blocks() == 0, side == 1);
    expect_blocks_match(c, *snap);
  }
}

TEST(FitDescriptors, BlocksAreSortedCountedAndSumToZero)
{
  const std::unique_ptr<Descriptor> snap = make_snap(two_element_snap());
  Configuration c = random_configuration(3, 5);
  compute_descriptors(c, *snap, true);
  EXPECT_EQ(count_blocks(c, *snap), c.n_blocks());
  const std::size_t n = snap->n_descriptors();
  EXPECT_EQ(c.derivative.size(), 3 * n * c.n_blocks());
  EXPECT_EQ(c.derivative.edit().capacity(), c.derivative.size());
  for (std::size_t b = 1; b < c.n_blocks(); b++)
    EXPECT_LT(std::make_pair(c.row[b - 1], c.column[b - 1]),
              std::make_pair(c.row[b], c.column[b]));
  std::vector<double> sum(3 * n * c.n_atoms(), 0.0);
  for (std::size_t b = 0; b < c.n_blocks(); b++)
    for (std::size_t k = 0; k < 3 * n; k++)
      sum[3 * n * c.row[b] + k] += c.derivative[3 * n * b + k];
  EXPECT_LT(largest(sum), 1e-12 * largest(c.derivative));
  EXPECT_EQ(descriptor_bytes(c.n_atoms(), c.n_blocks(), (int) n),
            8 * (c.descriptor.size() + c.derivative.size()) + 4 * (c.row.size() + c.column.size()));
}

TEST(FitDescriptors, IsolatedAtomHasNoBlocks)
{
  const std::unique_ptr<Descriptor> snap = make_snap(two_element_snap());
  Configuration c = random_configuration(1, 1);
  for (int i = 0; i < 3; i++) c.cell.periodic[i] = false;
  compute_descriptors(c, *snap, true);
  EXPECT_EQ(c.n_blocks(), 0u);
  EXPECT_EQ(c.descriptor.size(), (std::size_t) snap->n_descriptors());
  // forces that are zero by symmetry are sound data, forces without derivatives are not
  c.force.assign(3, 0.0);
  c.has_forces = true;
  Dataset data;
  data.elements = {"A", "B"};
  data.n_descriptors = snap->n_descriptors();
  data.configurations = {c};
  EXPECT_NO_THROW(SampleSet(data, true, true));
  data.configurations[0].has_derivatives = false;
  EXPECT_THROW(SampleSet(data, true, true), Error);
}

TEST(FitDescriptors, StrainDerivativeEqualsFiniteDifferences)
{
  const std::unique_ptr<Descriptor> snap = make_snap(two_element_snap());
  for (const int side : {1, 2}) {
    Configuration c = random_configuration(side, 21);
    compute_descriptors(c, *snap, true, true);
    const std::size_t n = snap->n_descriptors();
    const int A[6] = {0, 1, 2, 0, 0, 1}, B[6] = {0, 1, 2, 1, 2, 2};
    const double h = 1e-5, scale = largest(c.strain_derivative);
    for (int v = 0; v < 6; v++) {
      const auto strained = [&](double e) {
        Configuration s = c;
        const auto strain = [&](double *x) {    // x_a += e x_b, half of it each way if a != b
          const double xa = x[A[v]], xb = x[B[v]];
          x[A[v]] += (A[v] == B[v] ? e : 0.5 * e) * xb;
          if (A[v] != B[v]) x[B[v]] += 0.5 * e * xa;
        };
        for (int i = 0; i < s.n_atoms(); i++) strain(&s.position[3 * i]);
        for (int i = 0; i < 3; i++) strain(s.cell.vectors[i]);
        return values(s, *snap);
      };
      const std::vector<double> high = strained(h), low = strained(-h);
      for (int i = 0; i < c.n_atoms(); i++)
        for (std::size_t k = 0; k < n; k++)
          ASSERT_NEAR(c.strain_derivative[(6 * i + v) * n + k],
                      (high[i * n + k] - low[i * n + k]) / (2 * h), 1e-8 * scale);
    }
  }
}

TEST(FitDescriptors, OrderOfPairsDoesNotMatter)
{
  const int first[] = {1, 0, 1, 0, 0}, second[] = {1, 1, 0, 2, 1};
  const double vector[15] = {};
  std::vector<double> d(5 * 3);    // one descriptor
  std::iota(d.begin(), d.end(), 1.0);
  Configuration c;
  append_blocks({5, first, second, vector, d.data()}, 1, false, c);
  EXPECT_EQ(c.row, (std::vector<int>{0, 0, 0, 1, 1}));
  EXPECT_EQ(c.column, (std::vector<int>{0, 1, 2, 0, 1}));
  // pairs 1 and 4 are images of one (0,1); pair 0 is an own image of atom 1
  EXPECT_EQ(c.derivative, (std::vector<double>{4 + 13 + 10, 5 + 14 + 11, 6 + 15 + 12, -17, -19, -21,
                                               -10, -11, -12, -7, -8, -9, 7, 8, 9}));
}

// part by part, as linear fits use them, the blocks are those of the whole
TEST(FitDescriptors, PartsAreTheWhole)
{
  SnapParameters parameters = two_element_snap();
  parameters.chemflag = true;
  parameters.twojmax = 8;    // 440 descriptors: a few atoms fill a part
  const std::unique_ptr<Descriptor> snap = make_snap(parameters);
  Configuration whole = random_configuration(3, 5), part = whole;
  compute_descriptors(whole, *snap, true, true);
  std::vector<int> row, column;
  std::vector<double> derivative;
  int n_parts = 0;
  compute_descriptors(part, *snap, true, true, [&] {
    n_parts++;
    row.insert(row.end(), part.row.begin(), part.row.end());
    column.insert(column.end(), part.column.begin(), part.column.end());
    derivative.insert(derivative.end(), part.derivative.begin(), part.derivative.end());
  });
  EXPECT_GT(n_parts, 1);
  EXPECT_EQ(row, (std::vector<int>) whole.row);
  EXPECT_EQ(column, (std::vector<int>) whole.column);
  ASSERT_EQ(derivative.size(), whole.derivative.size());
  const double scale = largest(whole.derivative), by_strain = largest(whole.strain_derivative);
  for (std::size_t k = 0; k < derivative.size(); k++)    // other blocks of SIMD lanes
    ASSERT_NEAR(derivative[k], whole.derivative[k], 1e-13 * scale);
  for (std::size_t k = 0; k < whole.strain_derivative.size(); k++)
    ASSERT_NEAR(part.strain_derivative[k], whole.strain_derivative[k], 1e-13 * by_strain);
  EXPECT_EQ(part.n_blocks(), 0u);
}

TEST(FitDescriptors, CellWithoutVolumeNamesTheConfiguration)
{
  const std::unique_ptr<Descriptor> snap = make_snap(two_element_snap());
  Configuration c = random_configuration(2, 3);
  for (int k = 0; k < 3; k++) c.cell.vectors[1][k] = c.cell.vectors[0][k];
  expect_error([&] { compute_descriptors(c, *snap, true); }, {"G/c3.json"});
}

TEST(Parallel, DoesEachItemOnceAndThrowsTheFirstError)
{
  std::vector<std::atomic<int>> count(100);
  parallel_for(100, 4, [&](int thread, std::size_t i) {
    EXPECT_LT(thread, 4);
    count[i]++;
  });
  for (const auto &n : count) EXPECT_EQ(n, 1);
  expect_error(
      [] {
        parallel_for(50, 3, [](int, std::size_t i) {
          if (i % 20 == 7) throw Error("item " + std::to_string(i));
        });
      },
      {"item 7"});
  parallel_for(0, 2, [](int, std::size_t) { FAIL(); });
  EXPECT_EQ(thread_count(3), 3);
  EXPECT_GE(thread_count(0), 1);
}
