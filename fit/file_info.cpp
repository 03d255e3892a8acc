// What a model.pt or a fitdump file says of itself, for `torchpot_model info`.
#include "file_info.h"

#include "torchpot_error.h"
#include "torchpot_fitdump_file.h"
#include "torchpot_model_file.h"

#include <nlohmann/json.hpp>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>

namespace torchpot {

using nlohmann::ordered_json;

namespace {

std::string number(double value, const char *format = "%.6g")
{
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

/// With separators: 1,234,567.
std::string grouped(std::uintmax_t value)
{
  std::string text = std::to_string(value);
  for (int at = (int) text.size() - 3; at > 0; at -= 3) text.insert(at, ",");
  return text;
}

std::string joined(const std::vector<std::string> &words)
{
  std::string text;
  for (const std::string &word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

/// "name   value" lines with the values in one column.
class Lines {
 public:
  void add(const std::string &name, const std::string &value)
  {
    text += "  " + name + std::string(name.size() < 18 ? 18 - name.size() : 1, ' ') + value + "\n";
  }
  std::string text;
};

std::string units_text(const std::string &units)
{
  if (units == "metal") return "metal (energies in eV, lengths in Angstrom)";
  if (units == "real") return "real (energies in kcal/mol, lengths in Angstrom)";
  return units;
}

std::string descriptor_text(const SnapParameters &p)
{
  std::string text = "SNAP, 2J = " + std::to_string(p.twojmax) + ", " +
      std::to_string(p.n_descriptors()) + " components, rcutfac " + number(p.rcutfac) + ", rfac0 " +
      number(p.rfac0) + ", rmin0 " + number(p.rmin0);
  const std::pair<bool, const char *> flags[] = {
      {!p.switchflag, "no switching"},       {p.chemflag, "chemical"},
      {p.bnormflag, "normalized"},           {p.wselfallflag, "self-term for all"},
      {!p.bzeroflag, "isolated atom not subtracted"}, {p.switchinnerflag, "inner switching"}};
  for (const auto &[set, name] : flags)
    if (set) text += std::string(", ") + name;
  return text;
}

std::string network_text(const NetworkParameters &network)
{
  std::string text;
  if (network.kind == NetworkKind::linear) text = "linear";
  else if (network.kind == NetworkKind::quadratic) text = "quadratic";
  else {
    text = std::to_string(network.n_inputs());
    for (std::size_t layer = 0; layer < network.layer_sizes.size(); ++layer)
      text += " -> " + std::to_string(network.layer_sizes[layer]) + " " +
          to_string(network.activations[layer]);
  }
  const char *sets = network.element_mode == ElementMode::shared ? "one for all elements"
      : network.element_mode == ElementMode::per_element         ? "one per element"
                                                         : "elements as one-hot inputs";
  return text + ", " + sets + ", " +
      grouped((std::uintmax_t) network.n_sets() * network.n_parameters()) + " parameters";
}

void training_lines(const std::string &training, Lines &lines)
{
  ordered_json record = ordered_json::parse(training, nullptr, false);
  if (!record.is_object() || record.empty()) {
    lines.add("training", "no record");
    return;
  }
  auto text = [&](const char *key) {
    auto found = record.find(key);
    if (found == record.end()) return std::string();
    return found->is_string() ? found->get<std::string>() : found->dump();
  };
  lines.add("trained", text("date"));
  if (record.contains("versions"))
    for (const auto &[name, value] : record["versions"].items())
      lines.add("  " + name, value.is_string() ? value.get<std::string>() : value.dump());
  if (record.contains("data_hash")) lines.add("  data hash", text("data_hash"));
  if (const auto committee = record.find("committee");
      committee != record.end() && committee->is_object())
    lines.add("  committee", "network " + committee->value("member", ordered_json()).dump() +
                                 " of " + committee->value("members", ordered_json()).dump());
  if (record.contains("epochs"))
    lines.add("  epochs", text("epochs") + ", best epoch " + text("best_epoch"));
  if (!record.contains("errors") || !record["errors"].is_object()) return;
  for (const auto &[set, values] : record["errors"].items()) {
    if (!values.is_object()) continue;
    std::string found;
    for (const auto &[name, value] : values.items())
      if (value.is_number())
        found += (found.empty() ? "" : ", ") + name + " " + number(value.get<double>(), "%.4g");
    lines.add("  errors, " + set, found);
  }
}

}    // namespace

std::string model_info(const std::string &file, bool json)
{
  Model model = read_model(file);
  const std::uintmax_t bytes = std::filesystem::file_size(file);
  if (json) {
    ordered_json out = {{"kind", "model"}, {"file", file}, {"bytes", bytes}};
    out["sha256"] = file_sha256(file);
    out["description"] = ordered_json::parse(model_to_json(model));
    return out.dump(2) + "\n";
  }
  Lines lines;
  lines.add("kind", "torchpot model, family " + model.family + ", format version " +
            std::to_string(model.version));
  lines.add("size", grouped(bytes) + " bytes");
  lines.add("SHA-256", file_sha256(file));
  lines.add("elements", joined(model.elements));
  lines.add("units", units_text(model.units));
  lines.add("cutoff", number(model.cutoff));
  lines.add("arithmetic", model.dtype == Precision::float64 ? "float64" : "float32");
  lines.add("descriptor", descriptor_text(model.descriptor));
  lines.add("network", network_text(model.network));
  std::string shifts;
  for (std::size_t e = 0; e < model.elements.size(); ++e)
    shifts += (e ? ", " : "") + model.elements[e] + " " + number(model.network.energy_shift[e]);
  lines.add("energy shifts", shifts);
  if (model.reference.empty()) lines.add("reference", "none: the model is the whole potential");
  for (std::size_t i = 0; i < model.reference.size(); ++i)
    lines.add(i ? "" : "reference", model.reference[i]);
  training_lines(model.training, lines);
  return file + "\n" + lines.text;
}

std::string fitdump_info(const std::string &file, bool json)
{
  FitdumpReader reader(file);
  const FitdumpHeader &header = reader.header();
  std::size_t n_atoms = 0, n_pairs = 0;
  std::map<std::string, std::size_t> labels;
  double lowest = HUGE_VAL, highest = -HUGE_VAL;
  for (std::size_t f = 0; f < reader.n_frames(); ++f) {
    FitdumpFrame frame = reader.read(f, false);
    n_atoms += frame.id.size(), n_pairs += frame.first.size();
    ++labels[frame.label];
    if (frame.id.empty() || !std::isfinite(frame.energy)) continue;
    lowest = std::min(lowest, frame.energy / frame.id.size());
    highest = std::max(highest, frame.energy / frame.id.size());
  }
  const bool wide = header.precision == Precision::float64;
  const std::uintmax_t bytes = std::filesystem::file_size(file);
  if (json) {
    ordered_json out = {{"kind", "fitdump"}, {"file", file}, {"bytes", bytes}};
    out["units"] = header.units, out["elements"] = header.elements;
    out["descriptor"] = ordered_json::parse(descriptor_to_json(header.descriptor));
    out["derivatives"] = header.has_derivatives, out["precision"] = wide ? "float64" : "float32";
    out["torchpot_version"] = header.torchpot_version;
    out["lammps_version"] = header.lammps_version;
    out["frames"] = reader.n_frames(), out["atoms"] = n_atoms, out["pairs"] = n_pairs;
    out["labels"] = labels;
    return out.dump(2) + "\n";
  }
  Lines lines;
  lines.add("kind", "descriptors collected by fix fitdump");
  lines.add("size", grouped(bytes) + " bytes");
  lines.add("written by", "torchpot " + header.torchpot_version + ", LAMMPS " +
            header.lammps_version);
  lines.add("elements", joined(header.elements));
  lines.add("units", units_text(header.units));
  lines.add("descriptor", descriptor_text(header.descriptor));
  lines.add("derivatives", header.has_derivatives ? wide ? "float64" : "float32" : "not stored");
  lines.add("frames", grouped(reader.n_frames()) + ", with " + grouped(n_atoms) + " atoms and " +
            grouped(n_pairs) + " pairs");
  for (const auto &[label, count] : labels)
    lines.add("  label " + label, grouped(count) + (count == 1 ? " frame" : " frames"));
  lines.add("energies", lowest <= highest ? number(lowest) + " to " + number(highest) + " per atom"
                                          : "not known");
  return file + "\n" + lines.text;
}

}    // namespace torchpot
