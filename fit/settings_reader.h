// Typed values of one section of an input file, with messages that name file, line and key.
#ifndef TORCHPOT_FIT_SETTINGS_READER_H
#define TORCHPOT_FIT_SETTINGS_READER_H

#include "ini.h"

#include <string>
#include <vector>

namespace torchpot {

/// Which numbers are allowed.
enum class Range { any, positive, not_negative, fraction /* 0 to 1, without 1 */ };

/// Keys that a section of an input file may have.
const std::vector<std::string> &known_keys(const std::string &section);
/// The section that a key belongs to, or empty.
std::string section_of_key(const std::string &key);

class SectionReader {
 public:
  /// Throws Error for a key that is not among `known`, unless that is empty.
  SectionReader(const IniFile &file, const std::string &section,
                const std::vector<std::string> &known);

  bool present() const { return section != nullptr; }
  bool has(const std::string &key) const { return entry(key) != nullptr; }
  const IniEntry *entry(const std::string &key) const;
  /// "file:line: [SECTION] key" or "file: [SECTION] key".
  std::string where(const std::string &key) const;

  // A key that is absent, and an empty value of text(), give the default. Others throw Error.
  std::string text(const std::string &key, const std::string &otherwise) const;
  bool flag(const std::string &key, bool otherwise) const;
  int integer(const std::string &key, int otherwise, int low, int high) const;
  double number(const std::string &key, double otherwise, Range range) const;
  std::vector<std::string> words(const std::string &key, const std::string &otherwise) const;
  /// As many numbers as `count`; wanted in messages: "one for each of N `what`".
  std::vector<double> numbers(const std::string &key, double otherwise, std::size_t count,
                              const std::string &what, Range range) const;
  /// Index of the value among `names`.
  int choice(const std::string &key, int otherwise, const std::vector<std::string> &names) const;

 private:
  const IniSection *section;
  const std::string file, name;
};

/// Splits at white space.
std::vector<std::string> split_words(const std::string &text);
std::string join(const std::vector<std::string> &words, const std::string &divider);

/// A whole text as number: false if it is none. Decimal point whatever the locale.
bool to_number(const std::string &text, double &value);
bool to_integer(const std::string &text, long long &value);
/// Yes or no as Python has it: 1 yes y true t on, 0 no n false f off.
bool to_flag(const std::string &text, bool &value);

/// Throws Error unless number is in range.
double checked_number(const std::string &text, Range range, const std::string &where);

}    // namespace torchpot

#endif
