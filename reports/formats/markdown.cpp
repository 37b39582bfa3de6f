// Markdown with GitHub's tables, for documents and issues.
#include <fmt/format.h>

#include "reports/sheet.h"

namespace weft::reports {

Format markdown_format();

namespace {

/// A bar would end the cell.
std::string cell_text(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c == '|') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

void draw(const Sheet& sheet, std::string& out) {
  out += "## " + sheet.title + "\n\n";
  if (sheet.columns.empty()) {
    out += "No rows.\n\n";
    return;
  }
  std::string header = "|", rule = "|";
  for (const Sheet::Column& c : sheet.columns) {
    header += " " + cell_text(c.header) + " |";
    rule += c.right ? " ---: |" : " --- |";
  }
  out += header + "\n" + rule + "\n";
  for (std::size_t row = 0; row < sheet.columns.front().cells.size(); ++row) {
    out += "|";
    for (const Sheet::Column& c : sheet.columns) out += " " + cell_text(c.cells[row]) + " |";
    out += "\n";
  }
  out += "\n";
  for (const std::string& note : sheet.notes) out += note + "\n\n";
}

std::string text_of(const Page& page, const RenderOptions& options) {
  std::string out;
  for (std::size_t i = 0; i < page.head.size(); ++i) {
    out += (i == 0 ? "# " : "") + page.head[i] + "\n\n";
    if (i == 0 && !page.headline.empty()) out += "**" + page.headline + "**\n\n";   // below the title, which opens a document
  }
  for (const Sheet& sheet : page.sheets) {
    draw(sheet, out);
    if (!options.explain_columns) continue;
    for (const ColumnDoc& d : sheet.explained) out += fmt::format("* `{}`: {}\n", d.name, d.text);
    out += "\n";
  }
  for (const Remark& remark : page.remarks) {
    out += remark.title + "\n\n";
    for (const Remark::Line& line : remark.lines) out += "* " + line.text + "\n";
    if (!remark.lines.empty()) out += "\n";
  }
  if (!page.foot.empty()) out += page.foot + "\n\n";
  if (!out.empty()) out.pop_back();
  return out;
}

std::string report_text(const Report& report, const RenderOptions& options) {
  RenderOptions wide = options;
  wide.width = static_cast<std::size_t>(-1);  // a document scrolls; nothing needs folding
  return text_of(page_of(report, wide), options);
}
std::string listing_text(const Listing& listing, const RenderOptions& options) {
  return text_of(page_of(listing, options), options);
}

}  // namespace

Format markdown_format() {
  return {"markdown", "Markdown with tables", {".md", ".markdown"}, report_text, listing_text};
}

}  // namespace weft::reports
