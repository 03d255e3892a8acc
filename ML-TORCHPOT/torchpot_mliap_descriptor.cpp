// ML-IAP descriptor files (`pair_style mliap ... descriptor sna FILE`).
#include "torchpot_error.h"
#include "torchpot_text.h"
#include "torchpot_model.h"

#include <charconv>
#include <fstream>
#include <set>
#include <sstream>

namespace torchpot {
namespace {

/// One line: keyword and values.
struct Line {
  std::string where, key;
  std::vector<std::string> values;

  void count(std::size_t n) const
  {
    if (values.size() != n)
      throw Error("wrong number of values of " + key, where, std::to_string(values.size()),
                  std::to_string(n));
  }
  template <class T> T number(const std::string &text, const char *wanted) const
  {
    T value{};
    const char *first = text.data(), *last = first + text.size();
    if (last - first > 1 && *first == '+') first++;
    const auto result = std::from_chars(first, last, value);
    if (result.ec != std::errc() || result.ptr != last)
      throw Error("cannot read the value of " + key, where, text, wanted);
    return value;
  }
  double real() const
  {
    count(1);
    return number<double>(values[0], "a number");
  }
  int integer() const
  {
    count(1);
    return number<int>(values[0], "an integer");
  }
  bool flag() const
  {
    const int value = integer();
    if (value != 0 && value != 1)
      throw Error("cannot read the value of " + key, where, values[0], "0 or 1");
    return value == 1;
  }
  std::vector<double> reals() const
  {
    std::vector<double> list;
    for (const std::string &value : values) list.push_back(number<double>(value, "numbers"));
    return list;
  }
};

class Parser {
 public:
  explicit Parser(const std::string &file) : file(file) { p.elements.clear(); }

  SnapParameters parse(std::istream &in)
  {
    std::string text;
    for (int number = 1; std::getline(in, text); number++) {
      Line line;
      line.where = file + ":" + std::to_string(number);
      std::istringstream words(text.substr(0, text.find('#')));
      if (!(words >> line.key)) continue;
      for (std::string word; words >> word;) line.values.push_back(word);
      if (!keys.insert(line.key).second)
        throw Error("keyword given twice", line.where, line.key, "each keyword once");
      if (!scalar(line) && !flag(line) && !list(line))
        throw Error("unknown keyword of an ML-IAP descriptor file", line.where, line.key,
                    "a keyword of descriptor sna, such as rcutfac, twojmax, nelems, elems");
    }
    if (in.bad()) throw Error("cannot read the ML-IAP descriptor file", file);
    check();
    return p;
  }

 private:
  const std::string file;
  SnapParameters p;
  std::size_t n_elements = 0;
  std::set<std::string> keys;

  bool scalar(const Line &line)
  {
    const std::string &key = line.key;
    if (key == "rcutfac") p.rcutfac = line.real();
    else if (key == "twojmax") p.twojmax = line.integer();
    else if (key == "nelems") n_elements = (std::size_t) line.integer();
    else if (key == "rfac0") p.rfac0 = line.real();
    else if (key == "rmin0") p.rmin0 = line.real();
    else return false;
    return true;
  }

  bool flag(const Line &line)
  {
    const std::string &key = line.key;
    if (key == "switchflag") p.switchflag = line.flag();
    else if (key == "bzeroflag") p.bzeroflag = line.flag();
    else if (key == "bnormflag") p.bnormflag = line.flag();
    else if (key == "chemflag") p.chemflag = line.flag();
    else if (key == "wselfallflag") p.wselfallflag = line.flag();
    else if (key == "switchinnerflag") p.switchinnerflag = line.flag();
    else return false;
    return true;
  }

  bool list(const Line &line)
  {
    const std::string &key = line.key;
    if (key == "elems") p.elements = line.values;
    else if (key == "radelems") p.radelem = line.reals();
    else if (key == "welems") p.welem = line.reals();
    else if (key == "sinnerelems") p.sinnerelem = line.reals();
    else if (key == "dinnerelems") p.dinnerelem = line.reals();
    else return false;
    if (!keys.count("nelems"))
      throw Error("nelems must come before " + key, line.where);
    line.count(n_elements);
    return true;
  }

  void check() const
  {
    for (const char *key : {"rcutfac", "twojmax", "nelems", "elems", "radelems", "welems"})
      if (!keys.count(key)) throw Error("a required keyword is missing", file, "", key);
    for (const char *key : {"sinnerelems", "dinnerelems"})
      if (keys.count(key) && !p.switchinnerflag)
        throw Error(std::string(key) + " needs switchinnerflag 1", file);
    p.validate(file);
  }
};

/// The shortest text that reads back as the same number.
std::string exact(double value)
{
  char text[32];
  return {text, std::to_chars(text, text + sizeof(text), value).ptr};
}

}    // namespace

SnapParameters read_mliap_descriptor(const std::string &file)
{
  std::ifstream in(file);
  if (!in) throw Error("cannot open the ML-IAP descriptor file", full_path(file));
  return Parser(file).parse(in);
}

std::string mliap_descriptor_text(const SnapParameters &p)
{
  std::string text = "# required\n\nrcutfac " + exact(p.rcutfac) + "\ntwojmax " +
      std::to_string(p.twojmax) + "\n\n# elements\n\nnelems " + std::to_string(p.elements.size()) +
      "\nelems";
  for (const std::string &name : p.elements) text += " " + name;
  const auto list = [&](const char *key, const std::vector<double> &values) {
    text += std::string("\n") + key;
    for (const double value : values) text += " " + exact(value);
  };
  list("radelems", p.radelem);
  list("welems", p.welem);
  text += "\n\n# optional\n\nrfac0 " + exact(p.rfac0) + "\nrmin0 " + exact(p.rmin0);
  const std::pair<const char *, bool> flags[] = {
      {"switchflag", p.switchflag}, {"bzeroflag", p.bzeroflag},
      {"bnormflag", p.bnormflag},   {"chemflag", p.chemflag},
      {"wselfallflag", p.wselfallflag}, {"switchinnerflag", p.switchinnerflag}};
  for (const auto &flag : flags)
    text += std::string("\n") + flag.first + (flag.second ? " 1" : " 0");
  if (p.switchinnerflag) {
    list("sinnerelems", p.sinnerelem);
    list("dinnerelems", p.dinnerelem);
  }
  return text + "\n";
}

}    // namespace torchpot
