// Published failure rates: their arithmetic (N8.01 to N8.05), retries of the network (N8.12), and what is refused.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "models/failures/recovery.h"

using namespace weft;
using namespace weft::models;
using doctest::Approx;

namespace {

FailureRates read(const std::string& json) {
  const Json value = parse_json(json, "scenario.json");
  Problems problems;
  const FailureRates rates = read_failure_rates(JsonReader(value, "scenario.json", problems, "/rates"), DataPlaces::standard());
  problems.throw_if_any();
  return rates;
}

std::string refused(const std::string& json) {
  try {
    read(json);
  } catch (const UserError& e) {
    return e.what();
  }
  return "";
}

Recovery recovery(const std::string& workload) {
  const Json value = parse_json(workload, "scenario.json");
  Problems problems;
  JsonReader where(value, "scenario.json", problems, "/workload/0");
  const Recovery r = read_recovery(where, DataPlaces::standard());
  where.done();
  problems.throw_if_any();
  return r;
}

std::string recovery_refused(const std::string& workload) {
  try {
    recovery(workload);
  } catch (const UserError& e) {
    return e.what();
  }
  return "";
}

/// Hours between failures of all causes, or of those whose part is in the network without NICs.
double mtbf_h(const FailureRates& rates, const Exposure& e, bool network_alone = false) {
  double sum = 0;
  for (const FailureCause& c : rates.causes) {
    if (!network_alone || (in_network(c.part) && c.part != FailedPart::nic)) sum += per_hour(c, e);
  }
  return 1 / sum;
}

double monthly(const FailureRates& rates, FailedPart part, double parts) {
  double sum = 0;
  for (const FailureCause& c : rates.causes) {
    if (c.part == part) sum += per_hour(c, {.parts = parts}) * 365.25 * 24 / 12;
  }
  return sum;
}

}  // namespace

TEST_CASE("N8.01: Llama 3's causes add up to 419 interruptions in 54 days on 16,384 GPUs") {
  const FailureRates r = read("\"llama3_405b\"");
  double sum = 0;
  for (const FailureCause& c : r.causes) sum += per_hour(c, {.gpus = 16384}) * 54 * 24;
  CHECK(sum == Approx(419).epsilon(1e-12));
  CHECK(r.causes.size() == 18);
}

TEST_CASE("N8.02: one interruption in 3.09 h on 16,384 GPUs, in 24.7 h on 2,048; of the network alone in 296 h") {
  const FailureRates r = read("\"llama3_405b\"");
  CHECK(mtbf_h(r, {.gpus = 16384}) == Approx(54 * 24 / 419.0).epsilon(1e-12));
  CHECK(mtbf_h(r, {.gpus = 16384}) == Approx(3.093).epsilon(0.002));
  CHECK(mtbf_h(r, {.gpus = 2048}) == Approx(24.74).epsilon(0.002));
  CHECK(mtbf_h(r, {.gpus = 2048}, true) == Approx(296.2).epsilon(0.002));
}

TEST_CASE("N8.03: RSC-1 gives 14.4 h on 256 nodes and 1.8 h on 2,048, RSC-2 40 and 5 h") {
  CHECK(mtbf_h(read("\"rsc_1\""), {.nodes = 256}) == Approx(14.42).epsilon(0.002));
  CHECK(mtbf_h(read("\"rsc_1\""), {.nodes = 2048}) == Approx(1.803).epsilon(0.002));
  CHECK(mtbf_h(read("\"rsc_2\""), {.nodes = 256}) == Approx(40.06).epsilon(0.002));
  CHECK(mtbf_h(read("\"rsc_2\""), {.nodes = 2048}) == Approx(5.008).epsilon(0.002));
}

TEST_CASE("N8.04: RSC-1's rate gives 28.8 h on 128 nodes, and the file holds the 7.9 h that were measured beside it") {
  const FailureRates r = read("\"rsc_1\"");
  CHECK(mtbf_h(r, {.nodes = 128}) == Approx(28.85).epsilon(0.01));
  REQUIRE(!r.also_published.empty());
  CHECK(r.also_published.front().number.value == 7.9);
}

TEST_CASE("N8.05: HPN's rates are 1.17 links and 0.033 leaves a month for 2,048 GPUs, 0.049 of all 96 switches") {
  const FailureRates r = read("\"hpn24\"");
  CHECK(monthly(r, FailedPart::nic_link, 2048) == Approx(1.167).epsilon(0.005));
  CHECK(monthly(r, FailedPart::leaf, 64) == Approx(0.0326).epsilon(0.005));
  CHECK(monthly(r, FailedPart::leaf, 64) + monthly(r, FailedPart::spine, 32) == Approx(0.049).epsilon(0.005));
  // 0.057 % over 730.5 h: 7.8e-7 an hour, one in 1.28 million hours.
  CHECK(1 / r.causes.front().per_hour.value == Approx(1.28e6).epsilon(0.005));
}

TEST_CASE("every shipped file of failures reads, and each number has its source") {
  const DataPlaces data = DataPlaces::standard();
  CHECK(data.names("models/data/failures").size() >= 4);
  for (const std::string& name : data.names("models/data/failures")) {
    CAPTURE(name);
    const FailureRates r = read("\"" + name + "\"");
    CHECK_FALSE(r.title.empty());
    for (const ConstantUsed& c : constants_of(r)) CHECK_FALSE(c.source.empty());
    for (const FailureFact& f : r.also_published) CHECK_FALSE(f.number.source.empty());
  }
}

TEST_CASE("N8.12: a queue pair gives up 30.06 s after the first loss with a time-out of 2^20 ticks, after 7.52 s with 2^18") {
  CHECK(RetryPolicy{20, 7}.budget().value() == Approx(4.096e-6 * 1048576 * 7));
  CHECK(RetryPolicy{20, 7}.budget().value() == Approx(30.06).epsilon(0.002));
  CHECK(RetryPolicy{18, 7}.budget().value() == Approx(7.52).epsilon(0.002));
  CHECK(recovery("{}").retry().budget().value() == Approx(30.06).epsilon(0.002));
}

TEST_CASE("a path that is away stalls a transfer until the next try, and ends it when it is away longer than the tries last") {
  const RetryPolicy r{20, 7};
  const double q = r.quantum().value();   // 4.295 s
  CHECK(r.stall(Seconds(0))->value() == 0);
  CHECK(r.stall(Seconds(0.5))->value() == Approx(q));
  CHECK(r.stall(Seconds(q))->value() == Approx(q));
  CHECK(r.stall(Seconds(q * 1.01))->value() == Approx(2 * q));
  CHECK(r.stall(Seconds(30))->value() == Approx(7 * q));   // ByteRobust's 30 s are just within 30.06 s
  CHECK_FALSE(r.stall(Seconds(30.1)).has_value());
  CHECK_FALSE(r.stall(Seconds(600)).has_value());
}

TEST_CASE("ByteRobust's network faults are known after 30 s, by default after 10 minutes; a workload may say otherwise part by part") {
  CHECK(recovery("{}").network_detection.value == Seconds(600));
  CHECK(recovery(R"({"recovery": "byterobust"})").network_detection.value == Seconds(30));
  CHECK(recovery(R"({"recovery": "byterobust"})").restart.value == recovery("{}").restart.value);
  const Recovery r = recovery(R"({"restart": "5 min", "repair": {"spine": "2 h"}})");
  CHECK(r.restart.value == Seconds(300));
  CHECK(r.repair_of(FailedPart::spine) == Seconds(7200));
  CHECK(r.repair_of(FailedPart::leaf) == recovery("{}").repair_of(FailedPart::leaf));
  CHECK(r.repair_of(FailedPart::software) == Seconds(0));
  CHECK(recovery_refused(R"({"recovery": "byterobst"})").find("byterobust") != std::string::npos);
  CHECK(recovery_refused(R"({"repair": {"spin": "2 h"}})").find("did you mean \"spine\"") != std::string::npos);
  CHECK(recovery_refused(R"({"flap_shortest": "4 s"})").find("flap_longest is shorter") != std::string::npos);
  CHECK(recovery_refused(R"({"restart": "-1 s"})").find("/workload/0/restart") != std::string::npos);
}

TEST_CASE("rates that make no sense are refused with their place") {
  CHECK(refused(R"({"causes": [{"part": "node", "mtbf": "0 h"}]})").find("/rates/causes/0/mtbf: expected a positive value") != std::string::npos);
  CHECK(refused(R"({"causes": [{"part": "node", "mtbf": "-3 h"}]})").find("/rates/causes/0/mtbf") != std::string::npos);
  CHECK(refused(R"({"causes": [{"part": "node", "mtbf": "1 ms"}]})").find("a second or more") != std::string::npos);
  CHECK(refused(R"({"causes": [{"part": "nod", "mtbf": "3 h"}]})").find("did you mean \"node\"") != std::string::npos);
  CHECK(refused(R"({"causes": [{"part": "node", "count": 3}]})").find("\"gpus\" and \"duration\"") != std::string::npos);
  CHECK(refused(R"({"causes": [{"part": "node"}]})").find("exactly one of") != std::string::npos);
  CHECK(refused(R"({"causes": [{"part": "node", "mtbf": "3 h", "count": 3}]})").find("exactly one of") != std::string::npos);
  CHECK(refused(R"({"causes": []})").find("expected a list of causes") != std::string::npos);
  CHECK(refused(R"({"causes": [{"part": "node", "mtbf": "3 h"}, {"part": "node", "mtbf": "4 h"}]})").find("two causes") != std::string::npos);
  CHECK(refused("\"llama3\"").find("llama3_405b") != std::string::npos);
}
