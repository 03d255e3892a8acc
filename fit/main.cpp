// torchpot_fit: trains interatomic potentials from FitSNAP's input files.
#include "ranks.h"
#include "run.h"

#include <CLI/CLI.hpp>

#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <tuple>
#include <vector>

namespace {

constexpr int EXIT_GOOD = 0, EXIT_BAD = 1, EXIT_INTERRUPTED = 3;

volatile std::sig_atomic_t stop_asked = 0;

/// The first signal asks to stop, during training with a checkpoint; the second one ends the
/// program at once.
extern "C" void ask_to_stop(int number)
{
  stop_asked = 1;
  std::signal(number, SIG_DFL);
}

/// --evaluate takes all words up to the next option: if no other word is the input, the last is.
void take_input(torchpot::RunOptions &options)
{
  if (options.input.empty() && options.evaluate.size() > 1) {
    options.input = options.evaluate.back();
    options.evaluate.pop_back();
  }
  if (options.input.empty()) throw CLI::RequiredError("input");
}

int parse(int argc, char **argv, torchpot::RunOptions &options, bool &done)
{
  CLI::App app("Trains a potential on the data that FitSNAP's input file in.fit names.");
  app.set_version_flag("--version", "torchpot_fit " TORCHPOT_VERSION);
  app.failure_message([](const CLI::App *program, const CLI::Error &error) {
    return "torchpot_fit: " + CLI::FailureMessage::simple(program, error);
  });
  app.footer("Exit status: 0 all is well, 1 an error, 3 interrupted by SIGINT or SIGTERM; after\n"
             "that the same command continues from the checkpoint.");
  std::vector<std::tuple<std::string, std::string, std::string>> keywords;
  app.add_option("input", options.input, "input file with sections [BISPECTRUM], [PYTORCH], ...");
  app.add_flag("--overwrite", options.overwrite, "replace outputs that exist");
  app.add_flag("--restart", options.restart,
               "begin anew, even if there is a checkpoint to continue from; implies --overwrite");
  app.add_flag("-r,--relative", options.relative, "write into the folder of the input file");
  app.add_option("-k,--keyword", keywords, "replace or add a setting; may be given repeatedly")
      ->type_name("SECTION KEY VALUE")
      ->allow_extra_args(false);    // three words each time, what follows is something else
  CLI::Option *check = app.add_flag("--check", options.check,
                                    "read everything, print what there is, write nothing");
  app.add_option("--evaluate", options.evaluate,
                 "print the errors of this model, or of this committee of models, do not train")
      ->type_name("model.pt")
      ->excludes(check);
  try {
    app.parse(argc, argv);
    take_input(options);
  } catch (const CLI::ParseError &error) {
    done = true;
    return app.exit(error) == 0 ? EXIT_GOOD : EXIT_BAD;
  }
  for (const auto &[section, key, value] : keywords)
    options.overrides.push_back({section, key, value});
  return EXIT_GOOD;
}

int run_program(int argc, char **argv)
{
  torchpot::RunOptions options;
  bool done = false;
  const int status = parse(argc, argv, options, done);
  if (done) return status;
  torchpot::world_ranks();
  std::signal(SIGINT, ask_to_stop);
  std::signal(SIGTERM, ask_to_stop);
  const torchpot::RunStatus end = torchpot::run(options, [] { return stop_asked != 0; });
  return end == torchpot::RunStatus::finished ? EXIT_GOOD : EXIT_INTERRUPTED;
}

}    // namespace

int main(int argc, char **argv)
{
  int status = EXIT_BAD;
  bool alone = false;    // the other ranks do not know of the error
  try {
    status = run_program(argc, argv);
  } catch (const torchpot::CommonError &error) {
    if (torchpot::world_ranks().is_first())
      std::fprintf(stderr, "torchpot_fit: %s\n", error.what());
  } catch (const std::bad_alloc &) {
    std::fprintf(stderr, "torchpot_fit: out of memory. torchpot_fit --check predicts what is "
                         "needed\n");
    alone = true;
  } catch (const std::exception &error) {
    std::fprintf(stderr, "torchpot_fit: %s\n", error.what());
    alone = true;
  }
  torchpot::end_mpi(alone && torchpot::world_ranks().size() > 1);
  return status;
}
