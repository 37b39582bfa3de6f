// A Sheet: a table as texts for people, what the table and markdown formats draw.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "reports/render.h"

namespace weft::reports {

struct Sheet {
  struct Column {
    std::string header;
    bool right = false;              ///< numbers stand to the right
    std::vector<std::string> cells;  ///< one a row; "-" where the column does not apply
    bool drawn = false;              ///< bars, which need no header
  };
  std::string title;
  std::vector<Column> columns;       ///< all of one length
  std::vector<ColumnDoc> explained;  ///< what the headers mean, in order
  std::vector<std::string> notes;    ///< sentences below the table
};

/// What a line is to its reader, for formats that have colours.
enum class Tone { plain, miss, warning };

/// A line of text and the lines below it: notes, constants, missed expectations.
struct Remark {
  struct Line {
    std::string text;
    Tone tone = Tone::plain;
  };
  std::string title;
  std::vector<Line> lines;
};

/// Everything that a format for people shows of a report, in order.
struct Page {
  std::string headline;           ///< the answer; may be empty
  std::vector<std::string> head;  ///< title, question, source; absent ones are left out
  std::vector<Sheet> sheets;
  std::vector<Remark> remarks;
  std::string foot;  ///< version, engine and seed; empty in listings
};

/// Columns of a table with `variant` in front when `show_variant`; columns that no row has are left out.
Sheet sheet_of(const Table& table, bool show_variant, bool details = true);

/// Sheets of one table's share in a comparison: labels, column, base, then value, delta and ratio of each variant that
/// differs somewhere, as many side by side as fit into `width` characters (at least one); those that are the base's equals
/// everywhere are named below. Bounds and columns of detail are left to the other formats.
std::vector<Sheet> comparison_sheets(const Table& table, const Comparison& comparison, std::size_t width);

Page page_of(const Report& report, const RenderOptions& options);
Page page_of(const Listing& listing, const RenderOptions& options);

/// Characters (Unicode code points) of a UTF-8 text.
std::size_t text_width(std::string_view text);
/// The widest text of a column, header included.
std::size_t column_width(const Sheet::Column& column);

}  // namespace weft::reports
