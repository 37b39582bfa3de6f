#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "reports/compare.h"
#include "reports/render.h"
#include "tests/reports/sample.h"

using namespace weft;
using namespace weft::reports;

TEST_CASE("json: a result holds schema, input, result and system, and its rows are flat") {
  const Json j = parse_json(render(sample_report(), "json"), "result");
  CHECK(j["schema"] == "weft-result/1");
  CHECK(j["input"]["digest"] == "abc");
  CHECK(j["system"] == Json({{"version", "0.1.0"}, {"seed", 7}, {"engine", "fluid"}, {"calibrations", Json::array()}}));
  REQUIRE(j["result"]["rows"].size() == 4);
  CHECK(j["result"]["rows"][3] == Json({{"variant", "MRFT"},
                                        {"workload", "all_to_all"},
                                        {"gpus", 16},
                                        {"size_B", 1073741824},
                                        {"time_us", 22000.0}}));
  CHECK(j["result"]["columns"]["all_to_all"]["time_us"] == "from start to last byte");
  CHECK(j["result"]["constants"][0]["origin"] == "published");
  CHECK_FALSE(j["result"].contains("comparison"));
}

TEST_CASE("json: numbers read back bit for bit and the same report gives the same bytes") {
  Report r = sample_report();
  for (double value : {0.1, 1.0 / 3.0, 1e-300, 123456789.123456789, 5e-324}) {
    r.tables[0].rows[0].set("time_us", value);
    const std::string text = render(r, "json");
    CHECK(parse_json(text, "result")["result"]["rows"][0]["time_us"].get<double>() == value);
    CHECK(text == render(r, "json"));
  }
}

TEST_CASE("json: a row is a line, so that a change of one row is a change of one line") {
  const std::string text = render(sample_report(), "json");
  CHECK(
      text.find("\n      "
                "{\"variant\":\"MPFT\",\"workload\":\"all_to_all\",\"gpus\":16,\"size_B\":1024,\"time_us\":12.5},\n") !=
      std::string::npos);
}

TEST_CASE("json: quotes, line breaks and letters of any language in names survive") {
  Report r = sample_report();
  const std::string name = "a \"b\"\n\\ \xc3\xbc";
  r.tables[0].rows[0].set("variant", name);
  CHECK(parse_json(render(r, "json"), "result")["result"]["rows"][0]["variant"] == name);
}

TEST_CASE("json: a comparison comes beside the plain rows, in long form") {
  Report r = sample_report();
  r.comparison = compare_variants(r);
  const Json j = parse_json(render(r, "json"), "result")["result"];
  CHECK(j["rows"].size() == 4);
  CHECK(j["comparison"]["base"] == "MPFT");
  // 22000 against 20000: 2000 more, 1.1 times.
  const Json& row = j["comparison"]["rows"][1];
  CHECK(row["column"] == "time_us");
  CHECK(row["size_B"] == 1073741824);
  CHECK(row["delta"] == 2000.0);
  CHECK(row["ratio"] == doctest::Approx(1.1).epsilon(1e-15));
}

TEST_CASE("json: a listing is an object of arrays under the names of its tables") {
  Listing l;
  Row row;
  row.set("id", "N1.01").set("pass", true);
  l.tables.push_back({"rows", "", "", {{"id", "check"}}, {{"pass", "within tolerance"}}, {row}});
  CHECK(parse_json(render(l, "json"), "listing") == Json({{"rows", {{{"id", "N1.01"}, {"pass", true}}}}}));
}

TEST_CASE("json: an approximate run and folded ranks are told in system, a line each") {
  Report r = sample_report();
  r.system.time_tolerance = 1e-3;
  Row folded;
  folded.set("workload", "all_to_all").set("ranks", std::int64_t{64}).set("simulated_ranks", std::int64_t{1});
  r.system.folded = {folded};
  const std::string text = render(r, "json");
  const Json j = parse_json(text, "result")["system"];
  CHECK(j["time_tolerance"] == 1e-3);
  CHECK(j["folded"] == Json::array({Json({{"workload", "all_to_all"}, {"ranks", 64}, {"simulated_ranks", 1}})}));
  CHECK(text.find("{\"workload\":\"all_to_all\",\"ranks\":64,\"simulated_ranks\":1}\n") != std::string::npos);
}
