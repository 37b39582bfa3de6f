#include "workloads/moe/normal_kernel.h"

#include <fmt/format.h>

#include "workloads/basic_workload.h"
#include "workloads/moe/moe_parameters.h"

namespace weft::workloads::moe {
namespace {

const MoeDefaults defaults{4096, 256, "sampled", false};

struct NormalParameters {
  MoeParameters moe;
  Direction direction = Direction::dispatch;
  bool fp8 = true;
  RailOptions rails;
  NormalOptions options;
  models::CommunicationModel internode, intranode;
};

/// One case: the routing's means and the program.
struct Prepared {
  Exchange exchange;
  double mean_nodes = 1, mean_ranks = 1;
  Bytes logical_nic, logical_nvlink;  ///< DeepEP's convention, of a mean rank
  std::uint32_t ranks = 1, senders = 1;
  bool internode = false, in_network = false;
};

void fill(const Prepared& p, const Outcome& o, Row& row) {
  const Seconds t = o.makespan;
  const auto rate = [&](Bytes b) { return gigabytes_per_second(b / t); };
  row.set("mean_nodes", p.mean_nodes).set("mean_ranks", p.mean_ranks).set("time_us", microseconds(t));
  row.set("mean_rank_time_us", microseconds(p.exchange.mean_rank_time(o.finish, p.ranks)));
  if (p.internode)
    row.set("rdma_logical_GBps", rate(p.logical_nic)).set("rdma_physical_GBps", rate((p.in_network ? p.exchange.merged : p.exchange.over_nic) / p.senders));
  row.set("nvl_logical_GBps", rate(p.logical_nvlink)).set("nvl_physical_GBps", rate(p.exchange.over_nvlink / p.senders));
}

class NormalKernel final : public BasicWorkload {
 public:
  NormalKernel(const Parameters& p, NormalParameters n) : BasicWorkload(p), n_(std::move(n)) {}

  std::vector<Case> cases(const ClusterView& cluster) const override {
    std::vector<Case> cases;
    for (std::size_t i = 0; i < n_.moe.ep.size(); ++i) cases.push_back(case_of(prepare(cluster, i)));
    return cases;
  }

 private:
  Bytes copy() const { return n_.fp8 ? fp8_copy(n_.moe.hidden) : bf16_copy(n_.moe.hidden); }

  std::shared_ptr<const Prepared> prepare(const ClusterView& cluster, std::size_t i) const {
    const RoutingTable routing = routing_for(n_.moe, i, cluster);
    auto p = std::make_shared<Prepared>();
    p->ranks = routing.group.ranks;
    p->senders = n_.options.senders == 0 ? p->ranks : n_.options.senders;
    if (p->senders > p->ranks)
      throw UserError("/senders", fmt::format("{} of {} ranks that take part", p->senders, p->ranks), "at most all of them can have tokens");
    p->internode = routing.group.nodes() > 1;
    p->in_network = n_.options.in_network;
    if (p->in_network && !p->internode)
      throw UserError(fmt::format("/ep/{}", i), fmt::format("{} ranks are in one node, and no network switch is between them", p->ranks), "set in_network to false, or ask for more ranks");
    p->mean_nodes = routing.mean_nodes();
    p->mean_ranks = routing.mean_ranks();
    p->logical_nic = copy() * (static_cast<double>(n_.moe.tokens) * p->mean_nodes);
    p->logical_nvlink = copy() * (static_cast<double>(n_.moe.tokens) * p->mean_ranks);
    std::optional<Rails> rails;
    if (p->internode) rails.emplace(cluster, routing.group.nodes(), routing.group.per_node, n_.rails);
    if (n_.options.in_network && rails && !rails->keep_apart())
      throw UserError("/in_network", "a rail is lost or carries more than its own, and switches copy along whole rails alone", "repair it, or set in_network to false");
    p->exchange = normal_exchange(routing, n_.direction, copy(), rails ? &*rails : nullptr,
                                  p->internode ? n_.internode : n_.intranode, n_.options);
    return p;
  }

  Case case_of(std::shared_ptr<const Prepared> prepared) const {
    Case c;
    c.labels.set("ep", static_cast<std::int64_t>(prepared->ranks))
        .set("tokens", n_.moe.tokens)
        .set("copy_B", bytes_cell(copy()));
    if (n_.fp8) c.labels.set("wire_copy_B", bytes_cell(fp8_copy_on_wire(n_.moe.hidden, n_.moe.topk)));
    c.observe = Observe::op_times;
    c.program = [prepared](std::size_t) { return std::make_unique<StaticProgram>(prepared->exchange.program); };
    c.fill = [prepared](std::span<const Outcome> outcomes, Row& row) { fill(*prepared, outcomes.front(), row); };
    return c;
  }

  NormalParameters n_;
};

std::vector<ColumnDoc> column_docs(Direction direction) {
  std::vector<ColumnDoc> docs = {{"ep", "ranks that take part"},
                                 {"tokens", "tokens of each rank"},
                                 {"copy_B", "bytes of one token's copy, as counted in the bandwidths"}};
  if (direction == Direction::dispatch)
    docs.push_back({"wire_copy_B", "the same with source, expert indices and weights (FP8 only)"});
  for (const ColumnDoc& d : std::vector<ColumnDoc>{
           {"mean_nodes", "distinct nodes of a token, its own included", true},
           {"mean_ranks", "distinct ranks of a token, its own included", true},
           {"time_us", "until the slowest rank has finished"},
           {"mean_rank_time_us", "until a rank's own transfers have finished, mean over ranks", true},
           {"rdma_logical_GBps",
            "DeepEP's number: copies to distinct nodes, own node included, over time (between nodes only)"},
           {"rdma_physical_GBps", "what a NIC sends: copies to other nodes over time (between nodes only)", true},
           {"nvl_logical_GBps", "DeepEP's number: copies to distinct ranks over time", true},
           {"nvl_physical_GBps", "what NVLink brings a GPU: copies that did not arrive by its own NIC, over time",
            true}})
    docs.push_back(d);
  return docs;
}

std::vector<ColumnDoc> parameter_docs(Direction direction) {
  std::vector<ColumnDoc> docs = moe_parameter_docs(defaults);
  if (direction == Direction::dispatch)
    docs.push_back(
        {"dispatch_dtype", "\"fp8\" (default; a byte an element and a 4-byte scale for every 128) or \"bf16\""});
  docs.push_back({"kernel", "communication kernel between nodes; default \"deepep_normal\""});
  docs.push_back(
      {"intranode_kernel", "communication kernel when one node holds all ranks; default \"deepep_intranode\""});
  docs.push_back({"in_network",
                  direction == Direction::dispatch
                      ? "true: switches make the copies for several nodes, so that a token crosses its own NIC once, which rdma_physical_GBps then counts (what others receive stays); default false"
                      : "true: switches add up what several nodes return, so that a token crosses its own NIC once, which rdma_physical_GBps then counts (what others send stays); default false"});
  docs.push_back({"senders", "ranks that have tokens, from rank 0 on; default 0: all"});
  for (ColumnDoc& d : rail_parameter_docs()) docs.push_back(std::move(d));
  return docs;
}

}  // namespace

WorkloadKind normal_kernel_kind(Direction direction) {
  const bool dispatch = direction == Direction::dispatch;
  WorkloadKind k;
  k.name = dispatch ? "deepep_dispatch" : "deepep_combine";
  k.title = dispatch ? "DeepEP dispatch, normal kernel" : "DeepEP combine, normal kernel";
  k.summary = dispatch ? "Every token goes once to each node of its experts (RDMA to the GPU of the same local index) "
                         "and from there over NVLink to "
                         "the experts' ranks. Routing is drawn from a seeded gate."
                       : "Dispatch backwards: the experts' ranks send partial results over NVLink to the GPU that "
                         "received the token, which returns "
                         "one sum per node over RDMA. Routing is drawn from the same seeded gate as dispatch's.";
  k.parameters = parameter_docs(direction);
  k.columns = column_docs(direction);
  k.read = [direction, dispatch](JsonReader& where, const WorkloadContext& context) -> std::unique_ptr<Workload> {
    Parameters p(where, context);
    NormalParameters n;
    n.moe = read_moe_parameters(p, defaults);
    n.direction = direction;
    n.fp8 = dispatch && p.word("dispatch_dtype", {"fp8", "bf16"}, "fp8") == "fp8";
    if (n.fp8) require_fp8_hidden(p, n.moe.hidden);
    n.internode = p.kernel("kernel", "deepep_normal");
    n.intranode = p.kernel("intranode_kernel", "deepep_intranode");
    n.rails = read_rail_options(p);
    // Read only where they stand, so that results without them do not show them.
    if (where.has("in_network")) n.options.in_network = p.boolean("in_network", false);
    if (where.has("senders")) n.options.senders = static_cast<std::uint32_t>(p.integer("senders", 0, 0, 1u << 24));
    return std::make_unique<NormalKernel>(p, std::move(n));
  };
  return k;
}

}  // namespace weft::workloads::moe
