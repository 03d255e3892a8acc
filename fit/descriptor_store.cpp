// Descriptors and derivatives of all configurations in one piece of memory, which the ranks of a
// node share.
#include "descriptor_store.h"

#include "torchpot_error.h"

#include <algorithm>

namespace torchpot {

namespace {

constexpr std::size_t ALIGNMENT = 64;

std::size_t aligned(std::size_t bytes)
{
  return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

}    // namespace

/// Where the arrays of a configuration lie: reference energy and stress, reference forces,
/// descriptors, strain derivatives, derivatives, row, column.
struct DescriptorStore::Place {
  Place(char *start, const StoredSizes &n, std::size_t width, bool single)
  {
    numbers = reinterpret_cast<double *>(start);
    forces = numbers + 7;
    descriptor = forces + n.forces;
    strain = descriptor + n.descriptors;
    derivative = strain + n.strains;
    derivative_single = reinterpret_cast<float *>(derivative);
    const std::size_t n_derivatives = 3 * width * n.blocks;
    row = single ? reinterpret_cast<int *>(derivative_single + n_derivatives)
                 : reinterpret_cast<int *>(derivative + n_derivatives);
    column = row + n.blocks;
  }
  double *numbers, *forces, *descriptor, *strain, *derivative;
  float *derivative_single;
  int *row, *column;
};

std::size_t DescriptorStore::bytes(const StoredSizes &n, int n_descriptors, bool single)
{
  const std::size_t block =
      3 * n_descriptors * (single ? sizeof(float) : sizeof(double)) + 2 * sizeof(int);
  return aligned((7 + n.forces + n.descriptors + n.strains) * sizeof(double) + n.blocks * block);
}

DescriptorStore::DescriptorStore(Dataset &dataset, std::vector<StoredSizes> all_sizes,
                                 const std::string &folder, Ranks &ranks) :
    dataset(dataset), sizes(std::move(all_sizes)), ranks(ranks)
{
  std::size_t total = 0;
  for (const StoredSizes &n : sizes) {
    offset.push_back(total);
    total += bytes(n, dataset.n_descriptors, dataset.single);
  }
  dataset.storage = ranks.share(total, folder);
}

std::size_t DescriptorStore::size(std::size_t i, bool reference) const
{
  return reference ? (7 + sizes[i].forces) * sizeof(double)
                   : bytes(sizes[i], dataset.n_descriptors, dataset.single);
}

void DescriptorStore::place(std::size_t i)
{
  const Configuration &c = dataset.configurations[i];
  const StoredSizes &n = sizes[i];
  const std::size_t blocks = c.derivative.empty() ? 0 : c.row.size();
  if (c.reference_force.size() != n.forces || c.descriptor.size() != n.descriptors ||
      c.strain_derivative.size() != n.strains || blocks != n.blocks)
    throw Error("the room for descriptors was predicted wrongly", c.group + "/" + c.file);
  const Place to(data(i), n, dataset.n_descriptors, dataset.single);
  to.numbers[0] = c.reference_energy;
  std::copy_n(c.reference_stress, 6, to.numbers + 1);
  std::copy(c.reference_force.begin(), c.reference_force.end(), to.forces);
  std::copy(c.descriptor.begin(), c.descriptor.end(), to.descriptor);
  std::copy(c.strain_derivative.begin(), c.strain_derivative.end(), to.strain);
  const double *const from = c.derivative.data();
  const std::size_t n_derivatives = c.derivative.size();
  if (dataset.single)
    for (std::size_t k = 0; k < n_derivatives; k++) to.derivative_single[k] = (float) from[k];
  else
    std::copy_n(from, n_derivatives, to.derivative);
  std::copy_n(c.row.data(), blocks, to.row);
  std::copy_n(c.column.data(), blocks, to.column);
}

void DescriptorStore::take_reference(std::size_t i)
{
  Configuration &c = dataset.configurations[i];
  const Place from(data(i), sizes[i], dataset.n_descriptors, dataset.single);
  c.reference_energy = from.numbers[0];
  std::copy_n(from.numbers + 1, 6, c.reference_stress);
  c.reference_force.assign(from.forces, from.forces + sizes[i].forces);
}

void DescriptorStore::place_beside_reference(std::size_t i)
{
  take_reference(i);
  place(i);
}

void DescriptorStore::finish(const std::vector<int> &owner)
{
  ranks.barrier();
  if (ranks.n_nodes() > 1) {
    for (std::size_t i = 0; i < sizes.size(); i++)
      ranks.copy_to_nodes(data(i), size(i, false), owner[i]);
    ranks.barrier();
  }
  for (std::size_t i = 0; i < sizes.size(); i++) {
    Configuration &c = dataset.configurations[i];
    const StoredSizes &n = sizes[i];
    const std::size_t n_derivatives = 3 * (std::size_t) dataset.n_descriptors * n.blocks;
    const Place from(data(i), n, dataset.n_descriptors, dataset.single);
    take_reference(i);
    c.descriptor.refer(from.descriptor, n.descriptors);
    c.strain_derivative.refer(from.strain, n.strains);
    c.derivative.refer(from.derivative, dataset.single ? 0 : n_derivatives);
    c.derivative_single.refer(from.derivative_single, dataset.single ? n_derivatives : 0);
    c.row.refer(from.row, n.blocks);
    c.column.refer(from.column, n.blocks);
    c.has_derivatives = n.derivatives;
  }
}

bool DescriptorStore::has_good_blocks(std::size_t i) const
{
  const Place at(data(i), sizes[i], dataset.n_descriptors, dataset.single);
  const std::size_t n_atoms = dataset.configurations[i].element.size();
  return std::all_of(at.row, at.column + sizes[i].blocks,
                     [&](int atom) { return (std::size_t) atom < n_atoms; });
}

}    // namespace torchpot
