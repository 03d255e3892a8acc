// Configurations from extended XYZ files, as FitSNAP, ASE and MACE write them.
#ifndef TORCHPOT_FIT_SCRAPE_XYZ_H
#define TORCHPOT_FIT_SCRAPE_XYZ_H

#include "dataset.h"
#include "settings.h"

#include <memory>
#include <string>
#include <vector>

namespace torchpot {

/// [PATH] dataPath is a folder with a file GROUP.extxyz or GROUP.xyz for each line of [GROUPS], or
/// for each group if there are no lines; or one file, divided by `config_type` or group_key.
/// Energies in eV, lengths in Angstrom; stresses become LAMMPS's pressure in bar, see stress_unit.
class XyzScraper {
 public:
  /// Reads everything. Adds sentences to notes, and to warnings where data were passed over.
  /// Throws Error naming file, line and configuration for what cannot be used.
  XyzScraper(const Settings &settings, std::vector<std::string> &notes,
             std::vector<std::string> &warnings);
  ~XyzScraper();

  /// By name of the files, or in the order in which they first occur in the one file.
  std::vector<std::string> groups() const;

  /// The configurations of a group, which are given away. With its line, sizes and weights hold,
  /// otherwise test_files or test_fraction, and weights 1; weights of configurations multiply
  /// those. Throws Error if the group is not there.
  std::vector<Configuration> scrape(const std::string &name, const GroupSettings *line,
                                    std::vector<std::string> &notes);

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation;
};

/// Whether a file name ends with .xyz or .extxyz.
bool has_xyz_name(const std::string &name);

}    // namespace torchpot

#endif
