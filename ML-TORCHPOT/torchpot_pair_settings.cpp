// Settings of `pair_style torchpot`, and the record of them that a binary restart keeps.
#include "torchpot_pair_settings.h"

#include "torchpot_error.h"
#include "torchpot_text.h"

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <sstream>

namespace torchpot {
namespace {

const std::string RECORD_HEADER = "torchpot pair style, version 1";

using Words = std::vector<std::string>;
const Words KEYWORDS = {"device", "precision", "comm", "check", "chunk", "operators", "kernels"};

const std::string &one_of(const std::string &keyword, const std::string &value, const Words &known)
{
  if (std::find(known.begin(), known.end(), value) == known.end())
    throw Error("unknown value of keyword " + keyword, "", value, joined(known, ", "),
                did_you_mean(value, known));
  return value;
}

int positive_integer(const std::string &keyword, const std::string &value)
{
  char *end = nullptr;
  const long number = std::strtol(value.c_str(), &end, 10);
  if (value.empty() || *end || number < 1 || number > INT_MAX)
    throw Error("cannot use the value of keyword " + keyword, "", value,
                "a whole number of at least 1");
  return (int) number;
}

}    // namespace

std::string joined(const Words &words, const std::string &between)
{
  std::string text;
  for (const std::string &word : words) text += (text.empty() ? "" : between) + word;
  return text;
}

bool PairSettings::operator==(const PairSettings &other) const
{
  return pair_settings_words(*this) == pair_settings_words(other);
}

PairSettings parse_pair_settings(const Words &words)
{
  PairSettings settings;
  for (std::size_t i = 0; i < words.size(); i += 2) {
    const std::string &keyword = words[i];
    if (std::find(KEYWORDS.begin(), KEYWORDS.end(), keyword) == KEYWORDS.end())
      throw Error("unknown keyword", "", keyword, "one of " + joined(KEYWORDS, ", "),
                  did_you_mean(keyword, KEYWORDS));
    if (i + 1 == words.size()) throw Error("keyword " + keyword + " lacks its value");
    const std::string &value = words[i + 1];
    if (keyword == "device")
      settings.device = one_of(keyword, value, {"auto", "cpu", "cuda"});
    else if (keyword == "precision")
      settings.precision = one_of(keyword, value, {"model", "float32", "float64"});
    else if (keyword == "comm")
      settings.comm = one_of(keyword, value, {"auto", "exchange", "shell"});
    else if (keyword == "check")
      settings.check = one_of(keyword, value, {"yes", "no"}) == "yes";
    else if (keyword == "chunk")
      settings.chunk = positive_integer(keyword, value);
    else if (keyword == "operators")
      settings.operators = value;
    else
      settings.plain = one_of(keyword, value, {"fast", "plain"}) == "plain";
  }
  if (settings.plain && settings.precision == "float32")
    throw Error("kernels plain computes in float64 only", "", "precision float32",
                "precision model or float64");
  return settings;
}

Words pair_settings_words(const PairSettings &settings)
{
  Words words = {"device", settings.device, "precision", settings.precision, "comm", settings.comm,
                 "check", settings.check ? "yes" : "no", "kernels",
                 settings.plain ? "plain" : "fast"};
  if (settings.chunk > 0) words.insert(words.end(), {"chunk", std::to_string(settings.chunk)});
  if (!settings.operators.empty()) words.insert(words.end(), {"operators", settings.operators});
  return words;
}

void PairRecord::require_same(const std::vector<PairModelFile> &given,
                              const Words &given_elements, const std::string &where,
                              const std::string &next) const
{
  Words names, given_names;
  for (const PairModelFile &file : files) names.push_back(file.name);
  for (const PairModelFile &file : given) given_names.push_back(file.name);
  if (files.size() != given.size())
    throw Error("the restart file was written with another number of models", where,
                joined(given_names), joined(names), next);
  for (std::size_t i = 0; i < files.size(); i++)
    if (files[i].sha256 != given[i].sha256)
      throw Error("model file " + given[i].name + " is not the one that the restart file was "
                  "written with",
                  where, "SHA-256 " + given[i].sha256,
                  "SHA-256 " + files[i].sha256 + " (" + files[i].name + ")", next);
  if (elements != given_elements)
    throw Error("the restart file was written with other elements", where, joined(given_elements),
                joined(elements), next);
}

std::string pair_record_text(const PairRecord &record)
{
  std::string text = RECORD_HEADER + "\n";
  for (const std::string &word : pair_settings_words(record.settings))
    text += "setting " + word + "\n";
  for (const PairModelFile &file : record.files)
    text += "model " + file.sha256 + " " + file.name + "\n";
  for (const std::string &element : record.elements) text += "element " + element + "\n";
  return text;
}

PairRecord pair_record_from(const std::string &text, const std::string &where)
{
  std::istringstream in(text);
  std::string line;
  if (!std::getline(in, line) || line != RECORD_HEADER)
    throw Error("this is not a record of the pair style that can be read", where,
                line.substr(0, 80), RECORD_HEADER, "Use the version of torchpot that wrote it");
  PairRecord record;
  Words words;
  while (std::getline(in, line)) {
    const std::size_t blank = line.find(' ');
    const std::string key = line.substr(0, blank);
    const std::string value = blank == std::string::npos ? "" : line.substr(blank + 1);
    if (key == "setting")
      words.push_back(value);
    else if (key == "element")
      record.elements.push_back(value);
    else if (key == "model" && value.size() > 65 && value[64] == ' ')
      record.files.push_back({value.substr(65), "", value.substr(0, 64)});
    else
      throw Error("unknown line in the record of the pair style", where, line,
                  "setting, model or element");
  }
  record.settings = parse_pair_settings(words);
  return record;
}

}    // namespace torchpot
