// Automatic headlines: what a report comes to when nobody has written a sentence for it.
#include <doctest/doctest.h>

#include "reports/headline.h"
#include "reports/render.h"
#include "tests/reports/sample.h"

using namespace weft;
using namespace weft::reports;

TEST_CASE("the unit in a column's name says what it measures; bounds, gaps and counts measure nothing that could be a main column") {
  CHECK(measure_of("step_time_s").unit == "s");
  CHECK(measure_of("time_us").what == Measure::What::time);
  CHECK(measure_of("price_MUSD").unit == "million USD");
  CHECK(measure_of("price_per_endpoint_kUSD").what == Measure::What::price);
  CHECK(measure_of("busbw_GBps").unit == "GB/s");
  CHECK(measure_of("served_tokens_per_s").unit == "tokens a second");
  for (const char* none : {"bound_us", "gap_pct", "switches", "fits", "memory_GB"}) CHECK(measure_of(none).what == Measure::What::none);
}

TEST_CASE("of several variants the largest change of a main column is told, with its place") {
  // MRFT is 22000 / 20000 = 1.1 times as long on the larger size and alike on the smaller one.
  CHECK(automatic_headline(sample_report()) == "\"MRFT\" takes 1.1 times as long as \"MPFT\" in all_to_all (size_B 1,073,741,824)");
}

TEST_CASE("how far the other variants are is bounded by a round number") {
  Report r = sample_report();
  const auto add = [&](const char* name, double factor) {
    r.variants.push_back(name);
    for (std::size_t i = 0; i < 2; ++i) {
      Row row = r.tables[0].rows[i];
      row.set("variant", name).set("time_us", row.number("time_us") * factor);
      r.tables[0].rows.push_back(row);
    }
  };
  add("third", 1.005);
  CHECK(automatic_headline(r).ends_with("; there \"third\" stays within 1 % of \"MPFT\""));
  add("fourth", 0.97);
  CHECK(automatic_headline(r).ends_with("; there the others stay within 5 % of \"MPFT\""));
}

TEST_CASE("variants that do not differ are said not to") {
  Report r = sample_report();
  r.tables[0].rows[3].set("time_us", 20000.0);
  CHECK(automatic_headline(r) == "\"MRFT\" is within 0.1 % of \"MPFT\" in every time, price and rate");
}

TEST_CASE("a single variant's main column is told as a value or as a span") {
  Report r = sample_report();
  r.variants = {"MPFT"};
  r.tables[0].rows.resize(2);
  CHECK(automatic_headline(r) == "all_to_all takes 12.5 us (size_B 1,024) to 20,000 us (size_B 1,073,741,824)");
  r.tables[0].rows.resize(1);
  CHECK(automatic_headline(r) == "all_to_all takes 12.5 us");
}

TEST_CASE("expectations are counted and the worst miss is named; what nobody can compute counts nowhere") {
  Report r = sample_report();
  r.variants = {"MPFT"};
  r.tables.clear();
  r.expectations = {{"MPFT/a/b", 96, 96, 0, 0, true, "Table 3", ""}, {"MPFT/a/c", 100, 110, 10, 3, false, "Table 5", ""},
                    {"MPFT/a/d", 100, 89, -11, 3, false, "Table 5", ""}, {"MPFT/a/e", 1, 9, 800, 0, false, "Table 6", "contradicts itself"}};
  CHECK(automatic_headline(r) == "1 of 3 expected values is met; worst: MPFT/a/d (-11 %)");
  r.expectations.resize(1);
  CHECK(automatic_headline(r) == "The expected value is met");
  r = sample_report();
  r.expectations = {{"MPFT/a/b", 96, 96, 0, 0, true, "Table 3", ""}, {"MPFT/a/b", 96, 96, 0, 0, true, "Table 3", ""}};
  CHECK(automatic_headline(r).ends_with(". Both expected values are met"));
}

TEST_CASE("a column that is not simply the time or the price is told by its name, and the first that changes is told") {
  Report r = sample_report();
  r.tables[0].columns = {{"start_up_us", "until the first byte"}, {"busbw_GBps", "bandwidth"}};
  for (std::size_t i = 0; i < 4; ++i) {
    Row row;
    for (const auto& [name, cell] : r.tables[0].rows[i].cells()) {
      if (name != "time_us") row.set(name, cell);
    }
    r.tables[0].rows[i] = row.set("start_up_us", 7.0).set("busbw_GBps", i < 2 ? 40.0 : 30.0);
  }
  CHECK(automatic_headline(r) == "\"MRFT\" has 0.75 times the busbw_GBps of \"MPFT\" in all_to_all (size_B 1,024)");
  r.variants = {"MPFT"};
  r.tables[0].rows.resize(2);
  CHECK(automatic_headline(r) == "start_up_us of all_to_all is 7 us");
}

TEST_CASE("a report without times, prices and throughputs has nothing to say of itself") {
  Report r = sample_report();
  r.tables[0].columns[0].name = "count";
  CHECK(automatic_headline(r).empty());
}

TEST_CASE("a headline stands first in a table, below the title of a document, and in JSON's result") {
  Report r = sample_report();
  r.headline = "MRFT takes 1.1 times as long";
  CHECK(render(r, "table").starts_with("MRFT takes 1.1 times as long\n\nPlanes or rails\n"));
  CHECK(render(r, "markdown").starts_with("# Planes or rails\n\n**MRFT takes 1.1 times as long**\n\n"));
  CHECK(render(r, "json").find("\"result\": {\n    \"headline\": \"MRFT takes 1.1 times as long\",\n") != std::string::npos);
  CHECK(render(sample_report(), "json").find("headline") == std::string::npos);
  CHECK(render(r, "csv") == render(sample_report(), "csv"));
}

TEST_CASE("a long headline is wrapped at words") {
  Report r = sample_report();
  for (int i = 0; i < 30; ++i) r.headline += (i == 0 ? "" : " ") + std::string("word");
  RenderOptions narrow;
  narrow.width = 60;
  CHECK(render(r, "table", narrow).starts_with(r.headline.substr(0, 59) + "\n" + r.headline.substr(60, 59) + "\n"));
}
