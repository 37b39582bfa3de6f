#include "workloads/ring_program.h"

#include <algorithm>

#include "sim/core/random.h"

namespace weft::workloads {
namespace {

std::vector<Leg> ring_edges(const RingJob& job, std::uint32_t group, std::uint32_t channel) {
  const std::uint32_t m = job.members();
  const auto local = [&](std::uint32_t index) { return group + job.tp * (index % m); };
  std::vector<Leg> legs;
  for (std::uint32_t a = 0; a < job.nodes; ++a) {
    // The turn ends where it began, at the GPU beside the NIC: as much NVLink as NCCL's last hop into a NIC of the
    // rail.
    for (std::uint32_t x = 0; x < m && m > 1; ++x)
      legs.push_back({gpu_at(a, local(channel + x)), gpu_at(a, local(channel + x + 1)), 1});
    if (job.nodes > 1) job.rails->append_legs(a, (a + 1) % job.nodes, local(channel), 1, legs);
  }
  return legs;
}

}  // namespace

std::unique_ptr<StaticProgram> ring_program(const RingJob& job, Bytes size, std::size_t trial) {
  auto program = std::make_unique<StaticProgram>();
  const double n = job.group_size();
  StaticProgram::TransferOptions options;
  options.kernel = program->add_kernel(comm_kernel(job.model));
  options.latency_mode = LatencyMode::none;  // NCCL's step latencies hold the wire
  const double network_steps = job.passes * (job.nodes - 1);
  const double nvlink_steps = job.passes * (n - 1) - network_steps;
  options.extra_latency = job.model.start_up.value + job.model.network_step.value * network_steps +
                          job.model.nvlink_step.value * nvlink_steps;
  const Bytes per_edge = size * (job.passes * (n - 1) / n / job.channels);
  // All rings turn along when every node's GPUs do. A ring belongs to the GPU of node 0 by whose NIC it leaves.
  const Placement ranks(job.nodes, job.per_node);
  OwnedOperations owned{ranks, {local_indices(ranks, false)}, {}};
  for (std::uint32_t group = 0; group < job.tp; ++group)
    for (std::uint32_t channel = 0; channel < job.channels; ++channel) {
      options.flow_key = hash_with(hash_with(mix64(trial), group), channel);
      program->add_transfer(per_edge, ring_edges(job, group, channel), options);
      owned.owner.push_back(group + job.tp * (channel % job.members()));
    }
  program->declare(std::move(owned));
  return program;
}

namespace {

/// One rail's tree, up and down.
std::vector<Leg> tree_legs(const RingJob& job, std::uint32_t group, std::uint32_t local) {
  const double n = job.nodes, part = job.in_switches == SwitchReduction::pulled ? (n + 1) / n : 1;
  const auto switch_of = [&](std::uint32_t a) { return Endpoint{Endpoint::Kind::nic_switch, NodeId(a), local}; };
  const auto leaf_of = [&](std::uint32_t a) { return job.leaf_of[std::size_t{local} * job.nodes + a]; };
  std::vector<Leg> legs;
  std::vector<std::uint32_t> leaves;
  for (std::uint32_t a = 0; a < job.nodes; ++a) {
    for (std::uint32_t q = group; q < job.per_node; q += job.tp) {
      if (q == local) continue;
      legs.push_back({gpu_at(a, q), gpu_at(a, local), 1});
      legs.push_back({gpu_at(a, local), gpu_at(a, q), 1});
    }
    legs.push_back({gpu_at(a, local), switch_of(a), part});
    legs.push_back({switch_of(a), gpu_at(a, local), part});
    if (std::find(leaves.begin(), leaves.end(), leaf_of(a)) != leaves.end()) continue;
    leaves.push_back(leaf_of(a));
    if (leaves.size() == 1) continue;
    legs.push_back({switch_of(a), switch_of(0), part});
    legs.push_back({switch_of(0), switch_of(a), part});
  }
  return legs;
}

}  // namespace

std::unique_ptr<StaticProgram> switch_program(const RingJob& job, Bytes size, std::size_t trial) {
  auto program = std::make_unique<StaticProgram>();
  StaticProgram::TransferOptions options;
  options.kernel = program->add_kernel(comm_kernel(job.model));
  options.extra_latency = job.model.start_up.value;
  for (std::uint32_t group = 0; group < job.tp; ++group)
    for (std::uint32_t channel = 0; channel < job.channels; ++channel) {
      options.flow_key = hash_with(hash_with(mix64(trial), group), channel);
      program->add_transfer(size / job.members(), tree_legs(job, group, group + job.tp * channel), options);
    }
  return program;
}

}  // namespace weft::workloads
