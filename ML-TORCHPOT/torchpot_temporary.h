// Names of files under way, which are renamed when they are complete.
#ifndef TORCHPOT_TEMPORARY_H
#define TORCHPOT_TEMPORARY_H

#include <string>

namespace torchpot {

/// FILE.tmpN with the number N of this process. Those of processes that were killed while they
/// wrote FILE are deleted.
std::string temporary_name(const std::string &file);

}    // namespace torchpot

#endif
