#include "workloads/symmetry.h"

#include <numeric>

namespace weft::workloads {
namespace {

void append_node(Placement ranks, std::uint32_t node, std::vector<std::uint32_t>& block) {
  for (std::uint32_t local = 0; local < ranks.gpus_per_node(); ++local)
    block.push_back(ranks.rank({NodeId(node), local}).value);
}

}  // namespace

Interchange whole_nodes(Placement ranks, bool any_order) {
  Interchange nodes;
  nodes.any_order = any_order;
  nodes.blocks.resize(ranks.nodes());
  for (std::uint32_t node = 0; node < ranks.nodes(); ++node) append_node(ranks, node, nodes.blocks[node]);
  return nodes;
}

Interchange local_indices(Placement ranks, bool any_order) {
  Interchange locals;
  locals.any_order = any_order;
  locals.blocks.resize(ranks.gpus_per_node());
  for (std::uint32_t local = 0; local < ranks.gpus_per_node(); ++local)
    for (std::uint32_t node = 0; node < ranks.nodes(); ++node)
      locals.blocks[local].push_back(ranks.rank({NodeId(node), local}).value);
  return locals;
}

Interchange node_cycles(Placement ranks, std::uint32_t by) {
  Interchange cycles;
  const std::uint32_t nodes = ranks.nodes();
  cycles.blocks.resize(std::gcd(nodes, by));
  for (std::uint32_t first = 0; first < cycles.blocks.size(); ++first) {
    std::uint32_t node = first;
    do {
      append_node(ranks, node, cycles.blocks[first]);
      node = (node + by) % nodes;
    } while (node != first);
  }
  return cycles;
}

}  // namespace weft::workloads
