// Checks the bytes of a TorchScript archive against the checksums that it carries.
#ifndef TORCHPOT_ARCHIVE_H
#define TORCHPOT_ARCHIVE_H

#include <cstddef>
#include <string>

namespace torchpot {

/// libtorch reads tensors without looking at their CRC-32, so that a flipped bit loads silently;
/// this compares every record with the archive's directory. Returns the number of records; throws
/// Error naming the file and the record that is damaged.
std::size_t check_archive(const std::string &file);

}    // namespace torchpot

#endif
