// A small message between two GPUs: how long until it has arrived.
#include <fmt/format.h>

#include "workloads/basic_workload.h"
#include "workloads/static_program.h"

namespace weft::workloads {
namespace {

const std::vector<std::string> relations = {"same_node", "same_leaf", "cross_leaf", "cross_rail", "farthest", "cross_plane"};

class Ping final : public BasicWorkload {
 public:
  Ping(const Parameters& p, Bytes size, std::vector<std::string> pairs, bool asked)
      : BasicWorkload(p), size_(size), pairs_(std::move(pairs)), asked_(asked) {}

  std::vector<Case> cases(const ClusterView& cluster) const override {
    std::vector<Case> cases;
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      if (pairs_[i] == "cross_plane") {
        cases.push_back(forwarded_case(cluster, fmt::format("/pairs/{}", i)));
        continue;
      }
      const auto pair = cluster.pair(pairs_[i]);
      const std::string place = fmt::format("/pairs/{}", i);
      if (!pair && !asked_) continue;
      if (!pair)
        throw UserError(place, fmt::format("this cluster has no two GPUs that are \"{}\"", pairs_[i]),
                        "leave this pair out");
      const Leg leg{gpu_end(cluster.placement.place(pair->first)), gpu_end(cluster.placement.place(pair->second)), 1};
      if (!cluster.reachable(leg.from, leg.to))
        throw UserError(place, fmt::format("there is no path between GPUs that are \"{}\"", pairs_[i]),
                        "planes of an MPFT do not meet: leave this pair out");
      cases.push_back(case_of(pairs_[i], leg, cluster.nvlink_latency));
    }
    if (cases.empty()) throw UserError("/pairs", "this cluster has no two GPUs to send between", "name a pair, or use more nodes");
    return cases;
  }

 private:
  /// From a GPU whose own NIC has no way to the receiver's: over NVLink to its neighbour, whose NIC is on the receiver's rail on another leaf.
  Case forwarded_case(const ClusterView& cluster, const std::string& place) const {
    const auto pair = cluster.pair("cross_leaf");
    const std::uint32_t gpus = cluster.placement.gpus_per_node();
    if (!pair || gpus < 2) throw UserError(place, "this cluster has no two GPUs of different local index whose NICs are on different leaves", "use more nodes");
    const Place by = cluster.placement.place(pair->first), to = cluster.placement.place(pair->second);
    const Leg inside{gpu_end({by.node, (by.local + 1) % gpus}), gpu_end(by), 1}, outside{gpu_end(by), gpu_end(to), 1};
    if (!cluster.reachable(inside.from, inside.to) || !cluster.reachable(outside.from, outside.to))
      throw UserError(place, "there is no path by way of the neighbour's NIC", "leave this pair out");
    Case c;
    c.labels.set("pair", std::string("cross_plane")).set("size_B", bytes_cell(size_));
    c.program = [inside, outside, size = size_, latency = cluster.nvlink_latency](std::size_t) {
      auto program = std::make_unique<StaticProgram>();
      StaticProgram::TransferOptions by_nvlink;   // as the CPU sees it, like the pair same_node
      by_nvlink.latency_mode = LatencyMode::none;
      by_nvlink.extra_latency = latency;
      const OpId forwarded = program->add_transfer(size, std::span(&inside, 1), by_nvlink);
      program->add_transfer(size, std::span(&outside, 1), {}, std::span(&forwarded, 1));
      return program;
    };
    c.fill = [](std::span<const Outcome> outcomes, Row& row) { row.set("latency_us", microseconds(mean_makespan(outcomes))); };
    return c;
  }

  Case case_of(const std::string& relation, const Leg& leg, Seconds nvlink_latency) const {
    Case c;
    c.labels.set("pair", relation).set("size_B", bytes_cell(size_));
    c.program = [leg, size = size_, inside = relation == "same_node", nvlink_latency](std::size_t) {
      auto program = std::make_unique<StaticProgram>();
      StaticProgram::TransferOptions options;
      if (inside) {  // seen from the CPU, as between nodes
        options.latency_mode = LatencyMode::none;
        options.extra_latency = nvlink_latency;
      }
      program->add_transfer(size, std::span(&leg, 1), options);
      return program;
    };
    c.fill = [](std::span<const Outcome> outcomes, Row& row) {
      row.set("latency_us", microseconds(mean_makespan(outcomes)));
    };
    return c;
  }

  Bytes size_;
  std::vector<std::string> pairs_;
  bool asked_;   // pairs that the user named must exist; of the default ones those are taken that do
};

}  // namespace

WorkloadKind ping_kind() {
  WorkloadKind k;
  k.name = "ping";
  k.title = "latency of a small message";
  k.summary =
      "One message between two otherwise idle GPUs, end to end as the CPU sees it (Table 5 of arXiv:2505.09343).";
  k.parameters = {{"size", "bytes of the message; default \"64 B\""},
                  {"pairs",
                   "which GPUs, one or a list of \"same_node\" (NVLink), \"same_leaf\", \"cross_leaf\", "
                   "\"cross_rail\", \"farthest\", \"cross_plane\" (cross_leaf from a GPU of another plane, which forwards over NVLink first); "
                   "default [\"same_leaf\", \"cross_leaf\"], as far as the cluster has them"}};
  k.columns = {{"pair", "how the two GPUs' NICs lie to each other"},
               {"size_B", "bytes of the message"},
               {"latency_us", "from posting the message until it has arrived"}};
  k.read = [](JsonReader& where, const WorkloadContext& context) -> std::unique_ptr<Workload> {
    Parameters p(where, context);
    const Bytes size = p.size("size", "64 B");
    const bool asked = where.has("pairs");
    std::vector<std::string> pairs = p.words("pairs", relations, {"same_leaf", "cross_leaf"});
    return std::make_unique<Ping>(p, size, std::move(pairs), asked);
  };
  return k;
}

}  // namespace weft::workloads
