// Table 3 of arXiv:2505.09343 and its neighbours, by formula; the bisections by maximum flow over the built graphs.
#include <doctest/doctest.h>

#include <ctime>

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/edmonds_karp_max_flow.hpp>

#include "tests/support/fabrics.h"
#include "tests/topology/reading.h"

using namespace weft;
using namespace weft::testing;
using topology::Counts;

namespace {

void check(const Counts& c, std::int64_t endpoints, std::int64_t switches, std::int64_t links) {
  CHECK(c.endpoints == endpoints);
  CHECK(c.switches == switches);
  CHECK(c.switch_links == links);
}

/// Bytes per second that can cross from the NICs of one half to those of the other: a maximum flow over the scale-out network.
template <class InFirstHalf>
double bisection(const topology::Fabric& f, InFirstHalf in_first_half) {
  using Traits = boost::adjacency_list_traits<boost::vecS, boost::vecS, boost::directedS>;
  using Graph = boost::adjacency_list<
      boost::vecS, boost::vecS, boost::directedS, boost::no_property,
      boost::property<boost::edge_capacity_t, long,
                      boost::property<boost::edge_residual_capacity_t, long, boost::property<boost::edge_reverse_t, Traits::edge_descriptor>>>>;
  const std::size_t source = f.vertices().size(), sink = source + 1;
  Graph g(sink + 1);
  const auto add = [&](std::size_t a, std::size_t b, long there, long back) {
    const auto e = boost::add_edge(a, b, g).first, r = boost::add_edge(b, a, g).first;
    boost::put(boost::edge_capacity, g, e, there);
    boost::put(boost::edge_capacity, g, r, back);
    boost::put(boost::edge_reverse, g, e, r);
    boost::put(boost::edge_reverse, g, r, e);
  };
  const auto scale_out = [&](VertexId v) {
    return f.vertex(v).kind == topology::VertexKind::nic || f.vertex(v).kind == topology::VertexKind::net_switch;
  };
  for (std::size_t i = 0; i < f.links().size(); i += 2) {
    const auto& l = f.links()[i];
    const long mbps = static_cast<long>(l.rate.value() / 1e6);
    if (scale_out(l.from) && scale_out(l.to)) add(l.from.value, l.to.value, mbps, mbps);
  }
  for (std::uint32_t v = 0; v < f.vertices().size(); ++v) {
    const auto& vertex = f.vertices()[v];
    if (vertex.kind != topology::VertexKind::nic) continue;
    if (in_first_half(vertex)) add(source, v, 1000000000, 0);
    else add(v, sink, 1000000000, 0);
  }
  std::vector<boost::default_color_type> colours(sink + 1);
  std::vector<Traits::edge_descriptor> predecessors(sink + 1);
  const long mbps = boost::edmonds_karp_max_flow(g, source, sink, boost::get(boost::edge_capacity, g), boost::get(boost::edge_residual_capacity, g),
                                                 boost::get(boost::edge_reverse, g), colours.data(), predecessors.data());
  return 1e6 * static_cast<double>(mbps);
}

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

}  // namespace

TEST_CASE("Table 3 is counted exactly: ft2, mpft, ft3, slim_fly, dragonfly (N1.01, N1.02, N1.03, N1.05, N1.09)") {
  std::map<std::string, Counts> row;
  for (const auto& kind : topology::topology_kinds()) {
    if (kind.table3.is_null()) continue;
    const Reading r = read(kind.table3, 0);
    r.problems.throw_if_any();
    row[kind.name] = r.topology->count();
  }
  REQUIRE(row.size() == 5);
  check(row["ft2"], 2048, 96, 2048);
  check(row["mpft"], 16384, 768, 16384);
  check(row["ft3"], 65536, 5120, 131072);
  check(row["slim_fly"], 32928, 1568, 32928);
  check(row["dragonfly"], 261632, 16352, 384272);
  CHECK(row["slim_fly"].max_ports_used == 63);
  CHECK(row["dragonfly"].local_links == 253456);
  CHECK(row["dragonfly"].switch_links - row["dragonfly"].local_links == 130816);
  CHECK(row["dragonfly"].max_ports_used == 63);
}

TEST_CASE("partial trees at 16,384 endpoints (N1.04a, N1.04b, N1.04c)") {
  check(counts(R"({"kind": "ft3"})", 2048), 16384, 1280, 32768);
  const Counts roft = counts(R"({"kind": "ft3", "radix": 128})", 2048);
  CHECK(roft.switches == 640);
  CHECK(roft.switch_links + roft.host_links == 49152);
  const Counts rail_only = counts(R"({"kind": "mpft", "radix": 128, "planes": 8})", 2048);
  CHECK(rail_only.switches == 384);
  CHECK(rail_only.switch_links + rail_only.host_links == 32768);
}

TEST_CASE("slim_fly and dragonfly beside Table 3 (N1.07, N1.08, N1.10a, N1.10b)") {
  check(counts(R"({"kind": "slim_fly", "q": 27})", 0), 30618, 1458, 29889);
  check(counts(R"({"kind": "slim_fly", "q": 29})", 0), 35322, 1682, 36163);
  check(counts(R"({"kind": "slim_fly", "q": 5})", 0), 200, 50, 175);
  check(counts(R"({"kind": "dragonfly"})", 0), 262656, 16416, 385776);
  check(counts(R"({"kind": "dragonfly", "p": 2, "a": 4, "h": 2})", 0), 72, 36, 90);
}

TEST_CASE("mpft and mrft for 2,048 GPUs (N2.01, N2.02)") {
  check(counts(R"({"kind": "mpft"})", 256), 2048, 96, 2048);
  check(counts(R"({"kind": "mrft"})", 256), 2048, 96, 2048);
}

TEST_CASE("half of 256 nodes reaches the other half with 51.2 TB/s on either fabric (N2.05)") {
  // 128 nodes * 8 NICs * 50 GB/s; the maximum flow shows that the switches carry it.
  const auto first_nodes = [](const topology::Vertex& v) { return v.node < 128; };
  CHECK(bisection(make_fabric(R"({"kind": "mpft"})", 256), first_nodes) == doctest::Approx(51.2e12).epsilon(1e-9));
  CHECK(bisection(make_fabric(R"({"kind": "mrft"})", 256), first_nodes) == doctest::Approx(51.2e12).epsilon(1e-9));
}

TEST_CASE("GPUs 0-3 of all nodes cannot reach GPUs 4-7 on mpft's network, and do with 51.2 TB/s on mrft's (N2.06)") {
  const auto low_index = [](const topology::Vertex& v) { return v.local < 4; };
  CHECK(bisection(make_fabric(R"({"kind": "mpft"})", 256), low_index) == 0);
  CHECK(bisection(make_fabric(R"({"kind": "mrft"})", 256), low_index) == doctest::Approx(51.2e12).epsilon(1e-9));
}

TEST_CASE("counting does not build: 100 times Table 3's largest row in under 0.1 s of processor time") {
  const Json json = parse_json(R"({"kind": "dragonfly", "p": 16, "a": 32, "h": 16, "g": 511})", "");
  const double start = cpu_seconds();
  std::int64_t links = 0;
  for (int i = 0; i < 100; ++i) links += read(json, 0).topology->count().switch_links;
  CHECK(links == 38427200);
  CHECK(cpu_seconds() - start < 0.1);
}

TEST_CASE("Table 3's dragonfly of 261,632 endpoints is built as counted, in under 5 s of processor time") {
  const double start = cpu_seconds();
  const auto f = make_fabric(R"({"kind": "dragonfly", "p": 16, "a": 32, "h": 16, "g": 511})", 261632, "endpoint");
  CHECK(cpu_seconds() - start < 5);
  CHECK(f.count() == counts(R"({"kind": "dragonfly", "p": 16, "a": 32, "h": 16, "g": 511})", 0));
  CHECK(f.components() == 1);
}

TEST_CASE("an mpft of 16,384 GPUs is built in under 0.3 s of processor time") {
  const double start = cpu_seconds();
  const auto f = make_fabric(R"({"kind": "mpft"})", 2048);
  CHECK(cpu_seconds() - start < 0.3);
  CHECK(f.count() == counts(R"({"kind": "mpft"})", 0));
}
