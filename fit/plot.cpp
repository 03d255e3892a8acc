// Figures as inline SVG. Coordinates carry one decimal: a tenth of a pixel.
#include "plot.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

namespace torchpot {

namespace {

std::string print(const char *format, double value)
{
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

/// A coordinate without superfluous characters: "12.3", "12", "-4".
std::string coordinate(double value)
{
  std::string text = print("%.1f", value);
  if (text.size() > 2 && text.compare(text.size() - 2, 2, ".0") == 0) text.resize(text.size() - 2);
  return text == "-0" ? "0" : text;
}

/// Characters, not bytes, of UTF-8 text.
int characters(const std::string &text)
{
  return (int) std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; });
}

std::string superscript(int number)
{
  static const char *digits[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string text = number < 0 ? "⁻" : "";
  for (char digit : std::to_string(std::abs(number))) text += digits[digit - '0'];
  return text;
}

/// With the typographic minus sign.
std::string tick_label(double value, int decimals)
{
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, std::abs(value));
  bool zero = std::string(text).find_first_not_of("0.") == std::string::npos;
  return (value < 0 && !zero ? "−" : "") + std::string(text);
}

std::string log_label(double value)
{
  int exponent = (int) std::floor(std::log10(value) + 1e-9);
  double factor = value / std::pow(10.0, exponent);
  if (exponent >= -3 && exponent <= 3) return tick_label(value, std::max(0, -exponent));
  std::string power = "10" + superscript(exponent);
  return factor < 1.5 ? power : print("%.0f", factor) + "·" + power;
}

}    // namespace

std::string xml_escape(const std::string &text)
{
  std::string out;
  for (unsigned char c : text) {
    if (c == '&') out += "&amp;";
    else if (c == '<') out += "&lt;";
    else if (c == '>') out += "&gt;";
    else if (c == '"') out += "&quot;";
    else if (c == '\'') out += "&#39;";
    else if (c >= 32 || c == '\n' || c == '\t') out += (char) c;    // XML allows no other controls
  }
  return out;
}

Ticks linear_ticks(double low, double high, int wanted)
{
  Ticks ticks;
  const double least = std::max(3.0, 0.6 * wanted);
  double step = std::pow(10.0, std::ceil(std::log10(high - low)));
  // the widest step with enough ticks inside
  for (int k = 0; std::floor(high / step + 1e-9) - std::ceil(low / step - 1e-9) + 1 < least; ++k)
    step /= k % 3 == 1 ? 2.5 : 2.0;    // 10, 5, 2, 1
  int decimals = std::max(0, (int) -std::floor(std::log10(step) + 1e-9));
  double largest = std::max(std::abs(low), std::abs(high));
  bool powers = largest >= 1e6 || decimals > 6;
  for (double k = std::ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k += 1.0) {
    double value = k * step;
    ticks.at.push_back(value);
    ticks.label.push_back(powers && value != 0.0 ? print("%.2g", value)
                                                 : tick_label(value, powers ? 0 : decimals));
  }
  return ticks;
}

Ticks log_ticks(double low, double high, int wanted)
{
  Ticks ticks;
  double decades = std::log10(high / low);
  std::vector<double> factors = {1.0};
  if (decades < 0.7 * wanted) factors = {1.0, 2.0, 5.0};
  if (decades < 0.5) {    // too narrow for decades
    ticks = linear_ticks(low, high, wanted);
    return ticks;
  }
  int stride = decades > wanted ? (int) std::ceil(decades / wanted) : 1;
  int first = (int) std::floor(std::log10(low)) - 1, last = (int) std::ceil(std::log10(high));
  for (int exponent = first; exponent <= last; ++exponent) {
    if (exponent % stride) continue;
    for (double factor : factors) {
      double value = factor * std::pow(10.0, exponent);
      if (value < low * (1 - 1e-9) || value > high * (1 + 1e-9)) continue;
      ticks.at.push_back(value);
      ticks.label.push_back(log_label(value));
    }
  }
  return ticks;
}

PlotSeries histogram(const std::vector<double> &values, double limit, int bins)
{
  PlotSeries series;
  series.kind = PlotSeries::Kind::steps;
  std::vector<double> count(bins, 0.0);
  double width = 2 * limit / bins;
  std::size_t n = 0;
  for (double value : values) {
    if (!std::isfinite(value)) continue;
    double bin = std::floor((value + limit) / width);
    ++count[(int) std::clamp(bin, 0.0, bins - 1.0)];
    ++n;
  }
  for (int bin = 0; bin <= bins; ++bin) {    // edges; the height of a bin starts at its left edge
    series.x.push_back(-limit + bin * width);
    series.y.push_back(bin < bins && n ? 100.0 * count[bin] / n : 0.0);
  }
  return series;
}

namespace {

/// Range and mapping of one axis to pixels.
struct Scale {
  double low = 0, high = 1, start = 0, end = 1;
  bool logarithmic = false;

  bool usable(double value) const { return std::isfinite(value) && (!logarithmic || value > 0); }
  double operator()(double value) const
  {
    double f = logarithmic ? std::log(value / low) / std::log(high / low)
                           : (value - low) / (high - low);
    return start + f * (end - start);
  }
};

class Painter {
 public:
  explicit Painter(const Plot &plot) : plot(plot) { prepare(); }

  std::string paint(std::size_t *shown)
  {
    n_shown = 0;
    out = "<svg class=\"plot\" viewBox=\"0 0 " + std::to_string(plot.width) + " " +
        std::to_string(plot.height) + "\" role=\"img\" aria-label=\"" + xml_escape(plot.title) +
        "\">\n";
    axes();
    if (plot.diagonal)
      out += "<path class=\"diagonal\" d=\"M" + coordinate(x(x.low)) + " " + coordinate(y(y.low)) +
          "L" + coordinate(x(x.high)) + " " + coordinate(y(y.high)) + "\"/>\n";
    for (const PlotSeries &series : plot.series) draw(series);
    for (const PlotMark &mark : plot.marks) draw(mark);
    legend();
    out += "</svg>\n";
    if (shown) *shown = n_shown;
    return out;
  }

 private:
  const Plot &plot;
  Scale x, y;
  Ticks x_ticks, y_ticks;
  std::string out;
  std::size_t n_shown = 0;
  int top = 34, bottom = 48, left = 62, right = 16;

  void fit(Scale &scale, const PlotAxis &axis, bool vertical, bool both)
  {
    scale.logarithmic = axis.logarithmic;
    double low = HUGE_VAL, high = -HUGE_VAL;
    auto include = [&](const std::vector<double> &values) {
      for (double value : values)
        if (scale.usable(value)) low = std::min(low, value), high = std::max(high, value);
    };
    for (const PlotSeries &series : plot.series) {
      if (both || !vertical) include(series.x);
      if (both || vertical) include(series.y);
    }
    if (low > high) low = scale.logarithmic ? 0.1 : 0.0, high = 1.0;    // nothing to show
    if (scale.logarithmic) {
      double margin = std::max(std::pow(high / low, 0.05), 1.05);
      low /= margin, high *= margin;
    } else if (high - low <= 1e-12 * std::max(std::abs(low), std::abs(high))) {
      double half = std::max(0.5 * std::abs(high), 1e-6);
      low -= half, high += half;
    } else if (vertical || both) {
      double margin = 0.04 * (high - low);
      low -= margin, high += margin;
    }
    scale.low = std::isfinite(axis.low) ? axis.low : low;
    scale.high = std::isfinite(axis.high) ? axis.high : high;
    if (scale.high <= scale.low) scale.high = scale.low + (scale.low > 0 ? scale.low : 1.0);
  }

  void prepare()
  {
    fit(x, plot.x, false, plot.diagonal);
    fit(y, plot.y, true, plot.diagonal);
    y.start = plot.height - bottom, y.end = top;
    y_ticks = y.logarithmic ? log_ticks(y.low, y.high, (plot.height - top - bottom) / 45)
                            : linear_ticks(y.low, y.high, (plot.height - top - bottom) / 45);
    int widest = 2;
    for (const std::string &label : y_ticks.label) widest = std::max(widest, characters(label));
    left = 36 + 7 * widest;
    x.start = left, x.end = plot.width - right;
    const int wanted = (plot.width - left - right) / (plot.diagonal ? 55 : 70);
    x_ticks = x.logarithmic ? log_ticks(x.low, x.high, wanted)
                            : linear_ticks(x.low, x.high, wanted);
  }

  void text(const char *style, double px, double py, const std::string &content,
            const std::string &more = "")
  {
    out += std::string("<text class=\"") + style + "\" x=\"" + coordinate(px) + "\" y=\"" +
        coordinate(py) + "\"" + more + ">" + xml_escape(content) + "</text>\n";
  }

  void axes()
  {
    std::string grid, ticks;
    for (double value : x_ticks.at) {
      grid += "M" + coordinate(x(value)) + " " + coordinate(y.end) + "V" + coordinate(y.start);
      ticks += "M" + coordinate(x(value)) + " " + coordinate(y.start) + "v4";
    }
    for (double value : y_ticks.at) {
      grid += "M" + coordinate(x.start) + " " + coordinate(y(value)) + "H" + coordinate(x.end);
      ticks += "M" + coordinate(x.start) + " " + coordinate(y(value)) + "h-4";
    }
    out += "<path class=\"grid\" d=\"" + grid + "\"/>\n<path class=\"axis\" d=\"" + ticks + "M" +
        coordinate(x.start) + " " + coordinate(y.end) + "V" + coordinate(y.start) + "H" +
        coordinate(x.end) + "\"/>\n";
    double free = 0.0;    // labels that would touch are left out
    for (std::size_t i = 0; i < x_ticks.at.size(); ++i) {
      double px = x(x_ticks.at[i]), half = 3.4 * characters(x_ticks.label[i]);
      if (i && px - half < free) continue;
      text("tick mid", px, y.start + 17, x_ticks.label[i]);
      free = px + half + 6;
    }
    for (std::size_t i = 0; i < y_ticks.at.size(); ++i)
      text("tick end", x.start - 8, y(y_ticks.at[i]) + 3.8, y_ticks.label[i]);
    text("title", x.start, 18, plot.title);
    text("label mid", 0.5 * (x.start + x.end), plot.height - 10, plot.x.label);
    std::string turn = " transform=\"rotate(-90 14 " + coordinate(0.5 * (y.start + y.end)) + ")\"";
    text("label mid", 14, 0.5 * (y.start + y.end), plot.y.label, turn);
  }

  void draw(const PlotSeries &series)
  {
    if (series.kind == PlotSeries::Kind::points) points(series);
    else if (series.kind == PlotSeries::Kind::steps) steps(series);
    else line(series);
  }

  /// First, lowest, highest and last of each pixel column say all that a line can show.
  void line(const PlotSeries &series)
  {
    std::string d;
    std::vector<std::pair<double, double>> column;
    auto flush = [&]() {
      if (column.empty()) return;
      auto by_height = [](auto &a, auto &b) { return a.second < b.second; };
      auto low = std::min_element(column.begin(), column.end(), by_height);
      auto high = std::max_element(column.begin(), column.end(), by_height);
      std::vector<std::size_t> keep = {0, (std::size_t) (low - column.begin()),
                                       (std::size_t) (high - column.begin()), column.size() - 1};
      std::sort(keep.begin(), keep.end());
      keep.erase(std::unique(keep.begin(), keep.end()), keep.end());
      for (std::size_t k : keep)
        d += (d.empty() ? "M" : "L") + coordinate(column[k].first) + " " +
            coordinate(column[k].second);
      column.clear();
    };
    for (std::size_t i = 0; i < series.x.size(); ++i) {
      if (!x.usable(series.x[i]) || !y.usable(series.y[i])) continue;
      double px = x(series.x[i]);
      if (!column.empty() && std::floor(px) != std::floor(column.front().first)) flush();
      column.emplace_back(px, y(series.y[i]));
    }
    flush();
    if (!d.empty())
      out += "<path class=\"line s" + std::to_string(series.color) + "\" d=\"" + d + "\"/>\n";
  }

  void steps(const PlotSeries &series)
  {
    if (series.x.size() < 2) return;
    std::string d = "M" + coordinate(x(series.x[0])) + " " + coordinate(y(0.0));
    for (std::size_t i = 0; i + 1 < series.x.size(); ++i)
      d += "V" + coordinate(y(series.y[i])) + "H" + coordinate(x(series.x[i + 1]));
    d += "V" + coordinate(y(0.0)) + "Z";
    out += "<path class=\"fill s" + std::to_string(series.color) + "\" d=\"" + d + "\"/>\n";
  }

  using Cells = std::map<std::pair<int, int>, std::pair<std::pair<double, double>, int>>;

  /// One point per cell of a grid, with their number: a point alone in its place always stays.
  Cells thin(const PlotSeries &series) const
  {
    for (double size = 0.7;; size *= 1.25) {
      Cells cells;
      for (std::size_t i = 0; i < series.x.size(); ++i) {
        if (!x.usable(series.x[i]) || !y.usable(series.y[i])) continue;
        double px = x(series.x[i]), py = y(series.y[i]);
        auto key = std::make_pair((int) std::floor(px / size), (int) std::floor(py / size));
        auto found = cells.emplace(key, std::make_pair(std::make_pair(px, py), 0)).first;
        ++found->second.second;
      }
      if (cells.size() <= std::max<std::size_t>(plot.max_points, 1) || size > 50.0) return cells;
    }
  }

  void points(const PlotSeries &series)
  {
    Cells cells = thin(series);
    n_shown += cells.size();
    std::string d[3];    // by density: 1, up to 5, more
    for (const auto &[key, cell] : cells)
      d[cell.second == 1 ? 0 : cell.second <= 5 ? 1 : 2] +=
          "M" + coordinate(cell.first.first) + " " + coordinate(cell.first.second) + "h0";
    for (int level = 0; level < 3; ++level)
      if (!d[level].empty())
        out += std::string("<path class=\"dot") + (cells.size() < 300 ? " few" : "") + " d" +
            std::to_string(level) + " s" + std::to_string(series.color) + "\" d=\"" + d[level] +
            "\"/>\n";
  }

  void draw(const PlotMark &mark)
  {
    if (!x.usable(mark.x)) return;
    double px = x(mark.x);
    bool flip = px > 0.6 * x.end;
    out += "<path class=\"mark\" d=\"M" + coordinate(px) + " " + coordinate(y.start) + "V" +
        coordinate(y.end) + "\"/>\n";
    text(flip ? "note end" : "note", px + (flip ? -5 : 5), y.end + 11, mark.text);
  }

  /// Right-aligned above the frame, in one row with the title.
  void legend()
  {
    double px = x.end;
    for (auto series = plot.series.rbegin(); series != plot.series.rend(); ++series) {
      if (series->name.empty()) continue;
      text("legend end", px, 18, series->name);
      px -= 6.2 * characters(series->name) + 9;
      out += "<path class=\"swatch s" + std::to_string(series->color) + "\" d=\"M" +
          coordinate(px) + " 14h0\"/>\n";
      px -= 14;
    }
  }
};

}    // namespace

std::string Plot::svg(std::size_t *shown) const { return Painter(*this).paint(shown); }

}    // namespace torchpot
