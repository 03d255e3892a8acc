// Figures as inline SVG for report.html: axes with sensible ticks, lines, points and histograms.
#ifndef TORCHPOT_FIT_PLOT_H
#define TORCHPOT_FIT_PLOT_H

#include <cstddef>
#include <limits>
#include <string>
#include <vector>

namespace torchpot {

/// Positions of ticks in the axis's values, ascending, with their labels.
struct Ticks {
  std::vector<double> at;
  std::vector<std::string> label;
};
/// The widest step of 1, 2 or 5 times a power of ten with at least 3, and 0.6 `wanted`, ticks
/// inside [low, high].
Ticks linear_ticks(double low, double high, int wanted);
/// Decades, or 1, 2, 5 within decades if there are few; low and high positive.
Ticks log_ticks(double low, double high, int wanted);

struct PlotAxis {
  std::string label;    // with its unit
  bool logarithmic = false;
  double low = std::numeric_limits<double>::quiet_NaN();    // NaN: from the data
  double high = std::numeric_limits<double>::quiet_NaN();
};

struct PlotSeries {
  enum class Kind { line, points, steps };
  Kind kind = Kind::line;
  int color = 1;       // color class s1, s2, ... of the page's style sheet
  std::string name;    // legend; empty: none
  std::vector<double> x, y;    // points that are not finite are left out
};

struct PlotMark {    // vertical line with a text
  double x;
  std::string text;
};

/// One figure. All text is escaped, colors come from the page's style sheet.
struct Plot {
  std::string title;
  PlotAxis x, y;
  std::vector<PlotSeries> series;
  std::vector<PlotMark> marks;
  int width = 460, height = 320;        // user units, pixels at scale 1
  bool diagonal = false;                // the line y = x, and one range for both axes
  std::size_t max_points = 4000;        // per series of points; denser places are thinned first

  /// shown, if given, receives the number of points drawn of all series of points.
  std::string svg(std::size_t *shown = nullptr) const;
};

/// Histogram of `values` in `bins` equal bins of [-limit, limit] as a series of steps; the outer
/// bins take what lies beyond. Heights are percentages of the values.
PlotSeries histogram(const std::vector<double> &values, double limit, int bins);

/// Text for the content or an attribute of XML.
std::string xml_escape(const std::string &text);

}    // namespace torchpot

#endif
