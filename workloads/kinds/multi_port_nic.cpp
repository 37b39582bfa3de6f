// NICs with several ports, each in a network of its own: what a connection gets that is pinned to a port, or sprayed over all of them.
#include <algorithm>

#include <fmt/format.h>

#include "sim/core/random.h"
#include "workloads/basic_workload.h"
#include "workloads/rails.h"
#include "workloads/static_program.h"

namespace weft::workloads {
namespace {

/// The connections of all NICs, one each, with the ports that carry them; a connection without a port is lost.
struct Connections {
  std::uint32_t nodes = 2, by = 1, ports = 1;
  std::vector<std::vector<std::uint32_t>> carriers;   ///< by sender

  std::uint32_t receiver(std::uint32_t a) const { return (a + by) % nodes; }
  std::int64_t lost() const { return std::count_if(carriers.begin(), carriers.end(), [](const auto& c) { return c.empty(); }); }
};

std::unique_ptr<StaticProgram> program_of(const Connections& all, std::size_t trial) {
  auto program = std::make_unique<StaticProgram>();
  StaticProgram::TransferOptions options;
  for (std::uint32_t a = 0; a < all.nodes; ++a) {
    for (const std::uint32_t port : all.carriers[a]) {
      const Leg leg{nic_at(a, port), nic_at(all.receiver(a), port), 1};
      options.flow_key = hash_with(hash_with(mix64(trial), a), port);
      program->add_transfer(Bytes(1 << 30), std::span(&leg, 1), options);
    }
  }
  return program;
}

void fill(const Connections& all, BytesPerSecond port_rate, std::span<const Outcome> outcomes, Row& row) {
  double sum = 0, least = 0;
  for (const Outcome& o : outcomes) {
    double worst = all.ports;
    std::size_t op = 0;
    for (const auto& carriers : all.carriers) {
      double rate = 0;
      for (std::size_t i = 0; i < carriers.size(); ++i) rate += o.first_rate[op++] / port_rate;
      sum += rate, worst = std::min(worst, rate);
    }
    least += worst;
  }
  const double trials = static_cast<double>(outcomes.size()), mean = sum / (trials * all.nodes), min = least / trials;
  row.set("lost_connections", all.lost());
  row.set("mean_rate_GBps", gigabytes_per_second(port_rate * mean)).set("min_rate_GBps", gigabytes_per_second(port_rate * min));
  row.set("mean_share", mean / all.ports).set("min_share", min / all.ports);
}

class MultiPortNic final : public BasicWorkload {
 public:
  MultiPortNic(const Parameters& p, std::vector<std::string> uses, std::int64_t by, std::int64_t trials)
      : BasicWorkload(p), uses_(std::move(uses)), by_(by), trials_(trials) {}

  std::vector<Case> cases(const ClusterView& cluster) const override {
    Connections all;
    all.nodes = cluster.placement.nodes();
    all.ports = cluster.placement.gpus_per_node();
    if (all.nodes < 2) throw UserError("/cluster/nodes", "a connection needs two NICs, and there is one node only", "give the cluster more nodes");
    all.by = by_ == 0 ? all.nodes / 2 : static_cast<std::uint32_t>(by_);
    if (by_ >= all.nodes) throw UserError("/by", fmt::format("a distance of {} among {} NICs", by_, all.nodes), fmt::format("1 to {}", all.nodes - 1));
    std::vector<Case> cases;
    for (const std::string& use : uses_) cases.push_back(case_of(cluster, all, use));
    return cases;
  }

 private:
  Case case_of(const ClusterView& cluster, Connections all, const std::string& use) const {
    const bool sprayed = use == "sprayed";
    for (std::uint32_t a = 0; a < all.nodes; ++a) {
      std::vector<std::uint32_t>& carriers = all.carriers.emplace_back();
      for (std::uint32_t port = 0; port < all.ports; ++port) {
        const bool chosen = sprayed || port == a % all.ports;
        if (chosen && cluster.reachable(nic_at(a, port), nic_at(all.receiver(a), port))) carriers.push_back(port);
      }
    }
    if (all.lost() == all.nodes) throw UserError("/cluster/failed", "no connection has a path", "repair a port");
    Case c;
    c.labels.set("use", use).set("ports", static_cast<std::int64_t>(all.ports)).set("connections", static_cast<std::int64_t>(all.nodes));
    c.trials = static_cast<std::size_t>(trials_);
    c.observe = Observe::first_rates;
    c.program = [all](std::size_t trial) -> std::unique_ptr<Program> { return program_of(all, trial); };
    c.fill = [all, rate = cluster.nic_rate](std::span<const Outcome> outcomes, Row& row) { fill(all, rate, outcomes, row); };
    return c;
  }

  std::vector<std::string> uses_;
  std::int64_t by_, trials_;
};

}  // namespace

WorkloadKind multi_port_nic_kind() {
  WorkloadKind k;
  k.name = "multi_port_nic";
  k.title = "NICs with several ports";
  k.summary =
      "Each node stands for one NIC, and the node's NICs for its ports (a node of four NICs at 100 Gb/s is a NIC of 400 Gb/s with four ports; "
      "planes of an MPFT are where they lead). Every NIC has one connection to the NIC `by` further on: pinned to a port, as a queue pair is today, or "
      "sprayed over all ports that have a path, which takes a NIC that puts packets back in order (arXiv:2505.09343 section 5.1, Figure 4). Rates are "
      "those of the first max-min allocation; the ports of a sprayed connection share nothing and add up.";
  k.parameters = {{"use", "a word or a list: \"pinned\" (connection of NIC a on port a modulo the ports), \"sprayed\"; default both"},
                  {"by", "distance of sender and receiver in NICs; default 0: half of all NICs"},
                  {"trials", "runs with other ECMP hashes, averaged; default 1"}};
  k.columns = {{"use", "pinned or sprayed"},
               {"ports", "ports of a NIC"},
               {"connections", "one for each NIC"},
               {"lost_connections", "connections that have no path left"},
               {"mean_rate_GBps", "rate of a connection, mean; a lost one has none"},
               {"min_rate_GBps", "rate of the slowest connection, mean over trials"},
               {"mean_share", "mean rate over that of a NIC with all its ports"},
               {"min_share", "the slowest connection's"}};
  k.read = [](JsonReader& where, const WorkloadContext& context) -> std::unique_ptr<Workload> {
    Parameters p(where, context);
    std::vector<std::string> uses = p.words("use", {"pinned", "sprayed"}, {"pinned", "sprayed"});
    const std::int64_t by = p.integer("by", 0, 0), trials = p.integer("trials", 1, 1, 100000);
    return std::make_unique<MultiPortNic>(p, std::move(uses), by, trials);
  };
  return k;
}

}  // namespace weft::workloads
