// Training through libtorch on its CPU device: equal to our own kernels.
#include "torch_loss.h"
#include "device.h"
#include "error_message.h"
#include "loss_fixture.h"
#include "stress_fixture.h"
#include "torchpot_model_file.h"
#include "trainer.h"

#include <cmath>
#include <filesystem>
#include <gtest/gtest.h>
#include <unistd.h>

using namespace torchpot;
using namespace torchpot_test;
namespace fs = std::filesystem;

namespace {

constexpr Activation ACTIVATIONS[] = {Activation::linear,   Activation::tanh, Activation::sigmoid,
                                      Activation::relu,     Activation::softplus,
                                      Activation::silu,     Activation::gelu};
constexpr ElementMode MODES[] = {ElementMode::shared, ElementMode::per_element,
                                 ElementMode::one_hot};

LossSettings make_settings(LossForm form)
{
  LossSettings settings;
  settings.form = form;
  settings.stress_weight = NAN;    // those of the groups, as the others
  return settings;
}

/// All labels, and one or two kinds of them alone; one configuration without neighbors.
Dataset mixed_dataset()
{
  Dataset data = random_dataset(27, 2, 4);
  add_random_stress(data);
  mix_labels(data, 5);
  Configuration &alone = data.configurations[12];
  alone.row.edit().clear();
  alone.column.edit().clear();
  alone.derivative.edit().clear();
  alone.has_derivatives = true;
  return data;
}

/// |a - b| over the largest of b.
double difference(const std::vector<double> &a, const std::vector<double> &b)
{
  double largest = 0.0, most = 0.0;
  for (std::size_t k = 0; k < b.size(); k++) {
    largest = std::max(largest, std::fabs(b[k]));
    most = std::max(most, std::fabs(a.at(k) - b[k]));
    if (std::isnan(a[k]) != std::isnan(b[k])) return INFINITY;
  }
  return largest > 0.0 ? most / largest : most;
}

/// What a Loss has to give.
struct Answers {
  std::vector<double> figures, gradient, predicted, product;

  Answers(Loss &loss, const LossSettings &settings, std::vector<const Sample *> batch,
          const std::vector<double> &parameters)
  {
    const std::size_t n = batch.size(), size = loss.n_parameters();
    std::vector<LossFactors> factors(n);
    loss_factors(settings, n, batch.data(), factors.data());
    gradient.resize(size);
    product.resize(size);
    predicted.assign(Loss::prediction_size(n, batch.data()), 0.0);
    std::vector<double> moved = parameters;
    Random random(8, 8);
    for (double &x : moved) x += centered(random, 0.1);
    ErrorSums sums;
    loss.set_parameters(parameters.data());
    figures.push_back(loss.evaluate(n, batch.data(), gradient.data(), &sums));
    figures.push_back(loss.evaluate(n, batch.data(), factors.data(), gradient.data(), nullptr,
                                    predicted.data()));
    figures.push_back(loss.evaluate(n, batch.data(), nullptr));
    for (double x : {(double) sums.n_energies, (double) sums.n_forces, (double) sums.n_stresses,
                     sums.energy, sums.force, sums.stress})
      figures.push_back(x);
    loss.product(n, batch.data(), factors.data(), predicted.data(), moved.data(), 0.5,
                 product.data());
  }
};

void expect_same(const Answers &a, const Answers &b, double tolerance)
{
  ASSERT_EQ(a.figures.size(), b.figures.size());
  for (std::size_t k = 0; k < b.figures.size(); k++)
    EXPECT_NEAR(a.figures[k], b.figures[k], tolerance * std::fabs(b.figures[k])) << k;
  EXPECT_LT(difference(a.gradient, b.gradient), tolerance);
  EXPECT_LT(difference(a.predicted, b.predicted), tolerance);
  EXPECT_LT(difference(a.product, b.product), tolerance);
}

void compare(const SampleSet &samples, const NetworkParameters &network, LossForm form,
             Precision precision, double tolerance, const TorchPlace &place = {})
{
  const LossSettings settings = make_settings(form);
  BatchLoss own(network, settings, precision);
  const std::unique_ptr<Loss> torch =
      make_torch_loss(network, settings, precision, samples, place);
  ASSERT_EQ(torch->n_parameters(), own.n_parameters());
  std::vector<const Sample *> backward(samples.training.rbegin(), samples.training.rend());
  for (const auto &batch : {samples.training, samples.validation, backward})
    expect_same(Answers(*torch, settings, batch, network.parameters),
                Answers(own, settings, batch, network.parameters), tolerance);
}

TEST(TorchLoss, EqualsOwnKernels)
{
  const Dataset data = mixed_dataset();
  const SampleSet samples(data, true, true, true);
  for (const ElementMode mode : MODES)
    for (const Activation activation : ACTIVATIONS)
      for (const LossForm form : {LossForm::fitsnap, LossForm::documented}) {
        SCOPED_TRACE(std::string(to_string(activation)) + ", mode " +
                     std::to_string((int) mode) + ", " + to_string(form));
        compare(samples, random_network(samples, mode, activation), form, Precision::float64,
                1e-10);
      }
}

// rounding of a float is 6e-8, of sums of some ten terms that partly cancel a hundred times that
TEST(TorchLoss, EqualsOwnKernelsInSinglePrecision)
{
  const Dataset data = mixed_dataset();
  const SampleSet samples(data, true, true, true);
  for (const ElementMode mode : MODES)
    for (const Activation activation : {Activation::softplus, Activation::tanh, Activation::gelu}) {
      SCOPED_TRACE(std::string(to_string(activation)) + ", mode " + std::to_string((int) mode));
      compare(samples, random_network(samples, mode, activation), LossForm::fitsnap,
              Precision::float32, 1e-5);
    }
}

// stored in single precision, but all arithmetic in double
TEST(TorchLoss, DerivativesInSinglePrecision)
{
  Dataset data = mixed_dataset();
  data.single = true;
  for (Configuration &c : data.configurations) {
    c.derivative_single = std::vector<float>(c.derivative.begin(), c.derivative.end());
    c.derivative.edit().clear();
  }
  const SampleSet samples(data, true, true, true);
  compare(samples, random_network(samples, ElementMode::per_element, Activation::softplus),
          LossForm::fitsnap, Precision::float64, 1e-10);
}

TEST(TorchLoss, ChunksAddUp)
{
  const Dataset data = mixed_dataset();
  const SampleSet samples(data, true, true, true);
  TorchPlace place;
  for (const std::size_t bytes : {1, 20000}) {
    place.chunk_bytes = bytes;
    compare(samples, random_network(samples, ElementMode::per_element, Activation::silu),
            LossForm::fitsnap, Precision::float64, 1e-10, place);
  }
}

TEST(TorchLoss, LabelsOfOneKind)
{
  const Dataset data = random_dataset(12, 2, 4);
  for (const bool forces : {false, true}) {
    const SampleSet samples(data, !forces, forces);
    compare(samples, random_network(samples, ElementMode::shared, Activation::softplus),
            LossForm::fitsnap, Precision::float64, 1e-10);
  }
}

// far from zero the activations are at their limits, and no derivative of theirs may overflow
TEST(TorchLoss, LargeArguments)
{
  const Dataset data = mixed_dataset();
  const SampleSet samples(data, true, true, true);
  for (const Activation activation : ACTIVATIONS) {
    SCOPED_TRACE(to_string(activation));
    NetworkParameters network = random_network(samples, ElementMode::shared, activation);
    for (double &x : network.parameters) x *= 300.0;
    compare(samples, network, LossForm::fitsnap, Precision::float64, 1e-10);
  }
}

TEST(TorchLoss, SaysThatTheDataDoNotFit)
{
  const Dataset data = random_dataset(6, 1, 3);
  SampleSet samples(data);
  const NetworkParameters network =
      random_network(samples, ElementMode::shared, Activation::tanh);
  samples.all[0].n_blocks = std::size_t(1) << 46;    // more than any memory
  const std::string text = message(
      [&] { make_torch_loss(network, LossSettings(), Precision::float64, samples, {}); });
  EXPECT_NE(text.find("MB, cannot be brought to the device"), std::string::npos) << text;
  EXPECT_NE(text.find("device cpu"), std::string::npos) << text;
  EXPECT_NE(text.find("(float32), or device = cpu"), std::string::npos) << text;
}

// ---- training -----------------------------------------------------------------------------------

const std::function<bool()> NEVER = [] { return false; };

TrainingOptions small_options(Device device)
{
  TrainingOptions options;
  options.learning_rate = 1e-2;
  options.num_epochs = 6;
  options.batch_size = 3;
  options.seed = 11;
  options.device = device;
  return options;
}

NetworkShape small_shape()
{
  NetworkShape shape;
  shape.element_mode = ElementMode::per_element;
  shape.layer_sizes = {6, 5, 1};
  shape.activations = {Activation::softplus, Activation::tanh, Activation::linear};
  return shape;
}

void expect_same_losses(const Trainer &a, const Trainer &b)
{
  ASSERT_EQ(a.history().size(), b.history().size());
  for (std::size_t k = 0; k < a.history().size(); k++) {
    const EpochRecord &x = a.history()[k], &y = b.history()[k];
    EXPECT_NEAR(x.training_loss, y.training_loss, 1e-8 * y.training_loss) << k;
    EXPECT_NEAR(x.validation_loss, y.validation_loss, 1e-8 * y.validation_loss) << k;
    EXPECT_NEAR(x.force_mae, y.force_mae, 1e-8 * y.force_mae) << k;
  }
  EXPECT_EQ(a.best_epoch(), b.best_epoch());
}

TEST(TorchTraining, EveryOptimizerReachesTheLossesOfTheCpu)
{
  const Dataset data = snap_dataset(20);
  const SampleSet samples(data);
  for (const OptimizerKind kind :
       {OptimizerKind::adam, OptimizerKind::lbfgs, OptimizerKind::levenberg}) {
    SCOPED_TRACE(to_string(kind));
    TrainingOptions own = small_options(Device::cpu), torch = small_options(Device::torch);
    own.optimizer = torch.optimizer = kind;
    own.average = torch.average = kind == OptimizerKind::adam ? 0.9 : 0.0;
    Trainer a(own, small_shape(), samples), b(torch, small_shape(), samples);
    const std::unique_ptr<Progress> progress = make_silent_progress();
    a.run(*progress, NEVER);
    b.run(*progress, NEVER);
    EXPECT_LT(a.history().back().training_loss, a.history().front().training_loss);
    if (kind != OptimizerKind::levenberg) {
      expect_same_losses(b, a);
      continue;
    }
    // quotients of differences have 10 digits, of which conjugate gradients lose more in each step
    const double first = a.history().front().training_loss, last = a.history().back().training_loss;
    EXPECT_NEAR(b.history().front().training_loss, first, 1e-6 * first);
    EXPECT_NEAR(b.history().back().training_loss, last, 0.02 * last);
  }
}

// also on another device than that of the checkpoint
TEST(TorchTraining, ContinuesFromACheckpoint)
{
  const fs::path folder = fs::temp_directory_path() /
      ("torchpot_torch_training_" + std::to_string((long) getpid()));
  fs::create_directories(folder);
  const Dataset data = random_dataset(16, 2, 4);
  const SampleSet samples(data);
  const std::unique_ptr<Progress> progress = make_silent_progress();
  Trainer whole(small_options(Device::cpu), small_shape(), samples);
  whole.run(*progress, NEVER);
  for (const auto &[first, second] :
       {std::pair(Device::torch, Device::torch), std::pair(Device::torch, Device::cpu),
        std::pair(Device::cpu, Device::torch)}) {
    TrainingOptions a = small_options(first), b = small_options(second);
    a.checkpoint = b.checkpoint = (folder / "fit.state").string();
    int count = 0;
    Trainer part(a, small_shape(), samples);
    EXPECT_EQ(part.run(*progress, [&] { return ++count == 9; }), TrainingStatus::interrupted);
    Trainer rest(b, small_shape(), samples);
    EXPECT_EQ(rest.prepare().find("continuing from "), 0u);
    EXPECT_EQ(rest.run(*progress, NEVER), TrainingStatus::finished);
    expect_same_losses(rest, whole);
    remove_checkpoint(a.checkpoint);
  }
  fs::remove_all(folder);
}

TEST(TorchTraining, StopsWhenTheLossIsNoLongerFinite)
{
  const Dataset data = random_dataset(6, 1, 3);
  const SampleSet samples(data);
  TrainingOptions options = small_options(Device::torch);
  options.learning_rate = 1e300;
  Trainer trainer(options, small_shape(), samples);
  const std::unique_ptr<Progress> progress = make_silent_progress();
  const std::string text = message([&] { trainer.run(*progress, NEVER); });
  EXPECT_NE(text.find("is no longer a finite number"), std::string::npos) << text;
}

/// More blocks in a configuration than some kernels for GPUs take in one go.
Dataset many_blocks()
{
  Dataset data = random_dataset(3, 1, 2);
  Configuration &c = data.configurations[0];
  const std::size_t n = c.n_blocks(), copies = 70000 / n + 1;
  for (double &x : c.derivative.edit()) x /= (double) copies;
  for (std::size_t k = 1; k < copies; k++)
    for (std::size_t b = 0; b < n; b++) {
      c.row.edit().push_back(c.row[b]);
      c.column.edit().push_back(c.column[b]);
      for (int v = 0; v < 6; v++) c.derivative.edit().push_back(c.derivative[6 * b + v]);
    }
  return data;
}

TEST(TorchLoss, ManyBlocks)
{
  const Dataset data = many_blocks();
  const SampleSet samples(data);
  compare(samples, random_network(samples, ElementMode::shared, Activation::tanh),
          LossForm::fitsnap, Precision::float64, 1e-10);
}

// ---- the choice of the device -------------------------------------------------------------------

TEST(Devices, Choice)
{
  Ranks &ranks = single_rank();
  EXPECT_EQ(choose_device(Device::cpu, 1e30, ranks), Device::cpu);
  EXPECT_EQ(choose_device(Device::torch, 0.0, ranks), Device::torch);
  const bool gpu = cuda_device_count() > 0;
  EXPECT_EQ(choose_device(Device::automatic, 1e30, ranks), gpu ? Device::cuda : Device::cpu);
  EXPECT_EQ(choose_device(Device::automatic, 0.0, ranks), Device::cpu);
  const std::string refusal = message([&] { choose_device(Device::cuda, 0.0, ranks); });
  const std::string wanted = gpu
      ? "no error"
      : "[TORCHPOT] device = cuda: libtorch finds no GPU, or was built without CUDA; found: 0 "
        "GPUs; wanted: at least 1. Use device = cpu";
  EXPECT_EQ(refusal.substr(0, wanted.size()), wanted);
}

TEST(Devices, EveryGpuEqualsOwnKernels)
{
  Ranks &ranks = single_rank();
  const Dataset data = mixed_dataset(), many = many_blocks();
  const SampleSet samples(data, true, true, true), many_samples(many);
  const int n_gpus = cuda_device_count();
  EXPECT_EQ(gpu_of_rank(ranks), 0);
  TorchPlace place;
  for (place.gpu = 0; place.gpu < n_gpus; place.gpu++) {
    for (const ElementMode mode : MODES)
      for (const Activation activation : ACTIVATIONS)
        compare(samples, random_network(samples, mode, activation), LossForm::fitsnap,
                Precision::float64, 1e-10, place);
    compare(many_samples, random_network(many_samples, ElementMode::shared, Activation::tanh),
            LossForm::fitsnap, Precision::float64, 1e-10, place);
  }
}

TEST(Devices, WorkOfAStep)
{
  Settings s;
  s.bispectrum.snap.elements = {"A"};
  s.bispectrum.snap.twojmax = 6;    // 30 descriptors
  s.pytorch.layer_sizes = {10, 1};
  s.pytorch.batch_size = 4;
  EXPECT_EQ(training_work(s, 20, 100), (31.0 * 10 + 11) * 20);
  s.torchpot.optimizer = OptimizerKind::lbfgs;
  EXPECT_EQ(training_work(s, 20, 100), (31.0 * 10 + 11) * 100);
}

}    // namespace
