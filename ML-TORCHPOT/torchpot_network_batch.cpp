// Training passes: atoms sorted into groups that share parameters, and scaling of inputs.
#include "torchpot_network_batch.h"

#include "torchpot_error.h"
#include "torchpot_network_batch_kernel.h"

#include <algorithm>

namespace torchpot {
namespace {

template <class T> class Batch : public NetworkBatch {
 public:
  explicit Batch(const NetworkParameters &parameters) : p(parameters)
  {
    for (const double scale : p.input_scale) factor.push_back(1.0 / scale);
    for (int s = 0; s < p.n_sets(); s++) sets.push_back(empty_set());
    n_blocks.resize(sets.size());
    blocks.resize(sets.size());
    allocate_scratch();
    set_parameters(p.parameters.data());
  }

  void set_parameters(const double *parameters) override
  {
    for (BatchSet<T> &set : sets) {
      if (p.kind == NetworkKind::mlp)
        for (BatchLayer<T> &layer : set.layers) parameters = take(layer, parameters);
      else
        parameters = take(set, parameters);
    }
  }

  void forward(int n_atoms, const int *element, const double *descriptor, double *energy,
               double *gradient) override
  {
    distribute(n_atoms, element);
    for (std::size_t s = 0; s < sets.size(); s++)
      for (std::size_t i = 0; i < n_blocks[s]; i++) {
        inputs(s, blocks[s][i], element, descriptor);
        batch_forward(sets[s], blocks[s][i], scratch);
        outputs(s, blocks[s][i], element, energy, gradient);
      }
  }

  void parameter_gradient(const double *a, const double *h, double *result) override
  {
    for (std::size_t s = 0; s < sets.size(); s++)
      for (std::size_t i = 0; i < n_blocks[s]; i++) {
        tangents(s, blocks[s][i], a, h);
        batch_parameter_gradient(sets[s], blocks[s][i], scratch, weight, p.output_scale,
                                 result + s * p.n_parameters());
      }
  }

 private:
  using Block = BatchBlock<T>;
  const NetworkParameters p;
  std::vector<double> factor;    // [n_sets][n_descriptors] 1 / input_scale
  std::vector<BatchSet<T>> sets;
  std::vector<std::size_t> n_blocks;         // [n_sets] in use
  std::vector<std::vector<Block>> blocks;    // [n_sets] the batch of the last forward()
  BatchScratch<T> scratch;
  T weight[Block::MAX_ATOMS];    // a of one block

  BatchSet<T> empty_set() const
  {
    BatchSet<T> set;
    set.kind = p.kind;
    set.n_in = p.n_inputs();
    set.ld_in = padded_row(set.n_in);
    std::size_t n_in = set.n_in;
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
      n_in = layer.n_out;
      set.layers.push_back(std::move(layer));
    }
    set.weights.assign(set.ld_in, T(0));
    if (p.kind == NetworkKind::quadratic) set.matrix.assign(set.n_in * set.ld_in, T(0));
    return set;
  }

  void allocate_scratch()
  {
    std::size_t widest = sets[0].ld_in, largest = sets[0].n_in * sets[0].ld_in;
    for (const BatchLayer<T> &l : sets[0].layers) {
      widest = std::max(widest, l.ld_out);
      largest = std::max({largest, l.n_out * l.ld_in, l.ld_out});
    }
    scratch.rows.assign(Block::MAX_ATOMS * widest, T(0));
    scratch.sum.assign(largest, T(0));
  }

  Block new_block() const
  {
    constexpr std::size_t n = Block::MAX_ATOMS;
    const BatchSet<T> &set = sets[0];
    Block block;
    block.atom.reserve(n);
    block.output.assign(16 * n, T(0));
    block.gradient.assign(n * set.ld_in, T(0));
    if (set.layers.empty()) block.rows.push_back(new_rows(set.ld_in, set.ld_in));
    for (const BatchLayer<T> &l : set.layers) block.rows.push_back(new_rows(l.ld_in, l.ld_out));
    return block;
  }

  static BatchRows<T> new_rows(std::size_t ld_in, std::size_t ld_out)
  {
    constexpr std::size_t n = Block::MAX_ATOMS;
    BatchRows<T> rows;
    rows.input.assign(2 * n * ld_in, T(0));
    rows.slope.assign(n * ld_out, T(0));
    rows.curvature.assign(n * ld_out, T(0));
    rows.adjoint.assign(2 * n * ld_out, T(0));
    return rows;
  }

  static const double *take(BatchLayer<T> &l, const double *w)
  {
    for (std::size_t o = 0; o < l.n_out; o++)
      for (std::size_t i = 0; i < l.n_in; i++, w++)
        l.weight[o * l.ld_in + i] = l.transposed[i * l.ld_out + o] = (T) *w;
    std::copy(w, w + l.n_out, l.bias.begin());
    return w + l.n_out;
  }

  static const double *take(BatchSet<T> &set, const double *w)
  {
    std::copy(w, w + set.n_in, set.weights.begin());
    w += set.n_in;
    if (set.kind == NetworkKind::quadratic)
      for (std::size_t k = 0; k < set.n_in; k++)
        for (std::size_t l = k; l < set.n_in; l++, w++)
          set.matrix[k * set.ld_in + l] = set.matrix[l * set.ld_in + k] = (T) *w;
    return w;
  }

  void distribute(int n_atoms, const int *element)
  {
    std::fill(n_blocks.begin(), n_blocks.end(), 0);
    for (int i = 0; i < n_atoms; i++) {
      const int s = p.element_mode == ElementMode::per_element ? element[i] : 0;
      if (n_blocks[s] == 0 || blocks[s][n_blocks[s] - 1].atom.size() == Block::MAX_ATOMS) {
        if (n_blocks[s] == blocks[s].size()) blocks[s].push_back(new_block());
        blocks[s][n_blocks[s]++].atom.clear();
      }
      blocks[s][n_blocks[s] - 1].atom.push_back(i);
    }
  }

  void inputs(std::size_t s, Block &block, const int *element, const double *descriptor) const
  {
    const std::size_t K = p.n_descriptors, ld = sets[s].ld_in;
    const double *const shift = &p.input_shift[s * K], *const f = &factor[s * K];
    T *x = block.rows[0].input.data();
    for (const std::size_t i : block.atom) {
      for (std::size_t k = 0; k < K; k++) x[k] = (T) ((descriptor[i * K + k] - shift[k]) * f[k]);
      std::fill(x + K, x + ld, T(0));
      if (p.element_mode == ElementMode::one_hot) x[K + element[i]] = T(1);
      x += ld;
    }
  }

  void outputs(std::size_t s, const Block &block, const int *element, double *energy,
               double *gradient) const
  {
    const std::size_t K = p.n_descriptors, ld = sets[s].ld_in;
    for (std::size_t r = 0; r < block.atom.size(); r++) {
      const std::size_t i = block.atom[r];
      energy[i] = p.energy_shift[element[i]] + p.output_scale * (double) block.output[16 * r];
      for (std::size_t k = 0; k < K; k++)
        gradient[i * K + k] =
            p.output_scale * factor[s * K + k] * (double) block.gradient[r * ld + k];
    }
  }

  // behind the inputs of all atoms of the block
  void tangents(std::size_t s, Block &block, const double *a, const double *h)
  {
    const std::size_t K = p.n_descriptors, ld = sets[s].ld_in, n = block.atom.size();
    const double *const f = &factor[s * K];
    for (std::size_t r = 0; r < n; r++) {
      const std::size_t i = block.atom[r];
      T *const x = block.rows[0].input.data() + (n + r) * ld;
      weight[r] = (T) a[i];
      for (std::size_t k = 0; k < K; k++) x[k] = (T) (h[i * K + k] * f[k]);
      std::fill(x + K, x + ld, T(0));
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
