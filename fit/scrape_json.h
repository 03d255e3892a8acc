// Configurations from folders of JSON files, in the form that FitSNAP reads.
#ifndef TORCHPOT_FIT_SCRAPE_JSON_H
#define TORCHPOT_FIT_SCRAPE_JSON_H

#include "dataset.h"
#include "settings.h"

#include <map>
#include <string>
#include <vector>

namespace torchpot {

/// One file: {"Dataset": {..., "Data": [{...}]}}, the first line may be a comment. Units are
/// converted to metal (eV, Angstrom, bar) as the *Style keys say. eshift: per element, in the
/// file's energy unit, added for each atom. Elements are looked up in `elements`. Absent Energy,
/// Forces or Stress are left unknown. Throws Error naming file, key and place for everything else.
Configuration read_json(const std::string &file, const std::vector<std::string> &elements,
                        const std::map<std::string, double> &eshift);

/// One group: its folder's files in natural order of their names; those that the split leaves out
/// are not read. Adds sentences about what was passed over to notes.
std::vector<Configuration> scrape_json_group(const Settings &settings, const GroupSettings &group,
                                             std::vector<std::string> &notes);
/// Throws Error if [PATH] dataPath is no folder.
void check_data_path(const Settings &settings);

}    // namespace torchpot

#endif
