// model.pt: a TorchScript archive whose torchpot.json describes it.
#include "torchpot_model_file.h"

#include "torchpot_archive.h"
#include "torchpot_error.h"
#include "torchpot_temporary.h"
#include "torchpot_text.h"

#include <ATen/ATen.h>
#include <caffe2/serialize/inline_container.h>
#include <openssl/evp.h>
#include <torch/cuda.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <memory>
#include <sstream>
#include <unistd.h>

namespace torchpot {
namespace {

using torch::jit::Module;
using Shape = std::vector<std::int64_t>;

constexpr const char *DESCRIPTION = "torchpot.json";
constexpr const char *RECORD = "extra/torchpot.json";

// libtorch's messages go on with a stack trace
std::string first_line(const std::exception &error)
{
  const std::string text = error.what();
  return text.substr(0, text.find('\n'));
}

// ---- from a Model to a TorchScript module -------------------------------------------------------

std::string activation_code(Activation a)
{
  switch (a) {
    case Activation::linear: return "";
    case Activation::tanh: return "    x = torch.tanh(x)\n";
    case Activation::sigmoid: return "    x = torch.sigmoid(x)\n";
    case Activation::relu: return "    x = torch.relu(x)\n";
    // torch's own softplus is cut off to x at x = 20
    case Activation::softplus: return "    x = torch.logaddexp(x, torch.zeros_like(x))\n";
    case Activation::silu: return "    x = x * torch.sigmoid(x)\n";
    case Activation::gelu: return "    x = torch.gelu(x)\n";
  }
  return "";
}

// the energies e of inputs x with one set of parameters
std::string set_code(const NetworkParameters &p, const std::string &set)
{
  std::string code;
  if (p.kind == NetworkKind::mlp) {
    for (std::size_t l = 0; l < p.layer_sizes.size(); l++) {
      const std::string number = std::to_string(l) + "[" + set + "]";
      code += "    x = torch.matmul(x, self.weight" + number + ".t()) + self.bias" + number + "\n" +
          activation_code(p.activations[l]);
    }
    return code + "    e = x[:, 0]\n";
  }
  code = "    e = torch.matmul(x, self.linear[" + set + "])\n";
  if (p.kind == NetworkKind::quadratic)
    code += "    e = e + 0.5 * (torch.matmul(x, self.quadratic[" + set + "]) * x).sum(1)\n";
  return code;
}

std::string forward_code(const NetworkParameters &p)
{
  std::string code = "def forward(self, descriptor: Tensor, element: Tensor) -> Tensor:\n"
                     "    energy = self.energy_shift.index_select(0, element)\n";
  for (int s = 0; s < p.n_sets(); s++) {
    const std::string set = std::to_string(s);
    const bool some = p.element_mode == ElementMode::per_element;
    if (some) code += "    index = torch.nonzero(element == " + set + ").squeeze(1)\n";
    code += "    x = descriptor" + std::string(some ? ".index_select(0, index)" : "") + "\n";
    code += "    x = (x.to(self.input_shift.dtype) - self.input_shift[" + set +
        "]) / self.input_scale[" + set + "]\n";
    if (p.element_mode == ElementMode::one_hot)
      code += "    x = torch.cat([x, self.one_hot.index_select(0, element)], 1)\n";
    code += set_code(p, set);
    code += some ? "    energy = energy.index_add(0, index, self.output_scale * e)\n"
                 : "    energy = energy + self.output_scale * e\n";
  }
  return code + "    return energy\n";
}

at::Tensor tensor_of(const std::vector<double> &values, const Shape &shape)
{
  return at::from_blob(const_cast<double *>(values.data()), shape, at::kDouble).clone();
}

void add_parameters(Module &module, const NetworkParameters &p)
{
  const std::int64_t n_sets = p.n_sets(), n = p.n_inputs();
  const at::Tensor all = tensor_of(p.parameters, {n_sets, p.n_parameters()});
  std::int64_t place = 0;
  const auto next = [&](std::int64_t count) {
    place += count;
    return all.slice(1, place - count, place);
  };
  const auto add = [&](const std::string &name, const at::Tensor &value) {
    module.register_parameter(name, value.clone(at::MemoryFormat::Contiguous), false);
    module.attr(name).toTensor().set_requires_grad(false);
  };
  std::int64_t n_in = n;
  for (std::size_t l = 0; l < p.layer_sizes.size(); l++) {
    const std::int64_t n_out = p.layer_sizes[l];
    add("weight" + std::to_string(l), next(n_out * n_in).reshape({n_sets, n_out, n_in}));
    add("bias" + std::to_string(l), next(n_out));
    n_in = n_out;
  }
  if (p.kind == NetworkKind::mlp) return;
  add("linear", next(n));
  if (p.kind == NetworkKind::linear) return;
  at::Tensor matrix = at::zeros({n_sets, n, n}, at::kDouble);
  const at::Tensor triangle = at::triu_indices(n, n);
  matrix.index_put_({at::indexing::Slice(), triangle[0], triangle[1]}, next(n * (n + 1) / 2));
  add("quadratic", matrix + matrix.triu(1).transpose(1, 2));
}

Module to_module(const NetworkParameters &p)
{
  Module module("TorchpotModel");
  const Shape shape = {p.n_sets(), p.n_descriptors};
  module.register_buffer("energy_shift", tensor_of(p.energy_shift, {p.n_elements}));
  module.register_buffer("output_scale", at::full({}, p.output_scale, at::kDouble));
  module.register_buffer("input_shift", tensor_of(p.input_shift, shape));
  module.register_buffer("input_scale", tensor_of(p.input_scale, shape));
  if (p.element_mode == ElementMode::one_hot)
    module.register_buffer("one_hot", at::eye(p.n_elements, at::kDouble));
  add_parameters(module, p);
  module.define(forward_code(p));
  return module;
}

// ---- and back -----------------------------------------------------------------------------------

/// Tensors of an archive, checked; every problem names the tensor.
class Tensors {
 public:
  Tensors(const Module &module, const std::string &file) : module(module), file(file) {}

  at::Tensor get(const std::string &name, const Shape &shape) const
  {
    const std::string where = file + ", tensor " + name;
    if (!module.hasattr(name) || !module.attr(name).isTensor())
      throw Error("missing in the archive", where, "", "a tensor");
    const at::Tensor t = module.attr(name).toTensor();
    if (!t.is_floating_point())
      throw Error("wrong type", where, at::toString(t.scalar_type()), "floating-point numbers");
    if (t.sizes() != at::IntArrayRef(shape))
      throw Error("wrong shape", where, text(t.sizes()), text(shape));
    if (!at::isfinite(t).all().item<bool>())
      throw Error("a value is not finite", where, "infinite or not a number", "numbers");
    return t.to(at::kDouble).contiguous();
  }
  std::vector<double> values(const std::string &name, const Shape &shape) const
  {
    const at::Tensor t = get(name, shape);
    return {t.data_ptr<double>(), t.data_ptr<double>() + t.numel()};
  }
  void same(const std::string &name, const Shape &shape, const std::vector<double> &expected) const
  {
    if (values(name, shape) != expected)
      throw Error("not what torchpot.json says", file + ", tensor " + name, "other values");
  }

 private:
  const Module &module;
  const std::string file;

  static std::string text(at::IntArrayRef shape)
  {
    std::string list;
    for (const std::int64_t n : shape) list += (list.empty() ? "" : ", ") + std::to_string(n);
    return "[" + list + "]";
  }
};

std::vector<double> read_parameters(const Tensors &tensors, const NetworkParameters &p)
{
  const std::int64_t n_sets = p.n_sets(), n = p.n_inputs();
  std::vector<at::Tensor> parts;
  std::int64_t n_in = n;
  for (std::size_t l = 0; l < p.layer_sizes.size(); l++) {
    const std::int64_t n_out = p.layer_sizes[l];
    const at::Tensor weight = tensors.get("weight" + std::to_string(l), {n_sets, n_out, n_in});
    parts.push_back(weight.reshape({n_sets, n_out * n_in}));
    parts.push_back(tensors.get("bias" + std::to_string(l), {n_sets, n_out}));
    n_in = n_out;
  }
  if (p.kind != NetworkKind::mlp) parts.push_back(tensors.get("linear", {n_sets, n}));
  if (p.kind == NetworkKind::quadratic) {
    const at::Tensor triangle = at::triu_indices(n, n);
    parts.push_back(tensors.get("quadratic", {n_sets, n, n})
                        .index({at::indexing::Slice(), triangle[0], triangle[1]}));
  }
  const at::Tensor all = at::cat(parts, 1).contiguous();
  return {all.data_ptr<double>(), all.data_ptr<double>() + all.numel()};
}

void check_readable(const std::string &file)
{
  std::ifstream in(file, std::ios::binary);
  if (!in || in.peek() == std::ifstream::traits_type::eof())
    throw Error("cannot read the model file", in ? file : full_path(file),
                in ? "an empty file" : std::strerror(errno), "a model.pt");
}

bool is_archive(const std::string &file)
{
  char start[2] = {0, 0};
  std::ifstream(file, std::ios::binary).read(start, 2);
  return std::string(start, 2) == "PK";
}

std::string read_description(const std::string &file)
{
  check_readable(file);
  if (!is_archive(file))
    throw Error("not a model: the file is no TorchScript archive", file, "", "a model.pt");
  try {
    caffe2::serialize::PyTorchStreamReader archive(file);
    if (!archive.hasRecord(RECORD)) return "";
    const auto record = archive.getRecord(RECORD);
    return {static_cast<const char *>(std::get<0>(record).get()), std::get<1>(record)};
  } catch (const std::exception &error) {
    check_archive(file);    // says more clearly what is damaged
    throw Error("not a complete TorchScript archive", file, first_line(error), "a model.pt",
                "The file is damaged or of another kind");
  }
}

Module load(const std::string &file, const at::Device &device)
{
  try {
    return torch::jit::load(file, device);
  } catch (const std::exception &error) {
    throw Error("libtorch cannot load this archive", file, first_line(error), "a model.pt",
                "The file is damaged or was written by an incompatible version of libtorch");
  }
}

// ---- durable files ------------------------------------------------------------------------------

/// Removes the file at the end unless told that it has become the real one.
struct TemporaryFile {
  const std::string path;
  bool keep = false;
  ~TemporaryFile()
  {
    if (!keep) ::unlink(path.c_str());
  }
};

void sync_to_disk(const std::string &path)
{
  const int descriptor = ::open(path.c_str(), O_RDONLY);
  const bool good = descriptor >= 0 && ::fsync(descriptor) == 0;
  const int reason = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (!good) throw Error("cannot write to disk", path, std::strerror(reason));
}

std::string folder_of(const std::string &file)
{
  const std::size_t slash = file.rfind('/');
  return slash == std::string::npos ? "." : file.substr(0, slash + 1);
}

/// SHA-256 of what is added, through OpenSSL.
class Sha256 {
 public:
  Sha256() : context(EVP_MD_CTX_new(), EVP_MD_CTX_free)
  {
    require(context && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr));
  }
  void add(const char *data, std::size_t n) { require(EVP_DigestUpdate(context.get(), data, n)); }
  std::string digits()
  {
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes;
    unsigned int n = 0;
    require(EVP_DigestFinal_ex(context.get(), bytes.data(), &n));
    std::string text;
    for (unsigned int i = 0; i < n; i++) {
      char two[3];
      std::snprintf(two, sizeof(two), "%02x", bytes[i]);
      text += two;
    }
    return text;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context;
  static void require(bool good)
  {
    if (!good) throw Error("OpenSSL cannot compute SHA-256");
  }
};

}    // namespace

std::string text_sha256(const std::string &text)
{
  Sha256 sum;
  sum.add(text.data(), text.size());
  return sum.digits();
}

std::string file_sha256(const std::string &file)
{
  std::ifstream in(file, std::ios::binary);
  if (!in) throw Error("cannot open the file", file, std::strerror(errno));
  Sha256 sum;
  std::vector<char> buffer(1 << 16);
  while (in.read(buffer.data(), buffer.size()) || in.gcount())
    sum.add(buffer.data(), in.gcount());
  if (in.bad()) throw Error("cannot read the file", file);
  return sum.digits();
}

bool is_torchpot_model(const std::string &file)
{
  return is_archive(file) && !read_description(file).empty();
}

int cuda_device_count()
{
  return (int) torch::cuda::device_count();
}

Model read_model(const std::string &file)
{
  const std::string description = read_description(file);
  if (description.empty())
    throw Error("this archive is not a torchpot model", file, "no torchpot.json in it",
                "a model.pt written by torchpot_fit");
  Model model = model_from_json(description, file + ", torchpot.json");
  NetworkParameters &p = model.network;
  check_archive(file);
  const Module module = load(file, at::kCPU);
  const Tensors tensors(module, file);
  tensors.same("energy_shift", {p.n_elements}, p.energy_shift);
  tensors.same("output_scale", {}, {p.output_scale});
  p.input_shift = tensors.values("input_shift", {p.n_sets(), p.n_descriptors});
  p.input_scale = tensors.values("input_scale", {p.n_sets(), p.n_descriptors});
  p.parameters = read_parameters(tensors, p);
  model.validate(file);
  return model;
}

void write_model(const Model &model, const std::string &file)
{
  model.validate("model for " + file);
  TemporaryFile temporary{temporary_name(file)};
  // into memory first: libtorch's writer ends the program if it cannot finish a file
  std::ostringstream archive;
  to_module(model.network).save(archive, {{DESCRIPTION, model_to_json(model)}});
  errno = 0;
  std::ofstream out(temporary.path, std::ios::binary | std::ios::trunc);
  const std::string bytes = archive.str();
  out.write(bytes.data(), bytes.size());
  out.close();
  if (!out)
    throw Error("cannot write the model file", file, errno ? std::strerror(errno) : "write error",
                "a folder that exists, can be written to and has space");
  sync_to_disk(temporary.path);
  if (std::rename(temporary.path.c_str(), file.c_str()) != 0)
    throw Error("cannot give the model file its name", file, std::strerror(errno));
  temporary.keep = true;
  sync_to_disk(folder_of(file));
}

// ---- evaluation by libtorch ---------------------------------------------------------------------

struct TorchNetwork::Implementation {
  Module module;
  at::Device device;
  std::string file;
  std::int64_t n_descriptors;
  int n_elements;
};

TorchNetwork::TorchNetwork(const std::string &file, const std::string &device)
{
  const Model model = read_model(file);
  try {
    const at::Device chosen(device);
    if (chosen.is_cuda() && (chosen.has_index() ? chosen.index() : 0) >= cuda_device_count())
      throw Error("no such device", device, std::to_string(cuda_device_count()) + " GPUs",
                  "cpu, or a GPU that libtorch can use");
    implementation.reset(
        new Implementation{load(file, chosen), chosen, file, model.network.n_descriptors,
                           model.network.n_elements});
  } catch (const c10::Error &error) {
    throw Error("cannot use this device", device, first_line(error), "cpu, cuda or cuda:N");
  }
}

TorchNetwork::~TorchNetwork() = default;

void TorchNetwork::evaluate(int n, const int *element, const double *descriptor, double *energy,
                            double *gradient)
{
  if (n == 0) return;
  Implementation &i = *implementation;
  const auto wrong = std::find_if(element, element + n,
                                  [&](int e) { return e < 0 || e >= i.n_elements; });
  if (wrong != element + n)    // on a GPU this would stop the program
    throw Error("no such element", i.file, std::to_string(*wrong),
                "0 to " + std::to_string(i.n_elements - 1));
  try {
    at::Tensor x = at::from_blob(const_cast<double *>(descriptor), {n, i.n_descriptors},
                                 at::kDouble)
                       .to(i.device)
                       .detach()
                       .set_requires_grad(true);
    const at::Tensor types =
        at::from_blob(const_cast<int *>(element), {n}, at::kInt).to(i.device, at::kLong);
    const at::Tensor e = i.module.forward({x, types}).toTensor();
    const at::Tensor g = torch::autograd::grad({e.sum()}, {x})[0];
    const auto copy = [](const at::Tensor &t, double *to) {
      const at::Tensor here = t.detach().to(at::kCPU, at::kDouble).contiguous();
      std::copy_n(here.data_ptr<double>(), here.numel(), to);
    };
    copy(e, energy);
    copy(g, gradient);
  } catch (const std::exception &error) {
    throw Error("libtorch cannot evaluate the model", i.file, first_line(error));
  }
}

}    // namespace torchpot
