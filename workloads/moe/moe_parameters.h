// What every DeepEP workload reads: expert parallelism, tokens, the gate, and how routing is drawn.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "workloads/moe/routing_table.h"
#include "workloads/parameters.h"

namespace weft::workloads::moe {

struct MoeParameters {
  std::vector<std::int64_t> ep;
  std::int64_t tokens = 4096, hidden = 7168, topk = 8;
  std::int64_t experts = 0;  ///< zero: the largest multiple of ep up to `experts_up_to`
  std::int64_t experts_up_to = 256;
  std::int64_t groups = 0, chosen_groups = 0;  ///< zero: what the rule says
  std::int64_t masked = 0;
  GateRule rule = GateRule::deepep_test;
  bool sampled = true;
  std::uint64_t seed = 0;
};

/// What differs between the kinds.
struct MoeDefaults {
  std::int64_t tokens, experts_up_to;
  std::string draw;  ///< "sampled" or "expected"
  bool masks = false;
};

MoeParameters read_moe_parameters(Parameters& p, const MoeDefaults& defaults);
std::vector<ColumnDoc> moe_parameter_docs(const MoeDefaults& defaults);

/// The routing of the i-th entry of `ep` on this cluster. Throws UserError (places /ep/i, /topk, /experts, /n_groups)
/// when cluster or gate cannot do it.
RoutingTable routing_for(const MoeParameters& moe, std::size_t i, const ClusterView& cluster);

/// An FP8 copy on the wire of the internode kernel: with source (8 B), expert indices and weights (4 B each a
/// selection), rounded up to 16 B (DeepEP csrc/kernels/internode.cu).
Bytes fp8_copy_on_wire(std::int64_t hidden, std::int64_t topk);

}  // namespace weft::workloads::moe
