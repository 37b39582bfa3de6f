// The three cards on top: the answer, why, and what to doubt; and the figures of all variants at a glance.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "reports/cells.h"
#include "reports/page/doubts.h"
#include "reports/page/glance.h"
#include "reports/page/sections.h"

namespace weft::reports {
namespace {

constexpr double kAlike = 0.01;   ///< cases whose times are this close are told once on top

std::string name_of(const KeyFigure& f) { return f.labels.empty() ? f.workload : fmt::format("{} [{}]", f.workload, f.labels); }

/// Whether some variant has another value than the base.
bool differs(const KeyFigure& f) {
  return f.values.front() && std::ranges::any_of(f.values, [&](const auto& v) { return v && change_text(*v, *f.values.front()) != "same"; });
}

/// The answer where a report has no sentence of its own: the first figure in which its variants differ (else the first), of the base and of what is furthest from it.
std::string first_figure(const Report& report) {
  const std::vector<KeyFigure> figures = key_figures(report);
  auto at = std::ranges::find_if(figures, differs);
  if (at == figures.end()) at = std::ranges::find_if(figures, [](const KeyFigure& f) { return f.values.front().has_value(); });
  if (at == figures.end()) return "The numbers are in the tables below.";
  const double base = *at->values.front();
  std::string text = fmt::format("{}: {} is {}", name_of(*at), at->column, readable_text(base));
  if (report.variants.size() > 1) text += fmt::format(" with \"{}\"", report.variants.front());
  std::size_t furthest = 0;
  for (std::size_t i = 1; i < at->values.size(); ++i) {
    if (at->values[i] && std::abs(*at->values[i] - base) > (furthest == 0 ? 0 : std::abs(*at->values[furthest] - base))) furthest = i;
  }
  if (furthest != 0) text += fmt::format(", and {} ({}) with \"{}\"", readable_text(*at->values[furthest]), change_text(*at->values[furthest], base), report.variants[furthest]);
  else if (report.variants.size() > 1) text += ", and the same with all others";
  return text + ".";
}

void write_glance(const Report& report, const Writing& w) {
  const std::vector<KeyFigure> figures = key_figures(report);
  if (figures.empty()) return;
  TextTable table{"At a glance" + std::string(report.variants.size() > 1 ? ": every variant, and how far it is from the first" : ""), {"variant"}, {false}, {}, {}};
  for (const KeyFigure& f : figures) {
    table.headers.push_back(fmt::format("{}: {}", name_of(f), f.column));
    table.right.push_back(true);
  }
  for (std::size_t v = 0; v < report.variants.size(); ++v) {
    std::vector<std::string> row = {report.variants[v]};
    for (const KeyFigure& f : figures) {
      std::string cell = f.values[v] ? readable_text(*f.values[v]) : "-";
      if (v > 0 && f.values[v] && f.values.front()) {
        const std::string change = change_text(*f.values[v], *f.values.front());
        if (!change.empty()) cell += fmt::format(" ({})", change);
      }
      row.push_back(std::move(cell));
    }
    table.rows.push_back(std::move(row));
    table.classes.push_back(v == 0 && report.variants.size() > 1 ? "base" : "");
  }
  w.html.open("div", {{"class", "glance"}});
  write_table(w.html, table);
  w.html.close().line();
}

void open_card(const Writing& w, std::string_view kind, std::string_view title) {
  const std::string id = w.id(fmt::format("card-{}", kind));
  w.html.open("section", {{"class", fmt::format("card {}", kind)}, {"aria-labelledby", id}});
  w.html.element(fmt::format("h{}", w.level), title, {{"id", id}}).line();
}

void close_card(const Writing& w, std::initializer_list<std::pair<std::string_view, std::string_view>> links) {
  w.html.open("p", {{"class", "more"}});
  bool first = true;
  for (const auto& [name, text] : links) {
    if (!first) w.html.text(" · ");
    w.html.element("a", text, {{"href", w.link(name)}});
    first = false;
  }
  w.html.close().close().line();
}

void write_answer(const PagePart& part, const Writing& w) {
  const Report& report = part.report;
  open_card(w, "answer", "Answer");
  w.html.element("p", report.headline.empty() ? first_figure(report) : report.headline, {{"class", "lead"}});
  const Verdict v = verdict_of(report);
  if (v.all > 0) {
    w.html.open("p").element("span", fmt::format("{} of {} expected values met", v.met, v.all), {{"class", v.missed + v.known == 0 ? "badge good" : "badge plain"}});
    if (v.missed > 0) w.html.text(" ").element("span", fmt::format("{} missed", v.missed), {{"class", "badge bad"}});
    if (v.known > 0) w.html.text(" ").element("span", fmt::format("{} known {}", v.known, v.known == 1 ? "miss" : "misses"), {{"class", "badge warn"}});
    w.html.close();
  }
  if (v.all > 0) close_card(w, {{"results", "All results"}, {"expected", "Expected values"}});
  else close_card(w, {{"results", "All results"}});
}

/// As long, and for the same reason: it needs telling once.
bool same_reason(const analysis::Explanation& a, const analysis::Explanation& b) {
  if (std::abs(b.total.value() / a.total.value() - 1) > kAlike || a.resources.empty() || b.resources.empty()) return false;
  return a.resources.front().resource == b.resources.front().resource && (a.links.empty() ? "" : a.links.front().name) == (b.links.empty() ? "" : b.links.front().name);
}

/// Of the base and of one more in sentences; where there is no sentence what gave each answer.
void write_reasons(const std::vector<Reason>& reasons, const Writing& w) {
  std::size_t told = 0;
  for (const Reason& r : reasons) {
    if (r.why.empty() || told == 2) continue;
    w.html.element("p", r.of, {{"class", "muted"}}).element("p", r.why, {{"class", told == 0 ? "lead" : "also"}});
    ++told;
  }
  if (told > 0) return;
  w.html.element("p", "No operations wait for one another here, so that there is no critical path.", {{"class", "lead"}}).open("ul");
  std::vector<std::string> said;
  for (const Reason& r : reasons) {
    const std::string line = fmt::format("{}: {}", r.of.substr(r.of.rfind('/') + 1), r.found_by);
    if (std::ranges::find(said, line) != said.end()) continue;
    w.html.element("li", line);
    said.push_back(line);
  }
  w.html.close();
}

void write_reason(const PagePart& part, const Writing& w) {
  open_card(w, "why", "Why");
  if (part.stories.empty() && !part.reasons.empty()) {
    write_reasons(part.reasons, w);
    close_card(w, {{"results", "All results"}});
    return;
  }
  if (part.stories.empty()) {
    w.html.element("p", "Nothing here was run again to see what its time was spent on.", {{"class", "lead"}});
    w.html.element("p", "The page was made with --no-why, or by an engine that does not tell what it simulates.");
    close_card(w, {{"results", "All results"}});
    return;
  }
  for (std::size_t i = 0; i < part.stories.size(); ++i) {
    const Story& story = part.stories[i];
    const bool alike = i > 0 && same_reason(part.stories.front().why, story.why);
    w.html.open("p", {{"class", "muted"}}).text(alike ? "Much the same: " : "").element("a", story.of, {{"href", w.link(fmt::format("why-{}", i + 1))}}).close();
    if (!alike) w.html.element("p", story.why.sentence, {{"class", i == 0 ? "lead" : "also"}});
  }
  close_card(w, {{"why", "What its time is spent on"}, {"pictures", "The network and its links"}});
}

void write_doubt(const PagePart& part, const WebPage& page, const Writing& w) {
  const std::vector<std::string> doubts = doubts_of(part, page);
  open_card(w, "doubt", "Doubt");
  w.html.element("p", doubts.front(), {{"class", "lead"}});
  if (doubts.size() > 1) {
    w.html.open("ul");
    for (std::size_t i = 1; i < std::min<std::size_t>(doubts.size(), 5); ++i) w.html.element("li", doubts[i]);
    w.html.close();
  }
  close_card(w, {{"doubts", "All doubts"}, {"constants", "Where the constants come from"}});
}

}  // namespace

void write_cards(const PagePart& part, const WebPage& page, const Writing& w) {
  w.html.open("div", {{"class", "cards"}}).line();
  write_answer(part, w);
  write_reason(part, w);
  write_doubt(part, page, w);
  w.html.close().line();
  write_glance(part.report, w);
}

}  // namespace weft::reports
