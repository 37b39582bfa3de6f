// KvPaths: the ways that keys and values take from prefill to decode, and to and from the SSDs.
#pragma once

#include <vector>

#include "workloads/inference/serving/setup.h"

namespace weft::workloads::inference::serving {

class KvPaths {
 public:
  explicit KvPaths(const ServingSetup& setup) : setup_(&setup) {}

  /// From a group's GPUs to those of a decode group (counted over all units): over the rail of the sending GPU to its peer on the other node, from
  /// there over NVLink. Groups of several GPUs share the bytes. The legs are good until the next call.
  const std::vector<Leg>& transfer(std::uint32_t prefill_unit, std::uint32_t prefill_group, std::uint32_t decode_group);
  /// From as many SSDs as policy says, chosen by `key`, to the host memory of a node; or back.
  const std::vector<Leg>& disk(std::uint64_t key, std::uint32_t node, bool write);

  /// GPU number i of a group.
  static Place gpu(const ServingSetup& setup, const StageSetup& stage, std::uint32_t unit, std::uint32_t group, std::uint32_t i);

 private:
  const ServingSetup* setup_;
  std::vector<Leg> legs_;
};

}  // namespace weft::workloads::inference::serving
