// Replaying traces that a generator wrote: prefill and decode with two micro-batches, CPUs that wait, and files that are broken.
#include <doctest/doctest.h>

#include <cmath>

#include "tests/models/reading_measurements.h"
#include "tests/scenarios/replay_support.h"
#include "tests/support/trace_text.h"

using namespace weft;
using namespace weft::scenarios;
using namespace weft::scenarios::test;
using weft::test::decode_trace;
using weft::test::prefill_trace;
using weft::test::TracedProgram;

namespace {

models::Trace trace_of(const std::string& text) {
  const models::TextFile file(text, "trace.json");
  return models::find_trace(file.path(), data(), "TRACE");
}

std::string refused(const std::string& text) {
  try {
    trace_of(text);
  } catch (const UserError& e) {
    return e.what();
  }
  return "";
}

/// The generator's kernels by number in the recording: both are told apart by their start.
std::vector<std::uint32_t> numbers_of(const TracedProgram& program, const workloads::replay::Recording& recording) {
  const auto times = program.play();
  std::vector<std::uint32_t> out;
  for (std::size_t i = 0; i < program.kernels.size(); ++i) {
    for (std::uint32_t op = 0; op < recording.ops.size(); ++op) {
      if (std::abs(recording.ops[op].start_us - times.start[i]) < 1e-9 &&
          recording.streams[recording.ops[op].stream].number == program.kernels[i].stream)
        out.push_back(op);
    }
  }
  REQUIRE(out.size() == program.kernels.size());
  return out;
}

/// Replays `program` with kernel `slow` longer and holds it against the generator, which plays the longer program itself.
void hold_against_generator(const TracedProgram& program, std::size_t slow, double longer_us) {
  CAPTURE(slow);
  const Bench bench(trace_of(program.text()));
  const std::vector<std::uint32_t> number = numbers_of(program, bench.recording);
  replay::WhatIf what;
  what.longer_us[number[slow]] = longer_us;
  const replay::Replay r = bench.play(what);
  TracedProgram longer = program;
  longer.kernels[slow].time_us += longer_us;
  const auto truth = longer.play();
  for (std::size_t i = 0; i < number.size(); ++i) {
    CAPTURE(i);
    CHECK(r.times.start_s[number[i]] == doctest::Approx((truth.start[i] - truth.launch.front()) * 1e-6).epsilon(1e-9));
  }
}

}  // namespace

TEST_CASE("a prefill trace of two micro-batches comes back as it was, and without known layers each run of a phase counts as one") {
  const TracedProgram program = prefill_trace(3);
  const Bench bench(trace_of(program.text()));
  const replay::Replay r = bench.play();
  const auto times = program.play();
  const double span = *std::max_element(times.end.begin(), times.end.end()) - *std::min_element(times.start.begin(), times.start.end());
  CHECK(r.replayed.span_s == doctest::Approx(span * 1e-6).epsilon(1e-9));
  REQUIRE(r.phases.size() == 30);  // 6 computing and 4 communicating phases, 3 layers
  for (const replay::PhaseTimes& p : r.phases) CHECK(p.replayed_s == doctest::Approx(p.recorded_s).epsilon(1e-9));
  CHECK(r.phases.front().name == "ATTN(mb1)");
  CHECK(r.phases.back().layer == 3);
  CHECK(r.replayed.hidden_pct() == doctest::Approx(r.recorded.hidden_pct()).epsilon(1e-9));
  CHECK(r.replayed.communication_s > 0);
}

TEST_CASE("what a stream waits for is found without being told: each prefill kernel made longer moves what the generator says") {
  const TracedProgram program = prefill_trace(2);
  for (std::size_t slow = 0; slow < program.kernels.size(); ++slow) hold_against_generator(program, slow, 5000);
}

TEST_CASE("a decode trace, whose exchanges stand on the computing stream, comes back and scales with the network") {
  const TracedProgram program = decode_trace(4);
  const Bench bench(trace_of(program.text()));
  const replay::Replay before = bench.play();
  CHECK(before.replayed.span_s == doctest::Approx(before.recorded.span_s).epsilon(1e-9));
  CHECK(before.replayed.hidden_pct() == 0);  // nothing else runs meanwhile
  Json slow = replay::usual_cluster(bench.recording);
  slow["node"] = {{"extends", "h800"}, {"nic_rate", "100 Gbps"}};
  const auto quarter = Bench::cluster(slow);
  CHECK(bench.play({}, quarter.get()).replayed.communication_s > 2 * before.replayed.communication_s);
  for (const std::size_t op : {std::size_t{0}, std::size_t{7}, program.kernels.size() - 1}) hold_against_generator(program, op, 300);
}

TEST_CASE("a CPU that waits for a kernel launches the rest later: DeepEP's dispatch waits for its counts") {
  TracedProgram program;
  program.add({"A", "void deep_gemm::fp8_gemm_kernel<1>(int)", 7, 300, {}});
  program.add({"D", "void deep_ep::internode::notify_dispatch<1>(int)", 27, 500, {0}, true});
  program.add({"D", "void deep_ep::internode::dispatch<1>(int)", 27, 800, {}});
  program.add({"B", "void deep_gemm::fp8_gemm_kernel<1>(int)", 7, 100, {}});
  for (std::size_t slow = 0; slow < program.kernels.size(); ++slow) hold_against_generator(program, slow, 5000);
}

TEST_CASE("a CPU that synchronises with a stream launches the rest when that has ended") {
  TracedProgram program;
  program.add({"A", "void deep_gemm::fp8_gemm_kernel<1>(int)", 7, 300, {}});
  program.add({"A", "void deep_gemm::fp8_gemm_kernel<2>(int)", 7, 200, {}, true});
  program.add({"B", "void deep_gemm::fp8_gemm_kernel<3>(int)", 8, 100, {}});
  program.add({"B", "void deep_gemm::fp8_gemm_kernel<4>(int)", 7, 50, {}});
  for (std::size_t slow = 0; slow < program.kernels.size(); ++slow) hold_against_generator(program, slow, 5000);
}

TEST_CASE("a trace without launches, waits and phases is replayed by the order of its streams") {
  const auto kernel = [](int stream, double ts, double dur) {
    return fmt::format(R"({{"ph":"X","cat":"kernel","name":"k","ts":{},"dur":{},"args":{{"device":0,"stream":{}}}}})", ts, dur, stream);
  };
  const Bench bench(trace_of("{\"traceEvents\":[" + kernel(1, 100, 50) + "," + kernel(2, 152, 30) + "," + kernel(1, 184, 10) + "]}"));
  const replay::Replay r = bench.play();
  CHECK(r.replayed.span_s == doctest::Approx(94e-6));
  CHECK(r.phases.empty());
}

TEST_CASE("the facts of a trace are all that a replay needs") {
  const models::Trace trace = trace_of(prefill_trace(2).text());
  const models::Trace again = models::read_trace_facts(models::trace_facts(trace, {"t", "s"}), "facts.json");
  const Bench a(trace), b(again);
  CHECK(a.play().times.start_s == b.play().times.start_s);
  CHECK(a.play().notes == b.play().notes);
}

TEST_CASE("broken traces are refused with their place") {
  CHECK(models::says(refused(""), "empty"));
  CHECK(models::says(refused("{\"traceEvents\": []}"), "no GPU kernel"));
  const std::string good = prefill_trace(1).text();
  CHECK(models::says(refused(good.substr(0, good.size() / 2)), "cut off"));
  CHECK(models::says(refused("{\"events\": []}"), "traceEvents"));
  CHECK(models::says(refused(R"({"traceEvents":[{"ph":"X","cat":"kernel","name":"k","ts":1,"args":{}}]})"), "/traceEvents/0"));
  CHECK(models::says(refused(R"({"traceEvents":[{"ph":"X","cat":"kernel","name":"k","ts":1,"dur":-5,"args":{}}]})"), "lasts -5 us"));
  CHECK(models::says(refused(R"({"schema": "weft-trace/1", "title": "t"})"), "/kernels"));
  CHECK(models::says(refused("\x1f\x8b\x08"), "gunzip"));
}
