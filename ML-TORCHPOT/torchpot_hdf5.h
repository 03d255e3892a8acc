// Small layer over HDF5's C interface: handles that close themselves, errors as Error.
#ifndef TORCHPOT_HDF5_H
#define TORCHPOT_HDF5_H

#include <hdf5.h>

#include <cstdint>
#include <string>
#include <vector>

namespace torchpot {

/// Stops HDF5 from printing its error stack while it lives; the stack goes into Error instead.
class QuietHdf5 {
 public:
  QuietHdf5();
  ~QuietHdf5();
  QuietHdf5(const QuietHdf5 &) = delete;
  QuietHdf5 &operator=(const QuietHdf5 &) = delete;

 private:
  H5E_auto2_t function;
  void *data;
};

/// Owner of an HDF5 identifier of any kind.
class Handle {
 public:
  Handle() = default;
  /// Takes over id. Throws Error(problem, where, HDF5's reason) if it is negative.
  Handle(hid_t id, const std::string &problem, const std::string &where);
  Handle(Handle &&other) noexcept : id(other.id) { other.id = -1; }
  Handle &operator=(Handle &&other) noexcept;
  ~Handle() { close(); }
  void close();
  hid_t get() const { return id; }

 private:
  hid_t id = -1;
};

/// What HDF5 says of its last failure, the innermost reason.
std::string hdf5_reason();
/// Throws Error(problem, where, HDF5's reason) if status is negative.
void hdf5_check(herr_t status, const std::string &problem, const std::string &where);

/// Access properties with the newest file format, which SWMR needs. clear: forget marks that a
/// killed writer left in the file.
Handle hdf5_access(bool clear);

/// Opens a file. Waits up to some seconds while another program, such as a reader that polls the
/// file, is just opening it.
Handle open_hdf5(const std::string &file, unsigned flags, const Handle &access);

/// "N of M bytes" if the file is shorter than HDF5 has noted in it, else empty.
std::string truncation(const std::string &file);

/// Held by who changes a file, for as long as it lives: HDF5 does not keep out a second writer in
/// SWMR mode. Throws Error if another program or object holds it; ends with the process.
class WriterLock {
 public:
  WriterLock() = default;
  explicit WriterLock(const std::string &file);
  WriterLock(WriterLock &&other) noexcept : descriptor(other.descriptor) { other.descriptor = -1; }
  WriterLock &operator=(WriterLock &&other) noexcept;
  ~WriterLock();

 private:
  int descriptor = -1;
};

/// Attributes of an object. Strings have a fixed length; where names the file.
void write_text_attribute(hid_t object, const char *name, const std::vector<std::string> &values,
                          bool scalar, const std::string &where);
void write_int_attribute(hid_t object, const char *name, int value, const std::string &where);
std::vector<std::string> read_text_attribute(hid_t object, const char *name,
                                             const std::string &where);
int read_int_attribute(hid_t object, const char *name, const std::string &where);

/// Kinds of numbers on disk; label is text of a fixed length.
enum class DiskType { int64, int32, float64, float32, label };

/// A dataset that grows along its first dimension.
struct DatasetLayout {
  std::string path;              // such as /pairs/vector
  DiskType type;
  std::vector<hsize_t> row;      // dimensions after the first
  hsize_t chunk_rows;
  std::size_t row_size() const;    // values per row
};

/// An open dataset. Values in memory are of the type's natural width, float32 as double.
class Dataset {
 public:
  static Dataset create(hid_t file, const DatasetLayout &layout, int label_length,
                        const std::string &where);
  /// Throws Error if it is missing or differs in shape or kind. Floats of either width pass.
  static Dataset open(hid_t file, const DatasetLayout &layout, const std::string &where);

  const std::string &path() const { return layout.path; }
  hsize_t rows() const { return n_rows; }
  void resize(hsize_t rows);
  void write(hsize_t from, hsize_t n, const void *values);
  void read(hsize_t from, hsize_t n, void *values) const;
  void flush();
  /// Text rows, without padding.
  std::string read_label(hsize_t row) const;
  void write_label(hsize_t row, const std::string &text);

 private:
  void transfer(bool writing, hsize_t from, hsize_t n, void *values, hid_t type) const;
  DatasetLayout layout;
  std::string where;
  Handle handle;
  hsize_t n_rows = 0;
};

}    // namespace torchpot

#endif
