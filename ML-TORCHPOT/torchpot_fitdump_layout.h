// What is where in a fitdump file: shared by its writer and its reader.
#ifndef TORCHPOT_FITDUMP_LAYOUT_H
#define TORCHPOT_FITDUMP_LAYOUT_H

#include "torchpot_fitdump_file.h"
#include "torchpot_hdf5.h"

namespace torchpot {

/// All datasets of a file, open.
struct FitdumpDatasets {
  Dataset energy, stress, cell, origin, pbc, step, label, atom_ptr, pair_ptr;
  Dataset id, type, position, force, descriptor;
  Dataset first, second, vector, derivative;    // derivative only where the header has it
  /// The tables of frames, atoms and pairs but for the two pointers.
  std::vector<Dataset *> frame_tables(), atom_tables(), pair_tables(bool derivatives);
};

/// Creates all groups and datasets, with the leading 0 of the pointers.
void create_fitdump_datasets(hid_t file, const FitdumpHeader &header, const std::string &where);
/// Opens pair_ptr first: what it covers was written before, so that it is seen in the others.
FitdumpDatasets open_fitdump_datasets(hid_t file, const FitdumpHeader &header,
                                      const std::string &where);

/// Root attributes. read_ also takes derivatives and precision from the datasets.
void write_fitdump_header(hid_t file, const FitdumpHeader &header, const std::string &where);
FitdumpHeader read_fitdump_header(hid_t file, const std::string &where);

/// atom_ptr and pair_ptr of complete frames, checked to ascend from 0 and to lie in the tables.
struct FitdumpPointers {
  std::vector<std::int64_t> atom, pair;    // [n_frames + 1]
  std::size_t n_frames() const { return pair.size() - 1; }
};
FitdumpPointers read_fitdump_pointers(FitdumpDatasets &sets, bool derivatives,
                                      const std::string &where);

}    // namespace torchpot

#endif
