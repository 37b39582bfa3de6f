// Loading: variants, expectations, and what a result keeps of its input.
#include <doctest/doctest.h>

#include "tests/scenarios/support.h"

using namespace weft;
using namespace weft::scenarios;

TEST_CASE("without variants there is one, named by the title") {
  const Scenario s = test::scenario(test::minimal(R"("topology": {"kind": "ft2"})", R"({"kind": "price"})"));
  REQUIRE(s.variants.size() == 1);
  CHECK(s.variants[0].name == "t");
}

TEST_CASE("settings come before variants, so a variant has the last word") {
  const std::string text = R"({"title": "t", "cluster": {"topology": {"kind": "ft2"}}, "workload": [{"kind": "price"}],
    "variants": [{"name": "a"}, {"name": "b", "set": {"/cluster/topology/kind": "mrft"}}]})";
  const Scenario s = test::scenario(text, {test::set("/cluster/topology/kind=mpft")});
  CHECK((*s.variants[0].document)["cluster"]["topology"]["kind"] == "mpft");
  CHECK((*s.variants[1].document)["cluster"]["topology"]["kind"] == "mrft");
}

TEST_CASE("expectations are taken off before a run") {
  const std::string text = R"({"title": "t", "cluster": {"topology": {"kind": "ft2"}}, "workload": [{"kind": "price"}],
    "expect": [{"of": "t/price/switches", "value": 96, "source": "Table 3"}, {"of": "t/price/switches", "value": 97, "source": "nobody"}]})";
  const Scenario s = test::scenario(text);
  CHECK(!s.document->contains("expect"));
  reports::Report r = run_scenario(s, test::data(), {});
  CHECK(!r.input->contains("expect"));
  check_expectations(s, r);
  CHECK(r.expectations[0].pass);
  CHECK(!r.expectations[1].pass);
  CHECK(r.expectations[1].error_pct == doctest::Approx(100.0 * (96 - 97) / 97));
}

TEST_CASE("the input of a result is a scenario again, with the same digest") {
  const std::string text = test::minimal(R"("topology": {"kind": "ft2"})", R"({"kind": "price"})");
  const reports::Report first = test::run(text);
  const reports::Report again = run_scenario(scenario_of(*first.input, "again.json", {}), test::data(), {});
  CHECK((*again.input)["digest"] == (*first.input)["digest"]);
  CHECK((*first.input)["resolved"][0]["cluster"]["node"] == "h800");
}

TEST_CASE("a result that another version wrote is refused by its schema") {
  const Json input = parse_json(test::minimal(R"("topology": {"kind": "ft2"})", R"({"kind": "price"})"), "s.json");
  CHECK(scenario_of({{"schema", "weft-result/1"}, {"input", input}}, "r.json", {}).title == "t");
  for (const Json& schema : {Json("weft-result/9"), Json("weft-sensitivity/1"), Json(1), Json()}) {
    CAPTURE(schema.dump());
    CHECK_THROWS_WITH_AS(scenario_of({{"schema", schema}, {"input", input}}, "r.json", {}), doctest::Contains("r.json: /schema: expected \"weft-result/1\", got "), UserError);
  }
}

TEST_CASE("an expectation that points nowhere is an error that names its place") {
  const std::string text = R"({"title": "t", "cluster": {"topology": {"kind": "ft2"}}, "workload": [{"kind": "price"}],
    "expect": [{"of": "t/prize/switches", "value": 96, "source": "Table 3"}]})";
  const Scenario s = test::scenario(text);
  reports::Report r = run_scenario(s, test::data(), {});
  CHECK_THROWS_WITH_AS(check_expectations(s, r), doctest::Contains("/expect/0/of"), UserError);
}
