// trace_replay and weft replay: DeepSeek's trace comes back as it was, and what-ifs move what they should.
#include <doctest/doctest.h>

#include <cmath>

#include "tests/scenarios/replay_support.h"

using namespace weft;
using namespace weft::scenarios;
using namespace weft::scenarios::test;
using workloads::replay::dependents_of;

namespace {

double phase_mean_ms(const replay::Replay& r, const std::string& name, double replay::PhaseTimes::*which) {
  double sum = 0, n = 0;
  for (const replay::PhaseTimes& p : r.phases) {
    if (p.name == name) sum += p.*which, ++n;
  }
  return 1e3 * sum / n;
}

/// Operations whose start moved by more than 1e-9 s.
std::vector<std::uint32_t> moved(const replay::Replay& before, const replay::Replay& after) {
  std::vector<std::uint32_t> out;
  for (std::uint32_t op = 0; op < before.times.start_s.size(); ++op) {
    if (std::abs(after.times.start_s[op] - before.times.start_s[op]) > 1e-9) out.push_back(op);
  }
  return out;
}

std::uint32_t first_of(const workloads::replay::Recording& r, const std::string& phase, std::int64_t layer, std::string_view name) {
  for (const auto& p : r.phases) {
    if (p.name != phase || p.layer != layer) continue;
    for (const std::uint32_t op : p.ops) {
      if (r.ops[op].name.find(name) != std::string::npos) return op;
    }
  }
  FAIL("there is no " << name);
  return 0;
}

}  // namespace

TEST_CASE("DeepSeek's training trace is replayed with its span, phases and hidden communication") {
  const Bench bench(deepseek());
  const replay::Replay r = bench.play();
  // profile_train.md: 129,012 us; 110,292 of 114,521 us of communication beside computing.
  CHECK(r.recorded.span_s == doctest::Approx(0.129012).epsilon(1e-9));
  CHECK(r.replayed.span_s == doctest::Approx(0.129012).epsilon(1e-2));
  CHECK(std::abs(r.replayed.hidden_pct() - 96.3) < 1);
  CHECK(r.recorded.communication_s == doctest::Approx(0.114521).epsilon(1e-9));
  CHECK(r.recorded.computing_s == doctest::Approx(0.124286).epsilon(1e-9));
  REQUIRE(r.phases.size() == 40);  // 10 phases of 4 layers
  for (const replay::PhaseTimes& p : r.phases) {
    CAPTURE(p.name);
    CHECK(p.replayed_s == doctest::Approx(p.recorded_s).epsilon(0.03));
  }
  // compute.md 4.1: mean walls of the computing phases.
  for (const auto& [name, ms] :
       {std::pair{"attn(F)", 4.599}, {"mlp(B)", 5.363}, {"mlp(W)", 5.073}, {"mlp(F)", 4.641}, {"attn(B)", 9.540}, {"attn(W)", 2.396}}) {
    CHECK(phase_mean_ms(r, name, &replay::PhaseTimes::replayed_s) == doctest::Approx(ms).epsilon(0.03));
  }
}

TEST_CASE("starts are those of a plain walk over durations, launch gaps and dependencies; no recorded start is among them") {
  const Bench bench(deepseek());
  const replay::Replay r = bench.play();
  const std::vector<double> start = bench.starts_us(r.durations.us);
  for (std::size_t op = 0; op < start.size(); ++op) CHECK(r.times.start_s[op] == doctest::Approx(start[op] * 1e-6).epsilon(1e-12));
}

TEST_CASE("a kernel made 5 ms longer moves exactly its dependents") {
  const Bench bench(deepseek());
  const replay::Replay before = bench.play();
  const auto& rec = bench.recording;
  for (const std::uint32_t op :
       {std::uint32_t{0}, first_of(rec, "attn(F)", 1, "compute_attn_ws"), first_of(rec, "dispatch(F)", 1, "notify_dispatch"),
        first_of(rec, "dispatch(B)", 2, "combine"), first_of(rec, "mlp(W)", 3, "GemmKernel"), first_of(rec, "combine(F)", 4, "combine"),
        first_of(rec, "attn(B)", 4, "ln_bwd")}) {
    CAPTURE(op);
    replay::WhatIf what;
    what.longer_us[op] = 5000;
    const replay::Replay after = bench.play(what);
    const std::vector<bool> dependents = dependents_of(bench.dependencies, op);
    const std::vector<double> was = bench.starts_us(before.durations.us), now = bench.starts_us(after.durations.us);
    for (std::uint32_t k = 0; k < rec.ops.size(); ++k) {
      const double shift = after.times.start_s[k] - before.times.start_s[k];
      if (!dependents[k]) CHECK(std::abs(shift) <= 1e-9);
      CHECK(std::abs(shift - (now[k] - was[k]) * 1e-6) <= 1e-9);  // those without slack move by all of it
      CHECK(shift <= 5e-3 + 1e-9);
    }
  }
}

TEST_CASE("the last exchange of the trace moves nothing, the next kernel of its stream and what waits for it move by 5 ms") {
  const Bench bench(deepseek());
  const replay::Replay before = bench.play();
  const auto& rec = bench.recording;
  replay::WhatIf last;
  last.longer_us[first_of(rec, "combine(F)", 4, "combine")] = 5000;
  CHECK(moved(before, bench.play(last)).empty());
  // combine(B) of layer 4 ends 3 us before mlp(B) starts: mlp(B) waits for it, and so do dispatch(F) on its stream and all that follows.
  replay::WhatIf what;
  const std::uint32_t slow = first_of(rec, "combine(B)", 4, "dispatch");
  what.longer_us[slow] = 5000;
  const replay::Replay after = bench.play(what);
  for (const char* phase : {"mlp(B)", "attn(B)", "combine(F)"}) {
    const std::uint32_t op = first_of(rec, phase, 4, "");
    CHECK(after.times.start_s[op] - before.times.start_s[op] == doctest::Approx(5e-3).epsilon(1e-3));
  }
  for (const std::uint32_t op : moved(before, after)) CHECK(rec.ops[op].start_us > rec.ops[slow].start_us);
}

TEST_CASE("predicted from kernel models a layer takes what it took within 8 %") {
  const Bench bench(deepseek());
  replay::WhatIf what;
  what.predicted = true;
  const replay::Replay r = bench.play(what);
  CHECK(r.replayed.span_s / 4 == doctest::Approx(0.129012 / 4).epsilon(0.08));
  CHECK(r.durations.modelled_us / (r.durations.modelled_us + r.durations.kept_us) > 0.9);
  // Nothing of the recorded time of an exchange is in it: DeepEP's dispatch at EP64 is 4,096 x 3.98 copies of 7,392 B at 51 GB/s, 2.37 ms.
  CHECK(r.durations.us[first_of(bench.recording, "dispatch(F)", 1, "ep::internode::dispatch")] == doctest::Approx(2370).epsilon(0.05));
  CHECK(r.durations.us[first_of(bench.recording, "combine(F)", 1, "ep::internode::combine")] == doctest::Approx(4700).epsilon(0.05));
}

TEST_CASE("exchanges scale with the network, waits for peers and computing do not") {
  const Bench bench(deepseek());
  Json slow = replay::usual_cluster(bench.recording);
  slow["node"] = {{"extends", "h800"}, {"nic_rate", "200 Gbps"}};
  const auto half = Bench::cluster(slow);
  const replay::Replay before = bench.play(), after = bench.play({}, half.get());
  for (std::uint32_t op = 0; op < bench.recording.ops.size(); ++op) {
    const auto& o = bench.recording.ops[op];
    // Half the NIC: bytes over NICs bind (EP64), so exchanges take twice as long but for their latency.
    if (o.role == workloads::replay::Role::exchange)
      CHECK(after.durations.us[op] / before.durations.us[op] == doctest::Approx(2).epsilon(0.01));
    else CHECK(after.durations.us[op] == before.durations.us[op]);
  }
  CHECK(after.replayed.hidden_pct() < before.replayed.hidden_pct());
  // Cables, not the kernel, would be no faster with limits of the kernel's own.
  Json fast = replay::usual_cluster(bench.recording);
  fast["node"] = {{"extends", "h800"}, {"nic_rate", "800 Gbps"}};
  const auto twice = Bench::cluster(fast);
  replay::WhatIf fixed;
  fixed.fixed_limits = true;
  CHECK(bench.play(fixed, twice.get()).replayed.span_s == doctest::Approx(before.replayed.span_s).epsilon(1e-3));
  CHECK(bench.play({}, twice.get()).replayed.span_s < before.replayed.span_s);
}

TEST_CASE("without communication what is left is computing and its gaps") {
  const Bench bench(deepseek());
  replay::WhatIf what;
  what.no_communication = true;
  const replay::Replay r = bench.play(what);
  for (std::uint32_t op = 0; op < bench.recording.ops.size(); ++op) {
    if (bench.recording.ops[op].role != workloads::replay::Role::compute) CHECK(r.durations.us[op] == 0);
  }
  CHECK(r.replayed.span_s >= 0.124286);            // busy computing streams
  CHECK(r.replayed.span_s <= 0.129012 - 1761e-6);  // the stall of attn(B) in layer 4 is gone
}

TEST_CASE("another GPU, other SMs and balanced experts scale kernels by family") {
  const Bench bench(deepseek());
  const auto& rec = bench.recording;
  replay::WhatIf same;
  same.gpu = "h100";
  CHECK(bench.play(same).replayed.span_s == doctest::Approx(0.129012).epsilon(1e-9));  // the H100's cores and memory are the H800's
  replay::WhatIf h200;
  h200.gpu = "h200";
  const replay::Replay memory = bench.play(h200);
  const std::uint32_t gemm = first_of(rec, "attn(F)", 1, "GemmKernel"), routing = first_of(rec, "attn(F)", 1, "elementwise");
  CHECK(memory.durations.us[gemm] == doctest::Approx(rec.ops[gemm].time_us));                                   // the same tensor cores
  CHECK(memory.durations.us[routing] == doctest::Approx(rec.ops[routing].time_us * 3.35 / 4.8).epsilon(1e-3));  // HBM 3.35 to 4.8 TB/s
  replay::WhatIf all_sms;
  all_sms.comm_sms = 0;
  CHECK(bench.play(all_sms).replayed.computing_s < 0.124286 * 0.95);
  replay::WhatIf none;
  none.comm_sms = 132;
  CHECK_THROWS_AS(bench.play(none), UserError);
  replay::WhatIf balanced;
  balanced.balanced = true;
  const replay::Replay even = bench.play(balanced);
  // compute.md 12: rows of the forward experts 31104, 30976, 36864, 31104; balanced they are 4096 x 8 = 32768 everywhere.
  for (const auto& [layer, rows] : {std::pair{1, 31104.0}, {2, 30976.0}, {3, 36864.0}, {4, 31104.0}}) {
    std::uint32_t grouped = 0;
    for (const auto& p : rec.phases) {
      if (p.name != "mlp(F)" || p.layer != layer) continue;
      for (const std::uint32_t op : p.ops) {
        if (rec.ops[op].shape.operation == "routed_gateup") grouped = op;
      }
    }
    CHECK(rec.ops[grouped].rows == rows);
    CHECK(even.durations.us[grouped] / rec.ops[grouped].time_us == doctest::Approx(32768 / rows).epsilon(0.02));
  }
}

TEST_CASE("trace_replay runs as a scenario's workload, its network a what-if") {
  const std::string cluster = R"("nodes": 8, "topology": {"kind": "mpft", "radix": 64}, "routing": {"policy": "adaptive"})";
  const auto report = run(minimal(cluster, R"({"kind": "trace_replay", "trace": "deepseek_v3_train"})"));
  const auto& rows = report.tables.front().rows;
  CHECK(rows.front().number("replayed_ms") == doctest::Approx(129.012));
  CHECK(rows.front().number("hidden_pct") == doctest::Approx(96.307).epsilon(1e-4));
  CHECK(rows.size() == 14);  // span, computing, communication, layer, 10 phases
  CHECK(error_of(minimal(cluster, R"({"kind": "trace_replay", "trace": "deepseek_v3_trian"})")).find("deepseek_v3_train") !=
        std::string::npos);
  CHECK(error_of(minimal(cluster, R"({"kind": "trace_replay"})")).find("/trace") != std::string::npos);
  CHECK(error_of(minimal(cluster, R"({"kind": "trace_replay", "trace": "deepseek_v3_train", "comm_sms": 132})")).find("none of the 132") !=
        std::string::npos);
  const std::string small = R"("nodes": 4, "topology": {"kind": "mpft", "radix": 64})";
  CHECK(error_of(minimal(small, R"({"kind": "trace_replay", "trace": "deepseek_v3_train"})")).find("64 ranks") != std::string::npos);
}
