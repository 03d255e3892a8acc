// The reference potential, evaluated by LAMMPS through its C interface.
#include "reference.h"

#include "torchpot_error.h"

#define LAMMPS_LIB_MPI
#include "force.h"
#include "lammps.h"
#include "library.h"
#include "pair.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdint>
#include <mpi.h>
#include <utility>

namespace torchpot {

namespace {

#ifdef LAMMPS_BIGBIG
using AtomId = std::int64_t;
#else
using AtomId = int;
#endif

void *open_lammps()
{
  int started;
  MPI_Initialized(&started);
  if (!started) MPI_Init(nullptr, nullptr);
  const char *arguments[] = {"torchpot_fit", "-log", "none", "-screen", "none", "-nocite"};
  return lammps_open(6, (char **) arguments, MPI_COMM_SELF, nullptr);
}

/// Largest extent along the unit vector n, and its lower end.
std::pair<double, double> extent(const std::vector<double> &position, const double *n)
{
  double low = 1e300, high = -1e300;
  for (std::size_t i = 0; i < position.size(); i += 3) {
    const double x = n[0] * position[i] + n[1] * position[i + 1] + n[2] * position[i + 2];
    low = std::min(low, x);
    high = std::max(high, x);
  }
  return {low, high - low};
}

/// A unit vector normal to the `m` first rows of `rows`.
void normal_to(const double rows[3][3], int m, double *n)
{
  double best = -1.0;
  for (int axis = 0; axis < 3; axis++) {
    double v[3] = {axis == 0 ? 1.0 : 0.0, axis == 1 ? 1.0 : 0.0, axis == 2 ? 1.0 : 0.0};
    double basis[2][3];
    for (int i = 0; i < m; i++) {    // Gram and Schmidt
      for (int c = 0; c < 3; c++) basis[i][c] = rows[i][c];
      if (i == 1) {
        const double p = basis[0][0] * rows[1][0] + basis[0][1] * rows[1][1] +
            basis[0][2] * rows[1][2];
        for (int c = 0; c < 3; c++) basis[1][c] -= p * basis[0][c];
      }
      const double length = std::sqrt(basis[i][0] * basis[i][0] + basis[i][1] * basis[i][1] +
                                      basis[i][2] * basis[i][2]);
      for (int c = 0; c < 3; c++) basis[i][c] /= length;
      const double p = basis[i][0] * v[0] + basis[i][1] * v[1] + basis[i][2] * v[2];
      for (int c = 0; c < 3; c++) v[c] -= p * basis[i][c];
    }
    const double length = std::sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
    if (length <= best) continue;
    best = length;
    for (int c = 0; c < 3; c++) n[c] = v[c] / length;
  }
}

/// The configuration's cell; directions without period become normal to the others and as long as
/// the atoms' extent plus `reach`.
void closed_cell(const Configuration &c, double reach, double cell[3][3])
{
  int m = 0;
  double rows[3][3];
  for (int i = 0; i < 3; i++)
    if (c.cell.periodic[i]) {
      for (int k = 0; k < 3; k++) rows[m][k] = c.cell.vectors[i][k];
      m++;
    }
  for (; m < 3; m++) {
    normal_to(rows, m, rows[m]);
    const double length = extent(c.position, rows[m]).second + reach;
    for (int k = 0; k < 3; k++) rows[m][k] *= length;
  }
  for (int i = 0; i < 3; i++)
    for (int k = 0; k < 3; k++) cell[i][k] = rows[i][k];
}

}    // namespace

int lammps_library_version()
{
  void *handle = open_lammps();
  const int version = handle ? lammps_version(handle) : 0;
  lammps_close(handle);
  return version;
}

struct ReferencePotential::Implementation {
  Implementation(const ReferenceSettings &settings, const std::vector<std::string> &elements) :
      handle(open_lammps()), where(settings.where.text() + ": [REFERENCE]")
  {
    if (!handle) throw Error("LAMMPS could not be started", where);
    try {
      set_up(settings, elements);
    } catch (...) {
      lammps_close(handle);
      throw;
    }
  }
  ~Implementation() { lammps_close(handle); }

  void set_up(const ReferenceSettings &settings, const std::vector<std::string> &elements)
  {
    command("units " + settings.units);
    command("atom_style " + settings.atom_style);
    command("atom_modify map array sort 0 0.0");
    command("boundary p p p");
    command("box tilt large");
    command("region box prism 0 50 0 50 0 50 0 0 0");
    command("create_box " + std::to_string(elements.size()) + " box");
    command("mass * 1.0");
    command("neighbor 0.0 bin");
    command("neigh_modify one 100000 page 1000000 delay 0 every 1 check no");
    for (const std::string &line : settings.lines) command(line);
    command("compute torchpot_stress all pressure NULL virial");
    command("thermo_style custom step pe c_torchpot_stress[1]");
    command("thermo_modify norm no");    // lj units would give the energy per atom
    // an empty run finds faults in the commands before any data are looked at
    command("run 0 post no");
    reach = ((LAMMPS_NS::LAMMPS *) handle)->force->pair->cutforce;
  }

  void command(const std::string &line)
  {
    lammps_command(handle, line.c_str());
    check(line);
  }

  void check(const std::string &line)
  {
    if (!lammps_has_error(handle)) return;
    char text[2048];
    lammps_get_last_error_message(handle, text, sizeof text);
    // the sentence itself, without LAMMPS's links and place in its sources
    std::string message = text;
    for (const char *rest : {"For more information", " (src/", "Last input line"})
      message = message.substr(0, message.find(rest));
    if (message.compare(0, 7, "ERROR: ") == 0) message = message.substr(7);
    while (!message.empty() && std::isspace((unsigned char) message.back())) message.pop_back();
    throw Error("LAMMPS cannot evaluate the reference potential", where,
                "command: " + line + ": " + message);
  }

  void place(const Configuration &c, const TriangularCell &t)
  {
    const int n = c.n_atoms();
    std::vector<double> x(3 * (std::size_t) n);
    std::vector<int> type(n);
    std::vector<AtomId> id(n);
    const double(&b)[3][3] = t.box;
    for (int i = 0; i < n; i++) {
      double *xi = &x[3 * (std::size_t) i];
      rotate(t.rotation, &c.position[3 * (std::size_t) i], xi);
      for (int k = 2; k >= 0; k--) {    // into the box, along its vectors
        double shift = std::floor(xi[k] / b[k][k]);
        if (xi[k] - shift * b[k][k] >= b[k][k]) shift += 1.0;    // rounding at the upper face
        for (int l = 0; l <= k; l++) xi[l] -= shift * b[k][l];
      }
      id[i] = i + 1;
      type[i] = c.element[i] + 1;
    }
    double low[3] = {0, 0, 0}, high[3] = {b[0][0], b[1][1], b[2][2]};
    lammps_reset_box(handle, low, high, b[1][0], b[2][1], b[2][0]);
    check("change of the box");
    lammps_create_atoms(handle, n, id.data(), type.data(), x.data(), nullptr, nullptr, 1);
    check("creation of the atoms");
    if (lammps_get_natoms(handle) != n)
      throw Error("LAMMPS did not take all atoms", c.file,
                  std::to_string((long long) lammps_get_natoms(handle)), std::to_string(n));
  }

  void evaluate(Configuration &c)
  {
    double cell[3][3];
    closed_cell(c, 2.0 * reach + 1.0, cell);
    const TriangularCell t = triangular_cell(cell);
    const std::size_t n = c.element.size();
    place(c, t);
    command("run 0 post no");
    c.reference_energy = lammps_get_thermo(handle, "pe");
    c.reference_force.assign(3 * n, 0.0);
    lammps_gather_atoms(handle, "f", 1, 3, c.reference_force.data());
    check("forces");
    for (std::size_t i = 0; i < n; i++)
      rotate_back(t.rotation, &c.reference_force[3 * i], &c.reference_force[3 * i]);
    const double *stress = (const double *) lammps_extract_compute(handle, "torchpot_stress",
                                                                   LMP_STYLE_GLOBAL,
                                                                   LMP_TYPE_VECTOR);
    check("stress");
    rotate_stress_back(t.rotation, stress, c.reference_stress);
    command("delete_atoms group all compress yes");
  }

  void *handle;
  const std::string where;
  double reach = 0.0;
};

ReferencePotential::ReferencePotential(const ReferenceSettings &settings,
                                       const std::vector<std::string> &elements) :
    implementation(std::make_unique<Implementation>(settings, elements))
{
}

ReferencePotential::~ReferencePotential() = default;

void ReferencePotential::compute(Configuration &configuration)
{
  implementation->evaluate(configuration);
  const Configuration &c = configuration;
  bool finite = std::isfinite(c.reference_energy);
  for (const double f : c.reference_force) finite = finite && std::isfinite(f);
  if (!finite)
    throw Error("the reference potential gives no finite energy or force", c.group + "/" + c.file,
                "", "", "Are atoms on top of each other?");
}

}    // namespace torchpot
