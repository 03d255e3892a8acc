// Descriptors and reference energies on disk, so that they are computed once.
#ifndef TORCHPOT_FIT_CACHE_H
#define TORCHPOT_FIT_CACHE_H

#include "descriptor_store.h"

#include <string>
#include <vector>

namespace torchpot {

/// SHA-256 over all that the cached numbers depend on: descriptor, reference commands and the files
/// that they name, geometry of all configurations, versions of torchpot and, if there is a
/// reference, LAMMPS; and over what is stored, and how. Labels, weights and the split are not part
/// of it.
std::string cache_key(const Dataset &dataset, int lammps_version);

/// The file in `folder` for a key.
std::string cache_file(const std::string &folder, const std::string &key);

/// Writes what the store has of each configuration, the reference alone of those that are `stored`
/// elsewhere, to a temporary file that is then renamed. Throws Error with the path and the system's
/// reason.
void write_cache(const std::string &file, const std::string &key, const DescriptorStore &store,
                 const std::vector<bool> &stored);

/// Reads it back into the store. False, with `problem` set, if the file is there but not as it was
/// written; false and no problem if there is none. Then the content of the store is worth nothing.
bool read_cache(const std::string &file, const std::string &key, const DescriptorStore &store,
                const std::vector<bool> &stored, std::string &problem);

}    // namespace torchpot

#endif
