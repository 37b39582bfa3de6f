// The kinds of topology that meson.build lists, and reading one from a scenario.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/error.h"
#include "topology/topology.h"

namespace weft::topology {

#define WEFT_KIND(name) TopologyKind name##_kind();
#include "topology/topology_kinds.inc"
#undef WEFT_KIND

const std::vector<TopologyKind>& topology_kinds() {
#define WEFT_KIND(name) name##_kind(),
  static const std::vector<TopologyKind> kinds = {
#include "topology/topology_kinds.inc"
  };
#undef WEFT_KIND
  return kinds;
}

Table3Row::Table3Row(const Json& row) : row_(std::make_shared<const Json>(row)) {}

std::unique_ptr<Topology> read_topology(JsonReader where, const SizeRequest& size) {
  if (!where.expect_object("a topology")) return nullptr;
  const std::size_t before = where.problems().list().size();
  const std::string name = where.string("kind");
  if (where.problems().list().size() != before) return nullptr;
  std::vector<std::string> known;
  for (const TopologyKind& kind : topology_kinds()) {
    if (kind.name == name) {
      auto topology = kind.read(where, size);
      return where.problems().list().size() == before ? std::move(topology) : nullptr;
    }
    known.push_back(kind.name);
  }
  where.fail_at("kind", fmt::format("unknown topology \"{}\"", name), unknown_name_hint(name, known));
  return nullptr;
}

Fabric build_fabric(const Topology& topology, const NodeSpec& node, const TransportSpec& transport, std::uint32_t nodes,
                    const std::vector<std::string>& failed, const std::string& failed_pointer, const StorageNetwork& storage) {
  FabricBuilder b(node, transport, nodes);
  topology.build(b);
  if (storage.nodes > 0) {
    b.begin_storage(*storage.node, *storage.transport, storage.nodes);
    storage.topology->build(b);
  }
  for (std::size_t i = 0; i < failed.size(); ++i) b.fail(failed[i], fmt::format("{}/{}", failed_pointer, i));
  return b.finish();
}

}  // namespace weft::topology
