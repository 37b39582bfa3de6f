// The guard: corrupted timelines are caught and the phase is named; honest ones pass.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "sim/analysis/guard.h"
#include "sim/engine/closed_form/closed_form.h"
#include "tests/bench/programs.h"
#include "tests/engine/play.h"

using namespace weft;
using namespace weft::testing;
using doctest::Approx;
using workloads::StaticProgram;

namespace {

/// A run with all that the guard wants to know.
struct Watched final : engine::TimelineSink {
  std::shared_ptr<const topology::Fabric> fabric;
  topology::Router router;
  workloads::Program& program;
  analysis::Ledger ledger{100000};
  analysis::Bound bound;
  std::vector<Seconds> start, finish;
  Seconds makespan;

  Watched(std::shared_ptr<const topology::Fabric> f, workloads::Program& p, bool closed_form = false, const topology::RoutingSpec& routing = {})
      : fabric(std::move(f)), router(*fabric, routing), program(p), bound(analysis::bound_of(router, p, &ledger)) {
    makespan = (closed_form ? engine::run_closed_form(router, p, {}, *this) : engine::run(router, p, {}, *this)).makespan;
  }
  void started(OpId id, Seconds t) override { put(start, id, t); }
  void finished(OpId id, Seconds t) override { put(finish, id, t); }

  /// What the guard says; empty when all is well.
  std::string check(const analysis::GuardOptions& options = {}) const {
    if (auto wrong = analysis::impossible(ledger, router, program.kernels(), {start, finish}, options)) return *wrong;
    return analysis::below_bound(bound, makespan, options).value_or("");
  }
  /// Makes operations `first` to `last` faster, start and finish.
  void hurry(double by, std::uint32_t first = 0, std::uint32_t last = ~0u) {
    for (std::uint32_t i = first; i < finish.size() && i <= last; ++i) start[i] *= by, finish[i] *= by;
    makespan = *std::max_element(finish.begin(), finish.end());
  }

 private:
  static void put(std::vector<Seconds>& list, OpId id, Seconds t) {
    if (list.size() <= id.value) list.resize(id.value + 1);
    list[id.value] = t;
  }
};

std::shared_ptr<const topology::Fabric> shared(topology::Fabric f) { return std::make_shared<const topology::Fabric>(std::move(f)); }

bool says(const std::string& text, const std::string& words) { return text.find(words) != std::string::npos; }

/// n * (n - 1) plain transfers of 1 GB between `n` endpoints of 50 GB/s: (n - 1) * 0.02 s on every cable. `after` goes before all.
std::vector<OpId> all_to_all(StaticProgram& p, std::uint32_t n, const std::vector<OpId>& after = {}) {
  std::vector<OpId> ids;
  for (std::uint32_t a = 0; a < n; ++a) {
    for (std::uint32_t b = 0; b < n; ++b) {
      if (a != b) ids.push_back(send(p, 1e9, nic(a), nic(b), {}, after));
    }
  }
  return ids;
}

}  // namespace

TEST_CASE("an all-to-all that is told 7 % or 599 times faster than the wire is caught") {
  // 7 * 0.02 s = 0.14 s on every cable; alone each transfer needs 0.02 s
  StaticProgram p;
  all_to_all(p, 8);
  Watched honest(shared(star(8)), p);
  CHECK(honest.makespan.value() == Approx(0.14).epsilon(1e-12));
  CHECK(honest.check() == "");
  Watched hasty(shared(star(8)), p);
  hasty.hurry(0.93);
  CHECK(says(hasty.check(), "phase 1 of 1: "));
  CHECK(says(hasty.check(), "140000 us at least"));
  Watched wild(shared(star(8)), p);
  wild.hurry(1 / 599.0);
  CHECK(says(wild.check(), "phase 1 of 1, operation 0 (transfer): "));
}

TEST_CASE("the makespan alone is held against the bound too, where operations are too many to be watched") {
  StaticProgram p;
  all_to_all(p, 8);
  const topology::Fabric f = star(8);
  topology::Router router(f, {});
  analysis::Ledger small(10);
  const analysis::Bound b = analysis::bound_of(router, p, &small);
  CHECK_FALSE(small.complete());
  CHECK_FALSE(analysis::below_bound(b, Seconds(0.14)));
  CHECK(says(analysis::below_bound(b, Seconds(0.1399)).value_or(""), "the whole run: "));
}

TEST_CASE("the phase that is too fast is named, and so is the operation") {
  // Two exchanges with a marker between them: the second one is told 7 % faster from where it starts
  StaticProgram p;
  const std::vector<OpId> first = all_to_all(p, 4);
  const OpId marker = p.add_marker(Seconds(0), first);
  const std::vector<OpId> second = all_to_all(p, 4, {marker});
  Watched w(shared(star(4)), p);
  CHECK(w.ledger.phases() == 3);
  CHECK(w.check() == "");
  for (const OpId id : second) w.finish[id.value] = w.start[id.value] + (w.finish[id.value] - w.start[id.value]) * 0.93;
  CHECK(says(w.check(), "phase 3 of 3: "));
  Watched one(shared(star(4)), p);
  one.finish[second[5].value] = one.start[second[5].value] + Seconds(0.0199);
  CHECK(says(one.check(), "phase 3 of 3, operation " + std::to_string(second[5].value) + " (transfer)"));
}

TEST_CASE("a phase that begins in the middle of another is held against the links of both") {
  // Each phase alone fits, both together do not: two transfers of 0.02 s over one cable within 0.03 s
  StaticProgram p;
  send(p, 1e9, nic(0), nic(1));
  const OpId before[] = {p.add_marker(Seconds(0.01))};
  send(p, 1e9, nic(0), nic(1), {}, {before[0]});
  Watched w(shared(star(2)), p);
  CHECK(w.check() == "");
  w.start = {Seconds(0), Seconds(0), Seconds(0.01)};
  w.finish = {Seconds(0.02), Seconds(0.01), Seconds(0.03)};
  CHECK(says(w.check(), "the whole run: "));
}

TEST_CASE("a computation or a marker that ends early, and an operation that never ran, are caught") {
  StaticProgram p;
  p.add_compute(StreamId(0), Seconds(2));
  p.add_marker(Seconds(1));
  Watched w(shared(star(2)), p);
  w.finish[0] = Seconds(1.9);
  CHECK(says(w.check(), "operation 0 (computation): from 0 us to 1900000 us, but it takes 2000000 us at least"));
  Watched m(shared(star(2)), p);
  m.finish[1] = Seconds(0.5);
  CHECK(says(m.check(), "operation 1 (marker)"));
  Watched gone(shared(star(2)), p);
  gone.finish.resize(1);
  CHECK(says(gone.check(), "operation 1 (marker): it has not run"));
}

TEST_CASE("a kernel's own rate counts as a link, by payload") {
  // two transfers of 1 GB from one NIC at 20 GB/s of the kernel: 0.1 s; the wire alone would allow 0.04 s
  StaticProgram p;
  const KernelId k = p.add_kernel({"slow", BytesPerSecond(20e9), {}});
  for (std::uint32_t i = 1; i < 3; ++i) send(p, 1e9, nic(0), nic(i), {.kernel = k});
  Watched w(shared(star(3)), p);
  CHECK(w.check() == "");
  w.hurry(0.93);
  CHECK(says(w.check(), "at the rate of kernel slow"));
}

TEST_CASE("without contention only operations are watched, and slack says how early one may be told") {
  StaticProgram p;
  all_to_all(p, 8);
  Watched w(shared(star(8)), p, true);
  CHECK(says(w.check(), "phase 1 of 1: "));
  CHECK(w.check({.sharing = false}) == "");
  w.hurry(0.999);
  CHECK(w.check({.sharing = false}) != "");
  CHECK(w.check({.sharing = false, .slack = 2e-3}) == "");
}

TEST_CASE("honest runs pass: exchanges, pipelines, queue pairs, random programs on both engines") {
  const auto f = shared(make_fabric(R"({"kind": "mpft"})", 64, "h800", "infiniband"));
  bench::PxnAllToAll pxn(8, 1e6, 0.2);
  CHECK(Watched(f, pxn).check() == "");
  bench::Dispatch dispatch(8, 1e6);
  CHECK(Watched(f, dispatch).check() == "");
  bench::Exchanges exchanges(4, 3, 1e6, true);
  CHECK(Watched(f, exchanges).check() == "");
  bench::ComputePipeline pipeline(16, 20);
  CHECK(Watched(f, pipeline).check() == "");
  const topology::RoutingSpec ecmp{.policy = topology::Policy::ecmp, .qps = 3, .seed = 11};
  CHECK(rc::check([&] {
    StaticProgram p;
    const auto draw = [](int below) { return static_cast<std::uint32_t>(*rc::gen::inRange(0, below)); };
    const int n = *rc::gen::inRange(1, 30);
    for (int i = 0; i < n; ++i) {
      std::vector<OpId> after;
      if (i > 0 && draw(3) == 0) after.push_back(OpId(draw(i)));
      const std::uint32_t rail = draw(8);
      if (draw(5) == 0) p.add_compute(StreamId(draw(3)), Seconds(1e-5 * draw(9)), 0, after);
      else send(p, 1e6 * draw(9), gpu(draw(64), rail), gpu(draw(64), rail), {.extra_latency = Seconds(1e-6 * draw(5)), .flow_key = draw(99)}, after);
    }
    RC_ASSERT(Watched(f, p).check() == "");
    RC_ASSERT(Watched(f, p, false, ecmp).check() == "");
    RC_ASSERT(Watched(f, p, true).check({.sharing = false}) == "");
  }));
}
