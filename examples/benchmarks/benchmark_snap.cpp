// Time per step of pair_style torchpot and of pair_style snap with the same linear SNAP model, in
// one process, one core, the two taking turns; medians. Usage:
//   benchmark_snap PLUGIN [twojmax] [atoms] [rounds] [float32|float64]
#include "torchpot_model_file.h"

#include "library.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

using namespace torchpot;

namespace {

constexpr double CUTOFF = 4.67637, LATTICE = 3.316;    // bcc tantalum: 26 neighbors
constexpr int STEPS = 5;

Model linear_model(int twojmax)
{
  Model model;
  model.elements = {"Ta"};
  model.descriptor.twojmax = twojmax;
  model.descriptor.rcutfac = CUTOFF;
  model.descriptor.elements = {"Ta"};
  model.descriptor.radelem = {0.5};
  model.descriptor.welem = {1.0};
  model.descriptor.bzeroflag = false;
  model.cutoff = CUTOFF;
  NetworkParameters &network = model.network;
  const int n = model.descriptor.n_descriptors();
  network.kind = NetworkKind::linear;
  network.n_descriptors = n;
  network.energy_shift = {-1.0};
  network.input_shift.assign(n, 0.0);
  network.input_scale.assign(n, 1.0);
  std::mt19937_64 generator(1);
  for (int k = 0; k < n; k++)
    network.parameters.push_back(1e-3 * (generator() % 2001 / 1000.0 - 1.0));
  return model;
}

void write_stock_files(const Model &model)
{
  std::ofstream coeff("benchmark.snapcoeff"), param("benchmark.snapparam");
  coeff.precision(17);
  coeff << "1 " << model.network.parameters.size() + 1 << "\nTa 0.5 1.0\n"
        << model.network.energy_shift[0] << "\n";
  for (const double c : model.network.parameters) coeff << c << "\n";
  param.precision(17);
  param << "rcutfac " << CUTOFF << "\ntwojmax " << model.descriptor.twojmax << "\nbzeroflag 0\n";
}

class Run {
 public:
  Run(const std::string &plugin, const std::string &style, const std::string &coefficients,
      int cells)
  {
    const char *args[] = {"lammps", "-log", "none", "-screen", "none", "-nocite"};
    handle = lammps_open_no_mpi(6, const_cast<char **>(args), nullptr);
    const std::string n = std::to_string(cells);
    for (const std::string &line :
         {std::string("plugin load ") + plugin, std::string("units metal"),
          "lattice bcc " + std::to_string(LATTICE),
          "region box block 0 " + n + " 0 " + n + " 0 " + n, std::string("create_box 1 box"),
          std::string("create_atoms 1 box"), std::string("mass 1 180.88"),
          std::string("displace_atoms all random 0.05 0.05 0.05 1234"), "pair_style " + style,
          "pair_coeff * * " + coefficients, std::string("fix 1 all nve"),
          std::string("run 1 post no")})
      command(line);
  }
  ~Run() { lammps_close(handle); }

  double seconds_per_step()
  {
    const auto start = std::chrono::steady_clock::now();
    command("run " + std::to_string(STEPS) + " pre no post no");
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / STEPS;
  }
  double energy() { return lammps_get_thermo(handle, "pe"); }
  double atoms() { return lammps_get_natoms(handle); }

 private:
  void command(const std::string &line)
  {
    lammps_command(handle, line.c_str());
    if (!lammps_has_error(handle)) return;
    char message[512];
    lammps_get_last_error_message(handle, message, sizeof(message));
    throw std::runtime_error(line + ": " + message);
  }
  void *handle;
};

double median(std::vector<double> values)
{
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}    // namespace

int main(int narg, char **arg)
{
  if (narg < 2) {
    std::fprintf(stderr, "usage: %s PLUGIN [twojmax] [atoms] [rounds] [float32|float64]\n", arg[0]);
    return 1;
  }
  const int twojmax = narg > 2 ? std::atoi(arg[2]) : 6;
  const int atoms = narg > 3 ? std::atoi(arg[3]) : 2000;
  const int rounds = narg > 4 ? std::atoi(arg[4]) : 7;
  const std::string precision = narg > 5 ? arg[5] : "float64";
  try {
    const Model model = linear_model(twojmax);
    write_model(model, "benchmark.pt");
    write_stock_files(model);
    const int cells = std::max(3, (int) std::lround(std::cbrt(atoms / 2.0)));
    Run ours(arg[1], "torchpot precision " + precision, "benchmark.pt Ta", cells);
    Run stock(arg[1], "snap", "benchmark.snapcoeff benchmark.snapparam Ta", cells);
    std::vector<double> a, b, ratio;
    for (int i = 0; i < rounds; i++) {
      a.push_back(ours.seconds_per_step());
      b.push_back(stock.seconds_per_step());
      ratio.push_back(b.back() / a.back());
    }
    std::printf("2J = %d, %.0f atoms, %s, SIMD target %s\n", twojmax, ours.atoms(),
                precision.c_str(), simd_target().c_str());
    std::printf("  pair_style torchpot  %10.0f atom-steps/s   energy %.12g eV/atom\n",
                ours.atoms() / median(a), ours.energy() / ours.atoms());
    std::printf("  pair_style snap      %10.0f atom-steps/s   energy %.12g eV/atom\n",
                stock.atoms() / median(b), stock.energy() / stock.atoms());
    std::printf("  ratio, median of %d pairs: %.2f\n", rounds, median(ratio));
  } catch (const std::exception &error) {
    std::fprintf(stderr, "benchmark_snap: %s\n", error.what());
    return 1;
  }
}
