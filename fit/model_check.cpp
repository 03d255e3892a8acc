// `torchpot_model verify` for model files.
#include "checks.h"

#include "torchpot_archive.h"
#include "torchpot_error.h"
#include "torchpot_evaluator.h"
#include "torchpot_model_file.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <random>

namespace torchpot {

bool CheckReport::passed() const
{
  return std::all_of(checks.begin(), checks.end(), [](const Check &c) { return c.passed; });
}

void CheckReport::add(const std::string &name, double figure, double limit, const std::string &text)
{
  checks.push_back({name, std::isnan(limit) || figure <= limit, text, figure, limit});
}

void CheckReport::add(const std::string &name, bool passed, const std::string &text)
{
  Check check;
  check.name = name, check.passed = passed, check.text = text;
  checks.push_back(check);
}

namespace {

constexpr int N_ATOMS = 12;

/// Random atoms in a triclinic cell, as dense as condensed matter is on the scale of the cutoff.
struct Configuration {
  Cell cell;
  std::vector<double> position;
  std::vector<int> element;
  NeighborTable neighbors(const Model &model) const
  {
    return find_neighbors(N_ATOMS, N_ATOMS, position.data(), element.data(), cell, model.cutoff);
  }
};

double length(const double *v) { return std::sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]); }

/// No two atoms closer than 0.4 cutoffs, and no pair near its cutoff, where descriptors have no
/// second derivative (or, with switchflag 0, jump).
bool is_good(const Model &model, const Configuration &configuration)
{
  NeighborTable table = configuration.neighbors(model);
  for (int i = 0; i < N_ATOMS; ++i)
    for (std::size_t p = table.first[i]; p < table.first[i + 1]; ++p) {
      double r = length(&table.vector[3 * p]);
      double cutoff = model.descriptor.cutoff(table.element[i], table.neighbor_element[p]);
      if (r < 0.4 * model.cutoff || std::abs(r - cutoff) < 1e-4 * model.cutoff) return false;
    }
  return true;
}

Configuration random_configuration(const Model &model, std::mt19937_64 &random)
{
  auto uniform = [&] { return std::ldexp((double) (random() >> 11), -53); };
  Configuration configuration;
  for (int attempt = 0; attempt < 100; ++attempt) {
    configuration = Configuration();
    double side = 1.3 * model.cutoff;
    for (int a = 0; a < 3; ++a)
      for (int b = 0; b <= a; ++b)
        configuration.cell.vectors[a][b] = a == b ? side : 0.2 * side * (uniform() - 0.5);
    const auto &cell = configuration.cell.vectors;
    for (int tries = 0; configuration.element.size() < N_ATOMS && tries < 20000; ++tries) {
      double f[3] = {uniform(), uniform(), uniform()}, r[3];
      for (int c = 0; c < 3; ++c) r[c] = f[0] * cell[0][c] + f[1] * cell[1][c] + f[2] * cell[2][c];
      bool free = true;
      for (std::size_t j = 0; free && j < configuration.element.size(); ++j)
        for (int image = 0; free && image < 27; ++image) {
          double d[3];
          for (int c = 0; c < 3; ++c)
            d[c] = configuration.position[3 * j + c] - r[c] + (image % 3 - 1) * cell[0][c] +
                (image / 3 % 3 - 1) * cell[1][c] + (image / 9 - 1) * cell[2][c];
          free = length(d) > 0.41 * model.cutoff;
        }
      if (!free) continue;
      configuration.position.insert(configuration.position.end(), r, r + 3);
      configuration.element.push_back((int) (uniform() * model.elements.size()));
    }
    if (configuration.element.size() == N_ATOMS && is_good(model, configuration))
      return configuration;
  }
  throw Error("no random configuration fits the model's cutoffs", "verify");
}

struct Result {
  double energy = 0.0;
  std::vector<double> atomic, force;
};

Result evaluate(Evaluator &evaluator, const NeighborTable &table)
{
  Result result;
  result.atomic.resize(N_ATOMS);
  result.force.assign(3 * N_ATOMS, 0.0);
  std::vector<double> gradient(table.vector.size());
  evaluator.compute(table.view(), result.atomic.data(), gradient.data());
  for (int i = 0; i < N_ATOMS; ++i) {
    result.energy += result.atomic[i];
    for (std::size_t p = table.first[i]; p < table.first[i + 1]; ++p)
      for (int c = 0; c < 3; ++c) {
        result.force[3 * i + c] += gradient[3 * p + c];
        result.force[3 * table.neighbor[p] + c] -= gradient[3 * p + c];
      }
  }
  return result;
}

/// Largest difference, divided by the largest value (at least `floor`); NaN if a value is none.
double difference(const std::vector<double> &a, const std::vector<double> &b, double floor = 1e-30)
{
  double largest = floor, worst = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!std::isfinite(a[i]) || !std::isfinite(b[i])) return NAN;
    largest = std::max({largest, std::abs(a[i]), std::abs(b[i])});
    worst = std::max(worst, std::abs(a[i] - b[i]));
  }
  return worst / largest;
}

std::vector<double> difference_forces(const Model &model, Configuration configuration, double step)
{
  Evaluator evaluator(model, Precision::float64);
  std::vector<double> force;
  for (double &coordinate : configuration.position) {
    double start = coordinate, energy[2];
    for (int side = 0; side < 2; ++side) {
      coordinate = start + (side ? step : -step);
      energy[side] = evaluate(evaluator, configuration.neighbors(model)).energy;
    }
    coordinate = start;
    force.push_back((energy[0] - energy[1]) / (2 * step));
  }
  return force;
}

/// Rotated by an angle about an axis that is none of the coordinate axes.
NeighborTable rotated(NeighborTable table)
{
  const double c = std::cos(0.7), s = std::sin(0.7), n[3] = {2.0 / 7, 3.0 / 7, 6.0 / 7};
  for (std::size_t p = 0; p < table.vector.size(); p += 3) {
    double *v = &table.vector[p], dot = n[0] * v[0] + n[1] * v[1] + n[2] * v[2];
    double cross[3] = {n[1] * v[2] - n[2] * v[1], n[2] * v[0] - n[0] * v[2],
                       n[0] * v[1] - n[1] * v[0]};
    for (int a = 0; a < 3; ++a) v[a] = v[a] * c + cross[a] * s + n[a] * dot * (1 - c);
  }
  return table;
}

/// Largest of the figures met; NaN sticks.
void worst(double &so_far, double figure)
{
  if (!(figure <= so_far)) so_far = figure;
}

void check_evaluation(const std::string &file, const Model &model, int n_configurations,
                      CheckReport &report)
{
  const auto &activations = model.network.activations;
  bool kinks = std::find(activations.begin(), activations.end(), Activation::relu) !=
      activations.end();
  double finite = 0, paths = 0, script = 0, rotation = 0, single = 0;
  Evaluator fast(model, Precision::float64), slow(model, Precision::float64, false);
  Evaluator fast_single(model, Precision::float32);
  TorchNetwork network(file, "cpu");
  auto descriptor = make_snap(model.descriptor);
  std::mt19937_64 random(20240229);
  const int n_k = model.network.n_descriptors;
  for (int k = 0; k < n_configurations; ++k) {
    Configuration configuration = random_configuration(model, random);
    NeighborTable table = configuration.neighbors(model);
    Result result = evaluate(fast, table), reference = evaluate(slow, table);
    worst(finite,
          difference(result.force,
                     difference_forces(model, configuration,
                                       (kinks ? 2e-7 : 2e-6) * model.cutoff)));
    worst(paths, difference(result.atomic, reference.atomic));
    worst(paths, difference(result.force, reference.force));
    worst(rotation, difference(result.atomic, evaluate(fast, rotated(table)).atomic));
    worst(single, difference(result.force, evaluate(fast_single, table).force));

    std::vector<double> value(N_ATOMS * n_k), energy(N_ATOMS), gradient(N_ATOMS * n_k);
    std::vector<double> plain_energy(N_ATOMS), plain_gradient(N_ATOMS * n_k);
    descriptor->values(table.view(), value.data());
    network.evaluate(N_ATOMS, table.element.data(), value.data(), energy.data(), gradient.data());
    for (int i = 0; i < N_ATOMS; ++i)
      plain_energy[i] = network_reference(model.network, table.element[i], &value[i * n_k],
                                          &plain_gradient[i * n_k]);
    worst(script, difference(energy, plain_energy));
    worst(script, difference(gradient, plain_gradient));
  }
  const std::string cells = std::to_string(n_configurations) + " random cells of " +
      std::to_string(N_ATOMS) + " atoms";
  report.add("finite differences", finite, kinks ? 1e-3 : 1e-5,
             "of the largest force, forces against differences of energies in " + cells);
  report.add("two paths", paths, 1e-9, "of the largest value, fast against reference code");
  report.add("TorchScript", script, model.dtype == Precision::float64 ? 1e-9 : 1e-4,
             "of the largest value, the archive's own forward against the core's network");
  report.add("rotation", rotation, 1e-9, "of the largest atomic energy, after a rotation");
  report.add("float32", single, NAN,
             "of the largest force, arithmetic in float32 against float64");
}

}    // namespace

bool is_hdf5(const std::string &file)
{
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  char start[8] = {0};
  stream.read(start, sizeof start);
  if (!stream && stream.gcount() == 0)
    throw Error("cannot read the file", file, errno ? std::strerror(errno) : "an empty file");
  return std::string(start, 8) == std::string("\x89HDF\r\n\x1a\n", 8);
}

CheckReport verify_model(const std::string &file, int n_configurations)
{
  CheckReport report;
  const char *stage = "archive";
  try {
    std::size_t records = check_archive(file);
    report.add(stage, true, std::to_string(records) + " records agree with their checksums");
    stage = "fields";
    Model model = read_model(file);
    model.validate(file);
    report.add(stage, true, "every field read and consistent; SHA-256 " + file_sha256(file));
    stage = "evaluation";
    check_evaluation(file, model, n_configurations, report);
  } catch (const std::exception &error) {
    report.add(stage, false, error.what());
  }
  return report;
}

}    // namespace torchpot
