// The section of report.html on a committee of models.
#include "report_parts.h"

#include <algorithm>
#include <cmath>

namespace torchpot {

namespace {

constexpr std::size_t SPREAD_POINTS = 6000;    // of each series; one takes about 13 bytes
constexpr double DECADES = 1e-5;    // below it, relative to the largest error, is noise

std::string errors_cells(const Baseline &errors, const Shown &shown, bool stresses)
{
  std::string text;
  for (int set = 0; set < shown.n_sets(); ++set)
    for (const Quantity quantity : {ENERGY, FORCE, STRESS}) {
      if (quantity == STRESS && !stresses) continue;
      const ErrorSummary &summary = quantity == ENERGY ? errors.energy[set]
          : quantity == FORCE                          ? errors.force[set]
                                                       : errors.stress[set];
      text += tag("td", three_digits(shown.factor[quantity] * summary.mae),
                  quantity == ENERGY ? "first" : "");
    }
  return text;
}

std::string members_table(const Report &report, const Baseline &mean, const Shown &shown)
{
  const bool stresses = mean.stress[0].count || mean.stress[1].count;
  std::string sets, heads;
  for (int set = 0; set < shown.n_sets(); ++set) {
    std::string name = shown.set_name(set);
    name[0] = (char) (name[0] - 'a' + 'A');
    sets += "<th class=\"span\" colspan=\"" + std::string(stresses ? "3" : "2") + "\">" + name +
        ", MAE</th>";
    for (int quantity = ENERGY; quantity <= (stresses ? STRESS : FORCE); ++quantity)
      heads += "<th" + std::string(quantity == ENERGY ? " class=\"first\"" : "") + ">" +
          QUANTITY_NAMES[quantity] + ", " + xml_escape(shown.error[quantity]) + "</th>";
  }
  const bool epochs = report.best_epoch > 0;
  std::string text = "<div class=\"scroll\">\n<table class=\"full\">\n<thead><tr><th></th>" + sets +
      (epochs ? "<th></th>" : "") + "</tr>\n<tr><th>Model</th>" + heads +
      (epochs ? "<th>best epoch</th>" : "") + "</tr></thead>\n<tbody>\n";
  for (const ReportMember &member : report.members)
    text += "<tr>" + tag("td", xml_escape(member.errors.name)) +
        errors_cells(member.errors, shown, stresses) +
        (epochs ? tag("td", grouped(member.best_epoch)) : "") + "</tr>\n";
  return text + "<tr class=\"all\">" + tag("td", "mean of all") +
      errors_cells(mean, shown, stresses) + (epochs ? "<td></td>" : "") +
      "</tr>\n</tbody></table>\n</div>\n";
}

double largest_error(const SpreadPairs *pairs)
{
  double largest = 0.0;
  for (int set = 0; set < 2; ++set)
    for (const double error : pairs[set].error)
      if (std::isfinite(error)) largest = std::max(largest, error);
  return largest;
}

Plot spread_plot(const SpreadPairs *pairs, Quantity quantity, const Shown &shown)
{
  Plot plot;
  plot.title = quantity == ENERGY ? "Energies" : "Forces on atoms";
  plot.diagonal = plot.x.logarithmic = plot.y.logarithmic = true;
  plot.height = 420;
  plot.max_points = SPREAD_POINTS;
  plot.x.label = "spread of the models (" + shown.error[quantity] + ")";
  plot.y.label = "error of their mean (" + shown.error[quantity] + ")";
  // by symmetry some forces are zero up to rounding
  const double least = DECADES * largest_error(pairs);
  for (int set = 0; set < shown.n_sets(); ++set) {
    if (pairs[set].spread.empty()) continue;
    PlotSeries series{PlotSeries::Kind::points, 1 + set, shown.set_name(set), pairs[set].spread,
                      pairs[set].error};
    for (std::vector<double> *values : {&series.x, &series.y})
      for (double &value : *values)
        value = shown.factor[quantity] * std::max(value, least);    // keeps NaN
    plot.series.push_back(series);
  }
  return plot;
}

/// "test: spread 12.1, error 20.3 meV/atom, rank correlation 0.61"
std::string spread_words(const SpreadPairs *pairs, Quantity quantity, const Shown &shown)
{
  std::string text;
  for (int set = shown.n_sets() - 1; set >= 0; --set) {
    if (pairs[set].spread.empty()) continue;
    const double factor = shown.factor[quantity];
    text += (text.empty() ? "" : "; ") + shown.set_name(set) + ": mean spread " +
        three_digits(factor * pairs[set].mean_spread()) + ", mean error " +
        three_digits(factor * pairs[set].mean_error()) + " " + shown.error[quantity] +
        ", rank correlation " + three_digits(pairs[set].correlation());
  }
  return xml_escape(text);
}

}    // namespace

std::string committee_loss_section(const Report &report)
{
  Plot plot;
  plot.title = "Loss per epoch of each network";
  plot.width = 980, plot.height = 340;
  plot.x.label = "epoch", plot.y.label = "loss", plot.y.logarithmic = true;
  bool held_out = false;
  for (const ReportMember &member : report.members) {
    PlotSeries train, validation;
    for (const LossPoint &point : member.history) {
      train.x.push_back(point.epoch), train.y.push_back(point.train);
      if (!std::isfinite(point.validation)) continue;
      validation.x.push_back(point.epoch), validation.y.push_back(point.validation);
    }
    train.color = 1, validation.color = 2;
    if (plot.series.empty()) train.name = "training", validation.name = "validation";
    if (!train.x.empty()) plot.series.push_back(train);
    if (!validation.x.empty()) plot.series.push_back(validation), held_out = true;
  }
  if (plot.series.empty()) return "";
  return "<section>\n" + tag("h2", "Training") + "\n" +
      figure(plot, "Each model has the parameters of its epoch with the lowest " +
                       std::string(held_out ? "validation loss"
                                            : "training loss (there is no validation set)") +
                       ", not those of the last.") +
      "</section>\n";
}

std::string committee_section(const Report &report, const FitResults &mean, const Shown &shown)
{
  if (report.members.empty()) return "";
  const SpreadErrors errors = spread_errors(mean, report.spread);
  std::string figures;
  if (!errors.energy[0].spread.empty() || !errors.energy[1].spread.empty())
    figures += figure(spread_plot(errors.energy, ENERGY, shown),
                      spread_words(errors.energy, ENERGY, shown));
  if (!errors.force[0].spread.empty() || !errors.force[1].spread.empty())
    figures +=
        figure(spread_plot(errors.force, FORCE, shown), spread_words(errors.force, FORCE, shown));
  return "<section>\n" + tag("h2", "Committee") + "\n" +
      members_table(report, baseline_from("mean", mean), shown) +
      tag("p", "All other tables and figures are of the mean of the models.", "soft small") +
      "\n<div class=\"pair\">\n" + figures + "</div>\n" +
      tag("p", "The spread is the standard deviation of the energy over the models, per atom, and "
               "the root mean square over the models of |F − mean F| of an atom, as in pair_style "
               "torchpot; the error is that of the mean: |E − data| per atom, |F − data|. Above "
               "the line the models agree more than they are right; what is very small is at the "
               "edge. The rank correlation (Spearman's) is 1 where a larger spread always means a "
               "larger error, and 0 where the spread says nothing.",
          "soft small") +
      "\n</section>\n";
}

}    // namespace torchpot
