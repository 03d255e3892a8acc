// Networks that training starts from: files of tools/convert_fitsnap.py and models, what does not
// fit, other scaling of the inputs, and checkpoints of such fits.
#include "initial_state.h"

#include "data_fixture.h"
#include "synthetic_data.h"
#include "torchpot_model_file.h"
#include "trainer.h"

#include <cmath>

using namespace torchpot;
using namespace torchpot_test;

namespace {

constexpr int K = 5;    // descriptors of 2J = 2

Dataset sample_data(int n_elements = 2)
{
  Dataset data = random_dataset(12, n_elements, K);
  SnapParameters &p = data.descriptor;
  p.elements = data.elements;
  p.twojmax = 2;
  p.radelem.assign(n_elements, 0.5), p.welem.assign(n_elements, 1.0);
  return data;
}

NetworkShape sample_shape(ElementMode mode = ElementMode::per_element)
{
  return {mode, {2, 1}, {Activation::softplus, Activation::linear}};
}

NetworkParameters sample_network(ElementMode mode, NetworkKind kind = NetworkKind::mlp)
{
  NetworkParameters p;
  p.kind = kind;
  p.element_mode = mode;
  p.n_elements = 2, p.n_descriptors = K;
  if (kind == NetworkKind::mlp) {
    p.layer_sizes = sample_shape().layer_sizes;
    p.activations = sample_shape().activations;
  }
  p.energy_shift = {-1.0, -2.0};
  for (int i = 0; i < p.n_sets() * K; i++)
    p.input_shift.push_back(std::sin(i)), p.input_scale.push_back(1.5 + std::cos(i));
  for (int i = 0; i < p.n_sets() * p.n_parameters(); i++)
    p.parameters.push_back(0.3 * std::sin(1.7 * i));
  return p;
}

const std::string NUMBERS = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15";
const std::string TEXT = R"({"format": "torchpot-network", "version": 1, "n_descriptors": 5,
  "layer_sizes": [2, 1], "activations": ["softplus", "linear"],
  "parameters": [[)" + NUMBERS + "], [" + NUMBERS + "]]}";

Model sample_model(ElementMode mode, NetworkKind kind = NetworkKind::mlp)
{
  Model model;
  model.descriptor = sample_data().descriptor;
  model.elements = model.descriptor.elements;
  model.cutoff = model.descriptor.cutoff(0, 0);
  model.network = sample_network(mode, kind);
  return model;
}

}    // namespace

TEST(InitialState, ReadsConvertedNetworks)
{
  const TemporaryFolder folder;
  const std::string file = folder.write("n.json", "\n" + TEXT);
  const SavedNetwork saved = read_saved_network(file, sample_shape(), sample_data());
  EXPECT_TRUE(saved.plain_inputs);
  EXPECT_EQ(saved.network.n_elements, 2);
  EXPECT_EQ(saved.network.parameters.at(15), 1.0);
  EXPECT_EQ(saved.network.energy_shift, (std::vector<double>{0.0, 0.0}));
  // one network: for all elements, or for the only one
  const std::string one =
      folder.write("one.json", replaced(TEXT, ", [" + NUMBERS + "]]}", "]}"));
  EXPECT_EQ(read_saved_network(one, sample_shape(ElementMode::shared), sample_data())
                .network.energy_shift.size(), 2u);
  EXPECT_EQ(read_saved_network(one, sample_shape(), sample_data(1)).network.element_mode,
            ElementMode::per_element);
}

TEST(InitialState, ReadsModels)
{
  const TemporaryFolder folder;
  for (const ElementMode mode : {ElementMode::shared, ElementMode::per_element,
                                 ElementMode::one_hot}) {
    write_model(sample_model(mode), folder("m.pt"));
    const SavedNetwork saved =
        read_saved_network(folder("m.pt"), sample_shape(mode), sample_data());
    EXPECT_FALSE(saved.plain_inputs);
    EXPECT_EQ(starting_network(saved, {}).parameters, sample_network(mode).parameters);
  }
}

TEST(InitialState, ScalingChangesNoEnergy)
{
  const std::vector<double> b = {3.0, -1.5, 0.25, 4.0, 2.0};
  for (const ElementMode mode : {ElementMode::shared, ElementMode::per_element,
                                 ElementMode::one_hot}) {
    const NetworkParameters p = sample_network(mode);
    std::vector<double> shift, scale;
    for (int i = 0; i < p.n_sets() * K; i++)
      shift.push_back(2.0 * std::cos(i)), scale.push_back(1.2 + std::sin(i));
    const NetworkParameters q = with_scaling(p, shift, scale);
    EXPECT_NE(q.parameters, p.parameters);
    for (int e = 0; e < 2; e++) {
      std::vector<double> g(K), h(K);
      EXPECT_NEAR(network_reference(p, e, b.data(), g.data()),
                  network_reference(q, e, b.data(), h.data()), 1e-14);
      for (int k = 0; k < K; k++) EXPECT_NEAR(g[k], h[k], 1e-14);
    }
  }
}

TEST(InitialState, PlainInputsAreBroughtToTheTrainingData)
{
  const Dataset data = sample_data();
  const SampleSet samples(data);
  SavedNetwork saved{sample_network(ElementMode::per_element), true};
  const NetworkParameters p = starting_network(saved, samples.training);
  EXPECT_NEAR(p.input_shift[4], 40.0, 5.0);    // of descriptors made as 10 k + ...
  for (int e = 0; e < 2; e++)
    EXPECT_NEAR(network_reference(p, e, samples.training[0]->descriptor, nullptr),
                network_reference(saved.network, e, samples.training[0]->descriptor, nullptr),
                1e-12);
}

TEST(InitialState, WhatDoesNotFitIsNamed)
{
  const TemporaryFolder folder;
  const auto refused = [&](const std::string &text, const std::vector<std::string> &parts) {
    const std::string file = folder.write("n.json", text);
    expect_error([&] { read_saved_network(file, sample_shape(), sample_data()); }, parts);
  };
  for (const char *key : {"format", "version", "n_descriptors", "layer_sizes", "activations",
                          "parameters"}) {
    refused(replaced(TEXT, std::string("\"") + key, "\"other"),
            {folder("n.json") + ", field " + key + ": missing in the saved state"});
    refused(replaced(TEXT, std::string("\"") + key + "\": ",
                     std::string("\"") + key + "\": {}, \"rest\": "),
            {std::string("field ") + key + ": wrong value in the saved state; found: {}"});
  }
  refused("", {"cannot be read", "an empty file"});
  refused(TEXT.substr(0, 200), {"damaged or not whole", "Convert what FitSNAP saved once more"});
  refused(replaced(TEXT, "-network", "-other"), {"unknown kind of saved state", "torchpot-other"});
  refused(replaced(TEXT, "\"version\": 1", "\"version\": 2"), {"version 2"});
  refused(replaced(TEXT, "softplus", "softmax"), {"unknown activation", "softmax"});
  refused(replaced(TEXT, "1, 2, 3", "2, 3"), {"field parameters: wrong number", "found: 14",
                                              "wanted: 15"});
  refused(replaced(TEXT, "1, 2, 3", "1, 2, 1e999"), {"not whole"});
  refused(replaced(TEXT, "\"n_descriptors\": 5", "\"n_descriptors\": 6"), {"wrong number"});
  refused(replaced(TEXT, "[2, 1]", "[2, 2]"), {"the last layer must have one output"});
  refused(replaced(TEXT, "]]}", "], [" + NUMBERS + "]]}"),
          {"number of elements", "found: 3", "wanted: 2"});
  refused(replaced(TEXT, ", [" + NUMBERS + "]]}", "]}"),
          {"networks of elements", "one network for all elements", "multi_element_option"});
  const std::string file = folder.write("n.json", TEXT);
  NetworkShape shape = sample_shape();
  shape.activations[0] = Activation::tanh;
  expect_error([&] { read_saved_network(file, shape, sample_data()); },
               {"layers; found: 2 softplus, 1 linear; wanted: 2 tanh, 1 linear", "[TORCHPOT]"});
  Dataset data = sample_data();
  data.descriptor.twojmax = 4;
  expect_error([&] { read_saved_network(file, sample_shape(), data); },
               {"number of descriptors; found: 5; wanted: 14"});
  expect_error([&] { read_saved_network(folder("none"), sample_shape(), data); },
               {"No such file"});
  expect_error([&] { read_saved_network(folder.path.string(), sample_shape(), data); },
               {"cannot be read"});
}

TEST(InitialState, ModelsThatDoNotFitAreNamed)
{
  const TemporaryFolder folder;
  const auto refused = [&](Model model, const std::vector<std::string> &parts) {
    write_model(model, folder("m.pt"));
    expect_error([&] { read_saved_network(folder("m.pt"), sample_shape(), sample_data()); }, parts);
  };
  Model model = sample_model(ElementMode::per_element);
  model.units = "real";
  refused(model, {"units are not those of the data", "real", "metal"});
  model = sample_model(ElementMode::per_element);
  model.descriptor.rfac0 = 0.9;
  refused(model, {"descriptor is not that of the input", "rfac0"});
  refused(sample_model(ElementMode::one_hot), {"one network with one-hot elements",
                                               "one network per element"});
  refused(sample_model(ElementMode::per_element, NetworkKind::linear),
          {"not a network with layers", "a linear or quadratic model"});
  const std::string text = folder.write("t", "text"), archive = folder.write("z", "PK..");
  expect_error([&] { read_saved_network(text, sample_shape(), sample_data()); },
               {"the file is no TorchScript archive"});
  expect_error([&] { read_saved_network(archive, sample_shape(), sample_data()); },
               {"the archive has no directory at its end"});
}

TEST(InitialState, CheckpointsGoBeforeItAndBelongToIt)
{
  const TemporaryFolder folder;
  const Dataset data = sample_data();
  const SampleSet samples(data);
  TrainingOptions options;
  options.num_epochs = 4, options.batch_size = 3;
  options.initial = sample_network(ElementMode::per_element);
  const auto trained = [&](const std::function<bool()> &stop) {
    Trainer trainer(options, sample_shape(), samples);
    const std::string said = trainer.prepare();
    const std::unique_ptr<Progress> quiet = make_silent_progress();
    trainer.run(*quiet, stop);
    return std::pair(said, trainer.last().parameters);
  };
  const auto never = [] { return false; };
  const auto whole = trained(never);
  options.num_epochs = 0;
  EXPECT_EQ(trained(never).second, options.initial->parameters);
  options.num_epochs = 4;
  options.checkpoint = folder("c");
  int count = 0;
  EXPECT_EQ(trained([&] { return ++count == 4; }).first, "");
  const auto second = trained(never);
  EXPECT_NE(second.first.find("continuing from"), std::string::npos);
  EXPECT_EQ(second.second, whole.second);
  options.initial->parameters[0] += 0.1;
  expect_error([&] { trained(never); }, {"belongs to another fit: save_state_input differs"});
  options.initial.reset();
  expect_error([&] { trained(never); }, {"belongs to another fit: save_state_input differs"});
}
