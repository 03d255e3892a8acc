// Texts for messages: names that were meant, and paths as they were looked for.
#ifndef TORCHPOT_TEXT_H
#define TORCHPOT_TEXT_H

#include <string>
#include <vector>

namespace torchpot {

/// The nearest of `names` by edit distance, or empty if none is near; upper and lower case count
/// as near.
std::string nearest_name(const std::string &name, const std::vector<std::string> &names);

/// "Did you mean X?" with the nearest of `names`, or empty.
std::string did_you_mean(const std::string &name, const std::vector<std::string> &names);

/// The path of a file that was not found, as it was looked for: with the current folder.
std::string full_path(const std::string &file);

}    // namespace torchpot

#endif
