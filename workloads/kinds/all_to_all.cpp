// NCCL's all-to-all: every GPU sends an equal part of its buffer to every other, with PXN along the rails.
#include <fmt/format.h>

#include "workloads/all_to_all_symmetry.h"
#include "workloads/basic_workload.h"

namespace weft::workloads {
namespace {

/// What a NIC sends at once: with PXN the messages of a node's GPUs to one other GPU go together.
Bytes message(const AllToAllJob& job) { return job.pxn ? job.per_pair * static_cast<double>(job.per_node) : job.per_pair; }

class AllToAllProgram final : public Program {
 public:
  explicit AllToAllProgram(AllToAllJob job) : job_(std::move(job)), kernels_{comm_kernel(job_.model, message(job_))} {}
  std::span<const CommKernel> kernels() const override { return kernels_; }
  void start(Sink& sink) override { sink.transfers(std::make_shared<AllToAllTransfers>(job_), OpId(0)); }
  std::shared_ptr<Symmetry> symmetry() override {
    if (job_.rails && !job_.rails->keep_apart()) return nullptr;
    return std::make_shared<AllToAllSymmetry>(job_);
  }

 private:
  AllToAllJob job_;
  std::vector<CommKernel> kernels_;
};

class AllToAll final : public BasicWorkload {
 public:
  AllToAll(const Parameters& p, std::vector<std::int64_t> gpus, std::vector<Bytes> sizes, bool per_pair, bool pxn,
           RailOptions rails, models::CommunicationModel kernel)
      : BasicWorkload(p),
        gpus_(std::move(gpus)),
        sizes_(std::move(sizes)),
        per_pair_(per_pair),
        pxn_(pxn),
        rails_(std::move(rails)),
        kernel_(std::move(kernel)) {}

  std::vector<Case> cases(const ClusterView& cluster) const override {
    std::vector<Case> cases;
    for (std::size_t g = 0; g < gpus_.size(); ++g) {
      const std::int64_t gpus = gpus_[g] != 0 ? gpus_[g] : cluster.placement.ranks();
      if (gpus < 2) throw UserError(fmt::format("/gpus/{}", g), fmt::format("an all-to-all needs 2 GPUs, got {}", gpus));
      require_gpus(cluster, gpus, fmt::format("/gpus/{}", g));
      AllToAllJob job;
      job.per_node = std::min(static_cast<std::uint32_t>(gpus), cluster.placement.gpus_per_node());
      job.nodes = static_cast<std::uint32_t>(gpus) / job.per_node;
      job.pxn = pxn_;
      require_ids(job, fmt::format("/gpus/{}", g));
      job.model = kernel_;
      if (job.nodes > 1 && pxn_) job.rails = std::make_shared<const Rails>(cluster, job.nodes, job.per_node, rails_);
      if (job.nodes > 1 && !pxn_) require_paths_across_rails(cluster, job);
      for (const Bytes size : sizes_)
        cases.push_back(case_of(job, per_pair_ ? size * static_cast<double>(gpus) : size));
    }
    return cases;
  }

 private:
  static void require_ids(const AllToAllJob& job, const std::string& place) {
    constexpr std::uint64_t most = std::uint64_t{1} << 31;
    const std::uint64_t transfers = all_to_all_transfers(job.nodes, job.per_node, job.pxn);
    if (transfers >= most)
      throw UserError(place, fmt::format("{} transfers, weft numbers at most {}", transfers, most - 1), "ask for fewer GPUs");
  }

  static void require_paths_across_rails(const ClusterView& cluster, const AllToAllJob& job) {
    if (job.per_node < 2 || cluster.reachable(gpu_at(0, 0), gpu_at(1, 1))) return;
    throw UserError(
        "/pxn",
        "GPU 0 of node 0 has no path to GPU 1 of node 1: a plane of an MPFT does not meet the others, so an "
        "all-to-all needs PXN to change planes inside the node",
        "set pxn to true");
  }

  Case case_of(AllToAllJob job, Bytes size) const {
    const double n = static_cast<double>(job.nodes) * job.per_node;
    job.per_pair = size / n;
    Case c;
    c.labels.set("gpus", static_cast<std::int64_t>(n)).set("size_B", bytes_cell(size)).set("pxn", pxn_);
    c.program = [job](std::size_t) { return std::make_unique<AllToAllProgram>(job); };
    c.fill = [size, n](std::span<const Outcome> outcomes, Row& row) {
      const Seconds t = mean_makespan(outcomes);
      const BytesPerSecond algbw = size / t;
      row.set("time_us", microseconds(t)).set("algbw_GBps", gigabytes_per_second(algbw));
      row.set("busbw_GBps", gigabytes_per_second(algbw * ((n - 1) / n)));
    };
    return c;
  }

  std::vector<std::int64_t> gpus_;
  std::vector<Bytes> sizes_;
  bool per_pair_;  ///< sizes_ are bytes from one GPU to one other, not send buffers
  bool pxn_;
  RailOptions rails_;
  models::CommunicationModel kernel_;
};

}  // namespace

WorkloadKind all_to_all_kind() {
  WorkloadKind k;
  k.name = "all_to_all";
  k.title = "NCCL all-to-all";
  k.summary =
      "Every GPU sends size/gpus bytes (or a size for each pair) to every other. With PXN a node's GPUs hand what goes to GPU j of another node "
      "to their own "
      "GPU j over NVLink, and NIC j sends it along its rail; without, each GPU's own NIC sends across rails. "
      "nccl-tests' conventions.";
  k.parameters = {{"gpus", "number of GPUs or a list; whole nodes, from node 0; default 0: the whole cluster"},
                  {"sizes", "a size or a list, what they are says size_of (due)"},
                  {"size_of", "\"buffer\" (default): the send buffer of one GPU; \"pair\": what it sends to each other"},
                  {"pxn", "true (default) or false"},
                  {"kernel", "communication kernel; default \"nccl_all_to_all\""}};
  for (ColumnDoc& d : rail_parameter_docs()) k.parameters.push_back(std::move(d));
  k.columns = {{"gpus", "GPUs that take part"},
               {"size_B", "send buffer of one GPU (nccl-tests' size)"},
               {"pxn", "whether GPUs of the destination's rail send for their neighbours"},
               {"time_us", "until the last byte has arrived"},
               {"algbw_GBps", "size over time", true},
               {"busbw_GBps", "algbw times (gpus - 1) / gpus"}};
  k.read = [](JsonReader& where, const WorkloadContext& context) -> std::unique_ptr<Workload> {
    Parameters p(where, context);
    std::vector<std::int64_t> gpus = p.integers("gpus", {0}, 0);
    std::vector<Bytes> sizes = p.sizes("sizes", {});
    const bool per_pair = p.word("size_of", {"buffer", "pair"}, "buffer") == "pair";
    const bool pxn = p.boolean("pxn", true);
    RailOptions rails = read_rail_options(p);
    models::CommunicationModel kernel = p.kernel("kernel", "nccl_all_to_all", true);
    return std::make_unique<AllToAll>(p, std::move(gpus), std::move(sizes), per_pair, pxn, std::move(rails), std::move(kernel));
  };
  return k;
}

}  // namespace weft::workloads
