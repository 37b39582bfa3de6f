// failures_by_part: what is lost with each part of each network, played on the engine against ratios of counted cables; and failures that nobody knows of yet.
#include <doctest/doctest.h>

#include <fmt/format.h>

#include "scenarios/failures/network_losses.h"
#include "tests/scenarios/support.h"

using namespace weft;
using namespace weft::scenarios;
using doctest::Approx;

namespace {

std::string asking(const std::string& topology, const std::string& keys, int nodes = 256) {
  return test::minimal(fmt::format(R"("nodes": {}, "topology": {{"kind": "{}"}})", nodes, topology), R"({"kind": "failures_by_part", "id": "loss")" + (keys.empty() ? "" : ", " + keys) + "}");
}

double of(const reports::Report& r, const std::string& part, const std::string& policy, const std::string& column) {
  return cell_of(r, fmt::format("t/loss[part={},on_lost_nic={}]/{}", part, policy, column));
}

std::string word_of(const reports::Report& r, const std::string& part, const std::string& policy) {
  for (const Row& row : r.tables.front().rows) {
    if (std::get<std::string>(*row.find("part")) == part && std::get<std::string>(*row.find("on_lost_nic")) == policy) return std::get<std::string>(*row.find("job"));
  }
  return "";
}

constexpr double exact = 1e-4;   // latencies and headers
constexpr double kCross = 224.0 / 255;

}  // namespace

TEST_CASE("an MPFT of 2,048 GPUs loses what counting its cables says") {
  const auto r = test::run(asking("mpft", ""));
  // A spine: 24 of 32 uplinks of each leaf of its plane are left (N8.06, N8.08).
  CHECK(of(r, "spine", "error", "uniform_slowdown") == Approx(kCross * 32 / 24).epsilon(exact));
  CHECK(of(r, "spine", "error", "shift_slowdown") == Approx(32.0 / 24).epsilon(exact));
  CHECK(of(r, "spine", "rebalance", "shift_slowdown") == Approx(8 / 7.75).epsilon(exact));
  // Spread by what planes can carry, 24 / 28.1 of one and all of seven: 8 / (7 + 0.854) = 1.0186.
  CHECK(of(r, "spine", "rebalance", "uniform_slowdown") == Approx(8 / (7 + 24 / (kCross * 32))).epsilon(exact));
  // NIC, its cable, leaf: seven NICs carry what eight did, or one what two did (N8.09).
  for (const char* part : {"nic", "nic_link", "leaf", "plane"}) {
    CAPTURE(part);
    CHECK(of(r, part, "rebalance", "uniform_slowdown") == Approx(8.0 / 7).epsilon(exact));
    CHECK(of(r, part, "neighbour", "uniform_slowdown") == Approx(2).epsilon(exact));
    CHECK(of(r, part, "rebalance", "shift_slowdown") == Approx(8.0 / 7).epsilon(exact));
    CHECK(word_of(r, part, "rebalance") == "slower");
  }
  CHECK(of(r, "leaf", "rebalance", "nodes_slowed") == 32);
  CHECK(of(r, "plane", "rebalance", "nodes_slowed") == 256);
  CHECK(word_of(r, "leaf", "error") == "stops");
  CHECK(word_of(r, "plane", "error") == "lost");
  // A cable between switches: 31 of the uplinks of one leaf are left, 28.1 are needed.
  CHECK(of(r, "link", "error", "uniform_slowdown") == Approx(1).epsilon(exact));
  CHECK(of(r, "link", "error", "shift_slowdown") == Approx(32.0 / 31).epsilon(exact));
  CHECK(of(r, "plane", "rebalance", "parts") == 8);
  CHECK(of(r, "leaf", "rebalance", "parts") == 64);
  CHECK(of(r, "spine", "rebalance", "parts") == 32);
  CHECK(of(r, "link", "rebalance", "parts") == 2048);
}

TEST_CASE("an MRFT loses a 32nd with a spine, and the job with its fabric (N8.07, N8.08, N8.11)") {
  const auto r = test::run(asking("mrft", R"("parts": ["spine", "leaf", "plane"])"));
  CHECK(of(r, "spine", "error", "uniform_slowdown") == Approx(1).epsilon(exact));
  CHECK(of(r, "spine", "error", "shift_slowdown") == Approx(32.0 / 31).epsilon(exact));
  CHECK(of(r, "leaf", "rebalance", "uniform_slowdown") == Approx(8.0 / 7).epsilon(exact));
  CHECK(of(r, "plane", "rebalance", "parts") == 1);
  CHECK(of(r, "plane", "rebalance", "survives") == 0);
  CHECK(word_of(r, "plane", "rebalance") == "lost");
}

TEST_CASE("a fat tree with whole nodes on a leaf loses four nodes with it, and nothing can stand in") {
  const auto r = test::run(asking("ft3", R"("parts": ["leaf", "core"], "on_lost_nic": "rebalance")"));
  CHECK(of(r, "leaf", "rebalance", "nodes_cut") == 4);
  CHECK(word_of(r, "leaf", "rebalance") == "stops");
  // Two pods: aggregation switch j of each reaches core j alone, so 31 of 32 ways between pods are left. 124 of 255 nodes are elsewhere in the pod and still take all 32,
  // 128 in the other pod the 31: an uplink of an edge switch then has 124/255 + 128/255 x 32/31 of its rate to carry.
  CHECK(of(r, "core", "rebalance", "uniform_slowdown") == Approx(124.0 / 255 + 128.0 / 255 * 32 / 31).epsilon(exact));
}

TEST_CASE("an MPFT goes on with one plane of eight, at an eighth of the speed, and not with none") {
  const auto r = test::run(asking("mpft", R"("parts": "plane", "lost": [2, 7, 8], "on_lost_nic": "rebalance", "traffic": "shift")"));
  const auto lost = [&](int n, const char* column) { return cell_of(r, fmt::format("t/loss[lost={}]/{}", n, column)); };
  CHECK(lost(2, "shift_slowdown") == Approx(8.0 / 6).epsilon(exact));
  CHECK(lost(7, "shift_slowdown") == Approx(8).epsilon(exact));
  CHECK(lost(8, "survives") == 0);
}

TEST_CASE("a network in two halves stops the job: half of its nodes are cut off, and nothing is taken for unchanged") {
  // Two pods of 128 nodes and no core left between them.
  const auto r = test::run(asking("ft3", R"("parts": "core", "lost": [31, 32], "on_lost_nic": "rebalance", "traffic": "shift")"));
  CHECK(cell_of(r, "t/loss[lost=31]/shift_slowdown") == Approx(32).epsilon(exact));
  CHECK(cell_of(r, "t/loss[lost=32]/nodes_cut") == 128);
  CHECK(cell_of(r, "t/loss[lost=32]/survives") == 0);
}

TEST_CASE("what has failed from the start belongs to both sides of a slowdown, and cannot fail again") {
  const auto r = test::run(test::minimal(R"("nodes": 256, "topology": {"kind": "mpft"}, "failed": ["plane0.spine0"])",
                                         R"({"kind": "failures_by_part", "id": "loss", "parts": ["link", "spine"], "on_lost_nic": ["error", "rebalance"]})"));
  // One plane carries 24 of 32 before and 16 after; rebalanced, all carry 7.75 of 8 before and 7.5 after, as long as a plane is its bottleneck.
  CHECK(of(r, "spine", "error", "shift_slowdown") == Approx(24.0 / 16).epsilon(exact));
  CHECK(of(r, "spine", "rebalance", "shift_slowdown") == Approx(7.75 / 7.5).epsilon(exact));
  // A cable of a leaf of that plane, to a spine that works: 23 of 24.
  CHECK(of(r, "link", "error", "shift_slowdown") == Approx(24.0 / 23).epsilon(exact));
  for (const Row& row : r.tables.front().rows) CHECK(std::get<std::string>(*row.find("first")).find("spine0") == std::string::npos);
}

TEST_CASE("traffic that cannot be played is unknown with its reason, and goodput refuses to count it as nothing") {
  const std::string one_leaf = R"("nodes": 4, "topology": {"kind": "single_switch"})";
  const auto r = test::run(test::minimal(one_leaf, R"({"kind": "failures_by_part", "id": "loss", "parts": "nic", "on_lost_nic": "rebalance", "traffic": "shift"})"));
  CHECK(word_of(r, "nic", "rebalance") == "unknown");
  CHECK(std::get<std::string>(*r.tables.front().rows.front().find("why_unknown")).find("no distance brings every node to another leaf") != std::string::npos);
  const std::string told = test::error_of(test::minimal(one_leaf, R"({"kind": "goodput", "pause": "20 s", "traffic": "shift"})"));
  CHECK(told.find("/workload/0/network: what the loss of a nic") != std::string::npos);
  CHECK(told.find("no distance brings every node to another leaf") != std::string::npos);
  // With both kinds of traffic the one that there is answers.
  CHECK(of(test::run(test::minimal(one_leaf, R"({"kind": "failures_by_part", "id": "loss", "parts": "nic"})")), "nic", "rebalance", "uniform_slowdown") == Approx(8.0 / 7).epsilon(exact));
}

TEST_CASE("a node alone needs no network") {
  const auto r = test::run(test::minimal(R"("nodes": 1, "topology": {"kind": "single_switch"})", R"({"kind": "failures_by_part", "id": "loss", "on_lost_nic": "error"})"));
  CHECK(word_of(r, "nic", "error") == "unchanged");
  CHECK(of(r, "leaf", "error", "survives") == 1);
}

TEST_CASE("bad input of failures_by_part is told with its place") {
  CHECK(test::error_of(asking("mpft", R"("parts": "spin")", 8)).find("/workload/0/parts: unknown word \"spin\" (did you mean \"spine\"") != std::string::npos);
  CHECK(test::error_of(asking("mpft", R"("lost": [0])", 8)).find("/workload/0/lost/0") != std::string::npos);
  CHECK(test::error_of(asking("mpft", R"("on_lost_nic": [])", 8)).find("the list is empty") != std::string::npos);
  CHECK(test::error_of(asking("mpft", R"("parts": ["nic", "nic"])", 8)).find("/workload/0/parts/1: \"nic\" stands twice in the list") != std::string::npos);
  CHECK(test::error_of(asking("mpft", R"("lost": [1, 2, 1])", 8)).find("/workload/0/lost/2: 1 stands twice in the list") != std::string::npos);
  CHECK(test::error_of(asking("mpft", R"("polices": 1)", 8)).find("unknown key") != std::string::npos);
}
