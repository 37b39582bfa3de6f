#include "scenarios/failures/failure_streams.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include <fmt/format.h>

namespace weft::scenarios {
namespace {

using models::FailedPart;
using workloads::failures::Effect;
using workloads::failures::FailureStream;

/// Less than this is the latency of other paths.
constexpr double kUnnoticed = 1.0001;

/// What a fault "of the network" may be: any cable or switch, each alike probable.
constexpr std::array kSpread = {FailedPart::nic_link, FailedPart::link, FailedPart::leaf, FailedPart::spine, FailedPart::core};

/// Builds the streams of one cluster; each kind of part is played once.
class Streams {
 public:
  Streams(const Cluster& cluster, const StreamsQuestion& question) : cluster_(cluster), q_(question), parts_(network_parts(cluster)) {}

  std::vector<FailureStream> all() {
    for (const models::FailureRates& rates : q_.rates) {
      for (const models::FailureCause& cause : rates.causes) {
        if (cause.part == FailedPart::network) spread(cause);
        else add(cause.name, cause.part, rate_of(cause));
      }
    }
    return std::move(streams_);
  }

 private:
  double count(FailedPart part) const {
    for (const NetworkParts& p : parts_) {
      if (p.part == part) return static_cast<double>(p.count());
    }
    const double nodes = static_cast<double>(cluster_.nodes()), gpus = nodes * cluster_.node().gpus;
    if (part == FailedPart::gpu || part == FailedPart::hbm || part == FailedPart::silent) return gpus;
    if (part == FailedPart::node || part == FailedPart::software) return nodes;
    if (part == FailedPart::flap) return count(FailedPart::nic_link) + count(FailedPart::link);
    if (part == FailedPart::network) {
      double all = 0;
      for (const FailedPart p : kSpread) all += count(p);
      return all;
    }
    return 0;
  }

  double rate_of(const models::FailureCause& cause) const {
    const double nodes = static_cast<double>(cluster_.nodes());
    double rate = models::per_hour(cause, {nodes * cluster_.node().gpus, nodes, count(cause.part)});
    for (const std::string& name : {cause.name, models::to_text(cause.part)}) {
      if (const auto at = q_.scale.find(name); at != q_.scale.end()) rate *= at->second;
      if (cause.name == models::to_text(cause.part)) break;   // one key, one factor
    }
    return rate;
  }

  /// Any cable or switch: each alike probable.
  void spread(const models::FailureCause& cause) {
    const double total = count(FailedPart::network);
    for (const FailedPart part : kSpread) {
      if (count(part) > 0) add(fmt::format("{}: {}", cause.name, models::to_text(part)), part, rate_of(cause) * count(part) / total);
    }
  }

  void add(std::string name, FailedPart part, double per_hour) {
    if (per_hour <= 0) return;
    // A stream's draws, and a result's rows, go by the name.
    if (std::any_of(streams_.begin(), streams_.end(), [&](const FailureStream& known) { return known.cause == name; })) {
      throw UserError("/rates", fmt::format("two causes are called \"{}\"", name), "give each its own name: they would fail at the same moments");
    }
    FailureStream s;
    s.cause = std::move(name);
    s.part = part;
    s.per_hour = per_hour;
    s.detection = (models::in_network(part) || part == FailedPart::flap ? q_.recovery.network_detection : q_.recovery.detection).value;
    s.repair = q_.recovery.repair_of(part);
    if (part == FailedPart::silent) s.effect = Effect::corrupt;
    if (part == FailedPart::flap) s.effect = Effect::flap;
    using enum FailedPart;
    if (part == gpu || part == hbm || part == node || part == silent) s.nodes_lost = 1;
    if (models::in_network(part)) lose_network(s);
    streams_.push_back(std::move(s));
  }

  void lose_network(FailureStream& s) {
    if (count(s.part) == 0) {
      throw UserError("/rates", fmt::format("\"{}\": the cluster has no {}", s.cause, models::to_text(s.part)), "leave the cause out, or set its \"scale\" to 0");
    }
    if (!q_.by_topology) {
      s.nodes_lost = s.part == FailedPart::nic ? 1 : 0;
      return;
    }
    const NetworkLoss& loss = loss_of(s.part);
    if (!loss.survives()) {
      s.nodes_lost = loss.job_lost ? std::numeric_limits<double>::infinity() : static_cast<double>(loss.nodes_cut);
      return;
    }
    if (!loss.why_not.empty()) {
      throw UserError("/network", fmt::format("what the loss of a {} costs cannot be played: {}", models::to_text(s.part), loss.why_not),
                      "with \"network\": \"stops\" nothing is played; \"traffic\" says what is");
    }
    s.effect = Effect::slow;
    s.switch_over = (loss.nodes_slowed > 0 ? q_.recovery.rail_switch_over : q_.recovery.switch_over).value;
    const double slower = (q_.shift ? loss.shift : loss.uniform).value_or(1);
    if (slower > kUnnoticed) s.slowdown = 1 + q_.communication_share * (slower - 1);
  }

  const NetworkLoss& loss_of(FailedPart part) {
    if (const auto known = losses_.find(part); known != losses_.end()) return known->second;
    if (!played_) played_.emplace(cluster_, q_.data, PlayedTraffic{!q_.shift, q_.shift});
    for (const NetworkParts& p : parts_) {
      if (p.part != part) continue;
      const std::vector<std::size_t> one = p.working(cluster_.fabric(), 1);
      return losses_.emplace(part, played_->without(p.names[one.empty() ? 0 : one.front()], q_.on_lost_nic)).first->second;
    }
    WEFT_CHECK(false, "a part that is not there was asked for");
    return losses_[part];
  }

  const Cluster& cluster_;
  const StreamsQuestion& q_;
  std::vector<NetworkParts> parts_;
  std::optional<NetworkLosses> played_;
  std::map<FailedPart, NetworkLoss> losses_;
  std::vector<FailureStream> streams_;
};

}  // namespace

std::vector<FailureStream> failure_streams(const Cluster& cluster, const StreamsQuestion& question) { return Streams(cluster, question).all(); }

}  // namespace weft::scenarios
