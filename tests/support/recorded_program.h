// What a program emits at time 0, kept: transfers with their legs, and the bytes that they bring to links' ends.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "workloads/program.h"
#include "workloads/workload.h"

namespace weft::testing {

struct RecordedTransfer {
  workloads::Transfer what;
  std::vector<workloads::Leg> legs;
  std::vector<OpId> after;
};

class RecordingSink final : public workloads::Sink {
 public:
  void transfer(const workloads::Transfer& t, std::span<const OpId> after) override {
    transfers.push_back({t, {t.legs.begin(), t.legs.end()}, {after.begin(), after.end()}});
    transfers.back().what.legs = {};
  }
  void compute(const workloads::Compute& c, std::span<const OpId>) override { computes.push_back(c); }
  void marker(OpId id, Seconds, std::span<const OpId>) override { markers.push_back(id); }

  std::vector<RecordedTransfer> transfers;
  std::vector<workloads::Compute> computes;
  std::vector<OpId> markers;
};

/// Bytes in and out of every GPU, apart for NVLink (within a node) and NIC (between nodes, counted at the NIC used).
struct Traffic {
  using Port = std::pair<std::uint32_t, std::uint32_t>;  // node, local index
  std::map<Port, double> nvlink_out, nvlink_in, nic_out, nic_in;
};

inline Traffic traffic_of(const RecordingSink& sink) {
  Traffic t;
  for (const RecordedTransfer& r : sink.transfers)
    for (const workloads::Leg& leg : r.legs) {
      const double bytes = r.what.bytes.value() * leg.share;
      const Traffic::Port from{leg.from.node.value, leg.from.local}, to{leg.to.node.value, leg.to.local};
      if (leg.from.node != leg.to.node)
        t.nic_out[from] += bytes, t.nic_in[to] += bytes;
      else if (leg.from.kind == Endpoint::Kind::gpu && leg.to.kind == Endpoint::Kind::gpu)
        t.nvlink_out[from] += bytes, t.nvlink_in[to] += bytes;
    }
  return t;
}

/// A cluster of the mind: every two ends have a path, unless a NIC is listed as lost.
inline workloads::ClusterView view_of(std::uint32_t nodes, std::vector<Place> lost = {},
                                      std::uint32_t nodes_per_leaf = 32) {
  workloads::ClusterView v;
  v.placement = Placement(nodes, 8);
  v.pair = [](std::string_view) { return std::optional(std::pair(Rank(0), Rank(8))); };
  v.reachable = [lost = std::move(lost)](const Endpoint& a, const Endpoint& b) {
    for (const Place& p : lost)
      if (p == Place{a.node, a.local} || p == Place{b.node, b.local}) return false;
    return true;
  };
  v.nic_rate = BytesPerSecond(50e9);
  v.nvlink_rate = BytesPerSecond(200e9);
  v.nvlink_latency = Seconds(3.33e-6);
  v.nvlink_store_latency = Seconds(1e-6);
  v.attached_switch = [nodes_per_leaf](const Endpoint& nic) { return nic.node.value / nodes_per_leaf * 8 + nic.local; };
  return v;
}

/// The times of kernels that a run without options has: from the shipped calibrations of the GPU, those that the workload names first.
inline std::shared_ptr<const models::CostModel> shipped_times(const models::Gpu& gpu, const models::KernelChoice& choice, const std::string& place) {
  const DataPlaces data = DataPlaces::standard();
  std::vector<std::string> names = choice.calibrations;
  for (const std::string& name : data.names("models/calibrations"))
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  std::vector<models::Calibration> all;
  for (const std::string& name : names) {
    models::Calibration c = models::read_calibration(name, data, place);
    if (gpu.goes_by(c.gpu)) all.push_back(std::move(c));
  }
  return std::make_shared<const models::CostModel>(gpu, std::move(all), choice.cost_model.value_or(models::Fidelity::measured), false, place);
}

/// Reads a workload as a scenario does; throws UserError with all problems.
inline std::unique_ptr<workloads::Workload> workload_from(const std::string& json, std::uint64_t seed = 1) {
  const DataPlaces data = DataPlaces::standard();
  const Json value = parse_json(json, "scenario.json");
  Problems problems;
  JsonReader where(value, "scenario.json", problems, "/workload/0");
  const std::string name = where.string("kind");
  std::unique_ptr<workloads::Workload> workload;
  for (const workloads::WorkloadKind& k : workloads::workload_kinds())
    if (k.name == name) workload = k.read(where, {&data, seed, shipped_times});
  if (!workload && problems.empty()) where.fail_at("kind", "unknown workload");
  where.done();
  problems.throw_if_any();
  return workload;
}

/// What the case's program (trial 0) emits.
inline RecordingSink record(const workloads::Case& c) {
  RecordingSink sink;
  c.program(0)->start(sink);
  return sink;
}

}  // namespace weft::testing
