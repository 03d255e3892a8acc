// Random configurations for tests: two elements, skewed cells, labels that need no physics.
#ifndef TORCHPOT_CELL_FIXTURE_H
#define TORCHPOT_CELL_FIXTURE_H

#include "dataset.h"

#include <algorithm>
#include <cmath>
#include <random>

/// Atoms on a jittered grid of `side`^3 sites, 2.6 apart, in a skewed cell.
inline torchpot::Configuration random_configuration(int side, unsigned seed)
{
  std::mt19937 generator(seed);
  std::uniform_real_distribution<double> jitter(-0.3, 0.3);
  torchpot::Configuration c;
  c.file = "c" + std::to_string(seed) + ".json";
  c.group = "G";
  const double a = 2.6 * side;
  const double cell[3][3] = {{a, 0.1 * a, 0.0}, {-0.2 * a, a, 0.15 * a}, {0.1 * a, 0.0, 1.1 * a}};
  std::copy(&cell[0][0], &cell[0][0] + 9, &c.cell.vectors[0][0]);
  for (int i = 0; i < side * side * side; i++) {
    const double s[3] = {(i % side + 0.1) / side, (i / side % side + 0.2) / side,
                         (i / side / side + 0.3) / side};
    for (int k = 0; k < 3; k++)
      c.position.push_back(s[0] * cell[0][k] + s[1] * cell[1][k] + s[2] * cell[2][k] +
                           jitter(generator));
    c.element.push_back(i % 3 == 0);
    for (int k = 0; k < 3; k++) c.force.push_back(jitter(generator));
  }
  c.has_energy = c.has_forces = true;
  c.energy = -4.0 * c.n_atoms() + jitter(generator);
  return c;
}

inline torchpot::SnapParameters two_element_snap(int twojmax = 4)
{
  torchpot::SnapParameters p;
  p.rcutfac = 1.0;
  p.twojmax = twojmax;
  p.elements = {"A", "B"};
  p.radelem = {1.9, 2.3};
  p.welem = {1.0, 0.7};
  return p;
}

#endif
