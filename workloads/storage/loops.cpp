#include "workloads/storage/loops.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "sim/core/random.h"

namespace weft::workloads::storage {
namespace {

/// Which chain and replica a request goes to: a function of client and number.
class Choice {
 public:
  Choice(const LoopPlan& plan, const Access& access, std::shared_ptr<const ChainTable> table)
      : plan_(plan), seed_(access.seed), table_(std::move(table)), layout_(*table_, access.stripe, access.seed) {}

  std::span<const Target> chain(std::uint32_t client, std::uint32_t k) const {
    if (plan_.striped && client < plan_.clients) return table_->chain(layout_.chain_of(client, k));
    Draws draws(seed_, "storage chunk", client, k);
    return table_->chain(static_cast<std::uint32_t>(draws.below(table_->size())));
  }
  const Target& replica(std::span<const Target> chain, std::uint32_t client, std::uint32_t k) const {
    // Another replica of each chain in each round over the file.
    if (!plan_.drawn_replicas) return chain[(client + k % layout_.stripe() + k / layout_.stripe()) % chain.size()];
    Draws draws(seed_, "storage replica", client, k);
    return chain[draws.below(chain.size())];
  }

 private:
  LoopPlan plan_;
  std::uint64_t seed_;
  std::shared_ptr<const ChainTable> table_;
  FileLayout layout_;
};

/// How fast one request alone can move.
BytesPerSecond alone(const LoopPlan& plan, const StorageView& s, const Access& a) {
  const BytesPerSecond wire = std::min(s.client_rate, s.nic_rate), nic = std::min(wire, a.kernel.nic_limit(wire).value_or(wire));
  return std::min(nic, plan.writes ? s.ssd_write : s.ssd_read);
}

constexpr double kMostRequests = 20e6;

/// Throws UserError when there are too many: in floating point, since what users can ask for goes beyond any whole number.
void require_few(double requests, const LoopPlan& plan) {
  if (requests <= kMostRequests) return;
  throw UserError("/" + plan.count_key,
                  fmt::format("{:.0f} requests of all clients together, those in the background too, are too many to simulate", requests),
                  fmt::format("{:.0f} are allowed: use fewer of each client, or fewer clients", kMostRequests));
}

/// Background readers' loops: long enough for the clients' own at the tightest limit, and half as long again.
void add_background(const LoopPlan& plan, const ClusterView& cluster, const Access& access, LoopShape& shape) {
  if (plan.background_clients == 0) return;
  const double bytes = plan.size.value() * plan.requests * plan.clients;
  const double seconds = 1.5 * bytes / tightest(loop_limits(plan, cluster, access)).rate.value();
  const double wanted = std::max<double>(plan.in_flight, std::ceil(plan.background_rate.value() * seconds / plan.size.value()));
  require_few(wanted * plan.background_clients, plan);
  const auto requests = static_cast<std::uint32_t>(wanted);
  for (std::uint32_t c = 0; c < plan.background_clients; ++c)
    shape.clients.push_back({plan.clients + c, plan.in_flight, requests, plan.background_rate / plan.in_flight});
}

}  // namespace

std::vector<Limit> loop_limits(const LoopPlan& plan, const ClusterView& cluster, const Access& access) {
  std::vector<Limit> limits =
      plan.writes ? write_limits(cluster.storage, access, plan.clients) : read_limits(cluster.storage, access, plan.clients);
  const Seconds one = access.latency + plan.size / alone(plan, cluster.storage, access);  // Little's law: no request can be quicker
  limits.push_back({"requests in flight", plan.size * (double(plan.clients) * plan.in_flight) / one});
  return limits;
}

Loop loop_of(const LoopPlan& plan, const ClusterView& cluster, const Access& access, ChainTable made) {
  Loop loop;
  loop.table = std::make_shared<const ChainTable>(std::move(made));
  loop.shape.size = plan.size;
  loop.shape.latency = access.latency;
  loop.shape.kernel = access.kernel;
  loop.shape.name = plan.name;
  loop.shape.ranks_per_node = cluster.placement.gpus_per_node();
  for (std::uint32_t c = 0; c < plan.clients; ++c) loop.shape.clients.push_back({c, plan.in_flight, plan.requests, {}});
  add_background(plan, cluster, access, loop.shape);
  double requests = 0;
  for (const LoopClient& c : loop.shape.clients) requests += c.requests;
  require_few(requests, plan);
  loop.run.observe = Observe::op_times;
  loop.run.program = [plan, shape = loop.shape, storage = cluster.storage,
                      choice = Choice(plan, access, loop.table)](std::size_t) -> std::unique_ptr<Program> {
    return std::make_unique<ClosedLoop>(
        shape, [plan, storage, choice, nodes = shape.clients](std::uint32_t client, std::uint32_t k, Request& out) {
          const Endpoint end = client_end(nodes[client].node);
          const auto chain = choice.chain(client, k);
          if (plan.writes)
            chain_write_legs(end, chain, storage, out.legs);
          else
            out.legs.push_back(read_leg(choice.replica(chain, client, k), end));
          out.flow_key = hash_with(client, k);
        });
  };
  return loop;
}

void fill_rates(const SteadyRate& steady, const std::vector<Limit>& limits, std::uint32_t clients, std::uint32_t storage_nodes, Row& row) {
  row.set("rate_TiBps", tib_per_second(steady.rate)).set("per_client_GiBps", gib_per_second(steady.rate) / clients);
  row.set("per_storage_node_GiBps", gib_per_second(steady.rate) / storage_nodes);
  const char* const use[] = {"client_nic_use_pct", "storage_nic_use_pct", "ssd_use_pct"};
  for (std::size_t i = 0; i < 3; ++i) row.set(use[i], 100 * (steady.rate / limits[i].rate));
  row.set("limit_TiBps", tib_per_second(tightest(limits).rate)).set("bound_by", bound_by(limits, steady.rate));
  row.set("request_ms", steady.mean_time.value() * 1e3).set("p99_request_ms", steady.p99_time.value() * 1e3);
}

std::vector<ColumnDoc> rate_columns() {
  return {
      {"rate_TiBps", "all clients together, once requests are steadily in flight"},
      {"per_client_GiBps", "of each client, mean"},
      {"per_storage_node_GiBps", "rate over the number of storage nodes"},
      {"client_nic_use_pct", "of what the clients' storage NICs can carry (with what RDMA reaches of them)", true},
      {"storage_nic_use_pct", "of what the storage nodes' NICs can carry; a write goes into one for every replica", true},
      {"ssd_use_pct", "of what the SSDs can give or take", true},
      {"limit_TiBps", "what the tightest of these, and of requests in flight, would allow if the load were even at all times"},
      {"bound_by", "that limit's name; \"switches\" where the rate stays a quarter below all of them"},
      {"request_ms", "time of a request, mean", true},
      {"p99_request_ms", "time that 99 of 100 requests take at most", true}};
}

std::vector<ColumnDoc> loop_docs(const std::string& what) {
  return {{"in_flight", what + " that a client has in flight; default 32, the default of 3FS's storage client (max_concurrent_requests)"}};
}

}  // namespace weft::workloads::storage
