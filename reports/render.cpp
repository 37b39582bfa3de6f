#include "reports/render.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "reports/cells.h"
#include "sim/core/error.h"

#define WEFT_KIND(name)     \
  namespace weft::reports { \
  Format name##_format();   \
  }
#include "reports/formats.inc"
#undef WEFT_KIND

namespace weft::reports {

namespace {

const Format& format_named(const std::string& name) {
  const auto at = std::ranges::find(formats(), name, &Format::name);
  if (at == formats().end()) {
    const std::vector<std::string> known = format_names();
    throw UserError("--format", fmt::format("unknown format \"{}\"", name), unknown_name_hint(name, known));
  }
  return *at;
}

}  // namespace

const std::vector<Format>& formats() {
  static const std::vector<Format> all = {
#define WEFT_KIND(name) name##_format(),
#include "reports/formats.inc"
#undef WEFT_KIND
  };
  return all;
}

std::vector<std::string> format_names() {
  std::vector<std::string> names;
  for (const Format& f : formats()) names.push_back(f.name);
  return names;
}

std::string format_of_file(std::string_view path) {
  std::string known;
  for (const Format& f : formats()) {
    for (const std::string& suffix : f.suffixes) {
      if (path.ends_with(suffix)) return f.name;
      known += (known.empty() ? "" : ", ") + suffix;
    }
  }
  throw UserError("--output", fmt::format("no format goes by the suffix of \"{}\"", path),
                  "known suffixes: " + known + "; or say --format");
}

std::string render(const Report& report, const std::string& format, const RenderOptions& options) {
  constexpr std::array<std::string_view, 2> own = {"variant", "workload"};
  const Format& f = format_named(format);
  for (const Table& table : report.tables) check_table(table, own);
  return f.report(report, options);
}

std::string render(const Listing& listing, const std::string& format, const RenderOptions& options) {
  const Format& f = format_named(format);
  for (const Table& table : listing.tables) check_table(table, {});
  return f.listing(listing, options);
}

}  // namespace weft::reports
