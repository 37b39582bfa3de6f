// StepGrid: where the GPUs of a training job stand: pipeline ranks, groups of expert parallelism, blocks inside a node.
#pragma once

#include <cstdint>

#include "sim/core/placement.h"

namespace weft::workloads::training {

/// Pipeline rank p has the GPUs p * stage_size and on. A stage is made of groups (of expert parallelism; without it the whole stage), a
/// group of blocks (the GPUs of one node, or fewer when the group is smaller), a block of tensor-parallel teams.
struct StepGrid {
  std::uint32_t pipeline = 1;     ///< pipeline ranks
  std::uint32_t stage_size = 1;   ///< GPUs of one: data parallel times tensor parallel
  std::uint32_t group_size = 1;   ///< divides stage_size
  std::uint32_t block_size = 1;   ///< divides group_size and the GPUs of a node
  std::uint32_t team_size = 1;    ///< tensor parallel; divides block_size
  std::uint32_t per_node = 8;     ///< GPUs of a node

  std::uint32_t ranks() const { return pipeline * stage_size; }
  std::uint32_t groups() const { return stage_size / group_size; }
  std::uint32_t blocks() const { return group_size / block_size; }
  std::uint32_t pipeline_rank(std::uint32_t rank) const { return rank / stage_size; }
  std::uint32_t in_stage(std::uint32_t rank) const { return rank % stage_size; }
  std::uint32_t group_of(std::uint32_t rank) const { return in_stage(rank) / group_size; }
  std::uint32_t in_group(std::uint32_t rank) const { return in_stage(rank) % group_size; }
  std::uint32_t block_of(std::uint32_t rank) const { return in_group(rank) / block_size; }
  std::uint32_t in_block(std::uint32_t rank) const { return in_group(rank) % block_size; }
  /// First rank of its group, block and team.
  std::uint32_t group_base(std::uint32_t rank) const { return rank - in_group(rank); }
  std::uint32_t block_base(std::uint32_t rank) const { return rank - in_block(rank); }
  std::uint32_t team_base(std::uint32_t rank) const { return rank - in_stage(rank) % team_size; }
  Endpoint gpu(std::uint32_t rank) const { return {Endpoint::Kind::gpu, NodeId(rank / per_node), rank % per_node}; }
};

}  // namespace weft::workloads::training
