// DeepEP's low-latency kernels, for decoding: every (token, expert) selection is sent by itself.
#include <fmt/format.h>

#include "workloads/basic_workload.h"
#include "workloads/moe/exchange.h"
#include "workloads/moe/moe_parameters.h"

namespace weft::workloads {
namespace {

using namespace moe;

// Balanced counts by default, because the three constants of the kernel were fitted with them; the spread of sampled
// counts is partly inside these constants already.
const MoeDefaults defaults{128, 288, "expected", true};

struct LowLatencyParameters {
  MoeParameters moe;
  std::vector<std::string> directions;
  NicChoice nic = NicChoice::destination_rail;
  RailOptions rails;
  models::CommunicationModel model;
};

class LowLatency final : public BasicWorkload {
 public:
  LowLatency(const Parameters& p, LowLatencyParameters l) : BasicWorkload(p), l_(std::move(l)) {}

  std::vector<Case> cases(const ClusterView& cluster) const override {
    std::vector<Case> cases;
    for (std::size_t i = 0; i < l_.moe.ep.size(); ++i) {
      const RoutingTable routing = routing_for(l_.moe, i, cluster);
      std::optional<Rails> rails;
      const bool across = routing.group.per_node > 1;
      if (routing.group.nodes() > 1) {
        rails.emplace(cluster, routing.group.nodes(), routing.group.per_node, l_.rails);
        if (l_.nic == NicChoice::own && across && !cluster.reachable(gpu_at(0, 0), gpu_at(1, 1)))
          throw UserError(
              "/nic", "GPU 0 of node 0 has no path by its own NIC to GPU 1 of node 1: planes of an MPFT do not meet",
              "set nic to \"destination_rail\"");
      }
      if (!l_.model.uses_nvlink && across && !cluster.reachable(nic_at(0, 0), nic_at(0, 1)))
        throw UserError("/kernel",
                        "this kernel takes the NICs inside a node too, but NIC 0 of node 0 has no path to its NIC 1",
                        "planes of an MPFT do not meet: use a kernel with NVLink, or another topology");
      for (const std::string& direction : l_.directions)
        cases.push_back(case_of(routing, direction, rails ? &*rails : nullptr));
    }
    return cases;
  }

 private:
  Case case_of(const RoutingTable& routing, const std::string& name, const Rails* rails) const {
    const Direction direction = name == "dispatch" ? Direction::dispatch : Direction::combine;
    const Bytes each =
        direction == Direction::dispatch ? fp8_copy(l_.moe.hidden) + Bytes(16) : bf16_copy(l_.moe.hidden);
    const auto exchange =
        std::make_shared<const Exchange>(low_latency_exchange(routing, direction, each, l_.nic, rails, l_.model));
    const std::uint32_t ranks = routing.group.ranks;
    const Bytes volume = each * static_cast<double>(l_.moe.tokens * l_.moe.topk - l_.moe.masked);
    Case c;
    c.labels.set("ep", static_cast<std::int64_t>(ranks)).set("direction", name).set("tokens", l_.moe.tokens);
    c.labels.set("message_B", bytes_cell(each));
    c.observe = Observe::op_times;
    c.program = [exchange](std::size_t) { return std::make_unique<StaticProgram>(exchange->program); };
    c.fill = [exchange, ranks, volume](std::span<const Outcome> outcomes, Row& row) {
      const Outcome& o = outcomes.front();
      row.set("time_us", microseconds(o.makespan))
          .set("mean_rank_time_us", microseconds(exchange->mean_rank_time(o.finish, ranks)));
      row.set("bandwidth_GBps", gigabytes_per_second(volume / o.makespan));
      row.set("sent_MB", volume.value() * 1e-6).set("over_nic_MB", exchange->over_nic.value() / ranks * 1e-6);
      row.set("over_nvlink_MB", exchange->over_nvlink.value() / ranks * 1e-6);
    };
    return c;
  }

  LowLatencyParameters l_;
};

}  // namespace

WorkloadKind deepep_low_latency_kind() {
  WorkloadKind k;
  k.name = "deepep_low_latency";
  k.title = "DeepEP low-latency kernels";
  k.summary =
      "Every (token, expert) selection is a message of its own, over NVLink inside a node and over RDMA between nodes; "
      "the kernel's "
      "start-up holds the wire's latency.";
  k.parameters = moe_parameter_docs(defaults);
  k.parameters.push_back({"directions", "\"dispatch\", \"combine\" or both (default)"});
  k.parameters.push_back({"nic",
                          "\"destination_rail\" (default): over PCIe to the node's NIC on the destination's rail, as "
                          "planes that do not meet "
                          "demand; \"own\": the GPU's own NIC, across rails"});
  k.parameters.push_back({"kernel", "communication kernel; default \"deepep_low_latency\""});
  for (ColumnDoc& d : rail_parameter_docs()) k.parameters.push_back(std::move(d));
  k.columns = {{"ep", "ranks that take part"},
               {"direction", "dispatch or combine"},
               {"tokens", "tokens of each rank"},
               {"message_B", "bytes of one selection"},
               {"time_us", "until the slowest rank has finished"},
               {"mean_rank_time_us", "until a rank's own transfers have finished, mean over ranks", true},
               {"bandwidth_GBps", "DeepEP's number: all selections of a rank, own rank included, over time"},
               {"sent_MB", "all selections of a rank, own rank included", true},
               {"over_nic_MB", "of these over NICs, mean over ranks", true},
               {"over_nvlink_MB", "of these over NVLink, mean over ranks", true}};
  k.read = [](JsonReader& where, const WorkloadContext& context) -> std::unique_ptr<Workload> {
    Parameters p(where, context);
    LowLatencyParameters l;
    l.moe = read_moe_parameters(p, defaults);
    require_fp8_hidden(p, l.moe.hidden);
    l.directions = p.words("directions", {"dispatch", "combine"}, {"dispatch", "combine"});
    if (p.word("nic", {"destination_rail", "own"}, "destination_rail") == "own") l.nic = NicChoice::own;
    l.model = p.kernel("kernel", "deepep_low_latency", true);
    l.rails = read_rail_options(p);
    return std::make_unique<LowLatency>(p, std::move(l));
  };
  return k;
}

}  // namespace weft::workloads
