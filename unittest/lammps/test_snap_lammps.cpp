// Our SNAP against LAMMPS's: compute sna/atom, snad/atom and snap on random triclinic cells.
#include "core/snap_fixture.h"

#include "library.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <sstream>
#include <string>

using namespace torchpot;

namespace {

std::string text(double x)
{
  char buffer[32];
  std::snprintf(buffer, sizeof(buffer), "%.17g", x);
  return buffer;
}

/// A LAMMPS instance holding the atoms of a test cell, in the same order.
class Instance {
 public:
  Instance(const SnapCell &s, const SnapParameters &p)
  {
    const char *args[] = {"lammps", "-log", "none", "-screen", "none", "-nocite"};
    handle = lammps_open_no_mpi(6, const_cast<char **>(args), nullptr);
    const auto &v = s.cell.vectors;
    command("units metal");
    command("atom_modify map array sort 0 0");
    command("box tilt large");
    command("neighbor 0.0 bin");
    command("region cell prism 0 " + text(v[0][0]) + " 0 " + text(v[1][1]) + " 0 " +
            text(v[2][2]) + " " + text(v[1][0]) + " " + text(v[2][0]) + " " + text(v[2][1]));
    const int n_types = (int) p.elements.size();
    command("create_box " + std::to_string(n_types) + " cell");
    command("mass * 1.0");
    command("pair_style zero " + text(1.05 * 2 * 0.5 * p.rcutfac));
    command("pair_coeff * *");
    std::vector<int> id(s.element.size()), type(s.element.size());
    for (std::size_t i = 0; i < id.size(); i++) {
      id[i] = (int) i + 1;
      type[i] = s.element[i] + 1;
    }
    lammps_create_atoms(handle, (int) id.size(), id.data(), type.data(), s.position.data(),
                        nullptr, nullptr, 0);
  }
  ~Instance() { lammps_close(handle); }
  void command(const std::string &line)
  {
    lammps_command(handle, line.c_str());
    char message[512] = "";
    if (lammps_has_error(handle)) lammps_get_last_error_message(handle, message, 512);
    ASSERT_EQ(std::string(message), "") << line;
  }
  double **array(const char *id, int style)
  {
    return static_cast<double **>(lammps_extract_compute(handle, id, style, 2));
  }
  void *handle;
};

std::string snap_arguments(const SnapParameters &p, bool with_extra)
{
  std::ostringstream out;
  out << text(p.rcutfac) << " " << text(p.rfac0) << " " << p.twojmax;
  for (const double r : p.radelem) out << " " << text(r);
  for (const double w : p.welem) out << " " << text(w);
  out << " rmin0 " << text(p.rmin0) << " switchflag " << p.switchflag << " bzeroflag "
      << p.bzeroflag << " bnormflag " << p.bnormflag << " wselfallflag " << p.wselfallflag;
  if (p.chemflag) {
    out << " chem " << p.elements.size();
    for (std::size_t e = 0; e < p.elements.size(); e++) out << " " << e;
  }
  if (p.switchinnerflag) {
    out << " switchinnerflag 1 sinner";
    for (const double r : p.sinnerelem) out << " " << text(r);
    out << " dinner";
    for (const double r : p.dinnerelem) out << " " << text(r);
  }
  if (with_extra) out << " bikflag 1 dgradflag 1";
  return out.str();
}

}    // namespace

TEST(SnapLammps, ValuesAndDerivatives)
{
  for (int number = 0; number < 48; number++) {
    const SnapParameters p = snap_case(number);
    const SnapCell s = snap_cell(8, (int) p.elements.size(), 4.6, 300 + number);
    const std::size_t n = p.n_descriptors(), n_atoms = s.element.size();
    const std::size_t n_types = p.elements.size();
    Instance lammps(s, p);
    lammps.command("compute b all sna/atom " + snap_arguments(p, false));
    lammps.command("compute db all snad/atom " + snap_arguments(p, false));
    lammps.command("compute snap all snap " + snap_arguments(p, true));
    // sums over atoms make thermo output compute all three on the step of the run
    lammps.command("compute sb all reduce sum c_b[1]");
    lammps.command("compute sdb all reduce sum c_db[1]");
    lammps.command("thermo_style custom step c_sb c_sdb c_snap[1][1]");
    lammps.command("run 0 post no");
    double **b = lammps.array("b", 1), **db = lammps.array("db", 1);
    double **grad = lammps.array("snap", 0);
    ASSERT_TRUE(b && db && grad);

    const auto snap = make_snap(p);
    std::vector<double> value(n_atoms * n), derivative(3 * n * s.table.neighbor.size());
    snap->derivatives(s.table.view(), value.data(), derivative.data());

    // per-image derivatives summed to atoms: [center][atom][K][3]
    std::vector<double> summed(n_atoms * n_atoms * n * 3, 0.0);
    for (std::size_t i = 0; i < n_atoms; i++)
      for (std::size_t q = s.table.first[i]; q < s.table.first[i + 1]; q++)
        for (std::size_t k = 0; k < 3 * n; k++) {
          const double d = derivative[3 * n * q + k];
          summed[(i * n_atoms + s.table.neighbor[q]) * 3 * n + k] += d;
          summed[(i * n_atoms + i) * 3 * n + k] -= d;
        }

    std::vector<double> b_lammps(n_atoms * n), bik(n_atoms * n);
    std::vector<double> by_type(n_atoms * n_types * 3 * n, 0.0), db_lammps(by_type.size());
    std::vector<double> gradient(summed.size());
    for (std::size_t i = 0; i < n_atoms; i++)
      for (std::size_t k = 0; k < n; k++) {
        b_lammps[i * n + k] = b[i][k];
        bik[i * n + k] = grad[i][3 + k];
      }
    for (std::size_t j = 0; j < n_atoms; j++)
      for (std::size_t t = 0; t < n_types; t++)
        for (std::size_t c = 0; c < 3; c++)
          for (std::size_t k = 0; k < n; k++) {
            const std::size_t at = ((j * n_types + t) * 3 + c) * n + k;
            db_lammps[at] = db[j][(t * 3 + c) * n + k];
            for (std::size_t i = 0; i < n_atoms; i++)
              if (s.element[i] == (int) t)
                by_type[at] -= summed[(i * n_atoms + j) * 3 * n + 3 * k + c];
          }
    for (std::size_t row = n_atoms; row < n_atoms + 3 * n_atoms * n_atoms; row++) {
      const std::size_t i = (std::size_t) grad[row][0], j = (std::size_t) grad[row][1],
                        c = (std::size_t) grad[row][2];
      ASSERT_LT(i, n_atoms);
      ASSERT_LT(j, n_atoms);
      for (std::size_t k = 0; k < n; k++)
        gradient[(i * n_atoms + j) * 3 * n + 3 * k + c] = -grad[row][3 + k];
    }
    const std::string at = "case " + std::to_string(number);
    EXPECT_LT(relative_difference(value, b_lammps), 1e-12) << at;
    EXPECT_LT(relative_difference(value, bik), 1e-12) << at;
    EXPECT_LT(relative_difference(by_type, db_lammps), 1e-12) << at;
    EXPECT_LT(relative_difference(summed, gradient), 1e-12) << at;
  }
}
