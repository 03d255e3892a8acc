// Names of files under way, which are renamed when they are complete.
#include "torchpot_temporary.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include <unistd.h>

namespace torchpot {

namespace fs = std::filesystem;

/// Whether the name is `stem` with the number of a process that does not run.
static bool is_leftover(const std::string &name, const std::string &stem)
{
  if (name.compare(0, stem.size(), stem) != 0) return false;
  const std::string number = name.substr(stem.size());
  const auto digit = [](char c) { return std::isdigit((unsigned char) c) != 0; };
  if (number.empty() || number.size() > 9 || !std::all_of(number.begin(), number.end(), digit))
    return false;
  return ::kill((pid_t) std::atol(number.c_str()), 0) != 0 && errno == ESRCH;
}

std::string temporary_name(const std::string &file)
{
  const fs::path path(file);
  const std::string stem = path.filename().string() + ".tmp";
  const fs::path folder = path.has_parent_path() ? path.parent_path() : ".";
  std::error_code error;    // that nothing can be tidied up is no reason to stop
  fs::directory_iterator item(folder, error), end;
  for (; !error && item != end; item.increment(error)) {
    std::error_code ignored;
    if (is_leftover(item->path().filename().string(), stem)) fs::remove(item->path(), ignored);
  }
  return file + ".tmp" + std::to_string(::getpid());
}

}    // namespace torchpot
