// Files that a fit leaves behind, in FitSNAP's formats, and the table printed at its end.
#include "outputs.h"

#include "stress_units.h"
#include "torchpot_error.h"
#include "torchpot_temporary.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <unistd.h>

namespace torchpot {

namespace fs = std::filesystem;

namespace {

std::string printed(const char *format, double value)
{
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string reason() { return std::strerror(errno); }

/// Removes the temporary file unless it was renamed.
struct Temporary {
  std::string name;
  bool keep = false;
  ~Temporary()
  {
    if (!keep) ::unlink(name.c_str());
  }
};

void sync_file(const std::string &name, const std::string &file)
{
  int handle = ::open(name.c_str(), O_RDONLY);
  if (handle < 0 || ::fsync(handle) != 0) {
    std::string why = reason();
    if (handle >= 0) ::close(handle);
    throw Error("cannot bring the file to the disk", file, why);
  }
  ::close(handle);
}

std::vector<std::string> words_of(const std::string &line)
{
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

std::string joined(const std::vector<std::string> &words, std::size_t from = 0)
{
  std::string text;
  for (std::size_t i = from; i < words.size(); ++i) text += (i > from ? " " : "") + words[i];
  return text;
}

}    // namespace

void check_output_files(const std::vector<std::string> &files, bool overwrite)
{
  for (const std::string &file : files) {
    if (file.empty()) continue;
    std::error_code error;
    if (fs::is_directory(file, error)) throw Error("an output file is a folder", file);
    if (!overwrite && fs::exists(fs::symlink_status(file, error)))
      throw Error("the output file exists already", file, "", "",
                  "Move it away, choose another name, or give --overwrite");
    std::string folder = fs::path(file).parent_path().string();
    if (folder.empty()) folder = ".";
    if (::access(folder.c_str(), W_OK | X_OK) != 0)
      throw Error("cannot write an output file into folder " + folder, file, reason());
  }
}

void write_output_file(const std::string &file, const std::function<void(std::ostream &)> &content)
{
  Temporary temporary{temporary_name(file)};
  errno = 0;
  std::ofstream stream(temporary.name, std::ios::binary | std::ios::trunc);
  if (!stream) throw Error("cannot write the file", file, reason());
  content(stream);
  stream.close();
  if (!stream) throw Error("cannot write the file", file, errno ? reason() : "write error");
  sync_file(temporary.name, file);
  if (std::rename(temporary.name.c_str(), file.c_str()) != 0)
    throw Error("cannot rename the finished file " + temporary.name, file, reason());
  temporary.keep = true;
}

void write_output_file(const std::string &file, const std::string &content)
{
  write_output_file(file, [&](std::ostream &stream) { stream << content; });
}

std::string metrics_text(const std::vector<ErrorRow> &table, bool divided)
{
  std::size_t width = 5;
  for (const ErrorRow &row : table) width = std::max(width, row.group.size());
  std::string text;
  auto line = [&](const std::string &group, const char *set, const char *property,
                  const std::string &count, const std::string &mae, const std::string &rmse) {
    char rest[160];
    std::snprintf(rest, sizeof rest, "  %-10s  %-8s  %9s  %10s  %10s\n", set, property,
                  count.c_str(), mae.c_str(), rmse.c_str());
    text += group + std::string(width - group.size(), ' ') + rest;
  };
  line("Group", "Train/Test", "Property", "Count", "MAE", "RMSE");
  const bool stresses = has_stress(table);
  for (const ErrorRow &row : table)
    for (int set = 0; set < 1 + divided; ++set) {
      const char *name = !divided ? "Evaluation" : set ? "Test" : "Train";
      auto errors_line = [&](const char *property, const ErrorSummary &errors) {
        line(row.group, name, property, std::to_string(errors.count), printed("%.3e", errors.mae),
             printed("%.3e", errors.rmse));
      };
      errors_line("Energy", row.energy[set]);
      errors_line("Force", row.force[set]);
      if (stresses) errors_line("Stress", row.stress[set]);
    }
  return text;
}

void write_perconfig(const FitResults &results, std::ostream &out)
{
  out << "Filename Group Natoms Energy_Truth Energy_Pred Testing_Bool\n";
  for (const ConfigurationResult &configuration : results.configurations)
    out << configuration.file << ' ' << configuration.group << ' ' << configuration.n_atoms << ' '
        << printed("%.15g", configuration.energy) << ' '
        << printed("%.15g", configuration.predicted_energy) << ' '
        << (configuration.test ? "True" : "False") << '\n';
}

void write_stress(const FitResults &results, std::ostream &out)
{
  out << "Filename Group Natoms";
  for (const char *kind : {"_Truth", "_Pred"})
    for (const char *name : {"Sxx", "Syy", "Szz", "Sxy", "Sxz", "Syz"}) out << ' ' << name << kind;
  out << " Testing_Bool\n";
  for (const ConfigurationResult &configuration : results.configurations) {
    if (!configuration.has_stress) continue;
    out << configuration.file << ' ' << configuration.group << ' ' << configuration.n_atoms;
    for (const double *stress : {configuration.stress, configuration.predicted_stress})
      for (int v = 0; v < 6; ++v) out << ' ' << printed("%.15g", stress[v]);
    out << (configuration.test ? " True\n" : " False\n");
  }
}

void write_peratom(const FitResults &results, std::ostream &out)
{
  out << "Filename Group AtomID Type Fx_Truth Fy_Truth Fz_Truth Fx_Pred Fy_Pred Fz_Pred "
         "Testing_Bool\n";
  for (const ConfigurationResult &configuration : results.configurations) {
    if (!configuration.has_forces) continue;
    for (int i = 0; i < configuration.n_atoms; ++i) {
      const std::size_t atom = configuration.first_atom + i;
      out << configuration.file << ' ' << configuration.group << ' ' << i + 1 << ' '
          << results.type[atom] + 1;
      for (const auto *force : {&results.force, &results.predicted_force})
        for (int c = 0; c < 3; ++c) out << ' ' << printed("%.15g", (*force)[3 * atom + c]);
      out << (configuration.test ? " True\n" : " False\n");
    }
  }
}

std::string loss_text(const std::vector<LossPoint> &history)
{
  std::string text;
  for (const LossPoint &point : history)
    text += printed("%.18e", point.epoch) + " " + printed("%.18e", point.train) + " " +
        printed("%.18e", point.validation) + "\n";
  return text;
}

namespace {

/// Words of a hybrid pair_style command without the sub-style zero and its arguments.
std::vector<std::string> without_zero(const std::vector<std::string> &style)
{
  std::vector<std::string> kept;
  for (std::size_t i = 0; i < style.size(); ++i) {
    if (style[i] != "zero" || i < 2) {
      kept.push_back(style[i]);
      continue;
    }
    ++i;    // the cutoff
    while (i + 1 < style.size() && (style[i + 1] == "nocoeff" || style[i + 1] == "full")) ++i;
  }
  return kept;
}

}    // namespace

std::vector<std::string> reference_for_md(const std::vector<std::string> &reference)
{
  std::vector<std::string> style, lines;
  for (const std::string &line : reference)
    if (auto words = words_of(line); words.size() > 1 && words[0] == "pair_style") style = words;
  if (style.empty() || style[1] == "zero" || style[1] == "none") return {};
  const bool hybrid = style[1] == "hybrid" || style[1] == "hybrid/overlay";
  if (!hybrid && style[1].compare(0, 6, "hybrid") == 0)
    throw Error("the reference potential cannot be combined with torchpot", joined(style), style[1],
                "a plain pair style or hybrid/overlay", "Write the reference with hybrid/overlay");
  const std::string single = hybrid ? "" : style[1];
  if (hybrid) style = without_zero(style);
  if (style.size() == 2 && hybrid) return {};    // zero was all
  // from here on overlay: what hybrid would assign, overlay adds
  lines.push_back("pair_style hybrid/overlay " + joined(style, hybrid ? 2 : 1));
  for (const std::string &line : reference) {
    auto words = words_of(line);
    if (words.empty() || words[0] == "pair_style") continue;
    if (words[0] != "pair_coeff" || words.size() < 3) {
      lines.push_back(joined(words));
      continue;
    }
    if (hybrid && words.size() > 3 && words[3] == "zero") continue;
    if (!hybrid) words.insert(words.begin() + 3, single);
    lines.push_back(joined(words));
  }
  return lines;
}

std::string potential_mod_text(const std::vector<std::string> &reference, const std::string &model,
                               const std::vector<std::string> &elements)
{
  std::vector<std::string> lines = reference_for_md(reference);
  // an absolute path is the same from everywhere
  const bool relative = !fs::path(model).is_absolute();
  std::string text = "# written by torchpot_fit\n";
  if (relative)
    text += "# The path of the model is seen from where LAMMPS is started; a bare name is looked "
            "for in\n# LAMMPS_POTENTIALS too.\n";
  const bool hybrid = !lines.empty();
  if (hybrid)
    lines[0] += " torchpot";
  else
    lines.push_back("pair_style torchpot");
  for (const std::string &line : lines) text += line + "\n";
  return text + "pair_coeff * * " + (hybrid ? "torchpot " : "") + model + " " + joined(elements) +
      "\n";
}

std::string deviation_mod_text()
{
  return "# How far the models disagree, each time at the cost of one evaluation per model:\n"
         "# f_deviation of each atom, every 10 steps; c_spread[1], c_spread[2] its maximum and "
         "mean,\n# c_spread[3] the standard deviation of the energy\n"
         "#fix deviation all pair 10 torchpot deviation 1\n"
         "#compute spread all pair torchpot\n";
}

ShownUnits shown_units(const std::string &units)
{
  if (units == "metal") return {"meV/atom", "meV/Angstrom", 1000.0};
  if (units == "real") return {"kcal/mol/atom", "kcal/mol/Angstrom", 1.0};
  return {"energy unit/atom", "force unit", 1.0};
}

std::string error_cell(double value, double factor)
{
  if (!std::isfinite(value)) return std::string(9, ' ') + "-";
  value *= factor;
  return printed(value < 9.9995 ? "%10.3f" : value < 99.995 ? "%10.2f" : "%10.1f", value);
}

namespace {

/// One line of the table: counts and errors of a row or a baseline in one set.
template <class Row>
std::string error_line(const std::string &name, int width, const Row &row, int set, double factor,
                       bool stresses)
{
  std::string text = "  " + name + std::string(width - name.size(), ' ');
  auto add = [&](int columns, const ErrorSummary &errors, double scale) {
    char count[64];
    std::snprintf(count, sizeof count, "%*zu", columns, errors.count);
    text += count + error_cell(errors.mae, scale) + error_cell(errors.rmse, scale);
  };
  add(8, row.energy[set], factor);
  add(10, row.force[set], factor);
  if (stresses) add(10, row.stress[set], 1.0);
  return text + "\n";
}

std::string error_heads(const char *set, int width, const std::string &units, bool stresses)
{
  const ShownUnits shown = shown_units(units);
  char text[300];
  std::snprintf(text, sizeof text, "  %-*s%28s%30s", width, set,
                ("energy, " + shown.energy).c_str(), ("force, " + shown.force).c_str());
  std::string heads = text;
  if (stresses) {
    std::snprintf(text, sizeof text, "%30s", ("stress, " + shown_pressure(units).unit).c_str());
    heads += text;
  }
  std::snprintf(text, sizeof text, "\n  %-*s%8s%10s%10s%10s%10s%10s", width, "", "configs", "MAE",
                "RMSE", "atoms", "MAE", "RMSE");
  heads += text;
  if (stresses) {
    std::snprintf(text, sizeof text, "%10s%10s%10s", "configs", "MAE", "RMSE");
    heads += text;
  }
  return heads + "\n";
}

}    // namespace

std::string error_report(const std::vector<ErrorRow> &table, const std::vector<Baseline> &baselines,
                         const std::string &units, bool divided)
{
  const double factor = shown_units(units).factor;
  const bool stresses = has_stress(table);
  std::size_t width = 12;
  for (const ErrorRow &row : table) width = std::max(width, row.group.size());
  for (const Baseline &baseline : baselines) width = std::max(width, baseline.name.size());
  std::string text;
  for (int set = 1; set >= 0; --set) {
    if (!table.empty() && !table[0].has(set)) continue;
    if (!text.empty()) text += "\n";
    const char *name = !divided ? "Evaluation" : set ? "Test" : "Training";
    text += error_heads(name, (int) width, units, stresses);
    for (const ErrorRow &row : table)
      if (row.has(set))
        text += error_line(row.group == "*ALL" ? "all" : row.group, (int) width, row, set, factor,
                           stresses);
    for (const Baseline &baseline : baselines)
      if (baseline.has(set))
        text += error_line(baseline.name, (int) width, baseline, set, factor, stresses);
  }
  return text;
}

}    // namespace torchpot
