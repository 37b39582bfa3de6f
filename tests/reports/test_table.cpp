#include <doctest/doctest.h>

#include "reports/compare.h"
#include "reports/render.h"
#include "tests/reports/sample.h"

using namespace weft;
using namespace weft::reports;

TEST_CASE("table: numbers stand right, counts have separators, variants share one table per workload") {
  CHECK(render(sample_report(), "table") ==
        "Planes or rails\n"
        "Which is faster?\n"
        "Source: a test\n"
        "\n"
        "all_to_all: every rank to every rank\n"
        "  variant  gpus         size_B  time_us\n"
        "  -------  ----  -------------  -------\n"
        "  MPFT       16          1,024     12.5\n"
        "  MPFT       16  1,073,741,824   20,000\n"
        "  MRFT       16          1,024     12.5\n"
        "  MRFT       16  1,073,741,824   22,000\n"
        "\n"
        "weft 0.1.0, fluid engine, seed 7\n");
}

TEST_CASE("table: a single variant needs no column for its name") {
  Report r = sample_report();
  r.variants = {"MPFT"};
  r.tables[0].rows.resize(2);
  CHECK(render(r, "table").find("MPFT") == std::string::npos);
}

TEST_CASE("table: when asked, every column's meaning stands below its table") {
  RenderOptions options;
  options.explain_columns = true;
  const std::string text = render(sample_report(), "table", options);
  CHECK(text.find("  where\n  gpus     ranks that take part\n  size_B   bytes that a rank holds\n") !=
        std::string::npos);
  CHECK(text.find("time_us  from start to last byte") != std::string::npos);
}

TEST_CASE("table: constants are listed with origin and source when asked") {
  RenderOptions options;
  options.constants = true;
  CHECK(render(sample_report(), "table", options).find("node h800: nic_rate = 50 GB/s (published: a table)") !=
        std::string::npos);
  CHECK(render(sample_report(), "table").find("nic_rate") == std::string::npos);
}

TEST_CASE("table: a column that does not apply to a row shows a dash, one that no row has is left out") {
  Report r = sample_report();
  r.tables[0].columns.push_back({"busbw_GBps", "bus bandwidth"});
  CHECK(render(r, "table").find("busbw_GBps") == std::string::npos);
  r.tables[0].rows[3].set("busbw_GBps", 48.8);
  const std::string text = render(r, "table");
  CHECK(text.find("   12.5           -\n") != std::string::npos);
  CHECK(text.find("22,000        48.8\n") != std::string::npos);
}

TEST_CASE("table: letters that take several bytes do not break the alignment") {
  Report r = sample_report();
  for (Row& row : r.tables[0].rows) row.set("variant", "M\xc3\xbcnster");
  CHECK(render(r, "table").find("  variant  gpus ") != std::string::npos);
}

TEST_CASE("table: a missed expectation is printed with what was expected, met ones are counted") {
  Report r = sample_report();
  r.expectations = {{"MPFT/a/b", 96, 96, 0, 0, true, "Table 3", ""}, {"MPFT/a/c", 100, 110, 10, 3, false, "Table 5", ""}};
  const std::string text = render(r, "table");
  CHECK(text.find("Expected values: 1 of 2 within tolerance; missed:\n") != std::string::npos);
  CHECK(text.find("  MPFT/a/c: got 110, expected 100 within 3 % (+10 %; Table 5)\n") != std::string::npos);
  CHECK(text.find("MPFT/a/b") == std::string::npos);
}

TEST_CASE("table: an expected value that nobody can compute is shown with the reason, and is neither met nor missed") {
  Report r = sample_report();
  r.expectations = {{"MPFT/a/b", 96, 96, 0, 0, true, "Table 3", ""}, {"MPFT/a/c", 100, 110, 10, 0, false, "Table 5", "the table contradicts itself"}};
  const std::string text = render(r, "table");
  CHECK(text.find("Expected values: 1 of 1 within tolerance\n") != std::string::npos);
  CHECK(text.find("  MPFT/a/c: 100 as published, 110 here (+10 %): not reproducible: the table contradicts itself\n") != std::string::npos);
}

TEST_CASE("table: a comparison shows base, value, difference and ratio") {
  Report r = sample_report();
  r.comparison = compare_variants(r);
  r.comparison->input = {{"MRFT", "/cluster/topology/kind", "\"mpft\"", "\"mrft\""}};
  const std::string text = render(r, "table");
  CHECK(text.find("  gpus         size_B  column     MPFT    MRFT   delta  ratio\n") != std::string::npos);
  CHECK(text.find("    16          1,024  time_us    12.5    12.5       0      1\n") != std::string::npos);
  CHECK(text.find("    16  1,073,741,824  time_us  20,000  22,000  +2,000    1.1\n") != std::string::npos);
  CHECK(text.find("MRFT: /cluster/topology/kind is \"mrft\" (MPFT: \"mpft\")") != std::string::npos);
}

TEST_CASE("table: a comparison leaves the bounds, which say nothing new, to the other formats") {
  Report r = sample_report();
  r.tables[0].columns.push_back({"bound_us", "no run can be faster"});
  for (Row& row : r.tables[0].rows) row.set("bound_us", 10.0);
  r.comparison = compare_variants(r);
  CHECK(render(r, "table").find("bound_us") == std::string::npos);
  CHECK(render(r, "csv").find(",bound_us,MRFT,10,10,0,1\n") != std::string::npos);
}

TEST_CASE("table: differences in the last bits show as 0") {
  Report r = sample_report();
  r.tables[0].rows[2].set("time_us", 12.5 * (1 + 1e-12));
  r.comparison = compare_variants(r);
  CHECK(render(r, "table").find("12.5       0      1\n") != std::string::npos);
}

TEST_CASE("table: a variant that equals the base everywhere is named below and takes no columns") {
  Report r = sample_report();
  r.variants.push_back("twin");
  for (std::size_t i = 0; i < 2; ++i) {
    Row row = r.tables[0].rows[i];
    r.tables[0].rows.push_back(row.set("variant", "twin"));
  }
  r.comparison = compare_variants(r);
  const std::string text = render(r, "table");
  CHECK(text.find("  The same as MPFT: twin.\n") != std::string::npos);
  CHECK(text.find("column     MPFT    MRFT   delta  ratio\n") != std::string::npos);
}

TEST_CASE("table: variants that do not fit side by side go on below, with labels and base again") {
  Report r = sample_report();
  r.variants.push_back("third");
  for (std::size_t i = 0; i < 2; ++i) {
    Row row = r.tables[0].rows[i];
    r.tables[0].rows.push_back(row.set("variant", "third").set("time_us", 30000.0));
  }
  r.comparison = compare_variants(r);
  RenderOptions narrow, wide;
  narrow.width = 60;
  wide.width = 200;
  CHECK(render(r, "table", wide).find("continued") == std::string::npos);
  const std::string text = render(r, "table", narrow);
  const auto below = text.find("(continued)");
  REQUIRE(below != std::string::npos);
  CHECK(text.find("MRFT") < below);
  CHECK(text.find("third", below) != std::string::npos);
  CHECK(text.find("MPFT", below) != std::string::npos);
}

TEST_CASE("table: a listing without rows says so") {
  Listing l;
  l.tables.push_back({"topologies", "", "known topologies", {}, {{"name", "what a scenario calls it"}}, {}});
  CHECK(render(l, "table") == "topologies: known topologies\n  no rows\n");
}
