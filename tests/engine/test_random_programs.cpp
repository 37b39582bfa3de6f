// Random programs on small fabrics: the engine against a slow second way to run them, and against itself without classes.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>

#include "tests/engine/naive_run.h"
#include "tests/engine/play.h"

using namespace weft;
using namespace weft::testing;
using workloads::StaticProgram;

namespace {

const workloads::CommKernel kernel{"kernel", BytesPerSecond(40e9), BytesPerSecond(90e9)};

struct Setting {
  const char* topology;
  std::uint32_t nodes;
  const char* node;
};
// Spread over one leaf, two leaves, and rails; nodes of one and of eight GPUs.
const Setting settings[] = {{R"({"kind": "single_switch", "radix": 64})", 5, "endpoint"},
                            {R"({"kind": "ft2", "radix": 4})", 8, "endpoint"},
                            {R"({"kind": "mpft", "radix": 4, "planes": 8})", 4, "h800"}};

std::uint32_t draw(int below) { return static_cast<std::uint32_t>(*rc::gen::resize(100, rc::gen::inRange(0, below))); }

/// A few sizes, weights and latencies, so that many flows are alike and many are not.
PlainTransfer random_transfer(const Setting& s, std::size_t index, bool all_alike) {
  const bool eight = std::string(s.node) == "h800";
  PlainTransfer t;
  t.bytes = all_alike ? 1e6 : 1e6 * (1 + draw(3));
  const std::uint32_t local = eight ? draw(8) : 0;
  const Endpoint from = gpu(draw(static_cast<int>(s.nodes)), local), to = gpu(draw(static_cast<int>(s.nodes)), local);
  t.legs.push_back({from, to, draw(4) == 0 ? 0.5 : 1});
  if (draw(5) == 0) t.legs.push_back({gpu(draw(static_cast<int>(s.nodes)), local), to, 0.5});   // a second source
  if (eight && draw(2) == 0) {   // fan-out behind the receiver
    for (std::uint32_t j = 0; j < 8; ++j) {
      if (j != local) t.legs.push_back({to, gpu(to.node.value, j), all_alike ? 0.5 : 0.1 + 0.1 * draw(5)});
    }
  }
  t.kernel = draw(2) == 0;
  t.flow_key = index;
  if (all_alike) return t;
  t.extra_latency = 1e-6 * draw(4);
  t.weight = 1 + draw(2);
  if (draw(6) == 0) t.cap = 10e9 * (1 + draw(2));
  for (std::uint32_t k = draw(3); k > 0 && index > 0; --k) t.after.push_back(draw(static_cast<int>(index)));
  return t;
}

StaticProgram program_of(const std::vector<PlainTransfer>& transfers) {
  StaticProgram p;
  const KernelId k = p.add_kernel(kernel);
  for (const PlainTransfer& t : transfers) {
    StaticProgram::TransferOptions o;
    if (t.kernel) o.kernel = k;
    o.extra_latency = Seconds(t.extra_latency);
    o.weight = t.weight;
    if (t.cap) o.rate_cap = BytesPerSecond(*t.cap);
    o.flow_key = t.flow_key;
    std::vector<OpId> after;
    for (std::size_t a : t.after) after.push_back(OpId(static_cast<std::uint32_t>(a)));
    p.add_transfer(Bytes(t.bytes), t.legs, o, after);
  }
  return p;
}

bool same(double a, double b) { return std::abs(a - b) <= 1e-9 * std::max(std::abs(a), std::abs(b)); }

topology::RoutingSpec random_routing() {
  topology::RoutingSpec r;
  const topology::Policy policies[] = {topology::Policy::adaptive, topology::Policy::ecmp, topology::Policy::static_dmodk};
  r.policy = policies[draw(3)];
  r.qps = 1 + draw(3);
  return r;
}

void compare(const Setting& s, const topology::Fabric& fabric, bool all_alike, int most) {
  std::vector<PlainTransfer> transfers;
  const std::uint32_t n = 1 + draw(most);
  for (std::size_t i = 0; i < n; ++i) transfers.push_back(random_transfer(s, i, all_alike));
  const auto routing = random_routing();
  StaticProgram p = program_of(transfers);
  engine::Options o;
  // A failure long after the end: transfers are then routed when they start, so links join a run that is under way.
  if (draw(2) == 0) o.events = {{Seconds(1e6), engine::FabricEvent::What::fail, LinkId(0), {}}};
  const Played merged = play(fabric, p, o, routing);
  o.classes = false;
  const Played single = play(fabric, p, o, routing);
  topology::Router router(fabric, routing);
  const std::vector<double> naive = NaiveRun(router, kernel).run(transfers);
  RC_ASSERT(merged.finish.size() == n);
  RC_ASSERT(single.finish.size() == n);
  for (std::uint32_t i = 0; i < n; ++i) {
    if (!same(merged.finish.at(i), naive[i])) RC_FAIL(fmt::format("transfer {}: {:.17g} with classes, {:.17g} by filling", i, merged.finish.at(i), naive[i]));
    if (!same(single.finish.at(i), naive[i])) RC_FAIL(fmt::format("transfer {}: {:.17g} without classes, {:.17g} by filling", i, single.finish.at(i), naive[i]));
  }
  RC_ASSERT(same(merged.summary.max_link_utilisation, single.summary.max_link_utilisation));
  RC_ASSERT(merged.summary.max_link_utilisation <= 1 + 1e-9);
  RC_ASSERT(merged.summary.classes <= single.summary.classes);
}

}  // namespace

TEST_CASE("any program ends as plain progressive filling says, with classes and without") {
  for (const Setting& s : settings) {
    const auto fabric = make_fabric(s.topology, s.nodes, s.node, "infiniband");
    CHECK(rc::check(std::string(s.topology) + ": mixed", [&] { compare(s, fabric, false, 25); }));
    CHECK(rc::check(std::string(s.topology) + ": all alike", [&] { compare(s, fabric, true, 40); }));
  }
}

TEST_CASE("the order in which transfers are emitted does not matter (7.4 f)") {
  const Setting& s = settings[2];
  const auto fabric = make_fabric(s.topology, s.nodes, s.node, "infiniband");
  CHECK(rc::check([&] {
    std::vector<PlainTransfer> transfers;
    const std::uint32_t n = 1 + draw(25);
    for (std::size_t i = 0; i < n; ++i) {
      transfers.push_back(random_transfer(s, i, false));
      transfers.back().after.clear();
    }
    std::vector<PlainTransfer> backwards(transfers.rbegin(), transfers.rend());
    StaticProgram p = program_of(transfers), q = program_of(backwards);
    const Played a = play(fabric, p), b = play(fabric, q);
    for (std::uint32_t i = 0; i < n; ++i) RC_ASSERT(same(a.finish.at(i), b.finish.at(n - 1 - i)));
  }));
}

TEST_CASE("changes of the fabric in mid-run are the same with classes and without") {
  const Setting& s = settings[2];
  const auto fabric = make_fabric(s.topology, s.nodes, s.node, "infiniband");
  CHECK(rc::check([&] {
    std::vector<PlainTransfer> transfers;
    const std::uint32_t n = 1 + draw(30);
    for (std::size_t i = 0; i < n; ++i) transfers.push_back(random_transfer(s, i, draw(2) == 0));
    engine::Options merged, single;
    const auto& links = fabric.links();
    for (std::uint32_t k = 1 + draw(4); k > 0; --k) {
      engine::FabricEvent e;
      e.at = Seconds(1e-6 * (1 + draw(200)));
      e.link = LinkId(draw(static_cast<int>(links.size())));
      e.rate = BytesPerSecond(links[e.link.value].rate.value() * (0.25 + 0.25 * draw(6)));
      // A spine's cable can go and come back: the other spine of the plane is left.
      if (links[e.link.value].cable == topology::CableClass::long_haul && merged.events.empty()) {
        e.what = engine::FabricEvent::What::fail;
        merged.events.push_back(e);
        e.at += Seconds(50e-6);
        e.what = engine::FabricEvent::What::repair;
      }
      merged.events.push_back(e);
    }
    single.events = merged.events;
    single.classes = false;
    StaticProgram p = program_of(transfers);
    const Played a = play(fabric, p, merged), b = play(fabric, p, single);
    for (std::uint32_t i = 0; i < n; ++i) RC_ASSERT(same(a.finish.at(i), b.finish.at(i)));
    RC_ASSERT(same(a.summary.max_link_utilisation, b.summary.max_link_utilisation));
  }));
}
