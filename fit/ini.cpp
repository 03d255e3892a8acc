// Input files of torchpot_fit: the rules of Python's ConfigParser.
#include "ini.h"

#include "torchpot_error.h"

#include <algorithm>
#include <cctype>

namespace torchpot {

const IniEntry *IniSection::find(const std::string &key) const
{
  for (const IniEntry &entry : entries)
    if (entry.key == key) return &entry;
  return nullptr;
}

const IniSection *IniFile::find(const std::string &section) const
{
  for (const IniSection &s : sections)
    if (s.name == section) return &s;
  return nullptr;
}

void IniFile::set(const std::string &section, const std::string &key, const std::string &value,
                  const Location &where)
{
  auto s = std::find_if(sections.begin(), sections.end(),
                        [&](const IniSection &item) { return item.name == section; });
  if (s == sections.end()) s = sections.insert(s, {section, where, {}});
  auto e = std::find_if(s->entries.begin(), s->entries.end(),
                        [&](const IniEntry &item) { return item.key == key; });
  if (e == s->entries.end())
    s->entries.push_back({key, value, where});
  else
    *e = {key, value, where};
}

namespace {

constexpr const char *SPACE = " \t\r\f\v";

std::string trimmed(const std::string &text)
{
  const std::size_t begin = text.find_first_not_of(SPACE);
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(SPACE) - begin + 1);
}

/// The line without its comment; `comment` tells whether there was one.
std::string without_comment(const std::string &line, bool &comment)
{
  const std::size_t first = line.find_first_not_of(SPACE);
  comment = first != std::string::npos && (line[first] == '#' || line[first] == ';');
  if (comment) return "";
  for (std::size_t i = line.find('#'); i != std::string::npos; i = line.find('#', i + 1))
    if (i == 0 || std::isspace((unsigned char) line[i - 1])) {
      comment = true;
      return line.substr(0, i);
    }
  return line;
}

class IniParser {
 public:
  explicit IniParser(const std::string &file) { result.file = file; }

  void line(const std::string &text)
  {
    number++;
    bool comment = false;
    const std::string bare = without_comment(text, comment), content = trimmed(bare);
    if (content.empty()) return;
    const std::size_t depth = bare.find_first_not_of(SPACE);
    if (value && depth > indent) {
      *value += '\n' + content;
      return;
    }
    indent = depth;
    const std::size_t close = content.find(']');
    if (content[0] == '[' && close != std::string::npos && close > 1)
      begin_section(trimmed(content.substr(1, close - 1)));
    else
      add_entry(content);
  }

  IniFile result;

 private:
  Location here() const { return {result.file, number}; }

  void begin_section(const std::string &name)
  {
    if (const IniSection *old = result.find(name))
      throw Error("section [" + name + "] is there twice", here().text(),
                  "the first one at " + old->where.text(), "",
                  "Put the keys of both under one heading");
    result.sections.push_back({name, here(), {}});
    value = nullptr;
  }

  void add_entry(const std::string &content)
  {
    if (result.sections.empty())
      throw Error("text before the first section", here().text(), content,
                  "a line with a [SECTION]");
    IniSection &section = result.sections.back();
    const std::size_t divider = content.find_first_of("=:");
    const std::string key = trimmed(content.substr(0, divider));
    if (divider == std::string::npos || key.empty())
      throw Error("a line of [" + section.name + "] is neither a section nor a setting",
                  here().text(), content, "key = value");
    if (const IniEntry *old = section.find(key))
      throw Error("key " + key + " of [" + section.name + "] is there twice", here().text(),
                  "the first one at " + old->where.text(), "", "Delete one of the two lines");
    section.entries.push_back({key, trimmed(content.substr(divider + 1)), here()});
    value = &section.entries.back().value;
  }

  int number = 0;
  std::size_t indent = 0;
  std::string *value = nullptr;    // the one that a deeper line continues
};

}    // namespace

IniFile parse_ini(const std::string &text, const std::string &file)
{
  IniParser parser(file);
  std::size_t begin = text.compare(0, 3, "\xEF\xBB\xBF") == 0 ? 3 : 0;    // byte order mark
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    parser.line(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return std::move(parser.result);
}

}    // namespace torchpot
