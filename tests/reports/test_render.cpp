#include <doctest/doctest.h>

#include "reports/cells.h"
#include "reports/render.h"
#include "sim/core/error.h"
#include "tests/reports/sample.h"

using namespace weft;
using namespace weft::reports;

namespace {

/// What the RunError of rendering says; empty when there is none.
std::string failure(const Report& r) {
  try {
    render(r, "csv");
  } catch (const RunError& e) {
    return e.what();
  }
  return {};
}

}  // namespace

TEST_CASE("an unknown format is refused and the nearest one offered") {
  try {
    render(sample_report(), "jsn");
    FAIL("no error");
  } catch (const UserError& e) {
    REQUIRE(e.problems().size() == 1);
    CHECK(e.problems()[0].place == "--format");
    CHECK(e.problems()[0].message == "unknown format \"jsn\"");
    CHECK(e.problems()[0].hint.find("\"json\"") != std::string::npos);
  }
}

TEST_CASE("every registered format renders reports and listings, ends in a line break and tells the same twice") {
  Listing l;
  Row row;
  row.set("name", "ft2");
  l.tables.push_back({"topologies", "", "", {{"name", "kind"}}, {}, {row}});
  REQUIRE(formats().size() >= 4);
  for (const Format& f : formats()) {
    CAPTURE(f.name);
    const std::string text = render(sample_report(), f.name);
    CHECK(text.ends_with("\n"));
    CHECK(text.find("all_to_all") != std::string::npos);
    CHECK(text == render(sample_report(), f.name));
    CHECK(render(l, f.name).find("ft2") != std::string::npos);
  }
}

TEST_CASE("a file's suffix names its format") {
  CHECK(format_of_file("out/result.json") == "json");
  CHECK(format_of_file("a.csv") == "csv");
  CHECK(format_of_file("a.md") == "markdown");
  CHECK(format_of_file("a.txt") == "table");
  CHECK_THROWS_WITH_AS(format_of_file("a.xlsx"), doctest::Contains("known suffixes: .txt, .json, .csv, .md"),
                       UserError);
}

TEST_CASE("a column that nobody explains fails the rendering and is named with its row") {
  Report r = sample_report();
  r.tables[0].rows[2].set("mystery", 1.0);
  CHECK(failure(r).find(
            "row 3 (variant MRFT, workload all_to_all, gpus 16, size_B 1024): column mystery has no explanation") !=
        std::string::npos);
  r = sample_report();
  r.tables[0].columns[0].text.clear();
  CHECK(failure(r) == "table all_to_all: column time_us has no explanation");
}

TEST_CASE("an empty cell fails the rendering and is named with its row") {
  Report r = sample_report();
  r.tables[0].columns.push_back({"why", "a reason"});
  r.tables[0].rows[1].set("why", "");
  CHECK(failure(r).find("row 2 (variant MPFT, workload all_to_all, gpus 16, size_B 1073741824): column why is empty") !=
        std::string::npos);
}

TEST_CASE("readable numbers have five significant digits and separators, exact ones all digits") {
  const auto readable = [](double v) { return readable_text(v); };
  CHECK(readable(0.0) == "0");
  CHECK(readable(58.123456) == "58.123");
  CHECK(readable(3.7) == "3.7");
  CHECK(readable(99999.7) == "100,000");
  CHECK(readable(1234.5678) == "1,234.6");
  CHECK(readable(-1234567.89) == "-1,234,568");
  CHECK(readable(0.00123456) == "0.0012346");
  CHECK(readable(0.0000421) == "4.21e-05");
  CHECK(readable_text(Cell(std::int64_t{-1073741824})) == "-1,073,741,824");
  CHECK(readable_text(Cell(std::int64_t{123})) == "123");
  CHECK(readable_text(Cell(true)) == "yes");
  CHECK(exact_text(Cell(0.1)) == "0.1");
  CHECK(exact_text(Cell(std::int64_t{2048})) == "2048");
  CHECK(exact_text(Cell(false)) == "false");
}
