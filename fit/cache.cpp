// The disk cache: a header, the bytes of each configuration with a checksum, a mark at the end.
#include "cache.h"

#include "hash.h"
#include "torchpot_error.h"
#include "torchpot_model.h"
#include "torchpot_temporary.h"

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

#ifndef TORCHPOT_VERSION
#error "TORCHPOT_VERSION must be defined"
#endif

namespace torchpot {

namespace {

namespace fs = std::filesystem;

// also tells byte order and the sizes of the numbers; change it with the layout
constexpr char MAGIC[16] = "torchpot-cache2";
constexpr std::uint64_t ORDER = 0x0102030405060708u, END = 0x656e642d66696c65u;

struct File {
  explicit File(std::FILE *f) : stream(f) {}
  File(const File &) = delete;
  ~File() { close(); }
  bool close() { return !stream || std::fclose(std::exchange(stream, nullptr)) == 0; }
  /// The bytes, then how many they are and their checksum.
  bool write(const void *data, std::size_t n)
  {
    const std::uint64_t end[2] = {n, XXH3_64bits(data, n)};
    return std::fwrite(data, 1, n, stream) == n && std::fwrite(end, sizeof end, 1, stream) == 1;
  }
  bool read(void *data, std::size_t n)
  {
    std::uint64_t end[2];
    return std::fread(data, 1, n, stream) == n && std::fread(end, sizeof end, 1, stream) == 1 &&
        end[0] == n && end[1] == XXH3_64bits(data, n);
  }
  std::FILE *stream;
};

struct Header {
  char magic[16];
  std::uint64_t order, n_configurations;
  char key[64];
};

Header header_of(const std::string &key, const DescriptorStore &store)
{
  Header header;
  std::memset(&header, 0, sizeof header);
  std::memcpy(header.magic, MAGIC, sizeof MAGIC);
  header.order = ORDER;
  header.n_configurations = store.all_sizes().size();
  std::memcpy(header.key, key.data(), std::min<std::size_t>(key.size(), sizeof header.key));
  return header;
}

/// Files that a reference command names: tables and parameters of the pair style.
void add_named_files(ContentHash &hash, const std::string &line)
{
  std::istringstream words(line);
  for (std::string word; words >> word;) {
    std::error_code none;
    if (!fs::is_regular_file(word, none)) continue;
    std::ifstream stream(word, std::ios::binary);
    std::ostringstream content;
    content << stream.rdbuf();
    hash.add(content.str());
  }
}

}    // namespace

std::string cache_key(const Dataset &dataset, int lammps_version)
{
  ContentHash hash;
  hash.add(std::string(MAGIC) + " " + TORCHPOT_VERSION + (dataset.single ? " float32" : ""));
  hash.add(descriptor_to_json(dataset.descriptor));
  hash.add(dataset.units);
  if (!dataset.reference.empty()) hash.add(std::to_string(lammps_version));
  for (const std::string &line : dataset.reference) {
    hash.add(line);
    add_named_files(hash, line);
  }
  for (const std::string &element : dataset.elements) hash.add(element);
  for (const Configuration &c : dataset.configurations) {
    hash.add(c.element);
    hash.add(c.position);
    hash.add(c.cell.vectors, sizeof c.cell.vectors);
    hash.add(c.cell.periodic, sizeof c.cell.periodic);
    const char kind = (char) (c.has_forces + 2 * !c.descriptor.empty() + 4 * c.has_stress);
    hash.add(&kind, 1);
  }
  return hash.digest();
}

std::string cache_file(const std::string &folder, const std::string &key)
{
  return (fs::path(folder) / (key.substr(0, 32) + ".cache")).string();
}

void write_cache(const std::string &name, const std::string &key, const DescriptorStore &store,
                 const std::vector<bool> &stored)
{
  std::error_code failure;
  fs::create_directories(fs::path(name).parent_path(), failure);
  const std::string temporary = temporary_name(name);
  errno = 0;
  File file(std::fopen(temporary.c_str(), "wb"));
  bool good = file.stream != nullptr;
  if (good) {
    const Header header = header_of(key, store);
    good = file.write(&header, sizeof header);
    for (std::size_t i = 0; i < stored.size() && good; i++)
      good = file.write(store.data(i), store.size(i, stored[i]));
    good = good && file.write(&END, sizeof END);
    // not synced: what a crash of the machine leaves is noticed by its checksums
    good = file.close() && good;
  }
  if (good && std::rename(temporary.c_str(), name.c_str()) == 0) return;
  const int reason = errno;
  fs::remove(temporary, failure);
  throw Error("the cache of descriptors cannot be written", name, std::strerror(reason));
}

bool read_cache(const std::string &name, const std::string &key, const DescriptorStore &store,
                const std::vector<bool> &stored, std::string &problem)
{
  File file(std::fopen(name.c_str(), "rb"));
  if (!file.stream) return false;
  const Header wanted = header_of(key, store);
  Header header;
  if (!file.read(&header, sizeof header) || std::memcmp(&header, &wanted, sizeof header) != 0) {
    problem = "it begins otherwise than it should";
    return false;
  }
  const std::size_t n = stored.size();
  for (std::size_t i = 0; i < n; i++)
    if (!file.read(store.data(i), store.size(i, stored[i])) ||
        (!stored[i] && !store.has_good_blocks(i))) {
      problem = "record " + std::to_string(i + 1) + " of " + std::to_string(n) + " is damaged";
      return false;
    }
  std::uint64_t mark = 0;
  if (!file.read(&mark, sizeof mark) || mark != END || std::fgetc(file.stream) != EOF) {
    problem = "its end is missing";
    return false;
  }
  return true;
}

}    // namespace torchpot
