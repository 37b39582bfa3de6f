// render(): a Report or a Listing as text in one of the registered formats.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "reports/report.h"

namespace weft::reports {

struct RenderOptions {
  bool explain_columns = false;  ///< table and markdown: say below each table what its columns mean
  bool constants = false;        ///< table and markdown: list the constants used, with origin and source
  std::size_t width = 0;         ///< table: a comparison of many variants is folded to this many characters; 0: 120
  bool colour = false;           ///< table: the headline bold, misses red, warnings yellow (escape sequences of terminals)
  bool bars = false;             ///< table: thin bars beside the column that a table is about, where its rows compare
};

/// A registered format: one file in formats/, one entry in meson.build.
struct Format {
  std::string name;  ///< "csv", as --format takes it
  std::string title;
  std::vector<std::string> suffixes;  ///< ".csv": what -o FILE recognises
  std::string (*report)(const Report&, const RenderOptions&) = nullptr;
  std::string (*listing)(const Listing&, const RenderOptions&) = nullptr;
};

/// All formats, in the order of reports/meson.build.
const std::vector<Format>& formats();
/// Their names, for help texts.
std::vector<std::string> format_names();
/// The format that a file name asks for by its suffix; throws UserError (place: --output) when none does.
std::string format_of_file(std::string_view path);

/// The text, ending in a newline. Throws UserError (place: --format) for an unknown format, with the nearest name, and
/// RunError naming row and column when a cell is empty, not finite, or stands in no column list.
std::string render(const Report& report, const std::string& format, const RenderOptions& options = {});
std::string render(const Listing& listing, const std::string& format, const RenderOptions& options = {});

}  // namespace weft::reports
