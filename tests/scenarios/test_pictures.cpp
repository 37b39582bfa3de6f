// What a page draws of a case: networks small enough for a page, timelines of the longest slices, the ranks that they are of.
#include <doctest/doctest.h>

#include <numeric>

#include "scenarios/studies/network_picture.h"
#include "scenarios/studies/timeline_picture.h"
#include "scenarios/studies/timeline_slices.h"
#include "tests/scenarios/support.h"
#include "tests/support/fabrics.h"

using namespace weft;
using namespace weft::testing;
using analysis::Explanation;
using reports::NetworkPicture;

namespace {

const std::string mpft_of_8 = R"({"kind": "mpft", "radix": 64})";

template <class T, class F>
std::uint64_t sum(const std::vector<T>& all, F f) {
  return std::accumulate(all.begin(), all.end(), std::uint64_t{0}, [&](std::uint64_t s, const T& t) { return s + f(t); });
}
std::uint64_t cables(const NetworkPicture& p) { return sum(p.bundles, [](const auto& b) { return b.cables; }); }
std::uint64_t endpoints(const NetworkPicture& p) { return sum(p.switches, [](const auto& s) { return s.endpoints; }); }
std::uint64_t members(const NetworkPicture& p) { return sum(p.switches, [](const auto& s) { return s.members; }); }

std::uint32_t place_of(const NetworkPicture& p, const std::string& name) {
  for (std::uint32_t i = 0; i < p.switches.size(); ++i) {
    if (p.switches[i].name == name) return i;
  }
  throw std::runtime_error("no switch " + name);
}
const NetworkPicture::Bundle& bundle(const NetworkPicture& p, const std::string& from, const std::string& to) {
  for (const auto& b : p.bundles) {
    if (b.from == place_of(p, from) && b.to == place_of(p, to)) return b;
  }
  throw std::runtime_error("no bundle");
}

analysis::Slice slice(std::uint32_t process, std::int64_t start, std::int64_t end, std::string_view name, std::uint32_t thread = 0) {
  analysis::Slice s;
  s.on = {process, thread};
  s.start_ns = start;
  s.end_ns = end;
  s.name = name;
  return s;
}

analysis::PathStep step(std::int64_t rank, double from, double to) {
  analysis::PathStep s;
  s.rank = rank;
  s.start = Seconds(from);
  s.finish = Seconds(to);
  return s;
}

}  // namespace

TEST_CASE("eight planes of 256 nodes are 96 switches and 256 bundles of 8 cables") {
  // Each plane: 256 NICs on 8 leaves of 32, 4 spines; 32 uplinks of a leaf over 4 spines are 8 cables to each.
  const auto f = make_fabric(mpft_of_8, 256);
  const NetworkPicture p = scenarios::network_picture(f, {}, {});
  CHECK(p.title == "256 nodes with 8 NICs each; 64 leaves and 32 spines in 8 planes, joined by 2,048 cables");
  CHECK(p.nodes == 256);
  CHECK(p.switches.size() == 96);
  CHECK(p.bundles.size() == 8 * 8 * 4);
  for (const auto& b : p.bundles) {
    CHECK(b.cables == 8);
    CHECK(p.switches[b.from].tier == 0);
    CHECK(p.switches[b.to].tier == 1);
    CHECK(p.switches[b.from].group == p.switches[b.to].group);
  }
  for (const auto& s : p.switches) CHECK(s.endpoints == (s.tier == 0 ? 32 : 0));
}

TEST_CASE("a bundle is as full as its fullest cable, each way; a leaf tells of the fullest cables of its NICs") {
  const auto f = make_fabric(mpft_of_8, 256);
  const LinkId up = link_named(f, "plane0.leaf1-plane0.spine3#2"), another = link_named(f, "plane0.leaf1-plane0.spine3#5");
  const LinkId out = f.uplink_of_nic(vertex_named(f, "node0.nic0"));
  const std::vector<Explanation::LinkUse> use{{up, 0.5}, {another, 0.75}, {f.link(up).reverse, 0.25}, {out, 0.9}, {f.link(out).reverse, 0.1}};
  const NetworkPicture p = scenarios::network_picture(f, {}, use);
  const auto& b = bundle(p, "plane0.leaf1", "plane0.spine3");
  CHECK(b.up == 0.75);
  CHECK(b.down == 0.25);
  CHECK(bundle(p, "plane0.leaf0", "plane0.spine3").up == 0);
  CHECK(p.switches[place_of(p, "plane0.leaf0")].out == 0.9);
  CHECK(p.switches[place_of(p, "plane0.leaf0")].in == 0.1);
}

TEST_CASE("what has failed is marked: a spine with its cables, single cables, NICs") {
  const std::vector<std::string> failed{"plane0.spine0", "plane1.leaf0-plane1.spine1#3", "node5.nic2"};
  const auto f = make_fabric(mpft_of_8, 256, "h800", "ideal", failed);
  const NetworkPicture p = scenarios::network_picture(f, failed, {});
  CHECK(p.failed == failed);
  CHECK(sum(p.switches, [](const auto& s) { return s.failed; }) == 1);
  CHECK(p.switches[place_of(p, "plane0.spine0")].failed);
  // 8 leaves with 8 cables to the spine, and one cable elsewhere.
  CHECK(sum(p.bundles, [](const auto& b) { return b.failed; }) == 8 * 8 + 1);
  CHECK(bundle(p, "plane1.leaf0", "plane1.spine1").failed == 1);
  CHECK(p.switches[place_of(p, "plane2.leaf0")].endpoints_down == 1);
}

TEST_CASE("rails of an MRFT share their spines: 64 leaves with a cable to each of 32") {
  const NetworkPicture p = scenarios::network_picture(make_fabric(R"({"kind": "mrft", "radix": 64})", 256), {}, {});
  CHECK(p.title == "256 nodes with 8 NICs each; 64 leaves in 8 rails and 32 spines, joined by 2,048 cables");
  CHECK(p.bundles.size() == 64 * 32);
}

TEST_CASE("a network of 16,384 endpoints is drawn with few boxes, and none of its switches, cables and NICs is lost") {
  // 8 planes of 64 leaves and 32 spines with one cable between any two: 16,384 bundles.
  const std::vector<std::string> failed{"plane3.spine7"};
  const auto f = make_fabric(mpft_of_8, 2048, "h800", "ideal", failed);
  const NetworkPicture p = scenarios::network_picture(f, failed, {});
  CHECK(p.bundles.size() <= 2500);
  CHECK(members(p) == 8 * 96);
  CHECK(cables(p) == 16384);
  CHECK(endpoints(p) == 16384);
  CHECK(sum(p.switches, [](const auto& s) { return s.failed; }) == 1);
  CHECK(p.switches[place_of(p, "plane3.spine7")].failed);
  CHECK(p.switches[place_of(p, "plane0.leaf0 to plane0.leaf3")].members == 4);
}

TEST_CASE("a dragonfly that is too large is drawn by groups, and those by several") {
  // 33 groups of 8 routers: 33 * 28 local cables, 33 * 32 / 2 global ones.
  const auto f = make_fabric(R"({"kind": "dragonfly", "p": 4, "a": 8, "h": 4, "g": 33})", 1056, "endpoint");
  const NetworkPicture whole = scenarios::network_picture(f, {}, {});
  CHECK(whole.switches.size() == 264);
  CHECK(whole.bundles.size() == 33 * 28 + 33 * 32 / 2);
  const NetworkPicture groups = scenarios::network_picture(f, {}, {}, 600);
  CHECK(groups.switches.size() == 33);
  // Any two groups are joined by one cable, and each by those inside.
  CHECK(groups.bundles.size() == 33 * 32 / 2 + 33);
  CHECK(cables(groups) == 33 * 28 + 33 * 32 / 2);
  const NetworkPicture few = scenarios::network_picture(f, {}, {}, 100);
  CHECK(few.bundles.size() <= 100);
  CHECK(cables(few) == 33 * 28 + 33 * 32 / 2);
  CHECK(endpoints(few) == 1056);
}

TEST_CASE("a timeline keeps the longest slices, in the order of tracks and time, and counts the others") {
  scenarios::TimelineSlices slices(3);
  slices.process(4, "rank 4", "node0.gpu4");
  slices.process(1, "rank 1", "");
  slices.thread({4, 7}, "compute", 0);
  slices.thread({4, 8}, "network", 1);
  slices.thread({1, 7}, "compute", 0);
  slices.slice(slice(4, 5000, 9000, "forward", 7));
  slices.slice(slice(4, 2000, 2500, "dispatch", 8));
  slices.slice(slice(1, 0, 3000, "backward", 7));
  slices.slice(slice(4, 0, 5000, "forward", 7));
  for (int k = 0; k < 20; ++k) slices.slice(slice(1, 3000 + k, 3001 + k, "short", 7));
  const reports::TimelinePicture t = slices.take();
  CHECK(t.left_out == 21);
  REQUIRE(t.tracks.size() == 2);
  CHECK(t.tracks[0].rank == "rank 1");
  CHECK(t.tracks[1].rank == "rank 4 (node0.gpu4)");
  CHECK(t.tracks[1].name == "compute");
  CHECK(t.names == std::vector<std::string>{"backward", "forward"});
  REQUIRE(t.slices.size() == 3);
  CHECK(t.slices[1].track == 1);
  CHECK(t.slices[1].start_us == 0);
  CHECK(t.slices[1].end_us == 5);
  CHECK(t.slices[2].start_us == 5);
}

TEST_CASE("ranks are drawn whole, the first of the order first, as long as they fit") {
  scenarios::TimelineSlices slices(25, 8, {7, 3, 5});
  for (const std::uint32_t rank : {3, 5, 7}) {
    slices.process(rank, "rank " + std::to_string(rank), "");
    slices.thread({rank, 0}, "compute", 0);
    for (int k = 0; k < 10; ++k) slices.slice(slice(rank, 10 * k, 10 * k + 5, "forward"));
  }
  const reports::TimelinePicture t = slices.take();
  CHECK(t.slices.size() == 20);
  CHECK(t.left_out == 0);
  REQUIRE(t.tracks.size() == 2);
  CHECK(t.tracks[0].rank == "rank 3");
  CHECK(t.tracks[1].rank == "rank 7");
}

TEST_CASE("ranks that do nothing are passed over") {
  scenarios::TimelineSlices slices(100, 2, {7, 3, 5, 1});
  for (const std::uint32_t rank : {1, 3, 5, 7}) {
    slices.process(rank, "rank " + std::to_string(rank), "");
    slices.thread({rank, 0}, "compute", 0);
    if (rank != 3) slices.slice(slice(rank, 0, 5, "forward"));
  }
  const reports::TimelinePicture t = slices.take();
  REQUIRE(t.tracks.size() == 2);
  CHECK(t.tracks[0].rank == "rank 5");
  CHECK(t.tracks[1].rank == "rank 7");
}

TEST_CASE("messages of one exchange that start and end together are drawn as one, and a program that follows goes on on the same tracks") {
  scenarios::TimelineSlices slices(100);
  slices.process(0, "rank 0", "node0.gpu0");
  for (std::uint32_t lane = 0; lane < 7; ++lane) slices.thread({0, 100 + lane}, lane == 0 ? "network" : "network (" + std::to_string(lane + 1) + ")", lane);
  for (std::uint32_t lane = 0; lane < 7; ++lane) slices.slice(slice(0, 1000, lane < 5 ? 3000 : 4000, "dispatch", 100 + lane));
  slices.begin_program(10000);
  slices.process(0, "rank 0", "node0.gpu0");
  slices.thread({0, 200}, "network", 0);
  slices.slice(slice(0, 500, 1500, "gradients", 200));
  const reports::TimelinePicture t = slices.take();
  REQUIRE(t.slices.size() == 3);
  CHECK(t.tracks.size() == 2);
  CHECK(t.slices[0].parts == 5);
  CHECK(t.slices[1].start_us == 10.5);
  CHECK(t.slices[1].end_us == 11.5);
  CHECK(t.slices[1].track == 0);
  CHECK(t.slices[2].parts == 2);
  CHECK(t.tracks[1].name == "network (6)");
  CHECK(t.left_out == 0);
}

TEST_CASE("the ranks drawn are those that the critical path spends most time on, then others that may take part") {
  const std::vector<analysis::PathStep> path{step(9, 0, 1), step(3, 1, 5), step(-1, 5, 6), step(9, 6, 7)};
  CHECK(scenarios::ranks_to_draw(path, 16, 1) == std::vector<std::uint32_t>{3, 0, 1, 6, 11});
  CHECK(scenarios::ranks_to_draw(path, 16, 4) == std::vector<std::uint32_t>{3, 9, 0, 5, 10, 15, 1, 6, 11});
  CHECK(scenarios::ranks_to_draw({}, 64, 4) == std::vector<std::uint32_t>{0, 17, 34, 51, 1, 3, 6, 11, 20, 37});
  CHECK(scenarios::ranks_to_draw(path, 4, 8) == std::vector<std::uint32_t>{3, 0, 1, 2});
}

TEST_CASE("a case of a scenario is drawn on the ranks asked for, alone") {
  const std::string text = scenarios::test::minimal(R"("node": "h800", "nodes": 4, "topology": {"kind": "mpft"})",
      R"({"id": "a2a", "kind": "all_to_all", "gpus": [16, 32], "sizes": ["1 MiB"]}, {"id": "price", "kind": "price"})");
  const reports::TimelinePicture t =
      scenarios::timeline_picture(scenarios::test::scenario(text), scenarios::test::data(), "a2a[gpus=16]", {}, {9, 0, 24}, 2, 20000);
  REQUIRE(!t.tracks.empty());
  for (const auto& track : t.tracks) CHECK((track.rank == "rank 0 (node0.gpu0)" || track.rank == "rank 9 (node1.gpu1)"));
  CHECK(t.left_out == 0);
  // Each of the two sends to 7 GPUs of its node and, by way of NVLink, to 24 beyond it: something moves all the time.
  CHECK(sum(t.slices, [](const auto& s) { return s.moves; }) > 0);
  for (std::size_t i = 1; i < t.slices.size(); ++i) CHECK(t.slices[i - 1].track <= t.slices[i].track);
  CHECK_THROWS_AS(scenarios::timeline_picture(scenarios::test::scenario(text), scenarios::test::data(), "a2a", {}, {0}, 8, 20000), UserError);
}
