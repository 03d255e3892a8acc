// Small made-up data sets for the tests of training: descriptors and blocks at random, or SNAP of
// a few random cells.
#ifndef TORCHPOT_TEST_SYNTHETIC_DATA_H
#define TORCHPOT_TEST_SYNTHETIC_DATA_H

#include "adam.h"
#include "dataset.h"
#include "descriptors.h"

#include <cmath>
#include <memory>
#include <string>

namespace torchpot_test {

inline double centered(torchpot::Random &random, double width)
{
  return width * (2.0 * random.uniform() - 1.0);
}

/// n configurations of 2 to 6 atoms, each third one a test configuration, with random
/// descriptors, derivatives between all pairs of atoms, and labels.
inline torchpot::Dataset random_dataset(int n, int n_elements, int n_descriptors,
                                        std::uint64_t seed = 1)
{
  torchpot::Random random(seed, 77);
  torchpot::Dataset data;
  for (int e = 0; e < n_elements; e++) data.elements.push_back(e ? "B" : "A");
  data.n_descriptors = n_descriptors;
  data.groups = {"all"};
  for (int m = 0; m < n; m++) {
    torchpot::Configuration c;
    c.file = "configuration " + std::to_string(m);
    c.group = "all";
    c.test = m % 3 == 2;
    const int n_atoms = 2 + (int) random.below(5);
    c.has_energy = c.has_forces = true;
    c.energy = -3.0 * n_atoms + centered(random, 1.0);
    c.reference_energy = centered(random, 1.0);
    c.energy_weight = 0.5 + random.uniform();
    c.force_weight = 0.5 + random.uniform();
    for (int i = 0; i < n_atoms; i++) {
      c.element.push_back((int) random.below(n_elements));
      for (int k = 0; k < n_descriptors; k++)
        c.descriptor.edit().push_back(10.0 * k + (1.0 + k) * centered(random, 1.0));
      for (int j = 0; j < n_atoms; j++) {
        c.row.edit().push_back(i);
        c.column.edit().push_back(j);
        for (int v = 0; v < 3 * n_descriptors; v++)
          c.derivative.edit().push_back((1.0 + v % n_descriptors) * centered(random, 0.5));
      }
      for (int v = 0; v < 3; v++) {
        c.force.push_back(centered(random, 1.0));
        c.reference_force.push_back(centered(random, 0.3));
      }
    }
    data.configurations.push_back(std::move(c));
  }
  return data;
}

/// n random cells of two elements with their SNAP descriptors and labels of a potential that is
/// not linear: E_i = E_element - 3 sqrt(sum_j 1e-3 (rc^2 - r_ij^2)^2).
inline torchpot::Dataset snap_dataset(int n, std::uint64_t seed = 1)
{
  using namespace torchpot;
  Random random(seed, 5);
  Dataset data;
  data.elements = {"A", "B"};
  data.groups = {"all"};
  SnapParameters &snap = data.descriptor;
  snap.rcutfac = 4.0;
  snap.twojmax = 4;
  snap.elements = data.elements;
  snap.radelem = {0.5, 0.45};
  snap.welem = {1.0, 0.7};
  data.n_descriptors = snap.n_descriptors();
  const std::unique_ptr<Descriptor> descriptor = make_snap(snap);
  for (int m = 0; m < n; m++) {
    Configuration c;
    c.file = "cell " + std::to_string(m);
    c.group = "all";
    c.test = m % 4 == 3;
    const double a = 4.2 + 0.4 * random.uniform();
    for (int v = 0; v < 3; v++) c.cell.vectors[v][v] = a + centered(random, 0.2);
    c.cell.vectors[1][0] = centered(random, 0.5);
    for (int i = 0; i < 4; i++) {
      const double corner[4][3] = {{0, 0, 0}, {0, 2, 2}, {2, 0, 2}, {2, 2, 0}};
      for (int v = 0; v < 3; v++) c.position.push_back(corner[i][v] + centered(random, 0.3));
      c.element.push_back(i % 2);
    }
    const NeighborTable table =
        find_neighbors(4, 4, c.position.data(), c.element.data(), c.cell, 4.0);
    c.has_energy = c.has_forces = true;
    c.energy = 0.0;
    c.force.assign(12, 0.0);
    for (int i = 0; i < 4; i++) {
      c.energy += c.element[i] ? -2.0 : -5.0;
      const auto square = [&](std::size_t p) {
        const double *r = &table.vector[3 * p];
        return 16.0 - (r[0] * r[0] + r[1] * r[1] + r[2] * r[2]);
      };
      double density = 0.0;
      for (std::size_t p = table.first[i]; p < table.first[i + 1]; p++)
        density += 1e-3 * square(p) * square(p);
      c.energy -= 3.0 * std::sqrt(density);
      for (std::size_t p = table.first[i]; p < table.first[i + 1]; p++)
        for (int v = 0; v < 3; v++) {
          const double f =
              6e-3 / std::sqrt(density) * square(p) * table.vector[3 * p + v];
          c.force[3 * i + v] += f;
          c.force[3 * table.neighbor[p] + v] -= f;
        }
    }
    compute_descriptors(c, *descriptor, true);
    data.configurations.push_back(std::move(c));
  }
  return data;
}

}    // namespace torchpot_test

#endif
