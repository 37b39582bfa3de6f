// lossy_link: goodput of go-back-N and selective repeat, and what credits allow.
#include <doctest/doctest.h>

#include "tests/scenarios/support.h"

using namespace weft;
using namespace weft::scenarios;
using doctest::Approx;

namespace {

const std::string kCluster = R"("node": "h800", "nodes": 2, "topology": {"kind": "mpft"})";

std::string asking(const std::string& keys = "") { return test::minimal(kCluster, R"({"kind": "lossy_link")" + (keys.empty() ? "" : ", " + keys) + "}"); }

std::string at(const std::string& labels, const std::string& column) { return "t/lossy_link[" + labels + "]/" + column; }

}  // namespace

// 50 GB/s x 7.4 us = 370 kB in flight, 90.33 packets of 4,096 B.
TEST_CASE("a loss costs go-back-N what was in flight, 370 kB, and selective repeat a packet") {
  const auto r = test::run(asking());
  CHECK(cell_of(r, at("loss=0.001", "in_flight_B")) == Approx(370e3).epsilon(1e-12));
  CHECK(cell_of(r, at("loss=0.001", "go_back_n_share")) == Approx(1 / (1 + 0.001 * 370e3 / 4096)).epsilon(1e-12));
  CHECK(cell_of(r, at("loss=0.001", "selective_repeat_share")) == Approx(0.999).epsilon(1e-12));
  CHECK(cell_of(r, at("loss=0.01", "go_back_n_GBps")) == Approx(50 / (1 + 0.01 * 370e3 / 4096)).epsilon(1e-12));
  CHECK(cell_of(r, at("loss=0", "go_back_n_GBps")) == 50);
  CHECK(r.tables[0].rows.size() == 6);
}

TEST_CASE("credits allow credits over round trip, and leave less in flight to lose") {
  const auto r = test::run(asking(R"("credits": ["185 kB", "370 kB", "1 MB"], "loss": [0, 0.01])"));
  CHECK(cell_of(r, at("credits_B=185000,loss=0", "rate_GBps")) == Approx(25).epsilon(1e-12));
  CHECK(cell_of(r, at("credits_B=370000,loss=0", "rate_GBps")) == Approx(50).epsilon(1e-12));
  CHECK(cell_of(r, at("credits_B=1000000,loss=0", "rate_GBps")) == 50);
  CHECK(cell_of(r, at("credits_B=185000,loss=0.01", "in_flight_B")) == Approx(185e3).epsilon(1e-12));
  CHECK(cell_of(r, at("credits_B=185000,loss=0.01", "go_back_n_share")) == Approx(1 / (1 + 0.01 * 185e3 / 4096)).epsilon(1e-12));
}

TEST_CASE("what is wrong in the question is told at its key") {
  const auto says = [](const std::string& keys, const std::string& part) {
    const std::string text = test::error_of(asking(keys));
    CAPTURE(text);
    CHECK(text.find(part) != std::string::npos);
  };
  says(R"("loss": 0.6)", "/workload/0/loss");
  says(R"("loss": [0.1, 0.1])", "/workload/0/loss: 0.1 stands here twice");
  says(R"("credits": "0 B")", "/workload/0/credits");
  says(R"("round_trip": "0 us")", "/workload/0/round_trip");
  says(R"("round_trip": 7)", "/workload/0/round_trip");
}

TEST_CASE("with less than a packet in flight go-back-N repeats the lost packet alone, as selective repeat does") {
  const auto r = test::run(asking(R"("credits": "1 KiB", "loss": [0.1, 0.5])"));
  for (const double p : {0.1, 0.5}) {
    const std::string labels = "credits_B=1024,loss=" + std::string(p == 0.1 ? "0.1" : "0.5");
    CHECK(cell_of(r, at(labels, "go_back_n_share")) == Approx(1 - p).epsilon(1e-12));
    CHECK(cell_of(r, at(labels, "selective_repeat_share")) == Approx(1 - p).epsilon(1e-12));
  }
}
