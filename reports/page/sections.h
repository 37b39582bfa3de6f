// The sections of a WebPage: each writes its HTML and puts what its charts draw into the page's data.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "reports/page/html.h"
#include "reports/page/page.h"
#include "sim/core/json.h"

namespace weft::reports {

/// Where a section is written. Headings start at `level`; ids begin with `prefix`, so that several results fit on one page.
struct Writing {
  Html& html;
  Json& data;                        ///< this part's object of the page's data
  std::string pointer;               ///< of `data`: "/parts/0"
  std::string prefix;                ///< "" or "p2-"
  int level = 2;

  std::string id(std::string_view name) const { return prefix + std::string(name); }
  std::string link(std::string_view name) const { return "#" + id(name); }
  /// <h2 id="...">, or deeper by `below`.
  void heading(std::string_view text, std::string_view name = {}, int below = 0) const;
};

/// A figure with the place for a chart of src/CHART.js, which draws data at `pointer`. Its numbers as a table follow before close().
class Figure {
 public:
  /// `said`: what a screen reader tells of the picture.
  Figure(Html& html, std::string_view chart, std::string_view pointer, std::string_view caption, std::string_view under, std::string_view said);
  ~Figure();
  Figure(const Figure&) = delete;

 private:
  Html& html_;
};

/// Six digits that count: what a chart needs, in a third of the bytes.
double rounded(double value);

/// "12.5 us", "3.2 ms", "1.8 s": five digits.
std::string time_text(Seconds t);

/// Texts with headers, in a box that scrolls. `right`: columns of numbers. Rows are as long as the headers.
struct TextTable {
  std::string caption;
  std::vector<std::string> headers;
  std::vector<bool> right;
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> classes;  ///< of rows; may be shorter
};
/// Folded away, with a count, when it has more than kLongTable rows.
void write_table(Html& html, const TextTable& table);
inline constexpr std::size_t kLongTable = 30;
/// The same below "As a table", closed at first, or open.
void write_closed_table(Html& html, const TextTable& table, std::string_view summary = "As a table", bool open = false);

// In the order of the page.
void write_cards(const PagePart& part, const WebPage& page, const Writing& w);
void write_why(const PagePart& part, const Writing& w);
void write_doubts(const PagePart& part, const Writing& w);
void write_expected(const PagePart& part, const Writing& w);
void write_results(const PagePart& part, const Writing& w);
void write_pictures(const PagePart& part, const Writing& w);
void write_curves(const PagePart& part, const Writing& w);
void write_rooflines(const PagePart& part, const Writing& w);
void write_costs(const PagePart& part, const Writing& w);
void write_constants(const PagePart& part, const Writing& w);
void write_repeat(const PagePart& part, const Writing& w);
void write_tornado(const Listing& listing, std::size_t number, const Writing& w);
void write_sweep(const Listing& listing, std::size_t number, const WebPage& page, const Writing& w);

/// Whether the part has anything for a section, for the contents of the page.
bool has_rooflines(const PagePart& part);
bool has_costs(const PagePart& part);

}  // namespace weft::reports
