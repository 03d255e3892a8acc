// All settings of one fit: the input file's sections as typed values, defaults filled in.
#ifndef TORCHPOT_FIT_SETTINGS_H
#define TORCHPOT_FIT_SETTINGS_H

#include "ini.h"
#include "optimizer.h"
#include "torchpot_descriptor.h"
#include "torchpot_network.h"

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

namespace torchpot {

constexpr double NOT_GIVEN = std::numeric_limits<double>::quiet_NaN();

/// [BISPECTRUM]. `present` is false if the section is absent; the descriptor then comes from
/// fitdump files.
struct BispectrumSettings {
  bool present = false;
  SnapParameters snap;
  std::vector<int> orders;    // twojmax of each element, if they differ for a linear solver
  bool quadratic = false;     // quadraticflag, for linear solvers
};

/// [CALCULATOR]
struct CalculatorSettings {
  bool energy = true;
  bool force = true;
  bool stress = true;    // fitted with [TORCHPOT] stress_weight, and its errors reported
};

/// [PYTORCH] (or [NETWORK], the same keys)
struct PytorchSettings {
  /// Sizes of the layers behind the input; the last is 1. `num_desc` is the input and not kept.
  std::vector<int> layer_sizes = {512, 512, 1};
  int input_size = 0;    // a number given in place of num_desc; 0: num_desc
  double learning_rate = NOT_GIVEN;    // until plan_training(), as num_epochs
  int num_epochs = -1;
  int batch_size = 4;    // configurations
  bool has_batch_size = false;
  int dtype = -1;    // arithmetic of training: 1 float32, others float64; -1: by the optimizer
  int save_freq = 10;    // epochs; the default of [TORCHPOT] checkpoint_every
  std::string output_file = "FitTorch_Pytorch.pt";
  double energy_weight = NOT_GIVEN;    // NaN: weights of the groups
  double force_weight = NOT_GIVEN;
  double training_fraction = NOT_GIVEN;    // NaN: sizes of the groups
  int multi_element_option = 1;    // 1: one net for all elements, 2: one per element, 3: one-hot
  bool shuffle = true;
  std::string state_input;     // file with the network to start from; empty: a new one
  std::string state_output;    // file for the best network; empty: none
};

/// [SOLVER] solver: training of a network (or what [TORCHPOT] network names), or linear least
/// squares as FitSNAP does them.
enum class SolverKind { network, svd, ridge };
const char *to_string(SolverKind);

/// [OUTFILE] and the names which follow from it. Paths as to be opened.
struct OutputSettings {
  std::string metrics = "fitsnap_metrics";
  std::string potential = "fitsnap_potential";    // stem of .mod and .mliap.descriptor
  std::string perconfig = "perconfig.dat";        // empty: not written
  std::string stress;                             // empty: not written; comes with perconfig
  std::string peratom = "peratom.dat";            // empty: not written
  std::string loss = "loss_vs_epochs.dat";
  std::string committee = "committee.dat";    // of two or more networks
};

/// [REFERENCE]: LAMMPS's potential that is subtracted from the labels.
struct ReferenceSettings {
  std::string units = "metal";
  bool has_units = false;    // the input names them
  std::string atom_style = "atomic";
  std::vector<std::string> lines = {"pair_style zero 10.0", "pair_coeff * *"};
  /// Nothing but `pair_style zero`: no energy to subtract, LAMMPS need not be asked.
  bool is_zero = true;
  Location where;
};

/// A share of a group: a count or, with `fraction`, a part of its configurations.
struct GroupSize {
  double value = 0.0;
  bool fraction = true;
  /// Configurations of a group of n: the count, or max(1, int(f n + 0.5)) as FitSNAP has it, and
  /// 0 for 0.
  std::size_t of(std::size_t n) const;
};

/// One line of [GROUPS].
struct GroupSettings {
  std::string name;
  GroupSize training, testing;
  bool rest_is_test = false;    // column `size` with a fraction: what is not trained on is tested
  double eweight = 1.0, fweight = 1.0, vweight = 1.0;
  Location where;
};

/// Precision in which derivatives of descriptors are kept; automatic: single if the data are large.
enum class DerivativeStorage { automatic, float64, float32 };

/// Where networks are trained: by our own kernels (cpu), or by libtorch on the CPU (torch) or on a
/// GPU (cuda). automatic: choose_device() decides.
enum class Device { automatic, cpu, torch, cuda };

/// [TORCHPOT]: what FitSNAP does not have.
struct TorchpotSettings {
  OptimizerKind optimizer = OptimizerKind::adam;
  ScheduleSettings schedule;
  bool has_optimizer = false, has_schedule = false;    // plan_training() sees to those not given
  double weight_decay = 0.0, clip = 0.0, average = NOT_GIVEN;
  int early_stop = 0;
  Activation activation = Activation::softplus;
  bool documented_loss = false;    // loss = fitsnap | documented
  double stress_weight = 0.0;      // 0: stresses are not fitted; NaN: weights of the groups
  NetworkKind network = NetworkKind::mlp;
  Precision precision = Precision::float64;
  Device device = Device::automatic;
  std::vector<std::string> fitdump;    // HDF5 files of fix fitdump
  double test_fraction = 0.1;          // of groups without a line in [GROUPS]
  // extended XYZ: names of labels and of the key that divides into groups; empty: the usual ones
  std::string energy_key, forces_key, stress_key, virial_key, group_key;
  std::string stress_unit;    // eV/Angstrom^3 or bar; empty: told from the size of the numbers
  std::string test_files;    // pattern such as *test_*: files held out; empty: sizes of the groups
  std::string cache = "torchpot_cache";    // folder of descriptors on disk; empty: none
  std::string model = "FitTorch_Pytorch.pt";
  std::string report = "report.html";    // empty: none
  std::uint64_t seed = 0;
  std::string checkpoint;    // file; empty: none
  int checkpoint_every = 10;    // epochs
  int threads = 0;              // 0: as many as the machine and OMP_NUM_THREADS allow
  DerivativeStorage derivatives = DerivativeStorage::automatic;
  int committee = 1;            // networks that are trained, or models that are evaluated
  bool bootstrap = false;       // each on training configurations drawn with replacement
  double memory_limit = 0.0;    // GB of descriptors and derivatives; above: in a file; 0: none
};

struct Settings {
  std::string input_file;
  std::string input_text;     // with overrides at its end as comment lines, for records
  std::string data_path;      // [PATH] dataPath, as to be opened; empty: none but fitdump
  bool xyz = false;           // [SCRAPER] scraper: extended XYZ files there, not JSON folders
  std::string data_where;     // where the input says so
  BispectrumSettings bispectrum;
  CalculatorSettings calculator;
  SolverKind solver = SolverKind::network;
  double ridge_alpha = 1e-8;    // [RIDGE]
  PytorchSettings pytorch;
  OutputSettings outfile;
  ReferenceSettings reference;
  std::map<std::string, double> eshift;    // per element, added to the energy for each atom of it
  std::vector<GroupSettings> groups;       // in the order of the input
  bool has_group_weights = false;          // with eweight or fweight
  bool smartweights = false;
  bool random_sampling = false;
  std::uint64_t random_seed = 0;
  TorchpotSettings torchpot;
  /// Sentences about keys which are accepted but change nothing here.
  std::vector<std::string> notes;

  bool is_linear_solver() const { return solver != SolverKind::network; }
  ElementMode element_mode() const;
  /// Weights of the whole loss are given in [PYTORCH]; otherwise each configuration has its own.
  bool has_global_weights() const;
  /// The input gives no weights at all: balanced_energy_weight() makes the parts of the loss alike.
  bool wants_balance() const;
  bool fits_stress() const { return calculator.stress && torchpot.stress_weight != 0.0; }
};

/// What the input leaves open, by rules that doc/torchpot_fit.md gives with the measurements behind
/// them: optimizer, learning rate and its schedule, number of epochs, running average.
void plan_training(Settings &settings, std::size_t n_training);
/// Parameters times atoms in a step, for choose_device(); n_atoms: of the training configurations.
double training_work(const Settings &settings, std::size_t n_training, std::size_t n_atoms);
/// "adam, learning rate 0.002 (cosine), batches of 4, 3000 epochs, on the CPU"; after
/// plan_training(). Nothing of the device if it is automatic.
std::string training_text(const Settings &settings);

/// One --keyword SECTION KEY VALUE.
struct Override {
  std::string section, key, value;
};

/// Reads, checks and completes. Throws Error naming file, line, key, the value found and those
/// wanted. With `relative`, output files go into the folder of the input, not the current one.
Settings read_settings(const std::string &file, const std::vector<Override> &overrides = {},
                       bool relative = false);
/// The same of a text; `name` stands for the file in messages.
Settings settings_from_text(const std::string &text, const std::string &name,
                            const std::vector<Override> &overrides = {}, bool relative = false);

}    // namespace torchpot

#endif
