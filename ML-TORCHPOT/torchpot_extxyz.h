// Reader of extended XYZ files, as ASE writes them.
#ifndef TORCHPOT_EXTXYZ_H
#define TORCHPOT_EXTXYZ_H

#include <cstddef>
#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace torchpot {

/// What the labels are called. The first name of each list that a configuration has is used; a
/// virial only if there is no stress.
struct ExtxyzKeys {
  std::vector<std::string> energy = {"energy"}, forces = {"forces", "force"}, stress = {"stress"},
                           virial = {"virial", "virials"};
};

/// One configuration, in the file's units (ASE: eV and Angstrom).
struct ExtxyzConfiguration {
  std::size_t number = 0;    // in the file, from 1
  std::size_t line = 0;      // of its first line in the file, from 1
  bool has_cell = false;
  double cell[3][3] = {{0, 0, 0}, {0, 0, 0}, {0, 0, 0}};    // rows are the cell vectors
  bool pbc[3] = {false, false, false};    // all true if there is a cell and no pbc
  std::vector<std::string> species;
  std::vector<double> position;    // [n_atoms][3]
  bool has_energy = false, has_stress = false;
  double energy = 0.0;
  std::vector<double> force;    // [n_atoms][3], empty if not given
  /// xx yy zz xy xz yz, energy per volume, positive under tension as in ASE; from `stress` (9
  /// values, or 6 as xx yy zz yz xz xy) or from `virial` (the same forms, = -stress * volume).
  double stress[6] = {0, 0, 0, 0, 0, 0};
  std::string energy_key, forces_key, stress_key;    // those of ExtxyzKeys that were used, or empty
  bool from_virial = false;                          // stress_key is one of `virial`
  std::map<std::string, std::string> info;    // all keys of the comment line
};

/// Reads one configuration after the other.
class ExtxyzReader {
 public:
  explicit ExtxyzReader(const std::string &file, const ExtxyzKeys &keys = {});
  /// False at the end. Throws Error naming file, configuration and atom for text that cannot be
  /// understood and for numbers that are not finite.
  bool next(ExtxyzConfiguration &configuration);
  /// Whether next() threw since the file ends within its last configuration.
  bool is_cut() const { return cut; }

 private:
  bool read_line();
  void read_atoms(ExtxyzConfiguration &c, long n, const std::string &where);

  const std::string file;
  const ExtxyzKeys keys;
  std::string line;
  bool cut = false;
  std::ifstream in;
  std::size_t n_read = 0, n_lines = 0;
};

}    // namespace torchpot

#endif
