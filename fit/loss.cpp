// The weighted energy, force and stress loss of a batch of configurations and its gradient.
#include "loss.h"

#include <algorithm>
#include <cmath>

namespace torchpot {

const char *to_string(LossForm form)
{
  return form == LossForm::fitsnap ? "fitsnap" : "documented";
}

void loss_factors(const LossSettings &settings, std::size_t n, const Sample *const *batch,
                  LossFactors *factors)
{
  const bool all_energies = std::isfinite(settings.energy_weight);
  const bool all_forces = std::isfinite(settings.force_weight);
  const bool stresses = settings.stress_weight != 0.0;
  const bool all_stresses = std::isfinite(settings.stress_weight);
  double n_energies = 0.0, n_components = 0.0, n_virials = 0.0;
  for (std::size_t m = 0; m < n; m++) {
    if (batch[m]->has_energy()) n_energies += 1.0;
    if (batch[m]->has_forces()) n_components += 3.0 * batch[m]->n_atoms;
    if (batch[m]->has_virial()) n_virials += 6.0;
  }
  for (std::size_t m = 0; m < n; m++) {
    const Sample &sample = *batch[m];
    const double n_atoms = sample.n_atoms;
    const double we = all_energies ? settings.energy_weight : sample.energy_weight;
    const double wf = all_forces ? settings.force_weight : sample.force_weight;
    const double ws = all_stresses ? settings.stress_weight : sample.stress_weight;
    const bool has_virial = stresses && sample.has_virial();
    if (settings.form == LossForm::fitsnap) {
      factors[m].energy = sample.has_energy() ? we / (n_energies * n_atoms * n_atoms) : 0.0;
      factors[m].force = sample.has_forces() ? wf / n_components : 0.0;
      factors[m].virial = has_virial ? ws / (n_virials * n_atoms * n_atoms) : 0.0;
    } else {
      factors[m].energy = sample.has_energy() ? we / ((double) n * n_atoms) : 0.0;
      factors[m].force = sample.has_forces() ? wf / (3.0 * (double) n * n_atoms) : 0.0;
      factors[m].virial = has_virial ? ws / (6.0 * (double) n * n_atoms) : 0.0;
    }
  }
}

namespace {
// Atoms of a chunk: enough to fill SIMD vectors, few enough that a batch can be shared out.
constexpr std::size_t CHUNK_ATOMS = 64;
constexpr std::size_t MAX_SLOT_BYTES = 64 << 20;    // of the gradients of chunks, of several ranks
}    // namespace

/// In shared memory: the figures of a chunk, followed by its gradient [n].
struct Loss::Slot {
  double loss;
  ErrorSums sums;
  double *gradient() { return reinterpret_cast<double *>(this + 1); }
  static std::size_t bytes(std::size_t n) { return sizeof(Slot) + n * sizeof(double); }
};

Loss::Loss(std::size_t n_parameters, const LossSettings &loss, Ranks &ranks) :
    n(n_parameters), settings(loss), ranks(ranks)
{
  const std::size_t n_ranks = ranks.size();
  n_slots = n_ranks == 1 ? 1 : std::clamp(MAX_SLOT_BYTES / Slot::bytes(n), n_ranks, 32 * n_ranks);
  memory = ranks.share(n_slots * Slot::bytes(n) + n * sizeof(double));
}

BatchLoss::BatchLoss(const NetworkParameters &parameters, const LossSettings &loss,
                     Precision precision, Ranks &ranks) :
    Loss((std::size_t) parameters.n_sets() * parameters.n_parameters(), loss, ranks),
    n_descriptors(parameters.n_descriptors), shape(parameters), precision(precision),
    network(make_network_batch(parameters, precision))
{
}

std::size_t BatchLoss::chunk_atoms(std::size_t, const Sample *const *) const
{
  return CHUNK_ATOMS;
}

void BatchLoss::reserve(int n_atoms)
{
  if ((std::size_t) n_atoms <= element.size()) return;
  const std::size_t size = n_atoms, wide = size * n_descriptors;
  element.resize(size);
  energy.resize(size);
  energy_factor.resize(size);
  force.resize(3 * size);
  descriptor.resize(wide);
  slope.resize(wide);
  slope_factor.resize(wide);
}

double Loss::evaluate(std::size_t n_batch, const Sample *const *batch, double *gradient,
                      ErrorSums *sums)
{
  if (factors.size() < n_batch) factors.resize(n_batch);
  loss_factors(settings, n_batch, batch, factors.data());
  return evaluate(n_batch, batch, factors.data(), gradient, sums);
}

std::size_t Loss::prediction_size(std::size_t n_batch, const Sample *const *batch)
{
  std::size_t size = 0;
  for (std::size_t m = 0; m < n_batch; m++) size += predicted_numbers(*batch[m]);
  return size;
}

Loss::Chunk Loss::next_chunk(std::size_t n_batch, const Sample *const *batch,
                             const LossFactors *given, const Chunk &before,
                             std::size_t full) const
{
  Chunk chunk = {0, batch, given, 0};
  if (before.n_samples) {
    chunk = {0, before.samples + before.n_samples, before.factors + before.n_samples,
             before.predicted + prediction_size(before.n_samples, before.samples)};
  }
  std::size_t n_atoms = 0;
  for (const Sample *const *m = chunk.samples; m < batch + n_batch && n_atoms < full; m++) {
    n_atoms += (*m)->n_atoms;
    chunk.n_samples++;
  }
  return chunk;
}

// In rounds of as many chunks as there are slots. The order of all additions is that of the chunks.
template <class Work>
double Loss::sum_chunks(std::size_t n_batch, const Sample *const *batch,
                        const LossFactors *given, double *gradient, ErrorSums *sums,
                        Work &&work)
{
  if (gradient) std::fill(gradient, gradient + n, 0.0);
  double loss = 0.0;
  std::size_t first = 0, k = 0;
  const std::size_t full = chunk_atoms(n_batch, batch);
  Chunk chunk = next_chunk(n_batch, batch, given, {}, full);
  while (chunk.n_samples) {
    for (k = 0; k < n_slots && chunk.n_samples; k++) {
      if ((first + k) % ranks.size() == (std::size_t) ranks.rank()) {
        Slot &slot = *reinterpret_cast<Slot *>(memory->data() + k * Slot::bytes(n));
        slot.sums = ErrorSums();
        slot.loss = work(chunk, gradient ? slot.gradient() : nullptr, sums ? &slot.sums : nullptr);
      }
      chunk = next_chunk(n_batch, batch, given, chunk, full);
    }
    add_slots(k, first, gradient, sums, loss);
    first += k;
  }
  return loss;
}

void Loss::add_slots(std::size_t n_used, std::size_t first, double *gradient, ErrorSums *sums,
                     double &loss)
{
  const auto slot = [this](std::size_t k) -> Slot & {
    return *reinterpret_cast<Slot *>(memory->data() + k * Slot::bytes(n));
  };
  ranks.barrier();
  if (ranks.n_nodes() > 1) {
    for (std::size_t k = 0; k < n_used; k++)
      ranks.copy_to_nodes((char *) &slot(k), Slot::bytes(n), (int) ((first + k) % ranks.size()));
    ranks.barrier();
  }
  for (std::size_t k = 0; k < n_used; k++) {
    loss += slot(k).loss;
    if (sums) sums->add(slot(k).sums);
  }
  if (gradient) {
    // each rank of a node adds up its part of the parameters
    double *const total = reinterpret_cast<double *>(memory->data() + n_slots * Slot::bytes(n));
    const auto [begin, end] = ranks.share_of(n);
    for (std::size_t k = 0; k < n_used; k++) {
      const double *const part = slot(k).gradient();
      for (std::size_t p = begin; p < end; p++) gradient[p] += part[p];
    }
    std::copy(gradient + begin, gradient + end, total + begin);
    ranks.barrier();
    std::copy_n(total, n, gradient);
  }
  // nobody may write to the slots or the sum before all have read them
  ranks.barrier();
}

double Loss::evaluate(std::size_t n_batch, const Sample *const *batch,
                      const LossFactors *given, double *gradient, ErrorSums *sums,
                      double *predicted)
{
  return sum_chunks(n_batch, batch, given, gradient, sums,
                    [&](const Chunk &chunk, double *result, ErrorSums *chunk_sums) {
                      return evaluate_chunk(chunk, result, chunk_sums,
                                            predicted ? predicted + chunk.predicted : nullptr);
                    });
}

void Loss::product(std::size_t n_batch, const Sample *const *batch, const LossFactors *given,
                   const double *predicted, const double *moved, double step, double *result)
{
  set_moved(moved);
  sum_chunks(n_batch, batch, given, result, nullptr,
             [&](const Chunk &chunk, double *part, ErrorSums *) {
               product_chunk(chunk, predicted + chunk.predicted, step, part);
               return 0.0;
             });
}

void BatchLoss::forward(std::size_t n_samples, const Sample *const *samples)
{
  int n_atoms = 0;
  for (std::size_t m = 0; m < n_samples; m++) n_atoms += samples[m]->n_atoms;
  reserve(n_atoms);
  std::size_t first = 0;
  for (std::size_t m = 0; m < n_samples; m++) {
    const Sample &sample = *samples[m];
    std::copy_n(sample.element, sample.n_atoms, &element[first]);
    std::copy_n(sample.descriptor, (std::size_t) sample.n_atoms * n_descriptors,
                &descriptor[first * n_descriptors]);
    first += sample.n_atoms;
  }
  network->forward(n_atoms, element.data(), descriptor.data(), energy.data(), slope.data());
}

double BatchLoss::evaluate_chunk(const Chunk &chunk, double *result, ErrorSums *sums,
                                 double *predicted)
{
  forward(chunk.n_samples, chunk.samples);
  double loss = 0.0;
  int first_atom = 0;
  for (std::size_t m = 0; m < chunk.n_samples; m++) {
    const Sample &sample = *chunk.samples[m];
    loss += evaluate_sample(sample, chunk.factors[m], first_atom, result != nullptr, sums,
                            predicted);
    first_atom += sample.n_atoms;
    if (predicted) predicted += predicted_numbers(sample);
  }
  if (result) {
    std::fill(result, result + n, 0.0);
    network->parameter_gradient(energy_factor.data(), slope_factor.data(), result);
  }
  return loss;
}

void BatchLoss::predict_forces(const Sample &sample, int first_atom, double *result) const
{
  std::fill_n(result, 3 * sample.n_atoms, 0.0);
  sample.with_derivative([&](const auto *derivative) {
    derivative_forward(n_descriptors, sample.n_blocks, derivative, sample.row, sample.column,
                       &slope[(std::size_t) first_atom * n_descriptors], result);
  });
}

void BatchLoss::add_force_adjoint(const Sample &sample, int first_atom, const double *factor)
{
  sample.with_derivative([&](const auto *derivative) {
    derivative_adjoint(n_descriptors, sample.n_blocks, derivative, sample.row, sample.column,
                       factor, &slope_factor[(std::size_t) first_atom * n_descriptors]);
  });
}

// The virial is W = - sum_i strain_i g_i, linear in g as the forces are.
void BatchLoss::predict_virial(const Sample &sample, int first_atom, double *result) const
{
  const std::size_t n_slopes = n_descriptors;
  const double *s = sample.strain;
  std::fill_n(result, 6, 0.0);
  for (int i = 0; i < sample.n_atoms; i++) {
    const double *g = &slope[(first_atom + i) * n_slopes];
    for (int v = 0; v < 6; v++, s += n_slopes) {
      double sum = 0.0;
      for (std::size_t k = 0; k < n_slopes; k++) sum += g[k] * s[k];
      result[v] -= sum;
    }
  }
}

void BatchLoss::add_virial_adjoint(const Sample &sample, int first_atom, const double *factor)
{
  const std::size_t n_slopes = n_descriptors;
  const double *s = sample.strain;
  for (int i = 0; i < sample.n_atoms; i++) {
    double *h = &slope_factor[(first_atom + i) * n_slopes];
    for (int v = 0; v < 6; v++, s += n_slopes)
      for (std::size_t k = 0; k < n_slopes; k++) h[k] -= factor[v] * s[k];
  }
}

void BatchLoss::set_moved(const double *parameters)
{
  if (!other) other = std::make_unique<BatchLoss>(shape, settings, precision);
  other->set_parameters(parameters);
}

void BatchLoss::product_chunk(const Chunk &chunk, const double *predicted, double step,
                              double *result)
{
  BatchLoss &moved = *other;
  forward(chunk.n_samples, chunk.samples);
  moved.forward(chunk.n_samples, chunk.samples);
  int first_atom = 0;
  for (std::size_t m = 0; m < chunk.n_samples; m++) {
    const Sample &sample = *chunk.samples[m];
    const LossFactors &factor = chunk.factors[m];
    const int n_atoms = sample.n_atoms;
    double change = 0.0;
    if (sample.has_energy()) {
      for (int i = 0; i < n_atoms; i++) change += moved.energy[first_atom + i];
      change = factor.energy * (change - *predicted) / step;
    }
    predicted++;
    const std::size_t offset = (std::size_t) first_atom * n_descriptors;
    std::fill_n(&energy_factor[first_atom], n_atoms, change);
    std::fill_n(&slope_factor[offset], (std::size_t) n_atoms * n_descriptors, 0.0);
    if (sample.has_forces()) {
      double *f = force.data();
      moved.predict_forces(sample, first_atom, f);
      for (int k = 0; k < 3 * n_atoms; k++) f[k] = factor.force * (f[k] - predicted[k]) / step;
      add_force_adjoint(sample, first_atom, f);
    }
    predicted += 3 * n_atoms;
    if (factor.virial != 0.0) {
      double w[6];
      moved.predict_virial(sample, first_atom, w);
      for (int v = 0; v < 6; v++) w[v] = factor.virial * (w[v] - predicted[v]) / step;
      add_virial_adjoint(sample, first_atom, w);
    }
    predicted += 6;
    first_atom += n_atoms;
  }
  std::fill(result, result + n, 0.0);
  network->parameter_gradient(energy_factor.data(), slope_factor.data(), result);
}

double BatchLoss::evaluate_sample(const Sample &sample, const LossFactors &factor, int first_atom,
                                  bool with_gradient, ErrorSums *sums, double *predicted)
{
  const int n_atoms = sample.n_atoms;
  double error = 0.0;
  if (sample.has_energy()) {
    for (int i = 0; i < n_atoms; i++) error += energy[first_atom + i];
    if (predicted) *predicted = error;
    error -= sample.energy;
    if (sums) {
      sums->n_energies++;
      sums->energy += std::fabs(error) / n_atoms;
    }
  }
  if (with_gradient) {
    const std::size_t offset = (std::size_t) first_atom * n_descriptors;
    std::fill_n(&energy_factor[first_atom], n_atoms, 2.0 * factor.energy * error);
    std::fill_n(&slope_factor[offset], (std::size_t) n_atoms * n_descriptors, 0.0);
  }
  double loss = factor.energy * error * error;
  if (sample.has_forces())
    loss += force_loss(sample, factor.force, first_atom, with_gradient, sums,
                       predicted ? predicted + 1 : nullptr);
  if (sample.has_virial())
    loss += virial_loss(sample, factor.virial, first_atom, with_gradient, sums,
                        predicted ? predicted + 1 + 3 * n_atoms : nullptr);
  return loss;
}

// The forces are F = D g with g the slopes dE/dB, linear in g: dL/dg = D^T dL/dF.
double BatchLoss::force_loss(const Sample &sample, double factor, int first_atom,
                             bool with_gradient, ErrorSums *sums, double *predicted)
{
  double *f = force.data();
  const int n_components = 3 * sample.n_atoms;
  predict_forces(sample, first_atom, f);
  if (predicted) std::copy_n(f, n_components, predicted);
  double squares = 0.0, absolute = 0.0;
  for (int k = 0; k < n_components; k++) {
    const double residual = f[k] - sample.force[k];
    squares += residual * residual;
    absolute += std::fabs(residual);
    f[k] = 2.0 * factor * residual;
  }
  if (sums) {
    sums->n_forces += n_components;
    sums->force += absolute;
  }
  if (with_gradient) add_force_adjoint(sample, first_atom, f);
  return factor * squares;
}

double BatchLoss::virial_loss(const Sample &sample, double factor, int first_atom,
                              bool with_gradient, ErrorSums *sums, double *predicted)
{
  double w[6], squares = 0.0, absolute = 0.0;
  predict_virial(sample, first_atom, w);
  if (predicted) std::copy_n(w, 6, predicted);
  for (int v = 0; v < 6; v++) {
    const double residual = w[v] - sample.virial[v];
    squares += residual * residual;
    absolute += std::fabs(residual);
    w[v] = 2.0 * factor * residual;
  }
  if (sums) {
    sums->n_stresses += 6;
    sums->stress += absolute * sample.shown_stress;
  }
  if (with_gradient && factor != 0.0) add_virial_adjoint(sample, first_atom, w);
  return factor * squares;
}

double BatchLoss::predict(const Sample &sample, double *result, double *virial)
{
  const Sample *samples = &sample;
  forward(1, &samples);
  double total = 0.0;
  for (int i = 0; i < sample.n_atoms; i++) total += energy[i];
  predict_forces(sample, 0, result);
  if (virial && sample.strain)
    predict_virial(sample, 0, virial);
  else if (virial)
    std::fill_n(virial, 6, std::numeric_limits<double>::quiet_NaN());
  return total;
}

}    // namespace torchpot
