#include <doctest/doctest.h>

#include "reports/page/curves.h"
#include "tests/reports/sample.h"

using namespace weft;
using namespace weft::reports;

namespace {

/// time = size / 40 GB/s for both variants on each number of GPUs, MRFT twice that.
Report sizes(const std::vector<std::int64_t>& gpus, const std::vector<std::int64_t>& bytes) {
  Report r = sample_report();
  Table& t = r.tables[0];
  t.rows.clear();
  for (const std::string& variant : r.variants) {
    for (const std::int64_t g : gpus) {
      for (const std::int64_t b : bytes) {
        Row row;
        t.rows.push_back(row.set("variant", variant).set("workload", "all_to_all").set("gpus", g).set("size_B", b).set("time_us", static_cast<double>(b) / 40e3 * (variant == "MRFT" ? 2 : 1)));
      }
    }
  }
  return r;
}

}  // namespace

TEST_CASE("curves: a label with three numbers is an axis, each variant a line") {
  const std::vector<Curve> curves = curves_of(sizes({16}, {1024, 4096, 16384}));
  REQUIRE(curves.size() == 1);
  CHECK(curves[0].x_name == "size_B");
  CHECK(curves[0].y_name == "time_us");
  REQUIRE(curves[0].lines.size() == 2);
  CHECK(curves[0].lines[0].name == "MPFT");
  CHECK(curves[0].lines[1].y[2] == doctest::Approx(2 * 16384 / 40e3));
}

TEST_CASE("curves: two numbers are no axis") { CHECK(curves_of(sizes({16}, {1024, 4096})).empty()); }

TEST_CASE("curves: an axis over more than one and a half decades is logarithmic") {
  CHECK_FALSE(curves_of(sizes({16}, {1024, 2048, 4096}))[0].x_log);
  const Curve wide = curves_of(sizes({16}, {1024, 1048576, 1073741824}))[0];
  CHECK(wide.x_log);
  CHECK(wide.y_log);
}

TEST_CASE("curves: too many lines for one chart become one chart a value of the other label") {
  // 2 variants times 5 numbers of GPUs are 10 lines over the sizes: one chart for each number; of many the largest are shown.
  const std::vector<Curve> curves = curves_of(sizes({2, 4, 8, 16, 32}, {1024, 2048, 4096, 8192, 16384, 32768}));
  REQUIRE(curves.size() == 4);
  for (const Curve& c : curves) CHECK(c.lines.size() == 2);
  CHECK(curves[1].title == "all_to_all, gpus=32");
  CHECK(curves[3].x_name == "gpus");
  CHECK(curves[3].title == "all_to_all, size_B=32 KiB");
}

TEST_CASE("curves: expected values are points in the chart whose lines they belong to") {
  Report r = sizes({16, 32}, {1024, 4096, 16384});
  Expectation e;
  e.of = "MRFT/all_to_all[gpus=32,size_B=4096]/time_us";
  e.value = 0.2;
  e.tolerance_pct = 3;
  e.pass = true;
  e.source = "Figure 5";
  r.expectations = {e};
  e.of = "MRFT/all_to_all[gpus=32,size_B=4096]/time_us over MPFT/all_to_all[gpus=32,size_B=4096]/time_us";
  r.expectations.push_back(e);   // a ratio is no point
  const std::vector<Curve> curves = curves_of(r);
  REQUIRE(curves.size() == 1);
  REQUIRE(curves[0].published.size() == 1);
  CHECK(curves[0].published[0].x == 4096);
  CHECK(curves[0].published[0].y == 0.2);
  CHECK(curves[0].published[0].tolerance_pct == 3);
}

TEST_CASE("curves: a band lies where all rows have both of its ends") {
  Report r = sizes({16}, {1024, 4096, 16384});
  for (Row& row : r.tables[0].rows) row.set("time_us_p5", row.number("time_us") * 0.9).set("time_us_p95", row.number("time_us") * 1.1);
  const Curve c = curves_of(r)[0];
  REQUIRE(c.lines[0].low.size() == 3);
  CHECK(c.lines[0].high[1] == doctest::Approx(1.1 * c.lines[0].y[1]));
}

TEST_CASE("curves: a label that is left out of the lines is not drawn as if there were one value") {
  Report r = sizes({16}, {1024, 4096, 16384});
  r.tables[0].rows.push_back(r.tables[0].rows.front());   // the same labels twice
  const std::vector<Curve> curves = curves_of(r);
  REQUIRE(curves.size() == 1);
  CHECK(curves[0].lines.size() == 1);   // MPFT has two times at one size
}

TEST_CASE("curves: lines that lie on one another are one line with all their names") {
  Report r = sizes({16}, {1024, 4096, 16384});
  for (Row& row : r.tables[0].rows) row.set("time_us", row.number("size_B") * 1e-3 * (std::get<std::string>(*row.find("variant")) == "MRFT" ? 1 + 1e-9 : 1));
  const Curve c = curves_of(r)[0];
  REQUIRE(c.lines.size() == 1);
  CHECK(c.lines[0].name == "MPFT = MRFT");
}
