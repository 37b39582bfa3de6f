// Headings, figures and tables: what all sections of the page are made of.
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "reports/cells.h"
#include "reports/page/sections.h"

namespace weft::reports {

void Writing::heading(std::string_view text, std::string_view name, int below) const {
  html.element(fmt::format("h{}", level + below), text, {{"id", name.empty() ? std::string() : id(name)}}).line();
}

Figure::Figure(Html& html, std::string_view chart, std::string_view pointer, std::string_view caption, std::string_view under, std::string_view said)
    : html_(html) {
  html.open("figure", {{"data-chart", chart}, {"data-of", pointer}}).open("figcaption").text(caption);
  if (!under.empty()) html.text(" ").element("small", under);
  html.close().element("div", "", {{"class", "plot"}, {"role", "img"}, {"aria-label", said}}).line();
}

Figure::~Figure() { html_.close().line(); }

double rounded(double value) {
  if (!std::isfinite(value) || value == 0) return 0;
  const std::string text = fmt::format("{:.6g}", value);
  double out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

std::string time_text(Seconds t) {
  const double us = t.value() * 1e6;
  if (us >= 1e6) return readable_text(us / 1e6) + " s";
  if (us >= 1e3) return readable_text(us / 1e3) + " ms";
  return readable_text(us) + " us";
}

namespace {

void write_rows(Html& html, const TextTable& table) {
  html.open("div", {{"class", "scroll"}, {"tabindex", "0"}, {"role", "region"}, {"aria-label", table.caption}}).open("table");
  if (!table.caption.empty()) html.open("caption").element("span", table.caption).close();
  html.open("thead").open("tr");
  const auto kind = [&](std::size_t i) { return i < table.right.size() && table.right[i] ? "number" : ""; };
  for (std::size_t i = 0; i < table.headers.size(); ++i) html.element("th", table.headers[i], {{"scope", "col"}, {"class", kind(i)}});
  html.close().close().line().open("tbody");
  for (std::size_t r = 0; r < table.rows.size(); ++r) {
    html.open("tr", {{"class", r < table.classes.size() ? table.classes[r] : std::string()}});
    for (std::size_t i = 0; i < table.rows[r].size(); ++i) html.element("td", table.rows[r][i], {{"class", kind(i)}});
    html.close().line();
  }
  html.close().close().close().line();
}

}  // namespace

void write_table(Html& html, const TextTable& table) {
  if (table.rows.size() <= kLongTable) return write_rows(html, table);
  write_closed_table(html, table, fmt::format("{}: {} rows", table.caption, table.rows.size()));
}

void write_closed_table(Html& html, const TextTable& table, std::string_view summary, bool open) {
  html.open("details", {{"class", "as-table"}, {"open", open ? "open" : ""}}).element("summary", summary);
  write_rows(html, table);
  html.close().line();
}

}  // namespace weft::reports
