// What a model.pt or a fitdump file says of itself, for `torchpot_model info`.
#ifndef TORCHPOT_FIT_FILE_INFO_H
#define TORCHPOT_FIT_FILE_INFO_H

#include <string>

namespace torchpot {

/// One fact per line, in words; or, with json, one JSON object with `kind` ("model" or "fitdump"),
/// `file`, `bytes`, and the file's own description. Both throw Error for files that they cannot
/// read.
std::string model_info(const std::string &file, bool json);
std::string fitdump_info(const std::string &file, bool json);

}    // namespace torchpot

#endif
