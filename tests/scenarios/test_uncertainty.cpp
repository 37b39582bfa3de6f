// uncertainty: bands of drawn kernel times beside a result.
#include <doctest/doctest.h>

#include <algorithm>

#include "reports/render.h"
#include "scenarios/studies/uncertainty.h"
#include "tests/scenarios/support.h"

using namespace weft;
using namespace weft::scenarios;

namespace {

const std::string kCluster = R"("node": "endpoint", "nodes": 1, "topology": {"kind": "single_switch"})";
const std::string kGemms = test::minimal(kCluster, R"({"kind": "kernel", "gpu": "h800", "family": "gemm", "shape": {"m": [4096, 65536], "n": 7168, "k": 16384}})");

reports::Report drawn(const std::string& text, std::size_t draws, std::uint64_t seed = 1, unsigned jobs = 1, KernelOptions kernels = {}) {
  const Scenario s = test::scenario(text);
  RunOptions o;
  o.seed = seed;
  o.jobs = jobs;
  o.kernels = kernels;
  reports::Report r = run_scenario(s, test::data(), o);
  add_uncertainty(r, s, test::data(), o, draws);
  return r;
}

std::string json(const reports::Report& r) { return reports::render(r, "json", {}); }

double width_pct(const reports::Report& r, const std::string& row) {
  return 100 * (cell_of(r, row + "/time_us_p95") - cell_of(r, row + "/time_us_p5")) / cell_of(r, row + "/time_us");
}

}  // namespace

TEST_CASE("the median of the bands is the point value within 1 % for a calibrated shape, and p5 <= p50 <= p95") {
  const auto r = drawn(kGemms, 400);
  CHECK(cell_of(r, "t/kernel[m=4096]/time_us_p50") == doctest::Approx(cell_of(r, "t/kernel[m=4096]/time_us")).epsilon(0.01));
  for (const Row& row : r.tables.front().rows) {
    CHECK(row.number("time_us_p5") < row.number("time_us_p50"));
    CHECK(row.number("time_us_p50") < row.number("time_us_p95"));
    CHECK(row.number("time_us_p5") >= row.number("roofline_us"));
  }
  CHECK(r.system.draws == 400);
  CHECK(r.notes.back().find("400 draws (seed 1)") != std::string::npos);
  CHECK(r.notes.back().find("not the network") != std::string::npos);
}

TEST_CASE("bands are wider for shapes further out") {
  const auto r = drawn(kGemms, 200);
  CHECK(width_pct(r, "t/kernel[m=65536]") > 1.3 * width_pct(r, "t/kernel[m=4096]"));
  // The fit's own mean error of 3.8 % alone is a band of 2 x 1.64 x 3.8 / 0.8 = 15.6 %.
  CHECK(width_pct(r, "t/kernel[m=4096]") > 8);
  CHECK(width_pct(r, "t/kernel[m=4096]") < 25);
}

TEST_CASE("the same seed gives the same bytes whatever the number of threads, another seed other bands") {
  const std::string one = json(drawn(kGemms, 40, 1, 1));
  CHECK(one == json(drawn(kGemms, 40, 1, 2)));
  CHECK(one == json(drawn(kGemms, 40, 1, 5)));
  CHECK(one != json(drawn(kGemms, 40, 2, 1)));
}

TEST_CASE("columns that do not move have no bands, and rows without kernel times stay as they are") {
  const auto r = drawn(R"({"title": "t", "cluster": {)" + kCluster + R"(}, "workload": [{"kind": "price"},
    {"kind": "kernel", "gpu": "h800", "family": "gemm", "shape": {"m": 64, "n": 7168, "k": 16384}}],
    "variants": [{"name": "a"}, {"name": "b", "set": {"/workload/kernel/cost_model": "roofline"}}]})", 20);
  for (const Row& row : r.tables[0].rows) {
    for (const auto& [name, cell] : row.cells()) CHECK(name.find("_p5") == std::string::npos);
  }
  const Row& measured = r.tables[1].rows[0];
  CHECK(measured.find("time_us_p5") != nullptr);
  CHECK(measured.find("tflops_p95") != nullptr);
  CHECK(measured.find("roofline_us_p5") == nullptr);
  CHECK(measured.find("m_p5") == nullptr);
  // Beside it the roofline, whose band is a point.
  CHECK(cell_of(r, "b/kernel/time_us_p5") == cell_of(r, "b/kernel/time_us_p95"));
}

TEST_CASE("without kernel times nothing is uncertain, and the result says so") {
  const auto r = drawn(test::minimal(kCluster, R"({"kind": "price"})"), 20);
  CHECK(r.system.draws == 0);
  CHECK(r.notes.back().find("nothing here is uncertain") == 0);
  CHECK(drawn(kGemms, 5, 1, 1, {models::Fidelity::roofline, {}, false}).notes.back().find("moved nothing") != std::string::npos);
}

TEST_CASE("a result with bands is a scenario again, with its draws, cost model and calibrations") {
  const std::string text = json(drawn(kGemms, 7, 3, 1, {models::Fidelity::fitted, {"h800_training"}, true}));
  const Scenario again = scenario_of(parse_json(text, "result.json"), "result.json", {});
  CHECK(again.draws == 7);
  CHECK(again.seed == 3);
  CHECK(again.cost_model == "fitted");
  CHECK(again.calibrations == std::vector<std::string>{"h800_training"});
  CHECK(again.force);
}
