// The critical path: what each step waited for, and what limited it; the steps fill the run without gaps.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <optional>

#include "sim/analysis/explain/critical_path.h"
#include "sim/analysis/explain/free_program.h"
#include "sim/analysis/explain/summary.h"
#include "sim/engine/watch.h"
#include "tests/engine/play.h"

using namespace weft;
using namespace weft::testing;
using analysis::Explanation;
using analysis::Resource;
using doctest::Approx;
using workloads::StaticProgram;

namespace {

struct Finds final : engine::Watch {
  workloads::Program& over(workloads::Program& p, const engine::LinkOrbits*) override { return path.emplace(p); }
  engine::TimelineSink& sink() override { return *path; }
  std::optional<analysis::CriticalPath> path;
};

struct Reads final : engine::Watch {
  Reads(topology::Router& r, const analysis::LinkRoles& roles, std::span<const analysis::OnPath> p, double bin, analysis::LinksUsed& u)
      : router(r), roles(roles), path(p), bin(bin), used(u) {}
  workloads::Program& over(workloads::Program& p, const engine::LinkOrbits* orbits) override {
    return reader.emplace(p, router, orbits, roles, path, 0, bin, used);
  }
  engine::TimelineSink& sink() override { return *reader; }
  topology::Router& router;
  const analysis::LinkRoles& roles;
  std::span<const analysis::OnPath> path;
  double bin;
  analysis::LinksUsed& used;
  std::optional<analysis::PathReader> reader;
};

std::vector<analysis::OnPath> path_of(const topology::Fabric& f, workloads::Program& p) {
  topology::Router router(f, {});
  Finds finds;
  engine::run_watched(router, p, {}, finds);
  return finds.path->take();
}

/// A program that may be played twice.
Explanation why(const topology::Fabric& f, StaticProgram& p, std::size_t bins = 10) {
  StaticProgram again = p;
  const auto path = path_of(f, p);
  topology::Router router(f, {});
  const analysis::LinkRoles roles(f);
  analysis::LinksUsed used{std::vector<double>(f.links().size()), {roles.count(), std::vector<double>(bins)}};
  Reads reads(router, roles, path, path.back().finish.value() / static_cast<double>(bins), used);
  engine::run_watched(router, again, {}, reads);
  return analysis::summarise(router, roles, reads.reader->take(), used, {}, 5).why;
}

double sum_of_phases(const Explanation& e) {
  double sum = 0;
  for (const auto& p : e.phases) sum += p.time.value();
  return sum;
}

double sum_of_resources(const Explanation& e) {
  double sum = 0;
  for (const auto& r : e.resources) sum += r.time.value();
  return sum;
}

}  // namespace

TEST_CASE("the path goes through the dependency that ended last, and through the stream") {
  // stream 0: a of 1 s, then b of 2 s that waits for a transfer of 0.2 s; c of 0.5 s waits for b and for the transfer
  StaticProgram p;
  const OpId sent = send(p, 10e9, nic(0), nic(1));
  const OpId a = p.add_compute(StreamId(0), Seconds(1));
  const OpId after_sent[] = {sent};
  const OpId b = p.add_compute(StreamId(0), Seconds(2), 0, after_sent);
  const OpId after_both[] = {sent, b};
  const OpId c = p.add_compute(StreamId(1), Seconds(0.5), 0, after_both);
  const auto path = path_of(star(2), p);
  REQUIRE(path.size() == 3);
  CHECK(path[0].op == a);
  CHECK(path[1].op == b);
  CHECK(path[2].op == c);
  CHECK(path[1].start == path[0].finish);
  CHECK(path[2].finish.value() == Approx(3.5));
}

TEST_CASE("an incast waits for the receiver's NIC, which is full meanwhile") {
  // 3 * 10 GB into NIC 0 at 50 GB/s: 0.6 s
  StaticProgram p;
  for (std::uint32_t i = 1; i < 4; ++i) send(p, 10e9, nic(i), nic(0));
  const Explanation e = why(star(4), p);
  CHECK(e.total.value() == Approx(0.6));
  REQUIRE(e.links.size() == 1);
  CHECK(e.links[0].resource == Resource::nic_in);
  CHECK(e.links[0].name == "NIC in of node0.nic0");
  CHECK(e.links[0].members == 1);
  CHECK(e.links[0].utilisation == Approx(1));
  CHECK(e.resources[0].resource == Resource::nic_in);
}

TEST_CASE("of two transfers that follow each other each has the bottleneck of its own time") {
  // 20 GB alone from 0 to 1 (0.4 s), then two flows of 10 GB from 1 share its NIC's way out (0.4 s)
  StaticProgram p;
  const OpId first = send(p, 20e9, nic(0), nic(1));
  send(p, 10e9, nic(1), nic(2), {}, {first});
  send(p, 10e9, nic(1), nic(3), {}, {first});
  const Explanation e = why(star(4), p);
  CHECK(e.total.value() == Approx(0.8));
  REQUIRE(e.path.size() == 2);
  CHECK(e.path[1].limit == Resource::nic_out);
  CHECK(e.path[1].where == "node1.nic0");
}

TEST_CASE("latency, rate caps and a kernel's own rate are told apart from the wire") {
  StaticProgram p;
  const KernelId slow = p.add_kernel({"slow", BytesPerSecond(20e9), {}});
  const OpId a = send(p, 10e9, nic(0), nic(1), {.kernel = slow, .extra_latency = Seconds(0.1)});   // 0.1 s + 0.5 s at 20 GB/s
  send(p, 1e9, nic(1), nic(0), {.rate_cap = BytesPerSecond(0.5e9)}, {a});                           // 2 s
  const Explanation e = why(star(2), p);
  CHECK(e.total.value() == Approx(2.6));
  REQUIRE(e.resources.size() == 3);
  CHECK(e.resources[0].resource == Resource::rate_cap);
  CHECK(e.resources[0].time.value() == Approx(2));
  CHECK(e.resources[1].resource == Resource::nic_out);
  CHECK(e.resources[1].time.value() == Approx(0.5));
  CHECK(e.resources[2].resource == Resource::latency);
  CHECK(e.resources[2].time.value() == Approx(0.1));
  REQUIRE(e.links.size() == 1);   // the kernel's rate holds at both ends
  CHECK(e.links[0].name == "slow's own rate on NIC out of node0.nic0 and slow's own rate on NIC in of node1.nic0");
}

TEST_CASE("communication beside the path's computing is hidden, on it exposed") {
  // 1 s of computing while NIC 0 sends 10 GB (0.2 s, from 0), then a transfer of 0.4 s that waits for the computing
  StaticProgram p;
  send(p, 10e9, nic(0), nic(1));
  const OpId a = p.add_compute(StreamId(0), Seconds(1));
  send(p, 20e9, nic(0), nic(1), {}, {a});
  const Explanation e = why(star(2), p);
  CHECK(e.exposed.value() == Approx(0.4));
  CHECK(e.hidden.value() == Approx(0.2));
  CHECK(e.communicating.value() == Approx(0.6));
  // 0.6 s of 1.4 s at line rate out of NIC 0
  const auto out = std::find_if(e.groups.begin(), e.groups.end(), [](const auto& g) { return g.name == "NIC out"; });
  REQUIRE(out != e.groups.end());
  double mean = 0;
  for (const double u : out->utilisation) mean += u / static_cast<double>(out->utilisation.size());
  CHECK(mean == Approx(0.6 / 1.4));
}

TEST_CASE("steps follow one another from 0 to the end, and phases and resources add up to it, whatever the program") {
  rc::check("the path of random programs has no gaps", [] {
    StaticProgram p;
    std::vector<OpId> ops;
    const int n = *rc::gen::inRange(1, 40);
    for (int i = 0; i < n; ++i) {
      std::vector<OpId> after;
      for (int k = *rc::gen::inRange(0, 3); k > 0 && !ops.empty(); --k) after.push_back(ops[*rc::gen::inRange<std::size_t>(0, ops.size())]);
      const int what = *rc::gen::inRange(0, 3);
      const double size = *rc::gen::inRange(0, 5);
      if (what == 0) ops.push_back(p.add_compute(StreamId(*rc::gen::inRange(0u, 3u)), Seconds(size), 0, after));
      if (what == 1) ops.push_back(p.add_marker(Seconds(size / 2), after));
      if (what == 2) ops.push_back(send(p, size * 50e9, nic(*rc::gen::inRange(0u, 3u)), nic(3 + *rc::gen::inRange(0u, 3u)), {}, after));
    }
    StaticProgram q = p;
    const auto played = play(star(6), q);
    const Explanation e = why(star(6), p);
    double now = 0;
    for (const auto& s : e.path) {
      RC_ASSERT(std::abs(s.start.value() - now) <= 1e-9 * (1 + now));
      now = s.finish.value();
    }
    RC_ASSERT(std::abs(now - played.summary.makespan.value()) <= 1e-9 * (1 + now));
    RC_ASSERT(std::abs(sum_of_phases(e) - now) <= 1e-9 * (1 + now));
    RC_ASSERT(std::abs(sum_of_resources(e) - now) <= 1e-9 * (1 + now));
    for (const auto& s : e.path) RC_ASSERT(s.limit != Resource::nvlink);
  });
}

TEST_CASE("operations of one name that are free take no time, and the rest runs as it did") {
  StaticProgram p;
  const KernelId k = p.add_kernel({"exchange", {}, {}});
  const OpId a = send(p, 10e9, nic(0), nic(1), {.kernel = k, .extra_latency = Seconds(1)});
  const OpId after[] = {a};
  p.add_compute(StreamId(0), Seconds(2), 0, after);
  analysis::FreeProgram free(p, {"exchange", {}, {}});
  CHECK(play(star(2), free).summary.makespan.value() == Approx(2));
  StaticProgram q;
  q.add_kernel({"slow", BytesPerSecond(20e9), {}});
  send(q, 10e9, nic(0), nic(1), {.kernel = KernelId(0)});
  analysis::FreeProgram lifted(q, {"", {{"slow", true}}, {}});
  CHECK(play(star(2), lifted).summary.makespan.value() == Approx(0.2));   // the wire is left
}
