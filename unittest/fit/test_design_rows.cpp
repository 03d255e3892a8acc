// Rows of linear fits: hand-worked ones, and against the predictions of the model they stand for.
#include "design_rows.h"
#include "data_fixture.h"
#include "linear_solver.h"
#include "stress_fixture.h"
#include "stress_units.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace torchpot;
using namespace torchpot_test;

namespace {

LinearColumns columns_of(const Dataset &data, bool constant, bool quadratic)
{
  LinearColumns columns;
  columns.n_elements = (int) data.elements.size();
  columns.n_descriptors = data.n_descriptors;
  columns.constant = constant;
  columns.quadratic = quadratic;
  return columns;
}

std::vector<double> random_coefficients(const LinearColumns &columns)
{
  Random random(3, 8);
  std::vector<double> x(columns.count());
  for (double &v : x) v = centered(random, 1.0);
  return x;
}

/// Nothing yet, with one descriptor.
Dataset named_elements(const std::vector<std::string> &elements)
{
  Dataset data;
  data.elements = data.descriptor.elements = elements;
  data.descriptor.radelem.assign(elements.size(), 0.5);
  data.descriptor.welem.assign(elements.size(), 1.0);
  data.n_descriptors = 1;
  return data;
}

void drop_descriptors(Dataset &data)
{
  for (Configuration &c : data.configurations) {
    c.descriptor.edit().clear();
    c.derivative.edit().clear();
    c.row.edit().clear();
    c.column.edit().clear();
    c.strain_derivative.edit().clear();
    c.has_derivatives = false;
  }
}

/// Cells with descriptors, derivatives by strain too, and stresses in bar.
Dataset cells(int n)
{
  Dataset data = snap_dataset(n);
  const std::unique_ptr<Descriptor> descriptor = make_snap(data.descriptor);
  Random random(5, 5);
  for (Configuration &c : data.configurations) {
    c.has_stress = true;
    for (double &v : c.stress) v = centered(random, 1e5);
    c.energy_weight = 0.5 + random.uniform();
    c.force_weight = 0.5 + random.uniform();
    c.stress_weight = 1e-5 * (0.5 + random.uniform());
    compute_descriptors(c, *descriptor, true, true);
  }
  return data;
}

/// The sum of squares that the factor stands for, at x.
double loss_of(const std::vector<double> &factor, std::vector<double> x)
{
  x.push_back(-1.0);
  const std::size_t n = x.size();
  double sum = 0.0;
  for (std::size_t r = 0; r < n; r++) {
    double row = 0.0;
    for (std::size_t k = 0; k < n; k++) row += factor[k * n + r] * x[k];
    sum += row * row;
  }
  return sum;
}

}    // namespace

// two atoms, of A with B = 2 and of B with B = 3; one descriptor
TEST(DesignRows, WorkedByHand)
{
  Dataset data = named_elements({"A", "B"});
  data.units = "lj";    // stresses are energies per volume
  Configuration c;
  c.element = {0, 1};
  c.descriptor = {2.0, 3.0};
  c.row = {0, 0, 1, 1};
  c.column = {0, 1, 0, 1};
  c.derivative = {0.1, 0.2, 0.3, -0.1, -0.2, -0.3, 1.0, 2.0, 3.0, -1.0, -2.0, -3.0};
  c.strain_derivative = {1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60};
  c.has_derivatives = c.has_energy = c.has_forces = c.has_stress = true;
  for (int v = 0; v < 3; v++) c.cell.vectors[v][v] = 2.0;
  c.energy = 7.0;
  c.reference_energy = 1.0;
  c.force = {1, 2, 3, 4, 5, 6};
  for (int v = 0; v < 6; v++) c.stress[v] = 0.5 * v;
  data.configurations = {c};

  const LinearColumns columns = columns_of(data, true, true);
  ASSERT_EQ(columns.count(), 6u);    // of each element: constant, B, B^2 / 2
  const DesignRows rows(data, Settings(), columns, nullptr);
  ASSERT_EQ(rows.n_rows(), 13u);
  const auto expect_row = [&](std::size_t r, const std::vector<double> &wanted) {
    for (std::size_t k = 0; k < wanted.size(); k++)
      EXPECT_NEAR(rows.row(r)[k], wanted[k], 1e-14) << r << " " << k;
  };
  expect_row(0, {0.5, 1.0, 1.0, 0.5, 1.5, 2.25, 3.0});            // per atom
  expect_row(1, {0.0, 0.1, 0.2, 0.0, 1.0, 3.0, 1.0});             // x of atom 1
  expect_row(6, {0.0, -0.3, -0.6, 0.0, -3.0, -9.0, 6.0});         // z of atom 2
  expect_row(8, {0.0, -0.25, -0.5, 0.0, -2.5, -7.5, 0.5});        // yy, volume 8
  const Predictions p = rows.predict({1.0, 0.0, 0.0, 10.0, 0.0, 0.0});
  EXPECT_NEAR(p.energy[0], 11.0, 1e-14);
  EXPECT_NEAR(rows.predict({0, 1, 0, 0, 0, 0}).stress[1], -0.25, 1e-14);
}

// energies per atom weighted with eweight: loss (x - 2)^2 + 4 (2 x - 3)^2
TEST(DesignRows, WeightedLeastSquaresByHand)
{
  Dataset data = named_elements({"A"});
  Configuration one, two;
  one.element = {0};
  one.descriptor = {1.0};
  two.element = {0, 0};
  two.descriptor = {1.5, 2.5};
  one.has_energy = two.has_energy = true;
  one.energy = 2.0;
  two.energy = 6.0;
  two.energy_weight = 2.0;
  Configuration test = one;    // not trained on
  test.energy = 100.0;
  test.test = true;
  Configuration none = one;    // without a label
  none.has_energy = false;
  data.configurations = {one, two, test, none};
  DesignRows rows(data, Settings(), columns_of(data, false, false), nullptr);
  const LinearSolution s = solve_svd(1, rows.factor().data(), 1e-13);
  EXPECT_NEAR(s.x[0], 26.0 / 17.0, 1e-14);
  // ridge: (17 + alpha) x = 26
  EXPECT_NEAR(solve_ridge(1, rows.factor().data(), 9.0).x[0], 1.0, 1e-14);
}

TEST(DesignRows, AreThePredictionsOfTheModel)
{
  for (const bool constant : {false, true})
    for (const bool quadratic : {false, true}) {
      Dataset data = cells(5);
      const LinearColumns columns = columns_of(data, constant, quadratic);
      const std::vector<double> x = random_coefficients(columns);
      const NetworkParameters model = linear_model(columns, x);
      model.validate("model");
      const SampleSet samples(data, true, true, true);
      const Predictions wanted = predict(model, samples);
      drop_descriptors(data);
      const DesignRows rows(data, Settings(), columns, nullptr);
      const Predictions found = rows.predict(x);
      ASSERT_EQ(found.force.size(), wanted.force.size());
      ASSERT_EQ(found.stress.size(), wanted.stress.size());
      double force = 0.0, stress = 0.0;
      for (const double f : wanted.force) force = std::max(force, std::fabs(f));
      for (const double p : wanted.stress) stress = std::max(stress, std::fabs(p));
      for (std::size_t k = 0; k < wanted.energy.size(); k++)
        EXPECT_NEAR(found.energy[k], wanted.energy[k], 1e-11 * std::fabs(wanted.energy[k]));
      for (std::size_t k = 0; k < wanted.force.size(); k++)
        EXPECT_NEAR(found.force[k], wanted.force[k], 1e-12 * force);
      for (std::size_t k = 0; k < wanted.stress.size(); k++)
        EXPECT_NEAR(found.stress[k], wanted.stress[k], 1e-12 * stress);
      std::vector<double> back;
      ASSERT_TRUE(linear_coefficients(columns, model, back));
      EXPECT_EQ(back, x);
    }
}

TEST(DesignRows, StoredAndComputedDescriptorsGiveTheSame)
{
  Dataset stored = cells(4), computed = cells(4);
  drop_descriptors(computed);
  const LinearColumns columns = columns_of(stored, true, true);
  const DesignRows a(stored, Settings(), columns, nullptr);
  const DesignRows b(computed, Settings(), columns, nullptr);
  ASSERT_EQ(a.n_rows(), b.n_rows());
  for (std::size_t r = 0; r < a.n_rows(); r++)
    for (std::size_t k = 0; k <= columns.count(); k++)
      ASSERT_NEAR(a.row(r)[k], b.row(r)[k], 1e-12 * (1.0 + std::fabs(b.row(r)[k])));
  for (const Configuration &c : computed.configurations) EXPECT_TRUE(c.derivative.empty());
}

// the factor stands for the weighted sum of squares over energies per atom, forces and stresses
TEST(DesignRows, LossOfTheFactor)
{
  Dataset data = cells(9);
  data.configurations[1].has_energy = false;
  data.configurations[2].has_forces = false;
  data.configurations[4].has_stress = false;
  data.configurations[5].stress_weight = data.configurations[6].energy_weight = 0.0;
  const LinearColumns columns = columns_of(data, true, false);
  const std::vector<double> x = random_coefficients(columns);
  DesignRows rows(data, Settings(), columns, nullptr);
  const Predictions p = rows.predict(x);
  const double bar = shown_pressure("metal").factor;
  double loss = 0.0;
  std::size_t atom = 0;
  for (std::size_t m = 0; m < data.configurations.size(); m++) {
    const Configuration &c = data.configurations[m];
    const std::size_t n = 3 * c.element.size(), first = atom;
    atom += n;
    if (c.test) continue;
    if (c.has_energy)
      loss += std::pow(c.energy_weight * (p.energy[m] - c.energy) / c.n_atoms(), 2);
    for (std::size_t k = 0; k < n && c.has_forces; k++)
      loss += std::pow(c.force_weight * (p.force[first + k] - c.force[k]), 2);
    if (!c.has_stress) continue;
    // in this frame, as these cells have LAMMPS's form
    for (int v = 0; v < 6; v++)
      loss += std::pow(c.stress_weight * (p.stress[6 * m + v] / bar - c.stress[v]), 2);
  }
  EXPECT_NEAR(loss_of(rows.factor(), x), loss, 1e-11 * loss);
}

// stresses are fitted in the frame of LAMMPS's cell: turned data give the same fit
TEST(DesignRows, LossDoesNotDependOnTheFrame)
{
  Dataset data = cells(4), turned = cells(4);
  const double q[3][3] = {{2.0 / 3, -1.0 / 3, 2.0 / 3}, {2.0 / 3, 2.0 / 3, -1.0 / 3},
                          {-1.0 / 3, 2.0 / 3, 2.0 / 3}};
  const auto turn = [&](double *r) {
    const double old[3] = {r[0], r[1], r[2]};
    for (int a = 0; a < 3; a++) r[a] = q[a][0] * old[0] + q[a][1] * old[1] + q[a][2] * old[2];
  };
  constexpr int A[6] = {0, 1, 2, 0, 0, 1}, B[6] = {0, 1, 2, 1, 2, 2};
  for (Configuration &c : turned.configurations) {
    for (int v = 0; v < 3; v++) turn(c.cell.vectors[v]);
    for (int i = 0; i < c.n_atoms(); i++) {
      turn(&c.position[3 * i]);
      turn(&c.force[3 * i]);
    }
    double full[3][3], result[6];
    for (int v = 0; v < 6; v++) full[A[v]][B[v]] = full[B[v]][A[v]] = c.stress[v];
    for (int v = 0; v < 6; v++) {
      result[v] = 0.0;
      for (int a = 0; a < 3; a++)
        for (int b = 0; b < 3; b++) result[v] += q[A[v]][a] * full[a][b] * q[B[v]][b];
    }
    std::copy_n(result, 6, c.stress);
  }
  drop_descriptors(data);
  drop_descriptors(turned);
  const LinearColumns columns = columns_of(data, true, false);
  const std::vector<double> x = random_coefficients(columns);
  DesignRows a(data, Settings(), columns, nullptr), b(turned, Settings(), columns, nullptr);
  const double loss = loss_of(a.factor(), x);
  EXPECT_NEAR(loss_of(b.factor(), x), loss, 1e-11 * loss);
}

TEST(DesignRows, SameBitsWithAnyNumberOfThreadsAndInAFile)
{
  std::vector<double> first;
  const TemporaryFolder folder;
  for (const int threads : {1, 2, 5}) {
    Dataset data = cells(60);    // more rows than one chunk has
    drop_descriptors(data);
    Settings settings;
    settings.torchpot.threads = threads;
    settings.torchpot.cache = folder("cache");
    if (threads == 5) settings.torchpot.memory_limit = 1e-6;
    std::size_t calls = 0;
    DesignRows rows(data, settings, columns_of(data, true, false),
                    [&](std::size_t, std::size_t) { calls++; });
    if (threads == 1) EXPECT_EQ(calls, 60u);
    EXPECT_EQ(rows.is_mapped(), threads == 5);
    EXPECT_GT(rows.n_rows(), 1000u);
    const std::vector<double> factor = rows.factor();
    if (first.empty()) first = factor;
    EXPECT_EQ(factor, first) << threads;
  }
}

TEST(DesignRows, MemoryIsPredicted)
{
  Dataset data = cells(3);
  const LinearColumns columns = columns_of(data, true, false);
  const Prediction p = DesignRows::predict_memory(data, columns);
  const DesignRows rows(data, Settings(), columns, nullptr);
  EXPECT_EQ(p.n_rows, rows.n_rows());
  EXPECT_EQ(p.n_columns, columns.count());
  EXPECT_GE(p.bytes, 8 * p.n_rows * (p.n_columns + 1));
}

TEST(LinearColumns, OfTheInput)
{
  Dataset data;
  data.elements = {"A", "B"};
  data.descriptor.elements = data.elements;
  data.descriptor.twojmax = 2;
  data.n_descriptors = data.descriptor.n_descriptors();
  ASSERT_EQ(data.n_descriptors, 5);    // j1 j2 j: 000 101 112 202 222
  Settings s;
  s.torchpot.network = NetworkKind::linear;
  EXPECT_EQ(linear_columns(data, s).count(), 10u);    // bzeroflag 1: no constants
  data.descriptor.bzeroflag = false;
  EXPECT_EQ(linear_columns(data, s).count(), 12u);
  s.torchpot.network = NetworkKind::quadratic;
  EXPECT_EQ(linear_columns(data, s).count(), 42u);
  s.bispectrum.orders = {2, 2};
  EXPECT_TRUE(linear_columns(data, s).active.empty());
  s.bispectrum.orders = {2, 1};
  EXPECT_EQ(linear_columns(data, s).active,
            (std::vector<char>{1, 1, 1, 1, 1, 1, 1, 0, 0, 0}));
  data.n_descriptors = 200;
  expect_error([&] { linear_columns(data, s); },
               {"too many coefficients for the linear fit", "found: 40602", "at most 20000",
                "smaller twojmax"});
}

TEST(DesignRows, ElementsWithASmallerTwojmaxHaveFewerCoefficients)
{
  Dataset data = cells(6);
  for (const bool quadratic : {false, true}) {
    LinearColumns columns = columns_of(data, true, quadratic);
    const std::size_t n = data.n_descriptors;
    columns.active.assign(2 * n, 1);
    columns.active[n + 3] = 0;
    DesignRows rows(data, Settings(), columns, nullptr);
    const std::vector<double> x = solve_svd(columns.count(), rows.factor().data(), 1e-13).x;
    EXPECT_NE(x[1 + 3], 0.0);
    EXPECT_NEAR(x[columns.per_element() + 1 + 3], 0.0, 1e-14);
    std::size_t zeros = 0;
    for (std::size_t k = 0; k < columns.count(); k++) {
      double sum = 0.0;
      for (std::size_t r = 0; r < rows.n_rows(); r++) sum += std::fabs(rows.row(r)[k]);
      zeros += sum == 0.0;
    }
    EXPECT_EQ(zeros, quadratic ? 1 + n : 1);
  }
}

TEST(LinearModel, OnlyModelsOfTheseColumnsAreTakenApart)
{
  Dataset data = cells(1);
  const LinearColumns columns = columns_of(data, false, false);
  const NetworkParameters model = linear_model(columns, random_coefficients(columns));
  std::vector<double> x;
  EXPECT_TRUE(linear_coefficients(columns, model, x));
  EXPECT_FALSE(linear_coefficients(columns_of(data, false, true), model, x));
  const auto changed = [&](const std::function<void(NetworkParameters &)> &change) {
    NetworkParameters other = model;
    change(other);
    return linear_coefficients(columns, other, x);
  };
  EXPECT_FALSE(changed([](NetworkParameters &m) { m.element_mode = ElementMode::shared; }));
  EXPECT_FALSE(changed([](NetworkParameters &m) { m.output_scale = 2.0; }));
  EXPECT_FALSE(changed([](NetworkParameters &m) { m.input_shift[1] = 2.0; }));
  EXPECT_FALSE(changed([](NetworkParameters &m) { m.input_scale[1] = 2.0; }));
  EXPECT_FALSE(changed([](NetworkParameters &m) { m.energy_shift[1] = 2.0; }));
}

TEST(DesignRows, RefusesWhatCannotBeFitted)
{
  const auto rows = [](const std::function<void(Configuration &)> &change) {
    return [change] {
      Dataset data = cells(1);
      change(data.configurations[0]);
      DesignRows(data, Settings(), columns_of(data, true, false), nullptr);
    };
  };
  expect_error(rows([](Configuration &c) { c.has_derivatives = false; }),
               {"forces cannot be learned without the derivatives", "cell 0", "force = 0"});
  expect_error(rows([](Configuration &c) { c.energy = NAN; }),
               {"the energy is not a finite number", "cell 0"});
  expect_error(rows([](Configuration &c) { c.force[4] = INFINITY; }),
               {"a force is not a finite number"});
  expect_error(rows([](Configuration &c) { c.stress[4] = INFINITY; }),
               {"the stress is not a finite number"});
}

// a stored configuration without strain derivatives has no stress of the model
TEST(DesignRows, StressNeedsStoredDerivatives)
{
  Dataset data = cells(2);
  data.configurations[1].strain_derivative.edit().clear();
  const DesignRows rows(data, Settings(), columns_of(data, true, false), nullptr);
  EXPECT_EQ(rows.n_rows(), 2u * 13u + 6u);
  EXPECT_TRUE(data.configurations[0].has_stress);
  EXPECT_FALSE(data.configurations[1].has_stress);
}
