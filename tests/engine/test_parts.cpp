// Programs in independent parts: the same bytes on any number of threads, the same times as undivided, and parts that
// meet on a link found.
#include <doctest/doctest.h>

#include <map>

#include "sim/core/random.h"
#include "tests/engine/play.h"

using namespace weft;
using namespace weft::testing;

namespace {

using Nodes = std::vector<std::uint32_t>;

/// Groups of nodes, each of which runs `rounds` of all-to-alls with sizes of their own; a computation follows each. Groups
/// know nothing of each other, and are emitted as they go on.
class Groups final : public workloads::Program {
 public:
  Groups(std::vector<Nodes> groups, std::uint32_t rounds) : Groups(std::move(groups), rounds, 0, ~0u) { last_ = all(); }
  std::vector<std::unique_ptr<Program>> parts() override {
    std::vector<std::unique_ptr<Program>> list;
    for (std::uint32_t g = first_; g < last_ && divided; ++g) list.emplace_back(new Groups(groups_, rounds_, g, g + 1));
    ++handed_out;
    return list;
  }

  void start(workloads::Sink& sink) override {
    started = true;
    left_.assign(all(), 0);
    for (std::uint32_t g = first_; g < last_; ++g) begin(g, 0, sink);
  }
  void on_complete(OpId id, Seconds, workloads::Sink& sink) override {
    const std::uint32_t g = id.value / per_op % all(), round = id.value / per_op / all();
    if (--left_[g] > 0) return;
    if (id.value % per_op == per_op - 1) {
      if (round + 1 < rounds_) begin(g, round + 1, sink);
      return;
    }
    workloads::Compute c{this->id(g, round, per_op - 1), StreamId(g), Seconds(1e-5 * (1 + g)), 0};
    left_[g] = 1;
    sink.compute(c);
  }

  bool divided = true, started = false;
  int handed_out = 0;

 private:
  static constexpr std::uint32_t per_op = 64;
  Groups(std::vector<Nodes> groups, std::uint32_t rounds, std::uint32_t first, std::uint32_t last)
      : groups_(std::move(groups)), rounds_(rounds), first_(first), last_(last) {}
  std::uint32_t all() const { return static_cast<std::uint32_t>(groups_.size()); }
  OpId id(std::uint32_t g, std::uint32_t round, std::uint32_t i) const { return OpId((round * all() + g) * per_op + i); }

  void begin(std::uint32_t g, std::uint32_t round, workloads::Sink& sink) {
    const Nodes& nodes = groups_[g];
    std::uint32_t i = 0;
    for (const std::uint32_t a : nodes)
      for (const std::uint32_t d : nodes) {
        if (a == d) continue;
        const workloads::Leg leg{gpu(a), gpu(d), 1};
        workloads::Transfer t;
        t.id = id(g, round, i++);
        t.bytes = Bytes(1e6 * (1 + Draws(7, "size", t.id.value).unit()));
        t.legs = {&leg, 1};
        t.flow_key = std::uint64_t{a} << 32 | d;
        sink.transfer(t);
      }
    left_[g] = i;
  }

  std::vector<Nodes> groups_;
  std::uint32_t rounds_, first_, last_;
  std::vector<std::uint32_t> left_;
};

/// Equal to the last bit.
void check_same(const Played& a, const Played& b) {
  CHECK(a.start == b.start);
  CHECK(a.finish == b.finish);
  CHECK(a.order == b.order);
  CHECK(a.summary.makespan == b.summary.makespan);
  CHECK(a.summary.operations == b.summary.operations);
  CHECK(a.summary.flows == b.summary.flows);
  CHECK(a.summary.classes == b.summary.classes);
  CHECK(a.summary.events == b.summary.events);
  CHECK(a.summary.solves == b.summary.solves);
  CHECK(a.summary.max_link_utilisation == b.summary.max_link_utilisation);
  CHECK(a.summary.busiest_link == b.summary.busiest_link);
}

/// Undivided and in parts on 1, 2 and 4 threads.
Played check_parts(const topology::Fabric& fabric, const std::vector<Nodes>& groups, engine::Options options = {},
                   const topology::RoutingSpec& routing = {}) {
  Groups whole(groups, 4);
  whole.divided = false;
  const Played undivided = play(fabric, whole, options, routing);
  Played first;
  for (const unsigned threads : {1u, 2u, 4u}) {
    options.threads = threads;
    Groups program(groups, 4);
    const Played p = play(fabric, program, options, routing);
    if (threads == 1) first = p;
    check_same(first, p);
  }
  REQUIRE(first.finish.size() == undivided.finish.size());
  for (const auto& [id, t] : undivided.finish) {
    CHECK(first.finish.at(id) == doctest::Approx(t).epsilon(1e-9));
    CHECK(first.start.at(id) == doctest::Approx(undivided.start.at(id)).epsilon(1e-9));
  }
  CHECK(first.summary.operations == undivided.summary.operations);
  CHECK(first.summary.flows == undivided.summary.flows);
  CHECK(first.summary.max_link_utilisation == doctest::Approx(undivided.summary.max_link_utilisation).epsilon(1e-9));
  CHECK(first.summary.busiest_link == undivided.summary.busiest_link);
  return first;
}

const std::vector<Nodes> apart{{0, 1, 2}, {3, 4}, {5, 6, 7, 8}, {9, 10}, {11, 12, 13}};

}  // namespace

TEST_CASE("parts give the same bytes on one, two and four threads, and the times of the undivided run") {
  check_parts(star(14), apart);
  check_parts(star(14), apart, {.classes = false});
}

TEST_CASE("operations of parts are told in order of time") {
  Groups program(apart, 4);
  const Played p = play(star(14), program, {.threads = 2});
  double last = 0;
  for (const std::uint32_t id : p.order) {
    CHECK(p.finish.at(id) >= last);
    CHECK(p.start.at(id) <= p.finish.at(id));
    last = p.finish.at(id);
  }
  CHECK(p.order.size() == p.finish.size());
}

TEST_CASE("parts that share nothing run without the whole program, which is not started") {
  Groups program(apart, 4);
  play(star(14), program);
  CHECK_FALSE(program.started);
  CHECK(program.handed_out == 1);
}

// Groups 0 and 3 share node 2, whose NIC is their bottleneck: alone each would be faster than together.
TEST_CASE("parts that meet on a link run again together, the others do not wait for them") {
  const std::vector<Nodes> meeting{{0, 1, 2}, {3, 4}, {5, 6, 7, 8}, {2, 9}, {10, 11}};
  const Played together = check_parts(star(12), meeting);
  Groups alone({{2, 9}}, 4);
  CHECK(play(star(12), alone).summary.makespan < Seconds(0.9 * together.finish.at(3 * 64 + 63 + 3 * 5 * 64)));
  Groups program(meeting, 4);
  play(star(12), program);
  CHECK_FALSE(program.started);
  CHECK(program.handed_out == 2);
}

// A leaf has as many uplinks as NICs, and all NICs spray over all uplinks: they never carry more than they can.
TEST_CASE("parts that spray over the cables of a full fat tree do not meet there, and its cables are as busy as in one run") {
  for (const char* tree : {R"({"kind": "ft2", "radix": 4})", R"({"kind": "ft3", "radix": 4})"}) {
    const auto fabric = make_fabric(tree, 8, "endpoint");
    const std::vector<Nodes> across{{0, 2}, {1, 4}, {3, 6}, {5, 7}};
    check_parts(fabric, across);
    Groups program(across, 1);
    play(fabric, program);
    CHECK_FALSE(program.started);
  }
}

// With one of two spines lost, a leaf's two NICs share one uplink.
TEST_CASE("when all parts meet on cables that can be full, the program runs whole") {
  const std::vector<Nodes> across{{0, 2}, {1, 4}, {3, 6}, {5, 7}};
  for (const auto& [failed, policy] : {std::pair{std::vector<std::string>{"spine0"}, topology::Policy::adaptive},
                                       {std::vector<std::string>{}, topology::Policy::static_dmodk}}) {
    const auto fabric = make_fabric(R"({"kind": "ft2", "radix": 4})", 8, "endpoint", "ideal", failed);
    check_parts(fabric, across, {}, {.policy = policy});
    if (failed.empty()) continue;   // static routes may miss each other
    Groups program(across, 1);
    play(fabric, program);
    CHECK(program.started);
  }
}

TEST_CASE("random groups on trees, a Dragonfly and a Slim Fly agree with the undivided run, whether they meet or not") {
  const char* networks[] = {R"({"kind": "ft2", "radix": 8})", R"({"kind": "ft3", "radix": 4})", R"({"kind": "ft2", "radix": 8, "spines": 2})",
                            R"({"kind": "dragonfly", "radix": 7, "p": 2, "a": 4, "h": 2})", R"({"kind": "slim_fly", "q": 5, "p": 2})"};
  std::size_t met = 0, apart_on_cables = 0;
  for (std::uint64_t draw = 0; draw < 40; ++draw) {
    Draws draws(11, "groups", draw);
    const auto fabric = make_fabric(networks[draw % 5], 16, "endpoint");
    Nodes nodes(16);
    for (std::uint32_t n = 0; n < 16; ++n) nodes[n] = n;
    for (std::uint32_t n = 15; n > 0; --n) std::swap(nodes[n], nodes[draws.below(n + 1)]);
    std::vector<Nodes> groups;
    for (std::size_t n = 0; n + 1 < nodes.size();) {
      const std::size_t size = std::min<std::size_t>(2 + draws.below(3), nodes.size() - n);
      groups.emplace_back(nodes.begin() + static_cast<std::ptrdiff_t>(n), nodes.begin() + static_cast<std::ptrdiff_t>(n + size));
      n += size;
    }
    if (groups.back().size() < 2) groups.pop_back();
    const auto policy = draw % 3 == 2 ? topology::Policy::ecmp : topology::Policy::adaptive;
    CAPTURE(draw);
    check_parts(fabric, groups, {}, {.policy = policy});
    Groups program(groups, 1);
    play(fabric, program, {}, {.policy = policy});
    ++(program.handed_out > 1 ? met : apart_on_cables);
  }
  CHECK(met >= 5);
  CHECK(apart_on_cables >= 5);
}

TEST_CASE("one cable that is slower than the others joins the parts that cross it") {
  const auto fabric = make_fabric(R"({"kind": "ft2", "radix": 4})", 8, "endpoint");
  topology::Router router(fabric, {});
  router.set_capacity(link_named(fabric, "leaf0-spine0"), BytesPerSecond(20e9));
  const std::vector<Nodes> across{{0, 2}, {1, 4}, {3, 6}, {5, 7}};
  Groups whole(across, 3), program(across, 3);
  whole.divided = false;
  const Played undivided = play(router, whole), parts = play(router, program, {.threads = 2});
  CHECK_FALSE(program.started);   // {3, 6} and {5, 7} stay by themselves
  for (const auto& [id, t] : undivided.finish) CHECK(parts.finish.at(id) == doctest::Approx(t).epsilon(1e-9));
}

TEST_CASE("routes of parts do not depend on what a router was asked before") {
  const auto fabric = make_fabric(R"({"kind": "ft2", "radix": 8})", 32, "endpoint");
  const topology::RoutingSpec ecmp{.policy = topology::Policy::ecmp, .qps = 2};
  check_parts(fabric, {{0, 4}, {8, 12}, {1, 2, 3}, {16, 20}, {24, 28}, {29, 30}}, {}, ecmp);
}

TEST_CASE("a program in parts runs whole when the fabric has events") {
  const auto fabric = star(14);
  const auto uplink = [&](std::uint32_t n) { return fabric.uplink_of_nic(fabric.vertex_of(nic(n))); };
  engine::Options options;
  options.events = {{Seconds(1e-4), engine::FabricEvent::What::capacity, uplink(3), BytesPerSecond(10e9)},
                    {Seconds(2e-4), engine::FabricEvent::What::capacity, uplink(6), BytesPerSecond(5e9)}};
  const Played p = check_parts(fabric, apart, options);
  Groups undisturbed(apart, 4);
  CHECK(p.summary.makespan > 1.5 * play(fabric, undisturbed).summary.makespan);
}

TEST_CASE("the router that was given may have links down and slower than the fabric's") {
  const auto fabric = star(14);
  topology::Router router(fabric, {});
  router.set_capacity(fabric.uplink_of_nic(fabric.vertex_of(nic(12))), BytesPerSecond(1e9));
  Groups whole(apart, 2), program(apart, 2);
  whole.divided = false;
  const double slow = play(router, whole).summary.makespan.value();
  CHECK(play(router, program, {.threads = 4}).summary.makespan.value() == doctest::Approx(slow).epsilon(1e-9));
}

TEST_CASE("the first part in order that fails is the one whose error is thrown, on any number of threads") {
  const auto fabric = make_fabric(R"({"kind": "single_switch", "radix": 64})", 14, "endpoint", "ideal", {"node4.nic0", "node10.nic0"});
  std::string first;
  for (const unsigned threads : {1u, 2u, 4u}) {
    Groups program(apart, 4);
    std::string text;
    try {
      play(fabric, program, {.threads = threads});
    } catch (const UserError& e) {
      text = e.what();
    }
    CHECK(text.find("node4.nic0") != std::string::npos);
    if (threads == 1) first = text;
    CHECK(text == first);
  }
}

TEST_CASE("a sink that wants no operations is told none and the summary is the same") {
  struct Silent final : engine::TimelineSink {
    std::size_t told = 0;
    void started(OpId, Seconds) override { ++told; }
    void finished(OpId, Seconds) override { ++told; }
    bool wants_operations() const override { return false; }
  } silent;
  const auto fabric = star(14);
  topology::Router router(fabric, {});
  Groups program(apart, 4), heard(apart, 4);
  const engine::Summary s = engine::run(router, program, {.threads = 2}, silent);
  CHECK(silent.told == 0);
  CHECK(s.makespan == play(fabric, heard).summary.makespan);
}
