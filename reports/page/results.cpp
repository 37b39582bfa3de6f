// Tables of results, expected values beside what came out, doubts, constants, and how to repeat it.
#include <algorithm>
#include <array>
#include <map>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "reports/cells.h"
#include "reports/page/doubts.h"
#include "reports/page/sections.h"
#include "reports/sheet.h"

namespace weft::reports {
namespace {

constexpr std::size_t kMostLines = 12;   ///< of a list that stands open

TextTable text_table(const Sheet& sheet, std::string caption) {
  TextTable out;
  out.caption = std::move(caption);
  std::size_t rows = 0;
  for (const Sheet::Column& c : sheet.columns) {
    out.headers.push_back(c.header);
    out.right.push_back(c.right);
    rows = std::max(rows, c.cells.size());
  }
  out.rows.resize(rows);
  for (const Sheet::Column& c : sheet.columns) {
    for (std::size_t r = 0; r < rows; ++r) out.rows[r].push_back(c.cells[r]);
  }
  return out;
}

void write_meanings(const Sheet& sheet, Html& html) {
  html.open("details").element("summary", "What the columns mean").open("dl", {{"class", "facts"}});
  for (const ColumnDoc& d : sheet.explained) html.element("dt", d.name).element("dd", d.text);
  html.close().close().line();
}

/// Rows of single ranks beside others that sum them up (rank "mean").
bool is_of_a_rank(const Row& row) {
  const Cell* rank = row.find("rank");
  if (rank == nullptr) return false;
  const std::string text = exact_text(*rank);
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

/// The table in short: open; what is too long folded away with a count, rows of single ranks first of all.
void write_short_table(const Table& table, bool several, Html& html) {
  const std::string all = fmt::format("{}, {} {}", table.id, table.rows.size(), table.rows.size() == 1 ? "row" : "rows");
  Table summed = table;
  std::erase_if(summed.rows, is_of_a_rank);
  if (summed.rows.empty() || summed.rows.size() == table.rows.size()) {
    TextTable text = text_table(sheet_of(table, several, false), all);
    if (text.rows.size() > kLongTable) write_closed_table(html, text, all);
    else write_table(html, text);
    return;
  }
  write_table(html, text_table(sheet_of(summed, several, false), fmt::format("{}, {} of {} rows: those that sum ranks up", table.id, summed.rows.size(), table.rows.size())));
  write_closed_table(html, text_table(sheet_of(table, several, false), all), fmt::format("All {} rows, with those of single ranks", table.rows.size()));
}

constexpr std::size_t kMostVerdicts = 60;   // in the chart; the table has all

struct Drawn {
  const Expectation* of;
  std::string verdict;
};

/// What the chart gets: misses first, else in order.
Json verdict_rows(std::vector<Drawn> all) {
  static const std::vector<std::string> order = {"missed", "known", "met", "open"};
  std::ranges::stable_sort(all, {}, [](const Drawn& d) { return std::ranges::find(order, d.verdict) - order.begin(); });
  Json rows = Json::array();
  for (const Drawn& d : all) {
    if (rows.size() == kMostVerdicts) break;
    rows.push_back({{"name", clean_text(d.of->of)}, {"error_pct", rounded(d.of->error_pct)}, {"tolerance_pct", rounded(d.of->tolerance_pct)}, {"verdict", d.verdict}});
  }
  return rows;
}

void write_lines(const std::vector<std::string>& lines, Html& html) {
  html.open("ul");
  for (const std::string& line : lines) html.element("li", line);
  html.close().line();
}

}  // namespace

void write_results(const PagePart& part, const Writing& w) {
  const Report& report = part.report;
  w.heading("Results", "results");
  const bool several = report.variants.size() > 1;
  for (const Table& table : report.tables) {
    if (table.rows.empty()) continue;
    w.heading(table.title.empty() ? table.id : fmt::format("{}: {}", table.id, table.title), fmt::format("table-{}", table.id), 1);
    const Sheet short_one = sheet_of(table, several, false), whole = sheet_of(table, several, true);
    write_short_table(table, several, w.html);
    if (whole.columns.size() > short_one.columns.size()) {
      write_closed_table(w.html, text_table(whole, fmt::format("{}, all columns", table.id)), fmt::format("All {} columns of {} rows", whole.columns.size(), table.rows.size()));
    }
    write_meanings(whole, w.html);
  }
}

void write_expected(const PagePart& part, const Writing& w) {
  const std::vector<Expectation>& all = part.report.expectations;
  if (all.empty()) return;
  w.heading("Expected values and what came out", "expected");
  const Verdict v = verdict_of(part.report);
  std::string sum = fmt::format("{} of {} met within their tolerance", v.met, v.all);
  if (v.known > 0) sum += fmt::format(", {} missed for a known reason", v.known);
  if (v.missed > 0) sum += fmt::format(", {} missed for no known reason", v.missed);
  if (const std::string kinds = kinds_text(all); !kinds.empty()) sum += fmt::format(": {}. A predicted value was computed without looking at the published one, a calibrated one was an input of a fit, an identity is arithmetic on published inputs", kinds);
  w.html.element("p", sum + ".");
  std::vector<Drawn> drawn;
  TextTable table{"Expected values beside the results", {"value of", "expected", "here", "difference", "tolerance", "verdict", "kind", "source"}, {false, true, true, true, true, false, false, false}, {}, {}};
  for (const Expectation& e : all) {
    const bool judged = e.not_reproducible.empty();
    std::string verdict = "met", mark;
    if (!judged) verdict = "not reproducible: " + e.not_reproducible;
    else if (!e.pass && e.known_miss.empty()) verdict = "missed", mark = "missed";
    else if (!e.pass) verdict = "known miss: " + e.known_miss, mark = "known";
    table.rows.push_back({e.of, readable_text(e.value), readable_text(e.got), fmt::format("{:+.3g} %", e.error_pct),
                          judged ? fmt::format("{:.3g} %", e.tolerance_pct) : "-", verdict, judged && !e.kind.empty() ? e.kind : "-", e.source});
    table.classes.push_back(mark);
    drawn.push_back({&e, judged ? (e.pass ? "met" : mark) : "open"});
  }
  w.data["verdicts"] = {{"rows", verdict_rows(drawn)}};
  const Figure figure(w.html, "verdicts", w.pointer + "/verdicts", "How far the results are from what was expected", all.size() > kMostVerdicts ? fmt::format("{} of {}, those that are missed first", kMostVerdicts, all.size()) : "",
                      fmt::format("Chart of {} expected values and their tolerances: {} met", v.all, v.met));
  write_closed_table(w.html, table, fmt::format("As a table, {} {}", table.rows.size(), table.rows.size() == 1 ? "row" : "rows"), table.rows.size() <= kLongTable);
}

void write_doubts(const PagePart& part, const Writing& w) {
  const Report& report = part.report;
  w.heading("Doubts", "doubts");
  std::vector<std::string> misses;
  for (const Expectation& e : report.expectations) {
    if (!e.missed()) continue;
    misses.push_back(fmt::format("{}: {} here, {} expected ({:+.3g} %, tolerance {:.3g} %). {}", e.of, readable_text(e.got), readable_text(e.value), e.error_pct,
                                 e.tolerance_pct, e.known_miss.empty() ? "No reason is known." : "Known: " + e.known_miss));
  }
  const auto write = [&](const char* title, const std::vector<std::string>& lines) {
    if (lines.empty()) return;
    w.heading(title, {}, 1);
    write_lines(lines, w.html);
  };
  write("Expected values that it misses", misses);
  write("Warnings", report.warnings);
  std::vector<std::string> notes;
  std::ranges::copy_if(report.notes, std::back_inserter(notes), [&](const std::string& n) { return std::ranges::find(report.warnings, n) == report.warnings.end(); });
  write("What was assumed and left out", notes);
  std::vector<std::string> assumed;
  for (const ConstantUsed& c : report.constants) {
    if (c.origin == Origin::assumed) assumed.push_back(fmt::format("{} = {}: {}", c.name, c.value, c.source));
  }
  if (assumed.size() <= kMostLines) {
    write("Constants that are assumed", assumed);
  } else {
    w.html.open("details").element("summary", fmt::format("{} constants that are assumed", assumed.size()));
    write_lines(assumed, w.html);
    w.html.close().line();
  }
  if (misses.empty() && report.notes.empty() && assumed.empty()) w.html.element("p", "Nothing was missed, assumed or left out that the run knows of.");
}

void write_constants(const PagePart& part, const Writing& w) {
  const std::vector<ConstantUsed>& all = part.report.constants;
  w.heading("Where the constants come from", "constants");
  if (all.empty()) {
    w.html.element("p", "No constants were used: all numbers follow from the scenario.");
    return;
  }
  static constexpr std::array<std::pair<Origin, const char*>, 5> groups = {{{Origin::published, "Published"}, {Origin::measured, "Measured"},
      {Origin::derived, "Derived from published ones"}, {Origin::fitted, "Fitted to published or measured results"}, {Origin::assumed, "Assumed"}}};
  for (const auto& [origin, title] : groups) {
    TextTable table{fmt::format("Constants that are {}", to_text(origin)), {"constant", "value", "source"}, {}, {}, {}};
    for (const ConstantUsed& c : all) {
      if (c.origin == origin) table.rows.push_back({c.name, c.value, c.source});
    }
    if (table.rows.empty()) continue;
    const bool open = (origin == Origin::assumed || origin == Origin::fitted) && table.rows.size() <= kLongTable;
    write_closed_table(w.html, table, fmt::format("{}: {}", title, table.rows.size()), open);
  }
}

void write_command(const std::string& command, const std::string& label, Html& html) {
  html.open("pre", {{"tabindex", "0"}, {"aria-label", label}}).element("code", command).close().line();
}

void write_repeat(const PagePart& part, const Writing& w) {
  const Report& report = part.report;
  const System& s = report.system;
  w.heading("How to repeat it", "repeat");
  if (!part.command.empty()) {
    w.html.element("p", part.file == "standard input" ? "With the same standard input: the numbers, then this page." : "In the folder from which this page was made, or in any that has the files named here: the numbers, then this page.");
    write_command(part.command, "commands", w.html);
  }
  if (report.input && !part.from_here.empty()) {
    w.html.element("p", "From this page alone, with the JSON at its end saved as scenario.json: the same numbers, without what was expected of them.");
    write_command(part.from_here, "command from this page alone", w.html);
  }
  w.html.open("dl", {{"class", "facts"}});
  const auto fact = [&](const char* name, const std::string& value) {
    if (!value.empty()) w.html.element("dt", name).element("dd", value);
  };
  fact("file", part.file);
  fact("digest of the input", report.input && report.input->contains("digest") ? (*report.input)["digest"].get<std::string>() : "");
  fact("weft", s.version);
  fact("engine", s.engine);
  fact("seed", fmt::format("{}", s.seed));
  fact("calibrations", fmt::format("{}", fmt::join(s.calibrations, ", ")));
  fact("kernel times", s.cost_model);
  fact("calibration files", fmt::format("{}", fmt::join(s.calibration_files, ", ")));
  if (s.draws > 0) fact("draws of kernel times", fmt::format("{}", s.draws));
  if (s.time_tolerance > 0) fact("time tolerance", fmt::format("{:g}", s.time_tolerance));
  for (const Row& row : s.folded) {
    const Cell *workload = row.find("workload"), *ranks = row.find("ranks"), *simulated = row.find("simulated_ranks");
    if (workload && ranks && simulated) fact("folded", fmt::format("{}: {} ranks simulated as {}", exact_text(*workload), readable_text(*ranks), readable_text(*simulated)));
  }
  w.html.close().line();
  if (!report.input) return;
  w.html.open("details").element("summary", "The scenario as it was resolved (JSON)").open("pre", {{"tabindex", "0"}, {"aria-label", "scenario"}});
  w.html.element("code", dump_json(*report.input, 2)).close().close().line();
}

}  // namespace weft::reports
