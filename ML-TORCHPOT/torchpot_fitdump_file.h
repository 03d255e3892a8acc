// The HDF5 file of `fix fitdump`: one writer, one reader (layout in doc/fix_fitdump.md).
#ifndef TORCHPOT_FITDUMP_FILE_H
#define TORCHPOT_FITDUMP_FILE_H

#include "torchpot_descriptor.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace torchpot {

/// One configuration. Index conventions as in the file: derivative of the descriptors of `first`
/// with respect to the position of `second` through the bond `vector` = r_second - r_first.
struct FitdumpFrame {
  double energy = 0.0;                  // NaN: not known
  double stress[6] = {0, 0, 0, 0, 0, 0};    // xx yy zz xy xz yz, pressure unit; NaN: not known
  double cell[3][3] = {{0, 0, 0}, {0, 0, 0}, {0, 0, 0}};    // rows are the cell vectors
  double origin[3] = {0, 0, 0};
  int pbc[3] = {1, 1, 1};
  std::int64_t step = 0;
  std::string label;                   // at most FITDUMP_LABEL_LENGTH characters
  std::vector<std::int64_t> id;        // [n_atoms] ascending
  std::vector<int> type;               // [n_atoms] element index, from 0, into header.elements
  std::vector<double> position;        // [n_atoms][3]
  std::vector<double> force;           // [n_atoms][3]; NaN: not known
  std::vector<double> descriptor;      // [n_atoms][K]; NaN for atoms outside the fix's group
  std::vector<int> first, second;      // [n_pairs] index of the atom within the frame
  std::vector<double> vector;          // [n_pairs][3]
  std::vector<double> derivative;      // [n_pairs][K][3], empty if not stored
};

constexpr int FITDUMP_LABEL_LENGTH = 64;

struct FitdumpHeader {
  std::string units = "metal";
  std::vector<std::string> elements;
  SnapParameters descriptor;
  bool has_derivatives = true;
  Precision precision = Precision::float64;    // of the derivatives on disk
  std::string torchpot_version, lammps_version;
};

/// Throws Error if FitdumpWriter would refuse: the file exists and is not to be appended to or is
/// of another kind, or its folder cannot be written to. Changes nothing. Returns whether it exists.
bool check_fitdump_target(const std::string &file, const FitdumpHeader &header, bool append);

/// Appends frames. Each append() is durable on return: a kill at any moment loses at most the
/// frame being written. All errors are Error.
class FitdumpWriter {
 public:
  /// Refuses an existing file unless append; then the header must agree and torn frames at the
  /// end are cut off (n_dropped()).
  FitdumpWriter(const std::string &file, const FitdumpHeader &header, bool append);
  ~FitdumpWriter();
  void append(const FitdumpFrame &frame);
  std::size_t n_frames() const;
  std::size_t n_dropped() const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation;
};

/// Reads complete frames, from a file that is being written, was closed, or was left by a killed
/// run alike; never changes the file.
class FitdumpReader {
 public:
  explicit FitdumpReader(const std::string &file);
  ~FitdumpReader();
  const FitdumpHeader &header() const;
  std::size_t n_frames() const;
  FitdumpFrame read(std::size_t index, bool with_derivatives = true) const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation;
};

/// Makes a file that a killed run left behind open without SWMR too, by removing the mark of its
/// writer. Not for a file that is being written.
void fitdump_clear_status(const std::string &file);

}    // namespace torchpot

#endif
