// Every node sends to the node a fixed distance on, rail by rail: with a leaf's distance all traffic crosses the
// spines.
#include <algorithm>

#include <fmt/format.h>

#include "workloads/basic_workload.h"
#include "workloads/rails.h"
#include "workloads/static_program.h"

namespace weft::workloads {
namespace {

/// The smallest distance at which every NIC sends to another leaf; zero when there is none.
std::uint32_t all_cross_leaf_distance(const ClusterView& cluster, std::uint32_t nodes, std::uint32_t rails) {
  WEFT_CHECK(static_cast<bool>(cluster.attached_switch), "a shift across leaves needs to know the leaves");
  for (std::uint32_t by = 1; by < nodes; ++by) {
    bool all_cross = true;
    for (std::uint32_t a = 0; a < nodes && all_cross; ++a)
      for (std::uint32_t k = 0; k < rails && all_cross; ++k)
        all_cross = cluster.attached_switch(nic_at(a, k)) != cluster.attached_switch(nic_at((a + by) % nodes, k));
    if (all_cross) return by;
  }
  return 0;
}

class Shift final : public BasicWorkload {
 public:
  Shift(const Parameters& p, std::int64_t gpus, std::int64_t by, std::vector<Bytes> sizes, RailOptions rails,
        models::CommunicationModel kernel)
      : BasicWorkload(p),
        gpus_(gpus),
        by_(by),
        sizes_(std::move(sizes)),
        rails_(std::move(rails)),
        kernel_(std::move(kernel)) {}

  std::vector<Case> cases(const ClusterView& cluster) const override {
    const std::uint32_t per_node = cluster.placement.gpus_per_node();
    const std::int64_t gpus = gpus_ == 0 ? cluster.placement.ranks() : gpus_;
    require_gpus(cluster, gpus, "/gpus");
    const auto nodes = static_cast<std::uint32_t>(gpus) / per_node;
    if (nodes < 2) throw UserError("/gpus", "a shift needs two nodes", "ask for more GPUs");
    if (by_ >= nodes)
      throw UserError("/by", fmt::format("a shift by {} of {} nodes", by_, nodes), fmt::format("1 to {}", nodes - 1));
    const std::uint32_t by =
        by_ > 0 ? static_cast<std::uint32_t>(by_) : all_cross_leaf_distance(cluster, nodes, per_node);
    if (by == 0)
      throw UserError("/by", "no distance brings every node to another leaf",
                      "give the distance in nodes, or use more leaves");
    const auto rails = std::make_shared<const Rails>(cluster, nodes, per_node, rails_);
    std::vector<Case> cases;
    for (const Bytes size : sizes_) cases.push_back(case_of(nodes, per_node, by, rails, size));
    return cases;
  }

 private:
  Case case_of(std::uint32_t nodes, std::uint32_t per_node, std::uint32_t by, std::shared_ptr<const Rails> rails,
               Bytes size) const {
    Case c;
    c.labels.set("gpus", static_cast<std::int64_t>(nodes) * per_node).set("by_nodes", static_cast<std::int64_t>(by));
    c.labels.set("size_B", bytes_cell(size));
    c.program = [=, model = kernel_](std::size_t) {
      auto program = std::make_unique<StaticProgram>();
      StaticProgram::TransferOptions options;
      options.kernel = program->add_kernel(comm_kernel(model));
      options.extra_latency = model.start_up.value;
      // A node's transfers may change places with those of the node after it, and one round of nodes with another.
      const Placement ranks(nodes, per_node);
      OwnedOperations owned{ranks, {whole_nodes(ranks, false), node_cycles(ranks, by), local_indices(ranks)}, {}};
      std::vector<Leg> legs;
      for (std::uint32_t a = 0; a < nodes; ++a)
        for (std::uint32_t via = 0; via < per_node; ++via) {
          const std::uint32_t d = (a + by) % nodes;
          double load = 0;
          legs.clear();
          for (const Rails::Share& due : rails->carried(a, d, via)) load += due.share;
          if (load == 0) continue;
          legs.push_back({gpu_at(a, via), gpu_at(d, via), 1});
          for (const Rails::Share& due : rails->carried(a, d, via)) {
            if (due.rail == via) continue;
            legs.push_back({gpu_at(a, due.rail), gpu_at(a, via), due.share / load});
            legs.push_back({gpu_at(d, via), gpu_at(d, due.rail), due.share / load});
          }
          options.flow_key = static_cast<std::uint64_t>(a) * per_node + via;
          program->add_transfer(size * load, legs, options);
          owned.owner.push_back(ranks.rank({NodeId(a), via}).value);
        }
      program->declare(std::move(owned));
      return program;
    };
    c.fill = [size](std::span<const Outcome> outcomes, Row& row) {
      const Seconds t = mean_makespan(outcomes);
      row.set("time_us", microseconds(t)).set("rate_GBps", gigabytes_per_second(size / t));
    };
    return c;
  }

  std::int64_t gpus_, by_;
  std::vector<Bytes> sizes_;
  RailOptions rails_;
  models::CommunicationModel kernel_;
};

}  // namespace

WorkloadKind shift_kind() {
  WorkloadKind k;
  k.name = "shift";
  k.title = "shift by a leaf";
  k.summary =
      "GPU j of every node sends `sizes` to GPU j of the node `by` further on. By default the distance is the smallest "
      "at which all "
      "traffic crosses the spines, which is where a lost spine shows most.";
  k.parameters = {{"gpus", "number of GPUs, whole nodes; default: the whole cluster"},
                  {"by", "distance in nodes; default: the smallest that brings every NIC to another leaf"},
                  {"sizes", "bytes that one GPU sends: a size or a list; default \"1 GiB\""},
                  {"kernel", "communication kernel; default \"line_rate\", which has no limits of its own"}};
  for (ColumnDoc& d : rail_parameter_docs()) k.parameters.push_back(std::move(d));
  k.columns = {{"gpus", "GPUs that take part"},
               {"by_nodes", "distance in nodes"},
               {"size_B", "bytes that one GPU sends"},
               {"time_us", "until the last byte has arrived"},
               {"rate_GBps", "size over time", true}};
  k.read = [](JsonReader& where, const WorkloadContext& context) -> std::unique_ptr<Workload> {
    Parameters p(where, context);
    const std::int64_t gpus = p.integer("gpus", 0, 0), by = p.integer("by", 0, 0);
    std::vector<Bytes> sizes = p.sizes("sizes", {"1 GiB"});
    RailOptions rails = read_rail_options(p);
    models::CommunicationModel kernel = p.kernel("kernel", "line_rate");
    return std::make_unique<Shift>(p, gpus, by, std::move(sizes), std::move(rails), std::move(kernel));
  };
  return k;
}

}  // namespace weft::workloads
