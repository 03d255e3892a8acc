// The rows of a linear fit: what each coefficient adds to energies, forces and stresses.
#include "design_rows.h"

#include "descriptors.h"
#include "linear_solver.h"
#include "parallel.h"
#include "reference.h"
#include "stress_units.h"
#include "torchpot_error.h"

#include <algorithm>
#include <atomic>
#include <cmath>

namespace torchpot {

namespace {

constexpr std::size_t MIN_CHUNK = 512;    // rows

/// A chunk has so many rows that merging its factor is a small part of the work.
std::size_t chunk_rows(const LinearColumns &columns)
{
  return std::max(MIN_CHUNK, 8 * (columns.count() + 1));
}

std::size_t rows_of(const Configuration &c)
{
  return 1 + (c.has_forces ? 3 * c.element.size() : 0) + (c.has_stress ? 6 : 0);
}

/// Makes the rows of one configuration.
class RowMaker {
 public:
  RowMaker(const LinearColumns &columns, const Configuration &c, double *rows) :
      columns(columns), c(c), width(columns.count() + 1), energy(rows), forces(rows + width),
      stress(forces + (c.has_forces ? 3 * c.element.size() * width : 0))
  {
  }

  /// Those of `from`, a part of the configuration or all of it.
  void add_blocks(const Configuration &from)
  {
    const std::size_t n = columns.n_descriptors;
    for (std::size_t b = 0; b < from.n_blocks(); b++) {
      const int i = from.row[b];
      for (std::size_t a = 0; a < 3; a++)
        columns.add_derivatives(c.element[i], &from.descriptor[i * n],
                                &from.derivative[(3 * b + a) * n], 1.0,
                                forces + (3 * from.column[b] + a) * width);
    }
  }

  /// Energy and stress, of the whole configuration, and what is fitted.
  void finish(const Configuration &from, const std::string &units)
  {
    const std::size_t n = columns.n_descriptors;
    const double volume = cell_volume(c.cell), unit = pressure_factor(units);
    for (int i = 0; i < c.n_atoms(); i++) {
      columns.add_values(c.element[i], &from.descriptor[i * n], 1.0 / c.n_atoms(), energy);
      for (std::size_t v = 0; v < 6 && c.has_stress; v++)
        columns.add_derivatives(c.element[i], &from.descriptor[i * n],
                                &from.strain_derivative[(6 * i + v) * n], -unit / volume,
                                stress + v * width);
    }
    label(energy, c.has_energy ? c.energy_target() / c.n_atoms() : 0.0, "the energy");
    for (int k = 0; k < 3 * c.n_atoms() && c.has_forces; k++)
      label(forces + k * width, c.force_target(k), "a force");
    for (int v = 0; v < 6 && c.has_stress; v++)
      label(stress + v * width, c.stress_target(v), "the stress");
    if (!columns.active.empty()) mask();
  }

 private:
  void label(double *row, double value, const char *what) const
  {
    if (!std::isfinite(value))
      throw Error(std::string(what) + " is not a finite number", c.group + "/" + c.file);
    row[width - 1] = value;
  }

  /// Zero for what an element does not have: the solution of least norm has none of it.
  void mask()
  {
    const std::vector<char> zero = columns.inactive();
    for (double *row = energy, *end = row + rows_of(c) * width; row < end; row += width)
      for (std::size_t k = 0; k < zero.size(); k++)
        if (zero[k]) row[k] = 0.0;
  }

  const LinearColumns &columns;
  const Configuration &c;
  const std::size_t width;
  double *const energy, *const forces, *const stress;
};

/// `part` is room for a part of the blocks.
void make_rows(const LinearColumns &columns, const Configuration &c, const Dataset &data,
               Descriptor &descriptor, Configuration &part, double *rows)
{
  RowMaker maker(columns, c, rows);
  if (!c.descriptor.empty()) {    // from a fitdump file
    if (c.has_forces && !c.has_derivatives)
      throw Error("forces cannot be learned without the derivatives of the descriptors", c.file,
                  "", "",
                  "Collect the data with `derivatives yes`, or set force = 0 in [CALCULATOR]");
    if (c.has_forces) maker.add_blocks(c);
    maker.finish(c, data.units);
    return;
  }
  part.file = c.file;
  part.group = c.group;
  part.cell = c.cell;
  part.position = c.position;
  part.element = c.element;
  compute_descriptors(part, descriptor, c.has_forces, c.has_stress,
                      [&] { maker.add_blocks(part); });
  for (const double x : part.descriptor)
    if (!std::isfinite(x)) throw Error("a descriptor is not a finite number", c.file);
  maker.finish(part, data.units);
}

}    // namespace

Prediction DesignRows::predict_memory(const Dataset &data, const LinearColumns &columns)
{
  const std::size_t width = columns.count() + 1;
  Prediction p;
  p.n_columns = columns.count();
  for (const Configuration &c : data.configurations) {
    p.n_rows += rows_of(c);
    p.bytes += sizeof c + c.element.size() * (9 * sizeof(double) + sizeof(int));
  }
  const std::size_t n_chunks = p.n_rows / chunk_rows(columns) + 1;
  p.bytes += sizeof(double) * (p.n_rows * width + n_chunks * width * width);
  return p;
}

DesignRows::DesignRows(Dataset &dataset, const Settings &settings, const LinearColumns &columns,
                       const Progress &progress, Ranks &ranks) :
    data(dataset), columns(columns), width(columns.count() + 1), ranks(ranks),
    n_threads(thread_count(settings.torchpot.threads, ranks.size()))
{
  lay_out();
  const std::size_t n_atoms = data.n_atoms(), n = data.configurations.size();
  const std::size_t n_references = data.reference.empty() ? 0 : 7 * n + 3 * n_atoms;
  const std::size_t size =
      sizeof(double) * (n_rows() * width + n_references + chunks.size() * width * width);
  const double limit = 1e9 * settings.torchpot.memory_limit;
  mapped = limit > 0.0 && (double) size > limit;
  memory = ranks.share(size, mapped ? mapping_folder(settings) : "");
  rows = reinterpret_cast<double *>(memory->data());
  references = rows + n_rows() * width;
  factors = references + n_references;

  ranks.together([&] { compute_own(settings, progress); });
  ranks.barrier();
  for (const Chunk &chunk : chunks) {
    const std::size_t first = first_row[chunk.begin], last = first_row[chunk.end];
    ranks.copy_to_nodes((char *) (rows + first * width), sizeof(double) * (last - first) * width,
                        chunk.owner);
    const std::size_t from = 7 * chunk.begin + 3 * first_atom[chunk.begin];
    const std::size_t to = 7 * chunk.end + 3 * first_atom[chunk.end];
    if (n_references)
      ranks.copy_to_nodes((char *) (references + from), sizeof(double) * (to - from), chunk.owner);
  }
  ranks.barrier();
  for (std::size_t m = 0; m < n && n_references; m++) load_reference(m);
}

/// Chunks of consecutive configurations, dealt out to the ranks. What files of fix fitdump have is
/// with the first rank alone, which then does everything.
void DesignRows::lay_out()
{
  std::vector<Configuration> &all = data.configurations;
  std::vector<std::uint64_t> known(2 * all.size(), 0);
  for (std::size_t m = 0; m < all.size() && ranks.is_first(); m++) {
    known[2 * m] = !all[m].descriptor.empty();
    // without derivatives a stored configuration has no stress of the model
    known[2 * m + 1] = known[2 * m] && all[m].strain_derivative.empty();
  }
  ranks.sum(known.data(), known.size());
  bool stored = false;
  first_row = first_atom = {0};
  for (std::size_t m = 0; m < all.size(); m++) {
    stored = stored || known[2 * m];
    if (known[2 * m + 1]) all[m].has_stress = false;
    first_row.push_back(first_row.back() + rows_of(all[m]));
    first_atom.push_back(first_atom.back() + all[m].element.size());
  }
  const std::size_t wanted = chunk_rows(columns);
  for (std::size_t begin = 0, end = 0; begin < all.size(); begin = end) {
    while (end < all.size() && first_row[end] < first_row[begin] + wanted) end++;
    chunks.push_back({begin, end, stored ? 0 : (int) (chunks.size() % ranks.size())});
  }
}

void DesignRows::store_reference(std::size_t m)
{
  const Configuration &c = data.configurations[m];
  double *to = references + 7 * m + 3 * first_atom[m];
  *to++ = c.reference_energy;
  to = std::copy_n(c.reference_stress, 6, to);
  std::copy(c.reference_force.begin(), c.reference_force.end(), to);
}

void DesignRows::load_reference(std::size_t m)
{
  Configuration &c = data.configurations[m];
  const double *from = references + 7 * m + 3 * first_atom[m];
  c.reference_energy = *from++;
  std::copy_n(from, 6, c.reference_stress);
  c.reference_force.assign(from + 6, from + 6 + 3 * c.element.size());
}

void DesignRows::compute_own(const Settings &s, const Progress &progress)
{
  std::vector<std::size_t> own;
  for (const Chunk &chunk : chunks)
    for (std::size_t m = chunk.begin; m < chunk.end; m++)
      if (chunk.owner == ranks.rank()) own.push_back(m);
  if (!data.reference.empty()) {
    ReferenceSettings settings = s.reference;
    settings.units = data.units;
    ReferencePotential reference(settings, data.elements);
    for (const std::size_t m : own) {
      reference.compute(data.configurations[m]);
      store_reference(m);
      if (progress) progress(0, own.size());
    }
  }
  std::vector<std::unique_ptr<Descriptor>> descriptors;
  for (int t = 0; t < n_threads; t++) descriptors.push_back(make_snap(data.descriptor));
  std::vector<Configuration> parts(n_threads);
  std::atomic<std::size_t> done{0};
  parallel_for(own.size(), n_threads, [&](int thread, std::size_t k) {
    const std::size_t m = own[k];
    make_rows(columns, data.configurations[m], data, *descriptors[thread],
              parts[thread], rows + first_row[m] * width);
    const std::size_t n = ++done;
    if (progress && thread == 0) progress(n, own.size());
  });
}

/// Appends the weighted rows. Stresses in the frame of LAMMPS's cell, as FitSNAP has them: the sum
/// of the squares of six components depends on the frame.
void DesignRows::add_weighted(std::size_t m, std::vector<double> &matrix) const
{
  const Configuration &c = data.configurations[m];
  const double *from = row(first_row[m]);
  const auto append = [&](const double *r, double weight) {
    for (std::size_t k = 0; k < width; k++) matrix.push_back(weight * r[k]);
  };
  if (c.has_energy && c.energy_weight != 0.0) append(from, c.energy_weight);
  from += width;
  const std::size_t n_forces = c.has_forces ? 3 * c.element.size() : 0;
  for (std::size_t k = 0; k < n_forces; k++, from += width)
    if (c.force_weight != 0.0) append(from, c.force_weight);
  if (!c.has_stress || c.stress_weight == 0.0) return;
  const TriangularCell frame = triangular_cell(c.cell.vectors);
  std::vector<double> turned(6 * width);
  TriangularCell back;    // rotate_stress_back() with the transpose turns forth
  for (int a = 0; a < 3; a++)
    for (int b = 0; b < 3; b++) back.rotation[a][b] = frame.rotation[b][a];
  for (std::size_t k = 0; k < width; k++) {
    double stress[6];
    for (int v = 0; v < 6; v++) stress[v] = from[v * width + k];
    rotate_stress_back(back.rotation, stress, stress);
    for (int v = 0; v < 6; v++) turned[v * width + k] = stress[v];
  }
  for (int v = 0; v < 6; v++) append(&turned[v * width], c.stress_weight);
}

void DesignRows::factor_chunk(const Chunk &chunk, double *result) const
{
  std::vector<double> matrix;
  matrix.reserve((first_row[chunk.end] - first_row[chunk.begin]) * width);
  for (std::size_t m = chunk.begin; m < chunk.end; m++)
    if (!data.configurations[m].test) add_weighted(m, matrix);
  const std::size_t n = matrix.size() / width;
  std::vector<double> turned(matrix.size());
  for (std::size_t r = 0; r < n; r++)
    for (std::size_t k = 0; k < width; k++) turned[k * n + r] = matrix[r * width + k];
  std::vector<double>().swap(matrix);
  triangular_factor(n, width, turned.data(), result);
}

std::vector<double> DesignRows::factor(const std::function<void()> &between)
{
  const std::size_t size = width * width;
  ranks.together([&] {
    std::vector<std::size_t> own;
    for (std::size_t k = 0; k < chunks.size(); k++)
      if (chunks[k].owner == ranks.rank()) own.push_back(k);
    parallel_for(own.size(), n_threads, [&](int thread, std::size_t k) {
      factor_chunk(chunks[own[k]], factors + own[k] * size);
      if (between && thread == 0) between();
    });
  });
  ranks.barrier();
  for (std::size_t k = 0; k < chunks.size(); k++)
    ranks.copy_to_nodes((char *) (factors + k * size), sizeof(double) * size, chunks[k].owner);
  ranks.barrier();
  std::vector<double> all(size, 0.0);
  ranks.together([&] {
    for (std::size_t k = 0; k < chunks.size() && ranks.is_first(); k++) {
      merge_factors(width, all.data(), factors + k * size);
      if (between) between();
    }
  });
  return all;
}

Predictions DesignRows::predict(const std::vector<double> &x) const
{
  Predictions result;
  const double shown = shown_pressure(data.units).factor;
  const auto value = [&](const double *r) {
    double sum = 0.0;
    for (std::size_t k = 0; k + 1 < width; k++) sum += r[k] * x[k];
    return sum;
  };
  for (std::size_t m = 0; m < data.configurations.size(); m++) {
    const Configuration &c = data.configurations[m];
    const double *r = row(first_row[m]);
    result.energy.push_back(c.n_atoms() * value(r));
    r += width;
    for (int k = 0; k < 3 * c.n_atoms(); k++, r += c.has_forces ? width : 0)
      result.force.push_back(c.has_forces ? value(r) : 0.0);
    for (int v = 0; v < 6; v++, r += c.has_stress ? width : 0)
      result.stress.push_back(c.has_stress ? shown * value(r)
                                           : std::numeric_limits<double>::quiet_NaN());
  }
  return result;
}

}    // namespace torchpot
