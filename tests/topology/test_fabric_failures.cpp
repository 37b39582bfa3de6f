#include <doctest/doctest.h>

#include <algorithm>

#include "tests/support/fabrics.h"

using namespace weft;
using namespace weft::testing;

namespace {

topology::Fabric broken(const std::string& topology, std::uint32_t nodes, const std::vector<std::string>& failed) {
  return make_fabric(topology, nodes, "h800", "ideal", failed);
}

std::ptrdiff_t cables_down(const topology::Fabric& f) {
  return std::count_if(f.links().begin(), f.links().end(), [](const topology::Link& l) { return !l.up; }) / 2;
}

Problem refused(const std::string& topology, const std::vector<std::string>& failed) {
  try {
    broken(topology, 32, failed);
  } catch (const UserError& e) {
    return e.problems().at(0);
  }
  FAIL("must be refused");
  return {};
}

const char* const mpft = R"({"kind": "mpft", "radix": 16})";

}  // namespace

TEST_CASE("a failed spine takes its cables down and leaves the planes whole") {
  // 256 nodes: plane0.spine0 has 64 of the plane's 256 cables between leaves and spines.
  const auto f = broken(R"({"kind": "mpft"})", 256, {"plane0.spine0"});
  CHECK(cables_down(f) == 64);
  CHECK(f.components() == 8);
  CHECK(f.count().switches == 96);  // it is still paid for
}

TEST_CASE("a failed plane leaves seven planes and 32 NICs without a switch") {
  // Radix 16, 32 nodes: each plane has 4 leaves and 2 spines, 32 host and 32 other cables.
  const auto f = broken(mpft, 32, {"plane3"});
  CHECK(cables_down(f) == 64);
  CHECK(f.components() == 7 + 32);
}

TEST_CASE("a failed NIC takes its two cables down and is no part of the network any more") {
  const auto f = broken(mpft, 32, {"node12.nic5"});
  CHECK(cables_down(f) == 2);
  CHECK(f.components() == 8);
  const VertexId v = f.vertex_of(nic(12, 5));
  CHECK_FALSE(f.link(f.uplink_of_nic(v)).up);
}

TEST_CASE("a failed leaf orphans its NICs") {
  const auto f = broken(mpft, 32, {"plane1.leaf2"});
  CHECK(f.components() == 8 + 8);
}

TEST_CASE("one of several parallel cables fails by number, all of them without one") {
  const std::string one = "plane0.leaf1-plane0.spine1#2";
  const auto f = broken(mpft, 32, {one});
  CHECK(cables_down(f) == 1);
  const LinkId l = link_named(f, one);
  CHECK_FALSE(f.link(l).up);
  CHECK_FALSE(f.link(f.link(l).reverse).up);
  CHECK(cables_down(broken(mpft, 32, {"plane0.leaf1-plane0.spine1"})) == 4);
  CHECK(cables_down(broken(mpft, 32, {"plane0.spine1-plane0.leaf1#2"})) == 1);
}

TEST_CASE("every cable's name finds that cable again") {
  const auto whole = make_fabric(R"({"kind": "dragonfly", "p": 1, "a": 2, "h": 1, "g": 2})", 4, "endpoint");
  for (std::uint32_t i = 0; i < whole.links().size(); ++i) {
    const auto f = make_fabric(R"({"kind": "dragonfly", "p": 1, "a": 2, "h": 1, "g": 2})", 4, "endpoint", "ideal", {whole.name(LinkId(i))});
    CHECK(cables_down(f) == 1);
    CHECK_FALSE(f.links()[i].up);
  }
}

TEST_CASE("a whole node fails by its name") {
  const auto f = broken(mpft, 32, {"node7"});
  // 8 x (NVLink, PCIe, NIC bus, host bus, network) and the storage NIC.
  CHECK(cables_down(f) == 41);
  CHECK(f.components() == 8);
}

TEST_CASE("losing both spines of a plane parts its leaves") {
  const auto f = broken(mpft, 32, {"plane0.spine0", "plane0.spine1"});
  CHECK(f.components() == 7 + 4);
}

TEST_CASE("a name that does not exist is refused at its place, with the nearest one") {
  const Problem p = refused(mpft, {"plane0.spine0", "plane0.spin1"});
  CHECK(p.place == "/cluster/failed/1");
  CHECK(p.message == "the fabric has no \"plane0.spin1\"");
  CHECK(p.hint.find("did you mean \"plane0.spine1\"?") != std::string::npos);
  CHECK(refused(mpft, {"plane8"}).hint.find("did you mean \"plane") != std::string::npos);
  CHECK(refused(mpft, {"node3.nic8"}).hint.find("did you mean \"node3.nic") != std::string::npos);
}

TEST_CASE("names that look right but point outside are refused") {
  for (const char* name : {"", ".", "-", "#", "plane", "plane0.", "node32", "node32.nic0", "node0.gpu8", "node0.pcie99", "node-1.nic0",
                           "plane0.leaf0-plane1.spine0", "plane0.leaf0-plane0.spine0#99", "plane0.leaf0-plane0.spine0#",
                           "plane0.leaf0-plane0.spine0#x", "plane0.leaf0-", "node99999999999.nic0"}) {
    CAPTURE(name);
    CHECK(refused(mpft, {name}).place == "/cluster/failed/0");
  }
}

TEST_CASE("the links of a name are those that go down when the part of this name fails") {
  const auto whole = make_fabric(mpft, 32);
  for (const char* name : {"plane0.spine0", "plane1.leaf2", "plane3", "node12.nic5", "node12.gpu3", "node12.nvswitch", "node7", "node7.host",
                           "plane0.leaf1-plane0.spine1", "plane0.leaf1-plane0.spine1#2", "plane0.spine1-plane0.leaf1#2",
                           "node0.nic3-plane3.leaf0", "node0.gpu0-node0.nvswitch#0"}) {
    CAPTURE(name);
    const auto f = broken(mpft, 32, {name});
    std::vector<LinkId> down;
    for (std::uint32_t i = 0; i < f.links().size(); ++i) {
      if (!f.links()[i].up) down.push_back(LinkId(i));
    }
    CHECK_FALSE(down.empty());
    CHECK(topology::links_named(whole, name) == down);
    CHECK(topology::links_named(f, name) == down);  // also where they have failed already
  }
}

TEST_CASE("a name of no part has no links") {
  const auto f = make_fabric(mpft, 32);
  for (const char* name : {"", "plane", "plane8", "plane0.", "node32", "node0.gpu8", "plane0.leaf0-plane1.spine0", "plane0.leaf0-plane0.spine0#99"}) {
    CAPTURE(name);
    CHECK(topology::links_named(f, name).empty());
  }
}
