// Lowering: turns the legs of a transfer into flows, each a list of pieces of path and a latency.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/engine/fluid/paths.h"
#include "topology/router.h"
#include "workloads/program.h"

namespace weft::engine {

/// A transfer's legs move together, so a flow crosses the hops of all of them, each loaded with the leg's share. Where
/// legs have several sub-routes (queue pairs under ECMP) there is one flow per sub-route; a leg with a single one, such
/// as NVLink's, belongs to each of them in part.
struct LoweredFlow {
  double share = 1;             ///< of the transfer's bytes
  double latency = 0;           ///< seconds until the first byte, wires only
  std::uint32_t first = 0, count = 0;   ///< pieces, in Lowered::pieces
};

struct Lowered {
  std::vector<LoweredFlow> flows;
  std::vector<std::uint32_t> pieces;
};

class Lowering {
 public:
  Lowering(topology::Router& router, Paths& paths) : router_(router), paths_(paths) {}

  /// Valid until the next call. Throws UserError when a leg has no path.
  const Lowered& lower(std::span<const workloads::Leg> legs, KernelId kernel, std::uint64_t flow_key);
  /// To be called when links went up or down.
  void forget_routes();

 private:
  /// Neighbouring legs inside one node, such as the fan-out to a node's GPUs. With equal shares there are few different
  /// ones, each used often; with shares of their own, as gates draw them, each is made for one transfer and passes with it.
  struct Bundle {
    std::vector<workloads::Leg> legs;
    KernelId kernel;
    std::uint64_t hash = 0;
    std::uint32_t piece = 0;
    double latency = 0;
  };
  struct RoutedLeg {
    double share;
    std::size_t first, count;   // in routes_
  };

  /// What a leg between two GPUs of a node loads, for a share of 1.
  struct InNode {
    bool known = false;
    std::uint32_t first = 0, count = 0;   // in in_node_loads_
    double latency = 0;
  };

  const Bundle& bundle(std::span<const workloads::Leg> legs, KernelId kernel);
  Bundle make_bundle(std::span<const workloads::Leg> legs, KernelId kernel, bool passing);
  const InNode& in_node(const workloads::Leg& leg, KernelId kernel);
  void grow_bundle_slots();
  void add_flow(std::size_t index, std::size_t flows, KernelId kernel);

  topology::Router& router_;
  Paths& paths_;
  std::vector<Bundle> bundles_;
  std::vector<std::uint32_t> bundle_slots_;   // open addressing by hash; holds index + 1, or 0
  std::vector<std::vector<std::vector<InNode>>> in_node_;   // by kernel + 1, node, and (from, to)
  std::vector<Paths::Load> in_node_loads_;
  Bundle passing_;
  std::vector<topology::SubRoute> routes_, bundle_routes_;
  std::vector<RoutedLeg> routed_;
  std::vector<std::uint32_t> used_bundles_;
  std::vector<Paths::Load> loads_;
  Lowered out_;
};

}  // namespace weft::engine
