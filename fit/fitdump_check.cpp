// `torchpot_model verify` for fitdump files.
#include "checks.h"

#include "torchpot_error.h"
#include "torchpot_fitdump_file.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>

#include <unistd.h>

namespace torchpot {

namespace {

/// Largest difference and largest value of two arrays; their ratio is the figure reported.
struct Comparison {
  double worst = 0.0, largest = 1e-30;
  void add(double a, double b)
  {
    largest = std::max({largest, std::abs(a), std::abs(b)});
    double difference = std::abs(a - b);
    if (!(difference <= worst)) worst = difference;
  }
  double figure() const { return worst / largest; }
};

Error bad(const std::string &file, std::size_t frame, const std::string &problem,
          const std::string &found, const std::string &wanted)
{
  return Error(problem, file + ", frame " + std::to_string(frame), found, wanted);
}

/// Cell coordinates of v: v = sum_a f_a cell_a.
std::array<double, 3> fractions(const double cell[3][3], const double *v)
{
  auto cross = [](const double *a, const double *b) {
    return std::array<double, 3>{a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2],
                                 a[0] * b[1] - a[1] * b[0]};
  };
  std::array<double, 3> result;
  for (int a = 0; a < 3; ++a) {
    auto n = cross(cell[(a + 1) % 3], cell[(a + 2) % 3]);
    double volume = n[0] * cell[a][0] + n[1] * cell[a][1] + n[2] * cell[a][2];
    result[a] = (n[0] * v[0] + n[1] * v[1] + n[2] * v[2]) / volume;
  }
  return result;
}

/// What the reader, which checks ids, elements, positions and indices, leaves to be checked.
void check_values(const FitdumpHeader &header, const FitdumpFrame &frame, std::size_t index,
                  const std::string &file)
{
  const std::size_t n_k = header.descriptor.n_descriptors();
  for (std::size_t i = 0; i < frame.id.size(); ++i) {
    std::size_t n_nan = 0;
    for (std::size_t k = 0; k < n_k; ++k) n_nan += !std::isfinite(frame.descriptor[i * n_k + k]);
    if (n_nan && n_nan != n_k)
      throw bad(file, index, "descriptors of atom " + std::to_string(frame.id[i]) +
                " are not all numbers", std::to_string(n_nan) + " of " + std::to_string(n_k), "0");
  }
  for (double value : frame.derivative)
    if (!std::isfinite(value)) throw bad(file, index, "a derivative is not a number", "", "");
}

/// Each pair is within its cutoff, and a bond between its two atoms or their images.
void check_pairs(const FitdumpHeader &header, const FitdumpFrame &frame, std::size_t index,
                 const std::string &file)
{
  for (std::size_t p = 0; p < frame.first.size(); ++p) {
    int i = frame.first[p], j = frame.second[p];
    const double *bond = &frame.vector[3 * p];
    double r = std::sqrt(bond[0] * bond[0] + bond[1] * bond[1] + bond[2] * bond[2]), offset[3];
    double cutoff = header.descriptor.cutoff(frame.type[i], frame.type[j]);
    if (!(r > 0.0 && r <= cutoff * (1 + 1e-9)))
      throw bad(file, index, "pair " + std::to_string(p) + " is not within the cutoff",
                std::to_string(r), "more than 0, at most " + std::to_string(cutoff));
    for (int c = 0; c < 3; ++c)
      offset[c] = bond[c] - (frame.position[3 * j + c] - frame.position[3 * i + c]);
    auto shift = fractions(frame.cell, offset);
    for (int a = 0; a < 3; ++a)
      if (!(std::abs(shift[a] - (frame.pbc[a] ? std::round(shift[a]) : 0.0)) < 1e-6))
        throw bad(file, index, "pair " + std::to_string(p) + " is no bond between its atoms",
                  std::to_string(shift[a]) + " cell vectors off", "a whole number");
  }
}

/// The pairs of a frame as neighborhoods; order[p] is the frame's pair behind row p.
struct FramePairs {
  NeighborTable table;
  std::vector<std::size_t> order;
};

FramePairs frame_pairs(const FitdumpFrame &frame)
{
  FramePairs pairs;
  const std::size_t n_pairs = frame.first.size();
  for (std::size_t p = 0; p < n_pairs; ++p) pairs.order.push_back(p);
  std::stable_sort(pairs.order.begin(), pairs.order.end(), [&](std::size_t a, std::size_t b) {
    return frame.first[a] < frame.first[b];
  });
  NeighborTable &table = pairs.table;
  table.element = frame.type;
  table.first.assign(1, 0);
  for (std::size_t i = 0, row = 0; i < frame.id.size(); ++i) {
    while (row < n_pairs && frame.first[pairs.order[row]] == (int) i) ++row;
    table.first.push_back(row);
  }
  for (std::size_t p : pairs.order) {
    table.vector.insert(table.vector.end(), &frame.vector[3 * p], &frame.vector[3 * p] + 3);
    table.neighbor_element.push_back(frame.type[frame.second[p]]);
    table.neighbor.push_back(frame.second[p]);
  }
  return pairs;
}

struct Recomputed {
  Comparison descriptor, derivative, sums;
  std::size_t n_frames = 0, n_missing_pairs = 0;
};

bool is_center(const FitdumpFrame &frame, std::size_t i, std::size_t n_k)
{
  return std::isfinite(frame.descriptor[i * n_k]);
}

/// Pairs within the cutoffs that a search from the positions finds, less those of the frame.
std::size_t missing_pairs(const FitdumpHeader &header, const FitdumpFrame &frame,
                          const NeighborTable &stored)
{
  Cell cell;
  for (int a = 0; a < 3; ++a) {
    cell.origin[a] = frame.origin[a], cell.periodic[a] = frame.pbc[a];
    for (int b = 0; b < 3; ++b) cell.vectors[a][b] = frame.cell[a][b];
  }
  const int n = (int) frame.id.size();
  double cutoff = 0.0;
  for (std::size_t a = 0; a < header.elements.size(); ++a)
    for (std::size_t b = 0; b < header.elements.size(); ++b)
      cutoff = std::max(cutoff, header.descriptor.cutoff(a, b));
  NeighborTable table =
      find_neighbors(n, n, frame.position.data(), frame.type.data(), cell, cutoff);
  std::size_t missing = 0;
  for (int i = 0; i < n; ++i) {
    if (!is_center(frame, i, header.descriptor.n_descriptors())) continue;
    std::size_t wanted = 0, found = stored.first[i + 1] - stored.first[i];
    for (std::size_t p = table.first[i]; p < table.first[i + 1]; ++p) {
      const double *v = &table.vector[3 * p];
      double limit = header.descriptor.cutoff(frame.type[i], table.neighbor_element[p]);
      // a hair inside, so that rounding decides nothing
      wanted += v[0] * v[0] + v[1] * v[1] + v[2] * v[2] < limit * limit * (1 - 1e-9);
    }
    if (found < wanted) missing += wanted - found;
  }
  return missing;
}

/// dB(i)/dr_i = -(sum of derivative over the pairs of i), against differences of descriptors with
/// the center displaced, which moves all its bonds the other way.
void check_sums(const FitdumpHeader &header, const FitdumpFrame &frame, const FramePairs &pairs,
                std::size_t center, Comparison &sums)
{
  const std::size_t n_k = header.descriptor.n_descriptors();
  const NeighborTable &table = pairs.table;
  const std::size_t begin = table.first[center], end = table.first[center + 1];
  NeighborTable one;
  one.element = {table.element[center]};
  one.first = {0, end - begin};
  one.neighbor_element.assign(&table.neighbor_element[0] + begin, &table.neighbor_element[0] + end);
  auto descriptor = make_snap(header.descriptor);
  double step = 1e-6 * descriptor->max_cutoff();
  for (int c = 0; c < 3; ++c) {
    std::vector<double> value[2];
    for (int side = 0; side < 2; ++side) {
      one.vector.assign(table.vector.begin() + 3 * begin, table.vector.begin() + 3 * end);
      for (std::size_t p = 0; p < end - begin; ++p) one.vector[3 * p + c] += side ? step : -step;
      value[side].resize(n_k);
      descriptor->values(one.view(), value[side].data());
    }
    for (std::size_t k = 0; k < n_k; ++k) {
      double sum = 0.0;
      for (std::size_t p = begin; p < end; ++p)
        sum -= frame.derivative[(pairs.order[p] * n_k + k) * 3 + c];
      sums.add(sum, (value[0][k] - value[1][k]) / (2 * step));
    }
  }
}

void recompute(const FitdumpHeader &header, const FitdumpFrame &frame, Recomputed &result)
{
  const std::size_t n_k = header.descriptor.n_descriptors(), n_atoms = frame.id.size();
  FramePairs pairs = frame_pairs(frame);
  ++result.n_frames;
  result.n_missing_pairs += missing_pairs(header, frame, pairs.table);
  auto descriptor = make_snap(header.descriptor);
  std::vector<double> value(n_atoms * n_k), derivative(pairs.order.size() * n_k * 3);
  descriptor->derivatives(pairs.table.view(), value.data(), derivative.data());
  std::size_t center = n_atoms;
  for (std::size_t i = 0; i < n_atoms; ++i) {
    if (!is_center(frame, i, n_k)) continue;
    if (center == n_atoms && pairs.table.first[i + 1] > pairs.table.first[i]) center = i;
    for (std::size_t k = 0; k < n_k; ++k)
      result.descriptor.add(frame.descriptor[i * n_k + k], value[i * n_k + k]);
  }
  if (frame.derivative.empty()) return;
  for (std::size_t row = 0; row < pairs.order.size(); ++row)
    for (std::size_t k = 0; k < 3 * n_k; ++k)
      result.derivative.add(frame.derivative[pairs.order[row] * 3 * n_k + k],
                            derivative[row * 3 * n_k + k]);
  if (center < n_atoms) check_sums(header, frame, pairs, center, result.sums);
}

void add_recomputed(const FitdumpHeader &header, const Recomputed &result, CheckReport &report)
{
  const std::string frames = std::to_string(result.n_frames) + " frames";
  report.add("all pairs", result.n_missing_pairs == 0,
             std::to_string(result.n_missing_pairs) +
                 " pairs within the cutoff missing, search from the positions of " + frames);
  report.add("descriptors", result.descriptor.figure(), 1e-9,
             "of the largest value, recomputed for " + frames);
  if (!header.has_derivatives) return;
  bool wide = header.precision == Precision::float64;
  report.add("derivatives", result.derivative.figure(), wide ? 1e-9 : 1e-6,
             "of the largest value, recomputed for " + frames);
  report.add("derivative sums", result.sums.figure(), 1e-5,
             "of the largest value, minus the sum over a center's pairs against differences");
}

/// The superblock's consistency flags, which a writer sets and, unless it is killed, takes away:
/// HDF5 file format specification 3.0, section II.A, versions 2 and 3 of the superblock.
bool is_marked(const std::string &file)
{
  std::ifstream stream(file, std::ios::binary);
  char start[12] = {0};
  stream.read(start, sizeof start);
  return stream && start[8] >= 2 && start[11] != 0;
}

/// Whether a process of this machine, other than this one, has the file open; false where /proc
/// cannot tell.
bool is_open_elsewhere(const std::string &file)
{
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path path = fs::canonical(file, error), own = "/proc/" + std::to_string(::getpid());
  for (fs::directory_iterator process("/proc", error), end; !error && process != end;
       process.increment(error)) {
    std::error_code hidden;    // processes of others, or that have just ended
    if (process->path() == own) continue;
    for (fs::directory_iterator fd(process->path() / "fd", hidden); !hidden && fd != end;
         fd.increment(hidden)) {
      std::error_code gone;
      if (fs::read_symlink(fd->path(), gone) == path) return true;
    }
  }
  return false;
}

void remove_mark(const std::string &file, CheckReport &report)
{
  if (!is_marked(file)) return;
  if (is_open_elsewhere(file)) {
    report.add("writer's mark", true, "the file is being written; its complete frames were read");
    return;
  }
  fitdump_clear_status(file);
  report.add("writer's mark", true,
             "left by a run that was killed, removed: the file opens without swmr=True again");
}

/// Reads every frame and recomputes some; throws Error at the first that is wrong in itself.
void read_frames(const FitdumpReader &reader, const std::string &file, std::size_t n_recomputed,
                 CheckReport &report)
{
  const std::size_t n_frames = reader.n_frames();
  Recomputed result;
  std::size_t n_atoms = 0, n_pairs = 0;
  for (std::size_t f = 0; f < n_frames; ++f) {
    FitdumpFrame frame = reader.read(f);
    check_values(reader.header(), frame, f, file);
    check_pairs(reader.header(), frame, f, file);
    n_atoms += frame.id.size(), n_pairs += frame.first.size();
    // spread evenly: those at which another of n_recomputed equal parts begins
    if (n_recomputed &&
        (f == 0 || f * n_recomputed / n_frames != (f - 1) * n_recomputed / n_frames))
      recompute(reader.header(), frame, result);
  }
  report.add("frames", true, std::to_string(n_atoms) + " atoms and " + std::to_string(n_pairs) +
             " pairs read, every value in its range");
  if (result.n_frames) add_recomputed(reader.header(), result, report);
}

}    // namespace

CheckReport verify_fitdump(const std::string &file, std::size_t n_recomputed)
{
  CheckReport report;
  const char *stage = "file";
  try {
    {
      FitdumpReader reader(file);
      report.add(stage, true, std::to_string(reader.n_frames()) + " complete frames");
      stage = "frames";
      read_frames(reader, file, n_recomputed, report);
    }    // closed, so that the file can be changed
    stage = "writer's mark";
    remove_mark(file, report);
  } catch (const std::exception &error) {
    report.add(stage, false, error.what());
  }
  return report;
}

}    // namespace torchpot
