// A Router chooses links for a pair of endpoints: paths, their shares and their latency, with failures taken into account.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sim/core/json.h"
#include "topology/fabric.h"

namespace weft::topology {

enum class Policy : std::uint8_t { adaptive, ecmp, static_dmodk };
enum class PathChoice : std::uint8_t { minimal, valiant, ugal };

struct RoutingSpec {
  Policy policy = Policy::adaptive;
  PathChoice paths = PathChoice::minimal;
  std::uint32_t qps = 1;           ///< queue pairs per connection; ECMP hashes each one apart
  double ugal_minimal_share = 1;   ///< share on minimal paths when paths == ugal; due then in a scenario
  std::uint64_t seed = 0;
};

/// Reads {"policy": "adaptive" | "ecmp" | "static", "qps": 4, "paths": "minimal"}; "ugal" needs "ugal_minimal_share".
RoutingSpec read_routing_spec(JsonReader where);

/// A link and the bytes that cross it per payload byte of the flow (spray share times header overhead).
struct Hop {
  LinkId link;
  double share = 1;
};

/// One max-min flow out of those that carry a transfer: `share` of its bytes over interned pieces of path.
struct SubRoute {
  static constexpr std::size_t max_segments = 6;
  double share = 1;
  Seconds latency;                 ///< until the first byte arrives
  double mean_switches = 0;        ///< switches crossed, weighted over the spray
  std::uint32_t segment_count = 0;
  std::array<SegmentId, max_segments> segments{};
};

/// Finds the links of a transfer. Where there is no path it throws a UserError with the names of both ends and the reason; the
/// pointer is /cluster/topology or /cluster/failed.
class Router {
 public:
  Router(const Fabric& fabric, const RoutingSpec& spec);
  ~Router();
  const Fabric& fabric() const;
  const RoutingSpec& spec() const;

  /// Appends the sub-routes from one endpoint to another:
  /// gpu-gpu same node: NVLink (PCIe when there is none); gpu-gpu other node: PCIe, own NIC, network, NIC, PCIe;
  /// gpu-nic and nic-gpu same node: PCIe (through the host between PCIe switches); nic-nic: network only; host and
  /// storage_nic alike (over the network, host memory takes the NIC with the endpoint's `local`). Where there are storage nodes, everything to
  /// and from an ssd, a storage_host or a storage_nic takes their network: a GPU or host by way of its node's storage NIC, an SSD
  /// by NIC number `local` modulo the NICs of its node, the host memory of a storage node by NIC number `local`; when that NIC has
  /// failed, by the next of the node that has not. From or to a nic_switch: the way of that NIC without its own cable, with the latency
  /// of the whole way. An endpoint to itself: no
  /// segments, no latency. `flow_key` is all that ECMP's hash sees besides seed, QP and hop.
  /// adaptive: one sub-route, spread over all shortest paths (parallel cables count apart) with equal weight per path; with
  /// Valiant averaged over all intermediate switches with NICs, on a Dragonfly over at most 64 intermediate groups per pair of
  /// routers. ecmp: `qps` sub-routes of share 1/qps, one path each. static: one path, a function of the destination alone.
  /// A cable with one dead direction carries nothing. Throws UserError when there is no path.
  void route(const Endpoint& from, const Endpoint& to, std::uint64_t flow_key, std::vector<SubRoute>& out);
  /// False where route() would throw.
  bool reachable(const Endpoint& from, const Endpoint& to);

  std::span<const Hop> segment(SegmentId s) const;
  std::size_t segment_count() const;

  /// Mid-run changes. Routes handed out before stay as they are; ask again for new ones.
  void set_up(LinkId link, bool up);
  bool is_up(LinkId link) const;
  /// Capacity now: zero when down.
  BytesPerSecond capacity(LinkId link) const;
  void set_capacity(LinkId link, BytesPerSecond rate);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft::topology
