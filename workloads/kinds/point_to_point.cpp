// One GPU sends to another: the simplest workload there is.
#include <fmt/format.h>

#include "workloads/basic_workload.h"
#include "workloads/static_program.h"

namespace weft::workloads {
namespace {

class PointToPoint final : public BasicWorkload {
 public:
  PointToPoint(const Parameters& p, std::int64_t from, std::int64_t to, std::vector<Bytes> sizes,
               models::CommunicationModel kernel)
      : BasicWorkload(p), from_(from), to_(to), sizes_(std::move(sizes)), kernel_(std::move(kernel)) {}

  std::vector<Case> cases(const ClusterView& cluster) const override {
    require_rank(cluster, from_, "/from");
    require_rank(cluster, to_, "/to");
    if (from_ == to_) throw UserError("/to", "a GPU cannot send to itself", "choose two different ranks");
    const Leg leg{gpu_end(cluster.placement.place(Rank(static_cast<std::uint32_t>(from_)))),
                  gpu_end(cluster.placement.place(Rank(static_cast<std::uint32_t>(to_)))), 1};
    if (!cluster.reachable(leg.from, leg.to))
      throw UserError("/to", fmt::format("there is no path from rank {} to rank {}", from_, to_),
                      "planes of an MPFT do not meet: choose two GPUs with the same index in their nodes");
    std::vector<Case> cases;
    for (const Bytes size : sizes_) cases.push_back(case_of(leg, size));
    return cases;
  }

 private:
  Case case_of(const Leg& leg, Bytes size) const {
    Case c;
    c.labels.set("from", from_).set("to", to_).set("size_B", bytes_cell(size));
    c.program = [leg, size, kernel = kernel_](std::size_t) {
      auto program = std::make_unique<StaticProgram>();
      StaticProgram::TransferOptions options;
      options.kernel = program->add_kernel(comm_kernel(kernel));
      options.extra_latency = kernel.start_up.value;
      program->add_transfer(size, std::span(&leg, 1), options);
      return program;
    };
    c.fill = [size](std::span<const Outcome> outcomes, Row& row) {
      const Seconds t = mean_makespan(outcomes);
      row.set("time_us", microseconds(t)).set("bandwidth_GBps", gigabytes_per_second(size / t));
    };
    return c;
  }

  std::int64_t from_, to_;
  std::vector<Bytes> sizes_;
  models::CommunicationModel kernel_;
};

}  // namespace

WorkloadKind point_to_point_kind() {
  WorkloadKind k;
  k.name = "point_to_point";
  k.title = "one GPU sends to another";
  k.summary = "A single transfer between two GPUs: over NVLink inside a node, else from NIC to NIC.";
  k.parameters = {
      {"from", "rank that sends (due)"},
      {"to", "rank that receives (due)"},
      {"sizes", "a size or a list of sizes (due)"},
      {"kernel", "communication kernel, by name or inline; default \"line_rate\", which has no limits of its own"}};
  k.columns = {{"from", "rank that sends"},
               {"to", "rank that receives"},
               {"size_B", "bytes sent"},
               {"time_us", "until the last byte has arrived"},
               {"bandwidth_GBps", "size over time"}};
  k.read = [](JsonReader& where, const WorkloadContext& context) -> std::unique_ptr<Workload> {
    Parameters p(where, context);
    const std::int64_t from = p.integer_due("from", 0), to = p.integer_due("to", 0);
    std::vector<Bytes> sizes = p.sizes("sizes", {});
    models::CommunicationModel kernel = p.kernel("kernel", "line_rate");
    return std::make_unique<PointToPoint>(p, from, to, std::move(sizes), std::move(kernel));
  };
  return k;
}

}  // namespace weft::workloads
