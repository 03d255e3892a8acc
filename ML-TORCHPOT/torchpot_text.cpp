// Texts for messages: names that were meant, and paths as they were looked for.
#include "torchpot_text.h"

#include <algorithm>
#include <cctype>
#include <filesystem>

namespace torchpot {

namespace {

std::string lower(std::string text)
{
  for (char &c : text) c = (char) std::tolower((unsigned char) c);
  return text;
}

std::size_t edit_distance(const std::string &a, const std::string &b)
{
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); j++) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); i++) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); j++) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}    // namespace

std::string nearest_name(const std::string &name, const std::vector<std::string> &names)
{
  const std::string wanted = lower(name);
  std::string best;
  std::size_t smallest = std::max<std::size_t>(2, name.size() / 3) + 1;
  for (const std::string &candidate : names) {
    const std::size_t distance = edit_distance(wanted, lower(candidate));
    if (distance < smallest && distance < candidate.size()) {
      smallest = distance;
      best = candidate;
    }
  }
  return best;
}

std::string did_you_mean(const std::string &name, const std::vector<std::string> &names)
{
  const std::string nearest = nearest_name(name, names);
  return nearest.empty() ? "" : "Did you mean " + nearest + "?";
}

std::string full_path(const std::string &file)
{
  std::error_code error;
  const std::filesystem::path path = std::filesystem::absolute(file, error);
  return error ? file : path.lexically_normal().string();
}

}    // namespace torchpot
