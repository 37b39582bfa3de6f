// A small cluster on which workloads run through router and engine, as in a scenario.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "sim/engine/engine.h"
#include "tests/support/fabrics.h"
#include "tests/support/recorded_program.h"

namespace weft::testing {

/// Keeps what a case observes.
class OutcomeKeeper final : public engine::TimelineSink {
 public:
  void started(OpId id, Seconds t) override { put(out.start, id, t); }
  void finished(OpId id, Seconds t) override { put(out.finish, id, t); }
  void first_rate(OpId id, std::uint32_t, BytesPerSecond r) override { rates_[id.value].push_back(r.value()); }

  workloads::Outcome take(Seconds makespan) {
    out.makespan = makespan;
    for (const auto& [id, list] : rates_) {
      double sum = 0, slowest = list.front();
      for (const double r : list) sum += r, slowest = std::min(slowest, r);
      put(out.first_rate, OpId(id), BytesPerSecond(sum));
      put(out.first_slowest, OpId(id), BytesPerSecond(slowest * static_cast<double>(list.size())));
    }
    return std::move(out);
  }

 private:
  template <class Q>
  static void put(std::vector<Q>& list, OpId id, Q v) {
    if (list.size() <= id.value) list.resize(id.value + 1);
    list[id.value] = v;
  }
  workloads::Outcome out;
  std::map<std::uint32_t, std::vector<double>> rates_;
};

/// Keeps nothing but what the summary says.
struct Unheard final : engine::TimelineSink {
  bool wants_operations() const override { return false; }
};

struct Ground {
  topology::Fabric fabric;
  topology::RoutingSpec routing;

  Ground(const std::string& topology, std::uint32_t nodes, const std::string& node = "h800",
         const std::string& transport = "ideal", const std::vector<std::string>& failed = {},
         topology::RoutingSpec spec = {})
      : fabric(make_fabric(topology, nodes, node, transport, failed)), routing(spec) {}

  explicit Ground(topology::Fabric f, topology::RoutingSpec spec = {}) : fabric(std::move(f)), routing(spec) {}

  workloads::ClusterView view(topology::Router& router) const {
    workloads::ClusterView v;
    v.placement = fabric.placement();
    v.pair = [this](std::string_view relation) { return pair(relation); };
    v.reachable = [&router](const Endpoint& a, const Endpoint& b) { return router.reachable(a, b); };
    v.nic_rate = fabric.node_spec().nic_rate.value;
    v.nvlink_rate = fabric.node_spec().nvlink_rate.value;
    v.nvlink_latency = fabric.node_spec().nvlink_latency.value;
    v.nvlink_store_latency = fabric.node_spec().nvlink_store_latency.value;
    v.storage_nic = fabric.node_spec().storage_nic_rate.value.value() > 0;
    v.attached_switch = [this](const Endpoint& e) { return fabric.switch_of_nic(fabric.vertex_of(e)).value; };
    if (fabric.has_storage()) {
      const topology::StorageSpec& s = fabric.storage_spec();
      v.storage = {fabric.storage_nodes(), s.nics, s.ssds, s.nic_rate.value, s.ssd_read.value, s.ssd_write.value, s.ssd_read_iops.value,
                   fabric.node_spec().storage_nic_rate.value};
    }
    v.play = [this](workloads::Program& program) { return makespan(program); };
    return v;
  }

  /// All rows of a workload.
  std::vector<Row> run(const std::string& json, std::uint64_t seed = 1) const {
    topology::Router asked(fabric, routing);
    std::vector<Row> rows;
    for (const workloads::Case& c : workload_from(json, seed)->cases(view(asked))) {
      std::vector<workloads::Outcome> outcomes;
      for (std::size_t trial = 0; trial < c.trials; ++trial) {
        topology::Router router(fabric, routing);
        engine::Options options;
        options.stop_after_first_rates = c.observe == workloads::Observe::first_rates;
        OutcomeKeeper keeper;
        Unheard nobody;
        const auto program = c.program(trial);
        const bool heard = c.observe != workloads::Observe::makespan;
        const engine::Summary s = engine::run(router, *program, options, heard ? static_cast<engine::TimelineSink&>(keeper) : nobody);
        outcomes.push_back(keeper.take(s.makespan));
        for (const workloads::Following& next : c.then) outcomes.back().then.push_back(makespan(*next.program(trial)));
      }
      Row row = c.labels;
      c.fill(outcomes, row);
      rows.push_back(row);
      for (Row& more : c.more_rows ? c.more_rows(outcomes) : std::vector<Row>()) rows.push_back(std::move(more));
    }
    return rows;
  }

  double number(const std::string& json, const std::string& column, std::uint64_t seed = 1) const {
    return run(json, seed).at(0).number(column);
  }

  Seconds makespan(workloads::Program& program, const engine::Options& options = {}) const {
    topology::Router router(fabric, routing);
    Unheard nobody;
    return engine::run(router, program, options, nobody).makespan;
  }

 private:
  std::optional<std::pair<Rank, Rank>> pair(std::string_view relation) const {
    const Placement p = fabric.placement();
    if (relation == "same_node") return std::pair(Rank(0), Rank(1));
    const std::uint32_t local = relation == "cross_rail" ? 1 : 0;
    const auto leaf = [&](std::uint32_t node, std::uint32_t l) {
      return fabric.switch_of_nic(fabric.vertex_of(nic(node, l)));
    };
    for (std::uint32_t node = 1; node < p.nodes(); ++node)
      if ((leaf(node, local) == leaf(0, 0)) == (relation == "same_leaf"))
        return std::pair(Rank(0), p.rank({NodeId(node), local}));
    return std::nullopt;
  }
};

inline const std::string mpft = R"({"kind": "mpft", "radix": 64, "planes": 8})";
inline const std::string mrft = R"({"kind": "mrft", "radix": 64})";

}  // namespace weft::testing
