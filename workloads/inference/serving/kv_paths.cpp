#include "workloads/inference/serving/kv_paths.h"

#include <algorithm>

#include "sim/core/random.h"

namespace weft::workloads::inference::serving {

Place KvPaths::gpu(const ServingSetup& setup, const StageSetup& stage, std::uint32_t unit, std::uint32_t group, std::uint32_t i) {
  const std::uint32_t first = (stage.first_node + unit * stage.unit.nodes) * setup.placement.gpus_per_node();
  return setup.placement.place(Rank(first + group * stage.unit.gpus_per_group + i));
}

const std::vector<Leg>& KvPaths::transfer(std::uint32_t prefill_unit, std::uint32_t prefill_group, std::uint32_t decode_group) {
  legs_.clear();
  const Unit &from = setup_->prefill.unit, &to = setup_->decode.unit;
  const std::uint32_t pairs = std::max(from.gpus_per_group, to.gpus_per_group);
  for (std::uint32_t k = 0; k < pairs; ++k) {
    const Place a = gpu(*setup_, setup_->prefill, prefill_unit, prefill_group, k % from.gpus_per_group);
    const Place b = gpu(*setup_, setup_->decode, decode_group / to.groups, decode_group % to.groups, k % to.gpus_per_group);
    setup_->rails->append_legs(a.node.value, b.node.value, a.local, 1.0 / pairs, legs_);
    if (a.local != b.local) legs_.push_back({gpu_at(b.node.value, a.local), gpu_at(b.node.value, b.local), 1.0 / pairs});
  }
  return legs_;
}

const std::vector<Leg>& KvPaths::disk(std::uint64_t key, std::uint32_t node, bool write) {
  legs_.clear();
  const std::uint64_t ssds = std::uint64_t{setup_->storage.nodes} * setup_->storage.ssds_per_node;
  const auto stripes = static_cast<std::uint32_t>(std::min<std::uint64_t>(ssds, setup_->policy.disk_stripes));
  const std::uint64_t first = hash_with(hash_name("prefix cache"), key) % ssds, apart = ssds / stripes;
  for (std::uint32_t i = 0; i < stripes; ++i) {
    const std::uint64_t ssd = (first + i * apart) % ssds;
    const Endpoint disk{Endpoint::Kind::ssd, NodeId(static_cast<std::uint32_t>(ssd / setup_->storage.ssds_per_node)),
                        static_cast<std::uint32_t>(ssd % setup_->storage.ssds_per_node)};
    const Endpoint host{Endpoint::Kind::host, NodeId(node), 0};
    legs_.push_back(write ? Leg{host, disk, 1.0 / stripes} : Leg{disk, host, 1.0 / stripes});
  }
  return legs_;
}

}  // namespace weft::workloads::inference::serving
