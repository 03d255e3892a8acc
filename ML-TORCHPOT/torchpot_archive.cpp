// Checks the bytes of a TorchScript archive, a ZIP file, against the checksums that it carries.
#include "torchpot_archive.h"

#include "torchpot_error.h"

#include <caffe2/serialize/inline_container.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>

namespace torchpot {

namespace {

/// CRC-32 as ZIP files use it (ISO 3309, reflected polynomial 0xEDB88320).
std::uint32_t crc32(const unsigned char *data, std::size_t size)
{
  static const auto table = [] {
    std::array<std::uint32_t, 256> entries{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = value & 1 ? 0xEDB88320u ^ (value >> 1) : value >> 1;
      entries[i] = value;
    }
    return entries;
  }();
  std::uint32_t crc = 0xFFFFFFFFu;
  for (std::size_t i = 0; i < size; ++i) crc = table[(crc ^ data[i]) & 0xFF] ^ (crc >> 8);
  return ~crc;
}

std::string hex(std::uint32_t value)
{
  char text[16];
  std::snprintf(text, sizeof text, "%08x", value);
  return text;
}

struct Entry {
  std::uint32_t crc;
  std::uint32_t size;
};

std::string whole_file(const std::string &file)
{
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream content;
  if (stream) content << stream.rdbuf();
  if (!stream) throw Error("cannot read the file", file, std::strerror(errno));
  return content.str();
}

/// The directory at the end of a ZIP file: record name to checksum and size.
std::map<std::string, Entry> directory(const std::string &bytes, const std::string &file)
{
  auto number = [&](std::size_t at, int length) {
    if (at + length > bytes.size())
      throw Error("the archive's directory is cut off", file, "", "", "Copy or make the file anew");
    std::uint32_t value = 0;
    for (int i = length - 1; i >= 0; --i) value = value << 8 | (unsigned char) bytes[at + i];
    return value;
  };
  std::size_t end = bytes.rfind("PK\x05\x06");
  if (end == std::string::npos)
    throw Error("the archive has no directory at its end", file,
                std::to_string(bytes.size()) + " bytes", "a complete file",
                "It was probably cut off: copy or make it anew");
  std::map<std::string, Entry> entries;
  std::size_t at = number(end + 16, 4);
  for (std::uint32_t i = 0, count = number(end + 10, 2); i < count; ++i) {
    if (number(at, 4) != 0x02014b50)
      throw Error("the archive's directory is damaged", file, "entry " + std::to_string(i + 1));
    std::uint32_t name = number(at + 28, 2), extra = number(at + 30, 2), note = number(at + 32, 2);
    number(at + 46 + name, 0);
    entries[bytes.substr(at + 46, name)] = {number(at + 16, 4), number(at + 24, 4)};
    at += 46 + name + extra + note;
  }
  return entries;
}

}    // namespace

std::size_t check_archive(const std::string &file)
{
  auto entries = directory(whole_file(file), file);
  const std::string version = "/version";    // a record that all archives of libtorch have
  if (std::none_of(entries.begin(), entries.end(), [&](const auto &entry) {
        const std::string &name = entry.first;
        return name.size() > version.size() &&
            name.compare(name.size() - version.size(), version.size(), version) == 0;
      }))
    throw Error("this archive was not written by libtorch", file, "a ZIP file of another kind",
                "a model.pt");
  try {
    caffe2::serialize::PyTorchStreamReader reader(file);
    for (const std::string &record : reader.getAllRecords()) {
      // the directory's names carry the archive's own name as their first folder
      const Entry *entry = nullptr;
      for (const auto &[name, candidate] : entries)
        if (name.size() > record.size() && name.find('/') == name.size() - record.size() - 1 &&
            name.compare(name.size() - record.size(), record.size(), record) == 0)
          entry = &candidate;
      if (!entry) throw Error("a record is missing in the archive's directory", file, record);
      auto [data, size] = reader.getRecord(record);
      std::uint32_t sum = crc32(static_cast<const unsigned char *>(data.get()), size);
      if (size != entry->size || sum != entry->crc)
        throw Error("record " + record + " is damaged", file, "CRC-32 " + hex(sum),
                    hex(entry->crc), "Copy or make the file anew");
    }
  } catch (const c10::Error &error) {
    const std::string reason = error.what_without_backtrace();
    throw Error("the archive cannot be read", file, reason.substr(0, reason.find('\n')), "",
                "Copy or make the file anew");
  }
  return entries.size();
}

}    // namespace torchpot
