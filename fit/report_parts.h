// What the sections of report.html are made of.
#ifndef TORCHPOT_FIT_REPORT_PARTS_H
#define TORCHPOT_FIT_REPORT_PARTS_H

#include "plot.h"
#include "report.h"

#include <string>

namespace torchpot {

/// Three significant digits as far as that reads well: 0.412, 9.35, 87.1, 1240.
std::string three_digits(double value);
/// 12,345
std::string grouped(std::size_t value);
std::string tag(const std::string &name, const std::string &content, const std::string &style = "");
std::string figure(const Plot &plot, const std::string &caption);

enum Quantity { ENERGY, FORCE, STRESS };
constexpr const char *QUANTITY_NAMES[3] = {"energy", "force", "stress"};

/// Units of values and of errors, and what errors are multiplied with.
struct Shown {
  std::string unit[3], error[3];
  double factor[3];
  bool divided;    // into training and test configurations
  Shown(const std::string &name, bool divided);
  std::string mae(Quantity quantity, const ErrorSummary &errors) const;
  int n_sets() const { return divided ? 2 : 1; }
  std::string set_name(int set) const
  {
    return !divided ? "evaluation" : set ? "test" : "training";
  }
};

/// The losses of all members, in place of those of one network; empty without epochs.
std::string committee_loss_section(const Report &report);
/// Members and their errors, and how well the spread tells the error; empty without a committee.
std::string committee_section(const Report &report, const FitResults &mean, const Shown &shown);

}    // namespace torchpot

#endif
