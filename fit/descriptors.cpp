// Descriptors and derivatives of configurations, summed over periodic images.
#include "descriptors.h"

#include "torchpot_error.h"

#include <algorithm>
#include <numeric>

namespace torchpot {

namespace {

// pairs whose derivatives are computed at a time, times descriptors: 5 MB, which caches hold
constexpr std::size_t CHUNK = 200000;

/// The columns of a row's blocks: neighbors and the atom itself. Empty if there are no others.
void row_columns(int row, const std::size_t *pair, std::size_t n, const int *second,
                 std::vector<int> &columns)
{
  columns.clear();
  for (std::size_t q = 0; q < n; q++) {
    const int j = second[pair[q]];
    if (j != row && (columns.empty() || columns.back() != j)) columns.push_back(j);
  }
  if (!columns.empty())
    columns.insert(std::lower_bound(columns.begin(), columns.end(), row), row);
}

void add_strain(const double *d, const double *r, std::size_t n, double *s)
{
  constexpr int A[6] = {0, 1, 2, 0, 0, 1}, B[6] = {0, 1, 2, 1, 2, 2};
  for (int v = 0; v < 6; v++)
    for (std::size_t k = 0; k < n; k++) s[(std::size_t) v * n + k] += d[3 * k + A[v]] * r[B[v]];
}

}    // namespace

void append_blocks(const PairDerivatives &p, int n_descriptors, bool strain, Configuration &c)
{
  const std::size_t n = n_descriptors, block = 3 * n;
  std::vector<std::size_t> order(p.n_pairs);
  std::iota(order.begin(), order.end(), 0);
  const auto less = [&](std::size_t a, std::size_t b) {
    return p.first[a] != p.first[b] ? p.first[a] < p.first[b] : p.second[a] < p.second[b];
  };
  if (!std::is_sorted(order.begin(), order.end(), less))
    std::stable_sort(order.begin(), order.end(), less);

  std::vector<int> columns;
  for (std::size_t begin = 0, end = 0; begin < p.n_pairs; begin = end) {
    const int row = p.first[order[begin]];
    while (end < p.n_pairs && p.first[order[end]] == row) end++;
    row_columns(row, &order[begin], end - begin, p.second, columns);
    const std::size_t base = c.row.size();
    c.row.edit().insert(c.row.edit().end(), columns.size(), row);
    c.column.edit().insert(c.column.edit().end(), columns.begin(), columns.end());
    c.derivative.edit().resize(c.derivative.size() + columns.size() * block, 0.0);
    double *const blocks = c.derivative.edit().data() + base * block;
    double *const self = blocks +
        block * (std::lower_bound(columns.begin(), columns.end(), row) - columns.begin());
    std::size_t at = 0;
    for (std::size_t q = begin; q < end; q++) {
      const std::size_t pair = order[q];
      const double *d = p.derivative + pair * block;
      if (strain)
        add_strain(d, p.vector + 3 * pair, n,
                   &c.strain_derivative.edit()[(std::size_t) row * 6 * n]);
      if (p.second[pair] == row) continue;    // an own image moves along: no force
      while (columns[at] != p.second[pair]) at++;
      double *other = blocks + at * block;
      for (std::size_t k = 0; k < n; k++)
        for (std::size_t a = 0; a < 3; a++) {
          other[a * n + k] -= d[3 * k + a];
          self[a * n + k] += d[3 * k + a];
        }
    }
  }
}

namespace {

NeighborTable neighbors_of(const Configuration &c, const Descriptor &descriptor)
{
  const int n = c.n_atoms();
  try {
    return find_neighbors(n, n, c.position.data(), c.element.data(), c.cell,
                          descriptor.max_cutoff());
  } catch (const Error &e) {
    throw Error(e.problem, c.group + "/" + c.file, e.found, e.wanted, e.next);
  }
}

/// The pairs of the table that are within the cutoff of their elements, of centers begin to end.
struct PairList {
  NeighborTable table;    // centers from 0
  std::vector<int> first;    // of each pair, index in the configuration
};

PairList pairs_of(const NeighborTable &all, const Configuration &c, const Descriptor &descriptor,
                  int begin, int end)
{
  PairList list;
  NeighborTable &t = list.table;
  t.first.push_back(0);
  for (int i = begin; i < end; i++) {
    t.element.push_back(c.element[i]);
    for (std::size_t p = all.first[i]; p < all.first[i + 1]; p++) {
      const double *r = &all.vector[3 * p];
      const double cutoff = descriptor.cutoff(c.element[i], all.neighbor_element[p]);
      if (r[0] * r[0] + r[1] * r[1] + r[2] * r[2] >= cutoff * cutoff) continue;
      t.vector.insert(t.vector.end(), r, r + 3);
      t.neighbor.push_back(all.neighbor[p]);
      t.neighbor_element.push_back(all.neighbor_element[p]);
      list.first.push_back(i);
    }
    t.first.push_back(t.neighbor.size());
  }
  return list;
}

std::size_t blocks_of(const NeighborTable &all, const Configuration &c,
                      const Descriptor &descriptor)
{
  std::size_t count = 0;
  for (int i = 0; i < c.n_atoms(); i++) {
    std::size_t others = 0;
    int last = i;
    for (std::size_t p = all.first[i]; p < all.first[i + 1]; p++) {
      const double *r = &all.vector[3 * p];
      const double cutoff = descriptor.cutoff(c.element[i], all.neighbor_element[p]);
      const int j = all.neighbor[p];
      if (j == i || j == last || r[0] * r[0] + r[1] * r[1] + r[2] * r[2] >= cutoff * cutoff)
        continue;
      last = j;
      others++;
    }
    if (others) count += others + 1;
  }
  return count;
}

}    // namespace

void compute_descriptors(Configuration &c, Descriptor &descriptor, bool derivatives, bool strain,
                         const std::function<void()> &part)
{
  const NeighborTable all = neighbors_of(c, descriptor);
  const std::size_t n = descriptor.n_descriptors();
  const int n_atoms = c.n_atoms();
  c.descriptor.edit().assign(n * n_atoms, 0.0);
  c.row.edit().clear();
  c.column.edit().clear();
  c.derivative.edit().clear();
  c.has_derivatives = derivatives;
  c.strain_derivative.edit().assign(strain ? 6 * n * n_atoms : 0, 0.0);
  if (derivatives && !part) {
    const std::size_t n_blocks = blocks_of(all, c, descriptor);
    c.row.edit().reserve(n_blocks);
    c.column.edit().reserve(n_blocks);
    c.derivative.edit().reserve(3 * n * n_blocks);
  }
  std::vector<double> pair_derivative;
  for (int begin = 0, end = 0; begin < n_atoms; begin = end) {
    do end++;
    while (end < n_atoms && (all.first[end + 1] - all.first[begin]) * n <= CHUNK);
    const PairList list = pairs_of(all, c, descriptor, begin, end);
    double *value = &c.descriptor.edit()[n * begin];
    if (!derivatives && !strain) {
      descriptor.values(list.table.view(), value);
      continue;
    }
    pair_derivative.resize(std::max<std::size_t>(1, list.first.size() * 3 * n));
    descriptor.derivatives(list.table.view(), value, pair_derivative.data());
    append_blocks({list.first.size(), list.first.data(), list.table.neighbor.data(),
                   list.table.vector.data(), pair_derivative.data()},
                  (int) n, strain, c);
    if (derivatives && part) part();
    if (!derivatives || part) {    // strain derivatives alone, or the blocks were used
      c.row.edit().clear();
      c.column.edit().clear();
      c.derivative.edit().clear();
    }
  }
}

std::size_t count_blocks(const Configuration &c, const Descriptor &descriptor)
{
  return blocks_of(neighbors_of(c, descriptor), c, descriptor);
}

std::size_t descriptor_bytes(std::size_t n_atoms, std::size_t n_blocks, int n_descriptors,
                             bool strain, bool single)
{
  const std::size_t n = n_descriptors;
  return sizeof(double) * n * n_atoms * (strain ? 7 : 1) +
      (3 * n * (single ? sizeof(float) : sizeof(double)) + 2 * sizeof(int)) * n_blocks;
}

}    // namespace torchpot
