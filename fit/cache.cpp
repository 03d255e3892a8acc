// The disk cache: a header, one record with a checksum per configuration, a mark at the end.
#include "cache.h"

#include "hash.h"
#include "torchpot_error.h"
#include "torchpot_model.h"

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <unistd.h>
#include <utility>

#ifndef TORCHPOT_VERSION
#error "TORCHPOT_VERSION must be defined"
#endif

namespace torchpot {

namespace {

namespace fs = std::filesystem;

// also tells byte order and the sizes of the numbers; change it with the layout
constexpr char MAGIC[16] = "torchpot-cache1";
constexpr std::uint64_t ORDER = 0x0102030405060708u, END = 0x656e642d66696c65u;

struct File {
  explicit File(std::FILE *f) : stream(f) {}
  File(const File &) = delete;
  ~File()
  {
    if (stream) std::fclose(stream);
  }
  std::FILE *stream;
};

/// The arrays of a configuration that are stored.
struct Record {
  double reference[7] = {0, 0, 0, 0, 0, 0, 0};    // energy, stress
  std::vector<double> reference_force, descriptor, derivative, strain;
  std::vector<int> row, column;

  template <class Function> bool each(Function &&f)
  {
    return f(reference_force) && f(descriptor) && f(derivative) && f(strain) && f(row) &&
        f(column);
  }
};

class CacheWriter {
 public:
  explicit CacheWriter(std::FILE *f) : file(f) {}
  void bytes(const void *data, std::size_t n)
  {
    if (n == 0) return;    // an empty array may have no address
    good = good && std::fwrite(data, 1, n, file) == n;
    hash.add(data, n);
  }
  template <class T> void array(const Array<T> &values)
  {
    const std::uint64_t n = values.size();
    bytes(&n, sizeof n);
    bytes(values.data(), n * sizeof(T));
  }
  void checksum()
  {
    const std::string digest = std::exchange(hash, ContentHash()).digest();
    good = good && std::fwrite(digest.data(), 1, digest.size(), file) == digest.size();
  }
  bool good = true;

 private:
  std::FILE *file;
  ContentHash hash;
};

class CacheReader {
 public:
  CacheReader(std::FILE *f, std::uint64_t size) : file(f), left(size) {}
  bool bytes(void *data, std::size_t n)
  {
    if (n == 0) return true;
    if (n > left || std::fread(data, 1, n, file) != n) return false;
    left -= n;
    hash.add(data, n);
    return true;
  }
  template <class T> bool array(std::vector<T> &values)
  {
    std::uint64_t n = 0;
    if (!bytes(&n, sizeof n) || n > left / sizeof(T)) return false;
    values.resize(n);
    return bytes(values.data(), n * sizeof(T));
  }
  bool checksum()
  {
    const std::string digest = std::exchange(hash, ContentHash()).digest();
    std::string found(digest.size(), ' ');
    if (found.size() > left || std::fread(&found[0], 1, found.size(), file) != found.size())
      return false;
    left -= found.size();
    return found == digest;
  }
  std::uint64_t remaining() const { return left; }

 private:
  std::FILE *file;
  std::uint64_t left;
  ContentHash hash;
};

struct Header {
  char magic[16];
  std::uint64_t order, n_configurations;
  char key[64];
};

Header header_of(const std::string &key, const Dataset &dataset)
{
  Header header;
  std::memset(&header, 0, sizeof header);
  std::memcpy(header.magic, MAGIC, sizeof MAGIC);
  header.order = ORDER;
  header.n_configurations = dataset.configurations.size();
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

/// Whether a record fits the configuration that it is for.
bool fits(const Record &r, const Configuration &c, int n_descriptors, bool stored)
{
  const std::size_t a = c.element.size(), k = n_descriptors;
  if (!r.reference_force.empty() && r.reference_force.size() != 3 * a) return false;
  if (r.descriptor.size() != (stored ? 0 : a * k)) return false;
  if (r.row.size() != r.column.size() || r.derivative.size() != 3 * k * r.row.size()) return false;
  for (std::size_t b = 0; b < r.row.size(); b++)
    if ((std::size_t) r.row[b] >= a || (std::size_t) r.column[b] >= a) return false;
  return r.strain.empty() || r.strain.size() == 6 * a * k;
}

}    // namespace

std::string cache_key(const Dataset &dataset, int lammps_version)
{
  ContentHash hash;
  hash.add(std::string(MAGIC) + " " + TORCHPOT_VERSION);
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

void write_cache(const std::string &name, const std::string &key, const Dataset &dataset,
                 const std::vector<bool> &stored)
{
  std::error_code failure;
  fs::create_directories(fs::path(name).parent_path(), failure);
  const std::string temporary = name + "." + std::to_string(getpid()) + ".tmp";
  bool good = false;
  {
    const File file(std::fopen(temporary.c_str(), "wb"));
    if (file.stream) {
      CacheWriter writer(file.stream);
      const Header header = header_of(key, dataset);
      writer.bytes(&header, sizeof header);
      writer.checksum();
      for (std::size_t i = 0; i < dataset.configurations.size(); i++) {
        const Configuration &c = dataset.configurations[i];
        const Array<double> none;
        const Array<int> no_index;
        writer.bytes(&c.reference_energy, sizeof c.reference_energy);
        writer.bytes(c.reference_stress, sizeof c.reference_stress);
        writer.array<double>(c.reference_force);
        writer.array(stored[i] ? none : c.descriptor);
        writer.array(stored[i] ? none : c.derivative);
        writer.array(stored[i] ? none : c.strain_derivative);
        writer.array(stored[i] ? no_index : c.row);
        writer.array(stored[i] ? no_index : c.column);
        writer.checksum();
      }
      writer.bytes(&END, sizeof END);
      // not synced: what a crash of the machine leaves is noticed by its checksums
      good = writer.good && std::fflush(file.stream) == 0;
    }
  }
  const int reason = errno;
  if (good) good = std::rename(temporary.c_str(), name.c_str()) == 0;
  if (good) return;
  fs::remove(temporary, failure);
  throw Error("the cache of descriptors cannot be written", name, std::strerror(reason));
}

bool read_cache(const std::string &name, const std::string &key, Dataset &dataset,
                const std::vector<bool> &stored, std::string &problem)
{
  const File file(std::fopen(name.c_str(), "rb"));
  if (!file.stream) return false;
  std::error_code failure;
  CacheReader reader(file.stream, fs::file_size(name, failure));
  const Header wanted = header_of(key, dataset);
  Header header;
  if (!reader.bytes(&header, sizeof header) || !reader.checksum() ||
      std::memcmp(&header, &wanted, sizeof header) != 0) {
    problem = "it begins otherwise than it should";
    return false;
  }
  const std::size_t n = dataset.configurations.size();
  std::vector<Record> records(n);
  for (std::size_t i = 0; i < n; i++) {
    Record &r = records[i];
    const bool whole = reader.bytes(r.reference, sizeof r.reference) &&
        r.each([&](auto &values) { return reader.array(values); }) && reader.checksum();
    if (!whole || !fits(r, dataset.configurations[i], dataset.n_descriptors, stored[i])) {
      problem = "record " + std::to_string(i + 1) + " of " + std::to_string(n) + " is damaged";
      return false;
    }
  }
  std::uint64_t mark = 0;
  if (!reader.bytes(&mark, sizeof mark) || mark != END || reader.remaining()) {
    problem = "its end is missing";
    return false;
  }
  for (std::size_t i = 0; i < n; i++) {
    Configuration &c = dataset.configurations[i];
    Record &r = records[i];
    c.reference_energy = r.reference[0];
    std::copy(r.reference + 1, r.reference + 7, c.reference_stress);
    c.reference_force = std::move(r.reference_force);
    if (stored[i]) continue;
    c.descriptor = std::move(r.descriptor);
    c.derivative = std::move(r.derivative);
    c.has_derivatives = c.has_forces;
    c.strain_derivative = std::move(r.strain);
    c.row = std::move(r.row);
    c.column = std::move(r.column);
  }
  return true;
}

}    // namespace torchpot
