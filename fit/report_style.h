// Style sheet of report.html. Colors: Okabe-Ito hues that color-blind readers can tell apart.
#ifndef TORCHPOT_FIT_REPORT_STYLE_H
#define TORCHPOT_FIT_REPORT_STYLE_H

namespace torchpot {

constexpr const char *REPORT_STYLE = R"css(
:root {
  color-scheme: light dark;
  --page: #f5f6f8; --card: #ffffff; --ink: #1d2430; --soft: #5c6675; --rule: #dfe3e9;
  --grid: #e9ecf1; --s1: #2a6fb0; --s2: #d66a12; --s3: #7a8594; --good: #1d7a4f; --band: #f0f5fa;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171c; --card: #1c2027; --ink: #e3e7ed; --soft: #98a2b1; --rule: #333a45;
    --grid: #2a303a; --s1: #6cb0ee; --s2: #f39a4e; --s3: #8b96a6; --good: #5cc995; --band: #222a35;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink); line-height: 1.5;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif;
}
main { max-width: 1080px; margin: 0 auto; padding: 36px 24px 48px; }
h1 {
  font-size: 27px; line-height: 1.2; margin: 0 0 4px; font-weight: 650; letter-spacing: -0.01em;
}
h2 { font-size: 18px; margin: 0 0 12px; font-weight: 650; }
h3 { font-size: 14px; margin: 18px 0 6px; font-weight: 650; color: var(--soft); }
p { margin: 0 0 10px; max-width: 75ch; }
.soft { color: var(--soft); }
.small { font-size: 13px; }
section {
  background: var(--card); border: 1px solid var(--rule); border-radius: 10px;
  padding: 22px 26px; margin-top: 18px;
}
.tiles {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(200px, 1fr)); gap: 14px;
  margin-top: 20px;
}
.tile {
  background: var(--card); border: 1px solid var(--rule); border-radius: 10px;
  padding: 14px 18px;
}
.tile b {
  display: block; font-size: 25px; font-weight: 650; line-height: 1.3;
  font-variant-numeric: tabular-nums;
}
.tile span { color: var(--soft); font-size: 13px; }
.tile b span { font-size: 14px; font-weight: 500; }
.pair {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(400px, 1fr)); gap: 18px 34px;
}
.many {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(420px, 1fr)); gap: 14px 34px;
}
.group { display: grid; grid-template-columns: 1fr 1fr; gap: 4px 14px; }
.group h3 {
  grid-column: 1 / 3; margin: 8px 0 0; color: var(--ink); border-top: 1px solid var(--rule);
  padding-top: 8px;
}
.group h3 span { font-weight: 400; color: var(--soft); padding-left: 8px; }
figure { margin: 0; }
figcaption { color: var(--soft); font-size: 12.5px; margin-top: 2px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; }
table.full { width: 100%; }
th, td {
  padding: 5px 12px 5px 0; text-align: right; border-bottom: 1px solid var(--rule);
  white-space: nowrap;
}
th { font-weight: 600; color: var(--soft); font-size: 13px; }
th:first-child, td:first-child { text-align: left; }
th.span { text-align: center; }
thead tr:not(:last-child) th { border-bottom: 0; padding-bottom: 0; }
.scroll + p { margin-top: 10px; }
section > p:last-child { margin-bottom: 0; }
td.first, th.first { padding-left: 20px; }
tr.all td { font-weight: 650; background: var(--band); }
tr.base td { color: var(--soft); font-style: italic; }
tr.divide td { border-top: 2px solid var(--rule); }
dl {
  display: grid; grid-template-columns: minmax(120px, max-content) 1fr; gap: 3px 18px; margin: 0;
  font-size: 14px;
}
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; white-space: pre-line; }
code {

  font-family: ui-monospace, "SFMono-Regular", Menlo, "Liberation Mono", monospace;
  font-size: 13px;
}
svg.plot { width: 100%; height: auto; display: block; }
svg text { fill: var(--ink); font-size: 11.5px; }
svg text.title { font-size: 13px; font-weight: 600; }
svg text.label { fill: var(--soft); font-size: 12px; }
svg text.tick, svg text.legend { fill: var(--soft); font-variant-numeric: tabular-nums; }
svg text.note { fill: var(--good); font-weight: 600; }
svg .mid { text-anchor: middle; }
svg .end { text-anchor: end; }
svg path { fill: none; }
svg .grid { stroke: var(--grid); stroke-width: 1; }
svg .axis { stroke: var(--soft); stroke-width: 1; opacity: 0.75; }
svg .diagonal { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 5 4; }
svg .mark { stroke: var(--good); stroke-width: 1.2; stroke-dasharray: 3 3; }
svg .line { stroke-width: 1.7; stroke-linejoin: round; stroke-linecap: round; }
svg .dot { stroke-width: 2.6; stroke-linecap: round; }
svg .few { stroke-width: 4.4; }
svg .d0 { opacity: 0.5; }
svg .d1 { opacity: 0.75; }
svg .swatch { stroke-width: 7; stroke-linecap: round; }
svg .fill { stroke-width: 1.4; fill-opacity: 0.18; }
svg .s1 { stroke: var(--s1); } svg .fill.s1 { fill: var(--s1); }
svg .s2 { stroke: var(--s2); } svg .fill.s2 { fill: var(--s2); }
svg .s3 { stroke: var(--s3); } svg .fill.s3 { fill: var(--s3); }
@media print {
  body { background: #fff; } main { padding: 0; max-width: none; }
  section { break-inside: avoid; border: 0; padding: 8px 0; }
}
)css";

}    // namespace torchpot

#endif
