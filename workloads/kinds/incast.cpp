// Many NICs send to one: what a queue that they share with other traffic does to that traffic, and what lanes do for a small flow.
#include <fmt/format.h>

#include "workloads/basic_workload.h"
#include "workloads/rails.h"
#include "workloads/static_program.h"

namespace weft::workloads {
namespace {

enum class Critical { none, same_lane, own_lane };

struct IncastParameters {
  std::uint32_t senders = 8;
  std::vector<std::string> queues;
  Critical critical = Critical::none;
  double lane_share = 0.5;

  std::uint32_t nodes() const { return 2 * senders + 1 + (critical == Critical::none ? 0 : 1); }
};

/// NIC 0 of node 0 receives from those of nodes 1 to k, which send to those of nodes k + 1 to 2 k as well; that of the last node sends the
/// critical flow to node 0. Operations: per sender one (shared queue) or incast and victim; the critical flow last.
std::unique_ptr<StaticProgram> program_of(const IncastParameters& in, bool shared) {
  auto program = std::make_unique<StaticProgram>();
  const std::uint32_t k = in.senders;
  StaticProgram::TransferOptions options;
  for (std::uint32_t s = 1; s <= k; ++s) {
    const Leg legs[] = {{nic_at(s, 0), nic_at(0, 0), 1}, {nic_at(s, 0), nic_at(k + s, 0), 1}};
    options.flow_key = s;
    // What stands in one queue leaves it in the order of arrival: both flows move together, at the pace of the slower.
    if (shared) program->add_transfer(Bytes(1 << 30), legs, options);
    else for (const Leg& leg : legs) program->add_transfer(Bytes(1 << 30), std::span(&leg, 1), options);
  }
  if (in.critical == Critical::none) return program;
  if (in.critical == Critical::own_lane) options.weight = in.lane_share / (1 - in.lane_share) * k;
  const Leg leg{nic_at(2 * k + 1, 0), nic_at(0, 0), 1};
  program->add_transfer(Bytes(1 << 30), std::span(&leg, 1), options);
  return program;
}

class Incast final : public BasicWorkload {
 public:
  Incast(const Parameters& p, IncastParameters in) : BasicWorkload(p), in_(std::move(in)) {}

  std::vector<Case> cases(const ClusterView& cluster) const override {
    if (cluster.placement.nodes() < in_.nodes())
      throw UserError("/senders", fmt::format("{} senders with other receivers of their own take {} nodes, the cluster has {}", in_.senders, in_.nodes(), cluster.placement.nodes()),
                      "use fewer senders or more nodes");
    std::vector<Case> cases;
    for (const std::string& queues : in_.queues) cases.push_back(case_of(queues));
    return cases;
  }

 private:
  Case case_of(const std::string& queues) const {
    const bool shared = queues == "shared";
    Case c;
    c.labels.set("queues", queues).set("senders", static_cast<std::int64_t>(in_.senders));
    c.observe = Observe::first_rates;
    c.program = [in = in_, shared](std::size_t) -> std::unique_ptr<Program> { return program_of(in, shared); };
    c.fill = [in = in_, shared](std::span<const Outcome> outcomes, Row& row) {
      const std::vector<BytesPerSecond>& rate = outcomes[0].first_rate;
      BytesPerSecond incast, victims;
      for (std::uint32_t s = 0; s < in.senders; ++s) {
        incast += rate[shared ? s : 2 * s];
        victims += rate[shared ? s : 2 * s + 1];
      }
      row.set("incast_GBps", gigabytes_per_second(incast) / in.senders).set("incast_total_GBps", gigabytes_per_second(incast));
      row.set("victim_GBps", gigabytes_per_second(victims) / in.senders);
      if (in.critical != Critical::none) row.set("critical_GBps", gigabytes_per_second(rate.back()));
    };
    return c;
  }

  IncastParameters in_;
};

}  // namespace

WorkloadKind incast_kind() {
  WorkloadKind k;
  k.name = "incast";
  k.title = "incast, and the flows behind it";
  k.summary =
      "NICs of `senders` nodes send to one NIC (as ranks with a popular expert are sent to) and each also to a NIC of its own that nobody else sends to, the victim. "
      "With one queue for each port of the switch that takes packets in (shared, as priority flow control leaves it) the packets of the victim wait behind those of the incast: both get what "
      "the incast gets. With a queue for each output or queue pair (voq) they share the sender's NIC alone. Rates are those of the first "
      "max-min allocation. Only the queue at the sender's own port is modelled, not those further on.";
  k.parameters = {{"senders", "NICs that send to the one; default 8"},
                  {"queues", "a word or a list: \"shared\", \"voq\"; default both"},
                  {"critical", "a small flow from another node to the same NIC: \"none\" (default), \"same_lane\" as the others, or in its \"own_lane\""},
                  {"lane_share", "part of a port that the lane of the critical flow gets while the other is busy, above 0 and below 1; default 0.5"}};
  k.columns = {{"queues", "shared or voq"},
               {"senders", "NICs that send to the one"},
               {"incast_GBps", "rate of a flow of the incast"},
               {"incast_total_GBps", "of all of them: what the receiver gets"},
               {"victim_GBps", "rate of a sender's other flow"},
               {"critical_GBps", "rate of the critical flow (shown where there is one)"}};
  k.read = [](JsonReader& where, const WorkloadContext& context) -> std::unique_ptr<Workload> {
    Parameters p(where, context);
    IncastParameters in;
    in.senders = static_cast<std::uint32_t>(p.integer("senders", 8, 1, 1000000));
    in.queues = p.words("queues", {"shared", "voq"}, {"shared", "voq"});
    const std::string critical = p.word("critical", {"none", "same_lane", "own_lane"}, "none");
    if (critical != "none") in.critical = critical == "same_lane" ? Critical::same_lane : Critical::own_lane;
    in.lane_share = where.number_or("lane_share", 0.5, 0.001, 0.999);
    if (in.critical == Critical::own_lane) p.remember("lane_share", fmt::format("{:g}", in.lane_share));
    else if (where.has("lane_share")) where.fail_at("lane_share", "has no effect without a lane", "set critical to \"own_lane\"");
    return std::make_unique<Incast>(p, std::move(in));
  };
  return k;
}

}  // namespace weft::workloads
