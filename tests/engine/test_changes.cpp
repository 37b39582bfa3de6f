// Capacity changes, failures and repairs in mid-run, with closed forms.
#include <doctest/doctest.h>

#include "tests/engine/play.h"

using namespace weft;
using namespace weft::testing;
using engine::FabricEvent;
using workloads::StaticProgram;
using doctest::Approx;

namespace {

constexpr double exact = 1e-12;

FabricEvent event(double at, FabricEvent::What what, LinkId link, double rate = 0) { return {Seconds(at), what, link, BytesPerSecond(rate)}; }

/// 8 single-GPU nodes on 2 leaves and 2 spines of radix 8: 4 NICs a leaf, 2 cables from each leaf to each spine.
topology::Fabric two_leaves() { return make_fabric(R"({"kind": "ft2", "radix": 8})", 8, "endpoint"); }

LinkId uplink_of(const topology::Fabric& f, std::uint32_t node) { return f.uplink_of_nic(f.vertex_of(nic(node))); }

std::vector<LinkId> cables_up(const topology::Fabric& f, std::uint32_t node) {
  std::vector<LinkId> up;
  for (LinkId l : f.out_links(f.switch_of_nic(f.vertex_of(nic(node))))) {
    if (f.link(l).cable == topology::CableClass::long_haul) up.push_back(l);
  }
  return up;
}

}  // namespace

TEST_CASE("a link that slows down for a while delays a flow by what it could not carry") {
  // 100 GB at 50 GB/s take 2 s; at half the rate from 0.5 to 1.5 s they take 2.5 s: 25 + 25 + 50 GB.
  const auto f = star(2);
  StaticProgram p;
  send(p, 100e9, nic(0), nic(1));
  for (const bool classes : {true, false}) {
    engine::Options o{.classes = classes};
    o.events = {event(1.5, FabricEvent::What::capacity, uplink_of(f, 0), 50e9), event(0.5, FabricEvent::What::capacity, uplink_of(f, 0), 25e9)};
    const auto r = play(f, p, o);
    CHECK(r.finish.at(0) == Approx(2.5).epsilon(exact));
    CHECK(r.summary.max_link_utilisation == Approx(1).epsilon(exact));   // of the 100 GB that the uplink could carry
  }
}

TEST_CASE("a capacity of zero holds a flow until it comes back, and a run that waits for ever is an error") {
  const auto f = star(2);
  StaticProgram p;
  send(p, 50e9, nic(0), nic(1));
  engine::Options o;
  o.events = {event(0.5, FabricEvent::What::capacity, uplink_of(f, 0), 0)};
  CHECK_THROWS_WITH_AS(play(f, p, o), doctest::Contains("transfer 0 crosses a link without capacity"), RunError);
  o.events.push_back(event(3, FabricEvent::What::capacity, uplink_of(f, 0), 50e9));
  CHECK(play(f, p, o).finish.at(0) == Approx(3.5).epsilon(exact));
}

TEST_CASE("one of several alike links that changes is told apart from the others") {
  // Four equal incast-free flows of 50 GB are one class until NIC 0's uplink halves at 0.5 s.
  const auto f = star(8);
  StaticProgram p;
  for (std::uint32_t i = 0; i < 4; ++i) send(p, 50e9, nic(i), nic(4 + i));
  engine::Options o;
  o.events = {event(0.5, FabricEvent::What::capacity, uplink_of(f, 0), 25e9)};
  const auto r = play(f, p, o);
  CHECK(r.finish.at(0) == Approx(1.5).epsilon(exact));
  for (std::uint32_t i = 1; i < 4; ++i) CHECK(r.finish.at(i) == Approx(1).epsilon(exact));
  CHECK(r.summary.classes == 2);
}

TEST_CASE("a cable that fails in mid-run moves the flows that crossed it, with what they have left") {
  // 4 flows of 50 GB leave leaf 0 over 4 cables of 50 GB/s, sprayed: all at line rate. One cable dies at 0.5 s: the half
  // that is left, 100 GB in all, takes 100 / 150 s: 0.5 + 2/3. Back at 0.8 s: 150 * 0.3 = 45 GB, then 55 at 200.
  const auto f = two_leaves();
  const LinkId cable = cables_up(f, 0).front();
  StaticProgram p;
  for (std::uint32_t i = 0; i < 4; ++i) send(p, 50e9, nic(i), nic(4 + i));
  for (const bool classes : {true, false}) {
    engine::Options o{.classes = classes};
    o.events = {event(0.5, FabricEvent::What::fail, cable)};
    for (const auto& [id, t] : play(f, p, o).finish) CHECK(t == Approx(0.5 + 2.0 / 3).epsilon(1e-9));
    o.events.push_back(event(0.8, FabricEvent::What::repair, cable));
    for (const auto& [id, t] : play(f, p, o).finish) CHECK(t == Approx(0.8 + 55.0 / 200).epsilon(1e-9));
  }
}

TEST_CASE("a transfer that has not begun when a cable fails takes a path that is left") {
  const auto f = two_leaves();
  StaticProgram p;
  const OpId gate[] = {p.add_marker(Seconds(1))};
  send(p, 50e9, nic(0), nic(4), {}, {gate[0]});
  send(p, 50e9, nic(1), nic(5), {.extra_latency = Seconds(1)});   // routed before, begins after
  engine::Options o;
  const auto up = cables_up(f, 0);
  for (std::size_t i = 0; i < 3; ++i) o.events.push_back(event(0.5, FabricEvent::What::fail, up[i]));
  const auto r = play(f, p, o);   // both over the one cable that is left
  CHECK(r.finish.at(1) == Approx(3).epsilon(exact));
  CHECK(r.finish.at(2) == Approx(3).epsilon(exact));
}

TEST_CASE("a flow that loses its last path is an error that names the operation, its ends and /cluster/events") {
  const auto f = two_leaves();
  StaticProgram p;
  send(p, 50e9, nic(0), nic(1));
  send(p, 50e9, nic(2), nic(5));
  engine::Options o;
  for (LinkId l : cables_up(f, 0)) o.events.push_back(event(0.5, FabricEvent::What::fail, l));
  try {
    play(f, p, o);
    FAIL("it ran");
  } catch (const UserError& e) {
    REQUIRE(e.problems().size() == 1);
    CHECK(e.problems()[0].place == "/cluster/events");
    CHECK(e.problems()[0].message.find("operation 1 from node2.nic0 to node5.nic0 has no path left at 500 ms") == 0);
    CHECK(!e.problems()[0].hint.empty());
  }
}

TEST_CASE("a change after the last operation does not prolong the run") {
  const auto f = star(2);
  StaticProgram p;
  send(p, 50e9, nic(0), nic(1));
  engine::Options o;
  o.events = {event(100, FabricEvent::What::capacity, uplink_of(f, 0), 1e9)};
  CHECK(play(f, p, o).summary.makespan.value() == Approx(1).epsilon(exact));
}

TEST_CASE("a cable that slows down holds back the flow that crosses it, not those that were its equals until then") {
  // Into NIC 4 from 5 and 1: 25 GB/s each, 250 kB by 10 us. Then the cable of 1's group carries 6.25 GB/s: its 750 kB take 120 us
  // more; the other gets 43.75 GB/s and ends 750 / 43.75 = 17.142857 us later.
  const auto f = make_fabric(R"({"kind": "dragonfly", "p": 2, "a": 3, "h": 2, "g": 4})", 9, "endpoint");
  StaticProgram p;
  send(p, 1e6, nic(5), nic(4));
  send(p, 1e6, nic(1), nic(4));
  engine::Options o;
  o.events = {event(10e-6, FabricEvent::What::capacity, link_named(f, "group0.router1-group1.router2"), 6.25e9)};
  for (const bool classes : {true, false}) {
    o.classes = classes;
    const auto r = play(f, p, o, {.policy = topology::Policy::static_dmodk});
    CHECK(r.finish.at(0) == Approx(10e-6 + 750e3 / 43.75e9).epsilon(exact));
    CHECK(r.finish.at(1) == Approx(130e-6).epsilon(exact));
  }
}
