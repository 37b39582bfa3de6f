// Bars and colours: what a terminal gets beside the plain text.
#include <doctest/doctest.h>

#include "reports/bars.h"
#include "reports/compare.h"
#include "reports/render.h"
#include "tests/reports/sample.h"

using namespace weft;
using namespace weft::reports;

namespace {

Listing shares(std::vector<double> values, const std::string& column = "share_pct") {
  Listing l;
  Table t{"phases", "", "where time goes", {{"phase", "name"}}, {{column, "part of the time"}}, {}};
  for (std::size_t i = 0; i < values.size(); ++i) {
    Row row;
    t.rows.push_back(row.set("phase", std::string(1, static_cast<char>('a' + i))).set(column, values[i]));
  }
  l.tables = {t};
  return l;
}

std::string drawn(const Listing& l) {
  RenderOptions options;
  options.bars = true;
  return render(l, "table", options);
}

}  // namespace

TEST_CASE("a bar is drawn in eighths of a character, and whatever is more than nothing shows") {
  CHECK(bar(0, 4) == "");
  CHECK(bar(1, 4) == "████");
  CHECK(bar(0.5, 4) == "██");
  CHECK(bar(0.53125, 4) == "██▏");   // 4 x 8 x 0.53125 = 17 eighths
  CHECK(bar(1e-6, 4) == "▏");
  CHECK(bar(7, 4) == "████");
}

TEST_CASE("shares get bars of which a whole one is 100 %, beside their numbers") {
  const std::string text = drawn(shares({100, 50, 25}));
  CHECK(text.find("  a            100  ██████████\n") != std::string::npos);
  CHECK(text.find("  b             50  █████\n") != std::string::npos);
  CHECK(text.find("  phase  share_pct\n  -----  ---------\n") != std::string::npos);
}

TEST_CASE("times get bars of which the longest is whole; counts, few rows, equal rows and distant ones get none") {
  CHECK(drawn(shares({1, 2, 4}, "time_us")).find("4  ██████████\n") != std::string::npos);
  CHECK(drawn(shares({1, 2, 4}, "switches")).find("█") == std::string::npos);
  CHECK(drawn(shares({1, 2}, "time_us")).find("█") == std::string::npos);
  CHECK(drawn(shares({2, 2, 2}, "time_us")).find("█") == std::string::npos);
  CHECK(drawn(shares({1, 2, 400}, "time_us")).find("█") == std::string::npos);
  CHECK(drawn(shares({1, 2, 400})).find("█") == std::string::npos);   // more than 100 % is no share
}

TEST_CASE("without being asked for there are no bars, and no other format draws any") {
  CHECK(render(shares({100, 50, 25}), "table").find("█") == std::string::npos);
  RenderOptions options;
  options.bars = true;
  for (const char* format : {"csv", "json"}) CHECK(render(shares({100, 50, 25}), format, options).find("█") == std::string::npos);
}

TEST_CASE("in colour the headline is bold, a miss red and a warning yellow; without it there is no escape sequence") {
  Report r = sample_report();
  r.headline = "an answer";
  r.notes = {"plain", "beware"};
  r.warnings = {"beware"};
  r.expectations = {{"MPFT/a/c", 100, 110, 10, 3, false, "Table 5", ""}};
  RenderOptions options;
  options.colour = true;
  const std::string text = render(r, "table", options);
  CHECK(text.starts_with("\033[1man answer\033[0m\n\nPlanes"));
  CHECK(text.find("\033[31m  MPFT/a/c: got 110") != std::string::npos);
  CHECK(text.find("\033[33m  beware\033[0m\n") != std::string::npos);
  CHECK(text.find("  plain\n") != std::string::npos);
  CHECK(render(r, "table").find('\033') == std::string::npos);
  CHECK(render(r, "markdown", options).find('\033') == std::string::npos);
}
