// How fast networks are counted and built, up to 262,144 endpoints.
#include <benchmark/benchmark.h>

#include <nlohmann/json.hpp>

#include "sim/core/json.h"
#include "topology/topology.h"

using namespace weft;

namespace {

/// A network with what is needed to build it.
struct Plan {
  topology::NodeSpec node;
  topology::TransportSpec transport;
  std::unique_ptr<topology::Topology> topology;
  std::uint32_t nodes = 0;
};

/// `nodes` zero: as many as the topology has endpoints for.
Plan plan_of(const char* text, const char* node, std::uint32_t nodes) {
  Problems problems;
  const DataPlaces data = DataPlaces::standard();
  const Json node_name = node, transport_name = "infiniband", json = parse_json(text, "");
  Plan p;
  p.node = topology::read_node_spec(JsonReader(node_name, "", problems), data);
  p.transport = topology::read_transport_spec(JsonReader(transport_name, "", problems), data);
  p.topology = topology::read_topology(JsonReader(json, "", problems), {nodes, p.node.gpus});
  problems.throw_if_any();
  p.nodes = nodes > 0 ? nodes : static_cast<std::uint32_t>(p.topology->count().endpoints / p.node.gpus);
  return p;
}

struct Case {
  const char* name;
  const char* topology;
  const char* node;
  std::uint32_t nodes;
};

// Each kind close to 262,144 endpoints, and an MPFT of 16,384.
const Case cases[] = {
    {"mpft 16,384 endpoints", R"({"kind": "mpft", "radix": 64, "planes": 8})", "h800", 2048},
    {"mpft 262,144 endpoints", R"({"kind": "mpft", "radix": 256, "planes": 8})", "h800", 32768},
    {"mrft 262,144 endpoints", R"({"kind": "mrft", "radix": 128})", "h800", 32768},
    {"ft2 262,144 endpoints", R"({"kind": "ft2", "radix": 726})", "h800", 32768},
    {"ft3 262,144 endpoints", R"({"kind": "ft3", "radix": 102})", "h800", 32768},
    {"single_switch 262,144 endpoints", R"({"kind": "single_switch", "radix": 262144})", "h800", 32768},
    {"slim_fly 260,662 endpoints", R"({"kind": "slim_fly", "radix": 130, "q": 47, "p": 59})", "endpoint", 0},
    {"dragonfly 261,632 endpoints", R"({"kind": "dragonfly", "radix": 64, "p": 16, "a": 32, "h": 16, "g": 511})", "endpoint", 0},
};

void build(benchmark::State& state, const Case& c) {
  const Plan p = plan_of(c.topology, c.node, c.nodes);
  std::int64_t cables = 0;
  for (auto _ : state) {
    const topology::Fabric f = topology::build_fabric(*p.topology, p.node, p.transport, p.nodes);
    cables = static_cast<std::int64_t>(f.links().size() / 2);
  }
  state.counters["cables"] = static_cast<double>(cables);
}

void count(benchmark::State& state, const Case& c) {
  const Plan p = plan_of(c.topology, c.node, c.nodes);
  for (auto _ : state) benchmark::DoNotOptimize(p.topology->count());
}

}  // namespace

int main(int argc, char** argv) {
  for (const Case& c : cases) {
    benchmark::RegisterBenchmark((std::string("build/") + c.name).c_str(), build, c)->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark((std::string("count/") + c.name).c_str(), count, c)->Unit(benchmark::kMicrosecond);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
