// Settings of the solver: network training or linear least squares.
#include "settings_solver.h"

#include "settings_reader.h"
#include "torchpot_error.h"

#include <algorithm>

namespace torchpot {

namespace {

struct Refusal {
  const char *name, *reason, *instead;
};
constexpr Refusal REFUSED[] = {
    {"LASSO", "fits with an L1 penalty are not in this version", "RIDGE, or SVD"},
    {"ARD", "automatic relevance determination is not in this version", "RIDGE, or SVD"},
    {"ANL", "Bayesian fits with a covariance of the coefficients are not in this version",
     "SVD, which gives the same coefficients"},
    {"MCMC", "Bayesian fits by sampling are not in this version", "SVD"},
    {"MERR", "fits of model errors are not in this version", "SVD"},
    {"BCS", "Bayesian compressive sensing is not in this version", "RIDGE, or SVD"},
    {"OPT", "general optimizers for linear models are not in this version", "SVD"},
    {"LREG", "this solver is not in this version", "SVD"},
    {"ScaLAPACK", "there is no need of it, the other solvers run on several ranks", "SVD"},
    {"SLATE", "there is no need of it, the other solvers run on several ranks", "RIDGE, or SVD"},
    {"TENSORFLOWSVD", "TensorFlow is not used", "SVD"},
    {"JAX", "networks are trained by libtorch's conventions only", "PYTORCH"},
};

/// Keys of [TORCHPOT] that only training has.
constexpr const char *TRAINING_KEYS[] = {
    "activation", "loss", "stress_weight", "checkpoint", "checkpoint_every", "optimizer",
    "schedule", "warmup", "final_rate", "decay", "patience", "weight_decay", "clip", "average",
    "early_stop", "device", "derivatives", "cache", "committee_data"};

void read_ridge(const IniFile &ini, Settings &s)
{
  const SectionReader r(ini, "RIDGE", known_keys("RIDGE"));
  s.ridge_alpha = r.number("alpha", s.ridge_alpha, Range::not_negative);
  r.flag("local_solver", false);    // there is one, which gives what both of FitSNAP's aim at
  if (r.present() && s.solver != SolverKind::ridge)
    s.notes.push_back(ini.find("RIDGE")->where.text() +
                      ": section [RIDGE] has no effect without solver = RIDGE");
}

}    // namespace

std::string read_solver(const IniFile &ini, Settings &s)
{
  const SectionReader r(ini, "SOLVER", known_keys("SOLVER"));
  const std::string solver = r.text("solver", ini.find("NETWORK") ? "NETWORK" : "PYTORCH");
  for (const Refusal &refusal : REFUSED)
    if (solver == refusal.name)
      throw Error(std::string("this solver cannot be used: ") + refusal.reason, r.where("solver"),
                  solver, refusal.instead);
  s.solver = solver == "SVD" ? SolverKind::svd
      : solver == "RIDGE"    ? SolverKind::ridge
                             : SolverKind::network;
  if (!s.is_linear_solver() && solver != "PYTORCH" && solver != "NETWORK")
    throw Error("unknown solver", r.where("solver"), solver, "PYTORCH, NETWORK, SVD or RIDGE");
  read_ridge(ini, s);
  for (const char *key : {"normalweight", "normratio", "nsam", "cov_nugget", "mcmc_num",
                          "mcmc_gamma", "mcmc_sigma", "merr_mult", "merr_method", "merr_cfs"})
    if (r.has(key)) s.notes.push_back(r.where(key) + ": no effect with solver = " + solver);
  if (s.is_linear_solver()) return "PYTORCH";
  const std::string other = solver == "PYTORCH" ? "NETWORK" : "PYTORCH";
  if (const IniSection *section = ini.find(other))
    throw Error("section [" + other + "] does not belong to solver = " + solver,
                section->where.text(), "[" + other + "]", "[" + solver + "]");
  return solver;
}

void complete_linear_solver(const IniFile &ini, Settings &s)
{
  if (!s.is_linear_solver()) return;
  const std::string with = " with solver = " + std::string(to_string(s.solver));
  for (const char *name : {"PYTORCH", "NETWORK"})
    if (const IniSection *section = ini.find(name)) {
      SectionReader(ini, name, known_keys(name));
      s.notes.push_back(section->where.text() + ": section [" + name + "] has no effect" + with);
    }
  const SectionReader r(ini, "TORCHPOT", {});
  if (r.has("network"))
    throw Error("network is a key for solver = PYTORCH", r.where("network"), r.text("network", ""),
                "", "Take it away; quadraticflag in [BISPECTRUM] makes the model quadratic");
  if (s.torchpot.committee > 1)
    throw Error("linear solvers fit one model", r.where("committee"),
                std::to_string(s.torchpot.committee), "1",
                "For a committee of linear models use solver = PYTORCH with network = linear and "
                "committee_data = bootstrap");
  std::vector<std::string> idle;
  for (const char *key : TRAINING_KEYS)
    if (r.has(key)) idle.push_back(key);
  if (!idle.empty())
    s.notes.push_back(r.where(idle[0]) + ": no effect" + with + ": " + join(idle, ", "));
  TorchpotSettings &t = s.torchpot;
  t.network = s.bispectrum.quadratic ? NetworkKind::quadratic : NetworkKind::linear;
  t.stress_weight = s.calculator.stress ? NOT_GIVEN : 0.0;    // the vweight of the groups
  t.checkpoint.clear();
  s.outfile.loss.clear();
  const SnapParameters &snap = s.bispectrum.snap;
  if (snap.chemflag && s.bispectrum.quadratic)
    throw Error("quadratic models of chemical descriptors are not in this version",
                SectionReader(ini, "BISPECTRUM", {}).where("quadraticflag"),
                "quadraticflag = 1 and chemflag = 1", "one of them 0");
  const std::vector<int> &orders = s.bispectrum.orders;
  if (snap.chemflag && std::count(orders.begin(), orders.end(), snap.twojmax) <
          (std::ptrdiff_t) orders.size())
    throw Error("chemical descriptors need the same twojmax for all elements",
                SectionReader(ini, "BISPECTRUM", {}).where("twojmax"), "several values", "one");
}

const char *to_string(SolverKind solver)
{
  return solver == SolverKind::svd ? "SVD" : solver == SolverKind::ridge ? "RIDGE" : "PYTORCH";
}

}    // namespace torchpot
