// Neighbor search by linked cells over the atoms and those periodic images that can matter.
#include "torchpot_neighborhoods.h"

#include "torchpot_error.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

namespace torchpot {
namespace {

using Vector = std::array<double, 3>;

Vector cross(const Vector &a, const Vector &b)
{
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

double dot(const Vector &a, const Vector &b)
{
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/// Cell vectors with their reciprocals: fractional coordinate k of r is reciprocal[k] . (r - o).
struct Lattice {
  std::array<Vector, 3> vectors, reciprocal;
  Vector height;    // distance between the faces of the cell

  explicit Lattice(const Cell &cell)
  {
    for (int k = 0; k < 3; k++)
      for (int c = 0; c < 3; c++) vectors[k][c] = cell.vectors[k][c];
    complete(cell);
    const double volume = dot(vectors[0], cross(vectors[1], vectors[2]));
    const double scale = std::sqrt(dot(vectors[0], vectors[0]) * dot(vectors[1], vectors[1]) *
                                   dot(vectors[2], vectors[2]));
    if (!(std::fabs(volume) > 1e-12 * scale))
      throw Error("the cell has no volume", "cell", std::to_string(volume), "a volume",
                  "Give three independent cell vectors");
    for (int k = 0; k < 3; k++) {
      const Vector face = cross(vectors[(k + 1) % 3], vectors[(k + 2) % 3]);
      for (int c = 0; c < 3; c++) reciprocal[k][c] = face[c] / volume;
      height[k] = 1.0 / std::sqrt(dot(reciprocal[k], reciprocal[k]));
    }
  }

 private:
  // directions without periodicity may come without a cell vector: any independent one will do
  void complete(const Cell &cell)
  {
    for (int k = 0; k < 3; k++) {
      if (cell.periodic[k] || dot(vectors[k], vectors[k]) > 0.0) continue;
      Vector best = {0, 0, 0};
      const Vector &a = vectors[(k + 1) % 3], &b = vectors[(k + 2) % 3];
      const Vector normal = cross(a, b);
      if (dot(normal, normal) > 0.0) {
        best = normal;
      } else {
        // the axis least aligned with the one vector that there may be
        const Vector &given = dot(a, a) > 0.0 ? a : b;
        int axis = 0;
        for (int c = 1; c < 3; c++)
          if (std::fabs(given[c]) < std::fabs(given[axis])) axis = c;
        Vector unit = {0, 0, 0};
        unit[axis] = 1.0;
        best = dot(given, given) > 0.0 ? cross(given, unit) : unit;
      }
      const double length = std::sqrt(dot(best, best));
      for (int c = 0; c < 3; c++) vectors[k][c] = best[c] / length;
    }
  }
};

/// Atoms and images within reach of the centers, sorted by (atom, image).
struct Images {
  std::vector<Vector> position;
  std::vector<int> atom;
  std::vector<std::size_t> self;    // [n_centers] the unshifted image of each center
};

void check_positions(int n_atoms, const double *position)
{
  for (int i = 0; i < n_atoms; i++)
    for (int c = 0; c < 3; c++)
      if (!std::isfinite(position[3 * i + c]))
        throw Error("a coordinate is not a number", "atom index " + std::to_string(i),
                    std::to_string(position[3 * i + c]), "a finite number");
}

Images open_images(int n_centers, int n_atoms, const double *position)
{
  Images images;
  images.position.reserve(n_atoms);
  for (int i = 0; i < n_atoms; i++) {
    if (i < n_centers) images.self.push_back(i);
    images.position.push_back({position[3 * i], position[3 * i + 1], position[3 * i + 2]});
    images.atom.push_back(i);
  }
  return images;
}

Images periodic_images(int n_centers, int n_atoms, const double *position, const Cell &cell,
                       double cutoff)
{
  const Lattice lattice(cell);
  Images images;
  for (int i = 0; i < n_atoms; i++) {
    Vector r = {position[3 * i], position[3 * i + 1], position[3 * i + 2]}, fraction;
    Vector relative = {r[0] - cell.origin[0], r[1] - cell.origin[1], r[2] - cell.origin[2]};
    int low[3], high[3];
    for (int k = 0; k < 3; k++) {
      fraction[k] = dot(lattice.reciprocal[k], relative);
      low[k] = high[k] = 0;
      if (!cell.periodic[k]) continue;
      const double shift = std::floor(fraction[k]), reach = cutoff / lattice.height[k];
      for (int c = 0; c < 3; c++) r[c] -= shift * lattice.vectors[k][c];
      fraction[k] -= shift;
      low[k] = (int) std::ceil(-reach - fraction[k] - 1e-9);
      high[k] = (int) std::floor(1.0 + reach - fraction[k] + 1e-9);
    }
    for (int s0 = low[0]; s0 <= high[0]; s0++)
      for (int s1 = low[1]; s1 <= high[1]; s1++)
        for (int s2 = low[2]; s2 <= high[2]; s2++) {
          if (i < n_centers && s0 == 0 && s1 == 0 && s2 == 0)
            images.self.push_back(images.position.size());
          Vector image = r;
          for (int c = 0; c < 3; c++)
            image[c] += s0 * lattice.vectors[0][c] + s1 * lattice.vectors[1][c] +
                s2 * lattice.vectors[2][c];
          images.position.push_back(image);
          images.atom.push_back(i);
        }
  }
  return images;
}

/// Cartesian bins at least as wide as the cutoff.
class Bins {
 public:
  Bins(const std::vector<Vector> &position, double cutoff)
  {
    if (position.empty()) return;
    low = position[0];
    Vector high = low;
    for (const Vector &r : position)
      for (int c = 0; c < 3; c++) {
        low[c] = std::min(low[c], r[c]);
        high[c] = std::max(high[c], r[c]);
      }
    // few bins for sparse points: memory stays linear in the number of atoms
    for (width = cutoff;; width *= 2.0) {
      double total = 1.0;
      for (int c = 0; c < 3; c++) total *= std::floor((high[c] - low[c]) / width) + 1.0;
      if (total > 4.0 * position.size() + 64.0) continue;
      for (int c = 0; c < 3; c++) n[c] = (int) std::floor((high[c] - low[c]) / width) + 1;
      break;
    }
    first.assign((std::size_t) n[0] * n[1] * n[2] + 1, 0);
    std::vector<std::size_t> bin(position.size());
    for (std::size_t i = 0; i < position.size(); i++) first[1 + (bin[i] = index(position[i]))]++;
    for (std::size_t b = 1; b < first.size(); b++) first[b] += first[b - 1];
    member.resize(position.size());
    std::vector<std::size_t> next(first.begin(), first.end() - 1);
    for (std::size_t i = 0; i < position.size(); i++) member[next[bin[i]]++] = i;
  }

  /// Calls use(image) for every image in the bin of r and those around it.
  template <class Use> void around(const Vector &r, Use use) const
  {
    int from[3], to[3];
    for (int c = 0; c < 3; c++) {
      const int b = coordinate(r, c);
      from[c] = std::max(0, b - 1);
      to[c] = std::min(n[c] - 1, b + 1);
    }
    for (int b0 = from[0]; b0 <= to[0]; b0++)
      for (int b1 = from[1]; b1 <= to[1]; b1++)
        for (int b2 = from[2]; b2 <= to[2]; b2++) {
          const std::size_t b = ((std::size_t) b0 * n[1] + b1) * n[2] + b2;
          for (std::size_t m = first[b]; m < first[b + 1]; m++) use(member[m]);
        }
  }

 private:
  int coordinate(const Vector &r, int c) const
  {
    return std::min(n[c] - 1, std::max(0, (int) std::floor((r[c] - low[c]) / width)));
  }
  std::size_t index(const Vector &r) const
  {
    return ((std::size_t) coordinate(r, 0) * n[1] + coordinate(r, 1)) * n[2] + coordinate(r, 2);
  }

  Vector low = {0, 0, 0};
  double width = 0.0;
  int n[3] = {0, 0, 0};
  std::vector<std::size_t> first, member;
};

}    // namespace

NeighborTable find_neighbors(int n_centers, int n_atoms, const double *position, const int *element,
                             const Cell &cell, double cutoff)
{
  if (!(cutoff > 0.0) || !std::isfinite(cutoff))
    throw Error("a neighbor search needs a cutoff", "cutoff", std::to_string(cutoff),
                "a positive number");
  if (n_centers < 0 || n_centers > n_atoms)
    throw Error("centers must be the first of the atoms", "n_centers", std::to_string(n_centers),
                "0 to " + std::to_string(n_atoms));
  check_positions(n_atoms, position);

  const bool open = !cell.periodic[0] && !cell.periodic[1] && !cell.periodic[2];
  const Images images = open ? open_images(n_centers, n_atoms, position)
                             : periodic_images(n_centers, n_atoms, position, cell, cutoff);
  const Bins bins(images.position, cutoff);

  NeighborTable table;
  table.element.assign(element, element + n_centers);
  table.first.assign(1, 0);
  std::vector<std::size_t> found;
  for (int i = 0; i < n_centers; i++) {
    const std::size_t self = images.self[i];
    const Vector center = images.position[self];
    found.clear();
    bins.around(center, [&](std::size_t m) {
      const Vector &r = images.position[m];
      const Vector d = {r[0] - center[0], r[1] - center[1], r[2] - center[2]};
      if (m != self && dot(d, d) < cutoff * cutoff) found.push_back(m);
    });
    std::sort(found.begin(), found.end());
    for (const std::size_t m : found) {
      for (int c = 0; c < 3; c++) table.vector.push_back(images.position[m][c] - center[c]);
      table.neighbor.push_back(images.atom[m]);
      table.neighbor_element.push_back(element[images.atom[m]]);
    }
    table.first.push_back(table.neighbor.size());
  }
  return table;
}

}    // namespace torchpot
