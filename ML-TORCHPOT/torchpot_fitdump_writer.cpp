// Writer of fitdump files.
#include "torchpot_error.h"
#include "torchpot_fitdump_layout.h"
#include "torchpot_model.h"

#include <nlohmann/json.hpp>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <unistd.h>

namespace torchpot {
namespace {

std::string joined(const std::vector<std::string> &words)
{
  std::string text;
  for (const std::string &word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string precision_text(const FitdumpHeader &header)
{
  if (!header.has_derivatives) return "no derivatives";
  return header.precision == Precision::float32 ? "float32" : "float64";
}

void check_field(const std::string &field, const std::string &found, const std::string &wanted,
                 const std::string &file)
{
  if (found != wanted)
    throw Error("cannot append: " + field + " of the file differs", file, found, wanted,
                "Write to a new file");
}

void check_headers(const FitdumpHeader &found, const FitdumpHeader &wanted,
                   const std::string &file)
{
  check_field("units", found.units, wanted.units, file);
  check_field("elements", joined(found.elements), joined(wanted.elements), file);
  const auto a = nlohmann::json::parse(descriptor_to_json(found.descriptor));
  const auto b = nlohmann::json::parse(descriptor_to_json(wanted.descriptor));
  for (const auto &both : {a, b})
    for (const auto &item : both.items())
      check_field("descriptor parameter " + item.key(),
                  a.contains(item.key()) ? a[item.key()].dump() : "absent",
                  b.contains(item.key()) ? b[item.key()].dump() : "absent", file);
  check_field("precision of the derivatives", precision_text(found), precision_text(wanted), file);
}

/// Under another name first, so that a run that is killed here leaves nothing under the real one.
void create_file(const std::string &file, const FitdumpHeader &header)
{
  const std::string temporary = file + ".new";
  {
    const Handle access = hdf5_access(false);
    const Handle handle(H5Fcreate(temporary.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access.get()),
                        "cannot create the file", file);
    write_fitdump_header(handle.get(), header, file);
    create_fitdump_datasets(handle.get(), header, file);
    hdf5_check(H5Fflush(handle.get(), H5F_SCOPE_GLOBAL), "cannot write to disk", file);
  }
  if (std::rename(temporary.c_str(), file.c_str()) != 0)
    throw Error("cannot rename " + temporary, file);
}

void check_sizes(const FitdumpFrame &frame, const FitdumpHeader &header)
{
  const std::size_t n = frame.id.size(), p = frame.first.size();
  const std::size_t k = header.descriptor.n_descriptors();
  const auto check = [](const char *name, std::size_t found, std::size_t wanted) {
    if (found != wanted)
      throw Error("array of a frame has the wrong size", name, std::to_string(found),
                  std::to_string(wanted));
  };
  check("type", frame.type.size(), n);
  check("position", frame.position.size(), 3 * n);
  check("force", frame.force.size(), 3 * n);
  check("descriptor", frame.descriptor.size(), n * k);
  check("second", frame.second.size(), p);
  check("vector", frame.vector.size(), 3 * p);
  check("derivative", frame.derivative.size(), header.has_derivatives ? 3 * p * k : 0);
  if (frame.label.size() > FITDUMP_LABEL_LENGTH)
    throw Error("label is too long", frame.label, std::to_string(frame.label.size()),
                "at most " + std::to_string(FITDUMP_LABEL_LENGTH) + " characters");
}

}    // namespace

struct FitdumpWriter::Implementation {
  std::string name;
  FitdumpHeader header;
  WriterLock lock;
  Handle file;
  FitdumpDatasets sets;
  std::int64_t n_frames = 0, n_atoms = 0, n_pairs = 0;
  std::size_t n_dropped = 0;
  bool failed = false;

  void open();
  void cut_torn();
  void write_frame_row(const FitdumpFrame &frame);
  void write_atoms(const FitdumpFrame &frame);
  void write_pairs(const FitdumpFrame &frame);
  std::vector<Dataset *> tables();
};

bool check_fitdump_target(const std::string &file, const FitdumpHeader &header, bool append)
{
  const QuietHdf5 quiet;
  header.descriptor.validate("descriptor");
  if (std::filesystem::exists(file)) {
    if (!append)
      throw Error("the file exists already", file, "", "",
                  "Remove it, choose another name, or append to it");
    check_headers(FitdumpReader(file).header(), header, file);
    return true;
  }
  const std::string parent = std::filesystem::path(file).parent_path().string();
  const std::string folder = parent.empty() ? "." : parent;
  if (::access(folder.c_str(), W_OK | X_OK) != 0)
    throw Error("cannot create the file", file, std::strerror(errno),
                "a folder that exists and can be written to");
  return false;
}

FitdumpWriter::FitdumpWriter(const std::string &file, const FitdumpHeader &header, bool append) :
    implementation(std::make_unique<Implementation>())
{
  const QuietHdf5 quiet;
  const bool exists = check_fitdump_target(file, header, append);
  Implementation &self = *implementation;
  self.name = file;
  self.header = header;
  if (!exists) create_file(file, header);
  self.open();
}

FitdumpWriter::~FitdumpWriter()
{
  // what cannot be closed properly can still be read: no error leaves from here
  const QuietHdf5 quiet;
  if (implementation->failed) {
    // HDF5 crashes on closing a file whose writing failed, so that it stays open to the end
    implementation.release();
    return;
  }
  implementation.reset();
}

std::size_t FitdumpWriter::n_frames() const
{
  return implementation->n_frames;
}

std::size_t FitdumpWriter::n_dropped() const
{
  return implementation->n_dropped;
}

std::vector<Dataset *> FitdumpWriter::Implementation::tables()
{
  std::vector<Dataset *> all = sets.frame_tables();
  for (Dataset *set : sets.atom_tables()) all.push_back(set);
  for (Dataset *set : sets.pair_tables(header.has_derivatives)) all.push_back(set);
  all.push_back(&sets.atom_ptr);
  return all;
}

/// SWMR mode from the first moment: readers see a whole file at any time, kills included.
void FitdumpWriter::Implementation::open()
{
  lock = WriterLock(name);
  const Handle access = hdf5_access(true);
  file = open_hdf5(name, H5F_ACC_RDWR | H5F_ACC_SWMR_WRITE, access);
  hdf5_check(H5Fincrement_filesize(file.get(), 0), "cannot note the file's size", name);
  sets = open_fitdump_datasets(file.get(), header, name);
  cut_torn();
}

void FitdumpWriter::Implementation::cut_torn()
{
  const FitdumpPointers pointers = read_fitdump_pointers(sets, header.has_derivatives, name);
  n_frames = pointers.n_frames();
  n_atoms = pointers.atom.back();
  n_pairs = pointers.pair.back();
  bool torn = false;
  const auto cut = [&torn](const std::vector<Dataset *> &list, hsize_t rows) {
    for (Dataset *set : list) {
      torn = torn || set->rows() > rows;
      set->resize(rows);
    }
  };
  cut({&sets.pair_ptr, &sets.atom_ptr}, n_frames + 1);
  cut(sets.frame_tables(), n_frames);
  cut(sets.atom_tables(), n_atoms);
  cut(sets.pair_tables(header.has_derivatives), n_pairs);
  // one frame is written at a time, so that only one can be torn
  n_dropped = torn;
  if (torn)
    hdf5_check(H5Fflush(file.get(), H5F_SCOPE_GLOBAL), "cannot cut off a torn frame", name);
}

void FitdumpWriter::append(const FitdumpFrame &frame)
{
  const QuietHdf5 quiet;
  Implementation &self = *implementation;
  check_sizes(frame, self.header);
  if (self.failed) {
    throw Error("an earlier frame could not be written, so that no more are", self.name, "", "",
                "What the file holds can be read; start again with append yes");
  }
  self.failed = true;
  self.write_frame_row(frame);
  self.write_atoms(frame);
  self.write_pairs(frame);
  const std::int64_t n_atoms = self.n_atoms + frame.id.size();
  const std::int64_t n_pairs = self.n_pairs + frame.first.size();
  self.sets.atom_ptr.write(self.n_frames + 1, 1, &n_atoms);
  // all of the frame must be in the file before the pointer that makes it count
  for (Dataset *set : self.tables()) set->flush();
  hdf5_check(H5Fflush(self.file.get(), H5F_SCOPE_GLOBAL), "cannot write to disk", self.name);
  self.sets.pair_ptr.write(self.n_frames + 1, 1, &n_pairs);
  self.sets.pair_ptr.flush();
  self.n_atoms = n_atoms;
  self.n_pairs = n_pairs;
  self.n_frames++;
  self.failed = false;
}

void FitdumpWriter::Implementation::write_frame_row(const FitdumpFrame &frame)
{
  sets.energy.write(n_frames, 1, &frame.energy);
  sets.stress.write(n_frames, 1, frame.stress);
  sets.cell.write(n_frames, 1, frame.cell);
  sets.origin.write(n_frames, 1, frame.origin);
  sets.pbc.write(n_frames, 1, frame.pbc);
  sets.step.write(n_frames, 1, &frame.step);
  sets.label.write_label(n_frames, frame.label);
}

void FitdumpWriter::Implementation::write_atoms(const FitdumpFrame &frame)
{
  const std::size_t n = frame.id.size();
  sets.id.write(n_atoms, n, frame.id.data());
  sets.type.write(n_atoms, n, frame.type.data());
  sets.position.write(n_atoms, n, frame.position.data());
  sets.force.write(n_atoms, n, frame.force.data());
  sets.descriptor.write(n_atoms, n, frame.descriptor.data());
}

void FitdumpWriter::Implementation::write_pairs(const FitdumpFrame &frame)
{
  const std::size_t n = frame.first.size();
  sets.first.write(n_pairs, n, frame.first.data());
  sets.second.write(n_pairs, n, frame.second.data());
  sets.vector.write(n_pairs, n, frame.vector.data());
  if (header.has_derivatives) sets.derivative.write(n_pairs, n, frame.derivative.data());
}

}    // namespace torchpot
