#include "sim/analysis/bound.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "sim/analysis/bound_walk.h"
#include "sim/core/error.h"

namespace weft::analysis {
namespace {

using topology::CableClass;
using topology::Hop;
using topology::SubRoute;

/// What all transfers put on segments, kernel by kernel, and how long one takes at least.
class Load {
 public:
  Load(topology::Router& router, std::span<const workloads::CommKernel> kernels)
      : router_(router), kernels_(kernels), efficiency_(router.fabric().transport().wire_efficiency()), by_kernel_(kernels.size() + 1) {}

  double add(const workloads::Transfer& t);
  double busiest_link() const;

 private:
  struct OnSegment {
    double bytes = 0;
    double slowest = -1;   // seconds per byte on its narrowest hop; negative until asked for
  };
  /// Latency and time on the narrowest hop of one sub-flow.
  struct Part {
    double latency = 0, time = 0;
  };

  /// One leg between GPUs of a node: few different ones, each used by many transfers.
  struct InNode {
    SubRoute route;
    bool single = false;   // one route, as it mostly is
  };

  const InNode& in_node(const workloads::Leg& leg);
  void add_route(const workloads::Transfer& t, const SubRoute& route, double share, Part& part);
  OnSegment& on(KernelId kernel, SegmentId segment);
  double slowest_hop(KernelId kernel, SegmentId segment) const;
  /// The kernel's own rate on this link; infinite when it has none.
  double kernel_rate(std::size_t kernel, LinkId link) const;
  double payload(const Hop& hop) const;

  topology::Router& router_;
  std::span<const workloads::CommKernel> kernels_;
  double efficiency_;
  std::vector<std::vector<OnSegment>> by_kernel_;   // kernel + 1; by segment
  std::vector<std::vector<InNode>> in_node_;        // by node; by (from, to)
  std::vector<std::vector<std::uint8_t>> asked_;
  std::vector<SubRoute> routes_;
  std::vector<Part> parts_;
};

double Load::kernel_rate(std::size_t kernel, LinkId link) const {
  const auto none = BytesPerSecond(std::numeric_limits<double>::infinity());
  switch (router_.fabric().link(link).cable) {
    case CableClass::endpoint: return kernels_[kernel].nic_rate.value_or(none).value();
    case CableClass::nvlink: return kernels_[kernel].nvlink_rate.value_or(none).value();
    case CableClass::pcie:
    case CableClass::long_haul:
    case CableClass::local: break;
  }
  return none.value();
}

// Kernels count payload; hops of network cables count headers too.
double Load::payload(const Hop& hop) const {
  const bool network = router_.fabric().link(hop.link).cable == CableClass::endpoint;
  return network ? hop.share * efficiency_ : hop.share;
}

double Load::slowest_hop(KernelId kernel, SegmentId segment) const {
  double slowest = 0;
  for (const Hop& hop : router_.segment(segment)) {
    slowest = std::max(slowest, hop.share / router_.capacity(hop.link).value());
    if (kernel.valid()) slowest = std::max(slowest, payload(hop) / kernel_rate(kernel.value, hop.link));
  }
  return slowest;
}

Load::OnSegment& Load::on(KernelId kernel, SegmentId segment) {
  WEFT_CHECK(!kernel.valid() || kernel.value < kernels_.size(), "a transfer names a kernel that its program does not list");
  auto& table = by_kernel_[kernel.valid() ? kernel.value + 1 : 0];
  if (segment.value >= table.size()) table.resize(std::max<std::size_t>(segment.value + 1, 2 * table.size()));
  OnSegment& s = table[segment.value];
  if (s.slowest < 0) s.slowest = slowest_hop(kernel, segment);
  return s;
}

const Load::InNode& Load::in_node(const workloads::Leg& leg) {
  const std::uint32_t gpus = router_.fabric().placement().gpus_per_node(), node = leg.from.node.value;
  if (node >= in_node_.size()) {
    in_node_.resize(node + 1);
    asked_.resize(node + 1);
  }
  if (in_node_[node].empty()) {
    in_node_[node].resize(std::size_t{gpus} * gpus);
    asked_[node].resize(in_node_[node].size());
  }
  const std::size_t at = std::size_t{leg.from.local} * gpus + leg.to.local;
  InNode& known = in_node_[node][at];
  if (!asked_[node][at]) {
    asked_[node][at] = 1;
    routes_.clear();
    router_.route(leg.from, leg.to, 0, routes_);
    known.single = routes_.size() == 1;
    known.route = routes_.front();
  }
  return known;
}

void Load::add_route(const workloads::Transfer& t, const SubRoute& route, double share, Part& part) {
  const double bytes = t.bytes.value() * share * route.share;
  part.latency = std::max(part.latency, route.latency.value());
  for (std::uint32_t s = 0; s < route.segment_count; ++s) {
    OnSegment& on_segment = on(t.kernel, route.segments[s]);
    on_segment.bytes += bytes;
    part.time = std::max(part.time, bytes * on_segment.slowest);
  }
}

// Sub-flows wait for their own latency on all legs, then need their time on the narrowest hop of any; a leg with a single
// route carries all sub-flows, of which none starts before the smallest latency.
double Load::add(const workloads::Transfer& t) {
  parts_.assign(1, {});
  Part common;
  for (const workloads::Leg& leg : t.legs) {
    if (leg.from == leg.to || leg.share <= 0) continue;
    if (leg.from.node == leg.to.node && leg.from.kind == Endpoint::Kind::gpu && leg.to.kind == Endpoint::Kind::gpu) {
      if (const InNode& known = in_node(leg); known.single) {
        add_route(t, known.route, leg.share, common);
        continue;
      }
    }
    routes_.clear();
    router_.route(leg.from, leg.to, t.flow_key, routes_);
    if (parts_.size() < routes_.size()) parts_.resize(routes_.size());
    for (std::size_t q = 0; q < routes_.size(); ++q) add_route(t, routes_[q], leg.share, routes_.size() == 1 ? common : parts_[q]);
  }
  const bool wire = t.latency_mode == workloads::LatencyMode::wire;
  double least_latency = std::numeric_limits<double>::infinity(), longest = 0;
  for (const Part& part : parts_) {
    const double latency = wire ? std::max(part.latency, common.latency) : 0;
    least_latency = std::min(least_latency, latency);
    longest = std::max(longest, latency + part.time);
  }
  if (t.rate_cap) common.time = std::max(common.time, t.bytes / *t.rate_cap / Seconds(1));
  return t.extra_latency.value() + std::max(longest, least_latency + common.time);
}

double Load::busiest_link() const {
  std::vector<double> on_link(router_.fabric().links().size(), 0);
  double longest = 0;
  for (std::size_t k = 0; k < by_kernel_.size(); ++k) {
    std::vector<double> own(k == 0 ? 0 : on_link.size(), 0);   // payload under this kernel's own rates
    for (std::uint32_t s = 0; s < by_kernel_[k].size(); ++s) {
      const double bytes = by_kernel_[k][s].bytes;
      if (bytes == 0) continue;
      for (const Hop& hop : router_.segment(SegmentId(s))) {
        on_link[hop.link.value] += bytes * hop.share;
        if (k > 0) own[hop.link.value] += bytes * payload(hop);
      }
    }
    for (std::uint32_t l = 0; l < own.size(); ++l) {
      if (own[l] > 0) longest = std::max(longest, own[l] / kernel_rate(k - 1, LinkId(l)));
    }
  }
  for (std::uint32_t l = 0; l < on_link.size(); ++l) {
    if (on_link[l] > 0) longest = std::max(longest, on_link[l] / router_.capacity(LinkId(l)).value());
  }
  return longest;
}

}  // namespace

Bound bound_of(topology::Router& router, workloads::Program& program) {
  Load load(router, program.kernels());
  Walk walk([&load](const workloads::Transfer& t) { return load.add(t); });
  Bound b;
  b.longest_chain = Seconds(walk.run(program));
  b.busiest_link = Seconds(load.busiest_link());
  b.total = std::max(b.longest_chain, b.busiest_link);
  return b;
}

}  // namespace weft::analysis
