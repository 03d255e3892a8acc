// Energy functions of descriptors: linear and quadratic models and feed-forward networks.
#ifndef TORCHPOT_NETWORK_H
#define TORCHPOT_NETWORK_H

#include "torchpot_descriptor.h"

#include <memory>
#include <string>
#include <vector>

namespace torchpot {

enum class Activation { linear, tanh, sigmoid, relu, softplus, silu, gelu };
const char *to_string(Activation);
/// Throws Error naming `where`, the name found and the names known.
Activation activation_from(const std::string &name, const std::string &where);

enum class NetworkKind {
  linear,       // E = w . x
  quadratic,    // E = w . x + upper triangle: sum_k<l v_kl x_k x_l + 1/2 sum_k v_kk x_k^2
  mlp           // feed-forward network
};
enum class ElementMode {
  shared,         // one set of parameters for all elements
  per_element,    // one set per element
  one_hot         // one set; the element is appended to the inputs as a one-hot vector
};

/// Shape and parameters of an atomic energy function
///   E_i = energy_shift[e] + output_scale * f_e( (B_i - input_shift[e]) / input_scale[e] )
/// where e is the element of atom i and B_i its descriptors.
struct NetworkParameters {
  NetworkKind kind = NetworkKind::mlp;
  ElementMode element_mode = ElementMode::shared;
  int n_elements = 1;
  int n_descriptors = 0;
  std::vector<int> layer_sizes;           // mlp: sizes after the input, the last is 1
  std::vector<Activation> activations;    // mlp: one per layer; the last is linear as a rule
  double output_scale = 1.0;
  std::vector<double> energy_shift;    // [n_elements]
  std::vector<double> input_shift;     // [n_sets][n_descriptors]
  std::vector<double> input_scale;     // [n_sets][n_descriptors], none zero
  /// [n_sets][n_parameters()]. mlp: per layer the weights [out][in] then the biases [out].
  /// linear: weights [n_descriptors]. quadratic: weights, then the upper triangle row by row.
  std::vector<double> parameters;

  int n_sets() const { return element_mode == ElementMode::per_element ? n_elements : 1; }
  int n_inputs() const    // after a one-hot extension
  {
    return n_descriptors + (element_mode == ElementMode::one_hot ? n_elements : 0);
  }
  int n_parameters() const;    // per set
  /// Throws Error naming the field whose size or value is wrong; validate_shape() looks at what
  /// the sizes of input_shift, input_scale and parameters follow from.
  void validate(const std::string &where) const;
  void validate_shape(const std::string &where) const;
};

/// SIMD evaluation for the fused descriptor pass. One object per thread.
template <class T>
std::unique_ptr<BlockEnergy<T>> make_block_energy(const NetworkParameters &parameters);

/// Slow reference: one atom, plain loops in double. gradient [n_descriptors] may be null.
double network_reference(const NetworkParameters &parameters, int element,
                         const double *descriptor, double *gradient);

}    // namespace torchpot

#endif
