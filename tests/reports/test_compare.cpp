#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <array>

#include "reports/compare.h"
#include "sim/core/error.h"
#include "tests/reports/sample.h"

using namespace weft;
using namespace weft::reports;

TEST_CASE("rows meet by workload and labels, whatever their order") {
  Report r = sample_report();
  std::swap(r.tables[0].rows[2], r.tables[0].rows[3]);
  const Comparison c = compare_variants(r);
  CHECK(c.base == "MPFT");
  CHECK(c.others == std::vector<std::string>{"MRFT"});
  REQUIRE(c.rows.size() == 2);
  // 1 KiB: equal. 1 GiB: 22000 - 20000 = 2000, 22000 / 20000 = 1.1.
  CHECK(c.rows[0].number("delta") == 0);
  CHECK(c.rows[0].number("ratio") == 1);
  CHECK(c.rows[1].number("delta") == 2000);
  CHECK(c.rows[1].number("ratio") == doctest::Approx(1.1).epsilon(1e-15));
  CHECK(c.notes.empty());
}

TEST_CASE("a ratio to zero does not exist, the difference does") {
  Report r = sample_report();
  r.tables[0].rows[0].set("time_us", 0.0);
  const Comparison c = compare_variants(r);
  CHECK(c.rows[0].find("ratio") == nullptr);
  CHECK(c.rows[0].number("delta") == 12.5);
}

TEST_CASE("words are compared without difference or ratio") {
  Report r = sample_report();
  r.tables[0].columns.push_back({"limit", "what limits it"});
  for (std::size_t i : {0u, 2u}) r.tables[0].rows[i].set("limit", i == 0 ? "NIC" : "spine");
  const Comparison c = compare_variants(r);
  REQUIRE(c.rows.size() == 3);
  CHECK(c.rows[1].find("delta") == nullptr);
  CHECK(std::get<std::string>(*c.rows[1].find("base")) == "NIC");
  CHECK(std::get<std::string>(*c.rows[1].find("value")) == "spine");
}

TEST_CASE("rows and cells without a counterpart are told, not dropped") {
  Report r = sample_report();
  r.tables[0].rows[2].set("gpus", 32);
  Comparison c = compare_variants(r);
  CHECK(c.rows.size() == 1);
  CHECK(c.notes == std::vector<std::string>{"all_to_all (gpus 16, size_B 1024): MRFT has no such row",
                                            "all_to_all (gpus 32, size_B 1024): only MRFT has this row"});
  r = sample_report();
  r.tables[0].columns.push_back({"limit", "what limits it"});
  r.tables[0].rows[2].set("limit", "spine");
  c = compare_variants(r);
  CHECK(c.notes ==
        std::vector<std::string>{"all_to_all (gpus 16, size_B 1024): limit is spine in MRFT and absent in MPFT"});
}

TEST_CASE("two rows with one key, or a single variant, cannot be compared") {
  Report r = sample_report();
  r.tables[0].rows[1].set("size_B", 1024);
  CHECK_THROWS_WITH_AS(compare_variants(r),
                       doctest::Contains("variant MPFT has two rows with the same labels (gpus 16, size_B 1024)"),
                       RunError);
  r.variants = {"MPFT"};
  CHECK_THROWS_AS(compare_variants(r), UserError);
}

TEST_CASE("inputs differ at the deepest places that differ") {
  const Json base = Json::parse(R"({"cluster": {"topology": {"kind": "mpft", "radix": 64}, "failed": []}, "a/b": 1})");
  const Json other =
      Json::parse(R"({"cluster": {"topology": {"kind": "mrft", "radix": 64, "pods": 2}, "failed": ["x"]}})");
  const auto d = input_differences(base, other, "MRFT");
  REQUIRE(d.size() == 4);
  CHECK(d[0].pointer == "/cluster/topology/kind");
  CHECK(d[0].base == "\"mpft\"");
  CHECK(d[0].value == "\"mrft\"");
  CHECK(d[1].pointer == "/cluster/topology/pods");
  CHECK(d[1].base == "absent");
  CHECK(d[2].pointer == "/cluster/failed/0");
  CHECK(d[3].pointer == "/a~1b");
  CHECK(d[3].value == "absent");
  CHECK(input_differences(base, base, "same").empty());
}

TEST_CASE("several reports become one whose variants carry their names") {
  Report one = sample_report();
  one.variants = {"MPFT"};
  one.tables[0].rows.resize(2);
  const std::array<Report, 2> reports = {one, sample_report()};
  const std::array<std::string, 2> names = {"small.json", "large.json"};
  const Report r = join(reports, names);
  CHECK(r.variants == std::vector<std::string>{"small.json", "large.json: MPFT", "large.json: MRFT"});
  REQUIRE(r.tables.size() == 1);
  CHECK(r.tables[0].rows.size() == 6);
  CHECK(r.constants.size() == 1);
  // Each of the two others meets the base in two rows.
  CHECK(compare_variants(r).rows.size() == 4);
}

TEST_CASE("tables of one id and two kinds do not join") {
  std::array<Report, 2> reports = {sample_report(), sample_report()};
  reports[1].tables[0].kind = "ping";
  const std::array<std::string, 2> names = {"a", "b"};
  CHECK_THROWS_WITH_AS(join(reports, names),
                       doctest::Contains("\"all_to_all\" is of kind ping in b and of kind all_to_all before it"),
                       UserError);
}
