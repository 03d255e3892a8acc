// What training tells about itself while it runs: a live line on a terminal, or a line per epoch.
#include "progress.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <sys/ioctl.h>
#include <unistd.h>

namespace torchpot {

std::string duration_text(double seconds)
{
  char text[64];
  const long s = std::lround(std::fmax(seconds, 0.0));
  if (s >= 3600)
    std::snprintf(text, sizeof(text), "%ld h %02ld min", s / 3600, s / 60 % 60);
  else if (s >= 60)
    std::snprintf(text, sizeof(text), "%ld min %02ld s", s / 60, s % 60);
  else
    std::snprintf(text, sizeof(text), "%ld s", s);
  return text;
}

std::string epoch_text(const EpochRecord &record, int n_epochs, const std::string &units)
{
  const char *energy = units == "metal" ? " eV/atom" : units == "real" ? " kcal/mol/atom" : "";
  const char *force = units == "metal" ? " eV/A" : units == "real" ? " kcal/mol/A" : "";
  char text[256];
  std::snprintf(text, sizeof(text), "epoch %d/%d  loss %.4g", record.epoch, n_epochs,
                record.training_loss);
  std::string line = text;
  if (std::isfinite(record.validation_loss)) {
    std::snprintf(text, sizeof(text), "  validation %.4g", record.validation_loss);
    line += text;
  }
  if (std::isfinite(record.energy_mae)) {
    std::snprintf(text, sizeof(text), "  energy MAE %.4g%s", record.energy_mae, energy);
    line += text;
  }
  if (std::isfinite(record.force_mae)) {
    std::snprintf(text, sizeof(text), "  force MAE %.4g%s", record.force_mae, force);
    line += text;
  }
  if (std::isfinite(record.stress_mae)) {
    std::snprintf(text, sizeof(text), "  stress MAE %.4g", record.stress_mae);
    line += text;
  }
  return line;
}

namespace {

using Clock = std::chrono::steady_clock;

double since(Clock::time_point start)
{
  return std::chrono::duration<double>(Clock::now() - start).count();
}

class LiveProgress final : public Progress {
 public:
  LiveProgress(std::FILE *terminal, const std::string &units) : terminal(terminal), units(units) {}

  void start(int first_epoch, int n) override
  {
    first = first_epoch;
    n_epochs = n;
    started = Clock::now();
    n_done = 0.0;
    summary = "training";
  }

  void batch(int epoch, std::size_t done, std::size_t n_batches) override
  {
    if (since(drawn) < 0.1) return;
    n_done = epoch - first + (n_batches ? (double) done / (double) n_batches : 0.0);
    draw();
  }

  void epoch(const EpochRecord &record) override
  {
    summary = epoch_text(record, n_epochs, units);
    n_done = record.epoch - first + 1;
    if (since(drawn) >= 0.1) draw();
  }

  void note(const std::string &text) override
  {
    std::fprintf(terminal, "\r\033[K");
    std::fflush(terminal);
    std::fprintf(stderr, "%s\n", text.c_str());
    draw();
  }

  void finish() override
  {
    draw();
    std::fputc('\n', terminal);
    std::fflush(terminal);
  }

 private:
  void draw()
  {
    drawn = Clock::now();
    const double spent = since(started), total = n_epochs - first + 1;
    std::string left;
    if (n_done > 0.0 && n_done < total)
      left = "  " + duration_text(spent / n_done * (total - n_done)) + " left";
    else if (n_done >= total)
      left = "  " + duration_text(spent);
    // return to the first column and clear what a longer line left behind
    std::string line = summary + left;
    winsize window = {};    // a line that wraps could not be rewritten
    if (ioctl(fileno(terminal), TIOCGWINSZ, &window) == 0 && window.ws_col > 1)
      line = line.substr(0, window.ws_col - 1);
    std::fprintf(terminal, "\r%s\033[K", line.c_str());
    std::fflush(terminal);
  }

  std::FILE *terminal;
  const std::string units;
  int first = 1, n_epochs = 0;
  double n_done = 0.0;    // epochs of this run, with the part of the present one
  std::string summary;
  Clock::time_point started = Clock::now(), drawn{};
};

class LineProgress final : public Progress {
 public:
  LineProgress(std::FILE *file, const std::string &units) : file(file), units(units) {}

  void start(int, int n) override { n_epochs = n; }
  void batch(int, std::size_t, std::size_t) override {}

  void epoch(const EpochRecord &record) override
  {
    // about a hundred lines of a long training, and its first epochs
    const int every = std::max(1, n_epochs / 100);
    if (record.epoch % every && record.epoch > 10 && record.epoch != n_epochs) return;
    std::fprintf(file, "%s  %.3f s%s\n", epoch_text(record, n_epochs, units).c_str(),
                 record.seconds, record.best ? "  best" : "");
    std::fflush(file);
  }

  void note(const std::string &text) override
  {
    std::fprintf(stderr, "%s\n", text.c_str());
    std::fflush(file);
  }

  void finish() override {}

 private:
  std::FILE *file;
  const std::string units;
  int n_epochs = 0;
};

class SilentProgress final : public Progress {
 public:
  void start(int, int) override {}
  void batch(int, std::size_t, std::size_t) override {}
  void epoch(const EpochRecord &) override {}
  void note(const std::string &) override {}
  void finish() override {}
};

}    // namespace

std::unique_ptr<Progress> make_silent_progress()
{
  return std::make_unique<SilentProgress>();
}

std::unique_ptr<Progress> make_live_progress(std::FILE *terminal, const std::string &units)
{
  return std::make_unique<LiveProgress>(terminal, units);
}

std::unique_ptr<Progress> make_line_progress(std::FILE *file, const std::string &units)
{
  return std::make_unique<LineProgress>(file, units);
}

std::unique_ptr<Progress> make_progress(std::FILE *file, const std::string &units)
{
  return isatty(fileno(file)) ? make_live_progress(file, units) : make_line_progress(file, units);
}

}    // namespace torchpot
