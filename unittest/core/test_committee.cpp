// Committees: the mean of models, with shared and with different descriptors.
#include "snap_fixture.h"
#include "torchpot_committee.h"
#include "torchpot_error.h"
#include "torchpot_evaluator.h"

#include <gtest/gtest.h>

using namespace torchpot;

namespace {

struct Result {
  std::vector<double> energy, gradient;
};

template <class Compute> Result result(const Neighborhoods &hoods, Compute compute)
{
  Result r;
  r.energy.resize(hoods.n_centers);
  r.gradient.resize(3 * hoods.n_pairs());
  compute(hoods, r.energy.data(), r.gradient.data());
  return r;
}

Result mean(Committee &c, const Neighborhoods &hoods)
{
  return result(hoods, [&](auto... a) { c.compute(a...); });
}

Result member(Committee &c, int m, const Neighborhoods &hoods)
{
  return result(hoods, [&](auto... a) { c.compute_member(m, a...); });
}

Model model(int seed, NetworkKind kind, int twojmax = 4)
{
  std::mt19937 generator(seed);
  std::uniform_real_distribution<double> uniform(-0.3, 0.3);
  Model m;
  m.elements = {"A", "B"};
  m.descriptor = snap_case(1);
  m.descriptor.chemflag = false;
  m.descriptor.twojmax = twojmax;
  m.cutoff = m.descriptor.cutoff(0, 0);
  NetworkParameters &p = m.network;
  p.kind = kind;
  p.element_mode = ElementMode::per_element;
  p.n_elements = 2;
  p.n_descriptors = m.descriptor.n_descriptors();
  if (kind == NetworkKind::mlp) {
    p.layer_sizes = {6, 1};
    p.activations = {Activation::tanh, Activation::linear};
  }
  p.energy_shift = {-1.0, -2.0};
  p.input_shift.assign(2 * p.n_descriptors, 1.0);
  p.input_scale.assign(2 * p.n_descriptors, 15.0);
  p.parameters.resize(2 * p.n_parameters());
  for (double &x : p.parameters) x = uniform(generator);
  return m;
}

void expect_near(const std::vector<double> &a, const std::vector<double> &b, double tolerance)
{
  ASSERT_EQ(a.size(), b.size());
  double largest = 0.0;
  for (double x : b) largest = std::max(largest, std::fabs(x));
  for (std::size_t k = 0; k < a.size(); k++) ASSERT_NEAR(a[k], b[k], tolerance * largest);
}

void expect_near(const Result &a, const Result &b, double tolerance)
{
  expect_near(a.energy, b.energy, tolerance);
  expect_near(a.gradient, b.gradient, tolerance);
}

const SnapCell CELL = snap_cell(21, 2, 4.6, 3);

}    // namespace

TEST(Committee, OneModelIsTheEvaluator)
{
  const Neighborhoods hoods = CELL.table.view();
  for (const NetworkKind kind : {NetworkKind::mlp, NetworkKind::linear, NetworkKind::quadratic}) {
    const Model m = model(1, kind);
    for (const Precision precision : {Precision::float64, Precision::float32}) {
      Evaluator evaluator(m, precision);
      Committee committee({m}, precision);
      const Result a = result(hoods, [&](auto... x) { evaluator.compute(x...); });
      expect_near(mean(committee, hoods), a, 0.0);
      expect_near(member(committee, 0, hoods), a, 0.0);
    }
  }
}

TEST(Committee, MeanOfModels)
{
  const Neighborhoods hoods = CELL.table.view();
  const std::vector<Model> models = {model(1, NetworkKind::mlp), model(2, NetworkKind::linear),
                                     model(3, NetworkKind::quadratic),
                                     model(4, NetworkKind::mlp, 3)};
  for (const Precision precision : {Precision::float64, Precision::float32}) {
    Committee committee(models, precision);
    EXPECT_EQ(committee.size(), 4);
    EXPECT_EQ(committee.n_evaluations(), 2);    // descriptors
    Result sum{std::vector<double>(hoods.n_centers), std::vector<double>(3 * hoods.n_pairs())};
    for (int m = 0; m < 4; m++) {
      const Result one = member(committee, m, hoods);
      Committee alone({models[m]}, precision);
      expect_near(one, mean(alone, hoods), 0.0);
      for (std::size_t k = 0; k < sum.energy.size(); k++) sum.energy[k] += one.energy[k] / 4;
      for (std::size_t k = 0; k < sum.gradient.size(); k++) sum.gradient[k] += one.gradient[k] / 4;
    }
    expect_near(mean(committee, hoods), sum, precision == Precision::float64 ? 1e-13 : 1e-5);
  }
}

TEST(Committee, LinearModelsShareThePassThatSkipsDescriptors)
{
  const Neighborhoods hoods = CELL.table.view();
  const std::vector<Model> models = {model(1, NetworkKind::linear), model(2, NetworkKind::linear)};
  Committee fast(models, Precision::float64), slow(models, Precision::float64, false);
  expect_near(mean(fast, hoods), mean(slow, hoods), 1e-12);
}

TEST(Committee, SlowTwin)
{
  const Neighborhoods hoods = CELL.table.view();
  const std::vector<Model> models = {model(1, NetworkKind::mlp, 3),
                                     model(2, NetworkKind::quadratic, 2)};
  Committee fast(models, Precision::float64), slow(models, Precision::float64, false);
  expect_near(mean(fast, hoods), mean(slow, hoods), 1e-12);
  expect_near(member(fast, 1, hoods), member(slow, 1, hoods), 1e-12);
}

TEST(Committee, NetworksFromElsewhere)
{
  const Neighborhoods hoods = CELL.table.view();
  const std::vector<Model> models = {model(1, NetworkKind::mlp), model(2, NetworkKind::mlp)};
  std::vector<BatchFunction> networks;
  std::vector<const double *> descriptors;
  for (const Model &m : models)
    networks.push_back([&m, &descriptors](int n, const int *element, const double *descriptor,
                                          double *energy, double *gradient) {
      const int k = m.network.n_descriptors;
      descriptors.push_back(descriptor);
      for (int i = 0; i < n; i++)
        energy[i] = network_reference(m.network, element[i], descriptor + i * k, gradient + i * k);
    });
  Committee own(models, Precision::float64), elsewhere(models, Precision::float64, true, networks);
  expect_near(mean(elsewhere, hoods), mean(own, hoods), 1e-12);
  ASSERT_EQ(descriptors.size(), 2u);
  EXPECT_EQ(descriptors[0], descriptors[1]);    // evaluated once, for all
  expect_near(member(elsewhere, 1, hoods), member(own, 1, hoods), 1e-12);
}

TEST(Committee, CutoffIsTheLargest)
{
  Model small = model(1, NetworkKind::mlp), large = model(2, NetworkKind::mlp);
  large.descriptor.rcutfac = 5.0;
  Committee committee({small, large}, Precision::float64);
  EXPECT_DOUBLE_EQ(committee.cutoff(0, 1), large.descriptor.cutoff(0, 1));
}

TEST(Committee, Errors)
{
  const auto message = [](const std::vector<Model> &models) -> std::string {
    try {
      Committee committee(models, Precision::float64);
      committee.compute_member(5, {}, nullptr, nullptr);
    } catch (const Error &error) {
      return error.what();
    }
    return "no error";
  };
  const Model a = model(1, NetworkKind::mlp);
  Model b = a;
  b.elements = {"B", "A"};
  EXPECT_NE(message({a, b}).find("the same elements; found: B A; wanted: A B"), std::string::npos);
  b = a;
  b.units = "real";
  EXPECT_NE(message({a, b}).find("the same units; found: real; wanted: metal"), std::string::npos);
  EXPECT_NE(message({}).find("at least one model"), std::string::npos);
  EXPECT_NE(message({a}).find("no such model in the committee; found: 6; wanted: 1 to 1"),
            std::string::npos);
}
