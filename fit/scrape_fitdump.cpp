// Configurations from the HDF5 files of fix fitdump.
#include "scrape_fitdump.h"

#include "descriptors.h"
#include "settings_reader.h"
#include "split.h"
#include "torchpot_error.h"
#include "torchpot_fitdump_file.h"
#include "torchpot_model.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

namespace torchpot {

namespace {

struct FrameReference {
  std::size_t file, frame;
};

std::string frame_name(const std::string &file, std::size_t frame)
{
  return std::filesystem::path(file).filename().string() + "#" + std::to_string(frame);
}

/// Whether all of the numbers are known; throws if only some are.
bool known(const std::vector<double> &values, const std::string &where, const std::string &what)
{
  std::ptrdiff_t n = 0;
  for (const double x : values) n += !std::isnan(x);
  if (n && n < (std::ptrdiff_t) values.size())
    throw Error(what + " are known for some atoms only", where,
                std::to_string(n / 3) + " of " + std::to_string(values.size() / 3) + " atoms");
  for (const double x : values)
    if (std::isinf(x)) throw Error(what + " are not finite", where);
  return n > 0;
}

void take_labels(const FitdumpFrame &f, const Settings &s, const std::vector<std::string> &elements,
                 const std::string &where, Configuration &c)
{
  c.has_energy = !std::isnan(f.energy);
  c.energy = f.energy;
  for (const int e : c.element) {
    const auto shift = s.eshift.find(elements[e]);
    if (shift != s.eshift.end()) c.energy += shift->second;
  }
  c.has_forces = known(f.force, where, "forces");
  if (c.has_forces) c.force = f.force;
  c.has_stress = known({f.stress, f.stress + 6}, where, "stress components");
  if (c.has_stress) std::copy(f.stress, f.stress + 6, c.stress);
}

void take_derivatives(FitdumpFrame &f, int n_descriptors, bool stresses, Configuration &c)
{
  c.descriptor = std::move(f.descriptor);
  c.has_derivatives = true;
  const bool strain = c.has_stress && stresses;
  c.strain_derivative.edit().assign(strain ? 6 * c.descriptor.size() : 0, 0.0);
  append_blocks({f.first.size(), f.first.data(), f.second.data(), f.vector.data(),
                 f.derivative.data()},
                n_descriptors, strain, c);
  c.row.edit().shrink_to_fit();
  c.column.edit().shrink_to_fit();
  c.derivative.edit().shrink_to_fit();
}

}    // namespace

struct FitdumpScraper::Implementation {
  explicit Implementation(const Settings &settings) : s(settings)
  {
    for (const std::string &file : s.torchpot.fitdump) {
      refuse_twice(file);
      files.push_back(std::make_unique<FitdumpReader>(file));
      check_header(file, files.back()->header());
      add_frames(files.size() - 1);
    }
    if (labels.empty())
      throw Error("there are no frames", "[TORCHPOT] fitdump", join(s.torchpot.fitdump, " "));
  }

  /// Configurations that are there twice would be trained on and tested on.
  void refuse_twice(const std::string &file) const
  {
    for (std::size_t k = 0; k < files.size(); k++) {
      const std::string &other = s.torchpot.fitdump[k];
      std::error_code error;
      if (std::filesystem::equivalent(file, other, error))
        throw Error("the same file is named twice", s.input_file + ": [TORCHPOT] fitdump",
                    other == file ? file : other + " and " + file, "each file once");
    }
  }

  void check_header(const std::string &file, const FitdumpHeader &header) const
  {
    const FitdumpHeader &first = files[0]->header();
    std::string other = s.torchpot.fitdump[0];
    std::string difference = descriptor_difference(header.descriptor, first.descriptor);
    if (difference.empty() && s.bispectrum.present) {
      other = s.input_file + " [BISPECTRUM]";
      difference = descriptor_difference(header.descriptor, s.bispectrum.snap);
    }
    if (!difference.empty())
      throw Error("the descriptor of this file is not that of " + other, file, difference, "",
                  other == s.torchpot.fitdump[0]
                      ? "Collect both with one descriptor"
                      : "Delete the section [BISPECTRUM], which fitdump files do not need, or give "
                        "the same values there");
    if (header.units != first.units)
      throw Error("the units of this file are not those of " + other, file, header.units,
                  first.units);
    if (header.elements != header.descriptor.elements)
      throw Error("elements of atoms and of the descriptor differ", file,
                  join(header.elements, " "), join(header.descriptor.elements, " "));
    if (s.reference.has_units && header.units != s.reference.units)
      throw Error("the units of this file are not those of [REFERENCE]", file, header.units,
                  s.reference.units);
  }

  void add_frames(std::size_t file)
  {
    for (std::size_t k = 0; k < files[file]->n_frames(); k++) {
      const std::string label = files[file]->read(k, false).label;
      const auto found = std::find(labels.begin(), labels.end(), label);
      const std::size_t at = found - labels.begin();
      if (found == labels.end()) {
        labels.push_back(label);
        frames.emplace_back();
      }
      frames[at].push_back({file, k});
    }
  }

  Configuration read(const FrameReference &r, bool derivatives) const
  {
    const std::string &file = s.torchpot.fitdump[r.file];
    const FitdumpHeader &header = files[r.file]->header();
    const bool take = derivatives && header.has_derivatives;
    FitdumpFrame f = files[r.file]->read(r.frame, take);
    const std::string where = file + ", frame " + std::to_string(r.frame);
    Configuration c;
    c.file = frame_name(file, r.frame);
    std::copy(&f.cell[0][0], &f.cell[0][0] + 9, &c.cell.vectors[0][0]);
    std::copy(f.origin, f.origin + 3, c.cell.origin);
    for (int i = 0; i < 3; i++) c.cell.periodic[i] = f.pbc[i] != 0;
    c.element = f.type;
    c.position = f.position;
    take_labels(f, s, header.elements, where, c);
    for (const double x : f.descriptor)
      if (std::isnan(x))
        throw Error("atoms have no descriptors, so that the energy cannot be fitted", where, "", "",
                    "Collect with fix fitdump on the group all");
    if (take) take_derivatives(f, header.descriptor.n_descriptors(), s.calculator.stress, c);
    return c;
  }

  const Settings &s;
  std::vector<std::unique_ptr<FitdumpReader>> files;
  std::vector<std::string> labels;
  std::vector<std::vector<FrameReference>> frames;    // of each label
};

FitdumpScraper::FitdumpScraper(const Settings &settings) :
    implementation(std::make_unique<Implementation>(settings))
{
}

FitdumpScraper::~FitdumpScraper() = default;

const SnapParameters &FitdumpScraper::descriptor() const
{
  return implementation->files[0]->header().descriptor;
}

const std::string &FitdumpScraper::units() const
{
  return implementation->files[0]->header().units;
}

const std::vector<std::string> &FitdumpScraper::labels() const
{
  return implementation->labels;
}

std::vector<Configuration> FitdumpScraper::scrape(const std::string &label,
                                                  const GroupSettings *group, bool derivatives,
                                                  std::vector<std::string> &notes) const
{
  const Implementation &x = *implementation;
  const std::size_t at =
      std::find(x.labels.begin(), x.labels.end(), label) - x.labels.begin();
  const std::vector<FrameReference> &frames = x.frames[at];
  std::vector<std::string> names;
  for (const FrameReference &r : frames)
    names.push_back(frame_name(x.s.torchpot.fitdump[r.file], r.frame));
  const std::vector<Use> use = group
      ? split_group(names, *group, x.s, notes)
      : split_fraction(frames.size(), x.s.torchpot.test_fraction, label, x.s.torchpot.seed);
  std::vector<Configuration> all;
  for (std::size_t i = 0; i < frames.size(); i++) {
    if (use[i] == Use::none) continue;
    Configuration c = x.read(frames[i], derivatives);
    c.group = label;
    c.test = use[i] == Use::test;
    if (group) {
      c.energy_weight = group->eweight;
      c.force_weight = group->fweight;
      c.stress_weight = group->vweight;
    }
    all.push_back(std::move(c));
  }
  return all;
}

std::string descriptor_difference(const SnapParameters &a, const SnapParameters &b)
{
  const nlohmann::json x = nlohmann::json::parse(descriptor_to_json(a));
  const nlohmann::json y = nlohmann::json::parse(descriptor_to_json(b));
  std::string text;
  for (const auto &item : x.items())
    if (!y.contains(item.key()) || y[item.key()] != item.value())
      text += (text.empty() ? "" : "; ") + item.key() + " " + item.value().dump() + " and " +
          (y.contains(item.key()) ? y[item.key()].dump() : "nothing");
  return text;
}

}    // namespace torchpot
