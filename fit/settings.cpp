// Settings of a fit: descriptor, network, outputs. Groups and reference: settings_data.cpp.
#include "settings.h"

#include "settings_data.h"
#include "settings_reader.h"
#include "settings_solver.h"
#include "torchpot_error.h"
#include "torchpot_text.h"

#include <algorithm>
#include <climits>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace torchpot {

namespace {

namespace fs = std::filesystem;

const std::vector<std::string> SECTIONS = {"BISPECTRUM", "CALCULATOR", "PYTORCH",   "NETWORK",
                                           "SOLVER",     "SCRAPER",    "PATH",      "OUTFILE",
                                           "REFERENCE",  "GROUPS",     "ESHIFT",    "EXTRAS",
                                           "MEMORY",     "TORCHPOT",   "RIDGE"};

struct Refusal {
  const char *name, *reason;
};
// sections that FitSNAP knows and this version cannot honor
constexpr Refusal REFUSED[] = {
    {"ACE", "ACE descriptors are not in this version"},
    {"PYACE", "ACE descriptors are not in this version"},
    {"CUSTOM", "custom pairwise descriptors are not in this version"},
    {"BASIC_CALCULATOR", "only SNAP descriptors are in this version"},
    {"REAXFF", "ReaxFF fits are not in this version"},
    {"ACSF", "symmetry functions are not in this version"},
    {"HIPNN", "message-passing models are not trained in this version"},
    {"JAX", "the solvers are PYTORCH, SVD and RIDGE in this version"},
    {"LASSO", "the linear solvers are SVD and RIDGE in this version"},
    {"ARD", "the linear solvers are SVD and RIDGE in this version"},
    {"SLATE", "the linear solvers are SVD and RIDGE in this version"},
    {"DEFAULT", "defaults shared by sections are not supported"},
};

void check_sections(const IniFile &ini)
{
  for (const IniSection &section : ini.sections) {
    if (std::find(SECTIONS.begin(), SECTIONS.end(), section.name) != SECTIONS.end()) continue;
    const std::string where = section.where.text();
    for (const Refusal &refusal : REFUSED)
      if (section.name == refusal.name)
        throw Error("section [" + section.name + "] cannot be used: " + refusal.reason, where);
    const std::string nearest = nearest_name(section.name, SECTIONS);
    throw Error("unknown section", where, "[" + section.name + "]",
                nearest.empty() ? "one of " + join(SECTIONS, ", ") : "",
                nearest.empty() ? "" : "Did you mean [" + nearest + "]?");
  }
}

void read_bispectrum(const IniFile &ini, Settings &s)
{
  const SectionReader r(ini, "BISPECTRUM", known_keys("BISPECTRUM"));
  s.bispectrum.present = r.present();
  if (!r.present()) return;
  SnapParameters &p = s.bispectrum.snap;
  p.elements = r.words("type", "H");
  const std::size_t n = p.elements.size();
  const int n_types = r.integer("numTypes", 1, 1, 1000);
  if ((std::size_t) n_types != n)
    throw Error("numTypes and the number of elements in type differ", r.where("type"),
                std::to_string(n) + " (" + join(p.elements, " ") + ")",
                "numTypes = " + std::to_string(n_types));
  const std::vector<std::string> orders = r.words("twojmax", "6");
  if (orders.size() != 1 && orders.size() != n)
    throw Error("wrong number of values", r.where("twojmax"), std::to_string(orders.size()),
                "one, or one for each of " + std::to_string(n) + " elements");
  p.twojmax = -1;
  for (const std::string &word : orders) {
    long long order = 0;
    if (!to_integer(word, order) || order < 0 || order > 100)
      throw Error("wrong value", r.where("twojmax"), word, "a whole number from 0 to 100");
    if (p.twojmax >= 0 && order != p.twojmax && !s.is_linear_solver())
      s.notes.push_back(r.where("twojmax") + ": the largest value is used for all elements");
    p.twojmax = std::max(p.twojmax, (int) order);
    if (s.is_linear_solver()) s.bispectrum.orders.push_back((int) order);
  }
  const std::string each = "one for each element in type";
  p.rcutfac = r.number("rcutfac", 4.67637, Range::positive);
  p.rfac0 = r.number("rfac0", 0.99363, Range::positive);
  p.rmin0 = r.number("rmin0", 0.0, Range::any);
  p.welem = r.numbers("wj", 1.0, n, each, Range::any);
  p.radelem = r.numbers("radelem", 0.5, n, each, Range::positive);
  p.wselfallflag = r.flag("wselfallflag", false);
  p.chemflag = r.flag("chemflag", false);
  p.bnormflag = r.flag("bnormflag", false);
  p.bzeroflag = r.flag("bzeroflag", false);
  p.switchflag = r.flag("switchflag", true);
  p.switchinnerflag = r.flag("switchinnerflag", false);
  if (p.switchinnerflag) {
    p.sinnerelem = r.numbers("sinner", 0.9, n, each, Range::any);
    p.dinnerelem = r.numbers("dinner", 0.1, n, each, Range::positive);
  } else if (r.has("sinner") || r.has("dinner"))
    s.notes.push_back(r.where(r.has("sinner") ? "sinner" : "dinner") +
                      ": no effect without switchinnerflag = 1");
  s.bispectrum.quadratic = r.flag("quadraticflag", false);
  if (s.bispectrum.quadratic && !s.is_linear_solver())
    throw Error("products of descriptors cannot be the input of a network",
                r.where("quadraticflag"), "1", "0",
                "For a quadratic model put solver = SVD into [SOLVER], or network = quadratic into "
                "[TORCHPOT]");
  for (const char *key : {"bikflag", "dgradflag"})
    if (!r.flag(key, true))
      s.notes.push_back(r.where(key) +
                        ": no effect, descriptors per atom and derivatives are always computed");
  p.validate(r.where("type").substr(0, r.where("type").find(": [")) + ": [BISPECTRUM]");
}

void read_calculator(const IniFile &ini, Settings &s)
{
  const SectionReader r(ini, "CALCULATOR", known_keys("CALCULATOR"));
  const std::string calculator = r.text("calculator", "LAMMPSSNAP");
  if (calculator != "LAMMPSSNAP")
    throw Error("only SNAP descriptors are in this version", r.where("calculator"), calculator,
                "LAMMPSSNAP");
  s.calculator.energy = r.flag("energy", true);
  s.calculator.force = r.flag("force", true);
  s.calculator.stress = r.flag("stress", true);
  r.flag("per_atom_energy", false);
  if (r.flag("per_atom_scalar", false))
    throw Error("fits of atomic scalars are not in this version", r.where("per_atom_scalar"), "1",
                "0");
  const bool nonlinear = r.flag("nonlinear", !s.is_linear_solver());
  if (!nonlinear && !s.is_linear_solver())
    throw Error("networks need nonlinear = 1", r.where("nonlinear"), "0", "1",
                "For a linear model put solver = SVD into [SOLVER], or network = linear into "
                "[TORCHPOT]");
  if (nonlinear && s.is_linear_solver())
    throw Error(std::string("solver = ") + to_string(s.solver) + " fits linear models",
                r.where("nonlinear"), "1", "0",
                "For a network put solver = PYTORCH into [SOLVER]");
}

void read_stress_weight(const SectionReader &r, TorchpotSettings &t)
{
  const std::string weight = r.text("stress_weight", "none");
  if (weight == "none") return;
  t.stress_weight = NOT_GIVEN;
  if (weight == "group") return;
  if (!to_number(weight, t.stress_weight) || !(t.stress_weight >= 0.0) ||
      std::isinf(t.stress_weight))
    throw Error("wrong value", r.where("stress_weight"), weight,
                "none, group, or a number that is not negative");
}

/// What [CALCULATOR] and stress_weight say together.
void check_what_is_fitted(const IniFile &ini, Settings &s)
{
  const SectionReader r(ini, "CALCULATOR", {}), t(ini, "TORCHPOT", {});
  const CalculatorSettings &c = s.calculator;
  if (!c.energy && !c.force && !s.fits_stress())
    throw Error("nothing to fit", r.where("force"), "energy = 0 and force = 0",
                "at least one of them 1, or stresses fitted by [TORCHPOT] stress_weight");
  if (r.has("stress") && c.stress && !s.fits_stress())
    s.notes.push_back(r.where("stress") + ": errors of stresses are shown, but stresses are not "
                                          "fitted without [TORCHPOT] stress_weight");
  if (!c.stress && s.torchpot.stress_weight != 0.0)
    s.notes.push_back(t.where("stress_weight") + ": no effect with [CALCULATOR] stress = 0");
}

void read_layers(const SectionReader &r, PytorchSettings &p)
{
  const std::vector<std::string> words = r.words("layer_sizes", "num_desc 512 512 1");
  p.layer_sizes.clear();
  for (std::size_t i = 0; i < words.size(); i++) {
    long long size = 0;
    if (i == 0 && words[i] == "num_desc") continue;
    if (!to_integer(words[i], size) || size < 1 || size > 1000000)
      throw Error("wrong layer size", r.where("layer_sizes"), words[i],
                  i ? "a whole number larger than 0" : "num_desc or a whole number larger than 0");
    if (i == 0)
      p.input_size = (int) size;
    else
      p.layer_sizes.push_back((int) size);
  }
  if (p.layer_sizes.empty() || p.layer_sizes.back() != 1)
    throw Error("the last layer must have the size 1, the energy", r.where("layer_sizes"),
                join(words, " "), "num_desc, sizes of hidden layers, 1");
}

void read_pytorch(const IniFile &ini, const std::string &section, Settings &s)
{
  const SectionReader r(ini, section, known_keys(section));
  PytorchSettings &p = s.pytorch;
  read_layers(r, p);
  if (r.has("learning_rate")) p.learning_rate = r.number("learning_rate", 0.0, Range::positive);
  if (r.has("num_epochs")) p.num_epochs = r.integer("num_epochs", 0, 0, INT_MAX);
  if (r.has("dtype_setting")) p.dtype = r.integer("dtype_setting", 1, 0, INT_MAX);
  p.has_batch_size = r.has("batch_size");
  p.batch_size = r.integer("batch_size", 4, 1, INT_MAX);
  p.save_freq = r.integer("save_freq", 10, 1, INT_MAX);
  p.output_file = r.text("output_file", p.output_file);
  const auto optional = [&](const char *key, Range range) {
    const std::string text = r.text(key, "NaN");
    return text == "NaN" || text == "nan" ? NOT_GIVEN : r.number(key, NOT_GIVEN, range);
  };
  p.energy_weight = optional("energy_weight", Range::not_negative);
  p.force_weight = optional("force_weight", Range::not_negative);
  if (std::isnan(p.energy_weight) != std::isnan(p.force_weight)) {
    const bool energy = !std::isnan(p.energy_weight);
    throw Error("energy_weight and force_weight go together",
                r.where(energy ? "energy_weight" : "force_weight"),
                std::string("only ") + (energy ? "energy_weight" : "force_weight"), "both or none");
  }
  if (p.energy_weight == 0.0 && p.force_weight == 0.0)
    throw Error("nothing to fit", r.where("force_weight"), "energy_weight = 0 and force_weight = 0",
                "at least one of them larger than 0");
  p.training_fraction = optional("training_fraction", Range::not_negative);
  if (p.training_fraction == 0.0 || p.training_fraction > 1.0)
    throw Error("wrong value", r.where("training_fraction"), r.text("training_fraction", ""),
                "a number larger than 0, at most 1");
  p.multi_element_option = r.integer("multi_element_option", 1, 1, 3);
  r.flag("manual_seed_flag", false);    // runs always start from [TORCHPOT] seed
  p.shuffle = r.flag("shuffle_flag", true);
  for (auto [key, file] : {std::pair("save_state_input", &p.state_input),
                           std::pair("save_state_output", &p.state_output)})
    if (r.text(key, "None") != "None") *file = r.text(key, "");
}

/// Output paths: as given, or with `relative` seen from the folder of the input.
struct OutputFolder {
  fs::path folder;
  std::string operator()(const std::string &name) const
  {
    return name.empty() || fs::path(name).is_absolute() ? name : (folder / name).string();
  }
};

void read_outputs(const IniFile &ini, const OutputFolder &out, Settings &s)
{
  const SectionReader r(ini, "OUTFILE", known_keys("OUTFILE"));
  const std::string style = r.text("output_style", "SNAP");
  if (style != "SNAP")
    throw Error("only SNAP descriptors are in this version", r.where("output_style"), style,
                "SNAP");
  if (r.text("metrics_style", "MD") != "MD")
    s.notes.push_back(r.where("metrics_style") + ": no effect, the metrics file is a text table");
  s.outfile.metrics = out(r.text("metrics", s.outfile.metrics));
  s.outfile.potential = out(r.text("potential", s.outfile.potential));
  s.outfile.loss = out(s.outfile.loss);
  s.outfile.committee = out(s.outfile.committee);

  const SectionReader e(ini, "EXTRAS", known_keys("EXTRAS"));
  s.outfile.perconfig = e.flag("dump_perconfig", false) ? out("perconfig.dat") : "";
  s.outfile.stress = s.outfile.perconfig.empty() ? "" : out("stress.dat");
  s.outfile.peratom = e.flag("dump_peratom", false) ? out("peratom.dat") : "";
  for (const char *key : {"dump_configs", "dump_descriptors", "dump_truth", "dump_weights",
                          "dump_dataframe"})
    if (e.flag(key, false))
      s.notes.push_back(e.where(key) + ": no effect, Python's files are not written; "
                                       "fix fitdump writes descriptors for h5py");
  for (const char *key : {"apply_transpose", "multinode_testing"})
    if (e.flag(key, false)) s.notes.push_back(e.where(key) + ": no effect here");
  if (e.flag("only_test", false))
    throw Error("a fit without fitting", e.where("only_test"), "1", "0",
                "Use torchpot_fit --evaluate model.pt");
}

Activation read_activation(const SectionReader &r)
{
  const std::string name = r.text("activation", "softplus");
  return activation_from(name, r.where("activation"));
}

void read_optimizer(const SectionReader &r, TorchpotSettings &t)
{
  t.has_optimizer = r.has("optimizer");
  t.has_schedule = r.has("schedule");
  t.optimizer = (OptimizerKind) r.choice("optimizer", 0, {"adam", "lbfgs", "levenberg"});
  ScheduleSettings &s = t.schedule;
  s.kind = (ScheduleKind) r.choice("schedule", (int) s.kind,
                                   {"constant", "cosine", "exponential", "plateau"});
  s.warmup = r.number("warmup", s.warmup, Range::not_negative);
  s.final_factor = r.number("final_rate", s.final_factor, Range::positive);
  s.decay_factor = r.number("decay", s.decay_factor, Range::fraction);
  s.patience = r.integer("patience", s.patience, 1, INT_MAX);
  t.weight_decay = r.number("weight_decay", t.weight_decay, Range::not_negative);
  t.clip = r.number("clip", t.clip, Range::not_negative);
  if (r.has("average")) t.average = r.number("average", 0.0, Range::fraction);
  t.early_stop = r.integer("early_stop", t.early_stop, 0, INT_MAX);
}

void read_xyz_keys(const SectionReader &r, TorchpotSettings &t)
{
  t.energy_key = r.text("energy_key", "");
  t.forces_key = r.text("forces_key", "");
  t.stress_key = r.text("stress_key", "");
  t.virial_key = r.text("virial_key", "");
  t.group_key = r.text("group_key", "");
  if (r.has("stress_unit"))
    t.stress_unit =
        r.choice("stress_unit", 0, {"eV/Angstrom^3", "bar"}) ? "bar" : "eV/Angstrom^3";
}

void read_committee(const SectionReader &r, Settings &s)
{
  TorchpotSettings &t = s.torchpot;
  t.committee = r.integer("committee", 1, 1, 1000);
  t.bootstrap = r.choice("committee_data", 0, {"all", "bootstrap"}) == 1;
  if (t.committee == 1 && r.has("committee_data")) {
    t.bootstrap = false;
    s.notes.push_back(r.where("committee_data") + ": no effect without committee");
  }
  if (t.committee > 1 && !t.bootstrap && t.network != NetworkKind::mlp)
    throw Error("the models of this committee would all be the same: least squares has nothing "
                "random",
                r.where("committee"), std::to_string(t.committee), "1",
                "Let them differ in their data with committee_data = bootstrap");
}

void read_torchpot(const IniFile &ini, const OutputFolder &out, Settings &s)
{
  const SectionReader r(ini, "TORCHPOT", known_keys("TORCHPOT"));
  TorchpotSettings &t = s.torchpot;
  read_stress_weight(r, t);
  read_optimizer(r, t);
  t.activation = read_activation(r);
  t.documented_loss = r.choice("loss", 0, {"fitsnap", "documented"}) == 1;
  t.network = (NetworkKind) r.choice("network", 2, {"linear", "quadratic", "mlp"});
  t.precision = r.choice("precision", 0, {"float64", "float32"}) == 1 ? Precision::float32
                                                                      : Precision::float64;
  for (const std::string &name : r.words("fitdump", "")) {
    const fs::path path(name);
    const fs::path folder = fs::path(s.input_file).parent_path();
    t.fitdump.push_back(path.is_absolute() ? name : (folder / path).lexically_normal().string());
  }
  t.test_fraction = r.number("test_fraction", t.test_fraction, Range::fraction);
  t.test_files = r.text("test_files", "");
  read_xyz_keys(r, t);

  fs::path model = s.pytorch.output_file;
  if (model.extension() != ".pt") model += ".pt";
  t.model = out(r.text("model", model.string()));
  fs::path checkpoint = t.model;
  checkpoint.replace_extension(".checkpoint");
  const auto or_none = [&](const char *key, const std::string &otherwise) {
    if (!r.has(key)) return otherwise;
    const std::string name = r.text(key, "none");
    return name == "none" ? std::string() : out(name);
  };
  t.cache = or_none("cache", (fs::path(t.model).parent_path() / "torchpot_cache").string());
  t.checkpoint = or_none("checkpoint", checkpoint.string());
  t.report = or_none("report", out("report.html"));
  t.checkpoint_every = r.integer("checkpoint_every", s.pytorch.save_freq, 1, INT_MAX);
  t.threads = r.integer("threads", 0, 0, 4096);
  t.derivatives =
      (DerivativeStorage) r.choice("derivatives", 0, {"auto", "float64", "float32"});
  t.device = (Device) r.choice("device", 0, {"auto", "cpu", "torch", "cuda"});
  t.memory_limit = r.number("memory_limit", 0.0, Range::not_negative);
  t.seed = (std::uint64_t) r.integer("seed", 0, 0, INT_MAX);
  read_committee(r, s);
  const IniSection *section = ini.find(ini.find("NETWORK") ? "NETWORK" : "PYTORCH");
  if (t.network != NetworkKind::mlp && section && section->find("layer_sizes"))
    s.notes.push_back(section->find("layer_sizes")->where.text() + ": [" + section->name +
                      "] layer_sizes: no effect with network = " + r.text("network", ""));
  if (t.network != NetworkKind::mlp && !s.pytorch.state_input.empty())
    s.notes.push_back("save_state_input: no effect with network = " + r.text("network", ""));
}

}    // namespace

ElementMode Settings::element_mode() const
{
  return (ElementMode) (pytorch.multi_element_option - 1);
}

bool Settings::wants_balance() const
{
  // `documented` multiplies energies per atom with the number of atoms by itself
  return !has_group_weights && !has_global_weights() && !is_linear_solver() &&
      !torchpot.documented_loss;
}

bool Settings::has_global_weights() const
{
  return !std::isnan(pytorch.energy_weight);
}

Settings settings_from_text(const std::string &text, const std::string &name,
                            const std::vector<Override> &overrides, bool relative)
{
  IniFile ini = parse_ini(text, name);
  Settings s;
  s.input_file = name;
  s.input_text = text;
  for (const Override &o : overrides) {
    const std::string option = "--keyword " + o.section + " " + o.key + " " + o.value;
    ini.set(o.section, o.key, o.value, {option, 0});
    s.input_text += "# " + option + "\n";
  }
  check_sections(ini);
  OutputFolder out;
  if (relative) out.folder = fs::path(name).parent_path();
  const std::string network_section = read_solver(ini, s);
  read_bispectrum(ini, s);
  read_calculator(ini, s);
  if (s.is_linear_solver())
    s.pytorch.output_file =
        SectionReader(ini, "OUTFILE", {}).text("potential", s.outfile.potential) + ".pt";
  else
    read_pytorch(ini, network_section, s);
  for (std::string *file : {&s.pytorch.state_input, &s.pytorch.state_output}) *file = out(*file);
  read_outputs(ini, out, s);
  read_torchpot(ini, out, s);
  complete_linear_solver(ini, s);
  check_what_is_fitted(ini, s);
  read_data_settings(ini, s);
  SectionReader(ini, "MEMORY", known_keys("MEMORY"));
  return s;
}

Settings read_settings(const std::string &file, const std::vector<Override> &overrides,
                       bool relative)
{
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  if (stream) text << stream.rdbuf();
  if (!stream || fs::is_directory(file))
    throw Error("the input file cannot be read", file, "", "",
                fs::exists(file) ? "" : "There is no such file: " + full_path(file));
  return settings_from_text(text.str(), file, overrides, relative);
}

}    // namespace torchpot
