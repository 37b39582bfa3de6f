#include "workloads/basic_workload.h"

#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace weft::workloads {

Json BasicWorkload::resolved() const { return *resolved_; }

Cell bytes_cell(Bytes b) {
  const double v = b.value();
  if (v == std::floor(v) && v < 9e15) return static_cast<std::int64_t>(v);
  return v;
}

double microseconds(Seconds t) { return t.value() * 1e6; }
double gigabytes_per_second(BytesPerSecond r) { return r.value() * 1e-9; }

void require_gpus(const ClusterView& cluster, std::int64_t gpus, const std::string& place) {
  const std::int64_t per_node = cluster.placement.gpus_per_node();
  const std::int64_t all = cluster.placement.ranks();
  if (gpus > all)
    throw UserError(place, fmt::format("{} GPUs asked for, the cluster has {}", gpus, all),
                    fmt::format("give the cluster {} nodes, or ask for fewer GPUs", (gpus + per_node - 1) / per_node));
  if (gpus > per_node && gpus % per_node != 0)
    throw UserError(place, fmt::format("{} GPUs are no multiple of the {} GPUs of a node", gpus, per_node),
                    fmt::format("{} or {} would be", gpus / per_node * per_node, (gpus / per_node + 1) * per_node));
}

void require_rank(const ClusterView& cluster, std::int64_t rank, const std::string& place) {
  const std::int64_t all = cluster.placement.ranks();
  if (rank < 0 || rank >= all)
    throw UserError(place, fmt::format("there is no rank {}", rank),
                    fmt::format("the cluster has ranks 0 to {}", all - 1));
}

Seconds mean_makespan(std::span<const Outcome> outcomes) {
  Seconds sum;
  for (const Outcome& o : outcomes) sum += o.makespan;
  return sum / static_cast<double>(outcomes.size());
}

}  // namespace weft::workloads
