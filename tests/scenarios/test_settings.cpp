// Settings: pointer = value on a document.
#include <doctest/doctest.h>

#include "tests/scenarios/support.h"

using namespace weft;
using namespace weft::scenarios;

namespace {
Json changed(const std::string& document, const std::string& setting) {
  Json j = parse_json(document, "t.json");
  apply_setting(j, test::set(setting), "t.json", "--set");
  return j;
}
}  // namespace

TEST_CASE("a value is JSON if it parses, else a string") {
  CHECK(changed(R"({"a": 1})", "/a=2") == Json::parse(R"({"a": 2})"));
  CHECK(changed(R"({"a": 1})", "/a=50 GB/s") == Json::parse(R"({"a": "50 GB/s"})"));
  CHECK(changed(R"({"a": 1})", "/b=[1,2]") == Json::parse(R"({"a": 1, "b": [1, 2]})"));
  CHECK(changed(R"({"a": 1})", "/b=x=y") == Json::parse(R"({"a": 1, "b": "x=y"})"));
}

TEST_CASE("a list element goes by number or by id") {
  const std::string doc = R"({"workload": [{"id": "p", "n": 1}, {"id": "q", "n": 2}]})";
  CHECK(changed(doc, "/workload/1/n=5")["workload"][1]["n"] == 5);
  CHECK(changed(doc, "/workload/q/n=6")["workload"][1]["n"] == 6);
  CHECK_THROWS_WITH_AS(changed(doc, "/workload/r/n=6"), doctest::Contains("known: p, q"), UserError);
  CHECK_THROWS_WITH_AS(changed(doc, "/workload/2/n=6"), doctest::Contains("leads nowhere"), UserError);
}

TEST_CASE("setting below a name extends the named thing") {
  CHECK(changed(R"({"cluster": {"node": "h800"}})", "/cluster/node/nic_rate=800 Gbps") ==
        Json::parse(R"({"cluster": {"node": {"extends": "h800", "nic_rate": "800 Gbps"}}})"));
}

TEST_CASE("a pointer that leads nowhere offers the nearest name") {
  CHECK_THROWS_WITH_AS(changed(R"({"cluster": {"nodes": 1}})", "/clustre/nodes=2"), doctest::Contains("did you mean \"cluster\""), UserError);
  CHECK_THROWS_AS(test::set("cluster=2"), UserError);
  CHECK_THROWS_AS(test::set("/cluster"), UserError);
}
