// Small layer over HDF5's C interface: handles that close themselves, errors as Error.
#include "torchpot_hdf5.h"

#include "torchpot_error.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

namespace torchpot {
namespace {

// names of file access properties that HDF5's own h5clear uses
const char *const CLEAR_STATUS = "clear_status_flags";
const char *const SKIP_EOF_CHECK = "skip_eof_check";

herr_t remember_reason(unsigned, const H5E_error2_t *error, void *data)
{
  auto &text = *static_cast<std::string *>(data);
  if (error->desc && *error->desc) text = error->desc;
  return 0;
}

void set_flag(hid_t access, const char *name)
{
  hbool_t value = true;
  const htri_t known = H5Pexist(access, name);
  hdf5_check(known, "cannot set up HDF5", name);
  hdf5_check(known ? H5Pset(access, name, &value)
                   : H5Pinsert2(access, name, sizeof(value), &value, nullptr, nullptr, nullptr,
                                nullptr, nullptr, nullptr),
             "cannot set up HDF5", name);
}

Handle text_type(std::size_t length)
{
  Handle type(H5Tcopy(H5T_C_S1), "cannot make a text type", "HDF5");
  hdf5_check(H5Tset_size(type.get(), std::max<std::size_t>(1, length)), "cannot make a text type",
             "HDF5");
  hdf5_check(H5Tset_strpad(type.get(), H5T_STR_NULLPAD), "cannot make a text type", "HDF5");
  hdf5_check(H5Tset_cset(type.get(), H5T_CSET_UTF8), "cannot make a text type", "HDF5");
  return type;
}

std::string unpad(const char *text, std::size_t length)
{
  return std::string(text, std::find(text, text + length, '\0'));
}

hid_t disk_type(DiskType type)
{
  switch (type) {
    case DiskType::int64: return H5T_STD_I64LE;
    case DiskType::int32: return H5T_STD_I32LE;
    case DiskType::float32: return H5T_IEEE_F32LE;
    default: return H5T_IEEE_F64LE;
  }
}

hid_t memory_type(DiskType type)
{
  switch (type) {
    case DiskType::int64: return H5T_NATIVE_INT64;
    case DiskType::int32: return H5T_NATIVE_INT;
    default: return H5T_NATIVE_DOUBLE;
  }
}

H5T_class_t type_class(DiskType type)
{
  if (type == DiskType::label) return H5T_STRING;
  return type == DiskType::int64 || type == DiskType::int32 ? H5T_INTEGER : H5T_FLOAT;
}

std::string shape_text(const std::vector<hsize_t> &shape)
{
  std::string text = "[";
  for (std::size_t d = 0; d < shape.size(); d++)
    text += (d ? ", " : "") + (d ? std::to_string(shape[d]) : std::string("rows"));
  return text + "]";
}

}    // namespace

QuietHdf5::QuietHdf5()
{
  // at exit HDF5 would try once more to write what a full disk refused, and crash; all that this
  // program opens it also closes
  H5dont_atexit();
  H5open();
  H5Eget_auto2(H5E_DEFAULT, &function, &data);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

QuietHdf5::~QuietHdf5()
{
  H5Eset_auto2(H5E_DEFAULT, function, data);
}

Handle::Handle(hid_t id, const std::string &problem, const std::string &where) : id(id)
{
  if (id < 0) hdf5_check(-1, problem, where);
}

Handle &Handle::operator=(Handle &&other) noexcept
{
  if (this != &other) {
    close();
    id = other.id;
    other.id = -1;
  }
  return *this;
}

void Handle::close()
{
  if (id < 0) return;
  switch (H5Iget_type(id)) {
    case H5I_FILE: H5Fclose(id); break;
    case H5I_GROUP: H5Gclose(id); break;
    case H5I_DATATYPE: H5Tclose(id); break;
    case H5I_DATASPACE: H5Sclose(id); break;
    case H5I_DATASET: H5Dclose(id); break;
    case H5I_ATTR: H5Aclose(id); break;
    default: H5Pclose(id);
  }
  id = -1;
}

std::string hdf5_reason()
{
  std::string text;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, remember_reason, &text);
  return text;
}

void hdf5_check(herr_t status, const std::string &problem, const std::string &where)
{
  if (status >= 0) return;
  const std::string reason = hdf5_reason();
  throw Error(problem + (reason.empty() ? "" : " (HDF5: " + reason + ")"), where);
}

Handle hdf5_access(bool clear)
{
  // a killed writer may have grown the file beyond the size that it had noted, or not yet to it
  Handle access(H5Pcreate(H5P_FILE_ACCESS), "cannot set up HDF5", "file access");
  hdf5_check(H5Pset_libver_bounds(access.get(), H5F_LIBVER_LATEST, H5F_LIBVER_LATEST),
             "cannot set up HDF5", "file version");
  set_flag(access.get(), SKIP_EOF_CHECK);
  if (clear) set_flag(access.get(), CLEAR_STATUS);
  return access;
}

// superblock of version 2 or 3: signature, version at byte 8, size of offsets, size of lengths,
// flags of a file that is being written, two addresses, end of file at byte 28
struct Superblock {
  unsigned char bytes[36] = {0};
  bool known = false;
  explicit Superblock(const std::string &file)
  {
    std::ifstream(file, std::ios::binary).read((char *) bytes, sizeof(bytes));
    known = std::memcmp(bytes, "\x89HDF", 4) == 0 && (bytes[8] == 2 || bytes[8] == 3) &&
        bytes[9] == 8;
  }
};

static bool is_marked(const std::string &file)
{
  const Superblock block(file);
  return block.known && block.bytes[11] != 0;
}

std::string truncation(const std::string &file)
{
  const Superblock block(file);
  if (!block.known) return "";
  const unsigned char *start = block.bytes;
  std::uintmax_t end = 0;
  for (int byte = 35; byte >= 28; byte--) end = end << 8 | start[byte];
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(file, error);
  if (error || size >= end) return "";
  return std::to_string(size) + " of " + std::to_string(end) + " bytes";
}

Handle open_hdf5(const std::string &file, unsigned flags, const Handle &access)
{
  // a file that a killed run left may well be shorter than it has noted, one that was closed may
  // not, but for the moment in which another program closes it
  const auto is_cut = [&] { return !is_marked(file) && !truncation(file).empty(); };
  if (is_cut()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    if (is_cut())
      throw Error("truncated: " + truncation(file), file, "", "", "Copy the file again");
  }
  const std::string problem =
      flags & H5F_ACC_RDWR ? "cannot open it for writing" : "cannot open it";
  for (int tries = 1;; tries++) {
    const hid_t id = H5Fopen(file.c_str(), flags, access.get());
    const bool locked = id < 0 && hdf5_reason().find("lock file") != std::string::npos;
    if (!locked || tries == 100) return Handle(id, problem, file);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

WriterLock::WriterLock(const std::string &file)
{
#ifdef F_OFD_SETLK
  descriptor = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor < 0) return;    // HDF5 will say why
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_len = 1;
  // file systems without locks cannot say who else writes
  if (fcntl(descriptor, F_OFD_SETLK, &lock) == 0 || (errno != EAGAIN && errno != EACCES)) return;
  ::close(descriptor);
  descriptor = -1;
  throw Error("another program or command is writing to it", file);
#else
  (void) file;
#endif
}

WriterLock &WriterLock::operator=(WriterLock &&other) noexcept
{
  std::swap(descriptor, other.descriptor);
  return *this;
}

WriterLock::~WriterLock()
{
  if (descriptor >= 0) ::close(descriptor);
}

void write_text_attribute(hid_t object, const char *name, const std::vector<std::string> &values,
                          bool scalar, const std::string &where)
{
  std::size_t length = 1;
  for (const std::string &value : values) length = std::max(length, value.size());
  std::string buffer;
  for (const std::string &value : values) buffer += value + std::string(length - value.size(), 0);
  const std::string place = where + ", attribute " + name, problem = "cannot write it";
  const Handle type = text_type(length);
  const hsize_t n = values.size();
  const Handle space(scalar ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &n, nullptr), problem,
                     place);
  const Handle attribute(
      H5Acreate2(object, name, type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT), problem, place);
  hdf5_check(H5Awrite(attribute.get(), type.get(), buffer.data()), problem, place);
}

void write_int_attribute(hid_t object, const char *name, int value, const std::string &where)
{
  const std::string place = where + ", attribute " + name, problem = "cannot write it";
  const Handle space(H5Screate(H5S_SCALAR), problem, place);
  const Handle attribute(
      H5Acreate2(object, name, H5T_STD_I32LE, space.get(), H5P_DEFAULT, H5P_DEFAULT), problem,
      place);
  hdf5_check(H5Awrite(attribute.get(), H5T_NATIVE_INT, &value), problem, place);
}

std::vector<std::string> read_text_attribute(hid_t object, const char *name,
                                             const std::string &where)
{
  const std::string place = where + ", attribute " + name;
  if (H5Aexists(object, name) <= 0) throw Error("attribute is missing", place);
  const Handle attribute(H5Aopen(object, name, H5P_DEFAULT), "cannot read it", place);
  const Handle disk(H5Aget_type(attribute.get()), "cannot read it", place);
  if (H5Tget_class(disk.get()) != H5T_STRING || H5Tis_variable_str(disk.get()) > 0)
    throw Error("attribute is of the wrong kind", place, "", "text of a fixed length");
  const std::size_t length = H5Tget_size(disk.get());
  const Handle space(H5Aget_space(attribute.get()), "cannot read it", place);
  const hssize_t n = H5Sget_simple_extent_npoints(space.get());
  if (n < 0 || (std::size_t) n > 1000000 / std::max<std::size_t>(1, length) + 1)
    throw Error("attribute is too long", place);
  std::string buffer(n * length, '\0');
  hdf5_check(H5Aread(attribute.get(), disk.get(), &buffer[0]), "cannot read it", place);
  std::vector<std::string> values;
  for (hssize_t i = 0; i < n; i++) values.push_back(unpad(&buffer[i * length], length));
  return values;
}

int read_int_attribute(hid_t object, const char *name, const std::string &where)
{
  const std::string place = where + ", attribute " + name;
  if (H5Aexists(object, name) <= 0) throw Error("attribute is missing", place);
  const Handle attribute(H5Aopen(object, name, H5P_DEFAULT), "cannot read it", place);
  const Handle type(H5Aget_type(attribute.get()), "cannot read it", place);
  const Handle space(H5Aget_space(attribute.get()), "cannot read it", place);
  if (H5Tget_class(type.get()) != H5T_INTEGER || H5Sget_simple_extent_npoints(space.get()) != 1)
    throw Error("attribute is of the wrong kind", place, "", "one integer");
  int value;
  hdf5_check(H5Aread(attribute.get(), H5T_NATIVE_INT, &value), "cannot read it", place);
  return value;
}

std::size_t DatasetLayout::row_size() const
{
  std::size_t n = 1;
  for (const hsize_t d : row) n *= d;
  return n;
}

Dataset Dataset::create(hid_t file, const DatasetLayout &layout, int label_length,
                        const std::string &where)
{
  Dataset set;
  set.layout = layout;
  set.where = where + ", " + layout.path;
  const std::string problem = "cannot create the dataset";
  std::vector<hsize_t> size(1, 0), maximum(1, H5S_UNLIMITED), chunk(1, layout.chunk_rows);
  for (const hsize_t d : layout.row) {
    size.push_back(d);
    maximum.push_back(d);
    chunk.push_back(d);
  }
  const Handle space(H5Screate_simple((int) size.size(), size.data(), maximum.data()), problem,
                     set.where);
  const Handle properties(H5Pcreate(H5P_DATASET_CREATE), problem, set.where);
  hdf5_check(H5Pset_chunk(properties.get(), (int) chunk.size(), chunk.data()), problem, set.where);
  // rows that are there but not yet written must be recognized
  const std::int64_t fill = -1;
  if (layout.type == DiskType::int64)
    hdf5_check(H5Pset_fill_value(properties.get(), H5T_NATIVE_INT64, &fill), problem, set.where);
  const Handle label = text_type(label_length);
  const hid_t type = layout.type == DiskType::label ? label.get() : disk_type(layout.type);
  set.handle = Handle(H5Dcreate2(file, layout.path.c_str(), type, space.get(), H5P_DEFAULT,
                                 properties.get(), H5P_DEFAULT),
                      problem, set.where);
  return set;
}

Dataset Dataset::open(hid_t file, const DatasetLayout &layout, const std::string &where)
{
  Dataset set;
  set.layout = layout;
  set.where = where + ", " + layout.path;
  const std::string group = layout.path.substr(0, layout.path.rfind('/'));
  if (H5Lexists(file, group.c_str(), H5P_DEFAULT) <= 0 ||
      H5Lexists(file, layout.path.c_str(), H5P_DEFAULT) <= 0)
    throw Error("dataset is missing", set.where);
  const std::string problem = "cannot open the dataset";
  set.handle = Handle(H5Dopen2(file, layout.path.c_str(), H5P_DEFAULT), problem, set.where);
  const Handle space(H5Dget_space(set.handle.get()), problem, set.where);
  const Handle type(H5Dget_type(set.handle.get()), problem, set.where);
  if (H5Tget_class(type.get()) != type_class(layout.type) || H5Tis_variable_str(type.get()) > 0)
    throw Error("dataset is of the wrong kind", set.where, "",
                layout.type == DiskType::label              ? "text of a fixed length"
                    : type_class(layout.type) == H5T_FLOAT ? "floating-point numbers"
                                                            : "integers");
  std::vector<hsize_t> shape(std::max(0, H5Sget_simple_extent_ndims(space.get())));
  H5Sget_simple_extent_dims(space.get(), shape.data(), nullptr);
  std::vector<hsize_t> wanted(1, shape.empty() ? 0 : shape[0]);
  wanted.insert(wanted.end(), layout.row.begin(), layout.row.end());
  if (shape != wanted)
    throw Error("dataset has the wrong shape", set.where, shape_text(shape), shape_text(wanted));
  set.n_rows = shape[0];
  return set;
}

void Dataset::resize(hsize_t rows)
{
  if (rows == n_rows) return;
  std::vector<hsize_t> size(1, rows);
  size.insert(size.end(), layout.row.begin(), layout.row.end());
  hdf5_check(H5Dset_extent(handle.get(), size.data()), "cannot change the dataset's size", where);
  n_rows = rows;
}

void Dataset::transfer(bool writing, hsize_t from, hsize_t n, void *values, hid_t type) const
{
  if (n == 0) return;
  const std::string problem = writing ? "cannot write" : "cannot read";
  std::vector<hsize_t> start(1 + layout.row.size(), 0), count(1, n);
  start[0] = from;
  count.insert(count.end(), layout.row.begin(), layout.row.end());
  const Handle file_space(H5Dget_space(handle.get()), problem, where);
  hdf5_check(H5Sselect_hyperslab(file_space.get(), H5S_SELECT_SET, start.data(), nullptr,
                                 count.data(), nullptr),
             problem, where);
  const Handle space(H5Screate_simple((int) count.size(), count.data(), nullptr), problem, where);
  hdf5_check(writing ? H5Dwrite(handle.get(), type, space.get(), file_space.get(), H5P_DEFAULT,
                                values)
                     : H5Dread(handle.get(), type, space.get(), file_space.get(), H5P_DEFAULT,
                               values),
             problem, where);
}

void Dataset::write(hsize_t from, hsize_t n, const void *values)
{
  if (from + n > n_rows) resize(from + n);
  transfer(true, from, n, const_cast<void *>(values), memory_type(layout.type));
}

void Dataset::read(hsize_t from, hsize_t n, void *values) const
{
  transfer(false, from, n, values, memory_type(layout.type));
}

void Dataset::flush()
{
  hdf5_check(H5Dflush(handle.get()), "cannot write to disk", where);
}

std::string Dataset::read_label(hsize_t row) const
{
  const Handle type(H5Dget_type(handle.get()), "cannot read", where);
  std::string buffer(H5Tget_size(type.get()), '\0');
  transfer(false, row, 1, &buffer[0], type.get());
  return unpad(buffer.data(), buffer.size());
}

void Dataset::write_label(hsize_t row, const std::string &text)
{
  if (row + 1 > n_rows) resize(row + 1);
  const Handle type(H5Dget_type(handle.get()), "cannot write", where);
  std::string buffer = text;
  buffer.resize(H5Tget_size(type.get()), '\0');
  transfer(true, row, 1, &buffer[0], type.get());
}

}    // namespace torchpot
