// The description of a model as JSON.
#include "torchpot_model.h"

#include "torchpot_error.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace torchpot {
namespace {

using Json = nlohmann::ordered_json;
using Strings = std::vector<std::string>;

constexpr int VERSION = 1;
const Strings KINDS = {"linear", "quadratic", "mlp"};
const Strings MODES = {"shared", "per_element", "one_hot"};
const Strings DTYPES = {"float64", "float32"};
const Strings UNITS = {"metal", "real", "lj", "si", "cgs", "electron", "micro", "nano"};

std::string joined(const Strings &names)
{
  std::string text;
  for (const std::string &name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

/// A JSON object read strictly: each member must be there and of its type, and no other may be.
class Reader {
 public:
  Reader(const Json &json, const std::string &where) : json(json), where(where)
  {
    if (!json.is_object())
      throw Error("wrong type", where, json.type_name(), "a JSON object");
  }

  std::string field(const std::string &key) const { return where + ", field " + key; }

  bool has(const char *key) const { return json.contains(key); }
  const Json &member(const char *key, const char *wanted) const
  {
    const auto it = json.find(key);
    if (it == json.end()) throw Error("missing", field(key), "", wanted);
    seen.push_back(key);
    return *it;
  }
  double number(const char *key) const { return number(member(key, "a number"), key); }
  int integer(const char *key) const { return integer(member(key, "an integer"), key); }
  bool flag(const char *key) const
  {
    const Json &value = member(key, "true or false");
    return value.is_boolean() ? value.get<bool>() : wrong(value, key, "true or false");
  }
  std::string text(const char *key) const { return text(member(key, "a string"), key); }
  std::vector<double> numbers(const char *key) const
  {
    std::vector<double> values;
    for (const Json &value : list(key)) values.push_back(number(value, key));
    return values;
  }
  std::vector<int> integers(const char *key) const
  {
    std::vector<int> values;
    for (const Json &value : list(key)) values.push_back(integer(value, key));
    return values;
  }
  Strings texts(const char *key) const
  {
    Strings values;
    for (const Json &value : list(key)) values.push_back(text(value, key));
    return values;
  }
  /// Index of the member's value among those known.
  int choice(const char *key, const Strings &known) const
  {
    const std::string value = text(key);
    const auto it = std::find(known.begin(), known.end(), value);
    if (it == known.end()) throw Error("unknown value", field(key), value, joined(known));
    return (int) (it - known.begin());
  }
  Reader object(const char *key) const { return {member(key, "a JSON object"), field(key)}; }

  /// To be called at the end: what nobody asked for is not understood.
  void no_others() const
  {
    for (const auto &item : json.items())
      if (std::find(seen.begin(), seen.end(), item.key()) == seen.end())
        throw Error("unknown field", field(item.key()), item.value().dump().substr(0, 60),
                    joined(seen), "The file may be of a newer version of torchpot");
  }

 private:
  const Json &json;
  const std::string where;
  mutable Strings seen;

  bool wrong(const Json &value, const char *key, const char *wanted) const
  {
    throw Error("wrong type", field(key), value.dump().substr(0, 60), wanted);
  }
  double number(const Json &value, const char *key) const
  {
    if (!value.is_number()) wrong(value, key, "a number");
    return value.get<double>();
  }
  int integer(const Json &value, const char *key) const
  {
    if (!value.is_number_integer() || std::fabs(value.get<double>()) > 2e9)
      wrong(value, key, "an integer");
    return value.get<int>();
  }
  std::string text(const Json &value, const char *key) const
  {
    if (!value.is_string()) wrong(value, key, "a string");
    return value.get<std::string>();
  }
  const Json &list(const char *key) const
  {
    const Json &value = member(key, "a list");
    if (!value.is_array()) wrong(value, key, "a list");
    return value;
  }
};

Json parsed(const std::string &text, const std::string &where)
{
  try {
    return Json::parse(text);
  } catch (const Json::exception &error) {
    throw Error("not valid JSON", where, error.what());
  }
}

/// JSON has no bytes that are not UTF-8, but input files may.
std::string dumped(const Json &json, int indent)
{
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

Json descriptor_object(const SnapParameters &p)
{
  Json j;
  j["style"] = "sna";
  j["rcutfac"] = p.rcutfac;
  j["twojmax"] = p.twojmax;
  j["elements"] = p.elements;
  j["radelem"] = p.radelem;
  j["welem"] = p.welem;
  j["rfac0"] = p.rfac0;
  j["rmin0"] = p.rmin0;
  j["switchflag"] = p.switchflag;
  j["bzeroflag"] = p.bzeroflag;
  j["bnormflag"] = p.bnormflag;
  j["chemflag"] = p.chemflag;
  j["wselfallflag"] = p.wselfallflag;
  j["switchinnerflag"] = p.switchinnerflag;
  if (p.switchinnerflag) {
    j["sinnerelem"] = p.sinnerelem;
    j["dinnerelem"] = p.dinnerelem;
  }
  return j;
}

SnapParameters descriptor_of(const Reader &r, const std::string &where)
{
  SnapParameters p;
  r.choice("style", {"sna"});
  p.rcutfac = r.number("rcutfac");
  p.twojmax = r.integer("twojmax");
  p.elements = r.texts("elements");
  p.radelem = r.numbers("radelem");
  p.welem = r.numbers("welem");
  p.rfac0 = r.number("rfac0");
  p.rmin0 = r.number("rmin0");
  p.switchflag = r.flag("switchflag");
  p.bzeroflag = r.flag("bzeroflag");
  p.bnormflag = r.flag("bnormflag");
  p.chemflag = r.flag("chemflag");
  p.wselfallflag = r.flag("wselfallflag");
  p.switchinnerflag = r.flag("switchinnerflag");
  if (p.switchinnerflag) {
    p.sinnerelem = r.numbers("sinnerelem");
    p.dinnerelem = r.numbers("dinnerelem");
  }
  r.no_others();
  p.validate(where);
  return p;
}

void read_network(const Reader &r, NetworkParameters &network)
{
  network.kind = (NetworkKind) r.choice("kind", KINDS);
  network.element_mode = (ElementMode) r.choice("element_mode", MODES);
  network.n_descriptors = r.integer("n_descriptors");
  network.layer_sizes = r.integers("layer_sizes");
  for (const std::string &name : r.texts("activations"))
    network.activations.push_back(activation_from(name, r.field("activations")));
  r.no_others();
}

double largest_cutoff(const SnapParameters &p)
{
  double largest = 0.0;
  for (int i = 0; i < (int) p.elements.size(); i++)
    for (int j = 0; j < (int) p.elements.size(); j++)
      largest = std::max(largest, p.cutoff(i, j));
  return largest;
}

// what can be checked without the network's arrays
void validate_description(const Model &m, const std::string &where)
{
  const auto require = [&](bool good, const char *field, const char *problem,
                           const std::string &found, const std::string &wanted) {
    if (!good) throw Error(problem, where + ", field " + field, found, wanted);
  };
  require(m.version == VERSION, "version", "unknown version of the format",
          std::to_string(m.version), std::to_string(VERSION));
  require(m.family == "descriptor", "family", "unknown value", m.family, "descriptor");
  require(std::find(UNITS.begin(), UNITS.end(), m.units) != UNITS.end(), "units", "unknown value",
          m.units, joined(UNITS));
  m.descriptor.validate(where + ", field descriptor");
  require(m.elements == m.descriptor.elements, "elements", "not the elements of the descriptor",
          joined(m.elements), joined(m.descriptor.elements));
  const double cutoff = largest_cutoff(m.descriptor);
  require(std::fabs(m.cutoff - cutoff) <= 1e-9 * cutoff, "cutoff",
          "not the largest cutoff of the descriptor", std::to_string(m.cutoff),
          std::to_string(cutoff));
  const NetworkParameters &network = m.network;
  require(network.n_elements == (int) m.elements.size(), "network",
          "number of elements differs from the model's", std::to_string(network.n_elements),
          std::to_string(m.elements.size()));
  require(network.n_descriptors == m.descriptor.n_descriptors(), "network",
          "number of inputs is not the number of descriptors",
          std::to_string(network.n_descriptors), std::to_string(m.descriptor.n_descriptors()));
  network.validate_shape(where + ", field network");
  require(parsed(m.training, where + ", field training").is_object(), "training", "wrong type",
          m.training.substr(0, 60), "a JSON object");
}

}    // namespace

std::string descriptor_to_json(const SnapParameters &parameters)
{
  return dumped(descriptor_object(parameters), -1);
}

SnapParameters descriptor_from_json(const std::string &text, const std::string &where)
{
  const Json json = parsed(text, where);
  return descriptor_of({json, where}, where);
}

std::string model_to_json(const Model &m)
{
  const NetworkParameters &n = m.network;
  Json network, j;
  network["kind"] = KINDS[(int) n.kind];
  network["element_mode"] = MODES[(int) n.element_mode];
  network["n_descriptors"] = n.n_descriptors;
  network["layer_sizes"] = n.layer_sizes;
  network["activations"] = Json::array();
  for (const Activation a : n.activations) network["activations"].push_back(to_string(a));
  j["format"] = "torchpot-model";
  j["version"] = m.version;
  j["family"] = m.family;
  j["elements"] = m.elements;
  j["cutoff"] = m.cutoff;
  j["units"] = m.units;
  j["dtype"] = DTYPES[(int) m.dtype];
  j["descriptor"] = descriptor_object(m.descriptor);
  j["network"] = network;
  j["scaling"]["output_scale"] = n.output_scale;
  j["energy_shift"] = n.energy_shift;
  j["reference"] = m.reference;
  j["training"] = parsed(m.training, "training record of the model");
  return dumped(j, 1);
}

Model model_from_json(const std::string &text, const std::string &where)
{
  const Json json = parsed(text, where);
  const Reader r(json, where);
  Model m;
  r.choice("format", {"torchpot-model"});
  m.version = r.integer("version");
  if (m.version != VERSION)    // before anything that another version may have changed
    throw Error("unknown version of the format", r.field("version"), std::to_string(m.version),
                std::to_string(VERSION), "Use the version of torchpot that wrote the file");
  r.choice("family", {"descriptor"});
  m.elements = r.texts("elements");
  m.cutoff = r.number("cutoff");
  m.units = UNITS[r.choice("units", UNITS)];
  m.dtype = (Precision) r.choice("dtype", DTYPES);
  m.descriptor = descriptor_of(r.object("descriptor"), r.field("descriptor"));
  read_network(r.object("network"), m.network);
  m.network.n_elements = (int) m.elements.size();
  const Reader scaling = r.object("scaling");
  m.network.output_scale = scaling.number("output_scale");
  scaling.no_others();
  m.network.energy_shift = r.numbers("energy_shift");
  m.reference = r.texts("reference");
  m.training = dumped(r.member("training", "a JSON object"), -1);
  r.no_others();
  validate_description(m, where);
  return m;
}

void Model::validate(const std::string &where) const
{
  validate_description(*this, where);
  network.validate(where + ", field network");
}

}    // namespace torchpot
