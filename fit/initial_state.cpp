// The network that training starts from when the input names a saved one.
#include "initial_state.h"

#include "linear_fit.h"
#include "scrape_fitdump.h"
#include "torchpot_error.h"
#include "torchpot_model_file.h"

#include <nlohmann/json.hpp>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace torchpot {

namespace {

using nlohmann::json;

constexpr const char *FORMAT = "torchpot-network";
constexpr const char *CONVERT =
    "What FitSNAP saved, tools/convert_fitsnap.py brings into a form that can be read here";

std::string content_of(const std::string &file)
{
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  if (stream) text << stream.rdbuf();
  if (!stream || text.str().empty())
    throw Error("the saved state cannot be read", file,
                errno ? std::strerror(errno) : "an empty file", "a file with a network");
  return text.str();
}

/// Fields of the JSON text; every problem names the field.
struct Fields {
  const json &object;
  const std::string &file;

  template <class T> T get(const char *key, const char *wanted) const
  {
    const std::string where = file + ", field " + key;
    const auto it = object.find(key);
    if (it == object.end()) throw Error("missing in the saved state", where, "", wanted);
    try {
      return it->get<T>();
    } catch (const json::exception &) {
      throw Error("wrong value in the saved state", where, it->dump().substr(0, 60), wanted);
    }
  }
};

json parsed(const std::string &text, const std::string &file)
{
  try {
    return json::parse(text);
  } catch (const json::exception &error) {
    throw Error("the saved state is damaged or not whole", file, error.what(),
                "a file of tools/convert_fitsnap.py", "Convert what FitSNAP saved once more");
  }
}

NetworkParameters network_from_json(const std::string &text, const std::string &file)
{
  const json object = parsed(text, file);
  const Fields fields{object, file};
  const auto format = fields.get<std::string>("format", FORMAT);
  const int version = fields.get<int>("version", "1");
  if (format != FORMAT || version != 1)
    throw Error("unknown kind of saved state", file, format + ", version " +
                std::to_string(version), std::string(FORMAT) + ", version 1", CONVERT);
  NetworkParameters p;
  p.n_descriptors = fields.get<int>("n_descriptors", "a whole number");
  p.layer_sizes = fields.get<std::vector<int>>("layer_sizes", "whole numbers");
  for (const auto &name : fields.get<std::vector<std::string>>("activations", "names"))
    p.activations.push_back(activation_from(name, file + ", field activations"));
  const auto sets = fields.get<std::vector<std::vector<double>>>(
      "parameters", "a list of numbers for each network");
  if (sets.size() > 1) p.element_mode = ElementMode::per_element;
  p.n_elements = (int) sets.size();
  p.energy_shift.assign(p.n_elements, 0.0);
  p.validate_shape(file);
  for (const std::vector<double> &set : sets) {
    if (set.size() != (std::size_t) p.n_parameters())
      throw Error("wrong number of values", file + ", field parameters",
                  std::to_string(set.size()), std::to_string(p.n_parameters()));
    p.parameters.insert(p.parameters.end(), set.begin(), set.end());
  }
  p.input_shift.assign((std::size_t) p.n_sets() * p.n_descriptors, 0.0);
  p.input_scale.assign(p.input_shift.size(), 1.0);
  p.validate(file);
  return p;
}

NetworkParameters network_from_model(const std::string &file, const Dataset &data)
{
  if (!is_torchpot_model(file) && content_of(file).compare(0, 2, "PK") == 0)
    throw Error("the saved state is not a torchpot model", file, "another archive",
                "a model.pt, or a file of tools/convert_fitsnap.py", CONVERT);
  Model model = read_model(file);
  const std::string difference = descriptor_difference(model.descriptor, data.descriptor);
  if (!difference.empty())
    throw Error("the saved network's descriptor is not that of the input", file, difference,
                "the descriptor of the input");
  if (model.units != data.units)
    throw Error("the saved network's units are not those of the data", file, model.units,
                data.units);
  return model.network;
}

const char *mode_words(ElementMode mode)
{
  switch (mode) {
    case ElementMode::per_element: return "one network per element";
    case ElementMode::one_hot: return "one network with one-hot elements";
    default: return "one network for all elements";
  }
}

std::string layer_words(const std::vector<int> &sizes, const std::vector<Activation> &activations)
{
  std::string text;
  for (std::size_t l = 0; l < sizes.size(); l++)
    text += (l ? ", " : "") + std::to_string(sizes[l]) + " " + to_string(activations[l]);
  return text;
}

/// Throws Error naming the difference.
void compare(const NetworkParameters &p, const NetworkShape &shape, const Dataset &data,
             const std::string &file)
{
  const auto same = [&](bool good, const char *what, const std::string &found,
                        const std::string &wanted, const char *next) {
    if (!good)
      throw Error(std::string("the saved network differs from that of the input: ") + what, file,
                  found, wanted, next);
  };
  same(p.kind == NetworkKind::mlp, "it is not a network with layers", "a linear or quadratic model",
       "a network", "");
  const int n = data.descriptor.n_descriptors();
  same(p.n_descriptors == n, "number of descriptors", std::to_string(p.n_descriptors),
       std::to_string(n), "Give [BISPECTRUM] the lines of its fit");
  same(p.layer_sizes == shape.layer_sizes && p.activations == shape.activations, "layers",
       layer_words(p.layer_sizes, p.activations), layer_words(shape.layer_sizes, shape.activations),
       "Set layer_sizes in [PYTORCH] and activation in [TORCHPOT] to those found");
  same(p.element_mode == shape.element_mode, "networks of elements", mode_words(p.element_mode),
       mode_words(shape.element_mode), "Set multi_element_option in [PYTORCH]");
  same(p.n_elements == (int) data.elements.size(), "number of elements",
       std::to_string(p.n_elements), std::to_string(data.elements.size()), "");
}

}    // namespace

SavedNetwork read_saved_network(const std::string &file, const NetworkShape &shape,
                                const Dataset &data)
{
  errno = 0;
  const std::string text = content_of(file);
  SavedNetwork saved;
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  saved.plain_inputs = first != std::string::npos && text[first] == '{';
  saved.network =
      saved.plain_inputs ? network_from_json(text, file) : network_from_model(file, data);
  NetworkParameters &p = saved.network;
  const int n_elements = (int) data.elements.size();
  if (saved.plain_inputs && p.element_mode == ElementMode::shared) {
    p.n_elements = n_elements;    // one network does not tell of how many elements
    p.energy_shift.assign(n_elements, 0.0);
  }
  if (n_elements == 1 && p.n_elements == 1 && p.n_inputs() == p.n_descriptors &&
      shape.element_mode != ElementMode::one_hot)
    p.element_mode = shape.element_mode;    // one for all and one per element are the same
  compare(p, shape, data, file);
  return saved;
}

NetworkParameters with_scaling(const NetworkParameters &network, const std::vector<double> &shift,
                               const std::vector<double> &scale)
{
  NetworkParameters result = network;
  const std::size_t n = network.n_descriptors, n_in = network.n_inputs();
  const std::size_t n_out = network.layer_sizes[0];
  for (int set = 0; set < network.n_sets(); set++) {
    double *weights = &result.parameters[(std::size_t) set * network.n_parameters()];
    double *bias = weights + n_out * n_in;
    for (std::size_t o = 0; o < n_out; o++) {
      long double sum = bias[o];
      for (std::size_t k = 0; k < n; k++) {
        const std::size_t at = set * n + k;
        const long double slope = (long double) weights[o * n_in + k] / network.input_scale[at];
        sum += slope * ((long double) shift[at] - network.input_shift[at]);
        weights[o * n_in + k] = (double) (slope * scale[at]);
      }
      bias[o] = (double) sum;
    }
  }
  result.input_shift = shift;
  result.input_scale = scale;
  return result;
}

NetworkParameters starting_network(const SavedNetwork &saved,
                                   const std::vector<const Sample *> &training)
{
  const NetworkParameters &p = saved.network;
  if (!saved.plain_inputs) return p;
  const NetworkParameters scaled = linear_start(NetworkKind::linear, p.element_mode, p.n_elements,
                                                p.n_descriptors, training);
  return with_scaling(p, scaled.input_shift, scaled.input_scale);
}

}    // namespace torchpot
