// torchpot_model: what a model.pt or a fitdump file says of itself, whether it is sound, and models
// for LAMMPS without torchpot.
#include "checks.h"
#include "file_info.h"
#include "mliap_export.h"
#include "outputs.h"

#include "torchpot_error.h"
#include "torchpot_model_file.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

namespace {

using namespace torchpot;

enum Exit { EXIT_GOOD = 0, EXIT_BAD_FILE = 1, EXIT_USAGE = 2 };

void print(const std::string &file, const CheckReport &report)
{
  std::printf("%s\n", file.c_str());
  for (const Check &check : report.checks) {
    std::string figure;
    char text[64];
    if (!std::isnan(check.limit) || !std::isnan(check.figure)) {
      std::snprintf(text, sizeof text, "%.1e ", check.figure);
      figure = text;
    }
    std::string limit;
    if (!std::isnan(check.limit)) {
      std::snprintf(text, sizeof text, " (limit %.0e)", check.limit);
      limit = text;
    }
    const char *mark = !check.passed ? "FAILED" : figure.empty() || !limit.empty() ? "ok" : "-";
    std::printf("  %-20s %-7s %s%s%s\n", check.name.c_str(), mark, figure.c_str(),
                check.text.c_str(), limit.c_str());
  }
  std::printf("%s\n", report.passed() ? "all checks passed" : "NOT SOUND: a check failed");
}

void print_json(const std::string &file, const CheckReport &report)
{
  nlohmann::ordered_json out = {{"file", file}, {"passed", report.passed()}};
  out["checks"] = nlohmann::ordered_json::array();
  for (const Check &check : report.checks) {
    nlohmann::ordered_json entry = {{"name", check.name}, {"passed", check.passed}};
    entry["text"] = check.text;
    if (!std::isnan(check.figure)) entry["figure"] = check.figure;
    if (!std::isnan(check.limit)) entry["limit"] = check.limit;
    out["checks"].push_back(entry);
  }
  std::printf("%s\n", out.dump(2).c_str());
}

/// Throws Error for a file that is neither an archive nor HDF5.
void require_known(const std::string &file)
{
  char start[2] = {0, 0};
  std::ifstream(file, std::ios::binary).read(start, 2);
  if (!is_hdf5(file) && std::string(start, 2) != "PK")
    throw Error("this file is neither a model nor HDF5", file, "",
                "model.pt, or an HDF5 file of fix fitdump");
}

int info(const std::string &file, bool json)
{
  require_known(file);
  std::string text = is_hdf5(file) ? fitdump_info(file, json) : model_info(file, json);
  std::fputs(text.c_str(), stdout);
  return EXIT_GOOD;
}

int verify(const std::string &file, int n_configurations, bool json)
{
  require_known(file);
  CheckReport report = is_hdf5(file) ? verify_fitdump(file, n_configurations)
                                     : verify_model(file, n_configurations);
  json ? print_json(file, report) : print(file, report);
  return report.passed() ? EXIT_GOOD : EXIT_BAD_FILE;
}

int export_mliap(const std::string &file, const std::string &stem, bool overwrite)
{
  const MliapNames names(stem);
  check_output_files({names.model, names.descriptor, names.include}, overwrite);
  const Model model = read_model(file);
  const MliapExport mliap = mliap_export(model);
  if (!mliap.obstacle.empty())
    throw Error("LAMMPS's own pair_style mliap cannot run this model: " + mliap.obstacle, file);
  write_output_file(names.model, mliap.model);
  write_output_file(names.descriptor, mliap.descriptor);
  write_output_file(names.include, mliap_include_text(model, mliap, names));
  for (const std::string &note : mliap.notes) std::fprintf(stderr, "note: %s\n", note.c_str());
  std::printf("written: %s %s %s\n", names.model.c_str(), names.descriptor.c_str(),
              names.include.c_str());
  return EXIT_GOOD;
}

}    // namespace

int main(int argc, char **argv)
{
  CLI::App app("Inspects model.pt files and the files of fix fitdump.");
  app.set_version_flag("--version", "torchpot_model " TORCHPOT_VERSION);
  app.require_subcommand(1);
  app.failure_message([](const CLI::App *program, const CLI::Error &error) {
    return "torchpot_model: " + CLI::FailureMessage::simple(program, error);
  });
  app.footer("Exit status: 0 all is well, 1 the file is unreadable or not sound, 2 wrong usage.");
  std::string file;
  bool json = false;
  int n_configurations = 3;
  auto *info_verb = app.add_subcommand("info", "print what a file says of itself");
  auto *verify_verb = app.add_subcommand(
      "verify", "read a file whole, check every field, and recompute samples of it");
  for (auto *verb : {info_verb, verify_verb}) {
    verb->add_option("file", file, "model.pt, or HDF5 file of fix fitdump")->required();
    verb->add_flag("--json", json, "print JSON, for programs");
  }
  verify_verb
      ->add_option("--configurations", n_configurations,
                   "random cells to evaluate a model on, or frames of a fitdump file to recompute")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  std::string stem;
  bool overwrite = false;
  auto *export_verb = app.add_subcommand("export", "write a model in another form");
  export_verb->add_option("file", file, "model.pt")->required();
  export_verb->add_option("--mliap", stem, "for LAMMPS's own pair_style mliap: STEM.mliap.model, "
                          "STEM.mliap.descriptor, STEM.mliap.mod")
      ->type_name("STEM")->required();
  export_verb->add_flag("--overwrite", overwrite, "replace existing files");
  app.add_subcommand("import")->group("")->allow_extras();    // known: it is not a typo
  const std::vector<std::string> verbs = {"info", "verify", "import", "export"};
  if (argc > 1 && argv[1][0] != '-' &&
      std::find(verbs.begin(), verbs.end(), argv[1]) == verbs.end()) {
    std::fprintf(stderr, "torchpot_model: unknown verb; found: %s; wanted: info, verify "
                 "or export\n", argv[1]);
    return EXIT_USAGE;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? EXIT_GOOD : EXIT_USAGE;
  }
  if (app.got_subcommand("import")) {
    std::fprintf(stderr, "torchpot_model: 'import' is not in this version. It has 'info', 'verify' "
                 "and 'export'\n");
    return EXIT_USAGE;
  }
  try {
    if (app.got_subcommand("export")) return export_mliap(file, stem, overwrite);
    return app.got_subcommand(info_verb) ? info(file, json) : verify(file, n_configurations, json);
  } catch (const std::exception &error) {
    std::fprintf(stderr, "torchpot_model: %s\n", error.what());
    return EXIT_BAD_FILE;
  }
}
