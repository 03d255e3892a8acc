// The one exception type of torchpot's core.
#ifndef TORCHPOT_ERROR_H
#define TORCHPOT_ERROR_H

#include <stdexcept>
#include <string>

namespace torchpot {

/// What went wrong, for a person who has to mend it. `what()` is one sentence put together from
/// the parts; parts that are empty are left out.
class Error : public std::runtime_error {
 public:
  /// problem: "unknown activation"; where: file, line or field; found and wanted: values;
  /// next: what to do about it.
  explicit Error(const std::string &problem, const std::string &where = "",
                 const std::string &found = "", const std::string &wanted = "",
                 const std::string &next = "") :
      std::runtime_error(compose(problem, where, found, wanted, next)),
      problem(problem), where(where), found(found), wanted(wanted), next(next)
  {
  }

  const std::string problem, where, found, wanted, next;

 private:
  static std::string compose(const std::string &problem, const std::string &where,
                             const std::string &found, const std::string &wanted,
                             const std::string &next)
  {
    std::string text = where.empty() ? problem : where + ": " + problem;
    if (!found.empty()) text += "; found: " + found;
    if (!wanted.empty()) text += "; wanted: " + wanted;
    if (!next.empty()) text += ". " + next;
    return text;
  }
};

}    // namespace torchpot

#endif
