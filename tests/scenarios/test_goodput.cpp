// goodput: the simulation beside the closed forms through a scenario, effects by topology, and input that makes no sense.
#include <doctest/doctest.h>

#include <algorithm>
#include <ctime>

#include <fmt/format.h>

#include "tests/scenarios/support.h"

using namespace weft;
using namespace weft::scenarios;
using doctest::Approx;

namespace {

const std::string kSmall = R"("nodes": 4, "topology": {"kind": "single_switch"})";
const std::string kMpft = R"("nodes": 256, "topology": {"kind": "mpft"})";

std::string asking(const std::string& keys, const std::string& cluster = kSmall) { return test::minimal(cluster, R"({"kind": "goodput", "id": "weeks", )" + keys + "}"); }

/// One cause that stops the job every so often.
std::string every(const std::string& mtbf, const std::string& keys) { return asking(R"("rates": {"causes": [{"part": "software", "mtbf": ")" + mtbf + R"("}]}, "detection": "0 s", )" + keys); }

double of(const reports::Report& r, const std::string& column, const std::string& cause = "all") { return cell_of(r, "t/weeks[cause=" + cause + "]/" + column); }

std::string effect_of(const reports::Report& r, const std::string& cause) {
  for (const Row& row : r.tables.front().rows) {
    if (std::get<std::string>(*row.find("cause")) == cause) return std::get<std::string>(*row.find("effect"));
  }
  return "";
}

bool warns(const reports::Report& r, const std::string& words) {
  for (const std::string& w : r.warnings) {
    if (w.find(words) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("goodput lies within 1 % of the closed form where that holds, at the published rates") {
  for (const auto& [mtbf, pause] : {std::pair{"24.74 h", "20 s"}, {"24.74 h", "60 s"}, {"3.093 h", "60 s"}}) {
    for (const char* rule : {"young", "daly", "best"}) {
      const auto r = test::run(every(mtbf, fmt::format(R"("pause": "{}", "interval": "{}", "duration": "365 d", "replicas": 40)", pause, rule)));
      CAPTURE(mtbf);
      CAPTURE(rule);
      CHECK(of(r, "goodput_pct") == Approx(of(r, "closed_form_pct")).epsilon(0.01));
      CHECK(of(r, "ettr") == Approx(of(r, "goodput_pct") / 100));
      CHECK(of(r, "goodput_pct_p5") < of(r, "goodput_pct_p50"));
      CHECK(of(r, "goodput_pct_p50") < of(r, "goodput_pct_p95"));
    }
  }
}

TEST_CASE("the columns of the closed forms are those of the checks (N8.13 to N8.16)") {
  const auto r = test::run(every("24.74 h", R"("pause": "20 s", "interval": "young", "replicas": 1)"));
  CHECK(of(r, "young_interval_s") == Approx(1887.5).epsilon(0.002));
  CHECK(of(r, "interval_s") == of(r, "young_interval_s"));
  CHECK(of(r, "closed_form_pct") == Approx(97.24).epsilon(0.0005));
  CHECK(of(r, "best_pct") >= of(r, "closed_form_pct"));
  CHECK(of(r, "best_interval_s") == Approx(of(r, "daly_interval_s")).epsilon(0.01));
  const auto large = test::run(every("3.093 h", R"("pause": "60 s", "interval": "young", "replicas": 1)"));
  CHECK(of(large, "closed_form_pct") == Approx(85.25).epsilon(0.0006));
  const auto rsc = test::run(asking(R"("rates": "rsc_1", "pause": "5 s", "interval": "60 min", "detection": "0 s", "restart": "5 min", "replicas": 1)", kMpft));
  CHECK(of(rsc, "closed_form_ettr") == Approx(0.9582).epsilon(0.0005));
  CHECK(of(rsc, "mtbf_h") == Approx(14.42).epsilon(0.002));
}

TEST_CASE("parts of the time add up to all of it, and causes to what was lost") {
  const auto r = test::run(asking(R"("rates": ["llama3_405b", "hpn24", {"name": "mine", "causes": [{"part": "flap", "mtbf": "1 h"}]}], "pause": "20 s", "spares": 1, "replicas": 50)", kMpft));
  double sum = of(r, "goodput_pct");
  for (const char* column : {"checkpoint_pct", "recomputed_pct", "restart_pct", "detection_pct", "degraded_pct", "stalled_pct", "waiting_pct"}) sum += of(r, column);
  CHECK(sum == Approx(100).epsilon(1e-9));
  double lost = of(r, "checkpoint_pct"), failures = 0;
  for (const Row& row : r.tables.front().rows) {
    if (std::get<std::string>(*row.find("cause")) == "all") continue;
    lost += row.number("lost_pct");
    failures += row.number("failures");
  }
  CHECK(lost == Approx(of(r, "lost_pct")).epsilon(1e-6));
  CHECK(failures == Approx(of(r, "failures")));
}

TEST_CASE("four weeks of 2,048 GPUs at Llama 3's rate take well under 10 s") {
  const std::clock_t begin = std::clock();   // of this process: others may keep the machine busy
  const auto r = test::run(asking(R"("pause": "20 s", "network": "stops", "replicas": 100)", kMpft));
  CHECK(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC < 10);
  CHECK(of(r, "failures") == Approx(28 * 24 / 24.74).epsilon(0.05));
}

TEST_CASE("the topology says which failures stop the job and which slow it") {
  const std::string rates = R"("rates": ["llama3_405b", {"name": "planes", "causes": [{"name": "a plane", "part": "plane", "mtbf": "30 d", "per": "part"}]}], "pause": "20 s", "replicas": 20)";
  const auto mpft = test::run(asking(rates, kMpft));
  const auto mrft = test::run(asking(rates, R"("nodes": 256, "topology": {"kind": "mrft"})"));
  const auto ft3 = test::run(asking(rates, R"("nodes": 256, "topology": {"kind": "ft3"})"));
  CHECK(effect_of(mpft, "a plane") == "slows");
  CHECK(of(mpft, "slowdown", "a plane") == Approx(8.0 / 7).epsilon(1e-4));
  CHECK(effect_of(mrft, "a plane") == "stops until repaired");
  CHECK(effect_of(ft3, "a plane") == "stops until repaired");
  CHECK(effect_of(mpft, "network switch or cable: leaf") == "slows");
  CHECK(of(mpft, "slowdown", "network switch or cable: leaf") == Approx(8.0 / 7).epsilon(1e-4));
  CHECK(effect_of(ft3, "network switch or cable: leaf") == "stops");
  CHECK(of(ft3, "nodes_lost", "network switch or cable: leaf") == 4);
  CHECK(of(mpft, "slowdown", "network switch or cable: spine") == Approx(8 / (7 + 24 / (224.0 / 255 * 32))).epsilon(1e-4));
  CHECK(effect_of(mrft, "network switch or cable: spine") == "goes unnoticed");
  // Cables and switches are struck by their numbers: 2,048 cables of each kind, 64 leaves, 32 spines.
  CHECK(of(mpft, "failures", "network switch or cable: leaf") < of(mpft, "failures", "network switch or cable: link"));
  CHECK(effect_of(mpft, "faulty GPU") == "stops");
  CHECK(effect_of(mpft, "silent data corruption") == "corrupts");
}

TEST_CASE("without other NICs to stand in, a NIC's cable ends the job; communication_share scales what a slower network costs") {
  const std::string rates = R"("rates": {"causes": [{"name": "cable", "part": "nic_link", "mtbf": "10 h"}]}, "pause": "20 s", "interval": "30 min", "replicas": 5, )";
  CHECK(effect_of(test::run(asking(rates + R"("on_lost_nic": "error")", kMpft)), "cable") == "stops");
  CHECK(of(test::run(asking(rates + R"("on_lost_nic": "neighbour")", kMpft)), "slowdown", "cable") == Approx(2).epsilon(1e-4));
  CHECK(of(test::run(asking(rates + R"("on_lost_nic": "neighbour", "communication_share": 0.25)", kMpft)), "slowdown", "cable") == Approx(1.25).epsilon(1e-4));
}

TEST_CASE("tokens a day are those of the step in the useful part of the time") {
  const auto r = test::run(every("24 h", R"("pause": "20 s", "replicas": 5, "step": "19.926 s", "tokens_per_step": 62914560)"));
  CHECK(of(r, "tokens_per_day_no_failures_B") == Approx(272.80).epsilon(1e-4));
  CHECK(of(r, "tokens_per_day_B") == Approx(272.80 * of(r, "goodput_pct") / 100).epsilon(1e-4));
}

TEST_CASE("a pause follows from the state and the rate at which it is written") {
  const auto r = test::run(every("24 h", R"("parameters": 671e9, "write_rate": "500 GB/s", "replicas": 1)"));
  CHECK(of(r, "pause_s") == Approx(671e9 * 10 / 500e9));
}

TEST_CASE("a given pause is said to be given; a write rate beyond all NICs is said to be impossible") {
  const auto given = test::run(every("24 h", R"("pause": "20 s", "replicas": 1)"));
  CHECK(std::ranges::any_of(given.notes, [](const std::string& n) { return n.find("the pause of 20 s is given") != std::string::npos; }));
  // 4 nodes of 8 NICs of 50 GB/s: 1,600 GB/s.
  CHECK(warns(test::run(every("24 h", R"("state": "1 TB", "write_rate": "1.7 TB/s", "replicas": 1)")), "more than the 1600 GB/s of all NICs together"));
  CHECK_FALSE(warns(test::run(every("24 h", R"("state": "1 TB", "write_rate": "1.5 TB/s", "replicas": 1)")), "NICs together"));
}

TEST_CASE("the same seed gives the same row, on any number of threads; another seed another one") {
  const std::string text = every("24 h", R"("pause": "20 s", "replicas": 20)");
  CHECK(of(test::run(text, 1), "goodput_pct") == of(test::run(text, 4), "goodput_pct"));
  CHECK(of(test::run(text, 1, 2), "goodput_pct") != of(test::run(text, 1, 1), "goodput_pct"));
}

TEST_CASE("settings that leave next to nothing are run and said to") {
  const auto restart = test::run(every("10 min", R"("pause": "20 s", "restart": "2 h", "replicas": 5)"));
  CHECK(of(restart, "goodput_pct") < 1);
  CHECK(warns(restart, "the job hardly ever trains"));
  CHECK(warns(test::run(every("24 h", R"("pause": "20 s", "interval": "5 s", "replicas": 5)")), "shorter than the pause"));
  CHECK(warns(test::run(every("1 h", R"("pause": "20 s", "interval": "5 h", "restart": "1 min", "replicas": 5)")), "longer than the"));
}

TEST_CASE("what makes no sense is refused with its place and a way out") {
  const auto told = [](const std::string& keys) { return test::error_of(asking(keys)); };
  CHECK(told(R"("pause": "20 s", "rates": {"causes": [{"part": "node", "mtbf": "-1 h"}]})").find("/workload/0/rates/causes/0/mtbf") != std::string::npos);
  CHECK(told(R"("pause": "20 s", "rates": {"causes": [{"part": "node", "mtbf": "0 s"}]})").find("/workload/0/rates/causes/0/mtbf") != std::string::npos);
  CHECK(told(R"("pause": "20 s", "scale": {"faulty GPUs": 2})").find("did you mean \"faulty GPU\"") != std::string::npos);
  CHECK(told(R"("pause": "20 s", "scale": {"core": 2})").find("the rates say nothing of \"core\"") != std::string::npos);
  CHECK(told(R"("pause": "20 s", "rates": "lama3_405b")").find("did you mean \"llama3_405b\"") != std::string::npos);
  CHECK(told(R"("interval": "young")").find("exactly one of \"pause\"") != std::string::npos);
  CHECK(told(R"("pause": "20 s", "interval": "dayl")").find("did you mean \"daly\"") != std::string::npos);
  CHECK(told(R"("pause": "20 s", "interval": "0 s")").find("/workload/0/interval") != std::string::npos);
  CHECK(told(R"("pause": "0 s")").find("costs nothing") != std::string::npos);
  CHECK(told(R"("pause": "20 s", "replicas": 0)").find("/workload/0/replicas") != std::string::npos);
  CHECK(told(R"("pause": "20 s", "step": "20 s")").find("belong together") != std::string::npos);
  CHECK(told(R"("pause": "20 s", "rates": {"causes": [{"part": "node", "mtbf": "2 s"}]}, "duration": "10000 d")").find("would have to be simulated") != std::string::npos);
  CHECK(told(R"("pause": "20 s", "rates": {"causes": [{"part": "software", "mtbf": "9 h"}]}, "scale": {"software": 0})").find("nothing ever stops this job") != std::string::npos);
  CHECK(told(R"("pause": "20 s", "rates": {"causes": [{"part": "core", "mtbf": "9 h"}]})").find("the cluster has no core") != std::string::npos);
}

TEST_CASE("a fault of the network by its parts is as often as they are many, and causes of one name are refused") {
  // 4 nodes of 8 NICs on one switch: 32 cables and a leaf. A part fails once in 330 h, so one of the 33 every 10 h: 28 d / 10 h = 67.2 faults
  const auto r = test::run(asking(R"("rates": {"causes": [{"part": "network", "name": "net", "mtbf": "330 h", "per": "part"}]}, "pause": "1 s", "duration": "28 d", "replicas": 400, "network": "stops", "detection": "0 s", "restart": "1 s")"));
  CHECK(of(r, "interruptions", "net: nic_link") + of(r, "interruptions", "net: leaf") == Approx(67.2).epsilon(0.05));
  const std::string two = asking(R"("rates": [{"causes": [{"part": "node", "mtbf": "100 h"}]}, {"causes": [{"part": "node", "mtbf": "10 h"}]}], "pause": "1 s")");
  CHECK(test::error_of(two).find("two causes are called \"node\"") != std::string::npos);
}
