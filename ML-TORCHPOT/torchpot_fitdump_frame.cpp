// Making one frame of a fitdump file from the atoms and pairs that several ranks hold.
#include "torchpot_fitdump_frame.h"

#include "torchpot_error.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

namespace torchpot {
namespace {

constexpr double SAME = 1e-11;        // of the cell: positions that differ by rounding only
constexpr double MATCHING = 1e-3;     // length unit: positions in files are printed with few digits

/// rows of `width` values in a new order
template <class T>
void permute(std::vector<T> &values, const std::vector<std::size_t> &order, std::size_t width)
{
  std::vector<T> result;
  result.reserve(values.size());
  for (const std::size_t row : order)
    result.insert(result.end(), values.begin() + row * width, values.begin() + (row + 1) * width);
  values.swap(result);
}

/// Cell vectors that d consists of, for LAMMPS's cells (a along x, b in the xy plane), rounded;
/// 0 along directions that are not periodic.
std::array<int, 3> image_shift(const FitdumpFrame &frame, const double *d)
{
  double rest[3] = {d[0], d[1], d[2]};
  std::array<int, 3> shift;
  for (int k = 2; k >= 0; k--) {
    const double fraction = rest[k] / frame.cell[k][k];
    shift[k] = frame.pbc[k] ? (int) std::lround(fraction) : 0;
    // what is left of an open direction is no matter of the others' images
    for (int c = 0; c < 3; c++)
      rest[c] -= (frame.pbc[k] ? (double) shift[k] : 0.0) * frame.cell[k][c];
  }
  return shift;
}

/// d less its whole cell vectors
std::array<double, 3> nearest(const FitdumpFrame &frame, const double *d)
{
  const std::array<int, 3> shift = image_shift(frame, d);
  std::array<double, 3> result = {d[0], d[1], d[2]};
  for (int k = 0; k < 3; k++)
    for (int c = 0; c < 3; c++) result[c] -= shift[k] * frame.cell[k][c];
  return result;
}

double largest(const std::array<double, 3> &v)
{
  return std::max({std::fabs(v[0]), std::fabs(v[1]), std::fabs(v[2])});
}

int place_of(const std::vector<std::int64_t> &ids, std::int64_t id)
{
  const auto found = std::lower_bound(ids.begin(), ids.end(), id);
  if (found == ids.end() || *found != id)
    throw Error("a neighbor is not among the atoms", "atom " + std::to_string(id));
  return (int) (found - ids.begin());
}

}    // namespace

void sort_atoms(FitdumpFrame &frame)
{
  std::vector<std::size_t> order(frame.id.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return frame.id[a] < frame.id[b]; });
  permute(frame.id, order, 1);
  permute(frame.type, order, 1);
  permute(frame.position, order, 3);
  permute(frame.force, order, 3);
  const auto twin = std::adjacent_find(frame.id.begin(), frame.id.end());
  if (twin != frame.id.end())
    throw Error("two atoms have the same id", "atom " + std::to_string(*twin));
}

bool same_configuration(const FitdumpFrame &a, const FitdumpFrame &b)
{
  if (a.step != b.step || a.label != b.label || a.id != b.id || a.type != b.type) return false;
  double scale = 0.0;
  for (int k = 0; k < 3; k++) scale += std::fabs(a.cell[k][k]) + std::fabs(a.origin[k]);
  for (int k = 0; k < 3; k++) {
    if (a.pbc[k] != b.pbc[k] || std::fabs(a.origin[k] - b.origin[k]) > SAME * scale) return false;
    for (int c = 0; c < 3; c++)
      if (std::fabs(a.cell[k][c] - b.cell[k][c]) > SAME * scale) return false;
  }
  for (std::size_t i = 0; i < a.id.size(); i++) {
    double d[3];
    for (int c = 0; c < 3; c++) d[c] = a.position[3 * i + c] - b.position[3 * i + c];
    if (largest(nearest(a, d)) > SAME * scale) return false;
  }
  return true;
}

std::vector<std::int64_t> centers_of(const FitdumpFrame &frame)
{
  std::vector<std::int64_t> centers;
  const std::size_t k = frame.id.empty() ? 0 : frame.descriptor.size() / frame.id.size();
  for (std::size_t i = 0; i < frame.id.size() && k; i++)
    if (!std::isnan(frame.descriptor[i * k])) centers.push_back(frame.id[i]);
  return centers;
}

void find_local_pairs(Descriptor &descriptor, bool with_derivatives, int n_centers,
                      const std::vector<std::int64_t> &id, const std::vector<double> &position,
                      const std::vector<int> &element, LocalPairs &pairs)
{
  if (n_centers == 0) return;
  Cell open;
  for (int k = 0; k < 3; k++) open.periodic[k] = false;
  const NeighborTable found = find_neighbors(n_centers, (int) id.size(), position.data(),
                                             element.data(), open, descriptor.max_cutoff());
  NeighborTable table;
  table.element = found.element;
  table.first.assign(1, 0);
  for (int i = 0; i < n_centers; i++) {
    pairs.center.push_back(id[i]);
    for (std::size_t p = found.first[i]; p < found.first[i + 1]; p++) {
      const double *d = &found.vector[3 * p];
      const double cutoff = descriptor.cutoff(element[i], found.neighbor_element[p]);
      if (!(d[0] * d[0] + d[1] * d[1] + d[2] * d[2] < cutoff * cutoff)) continue;
      table.vector.insert(table.vector.end(), d, d + 3);
      table.neighbor_element.push_back(found.neighbor_element[p]);
      pairs.first.push_back(id[i]);
      pairs.second.push_back(id[found.neighbor[p]]);
    }
    table.first.push_back(table.neighbor_element.size());
  }
  const std::size_t k = descriptor.n_descriptors();
  pairs.value.resize(n_centers * k);
  if (with_derivatives) {
    pairs.derivative.resize(3 * k * pairs.first.size());
    descriptor.derivatives(table.view(), pairs.value.data(), pairs.derivative.data());
  } else {
    descriptor.values(table.view(), pairs.value.data());
  }
  pairs.vector = std::move(table.vector);
}

void add_pairs(const LocalPairs &pairs, int n_descriptors, FitdumpFrame &frame)
{
  const std::size_t k = n_descriptors, n = pairs.first.size();
  frame.descriptor.assign(frame.id.size() * k, std::numeric_limits<double>::quiet_NaN());
  for (std::size_t i = 0; i < pairs.center.size(); i++)
    std::copy_n(&pairs.value[i * k], k,
                &frame.descriptor[place_of(frame.id, pairs.center[i]) * k]);

  std::vector<std::array<int, 5>> key(n);    // first, second, image of second
  for (std::size_t p = 0; p < n; p++) {
    const int i = place_of(frame.id, pairs.first[p]), j = place_of(frame.id, pairs.second[p]);
    double d[3];
    for (int c = 0; c < 3; c++)
      d[c] = pairs.vector[3 * p + c] - (frame.position[3 * j + c] - frame.position[3 * i + c]);
    const std::array<int, 3> shift = image_shift(frame, d);
    key[p] = {i, j, shift[0], shift[1], shift[2]};
  }
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return key[a] < key[b]; });
  for (const std::size_t p : order) {
    frame.first.push_back(key[p][0]);
    frame.second.push_back(key[p][1]);
  }
  frame.vector = pairs.vector;
  frame.derivative = pairs.derivative;
  permute(frame.vector, order, 3);
  if (!frame.derivative.empty()) permute(frame.derivative, order, 3 * k);
}

namespace {

void check_same_atoms(const ExtxyzConfiguration &truth, const std::string &where,
                      const std::vector<std::string> &elements, const FitdumpFrame &frame)
{
  if (truth.species.size() != frame.id.size())
    throw Error("number of atoms differs from the frame's", where,
                std::to_string(truth.species.size()), std::to_string(frame.id.size()));
  for (int k = 0; k < 3 && truth.has_cell; k++)
    for (int c = 0; c < 3 && frame.pbc[k]; c++)
      if (!(std::fabs(truth.cell[k][c] - frame.cell[k][c]) <= MATCHING))
        throw Error("the cell differs from the frame's", where + ", cell vector " +
                    std::to_string(k + 1), std::to_string(truth.cell[k][c]),
                    std::to_string(frame.cell[k][c]));
  for (std::size_t i = 0; i < frame.id.size(); i++) {
    const std::string atom = where + ", atom " + std::to_string(i + 1);
    if (truth.species[i] != elements[frame.type[i]])
      throw Error("the element differs from the frame's", atom, truth.species[i],
                  elements[frame.type[i]]);
    double d[3];
    for (int c = 0; c < 3; c++) d[c] = truth.position[3 * i + c] - frame.position[3 * i + c];
    const double distance = largest(nearest(frame, d));
    if (!(distance <= MATCHING))
      throw Error("the position differs from the frame's", atom,
                  std::to_string(distance) + " apart", "at most " + std::to_string(MATCHING),
                  "The k-th frame takes the k-th configuration, atoms in order of their ids");
  }
}

}    // namespace

bool is_configuration_of(const ExtxyzConfiguration &truth,
                         const std::vector<std::string> &elements, const FitdumpFrame &frame)
{
  try {
    check_same_atoms(truth, "", elements, frame);
    return true;
  } catch (const Error &) {
    return false;
  }
}

void label_from_extxyz(const ExtxyzConfiguration &truth, const std::string &file,
                       const std::vector<std::string> &elements, double pressure_factor,
                       FitdumpFrame &frame)
{
  const std::string where = file + ", configuration " + std::to_string(truth.number);
  check_same_atoms(truth, where + " at step " + std::to_string(frame.step), elements, frame);
  if (!truth.has_energy) throw Error("there is no energy", where, "", "key energy");
  if (truth.force.empty())
    throw Error("there are no forces", where, "", "forces:R:3 in the key Properties");
  frame.energy = truth.energy;
  frame.force = truth.force;
  // pressure is the negative of ASE's stress
  for (int k = 0; k < 6; k++)
    frame.stress[k] = truth.has_stress ? -truth.stress[k] * pressure_factor
                                       : std::numeric_limits<double>::quiet_NaN();
}

}    // namespace torchpot
