// The event loop: closed forms of start, latency, sharing, finish, dependencies and streams.
#include <doctest/doctest.h>

#include "tests/engine/play.h"

using namespace weft;
using namespace weft::testing;
using workloads::StaticProgram;
using doctest::Approx;

namespace {
constexpr double exact = 1e-12;
}

TEST_CASE("a transfer takes its bytes over the rate of the narrowest link") {
  StaticProgram p;
  send(p, 100e9, nic(0), nic(1));
  const auto r = play(star(2), p);
  CHECK(r.finish.at(0) == Approx(100e9 / line).epsilon(exact));
  CHECK(r.summary.max_link_utilisation == Approx(1).epsilon(exact));
  CHECK(r.summary.flows == 1);
}

TEST_CASE("two flows into one NIC get half each; when one ends the other gets all (7.4 a, incast)") {
  // 50 GB/s: sizes 50 and 100 GB. Until t = 2 s both run at 25; then 50 GB are left of the second: 1 s more.
  StaticProgram p;
  send(p, 50e9, nic(0), nic(2));
  send(p, 100e9, nic(1), nic(2));
  const auto r = play(star(3), p);
  CHECK(r.finish.at(0) == Approx(2).epsilon(exact));
  CHECK(r.finish.at(1) == Approx(3).epsilon(exact));
}

TEST_CASE("an incast of n equal flows ends for all at n times the time of one") {
  for (const bool classes : {true, false}) {
    StaticProgram p;
    for (std::uint32_t i = 1; i <= 31; ++i) send(p, 1e9, nic(i), nic(0));
    const auto r = play(star(32), p, {.classes = classes});
    for (const auto& [id, t] : r.finish) CHECK(t == Approx(31e9 / line).epsilon(exact));
    CHECK(r.summary.classes == (classes ? 1 : 31));
    CHECK(r.order.size() == 31);
    CHECK(std::is_sorted(r.order.begin(), r.order.end()));
  }
}

TEST_CASE("a flow that starts later shares only from then on") {
  // A: 100 GB from t = 0; B: 50 GB from t = 1 s, both into NIC 2. A alone: 50 GB by 1 s. Then 25 each: both end at 3 s.
  StaticProgram p;
  send(p, 100e9, nic(0), nic(2));
  send(p, 50e9, nic(1), nic(2), {.extra_latency = Seconds(1)});
  const auto r = play(star(3), p);
  CHECK(r.finish.at(0) == Approx(3).epsilon(exact));
  CHECK(r.finish.at(1) == Approx(3).epsilon(exact));
  CHECK(r.start.at(1) == 0);
}

TEST_CASE("latency is paid before the first byte: wires and extra, or extra alone") {
  // NIC - switch - NIC: 2.42 us ends + 0.35 us switch + 2 cables of 3 m at 5 ns/m = 2.8 us (Table 5 of arXiv:2505.09343)
  const auto f = make_fabric(R"({"kind": "single_switch", "radix": 64})", 2, "endpoint",
                             R"({"extends": "infiniband", "header": "0 B", "adaptive_hop_latency": "0 s"})");
  StaticProgram p;
  send(p, 5e9, nic(0), nic(1), {.extra_latency = Seconds(1e-3)});
  send(p, 0, nic(1), nic(0));
  send(p, 0, nic(1), nic(0), {.extra_latency = Seconds(1e-3), .latency_mode = workloads::LatencyMode::none});
  const auto r = play(f, p);
  CHECK(r.finish.at(0) == Approx(0.1 + 1e-3 + 2.8e-6).epsilon(1e-9));
  CHECK(r.finish.at(1) == Approx(2.8e-6).epsilon(1e-9));
  CHECK(r.finish.at(2) == Approx(1e-3).epsilon(exact));
}

TEST_CASE("time is affine in bytes (7.4 e)") {
  // latency + bytes / rate: doubling the bytes doubles the part that is not latency
  const auto time = [](double scale) {
    StaticProgram p;
    for (std::uint32_t i = 1; i < 5; ++i) send(p, scale * i * 1e9, nic(i), nic(0), {.extra_latency = Seconds(0.25)});
    return play(star(5), p).finish;
  };
  const auto one = time(1), two = time(2), three = time(3);
  for (std::uint32_t id = 0; id < 4; ++id) CHECK(two.at(id) - one.at(id) == Approx(three.at(id) - two.at(id)).epsilon(1e-11));
}

TEST_CASE("operations wait for those before them, and a chain of ten takes ten times one") {
  StaticProgram p;
  OpId last = send(p, 5e9, nic(0), nic(1));
  for (int i = 1; i < 10; ++i) last = send(p, 5e9, nic(0), nic(1), {}, {last});
  const auto r = play(star(2), p);
  CHECK(r.summary.makespan.value() == Approx(1).epsilon(exact));
  CHECK(r.start.at(9) == Approx(0.9).epsilon(exact));
}

TEST_CASE("a stream runs in order of emission, also where a later operation could go first") {
  // stream 0: a waits for the marker at 3 s, b behind it is free at once but has to wait; stream 1 runs beside
  StaticProgram p;
  const OpId gate = p.add_marker(Seconds(3));
  const OpId gates[] = {gate};
  p.add_compute(StreamId(0), Seconds(2), 0, gates);
  p.add_compute(StreamId(0), Seconds(1));
  p.add_compute(StreamId(1), Seconds(4));
  const auto r = play(star(2), p);
  CHECK(r.finish.at(1) == Approx(5).epsilon(exact));
  CHECK(r.start.at(2) == Approx(5).epsilon(exact));
  CHECK(r.finish.at(2) == Approx(6).epsilon(exact));
  CHECK(r.finish.at(3) == Approx(4).epsilon(exact));
}

TEST_CASE("finished operations are told in order of time and id") {
  StaticProgram p;
  for (double d : {2.0, 1.0, 2.0, 0.0, 1.0}) p.add_marker(Seconds(d));
  const auto r = play(star(2), p);
  CHECK(r.order == std::vector<std::uint32_t>{3, 1, 4, 0, 2});
}

TEST_CASE("instants closer than 1e-12 of themselves are one, others are not") {
  StaticProgram p;
  for (double d : {1.0, 1 + 1e-13, 1 + 1e-11}) p.add_marker(Seconds(d));
  const auto r = play(star(2), p);
  CHECK(r.finish.at(0) == r.finish.at(1));
  CHECK(r.finish.at(2) > r.finish.at(1));
}

TEST_CASE("a leg that carries a share of the bytes loads its links by that share") {
  // x sends half of its bytes from node 0 and all of them from node 1; y sends from node 0. x / 2 + y = 50 and x <= 50:
  // at one level, x = y = 100 / 3.
  StaticProgram p;
  const workloads::Leg legs[] = {{nic(0), nic(2), 0.5}, {nic(1), nic(3), 1}};
  p.add_transfer(Bytes(50e9), legs, {});
  send(p, 25e9, nic(0), nic(4));
  const auto r = play(star(5), p, {.stop_after_first_rates = true});
  CHECK(r.rate.at({0, 0}) == Approx(100e9 / 3).epsilon(exact));
  CHECK(r.rate.at({1, 0}) == Approx(100e9 / 3).epsilon(exact));
}

TEST_CASE("a rate cap holds a flow back and leaves the rest to others") {
  StaticProgram p;
  send(p, 10e9, nic(0), nic(2), {.rate_cap = BytesPerSecond(10e9)});
  send(p, 40e9, nic(1), nic(2));
  const auto r = play(star(3), p);
  CHECK(r.finish.at(0) == Approx(1).epsilon(exact));
  CHECK(r.finish.at(1) == Approx(1).epsilon(exact));
}

TEST_CASE("a flow of weight 2 gets what two would") {
  // weights 2 and 1 into one NIC: 100/3 and 50/3 GB/s
  StaticProgram p;
  send(p, 100e9 / 3, nic(0), nic(2), {.weight = 2});
  send(p, 50e9 / 3, nic(1), nic(2));
  const auto r = play(star(3), p);
  CHECK(r.finish.at(0) == Approx(1).epsilon(exact));
  CHECK(r.finish.at(1) == Approx(1).epsilon(exact));
}

TEST_CASE("N7.07: RDMA of 45 and KV cache of 30 GB/s share a PCIe port of 57.6 GB/s evenly") {
  // Both fit their caps: 57.6 / 2 = 28.8 each; RDMA alone would run at 45: slowdown 45 / 28.8 = 1.5625.
  const auto f = make_fabric(R"({"kind": "single_switch", "radix": 64})", 2, "h800");
  const auto run = [&](bool kv) {
    StaticProgram p;
    send(p, 45e9, nic(0, 0), gpu(0, 0), {.rate_cap = BytesPerSecond(45e9)});
    if (kv) send(p, 45e9, Endpoint{Endpoint::Kind::host, NodeId(0), 0}, gpu(0, 0), {.rate_cap = BytesPerSecond(30e9)});
    return play(f, p, {.stop_after_first_rates = true}).rate;
  };
  CHECK(run(true).at({0, 0}) == Approx(28.8e9).epsilon(1e-9));
  CHECK(run(true).at({1, 0}) == Approx(28.8e9).epsilon(1e-9));
  CHECK(run(false).at({0, 0}) / run(true).at({0, 0}) == Approx(1.5625).epsilon(1e-9));
}

TEST_CASE("N7.07: with a weight large enough the same pair comes to strict priority") {
  // RDMA reaches its 45, KV gets 57.6 - 45 = 12.6
  const auto f = make_fabric(R"({"kind": "single_switch", "radix": 64})", 2, "h800");
  StaticProgram p;
  send(p, 45e9, nic(0, 0), gpu(0, 0), {.weight = 1000, .rate_cap = BytesPerSecond(45e9)});
  send(p, 45e9, Endpoint{Endpoint::Kind::host, NodeId(0), 0}, gpu(0, 0), {.rate_cap = BytesPerSecond(30e9)});
  const auto rate = play(f, p, {.stop_after_first_rates = true}).rate;
  CHECK(rate.at({0, 0}) == Approx(45e9).epsilon(1e-9));
  CHECK(rate.at({1, 0}) == Approx(12.6e9).epsilon(1e-9));
}

TEST_CASE("first rates are told when every latency has been paid") {
  StaticProgram p;
  send(p, 100e9, nic(0), nic(2));
  send(p, 100e9, nic(1), nic(2), {.extra_latency = Seconds(1)});
  const auto r = play(star(3), p, {.stop_after_first_rates = true});
  CHECK(r.rate.at({0, 0}) == Approx(25e9).epsilon(exact));
  CHECK(r.rate.at({1, 0}) == Approx(25e9).epsilon(exact));
  CHECK(r.finish.empty());
}

namespace {

/// Emits one more transfer each time one finishes; waits for an operation that never comes when `broken`.
class Chain final : public workloads::Program {
 public:
  Chain(std::uint32_t length, bool broken) : length_(length), broken_(broken) {}
  void start(workloads::Sink& s) override { emit(s, 0); }
  void on_complete(OpId id, Seconds, workloads::Sink& s) override {
    if (id.value + 1 < length_) emit(s, id.value + 1);
  }

 private:
  void emit(workloads::Sink& s, std::uint32_t id) {
    const workloads::Leg legs[] = {{nic(0), nic(1), 1}};
    workloads::Transfer t;
    t.id = OpId(id);
    t.bytes = Bytes(5e6);
    t.legs = legs;
    // Ids of operations that finished long ago count as finished.
    std::vector<OpId> after;
    if (id > 0) after.push_back(OpId(id / 2));
    if (broken_ && id + 1 == length_) after.push_back(OpId(1000000));
    s.transfer(t, after);
  }
  std::uint32_t length_;
  bool broken_;
};

}  // namespace

TEST_CASE("a program that emits as it goes runs to its end") {
  Chain p(5000, false);
  const auto r = play(star(2), p);
  CHECK(r.summary.operations == 5000);
  CHECK(r.summary.makespan.value() == Approx(5000 * 5e6 / line).epsilon(1e-10));
}

TEST_CASE("an operation that waits for one that is never emitted is an error that names it") {
  Chain p(3, true);
  CHECK_THROWS_WITH_AS(play(star(2), p), doctest::Contains("operation 1000000, which the program never emits"), RunError);
}

TEST_CASE("with a time tolerance completions wait for one another: fewer solves, never faster than exact, late by no more than it compounds to") {
  // 40 flows into one receiver with sizes 0.1 % apart, so that each end frees a share for the others.
  const auto run_with = [](double tolerance) {
    workloads::StaticProgram p;
    for (std::uint32_t i = 0; i < 40; ++i) send(p, 1e6 * (1 + 0.001 * i), nic(i + 1), nic(0));
    engine::Options o;
    o.time_tolerance = tolerance;
    return play(star(41), p, o);
  };
  const Played exact = run_with(0), loose = run_with(1e-2);
  CHECK(loose.summary.solves < exact.summary.solves);
  for (const auto& [id, t] : exact.finish) {
    CHECK(loose.finish.at(id) >= t * (1 - 1e-12));
    CHECK(loose.finish.at(id) <= t * 1.02);
  }
}
