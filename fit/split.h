// Which configurations are trained on, which are held out, which are left out.
#ifndef TORCHPOT_FIT_SPLIT_H
#define TORCHPOT_FIT_SPLIT_H

#include "dataset.h"
#include "settings.h"

#include <string>
#include <vector>

namespace torchpot {

enum class Use { train, test, none };

/// Order of names in which numbers count by value: a2 before a10.
bool natural_less(const std::string &a, const std::string &b);

/// Use of each file of one group. `names` are sorted; the first ones train, the next test, the
/// rest is left out; with random_sampling in an order drawn from the seed and the group's name.
/// With test_files, those that match are held out and the sizes divide the others. Adds a sentence
/// to notes where the test set had to be made smaller; throws Error if there are too few files.
std::vector<Use> split_group(const std::vector<std::string> &names, const GroupSettings &group,
                             const Settings &settings, std::vector<std::string> &notes);

/// Use of n frames of a fitdump file whose label has no line in [GROUPS]: test_fraction of them,
/// drawn with the seed, are held out.
std::vector<Use> split_fraction(std::size_t n, double test_fraction, const std::string &label,
                                std::uint64_t seed);

/// [PYTORCH] training_fraction: divides all configurations anew, whatever their groups.
void split_globally(std::vector<Configuration> &configurations, double training_fraction,
                    std::uint64_t seed);

/// smartweights: weights divided by the number of the group's configurations of that use, for
/// forces also by 3 x atoms, for stress by 6.
void divide_weights(std::vector<Configuration> &configurations);

/// The weight of energies that balances the parts of the loss `fitsnap` where forces have weight 1:
/// five times the mean square of the forces over that of the energies per atom around what the
/// composition explains, of the training configurations; two digits. 1 if there is nothing to
/// balance. Five, since there are few energies: measured, see doc/torchpot_fit.md.
double balanced_energy_weight(const Dataset &dataset);

}    // namespace torchpot

#endif
