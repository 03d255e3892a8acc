// report.html: what a fit was, how it went, and how good its model is, in one page that needs
// nothing but itself.
#ifndef TORCHPOT_FIT_REPORT_H
#define TORCHPOT_FIT_REPORT_H

#include "committee.h"
#include "outputs.h"
#include "results.h"

#include <string>
#include <utility>
#include <vector>

namespace torchpot {

/// Facts as name and value, shown in the order given.
using Facts = std::vector<std::pair<std::string, std::string>>;

/// One model of a committee.
struct ReportMember {
  Baseline errors;
  std::vector<LossPoint> history;    // empty: as below
  int best_epoch = 0;
};

struct Report {
  std::string title;       // name of the input file
  std::string subtitle;    // one line: date, version
  std::string model;       // path of the model file; empty: none was written
  std::string units = "metal";
  Facts settings, data, resources, versions;
  std::vector<LossPoint> history;    // empty: an evaluation without training
  int best_epoch = 0;                // epoch whose parameters the model has
  std::vector<Baseline> baselines;
  std::vector<ReportMember> members;    // of a committee; then history and epoch are of the first
  CommitteeSpread spread;
  bool divided = true;    // false: one set of configurations, neither training nor test
};

/// A complete XHTML-clean HTML page with inline styles and SVG: no scripts, nothing fetched. It
/// stays below 3 MB whatever the size of the data, since figures are thinned where points overlap.
std::string report_html(const Report &report, const FitResults &results);

}    // namespace torchpot

#endif
