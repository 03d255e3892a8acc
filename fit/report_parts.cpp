// What the sections of report.html are made of.
#include "report_parts.h"

#include "stress_units.h"

#include <cmath>
#include <cstdio>

namespace torchpot {

namespace {

std::string printed(const char *format, double value)
{
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

}    // namespace

std::string three_digits(double value)
{
  if (!std::isfinite(value)) return "–";
  double size = std::abs(value);
  if (size != 0 && size < 0.001) return printed("%.2e", value);
  return printed(size < 0.9995 ? "%.3f" : size < 9.995 ? "%.2f" : size < 99.95 ? "%.1f" : "%.0f",
                 value);
}

std::string grouped(std::size_t value)
{
  std::string text = std::to_string(value);
  for (int at = (int) text.size() - 3; at > 0; at -= 3) text.insert(at, ",");
  return text;
}

std::string tag(const std::string &name, const std::string &content, const std::string &style)
{
  return "<" + name + (style.empty() ? "" : " class=\"" + style + "\"") + ">" + content + "</" +
      name + ">";
}

std::string figure(const Plot &plot, const std::string &caption)
{
  return "<figure>\n" + plot.svg() + (caption.empty() ? "" : tag("figcaption", caption) + "\n") +
      "</figure>\n";
}

Shown::Shown(const std::string &name, bool divided) : divided(divided)
{
  const ShownUnits units = shown_units(name);
  const bool metal = name == "metal";
  unit[ENERGY] = metal ? "eV/atom" : units.energy, unit[FORCE] = metal ? "eV/Å" : units.force;
  error[ENERGY] = units.energy, error[FORCE] = metal ? "meV/Å" : units.force;
  unit[STRESS] = error[STRESS] = shown_pressure(name).unit;
  factor[ENERGY] = factor[FORCE] = units.factor, factor[STRESS] = 1.0;
}

std::string Shown::mae(Quantity quantity, const ErrorSummary &errors) const
{
  return three_digits(errors.mae * factor[quantity]) + " " + error[quantity];
}

}    // namespace torchpot
