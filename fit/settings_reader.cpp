// Typed values of one section of an input file.
#include "settings_reader.h"

#include "torchpot_error.h"
#include "torchpot_text.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <sstream>

namespace torchpot {

std::vector<std::string> split_words(const std::string &text)
{
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

std::string join(const std::vector<std::string> &words, const std::string &divider)
{
  std::string text;
  for (std::size_t i = 0; i < words.size(); i++) text += (i ? divider : "") + words[i];
  return text;
}

template <class T> static bool convert(const std::string &text, T &value)
{
  const char *begin = text.data(), *end = begin + text.size();
  if (begin != end && *begin == '+') begin++;
  const auto result = std::from_chars(begin, end, value);
  return begin != end && result.ec == std::errc() && result.ptr == end;
}

bool to_number(const std::string &text, double &value)
{
  return convert(text, value);
}

bool to_integer(const std::string &text, long long &value)
{
  return convert(text, value);
}

bool to_flag(const std::string &text, bool &value)
{
  std::string word = text;
  for (char &c : word) c = (char) std::tolower((unsigned char) c);
  const auto among = [&](std::initializer_list<const char *> names) {
    return std::find(names.begin(), names.end(), word) != names.end();
  };
  value = among({"1", "y", "yes", "t", "true", "on"});
  return value || among({"0", "n", "no", "f", "false", "off"});
}

double checked_number(const std::string &text, Range range, const std::string &where)
{
  static const char *const WANTED[] = {"a number", "a number larger than 0",
                                       "a number that is not negative",
                                       "a number from 0 to below 1"};
  double value = 0.0;
  bool good = to_number(text, value) && std::isfinite(value);
  if (range == Range::positive) good = good && value > 0.0;
  if (range == Range::not_negative) good = good && value >= 0.0;
  if (range == Range::fraction) good = good && value >= 0.0 && value < 1.0;
  if (!good) throw Error("wrong value", where, text, WANTED[(int) range]);
  return value;
}

SectionReader::SectionReader(const IniFile &ini, const std::string &section_name,
                             const std::vector<std::string> &known) :
    section(ini.find(section_name)), file(ini.file), name(section_name)
{
  if (!section || known.empty()) return;
  for (const IniEntry &e : section->entries) {
    if (std::find(known.begin(), known.end(), e.key) != known.end()) continue;
    const std::string nearest = nearest_name(e.key, known), other = section_of_key(e.key);
    if (!other.empty() && other != section_name)
      throw Error("this key belongs in [" + other + "]", where(e.key));
    throw Error("unknown key", where(e.key), e.key,
                nearest.empty() ? "one of " + join(known, ", ") : "",
                nearest.empty() ? "" : "Did you mean " + nearest + "?");
  }
}

const IniEntry *SectionReader::entry(const std::string &key) const
{
  return section ? section->find(key) : nullptr;
}

std::string SectionReader::where(const std::string &key) const
{
  const IniEntry *e = entry(key);
  const std::string place = e ? e->where.text() : file;
  return place + ": [" + name + "] " + key;
}

std::string SectionReader::text(const std::string &key, const std::string &otherwise) const
{
  const IniEntry *e = entry(key);
  return e && !e->value.empty() ? e->value : otherwise;
}

bool SectionReader::flag(const std::string &key, bool otherwise) const
{
  const IniEntry *e = entry(key);
  if (!e) return otherwise;
  bool value = false;
  if (!to_flag(e->value, value)) throw Error("wrong value", where(key), e->value, "0 or 1");
  return value;
}

int SectionReader::integer(const std::string &key, int otherwise, int low, int high) const
{
  const IniEntry *e = entry(key);
  if (!e) return otherwise;
  long long value = 0;
  if (!to_integer(e->value, value) || value < low || value > high)
    throw Error("wrong value", where(key), e->value,
                "a whole number from " + std::to_string(low) + " to " + std::to_string(high));
  return (int) value;
}

double SectionReader::number(const std::string &key, double otherwise, Range range) const
{
  const IniEntry *e = entry(key);
  return e ? checked_number(e->value, range, where(key)) : otherwise;
}

std::vector<std::string> SectionReader::words(const std::string &key,
                                              const std::string &otherwise) const
{
  const IniEntry *e = entry(key);
  return split_words(e ? e->value : otherwise);
}

std::vector<double> SectionReader::numbers(const std::string &key, double otherwise,
                                           std::size_t count, const std::string &what,
                                           Range range) const
{
  const IniEntry *e = entry(key);
  if (!e) return std::vector<double>(count, otherwise);
  std::vector<double> values;
  for (const std::string &word : split_words(e->value))
    values.push_back(checked_number(word, range, where(key)));
  if (values.size() != count)
    throw Error("wrong number of values", where(key),
                std::to_string(values.size()) + " (" + e->value + ")",
                std::to_string(count) + ", " + what);
  return values;
}

int SectionReader::choice(const std::string &key, int otherwise,
                          const std::vector<std::string> &names) const
{
  const IniEntry *e = entry(key);
  if (!e) return otherwise;
  const auto found = std::find(names.begin(), names.end(), e->value);
  if (found == names.end())
    throw Error("wrong value", where(key), e->value, "one of " + join(names, ", "));
  return (int) (found - names.begin());
}

}    // namespace torchpot
