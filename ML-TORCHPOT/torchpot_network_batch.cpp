// Training passes: atoms sorted into groups that share parameters, and scaling of inputs.
#include "torchpot_network_batch.h"

#include "torchpot_error.h"
#include "torchpot_network_batch_kernel.h"

#include <algorithm>

namespace torchpot {
namespace {

/// The sums are over rows of two halves; both are stored together so that one product over
/// 2 n_atoms rows adds what E and what h . g contribute.
template <class T> class Batch : public NetworkBatch {
 public:
  explicit Batch(const NetworkParameters &parameters) : p(parameters)
  {
    for (int s = 0; s < p.n_sets(); s++) {
      groups.push_back(shape());
      for (int k = 0; k < p.n_descriptors; k++)
        factor.push_back(1.0 / p.input_scale[(std::size_t) s * p.n_descriptors + k]);
    }
    members.resize(groups.size());
    set_parameters(p.parameters.data());
  }

  void set_parameters(const double *parameters) override
  {
    for (BatchGroup<T> &group : groups) {
      if (p.kind == NetworkKind::mlp)
        for (BatchLayer<T> &layer : group.layers) parameters = take(layer, parameters);
      else
        parameters = take(group, parameters);
    }
  }

  void forward(int n_atoms, const int *element, const double *descriptor, double *energy,
               double *gradient) override
  {
    sort(n_atoms, element);
    const std::size_t K = p.n_descriptors;
    for (std::size_t s = 0; s < groups.size(); s++) {
      BatchGroup<T> &group = groups[s];
      if (members[s].empty()) continue;
      resize(group, members[s].size());
      inputs(s, element, descriptor);
      batch_forward(group);
      for (std::size_t r = 0; r < members[s].size(); r++) {
        const std::size_t i = members[s][r];
        energy[i] = p.energy_shift[element[i]] + p.output_scale * (double) group.output[16 * r];
        for (std::size_t k = 0; k < K; k++)
          gradient[i * K + k] =
              p.output_scale * factor[s * K + k] * (double) group.gradient[r * group.ld_in + k];
      }
    }
  }

  void parameter_gradient(const double *a, const double *h, double *result) override
  {
    const std::size_t K = p.n_descriptors;
    for (std::size_t s = 0; s < groups.size(); s++) {
      BatchGroup<T> &group = groups[s];
      const std::size_t n = members[s].size(), ld = group.ld_in;
      if (n == 0) continue;
      T *const tangent = group.rows[0].input.data() + n * ld;
      weight.resize(std::max(weight.size(), n));
      for (std::size_t r = 0; r < n; r++) {
        const std::size_t i = members[s][r];
        weight[r] = (T) a[i];
        for (std::size_t k = 0; k < K; k++)
          tangent[r * ld + k] = (T) (h[i * K + k] * factor[s * K + k]);
        std::fill(tangent + r * ld + K, tangent + (r + 1) * ld, T(0));
      }
      batch_parameter_gradient(group, weight.data(), p.output_scale,
                               result + s * p.n_parameters());
    }
  }

 private:
  const NetworkParameters p;
  std::vector<double> factor;    // [n_sets][n_descriptors] 1 / input_scale
  std::vector<BatchGroup<T>> groups;
  std::vector<std::vector<int>> members;    // [n_sets] atoms of the last forward()
  AlignedVector<T> weight;

  BatchGroup<T> shape() const
  {
    BatchGroup<T> group;
    group.kind = p.kind;
    group.n_in = p.n_inputs();
    group.ld_in = padded_row(group.n_in);
    std::size_t n_in = group.n_in, largest = group.n_in * group.ld_in;
    for (std::size_t l = 0; l < p.layer_sizes.size(); l++) {
      BatchLayer<T> layer;
      layer.n_in = n_in;
      layer.n_out = p.layer_sizes[l];
      layer.ld_in = padded_row(layer.n_in);
      layer.ld_out = padded_row(layer.n_out);
      layer.activation = p.activations[l];
      layer.weight.assign(layer.n_out * layer.ld_in, T(0));
      layer.transposed.assign(layer.n_in * layer.ld_out, T(0));
      layer.bias.assign(layer.ld_out, T(0));
      largest = std::max({largest, layer.n_out * layer.ld_in, layer.ld_out});
      n_in = layer.n_out;
      group.layers.push_back(std::move(layer));
    }
    group.weights.assign(group.ld_in, T(0));
    if (p.kind == NetworkKind::quadratic) group.matrix.assign(group.n_in * group.ld_in, T(0));
    group.sum.assign(largest, T(0));
    group.rows.resize(std::max<std::size_t>(1, group.layers.size()));
    return group;
  }

  static const double *take(BatchLayer<T> &l, const double *w)
  {
    for (std::size_t o = 0; o < l.n_out; o++)
      for (std::size_t i = 0; i < l.n_in; i++, w++)
        l.weight[o * l.ld_in + i] = l.transposed[i * l.ld_out + o] = (T) *w;
    std::copy(w, w + l.n_out, l.bias.begin());
    return w + l.n_out;
  }

  static const double *take(BatchGroup<T> &g, const double *w)
  {
    std::copy(w, w + g.n_in, g.weights.begin());
    w += g.n_in;
    if (g.kind == NetworkKind::quadratic)
      for (std::size_t k = 0; k < g.n_in; k++)
        for (std::size_t l = k; l < g.n_in; l++, w++)
          g.matrix[k * g.ld_in + l] = g.matrix[l * g.ld_in + k] = (T) *w;
    return w;
  }

  void sort(int n_atoms, const int *element)
  {
    for (std::vector<int> &list : members) list.clear();
    for (int i = 0; i < n_atoms; i++)
      members[p.element_mode == ElementMode::per_element ? element[i] : 0].push_back(i);
  }

  static void grow(AlignedVector<T> &array, std::size_t n)
  {
    if (array.size() < n) array.resize(n, T(0));
  }

  static void resize(BatchGroup<T> &g, std::size_t n)
  {
    g.n_atoms = n;
    grow(g.rows[0].input, 2 * n * g.ld_in);
    grow(g.rows[0].adjoint, 2 * n * g.ld_in);
    grow(g.gradient, n * g.ld_in);
    grow(g.output, 16 * n);
    grow(g.spare, n * g.ld_in);
    for (std::size_t l = 0; l < g.layers.size(); l++) {
      BatchRows<T> &r = g.rows[l];
      grow(r.input, 2 * n * g.layers[l].ld_in);
      grow(r.slope, n * g.layers[l].ld_out);
      grow(r.curvature, n * g.layers[l].ld_out);
      grow(r.adjoint, 2 * n * g.layers[l].ld_out);
      grow(g.spare, n * g.layers[l].ld_out);
    }
  }

  void inputs(std::size_t s, const int *element, const double *descriptor)
  {
    BatchGroup<T> &group = groups[s];
    const std::size_t K = p.n_descriptors, ld = group.ld_in;
    const double *const shift = &p.input_shift[s * K];
    for (std::size_t r = 0; r < members[s].size(); r++) {
      const std::size_t i = members[s][r];
      T *const x = group.rows[0].input.data() + r * ld;
      for (std::size_t k = 0; k < K; k++)
        x[k] = (T) ((descriptor[i * K + k] - shift[k]) * factor[s * K + k]);
      std::fill(x + K, x + ld, T(0));
      if (p.element_mode == ElementMode::one_hot) x[K + element[i]] = T(1);
    }
  }
};

}    // namespace

std::unique_ptr<NetworkBatch> make_network_batch(const NetworkParameters &parameters,
                                                 Precision precision)
{
  parameters.validate("network");
  if (precision == Precision::float32) return std::make_unique<Batch<float>>(parameters);
  return std::make_unique<Batch<double>>(parameters);
}

}    // namespace torchpot
