// Descriptors and derivatives of all configurations in memory that the ranks of a node share.
#include "descriptor_store.h"

#include "torchpot_error.h"

#include <algorithm>
#include <cstring>

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
  Place(char *memory, const std::uint64_t *row, std::size_t width)
  {
    numbers = reinterpret_cast<double *>(memory + row[OFFSET]);
    forces = numbers + 7;
    descriptor = forces + row[FORCES];
    strain = descriptor + row[DESCRIPTORS];
    derivative = strain + row[STRAINS];
    row_index = reinterpret_cast<int *>(derivative + 3 * width * row[BLOCKS]);
    column = row_index + row[BLOCKS];
    bytes = aligned((char *) (column + row[BLOCKS]) - (char *) numbers);
  }
  double *numbers, *forces, *descriptor, *strain, *derivative;
  int *row_index, *column;
  std::size_t bytes;
};

std::size_t DescriptorStore::bytes(std::size_t n_atoms, std::size_t n_blocks, int n_descriptors,
                                   bool strain)
{
  const std::size_t k = n_descriptors;
  return aligned(sizeof(double) * (7 + n_atoms * (3 + k * (strain ? 7 : 1)) + 3 * k * n_blocks) +
                 2 * sizeof(int) * n_blocks);
}

DescriptorStore::DescriptorStore(Dataset &dataset, const std::vector<int> &owner,
                                 std::size_t own_bytes, const std::string &folder, Ranks &ranks) :
    data(dataset), owner(owner), ranks(ranks),
    table(dataset.configurations.size() * N_COLUMNS, 0)
{
  std::vector<std::uint64_t> room(ranks.size(), 0);
  room[ranks.rank()] = aligned(own_bytes);
  ranks.sum(room.data(), room.size());
  std::size_t total = 0;
  for (int r = 0; r < ranks.size(); r++) {
    if (r == ranks.rank()) next = total;
    total += room[r];
    if (r == ranks.rank()) end = total;
  }
  data.storage = ranks.share(total, folder);
}

void DescriptorStore::place(std::size_t i)
{
  Configuration &c = data.configurations[i];
  std::uint64_t *const row = &table[i * N_COLUMNS];
  row[FORCES] = c.reference_force.size();
  row[DESCRIPTORS] = c.descriptor.size();
  row[STRAINS] = c.strain_derivative.size();
  row[BLOCKS] = c.derivative.empty() ? 0 : c.row.size();
  row[KNOWN] = c.has_derivatives;
  const std::size_t size = Place(nullptr, row, data.n_descriptors).bytes;
  row[OFFSET] = next.fetch_add(size);
  if (row[OFFSET] + size > end)
    throw Error("the room for descriptors was predicted wrongly", c.group + "/" + c.file);
  const Place to(data.storage->data(), row, data.n_descriptors);
  to.numbers[0] = c.reference_energy;
  std::copy_n(c.reference_stress, 6, to.numbers + 1);
  std::copy(c.reference_force.begin(), c.reference_force.end(), to.forces);
  std::copy(c.descriptor.begin(), c.descriptor.end(), to.descriptor);
  std::copy(c.strain_derivative.begin(), c.strain_derivative.end(), to.strain);
  std::copy(c.derivative.begin(), c.derivative.end(), to.derivative);
  std::copy_n(c.row.data(), row[BLOCKS], to.row_index);
  std::copy_n(c.column.data(), row[BLOCKS], to.column);
  // their memory is needed for the next configurations
  for (Array<double> *array : {&c.descriptor, &c.strain_derivative, &c.derivative})
    array->refer(nullptr, 0);
  c.row.refer(nullptr, 0);
  c.column.refer(nullptr, 0);
}

void DescriptorStore::finish()
{
  ranks.sum(table.data(), table.size());
  ranks.barrier();
  char *const memory = data.storage->data();
  for (std::size_t i = 0; i < data.configurations.size(); i++) {
    const std::uint64_t *const row = &table[i * N_COLUMNS];
    const Place from(memory, row, data.n_descriptors);
    ranks.copy_to_nodes(memory + row[OFFSET], from.bytes, owner[i]);
  }
  ranks.barrier();
  for (std::size_t i = 0; i < data.configurations.size(); i++) {
    Configuration &c = data.configurations[i];
    const std::uint64_t *const row = &table[i * N_COLUMNS];
    const Place from(memory, row, data.n_descriptors);
    c.reference_energy = from.numbers[0];
    std::copy_n(from.numbers + 1, 6, c.reference_stress);
    c.reference_force.assign(from.forces, from.forces + row[FORCES]);
    c.descriptor.refer(from.descriptor, row[DESCRIPTORS]);
    c.strain_derivative.refer(from.strain, row[STRAINS]);
    c.derivative.refer(from.derivative, 3 * (std::size_t) data.n_descriptors * row[BLOCKS]);
    c.row.refer(from.row_index, row[BLOCKS]);
    c.column.refer(from.column, row[BLOCKS]);
    c.has_derivatives = row[KNOWN];
  }
}

}    // namespace torchpot
