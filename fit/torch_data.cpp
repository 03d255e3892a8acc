// The configurations of a fit as tensors on a device.
#include "torch_data.h"

#include "torchpot_error.h"

#include <algorithm>
#include <optional>

namespace torchpot {

namespace {

at::Tensor view(const double *data, at::IntArrayRef shape)
{
  return at::from_blob(const_cast<double *>(data), shape, at::kDouble);
}

at::Tensor view(const float *data, at::IntArrayRef shape)
{
  return at::from_blob(const_cast<float *>(data), shape, at::kFloat);
}

at::Tensor view(const int *data, std::int64_t n)
{
  return at::from_blob(const_cast<int *>(data), {n}, at::kInt);
}

/// [n_blocks][3][K], as they are stored.
at::Tensor derivatives_of(const Sample &sample, int n_descriptors)
{
  const std::int64_t shape[3] = {(std::int64_t) sample.n_blocks, 3, n_descriptors};
  at::Tensor tensor;
  sample.with_derivative([&](const auto *derivative) { tensor = view(derivative, shape); });
  return tensor;
}

std::int64_t force_blocks(const Sample &sample)
{
  return sample.has_forces() ? (std::int64_t) sample.n_blocks : 0;
}

std::int64_t virial_blocks(const Sample &sample)
{
  return sample.has_virial() ? sample.n_atoms : 0;
}

/// Scaled as the network wants them, in double.
at::Tensor scaled_inputs(const Sample &sample, const NetworkParameters &p)
{
  const std::int64_t n = sample.n_atoms, k = p.n_descriptors;
  const at::Tensor shift = view(p.input_shift.data(), {p.n_sets(), k});
  const at::Tensor scale = view(p.input_scale.data(), {p.n_sets(), k});
  const at::Tensor x = view(sample.descriptor, {n, k});
  if (p.n_sets() == 1) return (x - shift) / scale;
  const at::Tensor set = view(sample.element, n);
  return (x - shift.index_select(0, set)) / scale.index_select(0, set);
}

}    // namespace

TorchData::TorchData(const SampleSet &samples, const NetworkParameters &network,
                     at::ScalarType type, at::Device device) :
    base(samples.all.data()), place(samples.all.size(), -1), n_sets(network.n_sets()), type(type),
    device(device)
{
  std::vector<const Sample *> list = samples.training;
  list.insert(list.end(), samples.validation.begin(), samples.validation.end());
  std::sort(list.begin(), list.end());    // those of a bootstrap are there several times
  list.erase(std::unique(list.begin(), list.end()), list.end());
  for (const Sample *sample : list) {
    place[sample - base] = (std::int64_t) first_atom.size() - 1;
    first_atom.push_back(first_atom.back() + sample->n_atoms);
    elements.insert(elements.end(), sample->element, sample->element + sample->n_atoms);
  }
  const std::int64_t k = network.n_descriptors;
  input = at::empty({n_atoms(), k}, at::TensorOptions(type).device(device));
  for (std::size_t m = 0; m < list.size(); m++)
    input.narrow(0, first_atom[m], list[m]->n_atoms).copy_(scaled_inputs(*list[m], network));
  element = view(elements.data(), n_atoms()).to(device, at::kLong);
  add_blocks(list, network.n_descriptors);
  add_labels(list);
}

void TorchData::add_blocks(const std::vector<const Sample *> &list, int n_descriptors)
{
  for (const Sample *sample : list) {
    forces.first.push_back(forces.first.back() + force_blocks(*sample));
    virials.first.push_back(virials.first.back() + virial_blocks(*sample));
  }
  const at::TensorOptions real = at::TensorOptions(type).device(device);
  const at::TensorOptions whole = at::TensorOptions(at::kInt).device(device);
  for (auto [blocks, n_components] : {std::pair(&forces, 3), std::pair(&virials, 6)}) {
    const std::int64_t n = blocks->first.back();
    blocks->value = at::empty({n, n_components, n_descriptors}, real);
    blocks->row = at::empty({n}, whole);
    blocks->target = at::zeros({n}, whole);    // of virials the configuration itself
  }
  for (std::size_t m = 0; m < list.size(); m++) {
    const Sample &sample = *list[m];
    if (const std::int64_t n = force_blocks(sample)) {
      const std::int64_t first = forces.first[m];
      forces.value.narrow(0, first, n).copy_(derivatives_of(sample, n_descriptors));
      forces.row.narrow(0, first, n).copy_(view(sample.row, n));
      forces.target.narrow(0, first, n).copy_(view(sample.column, n));
    }
    if (const std::int64_t n = virial_blocks(sample)) {
      const std::int64_t first = virials.first[m];
      virials.value.narrow(0, first, n).copy_(view(sample.strain, {n, 6, n_descriptors}));
      virials.row.narrow(0, first, n).copy_(at::arange(n, at::kInt));
    }
  }
}

void TorchData::add_labels(const std::vector<const Sample *> &list)
{
  const std::int64_t n = (std::int64_t) list.size();
  std::vector<double> numbers(N_LABELS * list.size(), 0.0), vectors(3 * n_atoms(), 0.0);
  for (std::size_t m = 0; m < list.size(); m++) {
    const Sample &sample = *list[m];
    double *const to = &numbers[N_LABELS * m];
    if (sample.has_energy()) {
      to[0] = sample.energy;
      to[7] = 1.0 / sample.n_atoms;
    }
    if (sample.has_virial()) {
      std::copy_n(sample.virial, 6, to + 1);
      to[9] = sample.shown_stress;
    }
    if (sample.has_forces()) {
      to[8] = 1.0;
      std::copy_n(sample.force, 3 * sample.n_atoms, &vectors[3 * first_atom[m]]);
    }
  }
  label = view(numbers.data(), {n, N_LABELS}).clone().to(device);
  force = view(vectors.data(), {n_atoms(), 3}).clone().to(device);
}

std::size_t TorchData::bytes(const SampleSet &samples, std::size_t number)
{
  std::size_t n = 0;
  for (const std::vector<const Sample *> *list : {&samples.training, &samples.validation})
    for (const Sample *sample : *list) {
      const std::size_t atoms = sample->n_atoms, k = samples.n_descriptors;
      const std::size_t force = force_blocks(*sample), virial = virial_blocks(*sample);
      n += number * k * (atoms + 3 * force + 6 * virial) + 8 * (force + virial) +
          sizeof(double) * (4 * atoms + N_LABELS);
    }
  return n;
}

double TorchData::numbers_per_atom() const
{
  const double blocks = 3.0 * forces.value.size(0) + 6.0 * virials.value.size(0);
  return (double) input.size(1) * (1.0 + blocks / std::max<double>(1.0, (double) n_atoms()));
}

at::Tensor TorchData::to_device(const Counts &values) const
{
  return at::from_blob(const_cast<std::int64_t *>(values.data()), {(std::int64_t) values.size()},
                       at::kLong)
      .clone()
      .to(device);
}

ChunkRows TorchData::rows(const Counts &first, const Counts &configurations, bool one_range) const
{
  ChunkRows result;
  const std::int64_t m = (std::int64_t) configurations.size();
  Counts numbers(2 * m);    // rows of each, and by how much their numbers here and there differ
  for (std::int64_t k = 0; k < m; k++) {
    const std::int64_t c = configurations[k], count = first[c + 1] - first[c];
    numbers[k] = count;
    numbers[m + k] = first[c] - result.n;
    result.n += count;
  }
  result.first = first[configurations[0]];
  const at::Tensor there = to_device(numbers);
  // a plain number in place of the length would be taken for one of repeats
  result.part =
      at::repeat_interleave(there.narrow(0, 0, m), std::optional<std::int64_t>(result.n));
  if (!one_range)
    result.index = at::arange(result.n, there.options()) +
        there.narrow(0, m, m).index_select(0, result.part);
  return result;
}

TorchChunk::Blocks TorchData::blocks(const TorchBlocks &all, const Counts &configurations,
                                     bool one_range, const at::Tensor &atom_offset,
                                     bool to_atoms) const
{
  TorchChunk::Blocks result;
  const ChunkRows r = rows(all.first, configurations, one_range);
  if (r.n == 0) return result;
  const at::Tensor offset = atom_offset.index_select(0, r.part);
  result.value = r.of(all.value);
  result.row = r.of(all.row) + offset;
  result.target = to_atoms ? r.of(all.target) + offset : r.part;
  return result;
}

// The networks of the elements see their atoms together.
void TorchData::sort_by_element(const Counts &configurations, TorchChunk &chunk) const
{
  std::vector<Counts> atoms(n_sets);
  std::int64_t atom = 0;
  for (const std::int64_t c : configurations)
    for (std::int64_t i = first_atom[c]; i < first_atom[c + 1]; i++)
      atoms[elements[i]].push_back(atom++);
  Counts order;
  for (const Counts &some : atoms) {
    order.insert(order.end(), some.begin(), some.end());
    chunk.per_set.push_back((std::int64_t) some.size());
  }
  chunk.order = to_device(order);
}

TorchChunk TorchData::chunk(std::size_t n, const Sample *const *batch) const
{
  Counts configurations(n), offset(n);
  bool one_range = true;
  TorchChunk result;
  for (std::size_t k = 0; k < n; k++) {
    configurations[k] = place.at(batch[k] - base);
    one_range = one_range && configurations[k] == configurations[0] + (std::int64_t) k;
    offset[k] = result.n_atoms;
    result.n_atoms += batch[k]->n_atoms;
  }
  result.n = (std::int64_t) n;
  result.atoms = rows(first_atom, configurations, one_range);
  result.input = result.atoms.of(input);
  result.element = result.atoms.of(element);
  result.force = result.atoms.of(force);
  result.label = one_range ? label.narrow(0, configurations[0], result.n)
                           : label.index_select(0, to_device(configurations));
  if (n_sets > 1) sort_by_element(configurations, result);
  const at::Tensor atom_offset = to_device(offset);
  result.forces = blocks(forces, configurations, one_range, atom_offset, true);
  result.virials = blocks(virials, configurations, one_range, atom_offset, false);
  return result;
}

}    // namespace torchpot
