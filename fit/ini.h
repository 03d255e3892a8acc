// Input files of torchpot_fit: INI text as Python's ConfigParser reads it.
#ifndef TORCHPOT_FIT_INI_H
#define TORCHPOT_FIT_INI_H

#include <string>
#include <vector>

namespace torchpot {

/// Where a value stands. Line 0: not in a file (a default or an override).
struct Location {
  std::string file;
  int line = 0;
  std::string text() const { return line ? file + ":" + std::to_string(line) : file; }
};

struct IniEntry {
  std::string key, value;
  Location where;
};

struct IniSection {
  std::string name;
  Location where;
  std::vector<IniEntry> entries;    // in the order of the file

  const IniEntry *find(const std::string &key) const;
};

/// Sections with keys and values. Keys are case-sensitive; `=` or `:` divides key and value; lines
/// that begin with # or ; are comments, and so is what follows a # after white space; a value
/// continues on following lines that are indented deeper than its key.
struct IniFile {
  std::string file;
  std::vector<IniSection> sections;

  const IniSection *find(const std::string &section) const;
  /// Sets or adds a value; its location is `where`.
  void set(const std::string &section, const std::string &key, const std::string &value,
           const Location &where);
};

/// Throws Error for duplicate sections and keys (both lines are named), text before the first
/// section, and lines that are neither.
IniFile parse_ini(const std::string &text, const std::string &file);

}    // namespace torchpot

#endif
