// Aligned text for terminals: numbers to the right, one table a workload.
#include <algorithm>

#include <fmt/format.h>

#include "reports/sheet.h"

namespace weft::reports {

Format table_format();

namespace {

std::string padded(const std::string& text, std::size_t width, bool right) {
  const std::string blanks(width - std::min(width, text_width(text)), ' ');
  return right ? blanks + text : text + blanks;
}

void add_line(std::string& out, std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  out += line + "\n";
}

constexpr std::string_view kBold = "\033[1m", kRed = "\033[31m", kYellow = "\033[33m", kReset = "\033[0m";

/// The text between an escape sequence and its end, line by line so that a pager may cut anywhere.
std::string painted(const std::string& text, std::string_view how, bool colour) {
  if (!colour || how.empty()) return text;
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    out += std::string(how) + text.substr(at, end - at) + std::string(kReset);
    if (end < text.size()) out += '\n';
    at = end + 1;
  }
  return out;
}

std::string_view colour_of(Tone tone) { return tone == Tone::miss ? kRed : tone == Tone::warning ? kYellow : std::string_view(); }

void draw(const Sheet& sheet, std::string& out) {
  out += sheet.title + "\n";
  if (sheet.columns.empty()) {
    out += "  no rows\n";
    return;
  }
  std::string header, rule;
  for (const Sheet::Column& c : sheet.columns) {
    const std::size_t width = column_width(c);
    header += "  " + padded(c.header, width, c.right);
    rule += "  " + std::string(width, c.drawn ? ' ' : '-');
  }
  add_line(out, header);
  add_line(out, rule);
  for (std::size_t row = 0; row < sheet.columns.front().cells.size(); ++row) {
    std::string line;
    for (const Sheet::Column& c : sheet.columns) line += "  " + padded(c.cells[row], column_width(c), c.right);
    add_line(out, line);
  }
}

void explain(const Sheet& sheet, std::string& out) {
  std::size_t width = 0;
  for (const ColumnDoc& d : sheet.explained) width = std::max(width, text_width(d.name));
  for (const ColumnDoc& d : sheet.explained) out += "  " + padded(d.name, width, false) + "  " + d.text + "\n";
}

/// A line in words of at most `width` characters (120 when 0), the first one `indent` in and those that continue it twice that.
std::string wrapped(const std::string& text, std::size_t width, std::size_t indent = 2) {
  const std::size_t most = width == 0 ? 120 : width;
  std::string out, line(indent, ' ');
  std::size_t at = 0;
  bool first_word = true;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    if (!first_word && text_width(line) + 1 + text_width(word) > most) {
      out += line + "\n";
      line = std::string(2 * indent, ' ') + word;
    } else {
      line += (first_word ? "" : " ") + word;
    }
    first_word = false;
    at = end + 1;
  }
  return out + line + "\n";
}

std::string text_of(const Page& page, const RenderOptions& options) {
  std::string out;
  const auto gap = [&out] {
    if (!out.empty()) out += "\n";
  };
  if (!page.headline.empty()) out += painted(wrapped(page.headline, options.width, 0), kBold, options.colour);
  if (!page.headline.empty() && !page.head.empty()) gap();
  for (const std::string& line : page.head) out += line + "\n";
  for (const Sheet& sheet : page.sheets) {
    gap();
    draw(sheet, out);
    for (const std::string& note : sheet.notes) out += "  " + note + "\n";
    if (!options.explain_columns) continue;
    out += "  where\n";
    explain(sheet, out);
  }
  for (const Remark& remark : page.remarks) {
    gap();
    out += remark.title + "\n";
    for (const Remark::Line& line : remark.lines) out += painted(wrapped(line.text, options.width), colour_of(line.tone), options.colour);
  }
  if (!page.foot.empty()) {
    gap();
    out += page.foot + "\n";
  }
  return out;
}

std::string report_text(const Report& report, const RenderOptions& options) {
  return text_of(page_of(report, options), options);
}
std::string listing_text(const Listing& listing, const RenderOptions& options) {
  return text_of(page_of(listing, options), options);
}

}  // namespace

Format table_format() { return {"table", "aligned text for a terminal", {".txt"}, report_text, listing_text}; }

}  // namespace weft::reports
