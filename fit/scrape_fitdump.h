// Configurations from the HDF5 files of fix fitdump.
#ifndef TORCHPOT_FIT_SCRAPE_FITDUMP_H
#define TORCHPOT_FIT_SCRAPE_FITDUMP_H

#include "dataset.h"
#include "settings.h"

#include <memory>
#include <string>
#include <vector>

namespace torchpot {

/// The files of [TORCHPOT] fitdump, opened together: they must agree in descriptor, elements and
/// units, and with [BISPECTRUM] and [REFERENCE] units where these are given.
class FitdumpScraper {
 public:
  explicit FitdumpScraper(const Settings &settings);
  ~FitdumpScraper();

  const SnapParameters &descriptor() const;
  const std::string &units() const;
  /// Labels of the frames, in the order in which they first occur.
  const std::vector<std::string> &labels() const;

  /// The configurations of one label. With a group, its sizes and weights hold, otherwise
  /// test_fraction and weights 1. `derivatives`: take descriptors and blocks over from the file
  /// where they are there; without, geometry and labels alone.
  std::vector<Configuration> scrape(const std::string &label, const GroupSettings *group,
                                    bool derivatives, std::vector<std::string> &notes) const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation;
};

/// Names of the parameters in which two descriptors differ, with both values; empty if in none.
std::string descriptor_difference(const SnapParameters &a, const SnapParameters &b);

}    // namespace torchpot

#endif
