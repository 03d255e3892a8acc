// What a person should know about the data of a fit: labels that are missing, configurations that
// are there twice.
#ifndef TORCHPOT_FIT_DATA_NOTES_H
#define TORCHPOT_FIT_DATA_NOTES_H

#include "dataset.h"
#include "settings.h"

#include <string>
#include <vector>

namespace torchpot {

/// One sentence with counts and first names for each group. Stresses are mentioned if only some of
/// the configurations that are periodic in all directions have them.
void note_missing_labels(const Dataset &data, const Settings &settings,
                         std::vector<std::string> &notes);

/// How many configurations do not count where stresses are fitted, and why.
void note_unfitted_stress(const Dataset &data, std::vector<std::string> &notes);

/// Configurations with the same elements, cell and positions, to 1e-9. One sentence in notes, and
/// in data.warnings if labels of equal configurations differ or if some train and others test.
void note_duplicates(Dataset &data, std::vector<std::string> &notes);

}    // namespace torchpot

#endif
