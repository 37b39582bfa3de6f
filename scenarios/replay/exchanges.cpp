#include "scenarios/replay/exchanges.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "models/communication.h"
#include "scenarios/case_run.h"
#include "topology/router.h"

namespace weft::scenarios::replay {
namespace {

using workloads::replay::RecordedOp;
using workloads::replay::Role;

double shape_or(const RecordedOp& op, const char* field, double fallback) {
  const auto at = op.shape.shape.find(field);
  return at == op.shape.shape.end() ? fallback : at->second;
}

const workloads::WorkloadKind& kind_named(const std::string& name) {
  for (const workloads::WorkloadKind& k : workloads::workload_kinds()) {
    if (k.name == name) return k;
  }
  bug(__FILE__, __LINE__, "a workload kind", name);
}

}  // namespace

/// A communication kernel with its limits grown or shrunk.
Json Exchanges::limited(const std::string& kernel, const ExchangeOptions& options) const {
  if (options.nic_limit == 1 && options.nvlink_limit == 1) return kernel;
  Problems problems;
  const Json name = kernel;
  const models::CommunicationModel m = models::read_communication_model(JsonReader(name, "", problems), data_);
  problems.throw_if_any();
  Json out = {{"extends", kernel}};
  const auto limit = [&](const char* key, double rate, double factor) {
    if (rate > 0) out[key] = fmt::format("{:.6f} GB/s", rate * factor * 1e-9);
  };
  limit("nic_rate", m.nic_rate.value.value(), options.nic_limit);
  limit("nvlink_rate", m.nvlink_rate.value.value(), options.nvlink_limit);
  return out;
}

Json Exchanges::workload_of(const RecordedOp& op, const Cluster& cluster, const ExchangeOptions& options) {
  const std::int64_t gpus = cluster.nodes() * cluster.node().gpus;
  const auto ranks = recording_.world_size > 0 ? static_cast<std::int64_t>(recording_.world_size) : gpus;
  const std::string& family = op.shape.kind.family;
  if (family.starts_with("deepep") || op.role == Role::peers || op.shape.kind.variant == "nvshmem") {
    const bool low_latency = family.find("_ll_") != std::string::npos, combine = family.find("combine") != std::string::npos;
    if (op.shape.shape.empty() && op.role != Role::peers) guessed_ = true;
    const double tokens = op.role == Role::peers ? 1 : shape_or(op, "tokens", low_latency ? 128 : 4096);
    Json w = {{"kind", low_latency ? "deepep_low_latency"
                       : combine   ? "deepep_combine"
                                   : "deepep_dispatch"},
              {"ep", ranks},
              {"tokens", static_cast<std::int64_t>(tokens)},
              {"hidden", static_cast<std::int64_t>(shape_or(op, "hidden", 7168))},
              {"topk", static_cast<std::int64_t>(shape_or(op, "topk", 8))}};
    if (op.shape.shape.contains("experts")) w["experts"] = static_cast<std::int64_t>(op.shape.shape.at("experts"));
    w["draw"] = options.balanced ? "expected" : "sampled";
    if (low_latency) w["directions"] = combine ? "combine" : "dispatch";
    w["kernel"] = limited(low_latency ? "deepep_low_latency" : "deepep_normal", options);
    if (!low_latency) w["intranode_kernel"] = limited("deepep_intranode", options);
    return w;
  }
  // The size of a collective is not in the trace: a large one tells how its time changes with the network's rates.
  guessed_ = true;
  const std::string& variant = op.shape.kind.variant;
  const bool ring = variant == "all_gather" || variant == "reduce_scatter";
  const std::string kind = ring || variant == "all_reduce" ? variant : "all_to_all";
  return {{"kind", kind},
          {"gpus", ranks},
          {"sizes", "256 MiB"},
          {"kernel", limited(kind == "all_to_all" ? "nccl_all_to_all" : "nccl_ring", options)}};
}

double Exchanges::seconds(const RecordedOp& op, const Cluster& cluster, const ExchangeOptions& options) {
  const Json workload = workload_of(op, cluster, options);
  const std::int64_t gpus = cluster.nodes() * cluster.node().gpus;
  if (recording_.world_size > static_cast<double>(gpus)) {
    throw UserError("/cluster/nodes", fmt::format("the trace is of {} ranks, the cluster has {} GPUs", recording_.world_size, gpus),
                    "give it more nodes");
  }
  if (recording_.world_size == 1 || gpus == 1) return 0;
  const auto [at, fresh] = known_.try_emplace({&cluster, workload.dump()}, 0.0);
  if (!fresh) return at->second;
  Problems problems;
  JsonReader where(workload, "", problems, "");
  static_cast<void>(where.has("kind"));
  const workloads::WorkloadKind& kind = kind_named(workload["kind"].get<std::string>());
  const auto w = kind.read(where, {&data_, run_.seed, {}});
  problems.throw_if_any();
  topology::Router router(cluster.fabric(), cluster.routing());
  const std::vector<workloads::Case> cases = w->cases(cluster.view(router));
  const CaseRows rows = run_case(cases.front(), cluster, run_, "replay: " + kind.name);
  for (const ConstantUsed& c : w->constants()) {
    if (std::find(constants_.begin(), constants_.end(), c) == constants_.end()) constants_.push_back(c);
  }
  at->second = rows.result.number("time_us") * 1e-6;
  return at->second;
}

}  // namespace weft::scenarios::replay
