// Reader of fitdump files, and mending of the marks that a killed writer leaves.
#include "torchpot_fitdump_file.h"

#include "torchpot_error.h"
#include "torchpot_fitdump_layout.h"
#include "torchpot_text.h"

#include <cmath>
#include <filesystem>

namespace torchpot {
namespace {

Handle open_to_read(const std::string &file)
{
  if (!std::filesystem::exists(file)) throw Error("file not found", full_path(file));
  const htri_t known = H5Fis_hdf5(file.c_str());
  if (known == 0) throw Error("this is no HDF5 file", file);
  const Handle access = hdf5_access(false);
  // this flag opens a file that is being written, was closed, or was left by a killed writer
  return open_hdf5(file, H5F_ACC_RDONLY | H5F_ACC_SWMR_READ, access);
}

/// Runs `work` on the file; what fails on one that was cut off says so.
template <class Work> auto reading(const std::string &file, const Work &work)
{
  try {
    return work();
  } catch (const Error &error) {
    const std::string cut = truncation(file);
    if (cut.empty() || error.problem == "truncated: " + cut) throw;
    throw Error("truncated: " + cut, file, error.what(), "", "Copy the file again");
  }
}

std::string atom_text(std::size_t atom)
{
  return "atom number " + std::to_string(atom);
}

}    // namespace

struct FitdumpReader::Implementation {
  std::string name;
  Handle file;
  FitdumpHeader header;
  FitdumpDatasets sets;
  FitdumpPointers pointers;

  std::string place(const Dataset &set, std::size_t frame) const
  {
    return name + ", " + set.path() + ", frame " + std::to_string(frame);
  }
  void read_frame_row(std::size_t index, FitdumpFrame &frame);
  void read_atoms(std::size_t index, FitdumpFrame &frame);
  void read_pairs(std::size_t index, FitdumpFrame &frame, bool with_derivatives);
};

FitdumpReader::FitdumpReader(const std::string &file) :
    implementation(std::make_unique<Implementation>())
{
  const QuietHdf5 quiet;
  Implementation &self = *implementation;
  self.name = file;
  reading(file, [&] {
    self.file = open_to_read(file);
    self.header = read_fitdump_header(self.file.get(), file);
    self.sets = open_fitdump_datasets(self.file.get(), self.header, file);
    self.pointers = read_fitdump_pointers(self.sets, self.header.has_derivatives, file);
  });
}

FitdumpReader::~FitdumpReader() = default;

const FitdumpHeader &FitdumpReader::header() const
{
  return implementation->header;
}

std::size_t FitdumpReader::n_frames() const
{
  return implementation->pointers.n_frames();
}

FitdumpFrame FitdumpReader::read(std::size_t index, bool with_derivatives) const
{
  if (index >= n_frames())
    throw Error("there is no such frame", implementation->name, std::to_string(index),
                "less than " + std::to_string(n_frames()));
  const QuietHdf5 quiet;
  FitdumpFrame frame;
  reading(implementation->name, [&] {
    implementation->read_frame_row(index, frame);
    implementation->read_atoms(index, frame);
    implementation->read_pairs(index, frame, with_derivatives);
  });
  return frame;
}

void FitdumpReader::Implementation::read_frame_row(std::size_t index, FitdumpFrame &frame)
{
  sets.energy.read(index, 1, &frame.energy);
  sets.stress.read(index, 1, frame.stress);
  sets.cell.read(index, 1, frame.cell);
  sets.origin.read(index, 1, frame.origin);
  sets.pbc.read(index, 1, frame.pbc);
  sets.step.read(index, 1, &frame.step);
  frame.label = sets.label.read_label(index);
  for (int k = 0; k < 3; k++) {
    if (!std::isfinite(frame.origin[k]))
      throw Error("the cell's origin is not a number", place(sets.origin, index));
    if (frame.pbc[k] != 0 && frame.pbc[k] != 1)
      throw Error("boundaries must be 0 or 1", place(sets.pbc, index),
                  std::to_string(frame.pbc[k]));
    for (int c = 0; c < 3; c++)
      if (!std::isfinite(frame.cell[k][c]))
        throw Error("a cell vector is not a number", place(sets.cell, index));
  }
}

void FitdumpReader::Implementation::read_atoms(std::size_t index, FitdumpFrame &frame)
{
  const std::int64_t from = pointers.atom[index];
  const std::size_t n = pointers.atom[index + 1] - from;
  frame.id.resize(n);
  frame.type.resize(n);
  frame.position.resize(3 * n);
  frame.force.resize(3 * n);
  frame.descriptor.resize(n * header.descriptor.n_descriptors());
  sets.id.read(from, n, frame.id.data());
  sets.type.read(from, n, frame.type.data());
  sets.position.read(from, n, frame.position.data());
  sets.force.read(from, n, frame.force.data());
  sets.descriptor.read(from, n, frame.descriptor.data());
  const int n_elements = (int) header.elements.size();
  for (std::size_t i = 0; i < n; i++) {
    if (i && frame.id[i] <= frame.id[i - 1])
      throw Error("atom ids do not ascend", place(sets.id, index) + ", " + atom_text(i),
                  std::to_string(frame.id[i]), "more than " + std::to_string(frame.id[i - 1]));
    if (frame.type[i] < 0 || frame.type[i] >= n_elements)
      throw Error("element index out of range", place(sets.type, index) + ", " + atom_text(i),
                  std::to_string(frame.type[i]), "0 to " + std::to_string(n_elements - 1));
    for (int c = 0; c < 3; c++)
      if (!std::isfinite(frame.position[3 * i + c]))
        throw Error("a position is not a number",
                    place(sets.position, index) + ", " + atom_text(i));
  }
}

void FitdumpReader::Implementation::read_pairs(std::size_t index, FitdumpFrame &frame,
                                               bool with_derivatives)
{
  const std::int64_t from = pointers.pair[index];
  const std::size_t n = pointers.pair[index + 1] - from;
  frame.first.resize(n);
  frame.second.resize(n);
  frame.vector.resize(3 * n);
  sets.first.read(from, n, frame.first.data());
  sets.second.read(from, n, frame.second.data());
  sets.vector.read(from, n, frame.vector.data());
  const int n_atoms = (int) frame.id.size();
  const auto check = [&](const std::vector<int> &atoms, const Dataset &set) {
    for (std::size_t p = 0; p < n; p++)
      if (atoms[p] < 0 || atoms[p] >= n_atoms)
        throw Error("atom index out of range", place(set, index) + ", pair " + std::to_string(p),
                    std::to_string(atoms[p]), "0 to " + std::to_string(n_atoms - 1));
  };
  check(frame.first, sets.first);
  check(frame.second, sets.second);
  for (std::size_t p = 0; p < 3 * n; p++)
    if (!std::isfinite(frame.vector[p]))
      throw Error("a pair's vector is not a number",
                  place(sets.vector, index) + ", pair " + std::to_string(p / 3));
  if (!with_derivatives || !header.has_derivatives) return;
  frame.derivative.resize(3 * n * header.descriptor.n_descriptors());
  sets.derivative.read(from, n, frame.derivative.data());
}

void fitdump_clear_status(const std::string &file)
{
  const QuietHdf5 quiet;
  if (!std::filesystem::exists(file)) throw Error("file not found", full_path(file));
  const WriterLock lock(file);
  const Handle access = hdf5_access(true);
  const Handle handle = open_hdf5(file, H5F_ACC_RDWR, access);
  read_fitdump_header(handle.get(), file);
  hdf5_check(H5Fincrement_filesize(handle.get(), 0), "cannot note the file's size", file);
}

}    // namespace torchpot
