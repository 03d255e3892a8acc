// What the tests of input and data share: a temporary folder, files in it, expected errors.
#ifndef TORCHPOT_DATA_FIXTURE_H
#define TORCHPOT_DATA_FIXTURE_H

#include "torchpot_error.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <unistd.h>
#include <vector>

/// A folder that is deleted with everything in it.
class TemporaryFolder {
 public:
  TemporaryFolder()
  {
    std::string name = (std::filesystem::temp_directory_path() / "torchpot_XXXXXX").string();
    if (!mkdtemp(&name[0])) throw std::runtime_error("no temporary folder");
    path = name;
  }
  TemporaryFolder(const TemporaryFolder &) = delete;
  ~TemporaryFolder()
  {
    std::error_code none;
    std::filesystem::remove_all(path, none);
  }
  /// Writes a file, its folders too; returns its path.
  std::string write(const std::string &name, const std::string &text) const
  {
    const std::filesystem::path file = path / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
    return file.string();
  }
  std::string operator()(const std::string &name) const { return (path / name).string(); }

  std::filesystem::path path;
};

/// Runs `work`, which must throw Error with all of `parts` in its message.
inline void expect_error(const std::function<void()> &work, const std::vector<std::string> &parts)
{
  try {
    work();
  } catch (const torchpot::Error &error) {
    for (const std::string &part : parts)
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos)
          << "\"" << part << "\" is not in: " << error.what();
    return;
  }
  std::string all;
  for (const std::string &part : parts) all += part + " | ";
  ADD_FAILURE() << "no error with " << all;
}

/// Text with the first occurrence of `from` replaced.
inline std::string replaced(std::string text, const std::string &from, const std::string &to)
{
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

#endif
