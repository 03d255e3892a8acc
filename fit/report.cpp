// report.html: what a fit was, how it went, and how good its model is.
#include "report.h"

#include "report_parts.h"
#include "report_style.h"

#include <algorithm>
#include <cmath>

namespace torchpot {

namespace {

// Points of the large figures and of all small ones together; one takes about 13 bytes.
constexpr std::size_t LARGE_POINTS = 12000, SMALL_POINTS = 90000;
constexpr std::size_t MOST_GROUPS = 60;    // with figures of their own

std::string facts(const Facts &list)
{
  std::string text = "<dl>\n";
  for (const auto &[name, value] : list)
    text += tag("dt", xml_escape(name)) + tag("dd", xml_escape(value)) + "\n";
  return text + "</dl>\n";
}

/// What the figures of one group, or of all, consist of: [0] training, [1] test. With the reference
/// potential, as in the data and in MD.
struct Values {
  std::vector<double> label[3][2], predicted[3][2];    // of each quantity
  void add(Quantity quantity, int set, double reference, double truth, double model)
  {
    label[quantity][set].push_back(truth + reference);
    predicted[quantity][set].push_back(model + reference);
  }
  bool has(Quantity quantity) const
  {
    return !label[quantity][0].empty() || !label[quantity][1].empty();
  }
  void add(const FitResults &results, const ConfigurationResult &configuration)
  {
    const ConfigurationResult &c = configuration;
    if (std::isfinite(c.energy))
      add(ENERGY, c.test, c.reference_energy, c.energy, c.predicted_energy);
    for (int v = 0; v < 6 && c.has_stress; ++v)
      add(STRESS, c.test, c.reference_stress[v], c.stress[v], c.predicted_stress[v]);
    if (!c.has_forces) return;
    const std::size_t begin = 3 * c.first_atom;
    for (std::size_t i = begin; i < begin + 3 * c.n_atoms; ++i)
      add(FORCE, c.test, results.reference(i), results.force[i], results.predicted_force[i]);
  }
};

Plot parity(const Values &values, Quantity quantity, const std::string &title, const Shown &shown,
            std::size_t max_points)
{
  Plot plot;
  plot.title = title;
  plot.diagonal = true;
  plot.height = 420;
  plot.max_points = std::max<std::size_t>(max_points, 50);
  const std::string what =
      std::string(QUANTITY_NAMES[quantity]) + " (" + shown.unit[quantity] + ")";
  plot.x.label = "data: " + what;
  plot.y.label = "model: " + what;
  for (int set = 0; set < 2; ++set) {
    const auto &x = values.label[quantity][set], &y = values.predicted[quantity][set];
    if (!x.empty())
      plot.series.push_back(
          {PlotSeries::Kind::points, 1 + set, shown.set_name(set), x, y});
  }
  return plot;
}

/// Range that holds 99.5 % of the errors, rounded up to 1, 2 or 5 times a power of ten.
double error_range(std::vector<double> sizes)
{
  if (sizes.empty()) return 1.0;
  auto at = sizes.begin() + (std::size_t) (0.995 * (sizes.size() - 1));
  std::nth_element(sizes.begin(), at, sizes.end());
  if (!(*at > 0)) return 1.0;
  double power = std::pow(10.0, std::floor(std::log10(*at)));
  for (double factor : {1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.5})
    if (factor * power >= *at) return factor * power;
  return 10.0 * power;
}

Plot error_histogram(const Values &values, Quantity quantity, const Shown &shown)
{
  Plot plot;
  constexpr const char *TITLES[3] = {"Errors of energies", "Errors of force components",
                                     "Errors of stress components"};
  plot.title = TITLES[quantity];
  std::vector<double> errors[2], sizes;
  std::size_t fewest = 0;
  for (int set = 0; set < 2; ++set) {
    const auto &x = values.label[quantity][set], &y = values.predicted[quantity][set];
    for (std::size_t i = 0; i < x.size(); ++i) {
      errors[set].push_back(shown.factor[quantity] * (y[i] - x[i]));
      if (std::isfinite(errors[set].back())) sizes.push_back(std::abs(errors[set].back()));
    }
    if (!x.empty()) fewest = fewest ? std::min(fewest, x.size()) : x.size();
  }
  const double range = error_range(sizes);
  const int bins = fewest < 60 ? 20 : fewest < 1000 ? 30 : 60;
  for (int set = 0; set < 2; ++set) {
    if (errors[set].empty()) continue;
    PlotSeries series = histogram(errors[set], range, bins);
    series.color = 1 + set, series.name = shown.set_name(set);
    plot.series.push_back(series);
  }
  plot.x.label = "model − data (" + shown.error[quantity] + ")";
  plot.y.label = "share (%)";
  plot.x.low = -range, plot.x.high = range, plot.y.low = 0.0;
  plot.height = 280;
  return plot;
}

std::string loss_section(const Report &report)
{
  if (!report.members.empty()) return committee_loss_section(report);
  if (report.history.empty()) return "";
  Plot plot;
  plot.title = "Loss per epoch";
  plot.width = 980, plot.height = 340;
  plot.x.label = "epoch", plot.y.label = "loss", plot.y.logarithmic = true;
  PlotSeries train, validation;
  for (const LossPoint &point : report.history) {
    train.x.push_back(point.epoch), train.y.push_back(point.train);
    if (!std::isfinite(point.validation)) continue;
    validation.x.push_back(point.epoch), validation.y.push_back(point.validation);
  }
  train.name = "training", train.color = 1;
  validation.name = "validation", validation.color = 2;
  plot.series.push_back(train);
  if (!validation.x.empty()) plot.series.push_back(validation);
  if (report.best_epoch > 0)
    plot.marks.push_back({(double) report.best_epoch, "best, epoch " + grouped(report.best_epoch)});
  const std::string by = validation.x.empty() ? "training loss (there is no validation set)"
                                              : "validation loss";
  return "<section>\n" + tag("h2", "Training") + "\n" +
      figure(plot, "The model has the parameters of the epoch with the lowest " + by +
                       ", not those of the last.") +
      "</section>\n";
}

std::string overview_section(const Values &all, const Shown &shown)
{
  std::string text = "<section>\n" + tag("h2", "Predictions") + "\n<div class=\"pair\">\n";
  text += figure(parity(all, ENERGY, "Energies", shown, LARGE_POINTS), "");
  text += figure(parity(all, FORCE, "Force components", shown, LARGE_POINTS), "");
  text += figure(error_histogram(all, ENERGY, shown), "");
  text += figure(error_histogram(all, FORCE, shown), "");
  if (all.has(STRESS)) {
    text += figure(parity(all, STRESS, "Stress components", shown, LARGE_POINTS), "");
    text += figure(error_histogram(all, STRESS, shown), "");
  }
  return text + "</div>\n" +
      tag("p", "The data against the model, both with the "
               "reference potential if there is one. Of points on top of each other one is drawn, "
               "darker; none that stands alone is left out. The outermost bars of the histograms "
               "hold what lies beyond.",
          "soft small") +
      "\n</section>\n";
}

/// "test MAE 20.6 meV/atom, 37.8 meV/Å, 0.21 GPa"
std::string group_facts(const ErrorRow &row, const Shown &shown)
{
  const int set = row.has(1) ? 1 : 0;
  std::string text = shown.set_name(set) + " MAE ";
  text += shown.mae(ENERGY, row.energy[set]) + ", " + shown.mae(FORCE, row.force[set]);
  if (row.stress[set].count) text += ", " + shown.mae(STRESS, row.stress[set]);
  return xml_escape(text);
}

std::string groups_section(const FitResults &results, const std::vector<ErrorRow> &table,
                           const Shown &shown)
{
  if (table.size() < 3) return "";    // *ALL and one group: nothing new
  const std::size_t n_groups = std::min(table.size() - 1, MOST_GROUPS);
  const std::size_t points = SMALL_POINTS / (4 * n_groups);    // two figures of two series
  std::string text = "<section>\n" + tag("h2", "Predictions per group") +
      "\n<div class=\"many\">\n";
  for (std::size_t g = 1; g <= n_groups; ++g) {
    Values values;
    for (const ConfigurationResult &configuration : results.configurations)
      if (configuration.group == table[g].group) values.add(results, configuration);
    text += "<div class=\"group\">" +
        tag("h3", xml_escape(table[g].group) + tag("span", group_facts(table[g], shown))) + "\n";
    for (const Quantity quantity : {ENERGY, FORCE}) {
      Plot plot = parity(values, quantity, "", shown, std::min<std::size_t>(points, 2500));
      plot.title = quantity == FORCE ? "Forces" : "Energies";
      plot.width = 280, plot.height = 270;
      text += plot.series.empty() ? tag("p", "no labels", "soft small") : figure(plot, "");
    }
    text += "</div>\n";
  }
  text += "</div>\n";
  if (n_groups + 1 < table.size())
    text += tag("p", "Figures of the first " + std::to_string(n_groups) + " of " +
                         std::to_string(table.size() - 1) + " groups.", "soft small");
  return text + "</section>\n";
}

template <class Row>
std::string table_row(const std::string &name, const Row &row, const Shown &shown, bool stresses,
                      const std::string &style)
{
  std::string text = "<tr" + (style.empty() ? "" : " class=\"" + style + "\"") + ">" +
      tag("td", xml_escape(name));
  for (int set = 0; set < shown.n_sets(); ++set) {
    const ErrorSummary &energy = row.energy[set];
    text += tag("td", energy.count ? grouped(energy.count) : "–", "first");
    for (const Quantity quantity : {ENERGY, FORCE, STRESS}) {
      if (quantity == STRESS && !stresses) continue;
      const ErrorSummary &errors = quantity == ENERGY ? energy
          : quantity == FORCE                         ? row.force[set]
                                                      : row.stress[set];
      for (double value : {errors.mae, errors.rmse})
        text += tag("td", three_digits(value * shown.factor[quantity]));
    }
  }
  return text + "</tr>\n";
}

std::string table_heads(const Shown &shown, bool stresses)
{
  const std::string columns = stresses ? "7" : "5";
  std::string names, kinds;
  for (int set = 0; set < shown.n_sets(); ++set) {
    names += "<th class=\"first\"></th>";
    kinds += "<th class=\"first\">configs</th>";
    for (int quantity = ENERGY; quantity <= (stresses ? STRESS : FORCE); ++quantity) {
      names += std::string("<th class=\"span\" colspan=\"2\">") + QUANTITY_NAMES[quantity] + ", " +
          xml_escape(shown.error[quantity]) + "</th>";
      kinds += "<th>MAE</th><th>RMSE</th>";
    }
  }
  const std::string span = "<th class=\"span\" colspan=\"" + columns + "\">";
  const std::string sets = shown.divided ? span + "Training</th>" + span + "Test</th>"
                                         : span + "Evaluation</th>";
  return "<thead><tr><th></th>" + sets + "</tr>\n<tr><th></th>" + names +
      "</tr>\n<tr><th>Group</th>" + kinds + "</tr></thead>\n";
}

bool has_test(const std::vector<ErrorRow> &table)
{
  return !table.empty() && table[0].has(1);
}

std::string table_section(const Report &report, const std::vector<ErrorRow> &table,
                          const Shown &shown)
{
  const bool stresses = has_stress(table);
  std::string text = "<section>\n" + tag("h2", "Errors") + "\n<div class=\"scroll\">\n"
      "<table class=\"full\">\n" + table_heads(shown, stresses) + "<tbody>\n";
  for (const ErrorRow &row : table)
    text += table_row(row.group == "*ALL" ? "All groups" : row.group, row, shown, stresses,
                      row.group == "*ALL" ? "all" : "");
  bool first = true;
  for (const Baseline &baseline : report.baselines) {
    text += table_row(baseline.name, baseline, shown, stresses, first ? "base divide" : "base");
    first = false;
  }
  const std::string epoch = report.best_epoch > 0 && has_test(table)
      ? " The epoch of the model is the one with the lowest loss on the test set, whose errors are "
        "therefore a little smaller than on data that the fit has not seen at all."
      : "";
  return text + "</tbody></table>\n</div>\n" +
      tag("p", "Energies per atom; errors of forces " +
                   std::string(stresses ? "and stresses " : "") +
                   "per component. The last rows are baselines on the same data, which a useful "
                   "model beats clearly." + epoch,
          "soft small") +
      "\n</section>\n";
}

std::string tile(const std::string &value, const std::string &unit, const std::string &name)
{
  return "<div class=\"tile\"><b>" + xml_escape(value) + " <span>" + xml_escape(unit) +
      "</span></b><span>" + xml_escape(name) + "</span></div>\n";
}

/// Errors of all groups, and the force error beside the size of the forces.
std::string tiles(const Report &report, const std::vector<ErrorRow> &table, const Shown &shown)
{
  if (table.empty()) return "";
  const int set = table[0].has(1) ? 1 : 0;
  const std::string name = shown.set_name(set) + (shown.divided ? " set" : "");
  const ErrorSummary &energy = table[0].energy[set], &force = table[0].force[set];
  const ErrorSummary &stress = table[0].stress[set];
  std::string text = "<div class=\"tiles\">\n";
  text += tile(three_digits(energy.mae * shown.factor[ENERGY]), shown.error[ENERGY],
               "energy MAE, " + name);
  text += tile(three_digits(force.mae * shown.factor[FORCE]), shown.error[FORCE],
               "force MAE, " + name);
  if (stress.count)
    text += tile(three_digits(stress.mae), shown.error[STRESS], "stress MAE, " + name);
  for (const Baseline &baseline : report.baselines)
    if (baseline.name == "zero force" && baseline.force[set].mae > 0)
      text += tile(three_digits(100.0 * force.mae / baseline.force[set].mae), "%",
                   "force MAE, of the mean force");
  if (report.best_epoch > 0 && report.members.empty())
    text += tile(grouped(report.best_epoch),
                 "of " + grouped(report.history.empty() ? report.best_epoch
                                                        : report.history.back().epoch),
                 "best epoch");
  return text + "</div>\n";
}

std::string facts_section(const std::string &title, const Facts &list)
{
  if (list.empty()) return "";
  return "<section>\n" + tag("h2", title) + "\n" + facts(list) + "</section>\n";
}

}    // namespace

std::string report_html(const Report &report, const FitResults &results)
{
  const Shown shown(report.units, report.divided);
  const std::vector<ErrorRow> table = error_table(results);
  Values all;
  for (const ConfigurationResult &configuration : results.configurations)
    all.add(results, configuration);
  const std::string title = xml_escape(report.title);
  std::string text = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>" +
      title + " – torchpot_fit</title>\n<style>" + REPORT_STYLE + "</style>\n</head>\n<body>\n"
      "<main>\n<header>\n" + tag("h1", title) + "\n" +
      tag("p", xml_escape(report.subtitle), "soft") + "\n";
  if (!report.model.empty())
    text += tag("p", "Model: " + tag("code", xml_escape(report.model))) + "\n";
  text += tiles(report, table, shown) + "</header>\n";
  text += table_section(report, table, shown);
  text += committee_section(report, results, shown);
  text += loss_section(report);
  text += overview_section(all, shown);
  text += groups_section(results, table, shown);
  text += facts_section("Settings", report.settings);
  text += facts_section("Data", report.data);
  text += facts_section("Time and memory", report.resources);
  text += facts_section("Versions", report.versions);
  return text + "</main>\n</body>\n</html>\n";
}

}    // namespace torchpot
