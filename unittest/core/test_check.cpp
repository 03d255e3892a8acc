// The judgement of `check yes`: right forces pass, wrong ones are named.
#include "torchpot_check.h"
#include "torchpot_error.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace torchpot;

static double energy(double x)
{
  return std::sin(x) + 1000.0;
}

static double minus_derivative(double x, double h)
{
  double sum = 0.0;
  for (int k = 0; k < DifferenceStencil::N_POINTS; k++)
    sum += DifferenceStencil::WEIGHT[k] * energy(x + DifferenceStencil::OFFSET[k] * h);
  return -sum / h;
}

static ForceCheck good_check()
{
  ForceCheck check;
  check.n_atoms = 3;
  check.scale = 1.0;
  check.tolerance = 1e-6;
  for (int i = 0; i < 3; i++) {
    const double x = 0.3 + i;
    check.samples.push_back(
        {i + 1, i, -std::cos(x), {minus_derivative(x, 1e-3), minus_derivative(x, 1e-5)}});
  }
  return check;
}

static std::string message(const ForceCheck &check)
{
  try {
    check.require();
  } catch (const Error &error) {
    return error.what();
  }
  return "passed";
}

TEST(ForceCheck, RightForcesPass)
{
  const ForceCheck check = good_check();
  EXPECT_EQ(message(check), "passed");
  EXPECT_LT(check.largest_deviation(), 1e-9);
  EXPECT_NE(check.report().find("of 3 force components"), std::string::npos);
}

TEST(ForceCheck, StencilIsOfFourthOrder)
{
  const double error = std::fabs(minus_derivative(0.3, 0.2) + std::cos(0.3));
  const double finer = std::fabs(minus_derivative(0.3, 0.1) + std::cos(0.3));
  EXPECT_NEAR(error / finer, 16.0, 1.0);
}

TEST(ForceCheck, WrongForceIsNamed)
{
  ForceCheck check = good_check();
  check.samples[1].force += 1e-5;
  EXPECT_NE(message(check).find("force component y of atom 2"), std::string::npos);
  check.samples[1].force = NAN;
  EXPECT_NE(message(check).find("force component y of atom 2"), std::string::npos);
  check = good_check();
  check.samples[2].difference = {NAN, NAN};
  EXPECT_NE(message(check).find("force component z of atom 3"), std::string::npos);
  check = good_check();
  check.samples[0].force *= -1.0;
  EXPECT_NE(message(check).find("differs from the change of the energy"), std::string::npos);
}

TEST(ForceCheck, OneGoodStepIsEnough)
{
  ForceCheck check = good_check();
  check.samples[0].difference[0] += 1.0;    // a kink within the longer step
  EXPECT_EQ(message(check), "passed");
}

TEST(ForceCheck, NetForce)
{
  ForceCheck check = good_check();
  check.net_force[2] = 1e-8;
  EXPECT_NE(message(check).find("do not sum to zero"), std::string::npos);
  EXPECT_NE(message(check).find("component z"), std::string::npos);
  check.net_force[2] = NAN;
  EXPECT_NE(message(check).find("do not sum to zero"), std::string::npos);
}
