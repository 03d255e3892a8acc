// The part of the settings that says what data there is: groups, paths, reference, energy shifts.
#ifndef TORCHPOT_FIT_SETTINGS_DATA_H
#define TORCHPOT_FIT_SETTINGS_DATA_H

#include "settings.h"

namespace torchpot {

/// Sections SCRAPER, PATH, GROUPS, REFERENCE and ESHIFT; needs the other settings.
void read_data_settings(const IniFile &ini, Settings &settings);

}    // namespace torchpot

#endif
