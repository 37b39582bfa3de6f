#include "workloads/rings.h"

#include <algorithm>

#include <fmt/format.h>

#include "workloads/basic_workload.h"
#include "workloads/ring_program.h"

namespace weft::workloads {
namespace {

struct RingParameters {
  std::vector<std::int64_t> gpus, tp;
  std::vector<Bytes> sizes;
  std::int64_t channels = 0, trials = 1;
  RailOptions rails;
  models::CommunicationModel kernel;
  SwitchReduction in_switches = SwitchReduction::none;
};

class Ring final : public BasicWorkload {
 public:
  Ring(const Parameters& p, RingCollective collective, RingParameters ring)
      : BasicWorkload(p), collective_(std::move(collective)), ring_(std::move(ring)) {}

  std::vector<Case> cases(const ClusterView& cluster) const override {
    std::vector<Case> cases;
    for (std::size_t g = 0; g < ring_.gpus.size(); ++g)
      for (std::size_t t = 0; t < ring_.tp.size(); ++t) {
        const RingJob job = job_of(cluster, g, t);
        for (const Bytes size : ring_.sizes) cases.push_back(case_of(job, size));
      }
    return cases;
  }

 private:
  RingJob job_of(const ClusterView& cluster, std::size_t g, std::size_t t) const {
    require_gpus(cluster, ring_.gpus[g], fmt::format("/gpus/{}", g));
    RingJob job;
    job.per_node = std::min(static_cast<std::uint32_t>(ring_.gpus[g]), cluster.placement.gpus_per_node());
    job.nodes = static_cast<std::uint32_t>(ring_.gpus[g]) / job.per_node;
    job.tp = static_cast<std::uint32_t>(ring_.tp[t]);
    if (job.tp > job.per_node || job.per_node % job.tp != 0)
      throw UserError(fmt::format("/tp/{}", t),
                      fmt::format("a node's {} GPUs do not divide into groups of {}", job.per_node, job.tp),
                      "choose a divisor of the GPUs of a node");
    if (job.group_size() < 2)
      throw UserError(fmt::format("/tp/{}", t), "a group would hold one GPU only", "use more nodes or a smaller tp");
    job.channels = ring_.channels == 0 ? job.members() : static_cast<std::uint32_t>(ring_.channels);
    job.passes = collective_.passes;
    job.model = ring_.kernel;
    if (job.nodes > 1) job.rails = std::make_shared<const Rails>(cluster, job.nodes, job.per_node, ring_.rails);
    if (ring_.in_switches != SwitchReduction::none) prepare_switches(cluster, job, fmt::format("/gpus/{}", g));
    return job;
  }

  void prepare_switches(const ClusterView& cluster, RingJob& job, const std::string& place) const {
    if (job.nodes < 2) throw UserError(place, "GPUs of one node reduce over NVLink; there is no network switch between them", "use more nodes");
    if (!job.rails->keep_apart()) throw UserError("/algorithm", "a rail is lost or carries more than its own, and switches add up along whole rails alone", "repair it, or use rings");
    if (job.channels != job.members())
      throw UserError("/channels", fmt::format("{} channels, and a reduction in switches uses each of the group's {} NICs a node once", job.channels, job.members()), "leave channels out");
    WEFT_CHECK(static_cast<bool>(cluster.attached_switch), "a reduction in switches needs to know the leaves");
    job.in_switches = ring_.in_switches;
    for (std::uint32_t k = 0; k < job.per_node; ++k)
      for (std::uint32_t a = 0; a < job.nodes; ++a) job.leaf_of.push_back(cluster.attached_switch(nic_at(a, k)));
  }

  Case case_of(const RingJob& job, Bytes size) const {
    Case c;
    c.labels.set("gpus", static_cast<std::int64_t>(job.nodes) * job.per_node)
        .set("tp", static_cast<std::int64_t>(job.tp));
    c.labels.set("size_B", bytes_cell(size));
    c.trials = static_cast<std::size_t>(ring_.trials);
    c.observe = Observe::op_times;
    c.program = [job, size](std::size_t trial) -> std::unique_ptr<Program> {
      return job.in_switches == SwitchReduction::none ? ring_program(job, size, trial) : switch_program(job, size, trial);
    };
    c.fill = [job, size](std::span<const Outcome> outcomes, Row& row) { fill(job, size, outcomes, row); };
    return c;
  }

  static void fill(const RingJob& job, Bytes size, std::span<const Outcome> outcomes, Row& row) {
    double group_algbw = 0;
    for (const Outcome& o : outcomes)
      for (std::uint32_t group = 0; group < job.tp; ++group) {
        const auto first = o.finish.begin() + group * job.channels;
        group_algbw += (size / *std::max_element(first, first + job.channels)).value();
      }
    const Seconds t = mean_makespan(outcomes);
    const double n = job.group_size();
    row.set("time_us", microseconds(t)).set("algbw_GBps", gigabytes_per_second(size / t));
    row.set("busbw_GBps", gigabytes_per_second(size / t * (job.passes * (n - 1) / n)));
    row.set("group_algbw_GBps", group_algbw * 1e-9 / (job.tp * static_cast<double>(outcomes.size())));
  }

  RingCollective collective_;
  RingParameters ring_;
};

std::vector<ColumnDoc> parameter_docs(const RingCollective& collective) {
  std::vector<ColumnDoc> docs = {
      {"gpus", "number of GPUs or a list (due); whole nodes, from node 0"},
      {"sizes", collective.size_means + ": a size or a list (due)"},
      {"tp",
       "tensor-parallel size or a list; default 1. The collective runs in tp groups at once, each with every tp-th GPU "
       "of a node"},
      {"channels", "rings of a group; default: one for each of its GPUs (NICs) in a node"},
      {"trials", "runs with other connection numbers, averaged (they matter to ECMP only); default 1"},
      {"kernel", "communication kernel; default \"nccl_ring\""}};
  if (collective.passes == 2)
    docs.push_back({"algorithm",
                    "\"ring\" (default); \"switches\": NICs send to their leaf, the switches add up and send the sum back (as SHARP does), GPUs of a node "
                    "having reduced over NVLink first; \"switches_pulled\": the same where GPUs fetch the sums and hand them out again (as NVLS does), which "
                    "moves (n + 1) / n as much, n nodes"});
  for (ColumnDoc& d : rail_parameter_docs()) docs.push_back(std::move(d));
  return docs;
}

}  // namespace

WorkloadKind ring_kind(const RingCollective& collective) {
  WorkloadKind k;
  k.name = collective.name;
  k.title = collective.title;
  k.summary =
      "Rings over all nodes in node order, each leaving a node by a NIC of its own and turning over NVLink inside; "
      "latency of NCCL's "
      "Simple protocol step by step. nccl-tests' conventions.";
  k.parameters = parameter_docs(collective);
  k.columns = {{"gpus", "GPUs that take part, all groups together"},
               {"tp", "number of groups at once"},
               {"size_B", collective.size_means},
               {"time_us", "until the slowest group has finished (mean over trials)"},
               {"algbw_GBps", "size over time"},
               {"busbw_GBps", collective.passes == 2 ? "algbw times 2 (n - 1) / n, n GPUs a group"
                                                     : "algbw times (n - 1) / n, n GPUs a group"},
               {"group_algbw_GBps", "size over a group's own time, mean over groups and trials"}};
  k.read = [collective](JsonReader& where, const WorkloadContext& context) -> std::unique_ptr<Workload> {
    Parameters p(where, context);
    RingParameters r;
    r.gpus = p.integers("gpus", {}, 2);
    r.sizes = p.sizes("sizes", {});
    r.tp = p.integers("tp", {1}, 1);
    r.channels = p.integer("channels", 0, 0, 64);
    r.trials = p.integer("trials", 1, 1, 100000);
    r.rails = read_rail_options(p);
    r.kernel = p.kernel("kernel", "nccl_ring");
    // Read only where it stands, so that results without it do not show it.
    if (collective.passes == 2 && where.has("algorithm")) {
      const std::string word = p.word("algorithm", {"ring", "switches", "switches_pulled"}, "ring");
      if (word != "ring") r.in_switches = word == "switches" ? SwitchReduction::pushed : SwitchReduction::pulled;
    }
    return std::make_unique<Ring>(p, collective, std::move(r));
  };
  return k;
}

}  // namespace weft::workloads
