// The loss of training, evaluated by libtorch: on a GPU, or on the CPU as the twin of BatchLoss.
#include "torch_loss.h"

#include "torch_data.h"
#include "torchpot_error.h"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>

namespace torchpot {

namespace {

at::Tensor activated(Activation a, const at::Tensor &x)
{
  switch (a) {
    case Activation::linear: return x;
    case Activation::tanh: return at::tanh(x);
    case Activation::sigmoid: return at::sigmoid(x);
    case Activation::relu: return at::relu(x);
    // beyond 40 the function is x to the last bit; libtorch's own bound of 20 would cost digits
    case Activation::softplus: return at::softplus(x, 1, 40);
    case Activation::silu: return at::silu(x);
    case Activation::gelu: return at::gelu(x);
  }
  return x;
}

/// The memory of a device was too small, or libtorch has failed otherwise.
Error libtorch_error(const std::string &what, const at::Device &device,
                     const std::exception &error)
{
  const std::string text = error.what();    // goes on with a stack trace
  return Error(what, "device " + device.str(), text.substr(0, text.find('\n')), "",
               "If memory is short use a smaller set or batch, dtype_setting = 1 (float32), or "
               "device = cpu");
}

class TorchLoss : public Loss {
 public:
  TorchLoss(const NetworkParameters &network, const LossSettings &loss, Precision precision,
            const SampleSet &samples, const TorchPlace &place, Ranks &ranks);

  void set_parameters(const double *parameters) override { present = on_device(parameters); }

 private:
  /// Of a chunk, in double; forces [n_atoms][3] and virials [n][6] are undefined if not wanted.
  struct Predicted {
    at::Tensor energy, force, virial;
  };
  std::size_t chunk_atoms(std::size_t n, const Sample *const *batch) const override;
  double evaluate_chunk(const Chunk &chunk, double *partial, ErrorSums *sums,
                        double *predicted) override;
  void set_moved(const double *parameters) override { moved = on_device(parameters); }
  void product_chunk(const Chunk &chunk, const double *predicted, double step,
                     double *partial) override;

  at::Tensor on_device(const double *parameters) const;
  at::Tensor to_device(const std::vector<double> &values, at::IntArrayRef shape) const;
  at::Tensor factors_of(const Chunk &chunk) const;
  at::Tensor network_energies(const std::vector<at::Tensor> &weights, int set, at::Tensor x) const;
  at::Tensor energies(const TorchChunk &chunk, const at::Tensor &x, const at::Tensor &theta) const;
  Predicted predict(const TorchChunk &chunk, const at::Tensor &theta) const;
  void keep(const Chunk &chunk, const Predicted &p, double *predicted) const;
  void count(const Chunk &chunk, ErrorSums &sums) const;

  NetworkParameters shape;
  const at::Device device;
  const at::ScalarType type;
  std::unique_ptr<TorchData> data;
  at::Tensor present, moved;                 // parameters [n], double
  at::Tensor energy_shift, input_scale;      // [n_elements] double; [n_sets][K]
  std::vector<std::int64_t> sizes;           // of weights and biases of the layers, of one network
  std::size_t largest_chunk;                 // atoms
};

TorchLoss::TorchLoss(const NetworkParameters &network, const LossSettings &loss,
                     Precision precision, const SampleSet &samples, const TorchPlace &place,
                     Ranks &ranks) :
    Loss((std::size_t) network.n_sets() * network.n_parameters(), loss, ranks), shape(network),
    device(place.gpu < 0 ? at::Device(at::kCPU)
                         : at::Device(at::kCUDA, (at::DeviceIndex) place.gpu)),
    type(precision == Precision::float32 ? at::kFloat : at::kDouble)
{
  at::set_num_threads(std::max(1, place.threads));
  const std::size_t number = at::elementSize(type);
  try {
    data = std::make_unique<TorchData>(samples, network, type, device);
    energy_shift = to_device(network.energy_shift, {network.n_elements});
    input_scale =
        to_device(network.input_scale, {network.n_sets(), network.n_descriptors}).to(type);
    set_parameters(network.parameters.data());
  } catch (const std::exception &error) {
    const std::size_t megabytes = TorchData::bytes(samples, number) / 1000000 + 1;
    throw libtorch_error("the data, " + std::to_string(megabytes) +
                             " MB, cannot be brought to the device",
                         device, error);
  }
  double numbers = 2.0 * data->numbers_per_atom();
  std::int64_t n_in = network.n_inputs();
  for (const std::int64_t n_out : network.layer_sizes) {
    sizes.insert(sizes.end(), {n_out * n_in, n_out});
    n_in = n_out;
    numbers += 12.0 * n_out;    // values, slopes, and what their derivatives need
  }
  largest_chunk = (std::size_t) std::max(1.0, place.chunk_bytes / (numbers * number));
}

at::Tensor TorchLoss::to_device(const std::vector<double> &values, at::IntArrayRef shape) const
{
  return at::from_blob(const_cast<double *>(values.data()), shape, at::kDouble).clone().to(device);
}

at::Tensor TorchLoss::on_device(const double *parameters) const
{
  return at::from_blob(const_cast<double *>(parameters), {(std::int64_t) n}, at::kDouble)
      .clone()
      .to(device);
}

// Every rank gets a part of the batch, and no chunk is too large for the memory.
std::size_t TorchLoss::chunk_atoms(std::size_t n_batch, const Sample *const *batch) const
{
  std::size_t n_atoms = 0;
  for (std::size_t m = 0; m < n_batch; m++) n_atoms += batch[m]->n_atoms;
  const std::size_t n_ranks = ranks.size();
  return std::clamp<std::size_t>((n_atoms + n_ranks - 1) / n_ranks, 1, largest_chunk);
}

// [n][3]: factors of energy, force and virial of each configuration, 0 without a label
at::Tensor TorchLoss::factors_of(const Chunk &chunk) const
{
  std::vector<double> values;
  for (std::size_t m = 0; m < chunk.n_samples; m++) {
    const Sample &sample = *chunk.samples[m];
    values.push_back(sample.has_energy() ? chunk.factors[m].energy : 0.0);
    values.push_back(sample.has_forces() ? chunk.factors[m].force : 0.0);
    values.push_back(sample.has_virial() ? chunk.factors[m].virial : 0.0);
  }
  return to_device(values, {(std::int64_t) chunk.n_samples, 3});
}

at::Tensor TorchLoss::network_energies(const std::vector<at::Tensor> &weights, int set,
                                       at::Tensor x) const
{
  for (std::size_t l = 0; l < shape.layer_sizes.size(); l++) {
    const std::int64_t n_out = shape.layer_sizes[l];
    const at::Tensor weight = weights[2 * l][set].view({n_out, x.size(1)});
    x = activated(shape.activations[l], at::linear(x, weight, weights[2 * l + 1][set]));
  }
  return x.select(1, 0);
}

// in double, shift and scale included, for scaled inputs x
at::Tensor TorchLoss::energies(const TorchChunk &chunk, const at::Tensor &x,
                               const at::Tensor &theta) const
{
  const std::vector<at::Tensor> weights =
      theta.to(type).view({shape.n_sets(), -1}).split_with_sizes(sizes, 1);
  at::Tensor e;
  if (shape.n_sets() > 1) {
    const std::vector<at::Tensor> inputs =
        x.index_select(0, chunk.order).split_with_sizes(chunk.per_set, 0);
    std::vector<at::Tensor> parts;
    for (int set = 0; set < shape.n_sets(); set++)
      parts.push_back(network_energies(weights, set, inputs[set]));
    e = at::zeros({chunk.n_atoms}, x.options()).index_copy(0, chunk.order, at::cat(parts));
  } else if (shape.element_mode == ElementMode::one_hot) {
    const at::Tensor elements = at::eye(shape.n_elements, x.options().requires_grad(false));
    e = network_energies(weights, 0, at::cat({x, elements.index_select(0, chunk.element)}, 1));
  } else {
    e = network_energies(weights, 0, x);
  }
  return shape.output_scale * e.to(at::kDouble) + energy_shift.index_select(0, chunk.element);
}

/// Products of the blocks with the slopes, added up in double.
at::Tensor sum_blocks(const TorchChunk::Blocks &blocks, const at::Tensor &slope, std::int64_t n)
{
  const at::Tensor g = slope.index_select(0, blocks.row).unsqueeze(2);
  const at::Tensor products = at::bmm(blocks.value, g).squeeze(2).to(at::kDouble);
  return at::zeros({n, blocks.value.size(1)}, products.options().requires_grad(false))
      .index_add(0, blocks.target, products);
}

// A derivative with respect to theta is possible if theta requires one.
TorchLoss::Predicted TorchLoss::predict(const TorchChunk &chunk, const at::Tensor &theta) const
{
  const bool forces = chunk.forces.value.defined(), virials = chunk.virials.value.defined();
  at::Tensor x = chunk.input.detach();
  if (forces || virials) x.set_requires_grad(true);
  const at::Tensor e = energies(chunk, x, theta);
  Predicted result;
  result.energy = at::zeros({chunk.n}, e.options().requires_grad(false))
                      .index_add(0, chunk.atoms.part, e);
  if (!forces && !virials) return result;
  const bool again = theta.requires_grad();
  at::Tensor slope = torch::autograd::grad({e.sum()}, {x}, {}, again, again)[0];    // by x
  slope = slope / (shape.n_sets() > 1 ? input_scale.index_select(0, chunk.element) : input_scale);
  if (forces) result.force = sum_blocks(chunk.forces, slope, chunk.n_atoms);
  if (virials) result.virial = -sum_blocks(chunk.virials, slope, chunk.n);
  return result;
}

/// Copies numbers to the host, at `to`.
void copy_to(const at::Tensor &numbers, double *to)
{
  const at::Tensor here = numbers.detach().to(at::kCPU, at::kDouble).contiguous();
  std::copy_n(here.data_ptr<double>(), here.numel(), to);
}

/// The derivative [n] of a sum; zero if it depends on nothing.
at::Tensor derivative(const at::Tensor &sum, const at::Tensor &theta)
{
  if (!sum.requires_grad()) return at::zeros_like(theta);
  const at::Tensor result = torch::autograd::grad({sum}, {theta}, {}, false, false, true)[0];
  return result.defined() ? result : at::zeros_like(theta);
}

void TorchLoss::keep(const Chunk &chunk, const Predicted &p, double *predicted) const
{
  const auto values = [](const at::Tensor &t) {
    std::vector<double> v(t.defined() ? t.numel() : 0);
    if (t.defined()) copy_to(t, v.data());
    return v;
  };
  const std::vector<double> energy = values(p.energy), force = values(p.force),
                            virial = values(p.virial);
  std::size_t atom = 0;
  for (std::size_t m = 0; m < chunk.n_samples; m++) {
    const Sample &sample = *chunk.samples[m];
    const std::size_t n_components = 3 * (std::size_t) sample.n_atoms;
    if (sample.has_energy()) *predicted = energy[m];
    if (sample.has_forces() && !force.empty())
      std::copy_n(&force[3 * atom], n_components, predicted + 1);
    else if (sample.has_forces())
      std::fill_n(predicted + 1, n_components, 0.0);    // nobody has neighbors
    if (sample.has_virial()) std::copy_n(&virial[6 * m], 6, predicted + 1 + n_components);
    predicted += predicted_numbers(sample);
    atom += sample.n_atoms;
  }
}

void TorchLoss::count(const Chunk &chunk, ErrorSums &sums) const
{
  for (std::size_t m = 0; m < chunk.n_samples; m++) {
    sums.n_energies += chunk.samples[m]->has_energy();
    sums.n_forces += chunk.samples[m]->has_forces() ? 3 * chunk.samples[m]->n_atoms : 0;
    sums.n_stresses += chunk.samples[m]->has_virial() ? 6 : 0;
  }
}

// One transfer brings all figures back, since each waits for the device.
double TorchLoss::evaluate_chunk(const Chunk &chunk, double *partial, ErrorSums *sums,
                                 double *predicted)
try {
  const TorchChunk c = data->chunk(chunk.n_samples, chunk.samples);
  const at::Tensor factors = factors_of(chunk);
  const at::Tensor theta = present.detach().set_requires_grad(partial != nullptr);
  const Predicted p = predict(c, theta);
  const auto factor = [&](int k) { return factors.select(1, k); };
  const auto weight = [&](int k) { return c.label.select(1, k); };
  // errors [.][components], their factors and what their sizes count
  const at::Tensor de = p.energy - c.label.select(1, 0);
  at::Tensor loss = (factor(0) * de * de).sum();
  const at::Tensor energy = (weight(7) * de.abs()).sum();
  // of forces or virials: adds to the loss, returns the sum of errors
  const auto add = [&](const at::Tensor &error, const at::Tensor &f, const at::Tensor &w) {
    loss = loss + (f * (error * error).sum(1)).sum();
    return (w * error.abs().sum(1)).sum();
  };
  const at::Tensor &part = c.atoms.part;
  const at::Tensor force =
      add(p.force.defined() ? p.force - c.force : -c.force, factor(1).index_select(0, part),
          weight(8).index_select(0, part));
  const at::Tensor stress = p.virial.defined()
      ? add(p.virial - c.label.narrow(1, 1, 6), factor(2), weight(9))
      : at::zeros_like(force);
  at::Tensor all = at::stack({loss, energy, force, stress}).detach();
  if (partial) all = at::cat({all, derivative(loss, theta)});
  std::vector<double> numbers(all.numel());
  copy_to(all, numbers.data());
  if (partial) std::copy(numbers.begin() + 4, numbers.end(), partial);
  if (sums) {
    count(chunk, *sums);
    sums->energy += numbers[1];
    sums->force += numbers[2];
    sums->stress += numbers[3];
  }
  if (predicted) keep(chunk, p, predicted);
  return numbers[0];
} catch (const c10::Error &error) {
  throw libtorch_error("libtorch cannot evaluate the loss", device, error);
}

// The derivative of sum W (J v) . prediction with W (J v) held fixed.
void TorchLoss::product_chunk(const Chunk &chunk, const double *predicted, double step,
                              double *partial)
try {
  const TorchChunk c = data->chunk(chunk.n_samples, chunk.samples);
  std::vector<double> energy(c.n, 0.0), force(3 * c.n_atoms, 0.0), virial(6 * c.n, 0.0);
  std::size_t atom = 0;
  for (std::size_t m = 0; m < chunk.n_samples; m++) {
    const Sample &sample = *chunk.samples[m];
    const std::size_t n_components = 3 * (std::size_t) sample.n_atoms;
    if (sample.has_energy()) energy[m] = *predicted;
    if (sample.has_forces()) std::copy_n(predicted + 1, n_components, &force[3 * atom]);
    if (sample.has_virial()) std::copy_n(predicted + 1 + n_components, 6, &virial[6 * m]);
    predicted += predicted_numbers(sample);
    atom += sample.n_atoms;
  }
  const at::Tensor factors = factors_of(chunk) / step;
  const at::Tensor theta = present.detach().set_requires_grad(true);
  const Predicted here = predict(c, theta), there = predict(c, moved);
  const auto factor = [&](int k) { return factors.select(1, k); };
  const at::Tensor change = factor(0) * (there.energy.detach() - to_device(energy, {c.n}));
  at::Tensor sum = (change * here.energy).sum();
  const auto add = [&](const at::Tensor &a, const at::Tensor &b, const at::Tensor &old,
                       const at::Tensor &f) {
    sum = sum + (f.unsqueeze(1) * (b.detach() - old) * a).sum();
  };
  if (here.force.defined())
    add(here.force, there.force, to_device(force, {c.n_atoms, 3}),
        factor(1).index_select(0, c.atoms.part));
  if (here.virial.defined())
    add(here.virial, there.virial, to_device(virial, {c.n, 6}), factor(2));
  copy_to(derivative(sum, theta), partial);
} catch (const c10::Error &error) {
  throw libtorch_error("libtorch cannot evaluate the loss", device, error);
}

}    // namespace

std::unique_ptr<Loss> make_torch_loss(const NetworkParameters &network, const LossSettings &loss,
                                      Precision precision, const SampleSet &samples,
                                      const TorchPlace &place, Ranks &ranks)
{
  return std::make_unique<TorchLoss>(network, loss, precision, samples, place, ranks);
}

}    // namespace torchpot
