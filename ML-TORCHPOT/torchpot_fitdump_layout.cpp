// What is where in a fitdump file: shared by its writer and its reader.
#include "torchpot_fitdump_layout.h"

#include "torchpot_error.h"
#include "torchpot_model.h"

#include <algorithm>

namespace torchpot {
namespace {

const char *const FORMAT = "torchpot-fitdump";
constexpr int VERSION = 1;
const char *const DERIVATIVE = "/pairs/derivative";

struct Entry {
  Dataset FitdumpDatasets::*member;
  DatasetLayout layout;
};

/// Rows so that a chunk has about 256 kB: large enough for speed, small beside short files.
hsize_t chunk_rows(std::size_t bytes_per_row)
{
  return std::min<std::size_t>(8192, std::max<std::size_t>(16, 262144 / bytes_per_row));
}

std::vector<Entry> layout(const FitdumpHeader &header)
{
  using Sets = FitdumpDatasets;
  const hsize_t k = header.descriptor.n_descriptors();
  const auto int32 = DiskType::int32, int64 = DiskType::int64, real = DiskType::float64;
  std::vector<Entry> entries = {
      {&Sets::pair_ptr, {"/frames/pair_ptr", int64, {}, 512}},
      {&Sets::atom_ptr, {"/frames/atom_ptr", int64, {}, 512}},
      {&Sets::energy, {"/frames/energy", real, {}, 512}},
      {&Sets::stress, {"/frames/stress", real, {6}, 512}},
      {&Sets::cell, {"/frames/cell", real, {3, 3}, 512}},
      {&Sets::origin, {"/frames/origin", real, {3}, 512}},
      {&Sets::pbc, {"/frames/pbc", int32, {3}, 512}},
      {&Sets::step, {"/frames/step", int64, {}, 512}},
      {&Sets::label, {"/frames/label", DiskType::label, {}, 512}},
      {&Sets::id, {"/atoms/id", int64, {}, 4096}},
      {&Sets::type, {"/atoms/type", int32, {}, 4096}},
      {&Sets::position, {"/atoms/position", real, {3}, 4096}},
      {&Sets::force, {"/atoms/force", real, {3}, 4096}},
      {&Sets::descriptor, {"/atoms/descriptor", real, {k}, chunk_rows(8 * k)}},
      {&Sets::first, {"/pairs/first", int32, {}, 8192}},
      {&Sets::second, {"/pairs/second", int32, {}, 8192}},
      {&Sets::vector, {"/pairs/vector", real, {3}, 8192}}};
  if (header.has_derivatives) {
    const bool narrow = header.precision == Precision::float32;
    entries.push_back({&Sets::derivative,
                       {DERIVATIVE, narrow ? DiskType::float32 : real, {k, 3},
                        chunk_rows((narrow ? 12 : 24) * k)}});
  }
  return entries;
}

Error damaged(const std::string &problem, const std::string &where, const std::string &found,
              const std::string &wanted)
{
  return Error(problem, where, found, wanted, "The file is damaged");
}

void check_pointer(const std::vector<std::int64_t> &pointer, const std::string &where)
{
  if (pointer[0] != 0)
    throw damaged("pointers must start at 0", where, std::to_string(pointer[0]), "0");
  for (std::size_t f = 1; f < pointer.size(); f++)
    if (pointer[f] < pointer[f - 1])
      throw damaged("pointers do not ascend", where + ", frame " + std::to_string(f - 1),
                    std::to_string(pointer[f]), "at least " + std::to_string(pointer[f - 1]));
}

void check_rows(const std::vector<Dataset *> &tables, std::int64_t rows, const std::string &where)
{
  for (const Dataset *table : tables)
    if ((std::int64_t) table->rows() < rows)
      throw damaged("dataset is shorter than the pointers say", where + ", " + table->path(),
                    std::to_string(table->rows()) + " rows", std::to_string(rows));
}

}    // namespace

std::vector<Dataset *> FitdumpDatasets::frame_tables()
{
  return {&energy, &stress, &cell, &origin, &pbc, &step, &label};
}

std::vector<Dataset *> FitdumpDatasets::atom_tables()
{
  return {&id, &type, &position, &force, &descriptor};
}

std::vector<Dataset *> FitdumpDatasets::pair_tables(bool derivatives)
{
  std::vector<Dataset *> tables = {&first, &second, &vector};
  if (derivatives) tables.push_back(&derivative);
  return tables;
}

void create_fitdump_datasets(hid_t file, const FitdumpHeader &header, const std::string &where)
{
  for (const char *name : {"/frames", "/atoms", "/pairs"})
    Handle(H5Gcreate2(file, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), "cannot create the group",
           where + ", " + name);
  const std::int64_t zero = 0;
  for (const Entry &entry : layout(header)) {
    Dataset set = Dataset::create(file, entry.layout, FITDUMP_LABEL_LENGTH, where);
    if (entry.member == &FitdumpDatasets::pair_ptr || entry.member == &FitdumpDatasets::atom_ptr)
      set.write(0, 1, &zero);
  }
}

FitdumpDatasets open_fitdump_datasets(hid_t file, const FitdumpHeader &header,
                                      const std::string &where)
{
  FitdumpDatasets sets;
  for (const Entry &entry : layout(header))
    sets.*entry.member = Dataset::open(file, entry.layout, where);
  return sets;
}

void write_fitdump_header(hid_t file, const FitdumpHeader &header, const std::string &where)
{
  const auto text = [&](const char *name, const std::string &value) {
    write_text_attribute(file, name, {value}, true, where);
  };
  text("format", FORMAT);
  write_int_attribute(file, "version", VERSION, where);
  text("units", header.units);
  write_text_attribute(file, "elements", header.elements, false, where);
  text("descriptor", descriptor_to_json(header.descriptor));
  text("torchpot_version", header.torchpot_version);
  text("lammps_version", header.lammps_version);
}

FitdumpHeader read_fitdump_header(hid_t file, const std::string &where)
{
  const auto text = [&](const char *name) {
    const std::vector<std::string> values = read_text_attribute(file, name, where);
    if (values.size() != 1)
      throw Error("attribute is of the wrong size", where + ", attribute " + name,
                  std::to_string(values.size()), "one text");
    return values[0];
  };
  if (H5Aexists(file, "format") <= 0 || text("format") != FORMAT)
    throw Error("this HDF5 file was not written by fix fitdump", where);
  const int version = read_int_attribute(file, "version", where);
  if (version != VERSION)
    throw Error("unknown version of the file format", where + ", attribute version",
                std::to_string(version), std::to_string(VERSION), "Use a newer torchpot");
  FitdumpHeader header;
  header.units = text("units");
  header.elements = read_text_attribute(file, "elements", where);
  if (header.elements.empty()) throw Error("no elements", where + ", attribute elements");
  header.descriptor = descriptor_from_json(text("descriptor"), where + ", attribute descriptor");
  header.torchpot_version = text("torchpot_version");
  header.lammps_version = text("lammps_version");
  header.has_derivatives = H5Lexists(file, "/pairs", H5P_DEFAULT) > 0 &&
      H5Lexists(file, DERIVATIVE, H5P_DEFAULT) > 0;
  if (header.has_derivatives) {
    const std::string problem = "cannot open the dataset", place = where + ", " + DERIVATIVE;
    const Handle set(H5Dopen2(file, DERIVATIVE, H5P_DEFAULT), problem, place);
    const Handle type(H5Dget_type(set.get()), problem, place);
    if (H5Tget_size(type.get()) == 4) header.precision = Precision::float32;
  }
  return header;
}

FitdumpPointers read_fitdump_pointers(FitdumpDatasets &sets, bool derivatives,
                                      const std::string &where)
{
  FitdumpPointers pointers;
  pointers.pair.resize(sets.pair_ptr.rows());
  sets.pair_ptr.read(0, sets.pair_ptr.rows(), pointers.pair.data());
  // the fill value marks a row that was made but not written
  while (!pointers.pair.empty() && pointers.pair.back() == -1) pointers.pair.pop_back();
  if (pointers.pair.empty())
    throw damaged("pointers must start at 0", where + ", /frames/pair_ptr", "none", "0");
  check_pointer(pointers.pair, where + ", /frames/pair_ptr");
  const std::size_t n = pointers.pair.size();
  check_rows({&sets.atom_ptr}, n, where);
  pointers.atom.resize(n);
  sets.atom_ptr.read(0, n, pointers.atom.data());
  check_pointer(pointers.atom, where + ", /frames/atom_ptr");
  check_rows(sets.frame_tables(), n - 1, where);
  check_rows(sets.atom_tables(), pointers.atom.back(), where);
  check_rows(sets.pair_tables(derivatives), pointers.pair.back(), where);
  return pointers;
}

}    // namespace torchpot
