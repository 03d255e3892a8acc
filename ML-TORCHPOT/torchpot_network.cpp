// Energy functions of descriptors: names, checks, and the slow reference.
#include "torchpot_error.h"
#include "torchpot_network_kernel.h"

#include <algorithm>
#include <cmath>

namespace torchpot {
namespace {

constexpr const char *ACTIVATIONS[] = {"linear",   "tanh", "sigmoid", "relu",
                                       "softplus", "silu", "gelu"};

double logistic(double x)
{
  return x < 0.0 ? std::exp(x) / (1.0 + std::exp(x)) : 1.0 / (1.0 + std::exp(-x));
}

double normal_distribution(double x)
{
  return 0.5 * std::erfc(-x * M_SQRT1_2);
}

double normal_density(double x)
{
  return 0.5 * M_2_SQRTPI * M_SQRT1_2 * std::exp(-0.5 * x * x);
}

double activation_value(Activation a, double x)
{
  switch (a) {
    case Activation::linear: return x;
    case Activation::tanh: return std::tanh(x);
    case Activation::sigmoid: return logistic(x);
    case Activation::relu: return x <= 0.0 ? 0.0 : x;
    case Activation::softplus: return (x <= 0.0 ? 0.0 : x) + std::log1p(std::exp(-std::fabs(x)));
    case Activation::silu: return x * logistic(x);
    case Activation::gelu: return x * normal_distribution(x);
  }
  return NAN;
}

double activation_slope(Activation a, double x)
{
  switch (a) {
    case Activation::linear: return 1.0;
    case Activation::tanh: return (1.0 - std::tanh(x)) * (1.0 + std::tanh(x));
    case Activation::sigmoid: return logistic(x) * logistic(-x);
    case Activation::relu: return x <= 0.0 ? 0.0 : 1.0;
    case Activation::softplus: return logistic(x);
    case Activation::silu: return logistic(x) * (1.0 + x * logistic(-x));
    case Activation::gelu: return normal_distribution(x) + x * normal_density(x);
  }
  return NAN;
}

/// Checks of one NetworkParameters; every problem names the field.
struct Checker {
  const NetworkParameters &p;
  const std::string where;

  void require(bool good, const char *field, const std::string &problem, const std::string &found,
               const std::string &wanted) const
  {
    if (!good) throw Error(problem, where + ", field " + field, found, wanted);
  }
  void at_least_one(int value, const char *field) const
  {
    require(value > 0, field, "not a possible number", std::to_string(value), "1 or more");
  }
  void array(const std::vector<double> &values, std::size_t n, const char *field) const
  {
    require(values.size() == n, field, "wrong number of values", std::to_string(values.size()),
            std::to_string(n));
    for (std::size_t i = 0; i < n; i++)
      require(std::isfinite(values[i]), field, "a value is not finite",
              std::to_string(values[i]) + " at place " + std::to_string(i), "numbers");
  }
  // so that all sizes are far from overflow
  void total() const
  {
    double n = 0.0, in = (double) p.n_descriptors + p.n_elements;
    if (p.kind != NetworkKind::mlp) n = in * in;
    for (const int out : p.layer_sizes) {
      n += out * (in + 1.0);
      in = out;
    }
    require(n * p.n_elements < 1e8, p.kind == NetworkKind::mlp ? "layer_sizes" : "n_descriptors",
            "too many parameters", std::to_string(n * p.n_elements), "fewer than 1e8");
  }
  void layers() const
  {
    if (p.kind != NetworkKind::mlp) {
      require(p.layer_sizes.empty() && p.activations.empty(), "layer_sizes",
              "only networks have layers", std::to_string(p.layer_sizes.size()) + " layers",
              "none");
      return;
    }
    require(!p.layer_sizes.empty(), "layer_sizes", "a network needs layers", "none",
            "at least one");
    for (const int size : p.layer_sizes) at_least_one(size, "layer_sizes");
    require(p.layer_sizes.back() == 1, "layer_sizes", "the last layer must have one output",
            std::to_string(p.layer_sizes.back()), "1");
    require(p.activations.size() == p.layer_sizes.size(), "activations", "wrong number of values",
            std::to_string(p.activations.size()), std::to_string(p.layer_sizes.size()));
  }
};

/// Tiles of eight rows of the matrix with element(row, column).
template <class T, class Element>
AlignedVector<T> tiles(std::size_t n_rows, std::size_t n_columns, Element element)
{
  AlignedVector<T> tiled(whole_tiles(n_rows) * n_columns, T(0));
  for (std::size_t r = 0; r < n_rows; r++)
    for (std::size_t c = 0; c < n_columns; c++)
      tiled[(r / 8 * n_columns + c) * 8 + r % 8] = (T) element(r, c);
  return tiled;
}

template <class T> AlignedVector<T> filled_up(const double *values, std::size_t n)
{
  AlignedVector<T> result(values, values + n);
  result.resize(whole_tiles(n), T(0));
  return result;
}

/// Linear and quadratic models: the weights, and the quadratic form as the full matrix.
template <class T>
typename BlockNetwork<T>::Layer form_layer(const NetworkParameters &p, const double *w)
{
  const std::size_t n = p.n_inputs();
  typename BlockNetwork<T>::Layer layer{n, n, {}, {}, filled_up<T>(w, n)};
  const double *const triangle = w + n;
  if (p.kind == NetworkKind::quadratic)
    layer.forward = tiles<T>(n, n, [&](std::size_t r, std::size_t c) {
      const std::size_t k = std::min(r, c), l = std::max(r, c);
      return triangle[k * n - k * (k + 1) / 2 + l];
    });
  return layer;
}

}    // namespace

const char *to_string(Activation a)
{
  return ACTIVATIONS[(int) a];
}

Activation activation_from(const std::string &name, const std::string &where)
{
  std::string known;
  for (int i = 0; i < (int) std::size(ACTIVATIONS); i++) {
    if (name == ACTIVATIONS[i]) return (Activation) i;
    known += (i ? ", " : "") + std::string(ACTIVATIONS[i]);
  }
  throw Error("unknown activation", where, name, known);
}

int NetworkParameters::n_parameters() const
{
  const int k = n_inputs();
  if (kind == NetworkKind::linear) return k;
  if (kind == NetworkKind::quadratic) return k + k * (k + 1) / 2;
  int n = 0, in = k;
  for (const int out : layer_sizes) {
    n += out * (in + 1);
    in = out;
  }
  return n;
}

void NetworkParameters::validate_shape(const std::string &where) const
{
  const Checker check{*this, where};
  check.at_least_one(n_elements, "n_elements");
  check.at_least_one(n_descriptors, "n_descriptors");
  check.layers();
  check.total();
  check.require(std::isfinite(output_scale), "output_scale", "a value is not finite",
                std::to_string(output_scale), "a number");
  check.array(energy_shift, n_elements, "energy_shift");
}

void NetworkParameters::validate(const std::string &where) const
{
  validate_shape(where);
  const Checker check{*this, where};
  const std::size_t sets = n_sets(), n = sets * n_descriptors;
  check.array(input_shift, n, "input_shift");
  check.array(input_scale, n, "input_scale");
  for (std::size_t i = 0; i < n; i++)
    check.require(std::isfinite(1.0 / input_scale[i]), "input_scale", "a value is zero",
                  "place " + std::to_string(i), "numbers other than zero");
  check.array(parameters, sets * n_parameters(), "parameters");
}

namespace {

// energy of inputs x, and its derivative: sum_k w_k x_k + sum_k<l v_kl x_k x_l + 1/2 v_kk x_k^2
double polynomial_reference(const NetworkParameters &p, const double *w,
                            const std::vector<double> &x, std::vector<double> &g)
{
  const int n = p.n_inputs();
  const double *v = w + n;
  double e = 0.0;
  for (int k = 0; k < n; k++) {
    e += w[k] * x[k];
    g[k] = w[k];
  }
  if (p.kind == NetworkKind::linear) return e;
  for (int k = 0; k < n; k++)
    for (int l = k; l < n; l++, v++) {
      e += (k == l ? 0.5 : 1.0) * *v * x[k] * x[l];
      g[k] += *v * x[l];
      if (k != l) g[l] += *v * x[k];
    }
  return e;
}

// layers first .. last; x is the input of the first, g becomes the derivative with respect to it
double layers_reference(const NetworkParameters &p, std::size_t layer, const double *w,
                        const std::vector<double> &x, std::vector<double> &g)
{
  if (layer == p.layer_sizes.size()) {
    g.assign(1, 1.0);
    return x[0];
  }
  const int n_in = (int) x.size(), n_out = p.layer_sizes[layer];
  const double *bias = w + n_out * n_in;
  std::vector<double> z(bias, bias + n_out), y(n_out), up;
  for (int o = 0; o < n_out; o++) {
    for (int i = 0; i < n_in; i++) z[o] += w[o * n_in + i] * x[i];
    y[o] = activation_value(p.activations[layer], z[o]);
  }
  const double e = layers_reference(p, layer + 1, bias + n_out, y, up);
  g.assign(n_in, 0.0);
  for (int o = 0; o < n_out; o++)
    for (int i = 0; i < n_in; i++)
      g[i] += up[o] * activation_slope(p.activations[layer], z[o]) * w[o * n_in + i];
  return e;
}

}    // namespace

double network_reference(const NetworkParameters &p, int element, const double *descriptor,
                         double *gradient)
{
  const int n = p.n_descriptors;
  const std::size_t set = p.element_mode == ElementMode::per_element ? element : 0;
  const double *shift = &p.input_shift[set * n], *scale = &p.input_scale[set * n];
  const double *w = &p.parameters[set * p.n_parameters()];
  std::vector<double> x(p.n_inputs(), 0.0), g(p.n_inputs());
  for (int k = 0; k < n; k++) x[k] = (descriptor[k] - shift[k]) / scale[k];
  if (p.element_mode == ElementMode::one_hot) x[n + element] = 1.0;
  const double e = p.kind == NetworkKind::mlp ? layers_reference(p, 0, w, x, g)
                                              : polynomial_reference(p, w, x, g);
  if (gradient)
    for (int k = 0; k < n; k++) gradient[k] = p.output_scale * g[k] / scale[k];
  return p.energy_shift[element] + p.output_scale * e;
}

template <class T>
BlockNetwork<T>::BlockNetwork(const NetworkParameters &p) :
    kind(p.kind), element_mode(p.element_mode), n_descriptors(p.n_descriptors),
    n_inputs(p.n_inputs()), n_elements(p.n_elements), activations(p.activations), output_scale((T) p.output_scale),
    energy_shift(p.energy_shift.begin(), p.energy_shift.end()), sets(p.n_sets())
{
  for (std::size_t s = 0; s < sets.size(); s++) {
    const double *w = &p.parameters[s * p.n_parameters()];
    for (int k = 0; k < n_descriptors; k++) {
      sets[s].input_shift.push_back((T) p.input_shift[s * n_descriptors + k]);
      sets[s].input_factor.push_back((T) (1.0 / p.input_scale[s * n_descriptors + k]));
    }
    if (kind != NetworkKind::mlp) sets[s].layers.push_back(form_layer<T>(p, w));
    std::size_t n_in = n_inputs;
    for (const std::size_t n_out : p.layer_sizes) {
      const double *const bias = w + n_out * n_in;
      sets[s].layers.push_back(
          {n_in, n_out,
           tiles<T>(n_out, n_in, [&](std::size_t r, std::size_t c) { return w[r * n_in + c]; }),
           tiles<T>(n_in, n_out, [&](std::size_t r, std::size_t c) { return w[c * n_in + r]; }),
           filled_up<T>(bias, n_out)});
      w = bias + n_out;
      n_in = n_out;
    }
  }
  std::size_t total = 0, widest = whole_tiles(n_inputs);
  for (const int size : p.layer_sizes) {
    total += whole_tiles(size);
    widest = std::max(widest, whole_tiles(size));
  }
  value.resize((whole_tiles(n_inputs) + total) * MAX_COLUMNS);
  slope.resize(total * MAX_COLUMNS);
  adjoint.resize(widest * MAX_COLUMNS);
  spare.resize(widest * MAX_COLUMNS);
  padded.resize((std::size_t) 2 * n_descriptors * MAX_COLUMNS);
}

namespace {

template <class T> class NetworkEnergy : public BlockEnergy<T> {
 public:
  explicit NetworkEnergy(const NetworkParameters &p) : net(p) {}
  void operator()(int width, const int *element, const T *descriptor, T *energy,
                  T *gradient) override
  {
    block_network_evaluate(net, width, element, descriptor, energy, gradient);
  }
  bool is_linear() const override { return net.kind == NetworkKind::linear; }

 private:
  BlockNetwork<T> net;
};

}    // namespace

template <class T>
std::unique_ptr<BlockEnergy<T>> make_block_energy(const NetworkParameters &parameters)
{
  parameters.validate("network");
  return std::make_unique<NetworkEnergy<T>>(parameters);
}
template std::unique_ptr<BlockEnergy<double>> make_block_energy(const NetworkParameters &);
template std::unique_ptr<BlockEnergy<float>> make_block_energy(const NetworkParameters &);

}    // namespace torchpot
