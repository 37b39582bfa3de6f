// NCCL's all-to-all: every GPU sends an equal part of its buffer to every other, with PXN along the rails.
#include <fmt/format.h>

#include "workloads/basic_workload.h"
#include "workloads/rails.h"

namespace weft::workloads {
namespace {

/// What one case needs; the program is emitted from it without being stored.
struct Job {
  std::uint32_t nodes, per_node;  ///< GPUs used of each node
  Bytes per_pair;                 ///< from one GPU to one other
  bool pxn;
  std::shared_ptr<const Rails> rails;
  models::CommunicationModel model;
};

class AllToAllProgram final : public Program {
 public:
  explicit AllToAllProgram(Job job) : job_(std::move(job)), kernels_{comm_kernel(job_.model)} {}
  std::span<const CommKernel> kernels() const override { return kernels_; }

  void start(Sink& sink) override {
    next_ = 0;
    for (std::uint32_t a = 0; a < job_.nodes; ++a) {
      emit_inside(a, sink);
      for (std::uint32_t d = 0; d < job_.nodes; ++d) {
        if (d == a) continue;
        if (job_.pxn)
          emit_with_pxn(a, d, sink);
        else
          emit_directly(a, d, sink);
      }
    }
  }

 private:
  /// `messages` between two GPUs as one transfer, which shares links as that many.
  void emit(double messages, Endpoint from, Endpoint to, Sink& sink) {
    Transfer t;
    t.id = OpId(next_++);
    t.bytes = job_.per_pair * messages;
    t.weight = messages;
    t.legs = legs_;
    t.kernel = KernelId(0);
    t.extra_latency = job_.model.start_up.value;
    const auto rank = [&](const Endpoint& e) {
      return static_cast<std::uint64_t>(e.node.value) * job_.per_node + e.local;
    };
    t.flow_key = rank(from) << 32 | rank(to);
    sink.transfer(t);
  }

  void emit_inside(std::uint32_t a, Sink& sink) {
    for (std::uint32_t i = 0; i < job_.per_node; ++i)
      for (std::uint32_t j = 0; j < job_.per_node; ++j) {
        if (i == j) continue;
        legs_.assign({{gpu_at(a, i), gpu_at(a, j), 1}});
        emit(1, gpu_at(a, i), gpu_at(a, j), sink);
      }
  }

  /// The GPUs of node a hand what is due at GPU (d, via) to their GPU `via`, whose NIC sends it in one message. Where
  /// a rail is lost, `via` carries a part of that rail's bytes too, which NVLink delivers on the far side.
  void emit_with_pxn(std::uint32_t a, std::uint32_t d, Sink& sink) {
    for (std::uint32_t via = 0; via < job_.per_node; ++via) {
      double load = 0;  // in units of what one rail is due
      for (const Rails::Share& due : job_.rails->carried(a, d, via)) load += due.share;
      if (load == 0) continue;
      legs_.clear();
      for (std::uint32_t i = 0; i < job_.per_node; ++i)
        if (i != via) legs_.push_back({gpu_at(a, i), gpu_at(a, via), 1.0 / job_.per_node});
      legs_.push_back({gpu_at(a, via), gpu_at(d, via), 1});
      for (const Rails::Share& due : job_.rails->carried(a, d, via))
        if (due.rail != via) legs_.push_back({gpu_at(d, via), gpu_at(d, due.rail), due.share / load});
      emit(job_.per_node * load, gpu_at(a, via), gpu_at(d, via), sink);
    }
  }

  void emit_directly(std::uint32_t a, std::uint32_t d, Sink& sink) {
    for (std::uint32_t i = 0; i < job_.per_node; ++i)
      for (std::uint32_t j = 0; j < job_.per_node; ++j) {
        legs_.assign({{gpu_at(a, i), gpu_at(d, j), 1}});
        emit(1, gpu_at(a, i), gpu_at(d, j), sink);
      }
  }

  Job job_;
  std::vector<CommKernel> kernels_;
  std::vector<Leg> legs_;
  std::uint32_t next_ = 0;
};

class AllToAll final : public BasicWorkload {
 public:
  AllToAll(const Parameters& p, std::vector<std::int64_t> gpus, std::vector<Bytes> sizes, bool pxn, RailOptions rails,
           models::CommunicationModel kernel)
      : BasicWorkload(p),
        gpus_(std::move(gpus)),
        sizes_(std::move(sizes)),
        pxn_(pxn),
        rails_(std::move(rails)),
        kernel_(std::move(kernel)) {}

  std::vector<Case> cases(const ClusterView& cluster) const override {
    std::vector<Case> cases;
    for (std::size_t g = 0; g < gpus_.size(); ++g) {
      const std::int64_t gpus = gpus_[g] != 0 ? gpus_[g] : cluster.placement.ranks();
      if (gpus < 2) throw UserError(fmt::format("/gpus/{}", g), fmt::format("an all-to-all needs 2 GPUs, got {}", gpus));
      require_gpus(cluster, gpus, fmt::format("/gpus/{}", g));
      Job job;
      job.per_node = std::min(static_cast<std::uint32_t>(gpus), cluster.placement.gpus_per_node());
      job.nodes = static_cast<std::uint32_t>(gpus) / job.per_node;
      job.pxn = pxn_;
      job.model = kernel_;
      if (job.nodes > 1 && pxn_) job.rails = std::make_shared<const Rails>(cluster, job.nodes, job.per_node, rails_);
      if (job.nodes > 1 && !pxn_) require_paths_across_rails(cluster, job);
      for (const Bytes size : sizes_) cases.push_back(case_of(job, size));
    }
    return cases;
  }

 private:
  static void require_paths_across_rails(const ClusterView& cluster, const Job& job) {
    if (job.per_node < 2 || cluster.reachable(gpu_at(0, 0), gpu_at(1, 1))) return;
    throw UserError(
        "/pxn",
        "GPU 0 of node 0 has no path to GPU 1 of node 1: a plane of an MPFT does not meet the others, so an "
        "all-to-all needs PXN to change planes inside the node",
        "set pxn to true");
  }

  Case case_of(Job job, Bytes size) const {
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
      "Every GPU sends size/gpus bytes to every other. With PXN a node's GPUs hand what goes to GPU j of another node "
      "to their own "
      "GPU j over NVLink, and NIC j sends it along its rail; without, each GPU's own NIC sends across rails. "
      "nccl-tests' conventions.";
  k.parameters = {{"gpus", "number of GPUs or a list; whole nodes, from node 0; default 0: the whole cluster"},
                  {"sizes", "send buffer of one GPU: a size or a list (due)"},
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
    const bool pxn = p.boolean("pxn", true);
    RailOptions rails = read_rail_options(p);
    models::CommunicationModel kernel = p.kernel("kernel", "nccl_all_to_all");
    return std::make_unique<AllToAll>(p, std::move(gpus), std::move(sizes), pxn, std::move(rails), std::move(kernel));
  };
  return k;
}

}  // namespace weft::workloads
