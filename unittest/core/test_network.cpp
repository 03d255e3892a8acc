// Energy functions: the SIMD blocks of every target against the reference, the reference against
// finite differences and known values, and every check of the parameters.
#include "network_fixture.h"
#include "torchpot_error.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace torchpot;

namespace {

class NetworkTargets : public ::testing::Test {
 protected:
  void TearDown() override { set_simd_target(""); }
};

std::string message_of(const NetworkParameters &p)
{
  try {
    p.validate("here");
  } catch (const Error &error) {
    return error.what();
  }
  return "";
}

/// Largest difference from the reference, over 1 + magnitude.
template <class T> double block_error(const NetworkParameters &p, int width, bool uniform)
{
  const int n = p.n_descriptors;
  const std::vector<double> b = random_numbers((std::size_t) n * width, 17, -2.0, 2.0);
  std::vector<int> element = mixed_elements(width, p.n_elements);
  if (uniform) element.assign(width, p.n_elements - 1);
  const std::vector<T> narrow(b.begin(), b.end());
  std::vector<T> energy(width), gradient(b.size());
  const auto block = make_block_energy<T>(p);
  (*block)(width, element.data(), narrow.data(), energy.data(), gradient.data());
  double error = 0.0;
  for (int lane = 0; lane < width; lane++) {
    std::vector<double> x(n), g(n);
    for (int k = 0; k < n; k++) x[k] = narrow[(std::size_t) k * width + lane];
    const double e = network_reference(p, element[lane], x.data(), g.data());
    error = std::max(error, std::fabs(energy[lane] - e) / (1.0 + std::fabs(e)));
    for (int k = 0; k < n; k++)
      error = std::max(error, std::fabs(gradient[(std::size_t) k * width + lane] - g[k]) /
                                  (1.0 + std::fabs(g[k])));
    EXPECT_FALSE(std::isnan(energy[lane]));
  }
  return error;
}

/// One neuron: E = s(x).
NetworkParameters neuron(Activation a)
{
  NetworkParameters p;
  p.n_descriptors = 1;
  p.layer_sizes = {1};
  p.activations = {a};
  p.energy_shift = {0.0};
  p.input_shift = {0.0};
  p.input_scale = {1.0};
  p.parameters = {1.0, 0.0};
  return p;
}

}    // namespace

TEST_F(NetworkTargets, BlocksEqualReference)
{
  for (const std::string &target : simd_targets()) {
    set_simd_target(target);
    for (const NetworkParameters &p : network_cases())
      for (const int width : {1, 2, 3, 4, 5, 8, 11, 16, 32, 37})
        for (const bool uniform : {true, false}) {
          EXPECT_LT(block_error<double>(p, width, uniform), 1e-13) << target << " " << width;
          EXPECT_LT(block_error<float>(p, width, uniform), 2e-5) << target << " " << width;
        }
  }
}

TEST_F(NetworkTargets, LanesDoNotMix)
{
  const NetworkParameters p =
      random_network(NetworkKind::mlp, ElementMode::per_element, Activation::softplus, 5, 2, {8});
  const auto block = make_block_energy<double>(p);
  const std::vector<double> one = random_numbers(5, 3, -1.0, 1.0);
  const auto energy_within = [&](int width, int lane, int others) {
    std::vector<double> b = random_numbers((std::size_t) 5 * width, width, -1.0, 1.0);
    std::vector<double> energy(width), gradient(5 * width);
    std::vector<int> element(width, others);
    element[lane] = 1;
    for (int k = 0; k < 5; k++) b[k * width + lane] = one[k];
    (*block)(width, element.data(), b.data(), energy.data(), gradient.data());
    return energy[lane];
  };
  for (const std::string &target : simd_targets()) {
    set_simd_target(target);
    const double alone = energy_within(1, 0, 1);
    for (const int width : {2, 7, 16})
      for (const int others : {0, 1}) EXPECT_EQ(energy_within(width, width / 2, others), alone);
  }
}

TEST_F(NetworkTargets, ActivationsAreAccurateEverywhere)
{
  std::vector<double> x = {0.0, -0.0, 1e-300, -1e-300, 1e-17, -1e-9, 3e-5, 700.0, -700.0, 1e5, -1e5};
  for (double r = -45.0; r <= 45.0; r += 0.0371) x.push_back(r);
  const int width = (int) x.size();
  const std::vector<int> element(width, 0);
  std::vector<double> energy(width), gradient(width);
  for (const std::string &target : simd_targets()) {
    set_simd_target(target);
    for (const Activation a : ALL_ACTIVATIONS) {
      const NetworkParameters p = neuron(a);
      (*make_block_energy<double>(p))(width, element.data(), x.data(), energy.data(),
                                      gradient.data());
      for (int i = 0; i < width; i++) {
        double g;
        const double e = network_reference(p, 0, &x[i], &g);
        // relative for values, because small outputs of one layer are inputs of the next; the
        // reference itself loses digits where it rounds the argument of erfc
        const double loss = a == Activation::gelu ? 1.0 + 0.02 * x[i] * x[i] : 1.0;
        EXPECT_NEAR(energy[i], e, 1e-14 * loss * std::fabs(e) + 1e-300)
            << to_string(a) << " " << x[i];
        EXPECT_NEAR(gradient[i], g, 1e-15) << to_string(a) << " " << x[i];
      }
    }
  }
}

TEST_F(NetworkTargets, NotANumberStaysNotANumber)
{
  const double x = NAN;
  const int element = 0;
  for (const std::string &target : simd_targets()) {
    set_simd_target(target);
    for (const Activation a : ALL_ACTIVATIONS) {
      double e = 0.0, g = 0.0;
      (*make_block_energy<double>(neuron(a)))(1, &element, &x, &e, &g);
      EXPECT_TRUE(std::isnan(e)) << to_string(a) << " " << target;
    }
  }
}

TEST(Network, KnownValuesOfActivations)
{
  const struct {
    Activation a;
    double x, y, dy;
  } known[] = {{Activation::linear, -0.3, -0.3, 1.0},
               {Activation::tanh, 0.5, 0.46211715726000975, 0.7864477329659274},
               {Activation::sigmoid, 0.5, 0.6224593312018546, 0.2350037122015945},
               {Activation::relu, -0.5, 0.0, 0.0},
               {Activation::relu, 0.5, 0.5, 1.0},
               {Activation::softplus, 0.0, 0.6931471805599453, 0.5},
               {Activation::silu, 1.0, 0.7310585786300049, 0.9276705118714866},
               {Activation::gelu, 1.0, 0.8413447460685429, 1.0833154705876864}};
  for (const auto &k : known) {
    double dy;
    EXPECT_NEAR(network_reference(neuron(k.a), 0, &k.x, &dy), k.y, 1e-15) << to_string(k.a);
    EXPECT_NEAR(dy, k.dy, 1e-15) << to_string(k.a);
  }
}

TEST(Network, KnownValueOfAQuadraticModel)
{
  NetworkParameters p = random_network(NetworkKind::quadratic, ElementMode::shared,
                                       Activation::linear, 2, 1, {});
  p.energy_shift = {10.0};
  p.output_scale = 2.0;
  p.input_shift = {1.0, 1.0};
  p.input_scale = {1.0, 0.5};
  p.parameters = {3.0, 5.0, 7.0, 11.0, 13.0};    // w0 w1 v00 v01 v11
  const double b[2] = {3.0, 2.5};                // x = (2, 3)
  double g[2];
  // 10 + 2 (3*2 + 5*3 + 7*4/2 + 11*6 + 13*9/2)
  EXPECT_DOUBLE_EQ(network_reference(p, 0, b, g), 10.0 + 2.0 * (6 + 15 + 14 + 66 + 58.5));
  EXPECT_DOUBLE_EQ(g[0], 2.0 * (3 + 7 * 2 + 11 * 3));
  EXPECT_DOUBLE_EQ(g[1], 2.0 * (5 + 11 * 2 + 13 * 3) / 0.5);
}

TEST(Network, GradientIsTheFiniteDifference)
{
  for (const NetworkParameters &p : network_cases())
    for (int element = 0; element < p.n_elements; element++) {
      std::vector<double> b = random_numbers(p.n_descriptors, 5, -1.0, 1.0), g(b.size());
      network_reference(p, element, b.data(), g.data());
      for (std::size_t k = 0; k < b.size(); k++) {
        const double at = b[k], h = 1e-5;
        b[k] = at + h;
        const double above = network_reference(p, element, b.data(), nullptr);
        b[k] = at - h;
        const double below = network_reference(p, element, b.data(), nullptr);
        b[k] = at;
        EXPECT_NEAR(g[k], (above - below) / (2.0 * h), 1e-8);
      }
    }
}

TEST(Network, OnlyLinearModelsAreLinear)
{
  for (const NetworkKind kind : ALL_KINDS) {
    const auto p = random_network(kind, ElementMode::shared, Activation::tanh, 2, 1, {});
    EXPECT_EQ(make_block_energy<double>(p)->is_linear(), kind == NetworkKind::linear);
  }
}

TEST(Network, ActivationNames)
{
  for (const Activation a : ALL_ACTIVATIONS) EXPECT_EQ(activation_from(to_string(a), "x"), a);
  try {
    activation_from("swish", "line 3");
    FAIL();
  } catch (const Error &error) {
    EXPECT_STREQ(error.what(), "line 3: unknown activation; found: swish; wanted: linear, tanh, "
                               "sigmoid, relu, softplus, silu, gelu");
  }
}

TEST(Network, WrongParametersAreRefused)
{
  const NetworkParameters good =
      random_network(NetworkKind::mlp, ElementMode::per_element, Activation::tanh, 2, 2, {3});
  EXPECT_EQ(message_of(good), "");
  const auto expect = [&](auto change, const std::string &message) {
    NetworkParameters p = good;
    change(p);
    EXPECT_EQ(message_of(p), "here, field " + message);
    EXPECT_THROW(make_block_energy<double>(p), Error);
  };
  using P = NetworkParameters;
  expect([](P &p) { p.n_elements = 0; },
         "n_elements: not a possible number; found: 0; wanted: 1 or more");
  expect([](P &p) { p.n_descriptors = 0; },
         "n_descriptors: not a possible number; found: 0; wanted: 1 or more");
  expect([](P &p) { p.layer_sizes.clear(); },
         "layer_sizes: a network needs layers; found: none; wanted: at least one");
  expect([](P &p) { p.layer_sizes[0] = -3; },
         "layer_sizes: not a possible number; found: -3; wanted: 1 or more");
  expect([](P &p) { p.layer_sizes[1] = 2; },
         "layer_sizes: the last layer must have one output; found: 2; wanted: 1");
  expect([](P &p) { p.activations.pop_back(); },
         "activations: wrong number of values; found: 1; wanted: 2");
  expect([](P &p) { p.layer_sizes[0] = 2000000000; },
         "layer_sizes: too many parameters; found: 24000000002.000000; wanted: fewer than 1e8");
  expect([](P &p) {
    p.kind = NetworkKind::quadratic;
    p.layer_sizes.clear();
    p.activations.clear();
    p.n_descriptors = 99998;
  }, "n_descriptors: too many parameters; found: 20000000000.000000; wanted: fewer than 1e8");
  expect([](P &p) { p.kind = NetworkKind::linear; },
         "layer_sizes: only networks have layers; found: 2 layers; wanted: none");
  expect([](P &p) { p.output_scale = INFINITY; },
         "output_scale: a value is not finite; found: inf; wanted: a number");
  expect([](P &p) { p.energy_shift.pop_back(); },
         "energy_shift: wrong number of values; found: 1; wanted: 2");
  expect([](P &p) { p.input_shift[1] = -INFINITY; },
         "input_shift: a value is not finite; found: -inf at place 1; wanted: numbers");
  expect([](P &p) { p.input_scale.push_back(1.0); },
         "input_scale: wrong number of values; found: 5; wanted: 4");
  expect([](P &p) { p.input_scale[3] = 0.0; },
         "input_scale: a value is zero; found: place 3; wanted: numbers other than zero");
  expect([](P &p) { p.parameters.pop_back(); },
         "parameters: wrong number of values; found: 25; wanted: 26");
}
