#include "workloads/moe/exchange.h"

#include <algorithm>
#include <numeric>

namespace weft::workloads::moe {

Seconds Exchange::mean_rank_time(std::span<const Seconds> finish, std::uint32_t ranks) const {
  std::vector<Seconds> last(ranks);
  for (std::size_t op = 0; op < ends.size(); ++op) {
    last[ends[op].one] = std::max(last[ends[op].one], finish[op]);
    for (std::uint32_t r = ends[op].first; r < ends[op].last; ++r) last[r] = std::max(last[r], finish[op]);
  }
  Seconds sum;
  for (const Seconds t : last) sum += t;
  return sum / ranks;
}

namespace {

/// Collects transfers; the legs are given for dispatch and turned round for combine.
class Builder {
 public:
  Builder(const RoutingTable& routing, Direction direction, Bytes per_message, const models::CommunicationModel& model,
          LatencyMode mode)
      : routing_(routing), direction_(direction), per_message_(per_message) {
    options_.kernel = out_.program.add_kernel(comm_kernel(model, per_message));
    options_.extra_latency = model.start_up.value;
    options_.latency_mode = mode;
  }

  void add(double messages, std::vector<Leg>& legs, Exchange::Ends ends, std::uint64_t flow_key) {
    if (direction_ == Direction::combine)
      for (Leg& leg : legs) std::swap(leg.from, leg.to);
    options_.flow_key = flow_key;
    options_.weight = messages / routing_.group.tokens;  // in proportion to the bytes
    out_.program.add_transfer(per_message_ * messages, legs, options_);
    out_.ends.push_back(ends);
  }

  Exchange finish(double over_nic, double over_nvlink, double merged = 0, bool alike = true) {
    if (alike && routing_.alike) declare_ranks();
    out_.merged = per_message_ * merged;
    out_.over_nic = per_message_ * over_nic;
    out_.over_nvlink = per_message_ * over_nvlink;
    return std::move(out_);
  }

 private:
  /// Whole nodes and local indices may change places; a transfer belongs to the rank whose tokens it moves.
  void declare_ranks() {
    const Placement ranks(routing_.group.nodes(), routing_.group.per_node);
    OwnedOperations owned{ranks, {whole_nodes(ranks), local_indices(ranks)}, {}};
    for (const Exchange::Ends& ends : out_.ends) owned.owner.push_back(ends.one);
    out_.program.declare(std::move(owned));
  }

  const RoutingTable& routing_;
  Direction direction_;
  Bytes per_message_;
  StaticProgram::TransferOptions options_;
  Exchange out_;
};

constexpr std::uint64_t pair_key(std::uint32_t a, std::uint32_t b) { return static_cast<std::uint64_t>(a) << 32 | b; }

/// From GPU (node, local) to node d and on to the ranks there, per message; returns the NVLink copies of that node.
double fan_out_legs(const RoutingTable& t, const Rails& rails, std::uint32_t rank, std::uint32_t d,
                    std::vector<Leg>& legs) {
  const std::uint32_t g = t.group.per_node, a = rank / g, local = rank % g;
  const double messages = t.message(rank, d);
  double copies = 0;
  for (const Rails::Share& way : rails.carriers(a, d, local)) {
    if (way.rail != local) legs.push_back({gpu_at(a, local), gpu_at(a, way.rail), way.share});
    legs.push_back({gpu_at(a, way.rail), gpu_at(d, way.rail), way.share});
    for (std::uint32_t q = 0; q < g; ++q) {
      const double copied = t.copy(rank, d * g + q);
      if (q == way.rail || copied == 0) continue;
      legs.push_back({gpu_at(d, way.rail), gpu_at(d, q), way.share * copied / messages});
      copies += way.share * copied;
    }
  }
  return copies;
}

/// From GPU (node, local) once to its switch, from there to every node that has an expert, and on to the ranks there, per token that leaves
/// the node; returns NVLink copies and messages.
std::pair<double, double> multicast_legs(const RoutingTable& t, std::uint32_t rank, std::vector<Leg>& legs) {
  const std::uint32_t g = t.group.per_node, a = rank / g, local = rank % g;
  const double sent = t.remote[rank];
  const Endpoint own_switch{Endpoint::Kind::nic_switch, NodeId(a), local};
  double copies = 0, messages = 0;
  legs.push_back({gpu_at(a, local), own_switch, 1});
  for (std::uint32_t d = 0; d < t.group.nodes(); ++d) {
    if (d == a || t.message(rank, d) == 0) continue;
    legs.push_back({own_switch, gpu_at(d, local), t.message(rank, d) / sent});
    messages += t.message(rank, d);
    for (std::uint32_t q = 0; q < g; ++q) {
      const double copied = t.copy(rank, d * g + q);
      if (q == local || copied == 0) continue;
      legs.push_back({gpu_at(d, local), gpu_at(d, q), copied / sent});
      copies += copied;
    }
  }
  return {copies, messages};
}

}  // namespace

Exchange normal_exchange(const RoutingTable& t, Direction direction, Bytes per_copy, const Rails* rails,
                         const models::CommunicationModel& model, const NormalOptions& options) {
  WEFT_CHECK(!options.in_network || !t.remote.empty(), "a multicast needs to know how many tokens leave their node");
  const std::uint32_t senders = options.senders == 0 ? t.group.ranks : std::min(options.senders, t.group.ranks);
  const std::uint32_t g = t.group.per_node;
  Builder builder(t, direction, per_copy, model, LatencyMode::wire);
  std::vector<Leg> legs;
  double over_nic = 0, over_nvlink = 0, merged = 0;
  for (std::uint32_t rank = 0; rank < senders; ++rank) {
    const std::uint32_t a = rank / g;
    for (std::uint32_t q = a * g; q < (a + 1) * g; ++q) {
      const double copies = t.copy(rank, q);
      if (q == rank || copies == 0) continue;
      legs.assign({{gpu_at(a, rank % g), gpu_at(a, q % g), 1}});
      builder.add(copies, legs, {rank, q, q + 1}, pair_key(rank, q));
      over_nvlink += copies;
    }
    if (options.in_network && t.remote[rank] > 0) {
      legs.clear();
      const auto [copies, messages] = multicast_legs(t, rank, legs);
      over_nvlink += copies, over_nic += messages, merged += t.remote[rank];
      builder.add(t.remote[rank], legs, {rank, 0, t.group.ranks}, pair_key(rank, t.group.ranks));
      continue;
    }
    for (std::uint32_t d = 0; d < t.group.nodes(); ++d) {
      if (d == a || t.message(rank, d) == 0) continue;
      legs.clear();
      over_nvlink += fan_out_legs(t, *rails, rank, d, legs);
      over_nic += t.message(rank, d);
      builder.add(t.message(rank, d), legs, {rank, d * g, (d + 1) * g}, pair_key(rank, d * g + rank % g));
    }
  }
  return builder.finish(over_nic, over_nvlink, merged, !options.in_network && senders == t.group.ranks);
}

namespace {

/// Between two nodes.
void low_latency_legs(std::uint32_t a, std::uint32_t i, std::uint32_t d, std::uint32_t j, NicChoice nic,
                      const Rails& rails, std::vector<Leg>& legs) {
  if (nic == NicChoice::own) {
    legs.assign({{gpu_at(a, i), gpu_at(d, j), 1}});
    return;
  }
  legs.clear();
  for (const Rails::Share& way : rails.carriers(a, d, j)) {
    legs.push_back({gpu_at(a, i), nic_at(a, way.rail), way.share});
    legs.push_back({nic_at(a, way.rail), gpu_at(d, way.rail), way.share});
    if (way.rail != j) legs.push_back({gpu_at(d, way.rail), gpu_at(d, j), way.share});
  }
}

}  // namespace

Exchange low_latency_exchange(const RoutingTable& t, Direction direction, Bytes per_selection, NicChoice nic,
                              const Rails* rails, const models::CommunicationModel& model) {
  const std::uint32_t g = t.group.per_node;
  Builder builder(t, direction, per_selection, model, LatencyMode::none);
  std::vector<Leg> legs;
  double over_nic = 0, over_nvlink = 0;
  for (std::uint32_t from = 0; from < t.group.ranks; ++from)
    for (std::uint32_t to = 0; to < t.group.ranks; ++to) {
      const double selections = t.selection(from, to);
      if (from == to || selections == 0) continue;
      const std::uint32_t a = from / g, i = from % g, d = to / g, j = to % g;
      if (a != d)
        low_latency_legs(a, i, d, j, nic, *rails, legs);
      else if (model.uses_nvlink)
        legs.assign({{gpu_at(a, i), gpu_at(a, j), 1}});
      else
        legs.assign(
            {{gpu_at(a, i), nic_at(a, i), 1}, {nic_at(a, i), nic_at(a, j), 1}, {nic_at(a, j), gpu_at(a, j), 1}});
      const bool by_nvlink = a == d && model.uses_nvlink;
      (by_nvlink ? over_nvlink : over_nic) += selections;
      builder.add(selections, legs, {from, to, to + 1}, pair_key(from, to));
    }
  return builder.finish(over_nic, over_nvlink);
}

}  // namespace weft::workloads::moe
