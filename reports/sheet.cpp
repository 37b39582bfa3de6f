#include "reports/sheet.h"

#include <algorithm>

#include <fmt/format.h>

#include "reports/bars.h"
#include "reports/cells.h"

namespace weft::reports {

namespace {

constexpr std::string_view not_applicable = "-";

/// One column of a table as texts; empty optional when no row has it.
std::optional<Sheet::Column> column_of(const Table& table, const std::string& name) {
  Sheet::Column column{name, true, {}};
  bool any = false;
  for (const Row& row : table.rows) {
    const Cell* cell = row.find(name);
    column.cells.push_back(cell == nullptr ? std::string(not_applicable) : readable_text(*cell));
    if (cell == nullptr) continue;
    any = true;
    if (!is_number(*cell)) column.right = false;
  }
  if (!any) return std::nullopt;
  return column;
}

std::string heading(const Table& table) {
  return table.title.empty() ? table.id : fmt::format("{}: {}", table.id, table.title);
}

Remark constants_remark(const std::vector<ConstantUsed>& constants) {
  Remark remark{"Constants used:", {}};
  for (const ConstantUsed& c : constants) {
    remark.lines.push_back({fmt::format("{} = {} ({}: {})", c.name, c.value, to_text(c.origin), c.source)});
  }
  return remark;
}

Remark expectations_remark(const std::vector<Expectation>& expectations) {
  Remark remark;
  for (const Expectation& e : expectations) {
    if (!e.missed()) continue;
    remark.lines.push_back({fmt::format("{}: got {}, expected {} within {} % ({:+.3g} %; {})", e.of,
                                        readable_text(e.got), readable_text(e.value), readable_text(e.tolerance_pct),
                                        e.error_pct, e.source), Tone::miss});
  }
  const std::size_t missed = remark.lines.size();
  std::size_t all = expectations.size();
  for (const Expectation& e : expectations) {
    if (e.not_reproducible.empty()) continue;
    --all;
    remark.lines.push_back({fmt::format("{}: {} as published, {} here ({:+.3g} %): not reproducible: {}", e.of, readable_text(e.value),
                                        readable_text(e.got), e.error_pct, e.not_reproducible)});
  }
  const std::string kinds = kinds_text(expectations);
  remark.title = fmt::format("Expected values{}: {} of {} within tolerance{}", kinds.empty() ? "" : " (" + kinds + ")", all - missed, all, missed == 0 ? "" : "; missed:");
  return remark;
}

Remark differences_remark(const Comparison& comparison) {
  Remark remark{"What differs in the input:", {}};
  for (const InputDifference& d : comparison.input) {
    remark.lines.push_back({fmt::format("{}: {} is {} ({}: {})", d.variant, d.pointer, d.value, comparison.base, d.base)});
  }
  return remark;
}

Remark plain_remark(std::string title, const std::vector<std::string>& lines) {
  Remark remark{std::move(title), {}};
  for (const std::string& line : lines) remark.lines.push_back({line});
  return remark;
}

/// Warnings are among the notes.
Remark notes_remark(const Report& report) {
  Remark remark = plain_remark("Notes:", report.notes);
  for (Remark::Line& line : remark.lines) {
    if (std::ranges::find(report.warnings, line.text) != report.warnings.end()) line.tone = Tone::warning;
  }
  return remark;
}

void add(Page& page, Remark remark) {
  if (!remark.lines.empty()) page.remarks.push_back(std::move(remark));
}

}  // namespace

std::size_t text_width(std::string_view text) {
  // Bytes 10xxxxxx continue a code point.
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::size_t column_width(const Sheet::Column& column) {
  std::size_t width = text_width(column.header);
  for (const std::string& cell : column.cells) width = std::max(width, text_width(cell));
  return width;
}

Sheet sheet_of(const Table& table, bool show_variant, bool details) {
  Sheet sheet;
  sheet.title = heading(table);
  if (show_variant) {
    if (auto column = column_of(table, "variant")) sheet.columns.push_back(std::move(*column));
  }
  for (const auto* docs : {&table.label_columns, &table.columns}) {
    for (const ColumnDoc& doc : *docs) {
      if (doc.detail && !details) continue;
      auto column = column_of(table, doc.name);
      if (!column) continue;
      sheet.columns.push_back(std::move(*column));
      sheet.explained.push_back(doc);
    }
  }
  return sheet;
}

namespace {

/// A table wider than this does without its columns of detail.
constexpr std::size_t widest = 200;

std::size_t width_of(const Sheet& sheet) {
  std::size_t width = 0;
  for (const Sheet::Column& c : sheet.columns) width += column_width(c) + 2;
  return width;
}

Sheet without_details(const Table& table, bool show_variant) {
  Sheet sheet = sheet_of(table, show_variant);
  const bool details = std::any_of(table.columns.begin(), table.columns.end(), [](const ColumnDoc& d) { return d.detail; });
  if (!details || width_of(sheet) <= widest) return sheet;
  sheet = sheet_of(table, show_variant, false);
  sheet.notes.push_back("More columns: --format csv or json.");
  return sheet;
}

Sheet readable_sheet(const Table& table, bool show_variant, const RenderOptions& options) {
  Sheet sheet = without_details(table, show_variant);
  if (options.bars) add_bars(sheet, table);
  return sheet;
}

}  // namespace

Page page_of(const Report& report, const RenderOptions& options) {
  Page page;
  page.headline = report.headline;
  for (const std::string& text : {report.title, report.question}) {
    if (!text.empty()) page.head.push_back(text);
  }
  if (!report.source.empty()) page.head.push_back("Source: " + report.source);
  const std::size_t width = options.width == 0 ? 120 : options.width;
  for (const Table& table : report.tables) {
    if (!report.comparison) {
      page.sheets.push_back(readable_sheet(table, report.variants.size() > 1, options));
      continue;
    }
    for (Sheet& sheet : comparison_sheets(table, *report.comparison, width)) page.sheets.push_back(std::move(sheet));
  }
  if (report.comparison) {
    add(page, differences_remark(*report.comparison));
    add(page, plain_remark("Not comparable:", report.comparison->notes));
  }
  if (!report.expectations.empty()) page.remarks.push_back(expectations_remark(report.expectations));
  add(page, notes_remark(report));
  if (options.constants) add(page, constants_remark(report.constants));
  page.foot =
      fmt::format("weft {}, {} engine, seed {}", report.system.version, report.system.engine, report.system.seed);
  return page;
}

Page page_of(const Listing& listing, const RenderOptions& options) {
  Page page;
  if (!listing.headline.empty()) page.head.push_back(listing.headline);
  for (const Table& table : listing.tables) {
    page.sheets.push_back(without_details(table, false));
    if (options.bars) add_bars(page.sheets.back(), table);
  }
  add(page, plain_remark("Notes:", listing.notes));
  return page;
}

}  // namespace weft::reports
