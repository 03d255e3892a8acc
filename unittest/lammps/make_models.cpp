// Writes model files for tests: make_models FILE [key=value ...] [+ FILE ...], keys as below.
// Parameters are random from `seed`, or come from the text file `parameters` (energy shift per
// element, then the parameters of each set).
#include "torchpot_error.h"
#include "torchpot_model_file.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <random>
#include <sstream>

using namespace torchpot;

static const std::map<std::string, std::string> DEFAULTS = {
    {"elements", "Si"}, {"twojmax", "4"}, {"rcutfac", "4.5"}, {"radelem", "0.5"}, {"welem", "1.0"},
    {"rfac0", "0.99363"}, {"rmin0", "0.0"}, {"switchflag", "1"}, {"bzeroflag", "1"},
    {"bnormflag", "0"}, {"chemflag", "0"}, {"wselfallflag", "0"}, {"switchinnerflag", "0"},
    {"sinnerelem", ""}, {"dinnerelem", ""}, {"kind", "mlp"}, {"mode", "shared"},
    {"layers", "16,16,1"}, {"activation", "tanh"}, {"units", "metal"}, {"dtype", "float64"},
    {"reference", ""}, {"seed", "1"}, {"scale", "20.0"}, {"parameters", ""}};
static std::map<std::string, std::string> values;

static std::vector<std::string> words(const std::string &key, char between = ',')
{
  std::vector<std::string> list;
  std::istringstream in(values[key]);
  for (std::string word; std::getline(in, word, between);) list.push_back(word);
  return list;
}

static std::vector<double> numbers(const std::string &key)
{
  std::vector<double> list;
  for (const std::string &word : words(key)) list.push_back(std::stod(word));
  return list;
}

static bool flag(const std::string &key) { return values[key] == "1"; }

static SnapParameters descriptor()
{
  SnapParameters p;
  p.elements = words("elements");
  p.twojmax = std::stoi(values["twojmax"]);
  p.rcutfac = std::stod(values["rcutfac"]);
  p.radelem = numbers("radelem");
  p.welem = numbers("welem");
  p.rfac0 = std::stod(values["rfac0"]);
  p.rmin0 = std::stod(values["rmin0"]);
  p.switchflag = flag("switchflag");
  p.bzeroflag = flag("bzeroflag");
  p.bnormflag = flag("bnormflag");
  p.chemflag = flag("chemflag");
  p.wselfallflag = flag("wselfallflag");
  p.switchinnerflag = flag("switchinnerflag");
  p.sinnerelem = numbers("sinnerelem");
  p.dinnerelem = numbers("dinnerelem");
  return p;
}

static NetworkParameters network(const SnapParameters &descriptor)
{
  NetworkParameters p;
  p.kind = values["kind"] == "mlp" ? NetworkKind::mlp
      : values["kind"] == "linear" ? NetworkKind::linear
                                   : NetworkKind::quadratic;
  p.element_mode = values["mode"] == "shared" ? ElementMode::shared
      : values["mode"] == "one_hot"           ? ElementMode::one_hot
                                              : ElementMode::per_element;
  p.n_elements = (int) descriptor.elements.size();
  p.n_descriptors = descriptor.n_descriptors();
  if (p.kind == NetworkKind::mlp)
    for (double size : numbers("layers")) {
      p.layer_sizes.push_back((int) size);
      p.activations.push_back(activation_from(values["activation"], "activation"));
    }
  if (!p.activations.empty()) p.activations.back() = Activation::linear;

  std::mt19937 generator((unsigned) std::stoul(values["seed"]));
  const auto random = [&] { return generator() / 4294967296.0 - 0.5; };
  const bool random_scale = p.kind == NetworkKind::mlp;
  p.input_shift.resize((std::size_t) p.n_sets() * p.n_descriptors);
  p.input_scale.resize(p.input_shift.size(), 1.0);
  if (random_scale)
    for (std::size_t k = 0; k < p.input_shift.size(); k++) {
      p.input_shift[k] = 5.0 * random();
      p.input_scale[k] = std::stod(values["scale"]) * (1.0 + 0.5 * random());
    }
  p.output_scale = random_scale ? 1.5 : 1.0;
  for (int e = 0; e < p.n_elements; e++) p.energy_shift.push_back(-4.0 - e);
  p.parameters.resize((std::size_t) p.n_sets() * p.n_parameters());
  for (double &x : p.parameters) x = (random_scale ? 0.5 : 0.02) * random();
  if (!values["parameters"].empty()) {
    std::ifstream in(values["parameters"]);
    for (double &x : p.energy_shift) in >> x;
    for (double &x : p.parameters) in >> x;
    if (!in) throw Error("too few numbers", values["parameters"]);
  }
  return p;
}

static void write(const std::string &file)
{
  Model model;
  model.elements = words("elements");
  model.units = values["units"];
  model.dtype = values["dtype"] == "float32" ? Precision::float32 : Precision::float64;
  model.descriptor = descriptor();
  for (std::size_t i = 0; i < model.elements.size(); i++)
    for (std::size_t j = 0; j < model.elements.size(); j++)
      model.cutoff = std::max(model.cutoff, model.descriptor.cutoff((int) i, (int) j));
  model.network = network(model.descriptor);
  model.reference = words("reference", ';');
  write_model(model, file);
}

int main(int argc, char **argv)
{
  try {
    for (int i = 1; i < argc; i++) {
      const std::string file = argv[i++];
      values = DEFAULTS;
      for (; i < argc && std::string(argv[i]) != "+"; i++) {
        const std::string text = argv[i], key = text.substr(0, text.find('='));
        if (!values.count(key)) throw Error("unknown key", "make_models", key);
        values[key] = text.substr(key.size() + 1);
      }
      write(file);
    }
    return 0;
  } catch (const std::exception &exception) {
    std::fprintf(stderr, "%s\n", exception.what());
    return 1;
  }
}
