// model.pt and its description: round trips, evaluation by libtorch in C++ and Python, ML-IAP
// descriptor files, and every way a file can be wrong.
#include "network_fixture.h"
#include "snap_fixture.h"
#include "torchpot_error.h"
#include "torchpot_model_file.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

using namespace torchpot;

namespace {

class ModelFile : public ::testing::Test {
 protected:
  void SetUp() override
  {
    const auto *info = ::testing::UnitTest::GetInstance()->current_test_info();
    folder = std::filesystem::temp_directory_path() /
        ("torchpot_" + std::to_string(::getpid()) + "_" + info->name());
    std::filesystem::create_directories(folder);
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  std::string path(const std::string &name) const { return (folder / name).string(); }
  void write(const std::string &name, const std::string &bytes) const
  {
    std::ofstream(path(name), std::ios::binary) << bytes;
  }
  std::string bytes(const std::string &name) const
  {
    std::ifstream in(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::vector<std::string> names() const
  {
    std::vector<std::string> list;
    for (const auto &entry : std::filesystem::directory_iterator(folder))
      list.push_back(entry.path().filename().string());
    return list;
  }

  std::filesystem::path folder;
};

std::string message_of(const std::function<void()> &action)
{
  try {
    action();
  } catch (const Error &error) {
    return error.what();
  }
  return "no error";
}

#define EXPECT_MESSAGE(action, text)                                                      \
  EXPECT_NE(message_of([&] { action; }).find(text), std::string::npos)                    \
      << message_of([&] { action; }) << "\nwanted: " << text

/// A model of two elements, and as few descriptors as SNAP has.
Model small_model(NetworkKind kind = NetworkKind::mlp, ElementMode mode = ElementMode::shared,
                  Activation activation = Activation::tanh, int twojmax = 2)
{
  Model m;
  m.elements = {"In", "P"};
  m.descriptor.elements = m.elements;
  m.descriptor.radelem = {0.5, 0.4};
  m.descriptor.welem = {1.0, 0.9};
  m.descriptor.rcutfac = 4.7;
  m.descriptor.twojmax = twojmax;
  m.cutoff = 4.7;
  m.units = "metal";
  m.reference = {"pair_style zbl 4.0 4.8", "pair_coeff * * 73 73"};
  m.training = "{\"data\":\"none\"}";
  m.network = random_network(kind, mode, activation, m.descriptor.n_descriptors(), 2, {3});
  return m;
}

void expect_equal(const Model &a, const Model &b)
{
  EXPECT_EQ(model_to_json(a), model_to_json(b));
  EXPECT_EQ(a.network.n_elements, b.network.n_elements);
  EXPECT_EQ(a.network.input_shift, b.network.input_shift);
  EXPECT_EQ(a.network.input_scale, b.network.input_scale);
  EXPECT_EQ(a.network.parameters, b.network.parameters);
}

std::vector<Model> all_models()
{
  std::vector<Model> models;
  for (const ElementMode mode : ALL_MODES) {
    for (const NetworkKind kind : {NetworkKind::linear, NetworkKind::quadratic})
      models.push_back(small_model(kind, mode));
    for (const Activation a : ALL_ACTIVATIONS)
      models.push_back(small_model(NetworkKind::mlp, mode, a));
  }
  return models;
}

/// Some atoms, and what the reference says of them: rows of energy and gradient.
struct Atoms {
  Atoms(const Model &m, int n) :
      n(n), K(m.network.n_descriptors), element(mixed_elements(n, 2)),
      descriptor(random_numbers((std::size_t) n * K, 4, -3.0, 3.0)), rows(n)
  {
    for (int i = 0; i < n; i++) {
      rows[i].resize(K + 1);
      rows[i][0] = network_reference(m.network, element[i], &descriptor[i * K], &rows[i][1]);
    }
  }
  int n, K;
  std::vector<int> element;
  std::vector<double> descriptor;
  std::vector<std::vector<double>> rows;
};

std::string replaced(std::string text, const std::string &from, const std::string &to)
{
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from << " is not in " << text;
  return text.replace(at, from.size(), to);
}

int run_python(const std::string &arguments)
{
  const std::string script = std::string(TORCHPOT_TEST_SOURCE) + "/core/model_file_cases.py";
  return std::system(("'" + std::string(TORCHPOT_PYTHON) + "' '" + script + "' " + arguments)
                         .c_str());
}

}    // namespace

TEST_F(ModelFile, EveryKindRoundTrips)
{
  for (Model m : all_models()) {
    m.dtype = m.dtype == Precision::float64 ? Precision::float32 : Precision::float64;
    write_model(m, path("model.anything"));
    EXPECT_TRUE(is_torchpot_model(path("model.anything")));
    expect_equal(read_model(path("model.anything")), m);
  }
  EXPECT_EQ(names().size(), 1u) << "temporary files are left";
}

TEST_F(ModelFile, TorchNetworkEqualsReference)
{
  for (const Model &m : all_models()) {
    write_model(m, path("model.pt"));
    TorchNetwork network(path("model.pt"), "cpu");
    for (const int n : {0, 1, 9}) {
      const Atoms atoms(m, n);
      std::vector<double> energy(n), gradient((std::size_t) n * atoms.K);
      network.evaluate(n, atoms.element.data(), atoms.descriptor.data(), energy.data(),
                       gradient.data());
      for (int i = 0; i < n; i++) {
        EXPECT_NEAR(energy[i], atoms.rows[i][0], 1e-13);
        for (int k = 0; k < atoms.K; k++)
          EXPECT_NEAR(gradient[i * atoms.K + k], atoms.rows[i][k + 1], 1e-13);
      }
    }
  }
}

TEST_F(ModelFile, PythonEqualsReference)
{
  const Model m = small_model(NetworkKind::mlp, ElementMode::per_element, Activation::softplus);
  write_model(m, path("model.pt"));
  const Atoms atoms(m, 6);
  std::ostringstream input;
  input.precision(17);
  input << atoms.n << "\n";
  for (int i = 0; i < atoms.n; i++) {
    input << atoms.element[i];
    for (int k = 0; k < atoms.K; k++) input << " " << atoms.descriptor[i * atoms.K + k];
    input << "\n";
  }
  write("in.txt", input.str());
  ASSERT_EQ(run_python("evaluate " + path("model.pt") + " < " + path("in.txt") + " > " +
                       path("out.txt")),
            0);
  std::istringstream output(bytes("out.txt"));
  for (int i = 0; i < atoms.n; i++)
    for (int k = 0; k <= atoms.K; k++) {
      double x = NAN;
      output >> x;
      EXPECT_NEAR(x, atoms.rows[i][k], 1e-13);
    }
}

TEST_F(ModelFile, WritingReplacesTheOldFileAtOnce)
{
  write_model(small_model(), path("model.pt"));
  const std::string before = bytes("model.pt");
  Model bad = small_model();
  bad.network.parameters[0] = NAN;
  EXPECT_MESSAGE(write_model(bad, path("model.pt")), "field parameters: a value is not finite");
  EXPECT_EQ(bytes("model.pt"), before);
  write_model(small_model(NetworkKind::linear), path("model.pt"));
  EXPECT_EQ(read_model(path("model.pt")).network.kind, NetworkKind::linear);
  EXPECT_EQ(names().size(), 1u);
}

TEST_F(ModelFile, FilesThatCannotBeWritten)
{
  EXPECT_MESSAGE(write_model(small_model(), path("nowhere/model.pt")),
                 path("nowhere/model.pt") + ": cannot write the model file");
  std::filesystem::create_directory(folder / "taken");
  EXPECT_MESSAGE(write_model(small_model(), path("taken")),
                 path("taken") + ": cannot give the model file its name");
  EXPECT_EQ(names().size(), 1u) << "temporary files are left";
}

TEST_F(ModelFile, ACutFileIsAnErrorWhereverItIsCut)
{
  write_model(small_model(), path("model.pt"));
  const std::string whole = bytes("model.pt");
  for (std::size_t n = 0; n < whole.size(); n += 64) {
    write("cut.pt", whole.substr(0, n));
    if (n) {
      const std::string message = path("cut.pt") + ": the archive has no directory at its end; " +
          "found: " + std::to_string(n) + " bytes; wanted: a complete file. It was probably cut " +
          "off: copy or make it anew";
      EXPECT_MESSAGE(read_model(path("cut.pt")), message);
      EXPECT_MESSAGE(is_torchpot_model(path("cut.pt")), message);
    } else {
      EXPECT_FALSE(is_torchpot_model(path("cut.pt")));
      EXPECT_MESSAGE(read_model(path("cut.pt")),
                     path("cut.pt") + ": cannot read the model file; found: an empty file");
    }
  }
}

TEST_F(ModelFile, FilesOfOtherKinds)
{
  EXPECT_FALSE(is_torchpot_model(path("absent.pt")));
  EXPECT_MESSAGE(read_model(path("absent.pt")),
                 "cannot read the model file; found: No such file or directory");
  EXPECT_MESSAGE(read_model(folder.string()), folder.string() + ": cannot read the model file");
  write("other.zip", std::string("PK\x05\x06", 4) + std::string(18, '\0'));    // empty
  EXPECT_MESSAGE(read_model(path("other.zip")), "this archive was not written by libtorch");
  write("text.pt", "rcutfac 4.7\n");
  EXPECT_FALSE(is_torchpot_model(path("text.pt")));
  EXPECT_MESSAGE(read_model(path("text.pt")),
                 "text.pt: not a model: the file is no TorchScript archive");
}

TEST_F(ModelFile, ArchivesWithWrongContents)
{
  write_model(small_model(), path("model.pt"));
  ASSERT_EQ(run_python("damage " + path("model.pt") + " " + folder.string()), 0);
  expect_equal(read_model(path("good.pt")), small_model());
  EXPECT_FALSE(is_torchpot_model(path("no_description.pt")));
  const auto expect = [&](const std::string &name, const std::string &message) {
    EXPECT_MESSAGE(read_model(path(name)), path(name) + message);
    EXPECT_MESSAGE(TorchNetwork(path(name), "cpu"), path(name) + message);
  };
  expect("no_description.pt",
         ": this archive is not a torchpot model; found: no torchpot.json in it");
  expect("not_json.pt", ", torchpot.json: not valid JSON");
  expect("no_tensor.pt", ", tensor weight1: missing in the archive");
  expect("wrong_shape.pt", ", tensor weight0: wrong shape; found: [1, 2, 5]; wanted: [1, 3, 5]");
  expect("integers.pt", ", tensor bias0: wrong type; found: Long; wanted: floating-point numbers");
  expect("not_a_number.pt", ", tensor bias1: a value is not finite");
  expect("zero_scale.pt", ", field network, field input_scale: a value is zero");
  expect("other_shift.pt", ", tensor energy_shift: not what torchpot.json says");
  expect("no_code.pt", ": libtorch cannot load this archive");

  TorchNetwork failing(path("failing.pt"), "cpu");
  const int element = 0;
  const double descriptor[5] = {0, 0, 0, 0, 0};
  double energy, gradient[5];
  EXPECT_MESSAGE(failing.evaluate(1, &element, descriptor, &energy, gradient),
                 path("failing.pt") + ": libtorch cannot evaluate the model");
}

TEST_F(ModelFile, DevicesThatAreNotThere)
{
  write_model(small_model(), path("model.pt"));
  EXPECT_MESSAGE(TorchNetwork(path("model.pt"), "toaster"), "toaster: cannot use this device");
  EXPECT_MESSAGE(TorchNetwork(path("model.pt"), "cuda:99"), "cuda:99: no such device");
}

TEST_F(ModelFile, ElementsOutOfRangeAreReported)
{
  write_model(small_model(), path("model.pt"));
  TorchNetwork network(path("model.pt"), "cpu");
  const double descriptor[5] = {0, 0, 0, 0, 0};
  double energy, gradient[5];
  for (const int element : {-1, 2})
    EXPECT_MESSAGE(network.evaluate(1, &element, descriptor, &energy, gradient),
                   path("model.pt") + ": no such element; found: " + std::to_string(element) +
                       "; wanted: 0 to 1");
}

TEST_F(ModelFile, Sha256)
{
  const std::string abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  EXPECT_EQ(text_sha256("abc"), abc);
  write("abc", "abc");
  EXPECT_EQ(file_sha256(path("abc")), abc);
  write("long", std::string(200000, 'x'));
  EXPECT_EQ(file_sha256(path("long")), text_sha256(std::string(200000, 'x')));
  EXPECT_MESSAGE(file_sha256(path("absent")), "absent: cannot open the file");
  EXPECT_MESSAGE(file_sha256(folder.string()), ": cannot read the file");
}

TEST(ModelJson, EveryFieldIsChecked)
{
  const std::string good = model_to_json(small_model());
  EXPECT_EQ(model_to_json(model_from_json(good, "x")), good);
  const auto expect = [&](const char *from, const char *to, const std::string &message) {
    EXPECT_MESSAGE(model_from_json(replaced(good, from, to), "x"), "x" + message);
  };
  expect("{", "[", ": not valid JSON");
  EXPECT_MESSAGE(model_from_json("[]", "x"), "x: wrong type; found: array; wanted: a JSON object");
  expect("torchpot-model", "other", ", field format: unknown value; found: other");
  expect("\"version\": 1", "\"version\": 2",
         ", field version: unknown version of the format; found: 2; wanted: 1");
  expect("\"version\": 1", "\"version\": \"1\"", ", field version: wrong type; found: \"1\"");
  expect("\"family\": \"descriptor\"", "\"family\": \"mace\"", ", field family: unknown value");
  expect("\"family\": \"descriptor\",", "", ", field family: missing; wanted: a string");
  expect("\"cutoff\": 4.7", "\"cutoff\": 4.8",
         ", field cutoff: not the largest cutoff of the descriptor; found: 4.8");
  expect("\"cutoff\": 4.7", "\"cutoff\": true", ", field cutoff: wrong type; found: true");
  expect("\"metal\"", "\"furlongs\"", ", field units: unknown value; found: furlongs; wanted: metal");
  expect("\"metal\"", "5", ", field units: wrong type; found: 5; wanted: a string");
  expect("float64", "float16", ", field dtype: unknown value");
  expect("\"In\"", "\"Ga\"", ", field elements: not the elements of the descriptor; found: Ga, P");
  expect("\"style\": \"sna\"", "\"style\": \"so3\"", ", field descriptor, field style: unknown value");
  expect("\"twojmax\": 2", "\"twojmax\": 2.5", ", field descriptor, field twojmax: wrong type");
  expect("\"twojmax\": 2", "\"twojmax\": 9999999999", ", field descriptor, field twojmax: wrong");
  expect("\"twojmax\": 2", "\"twojmax\": 4",
         ", field network: number of inputs is not the number of descriptors; found: 5");
  expect("\"twojmax\": 2", "\"twojmax\": -2", ", field descriptor: cannot use twojmax");
  expect("\"chemflag\": false", "\"chemflag\": 0",
         ", field descriptor, field chemflag: wrong type; found: 0; wanted: true or false");
  expect("\"chemflag\"", "\"chemistry\"", ", field descriptor, field chemflag: missing");
  expect("\"chemflag\"", "\"extra\": 1, \"chemflag\"",
         ", field descriptor, field extra: unknown field; found: 1");
  expect("\"kind\": \"mlp\"", "\"kind\": \"cnn\"", ", field network, field kind: unknown value");
  expect("\"shared\"", "\"both\"", ", field network, field element_mode: unknown value");
  expect("\"tanh\"", "\"mish\"", ", field network, field activations: unknown activation");
  expect("\"activations\"", "\"dropout\": 0.1, \"activations\"",
         ", field network, field dropout: unknown field");
  expect("\"scaling\": {", "\"scaling\": {\"x\": 1, ", ", field scaling, field x: unknown field");
  expect("\"scaling\": {", "\"scaling\": 3, \"y\": {", ", field scaling: wrong type; found: number");
  expect("\"reference\": [", "\"reference\": [1, ", ", field reference: wrong type; found: 1");
  expect("\"reference\": [", "\"reference\": 1, \"z\": [", ", field reference: wrong type; found: 1");
  expect("\"training\": {", "\"training\": [{}], \"z\": {", ", field z: unknown field");
  expect("\"format\"", "\"spin\": 1, \"format\"", ", field spin: unknown field; found: 1");
  Model m = small_model();
  m.training = "[]";
  EXPECT_MESSAGE(m.validate("x"), "x, field training: wrong type; found: []");
  EXPECT_MESSAGE(model_from_json(model_to_json(m), "x"), "x, field training: wrong type");
  m.training = "none";
  EXPECT_MESSAGE(model_to_json(m), "training record of the model: not valid JSON");
  m = small_model();
  m.network.n_elements = 1;
  EXPECT_MESSAGE(m.validate("x"),
                 "x, field network: number of elements differs from the model's; found: 1");
  m = small_model();
  m.network.energy_shift.pop_back();
  EXPECT_MESSAGE(model_from_json(model_to_json(m), "x"),
                 "x, field network, field energy_shift: wrong number of values; found: 1");
  m = small_model();
  m.network.layer_sizes = {2000000000, 1};
  EXPECT_MESSAGE(model_from_json(model_to_json(m), "x"), "layer_sizes: too many parameters");
  for (const char *family : {"", "mace"}) {
    m = small_model();
    m.family = family;
    EXPECT_MESSAGE(m.validate("x"), "x, field family: unknown value");
  }
  m = small_model();
  m.version = 3;
  EXPECT_MESSAGE(m.validate("x"), "x, field version: unknown version of the format; found: 3");
  m = small_model();
  m.units = "imperial";
  EXPECT_MESSAGE(m.validate("x"), "x, field units: unknown value; found: imperial");
}

TEST(ModelJson, HasTheDocumentedKeysInOrder)
{
  const std::string text = model_to_json(small_model());
  std::size_t at = 0;
  for (const char *key : {"format", "version", "family", "elements", "cutoff", "units", "dtype",
                          "descriptor", "network", "scaling", "energy_shift", "reference",
                          "training"}) {
    const std::size_t next = text.find("\n \"" + std::string(key) + "\":");
    ASSERT_NE(next, std::string::npos) << key;
    EXPECT_GE(next, at);
    at = next;
  }
}

TEST(ModelJson, ExampleOfTheDocumentation)
{
  std::ifstream in(std::string(TORCHPOT_TEST_SOURCE) + "/../doc/model_format.md");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const std::size_t first = text.find("```json") + 7, last = text.find("```", first);
  ASSERT_NE(last, std::string::npos);
  const Model m = model_from_json(text.substr(first, last - first), "example");
  EXPECT_EQ(m.network.n_parameters(), 31 * 64 + 65 * 64 + 65);
}

TEST(ModelJson, TextOfOtherEncodingsIsKeptReadable)
{
  Model m = small_model();
  m.reference = {"# \xE9t\xE9"};    // Latin-1
  EXPECT_EQ(model_from_json(model_to_json(m), "x").reference[0], "# \xEF\xBF\xBDt\xEF\xBF\xBD");
}

TEST(ModelJson, DescriptorsRoundTrip)
{
  for (int number = 0; number < 48; number++) {
    const std::string text = descriptor_to_json(snap_case(number));
    EXPECT_EQ(descriptor_to_json(descriptor_from_json(text, "x")), text);
  }
  EXPECT_MESSAGE(descriptor_from_json("{}", "file.h5"), "file.h5, field style: missing");
}

TEST_F(ModelFile, MliapDescriptorsRoundTrip)
{
  for (int number = 0; number < 48; number++) {
    const SnapParameters p = snap_case(number);
    write("x.mliap.descriptor", mliap_descriptor_text(p));
    EXPECT_EQ(descriptor_to_json(read_mliap_descriptor(path("x.mliap.descriptor"))),
              descriptor_to_json(p));
  }
}

TEST_F(ModelFile, MliapDescriptorAsPeopleWriteThem)
{
  write("d", "# DATE: 2019\n\nrcutfac +4.8123\ntwojmax 8 # large\n\nnelems 2\r\nelems W Be \n"
             "radelems 0.5 0.417932\nwelems 1 .959049\n\nrfac0 0.99363\nbzeroflag 0\n");
  const SnapParameters p = read_mliap_descriptor(path("d"));
  EXPECT_EQ(p.rcutfac, 4.8123);
  EXPECT_EQ(p.twojmax, 8);
  EXPECT_EQ(p.elements, (std::vector<std::string>{"W", "Be"}));
  EXPECT_EQ(p.radelem, (std::vector<double>{0.5, 0.417932}));
  EXPECT_EQ(p.welem, (std::vector<double>{1.0, 0.959049}));
  EXPECT_FALSE(p.bzeroflag);
  EXPECT_TRUE(p.switchflag);
  EXPECT_EQ(p.rmin0, 0.0);
}

TEST_F(ModelFile, WrongMliapDescriptorsAreRefused)
{
  const std::string good = "rcutfac 4.6\ntwojmax 6\nnelems 1\nelems Ta\nradelems 0.5\nwelems 1\n";
  const auto expect = [&](const std::string &text, const std::string &message) {
    write("d", text);
    EXPECT_MESSAGE(read_mliap_descriptor(path("d")), path("d") + message);
  };
  EXPECT_MESSAGE(read_mliap_descriptor(path("absent")), "cannot open the ML-IAP descriptor file");
  EXPECT_MESSAGE(read_mliap_descriptor(folder.string()), "ML-IAP descriptor file");
  expect(good + "quadraticflag 1\n",
         ":7: unknown keyword of an ML-IAP descriptor file; found: quadraticflag");
  expect(good + "twojmax 8\n", ":7: keyword given twice; found: twojmax");
  expect(good + "rmin0 zero\n", ":7: cannot read the value of rmin0; found: zero");
  expect(good + "rmin0\n", ":7: wrong number of values of rmin0; found: 0; wanted: 1");
  expect(good + "chemflag 2\n", ":7: cannot read the value of chemflag; found: 2; wanted: 0 or 1");
  expect(good + "bnormflag yes\n", ":7: cannot read the value of bnormflag; found: yes");
  expect(replaced(good, "twojmax 6", "twojmax 6.5"), ":2: cannot read the value of twojmax");
  expect(replaced(good, "Ta", "Ta W"), ":4: wrong number of values of elems; found: 2; wanted: 1");
  expect(replaced(good, "nelems 1\n", ""), ":3: nelems must come before elems");
  expect(replaced(good, "welems 1\n", ""), ": a required keyword is missing; wanted: welems");
  expect(good + "sinnerelems 1\n", ": sinnerelems needs switchinnerflag 1");
  expect(good + "switchinnerflag 1\n", ": cannot use sinnerelems");
  expect(replaced(good, "4.6", "-4.6"), ": cannot use rcutfac");
}
