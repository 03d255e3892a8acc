// Making one frame of a fitdump file from the atoms and pairs that several ranks hold.
#ifndef TORCHPOT_FITDUMP_FRAME_H
#define TORCHPOT_FITDUMP_FRAME_H

#include "torchpot_extxyz.h"
#include "torchpot_fitdump_file.h"

#include <cstdint>
#include <string>
#include <vector>

namespace torchpot {

/// Sorts id, type, position and force by id. Throws Error if two atoms have one id.
void sort_atoms(FitdumpFrame &frame);

/// Whether two sorted frames are of the same step and label and have the same atoms at the same
/// places of the same cell, up to rounding and periodic images.
bool same_configuration(const FitdumpFrame &a, const FitdumpFrame &b);

/// Ids of the atoms that have descriptors, sorted as the frame is.
std::vector<std::int64_t> centers_of(const FitdumpFrame &frame);

/// Descriptors and pairs of some centers; atoms are named by their ids.
struct LocalPairs {
  std::vector<std::int64_t> center;           // [n_centers]
  std::vector<double> value;                  // [n_centers][K]
  std::vector<std::int64_t> first, second;    // [n_pairs]
  std::vector<double> vector, derivative;     // [n_pairs][3], [n_pairs][K][3] or empty
};

/// Descriptors of the n_centers first atoms, whose neighbors are all atoms given: periodic images
/// are atoms of their own with the same id. Pairs beyond the cutoff of their elements are left out.
void find_local_pairs(Descriptor &descriptor, bool with_derivatives, int n_centers,
                      const std::vector<std::int64_t> &id, const std::vector<double> &position,
                      const std::vector<int> &element, LocalPairs &pairs);

/// Adds descriptors (NaN for atoms that are no centers) and pairs to a frame of sorted atoms.
/// Pairs are sorted by first, second and by the periodic image of second, so that the frame does
/// not depend on which rank had what.
void add_pairs(const LocalPairs &pairs, int n_descriptors, FitdumpFrame &frame);

/// Whether a configuration is that of the frame, as label_from_extxyz() demands.
bool is_configuration_of(const ExtxyzConfiguration &truth,
                         const std::vector<std::string> &elements, const FitdumpFrame &frame);

/// Labels from a configuration whose atoms are in the order of the frame's ids. Throws Error if it
/// is not the same configuration (elements, cell along periodic directions, positions to 1e-3 up
/// to periodic images) or has no energy or forces. pressure_factor: energy per volume in the
/// pressure unit. Without a stress the frame's is NaN.
void label_from_extxyz(const ExtxyzConfiguration &truth, const std::string &file,
                       const std::vector<std::string> &elements, double pressure_factor,
                       FitdumpFrame &frame);

}    // namespace torchpot

#endif
