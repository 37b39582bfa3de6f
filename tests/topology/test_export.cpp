#include <doctest/doctest.h>

#include <regex>
#include <set>

#include "tests/support/fabrics.h"
#include "topology/export.h"

using namespace weft;
using namespace weft::testing;

namespace {

std::ptrdiff_t occurrences(const std::string& text, const std::string& what) {
  std::ptrdiff_t n = 0;
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + what.size())) ++n;
  return n;
}

/// Tags open and close in order, attributes are quoted.
void check_well_formed(const std::string& xml) {
  static const std::regex tag(R"re(<(/?)([a-zA-Z_]+)((?:\s+[a-zA-Z_:.]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(/?)>)re");
  std::vector<std::string> open;
  for (std::sregex_iterator it(xml.begin(), xml.end(), tag), end; it != end; ++it) {
    if ((*it)[4].length() > 0) continue;
    if ((*it)[1].length() == 0) {
      open.push_back((*it)[2]);
    } else {
      REQUIRE_FALSE(open.empty());
      REQUIRE(open.back() == (*it)[2]);
      open.pop_back();
    }
  }
  CHECK(open.empty());
}

}  // namespace

TEST_CASE("GraphML holds every vertex and one edge per cable") {
  const auto f = make_fabric(R"({"kind": "mpft", "radix": 8})", 5, "h800", "infiniband");
  const std::string xml = topology::export_fabric(f, "graphml");
  check_well_formed(xml);
  CHECK(occurrences(xml, "<node ") == std::ssize(f.vertices()));
  CHECK(occurrences(xml, "<edge ") == std::ssize(f.links()) / 2);
  CHECK(occurrences(xml, ">plane3.leaf1<") == 1);
  CHECK(occurrences(xml, ">long_haul<") == f.count().switch_links);
}

TEST_CASE("DOT holds every vertex by name and one edge per cable") {
  const auto f = make_fabric(R"({"kind": "ft2", "radix": 4})", 5, "endpoint", "infiniband");
  const std::string dot = topology::export_fabric(f, "dot");
  CHECK(dot.starts_with("graph "));
  CHECK(occurrences(dot, "--") == std::ssize(f.links()) / 2);
  CHECK(occurrences(dot, "kind=switch") == f.count().switches);
}

TEST_CASE("SimGrid XML has a host per GPU, a link per direction and a route per ordered pair") {
  const auto f = make_fabric(R"({"kind": "mrft", "radix": 16})", 4, "h800", "infiniband");
  const std::string xml = topology::export_fabric(f, "simgrid-xml");
  check_well_formed(xml);
  CHECK(occurrences(xml, "<host ") == 32);
  CHECK(occurrences(xml, "<link ") == std::ssize(f.links()));
  CHECK(occurrences(xml, "<route ") == 32 * 31);
  // Links and hosts that routes name exist.
  std::set<std::string> ids;
  static const std::regex id(R"re(<(?:host|link) id="([^"]*)")re"), use(R"re((?:link_ctn id|src|dst)="([^"]*)")re");
  for (std::sregex_iterator it(xml.begin(), xml.end(), id), end; it != end; ++it) CHECK(ids.insert((*it)[1]).second);
  for (std::sregex_iterator it(xml.begin(), xml.end(), use), end; it != end; ++it) REQUIRE(ids.contains((*it)[1]));
}

TEST_CASE("the links of a SimGrid route add up to the latency of Table 5") {
  // Same leaf: 2.42 + 0.35 + 2 * 3 m * 5 ns/m = 2.80 us; across: 2.42 + 3 * 0.35 + 2 * 15 + 2 * 100 ns = 3.70 us.
  const auto f = make_fabric(R"({"kind": "mrft", "radix": 8, "rails": 1})", 8, "endpoint", "infiniband");
  const std::string xml = topology::export_fabric(f, "simgrid-xml");
  static const std::regex link(R"re(<link id="([^"]*)" bandwidth="[^"]*" latency="([^"]*)s"/>)re"), hop(R"re(link_ctn id="([^"]*)")re");
  std::map<std::string, double> latency;
  for (std::sregex_iterator it(xml.begin(), xml.end(), link), end; it != end; ++it) latency[(*it)[1]] = std::stod((*it)[2]);
  const auto total_us = [&](const std::string& to) {
    const auto at = xml.find("<route src=\"node0.gpu0\" dst=\"" + to + "\"");
    REQUIRE(at != xml.npos);
    const std::string route = xml.substr(at, xml.find("</route>", at) - at);
    double sum = 0;
    for (std::sregex_iterator it(route.begin(), route.end(), hop), end; it != end; ++it) sum += latency.at((*it)[1]);
    return sum * 1e6;
  };
  CHECK(total_us("node1.gpu0") == doctest::Approx(2.80).epsilon(1e-9));
  CHECK(total_us("node7.gpu0") == doctest::Approx(3.70).epsilon(1e-9));
}

// The route of static routing, whose links follow each other from GPU to GPU and whose latencies add up, for every pair.
TEST_CASE("every SimGrid route is the one of static routing, in order, with its latency") {
  static const std::regex link(R"re(<link id="([^"]*)" bandwidth="[^"]*" latency="([^"]*)s"/>)re"), hop(R"re(link_ctn id="([^"]*)")re");
  for (const auto& [kind, node] : {std::pair(R"({"kind": "mpft", "radix": 8})", "h800"), std::pair(R"({"kind": "mrft", "radix": 16})", "h800"),
                                   std::pair(R"({"kind": "mrft", "radix": 8, "rails": 1})", "endpoint")}) {
    CAPTURE(kind);
    const auto f = make_fabric(kind, 8, node, "infiniband");
    const std::string xml = topology::export_fabric(f, "simgrid-xml");
    std::map<std::string, double> latency;
    for (std::sregex_iterator it(xml.begin(), xml.end(), link), end; it != end; ++it) latency[(*it)[1]] = std::stod((*it)[2]);
    topology::Router router(f, {.policy = topology::Policy::static_dmodk});
    const std::uint32_t gpus = f.node_spec().gpus;
    std::set<std::string> cables_up;
    for (std::uint32_t r = 0; r < 8 * gpus; ++r) {
      const Endpoint from = gpu(0, 0), to = gpu(r / gpus, r % gpus);
      if (from == to || !router.reachable(from, to)) continue;
      const auto at = xml.find(fmt::format("<route src=\"node0.gpu0\" dst=\"{}\"", f.name(f.vertex_of(to))));
      REQUIRE(at != xml.npos);
      const std::string text = xml.substr(at, xml.find("</route>", at) - at);
      const auto own = routes(router, from, to).at(0);
      const auto expected = hops_of(router, own);
      double sum = 0;
      std::size_t count = 0;
      VertexId end_of_last = f.vertex_of(from);
      for (std::sregex_iterator it(text.begin(), text.end(), hop), end; it != end; ++it, ++count) {
        const LinkId l = link_named(f, (*it)[1].str());
        CHECK(expected.contains(l));
        CHECK(f.link(l).from == end_of_last);
        end_of_last = f.link(l).to;
        sum += latency.at((*it)[1]);
        if (f.link(l).cable == topology::CableClass::long_haul && f.vertex(f.link(l).from).tier == 0) cables_up.insert((*it)[1]);
      }
      CHECK(count == expected.size());
      CHECK(end_of_last == f.vertex_of(to));
      CHECK(sum == doctest::Approx(own.latency.value()).epsilon(1e-9));
    }
    // A plane of radix 8 with 8 nodes has 4 nodes behind another leaf and 4 cables up: one each.
    if (std::string(kind).find("mpft") != std::string::npos) CHECK(cables_up.size() == 4);
  }
}

TEST_CASE("SimGrid XML says which pairs have no path, as GPUs of different planes and nodes") {
  const std::string xml = topology::export_fabric(make_fabric(R"({"kind": "mpft", "radix": 8})", 2), "simgrid-xml");
  check_well_formed(xml);
  // Two ways, 8 * 7 pairs of different planes; 2 * (8 * 7) pairs inside a node and 2 * 8 of the same plane have a route.
  CHECK(occurrences(xml, "<!-- no path from ") == 2 * 56);
  CHECK(occurrences(xml, "<route ") == 2 * 56 + 2 * 8);
}

TEST_CASE("SimGrid XML is refused for large fabrics, unknown formats get the nearest name") {
  const auto large = make_fabric(R"({"kind": "mpft"})", 9);
  try {
    topology::export_fabric(large, "simgrid-xml");
    FAIL("must be refused");
  } catch (const UserError& e) {
    CHECK(std::string(e.what()).find("72 endpoints are more than 64") != std::string::npos);
  }
  try {
    topology::export_fabric(large, "graphm");
    FAIL("must be refused");
  } catch (const UserError& e) {
    CHECK(std::string(e.what()).find("did you mean \"graphml\"?") != std::string::npos);
  }
}
