// ep_speed_limit: the arithmetic of arXiv:2505.09343 section 2.3.2 term by term, the reference checks, and bad input.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "scenarios/studies/validate.h"
#include "tests/scenarios/support.h"

using namespace weft;
using namespace weft::scenarios;
using doctest::Approx;

namespace {

const std::string kCluster = R"("node": "endpoint", "nodes": 1, "topology": {"kind": "single_switch"})";

std::string asking(const std::string& more = "") { return test::minimal(kCluster, R"({"kind": "ep_speed_limit")" + more + "}"); }

/// Of the default networks.
std::string at(const std::string& network, int hidden, const std::string& column) {
  return "t/ep_speed_limit[network=" + network + ",hidden=" + std::to_string(hidden) + "]/" + column;
}

const std::string kIb = "InfiniBand 400 Gbps", kNvl = "GB200 NVL72";

std::map<std::string, Json> checks(const std::string& name) {
  const char* folder = std::getenv("WEFT_REFERENCE");
  const std::filesystem::path file = std::filesystem::path(folder == nullptr ? "" : folder) / "spec" / name;
  if (!std::filesystem::exists(file)) std::exit(77);
  std::map<std::string, Json> all;
  for (const Json& record : read_json_file(file.string())) all[record["id"].get<std::string>()] = record;
  return all;
}

}  // namespace

TEST_CASE("each term of the published limit has its column: 120.96 us, 241.92 us, 14.76 ms and 67 tokens a second over InfiniBand") {
  const auto r = test::run(asking());
  CHECK(r.tables[0].rows.size() == 4);
  CHECK(cell_of(r, at(kIb, 7000, "dispatch_bytes")) == 32 * 9 * 7000);
  CHECK(cell_of(r, at(kIb, 7000, "combine_bytes")) == 2 * 32 * 9 * 7000);
  CHECK(cell_of(r, at(kIb, 7000, "bytes")) == 6048000);             // (1 + 2) B x 32 x 9 x 7000
  CHECK(cell_of(r, at(kIb, 7000, "comm_us")) == Approx(120.96).epsilon(1e-12));
  CHECK(cell_of(r, at(kIb, 7000, "layer_us")) == Approx(241.92).epsilon(1e-12));
  CHECK(cell_of(r, at(kIb, 7000, "tpot_ms")) == Approx(61 * 0.24192).epsilon(1e-12));
  CHECK(std::floor(cell_of(r, at(kIb, 7000, "tokens_per_s"))) == 67);
  CHECK(cell_of(r, at(kNvl, 7000, "comm_us")) == Approx(6.72).epsilon(1e-12));
  CHECK(cell_of(r, at(kNvl, 7000, "tpot_ms")) == Approx(0.81984).epsilon(1e-12));
}

TEST_CASE("with latency each dispatch and combine starts up for 33.2 us: 187.36 us an exchange") {
  const auto r = test::run(asking());
  CHECK(cell_of(r, at(kIb, 7000, "start_up_us")) == Approx(66.4).epsilon(1e-12));
  CHECK(cell_of(r, at(kIb, 7000, "comm_with_latency_us")) == Approx(120.96 + 66.4).epsilon(1e-12));
  CHECK(cell_of(r, at(kIb, 7000, "tpot_with_latency_ms")) == Approx(122 * 0.18736).epsilon(1e-12));
  CHECK(cell_of(r, at(kNvl, 7000, "tokens_per_s_with_latency")) == Approx(1e6 / (122 * 73.12)).epsilon(1e-12));
  bool fitted = false;
  for (const ConstantUsed& c : r.constants) fitted = fitted || (c.name == "kernel deepep_low_latency: start_up" && c.origin == Origin::fitted);
  CHECK(fitted);
  const auto without = test::run(asking(R"(, "kernel": {"extends": "deepep_low_latency", "start_up": "0 us"})"));
  CHECK(cell_of(without, at(kIb, 7000, "tpot_with_latency_ms")) == cell_of(without, at(kIb, 7000, "tpot_ms")));
}

TEST_CASE("the reference checks N6.01-N6.07 and C076-C078") {
  const auto network = checks("network_checks.json"), compute = checks("compute_checks.json");
  const auto r = test::run(asking()), scales = test::run(asking(R"(, "dispatch_element": "1.03125 B")"));
  const auto meets = [&](const char* id, const char* key, double got) {
    CAPTURE(id);
    const Json& c = network.at(id);
    CHECK(got == Approx(c["expected"][key].get<double>()).epsilon(c["tolerance"]["rel"].get<double>()));
  };
  meets("N6.01", "us", cell_of(r, at(kIb, 7000, "comm_us")));
  meets("N6.02", "us", cell_of(r, at(kNvl, 7000, "comm_us")));
  meets("N6.03", "us", cell_of(r, at(kIb, 7168, "comm_us")));
  meets("N6.04", "ms", cell_of(r, at(kIb, 7000, "tpot_ms")));
  meets("N6.04", "tok_s", cell_of(r, at(kIb, 7000, "tokens_per_s")));
  meets("N6.05", "ms", cell_of(r, at(kNvl, 7000, "tpot_ms")));
  meets("N6.05", "tok_s", cell_of(r, at(kNvl, 7000, "tokens_per_s")));
  meets("N6.06", "us", cell_of(scales, at(kIb, 7168, "comm_us")));
  meets("N6.07", "ms", cell_of(r, at(kIb, 7000, "tpot_with_latency_ms")));
  const auto close = [&](const char* id, const Json& expected, double got) {
    CAPTURE(id);
    CHECK(got == Approx(expected.get<double>()).epsilon(compute.at(id)["tolerance"].get<double>()));
  };
  close("C076", compute.at("C076")["expected"][0], cell_of(r, at(kIb, 7000, "tpot_ms")));
  close("C076", compute.at("C076")["expected"][1], cell_of(r, at(kIb, 7000, "tokens_per_s")));
  close("C077", compute.at("C077")["expected"], cell_of(r, at(kNvl, 7000, "tpot_ms")));
  close("C078", compute.at("C078")["expected"], cell_of(r, at(kIb, 7000, "comm_us")));
}

TEST_CASE("the shipped scenario meets the paper to its digits") {
  const Scenario shipped = load_scenario(test::data().find("scenarios", "ep_speed_limit").string(), {});
  auto r = run_scenario(shipped, test::data(), {});
  check_expectations(shipped, r);
  CHECK(r.expectations.size() >= 11);
  for (const auto& e : r.expectations) {
    CAPTURE(e.of);
    CHECK(e.pass);
  }
}

TEST_CASE("what is wrong in the question is told at its key") {
  const auto says = [](const std::string& keys, const std::string& part) {
    const std::string text = test::error_of(asking(keys));
    CAPTURE(text);
    CHECK(text.find(part) != std::string::npos);
  };
  says(R"(, "networks": [])", "/workload/0/networks: expected a list of networks");
  says(R"(, "networks": [{"name": "x", "rate": 50}])", "/workload/0/networks/0/rate");
  says(R"(, "networks": [{"name": "x", "rate": "50 GB/s"}, {"name": "x", "rate": "60 GB/s"}])", "/workload/0/networks/1/name: a network \"x\" stands here already");
  says(R"(, "networks": [{"name": "x", "rate": "0 GB/s"}])", "/workload/0/networks/0/rate");
  says(R"(, "networks": [{"name": "x", "rate": "50 GB/s", "rat": 1}])", "/workload/0/networks/0/rat");
  says(R"(, "hidden": [7000, 7000])", "/workload/0/hidden: 7000 stands here twice");
  says(R"(, "hidden": 0)", "/workload/0/hidden");
  says(R"(, "tokens": 0)", "/workload/0/tokens");
  says(R"(, "dispatch_element": 1)", "/workload/0/dispatch_element");
  says(R"(, "kernel": "deepep_lowlatency")", "/workload/0/kernel: unknown name");
}
