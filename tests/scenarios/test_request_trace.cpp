// request_trace: what requests ask for by hour, as rows of a scenario.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "scenarios/studies/validate.h"
#include "tests/scenarios/support.h"
#include "tests/support/trace_rules.h"

using namespace weft;
using namespace weft::scenarios;
using doctest::Approx;

namespace {

const std::string kCluster = R"("node": "endpoint", "nodes": 1, "topology": {"kind": "single_switch"})";

std::string asking(const std::string& requests, const std::string& more = "") {
  return test::minimal(kCluster, R"({"kind": "request_trace", "requests": {)" + requests + "}" + more + "}");
}

std::string of(const std::string& from, const std::string& column) { return "t/request_trace[from=" + from + "]/" + column; }

}  // namespace

TEST_CASE("request_trace gives a row for all and one for each interval, which add up") {
  const auto r = test::run(asking(R"("process": "uniform", "count": 7200, "duration": "2 h", "prompt": 4383, "output": 1211)", R"(, "interval": "30 min")"));
  REQUIRE(r.tables[0].rows.size() == 5);
  CHECK(cell_of(r, of("all", "requests")) == 7200);
  CHECK(cell_of(r, of("all", "requests_per_s")) == 1);
  CHECK(cell_of(r, of("all", "peak_requests_per_s")) == 1);
  CHECK(cell_of(r, of("1800 s", "requests")) == 1800);
  CHECK(cell_of(r, of("1800 s", "prompt_tokens_per_s")) == 4383);
  CHECK(cell_of(r, of("all", "cached_pct")) == Approx(100 * 2465 / 4383.0));   // 0.5625 x 4383 = 2465.4
  CHECK(cell_of(r, of("all", "output_tokens")) == 7200 * 1211);
  CHECK(cell_of(r, of("all", "kv_tokens_mean")) == Approx(4383 + 1211 / 2.0));
  CHECK(r.warnings.empty());
}

TEST_CASE("request_trace has the same bytes for the same seed, others for another, and repeats from what it resolved to") {
  const std::string text = asking(R"("process": "diurnal", "count": 5000)");
  const auto a = test::run(text), b = test::run(text, 2), c = test::run(text, 1, 7);
  CHECK(cell_of(a, of("all", "prompt_tokens")) == cell_of(b, of("all", "prompt_tokens")));
  CHECK(cell_of(a, of("all", "prompt_tokens")) != cell_of(c, of("all", "prompt_tokens")));
  Json resolved = (*a.input)["resolved"][0]["workload"][0];
  resolved.erase("constants");
  CHECK(resolved["requests"]["curve"] == "deepseek_day");
  CHECK(resolved["interval"] == "1 h");
  const auto again = test::run(test::minimal(kCluster, resolved.dump()));
  CHECK(cell_of(again, of("all", "prompt_tokens")) == cell_of(a, of("all", "prompt_tokens")));
}

TEST_CASE("request_trace warns of what was left out and tells a trace's mistakes with their line") {
  const weft::testing::ScratchFile file(".csv");
  const auto with = [&](const std::string& last) {
    std::ofstream(file.path()) << "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374,44\n" << last;
    return asking(R"("trace": ")" + file.path() + R"(", "max_context": 1000, "too_long": "drop")");
  };
  const auto r = test::run(with("2023-11-16 18:15:56.6805900,3740,44\n2023-11-16 18:15:57.6805900,374,44\n"));
  REQUIRE(r.warnings.size() == 1);
  CHECK(r.warnings[0].find("1 request was longer than 1000 tokens and left out") != std::string::npos);
  CHECK(cell_of(r, of("all", "requests_per_s")) == Approx(2 / 11.0));   // up to the last arrival
  CHECK(test::error_of(with("2023-11-16 18:15:45,1,1\n")).find("before that of the line above (sort the lines by their times)") != std::string::npos);
  CHECK(test::error_of(with("2023-11-16 18:15:45,1,1\n")).starts_with(file.path() + ": line 3"));
  std::ofstream(file.path()) << "{\"timestamp\": 0, ";
  CHECK(test::error_of(asking(R"("trace": ")" + file.path() + "\"")) == file.path() + ": line 1: this is not JSON (the file seems to be cut off)");
  CHECK(test::error_of(asking("")).find("/workload/0/requests: expected a `process`") != std::string::npos);
  CHECK(test::error_of(test::minimal(kCluster, R"({"kind": "request_trace"})")).find("/workload/0/requests") != std::string::npos);
  CHECK(test::error_of(asking(R"("process": "uniform", "count": 2, "duration": "1000 h")", R"(, "interval": "1 ms")")).find("/interval: there would be more than 100000 intervals") !=
        std::string::npos);
}
