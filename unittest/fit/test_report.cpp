// report.html: well-formed, self-contained, bounded in size, and its figures' axes.
#include "plot.h"
#include "report.h"

#include "sample_results.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace torchpot;

namespace {

/// Whether text starts with the inside of a tag that XML allows: a name, then name="value" pairs.
bool is_tag(const std::string &tag)
{
  const char *letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
  std::size_t at = tag.find_first_not_of(letters);
  if (tag.empty() || at == 0) return false;
  while (at < tag.size()) {
    std::size_t equal = tag.find("=\"", at);
    if (tag[at] != ' ' || equal == std::string::npos) return false;
    if (tag.find_first_not_of(letters, at + 1) != equal || equal == at + 1) return false;
    at = tag.find('"', equal + 2);
    if (at == std::string::npos) return false;
    ++at;
  }
  return at == tag.size() || at == std::string::npos;
}

/// Empty if every tag of the text is closed in order and no bare & or < is left; otherwise where.
/// The content of <style>, which is no XML, is not looked at.
std::string malformed(const std::string &text)
{
  std::vector<std::string> open;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::string near = text.substr(at, 60);
    if (text[at] == '&') {
      bool known = false;
      for (const char *name : {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"})
        known = known || near.compare(0, std::string(name).size(), name) == 0;
      if (!known) return "bare &: " + near;
    }
    if (text[at] != '<') continue;
    std::size_t end = text.find('>', at);
    if (end == std::string::npos) return "tag without end: " + near;
    std::string tag = text.substr(at + 1, end - at - 1);
    at = end;
    if (tag[0] == '!') continue;
    if (tag[0] == '/') {
      if (open.empty() || open.back() != tag.substr(1)) return "closes what is not open: " + near;
      open.pop_back();
      continue;
    }
    const bool empty = tag.back() == '/';
    if (empty) tag.pop_back();
    if (!is_tag(tag)) return "no tag: " + near;
    if (!empty) open.push_back(tag.substr(0, tag.find(' ')));
    if (tag == "style") at = text.find("</style>", at) - 1;
  }
  return open.empty() ? "" : "not closed: " + open.back();
}

Report sample_report()
{
  Report report;
  report.title = "<Ta> & \"co\".fit";
  report.subtitle = "torchpot_fit";
  report.model = "Ta.pt";
  report.settings = {{"loss", "fitsnap <1 & 2>"}};
  report.data = {{"configurations", "30"}};
  report.resources = {{"peak memory", "100 MB"}};
  report.versions = {{"torchpot", "0.1.0"}};
  for (int epoch = 1; epoch <= 20; ++epoch)
    report.history.push_back({epoch, std::exp(-0.1 * epoch), 1.1 * std::exp(-0.1 * epoch)});
  report.best_epoch = 17;
  return report;
}

bool contains(const std::string &text, const std::string &part)
{
  return text.find(part) != std::string::npos;
}

}    // namespace

TEST(Checker, FindsWhatIsMalformed)    // the check that the tests below rely on
{
  EXPECT_EQ(malformed("<a b=\"c\"><d/>x &amp; y</a>"), "");
  for (const char *text : {"<a>", "</a>", "<a></b>", "a & b", "a < b", "<a b=c></a>", "<a b></a>",
                           "<a b=\"c></a>", "<></>", "<a><b></a></b>"})
    EXPECT_NE(malformed(text), "") << text;
}

TEST(Report, IsWellFormedAndSelfContained)
{
  FitResults results = torchpot_test::sample_results(40);
  results.configurations[3].group = "a<b>&c";
  Report report = sample_report();
  report.baselines = {mean_energy_baseline(results), zero_force_baseline(results)};
  std::string page = report_html(report, results);
  EXPECT_EQ(malformed(page), "");
  for (const char *word : {"<script", "http:", "https:", "url(", "@import", "src=", "href=", "nan"})
    EXPECT_FALSE(contains(page, word)) << word;
  for (const char *word : {"&lt;Ta&gt; &amp; &quot;co&quot;.fit", "a&lt;b&gt;&amp;c", "Settings",
                           "Time and memory", "best, epoch 17", "mean energy", "zero force",
                           "prefers-color-scheme: dark", "meV/atom", "(eV/Å)"})
    EXPECT_TRUE(contains(page, word)) << word;
}

TEST(Report, ShowsStressIfThereIsSome)
{
  FitResults results = torchpot_test::sample_results(20);
  Report report = sample_report();
  report.baselines = {zero_force_baseline(results)};
  EXPECT_FALSE(contains(report_html(report, results), "tress"));
  for (ConfigurationResult &c : results.configurations) {
    c.has_stress = c.n_atoms > 1;
    for (int v = 0; v < 6; v++) c.stress[v] = v, c.predicted_stress[v] = v + 0.25;
  }
  const std::string page = report_html(report, results);
  EXPECT_EQ(malformed(page), "");
  for (const char *word : {"Stress components", "Errors of stress components", "stress, GPa",
                           "stress MAE, test set", "data: stress (GPa)", "colspan=\"7\"",
                           "<td>0.250</td><td>0.250</td>", ", 0.250 GPa"})
    EXPECT_TRUE(contains(page, word)) << word;
}

TEST(Report, StaysSmallForMuchData)
{
  FitResults results = torchpot_test::sample_results(30, 20, 80);
  ASSERT_GT(results.type.size(), 200000u);
  std::string page = report_html(sample_report(), results);
  EXPECT_LT(page.size(), 3u << 20);
  EXPECT_EQ(malformed(page), "");
  EXPECT_TRUE(contains(page, "Figures of the first 60 of 80 groups."));
}

/// Three models, of which the first is as sample_results() has it.
Report committee_report(FitResults &mean)
{
  std::vector<FitResults> members(3, mean);
  Report report = sample_report();
  for (int m = 0; m < 3; ++m) {
    for (ConfigurationResult &c : members[m].configurations)
      c.predicted_energy += 0.01 * m * (1.5 + std::sin(c.first_atom));
    for (std::size_t k = 0; k < mean.force.size(); ++k)
      members[m].predicted_force[k] += 0.1 * std::sin(k * (m + 1.0));
    ReportMember member;
    member.errors = baseline_from("network <" + std::to_string(m + 1) + ">", members[m]);
    member.history = report.history, member.best_epoch = 11 + m;
    report.members.push_back(member);
  }
  report.spread = committee_spread({&members[0], &members[1], &members[2]});
  mean = committee_mean({&members[0], &members[1], &members[2]});
  return report;
}

TEST(Report, ShowsACommittee)
{
  FitResults mean = torchpot_test::sample_results(30);
  Report report = committee_report(mean);
  std::string page = report_html(report, mean);
  EXPECT_EQ(malformed(page), "");
  for (const char *word :
       {"<h2>Committee</h2>", "network &lt;1&gt;", "network &lt;3&gt;", "<td>13</td>",
        "mean of all", "Loss per epoch of each network", "spread of the models (meV/atom)",
        "error of their mean (meV/Å)", "test: mean spread ", ", rank correlation "})
    EXPECT_TRUE(contains(page, word)) << word;
  for (const char *word : {"best, epoch 17", "best epoch</span>", "nan"})
    EXPECT_FALSE(contains(page, word)) << word;
  // of an evaluation: without epochs, and in one set
  report.divided = false, report.best_epoch = 0;
  report.history.clear();
  for (ReportMember &member : report.members) member.history.clear();
  for (ConfigurationResult &c : mean.configurations) c.test = false, c.energy = NAN;
  page = report_html(report, mean);
  EXPECT_EQ(malformed(page), "");
  EXPECT_TRUE(contains(page, "evaluation: mean spread "));
  for (const char *word : {"Loss per epoch", "spread of the models (meV/atom)", "best epoch"})
    EXPECT_FALSE(contains(page, word)) << word;
}

TEST(Report, CommitteesStaySmallForMuchData)
{
  FitResults mean = torchpot_test::sample_results(30, 20, 80);
  const std::string page = report_html(committee_report(mean), mean);
  EXPECT_LT(page.size(), 3u << 20);
  EXPECT_EQ(malformed(page), "");
}

TEST(Report, CopesWithWhatIsMissing)
{
  Report report;
  report.title = "empty";
  EXPECT_EQ(malformed(report_html(report, FitResults())), "");
  FitResults results = torchpot_test::sample_results(6);
  for (ConfigurationResult &c : results.configurations) {
    c.has_forces = false, c.test = false;
    c.predicted_energy = NAN;
  }
  report.units = "lj";
  std::string page = report_html(report, results);
  EXPECT_EQ(malformed(page), "");
  EXPECT_FALSE(contains(page, "Loss per epoch"));
  EXPECT_TRUE(contains(page, "energy unit/atom"));
}

TEST(Ticks, AreRoundNumbers)
{
  Ticks ticks = linear_ticks(-0.3, 1.1, 5);
  EXPECT_EQ(ticks.label, (std::vector<std::string>{"0.0", "0.5", "1.0"}));
  ticks = linear_ticks(-12.0, -10.9, 4);
  EXPECT_EQ(ticks.label.front(), "−12.0");
  EXPECT_EQ(ticks.label.back(), "−11.0");
  ticks = linear_ticks(0.0, 25000.0, 5);
  EXPECT_EQ(ticks.label, (std::vector<std::string>{"0", "10000", "20000"}));
  for (double scale : {1e-9, 1e-3, 1.0, 1e5, 1e12})
    for (double low : {-1.0, 0.0, 0.37}) {
      ticks = linear_ticks(low * scale, (low + 1.3) * scale, 6);
      EXPECT_GE(ticks.at.size(), 3u);
      EXPECT_LE(ticks.at.size(), 12u);
      EXPECT_GE(ticks.at.front(), (low - 1e-6) * scale);
      EXPECT_LE(ticks.at.back(), (low + 1.3 + 1e-6) * scale);
    }
}

TEST(Ticks, OfLogarithmicAxes)
{
  EXPECT_EQ(log_ticks(0.0005, 200, 8).label,
            (std::vector<std::string>{"0.001", "0.01", "0.1", "1", "10", "100"}));
  EXPECT_EQ(log_ticks(0.9, 6, 6).label, (std::vector<std::string>{"1", "2", "5"}));
  EXPECT_EQ(log_ticks(1e-6, 5e-5, 2).label, (std::vector<std::string>{"10⁻⁶", "10⁻⁵"}));
  EXPECT_EQ(log_ticks(1.0, 1.6, 6).label.front(), "1.0");
}

TEST(Plot, ThinsDensePlacesAndKeepsLonelyPoints)
{
  Plot plot;
  plot.max_points = 500;
  PlotSeries series;
  series.kind = PlotSeries::Kind::points;
  for (int i = 0; i < 200000; ++i) {
    series.x.push_back(std::sin(0.37 * i) * 0.1);
    series.y.push_back(std::cos(0.91 * i) * 0.1);
  }
  series.x.push_back(5.0), series.y.push_back(5.0);
  plot.series = {series};
  std::size_t shown = 0;
  std::string svg = plot.svg(&shown);
  EXPECT_LE(shown, 500u);
  EXPECT_GT(shown, 100u);
  EXPECT_LT(svg.size(), 20000u);
  EXPECT_TRUE(contains(svg, "d0 s1"));    // the lonely point alone is of the lowest density
  EXPECT_EQ(malformed(svg), "");
}

TEST(Plot, LinesKeepTheirExtremes)
{
  Plot plot;
  PlotSeries series;
  for (int i = 0; i < 100000; ++i) {
    series.x.push_back(i);
    series.y.push_back(i == 54321 ? 100.0 : 0.0);
  }
  plot.series = {series};
  plot.y.low = 0.0, plot.y.high = 100.0;
  std::string svg = plot.svg();
  EXPECT_TRUE(contains(svg, " 34L"));    // the top of the frame
  EXPECT_LT(svg.size(), 40000u);
}

TEST(Plot, HistogramSharesAddUpAndTakeOutliers)
{
  PlotSeries bars = histogram({-9.0, -0.5, 0.1, 0.2, 7.0, NAN}, 1.0, 4);
  EXPECT_EQ(bars.x, (std::vector<double>{-1.0, -0.5, 0.0, 0.5, 1.0}));
  EXPECT_EQ(bars.y, (std::vector<double>{20.0, 20.0, 40.0, 20.0, 0.0}));
}
