// What every registered topology must keep, at full, partial and odd sizes.
#include <doctest/doctest.h>

#include "tests/topology/reading.h"

using namespace weft;
using namespace weft::testing;
using topology::VertexKind;

namespace {

struct Case {
  Json json;
  std::int64_t nodes;
  std::uint32_t nics;
};

/// The same parameters with every radix and size; refused ones are dropped, but must say why.
std::vector<Case> cases_of(const std::string& kind) {
  std::vector<Case> all;
  for (int radix : {0, 4, 5, 8, 9, 16, 64}) {
    for (std::int64_t nodes : {1, 2, 3, 5, 8, 9, 13, 16, 27, 32, 64}) {
      for (std::uint32_t nics : {1u, 2u, 8u}) {
        Json json = {{"kind", kind}};
        if (radix > 0) json["radix"] = radix;
        const Reading r = read(json, nodes, nics);
        if (r.topology == nullptr) {
          REQUIRE_FALSE(r.problems.empty());
          for (const Problem& p : r.problems.list()) CHECK(p.place.starts_with("/cluster/topology/"));
          continue;
        }
        all.push_back({json, nodes, nics});
      }
    }
  }
  return all;
}

void check_ports(const topology::Fabric& f, std::int64_t radix) {
  for (std::uint32_t v = 0; v < f.vertices().size(); ++v) {
    if (f.vertices()[v].kind == VertexKind::net_switch) REQUIRE(std::ssize(f.out_links(VertexId(v))) <= radix);
  }
}

/// Both directions of a cable know each other, and its ends list it.
void check_links(const topology::Fabric& f) {
  std::size_t listed = 0;
  for (std::uint32_t v = 0; v < f.vertices().size(); ++v) {
    for (LinkId l : f.out_links(VertexId(v))) REQUIRE(f.link(l).from == VertexId(v));
    listed += f.out_links(VertexId(v)).size();
  }
  REQUIRE(listed == f.links().size());
  for (const auto& l : f.links()) {
    const auto& back = f.link(l.reverse);
    REQUIRE((back.from == l.to && back.to == l.from && &f.link(back.reverse) == &l));
    REQUIRE((back.rate == l.rate && back.length == l.length && back.cable == l.cable));
    REQUIRE(l.rate.value() > 0);
  }
}

void check_same(const topology::Fabric& a, const topology::Fabric& b) {
  REQUIRE(a.links().size() == b.links().size());
  for (std::size_t i = 0; i < a.links().size(); ++i) REQUIRE((a.links()[i].from == b.links()[i].from && a.links()[i].to == b.links()[i].to));
}

void check_attached(const topology::Fabric& f, std::int64_t nodes, std::uint32_t nics) {
  for (std::uint32_t n = 0; n < nodes; ++n) {
    for (std::uint32_t g = 0; g < nics; ++g) {
      const VertexId v = f.vertex_of({Endpoint::Kind::nic, NodeId(n), g});
      REQUIRE(f.vertex(f.switch_of_nic(v)).kind == VertexKind::net_switch);
      REQUIRE(f.link(f.uplink_of_nic(v)).from == v);
    }
  }
}

}  // namespace

TEST_CASE("every topology is built as counted, connected, within its ports and the same each time") {
  const auto wire = transport_of("ideal");
  for (const auto& kind : topology::topology_kinds()) {
    CAPTURE(kind.name);
    const auto cases = cases_of(kind.name);
    CHECK(cases.size() >= 50);
    for (const Case& c : cases) {
      CAPTURE(dump_json(c.json));
      CAPTURE(c.nodes);
      CAPTURE(c.nics);
      const Reading r = read(c.json, c.nodes, c.nics);
      const Json resolved = r.topology->resolved();
      const auto spec = plain_node(c.nics);
      const auto f = topology::build_fabric(*r.topology, spec, wire, static_cast<std::uint32_t>(c.nodes));
      REQUIRE(f.count() == r.topology->count());
      REQUIRE(f.count().endpoints == c.nodes * c.nics);
      REQUIRE(f.components() == (resolved.contains("planes") ? resolved["planes"].get<std::int64_t>() : 1));
      check_ports(f, resolved["radix"].get<std::int64_t>());
      check_links(f);
      check_attached(f, c.nodes, c.nics);
      check_same(f, topology::build_fabric(*r.topology, spec, wire, static_cast<std::uint32_t>(c.nodes)));
    }
  }
}

TEST_CASE("every topology resolves to parameters that read back as the same topology") {
  for (const auto& kind : topology::topology_kinds()) {
    for (const Case& c : cases_of(kind.name)) {
      const Reading once = read(c.json, c.nodes, c.nics);
      const Reading again = read(once.topology->resolved(), c.nodes, c.nics);
      CAPTURE(dump_json(once.topology->resolved()));
      REQUIRE(again.topology != nullptr);
      REQUIRE(again.topology->count() == once.topology->count());
      REQUIRE(again.topology->resolved() == once.topology->resolved());
    }
  }
}

TEST_CASE("every topology at its full size, with one-NIC nodes, is built as counted and uses its switches well") {
  const auto spec = plain_node(1);
  const auto wire = transport_of("ideal");
  for (const auto& kind : topology::topology_kinds()) {
    CAPTURE(kind.name);
    int built = 0;
    for (int radix : {4, 8, 9, 16}) {
      const Reading r = read(Json{{"kind", kind.name}, {"radix", radix}}, 0, 1);
      if (r.topology == nullptr) continue;
      const auto c = r.topology->count();
      const auto f = topology::build_fabric(*r.topology, spec, wire, static_cast<std::uint32_t>(c.endpoints));
      CHECK(f.count() == c);
      CHECK(c.max_ports_used <= radix);
      CHECK(2 * c.max_ports_used > radix);
      ++built;
    }
    CHECK(built >= 3);
  }
}

TEST_CASE("every topology explains itself and its parameters") {
  for (const auto& kind : topology::topology_kinds()) {
    CAPTURE(kind.name);
    CHECK_FALSE(kind.title.empty());
    CHECK_FALSE(kind.summary.empty());
    const auto resolved = read(Json{{"kind", kind.name}}, 16).topology->resolved();
    for (const auto& [key, value] : resolved.items()) {
      const bool known = key == "kind" || std::any_of(kind.parameters.begin(), kind.parameters.end(),
                                                      [&](const ColumnDoc& d) { return d.name == key && !d.text.empty(); });
      CHECK_MESSAGE(known, key);
    }
  }
}

TEST_CASE("names of vertices and cables are unique and stable") {
  const auto wire = transport_of("ideal");
  for (const auto& kind : topology::topology_kinds()) {
    CAPTURE(kind.name);
    const Reading r = read(Json{{"kind", kind.name}, {"radix", 16}}, 5, 2);
    REQUIRE(r.topology != nullptr);
    const auto f = topology::build_fabric(*r.topology, plain_node(2), wire, 5);
    std::set<std::string> names;
    for (std::uint32_t v = 0; v < f.vertices().size(); ++v) CHECK(names.insert(f.name(VertexId(v))).second);
    for (std::uint32_t l = 0; l < f.links().size(); ++l) CHECK(names.insert(f.name(LinkId(l))).second);
  }
}
