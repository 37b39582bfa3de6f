#include "sim/analysis/load.h"

#include <algorithm>
#include <limits>

#include "sim/core/error.h"

namespace weft::analysis {

using topology::CableClass;
using topology::Hop;
using topology::SubRoute;

double kernel_rate(const workloads::CommKernel& kernel, const topology::Link& link) {
  const auto none = BytesPerSecond(std::numeric_limits<double>::infinity());
  switch (link.cable) {
    case CableClass::endpoint: return kernel.nic_limit(link.rate).value_or(none).value();
    case CableClass::nvlink: return kernel.nvlink_rate.value_or(none).value();
    case CableClass::pcie:
    case CableClass::long_haul:
    case CableClass::local: break;
  }
  return none.value();
}

double payload(const topology::Fabric& fabric, const Hop& hop) {
  const bool network = fabric.link(hop.link).cable == CableClass::endpoint;
  return network ? hop.share * fabric.transport(hop.link).wire_efficiency() : hop.share;
}

Load::Load(topology::Router& router, std::span<const workloads::CommKernel> kernels, Ledger* ledger)
    : router_(router), kernels_(kernels), ledger_(ledger), gpus_per_node_(router.fabric().placement().gpus_per_node()), by_kernel_(kernels.size() + 1) {}

double Load::slowest_hop(KernelId kernel, SegmentId segment) const {
  double slowest = 0;
  for (const Hop& hop : router_.segment(segment)) {
    slowest = std::max(slowest, hop.share / router_.capacity(hop.link).value());
    if (!kernel.valid()) continue;
    const double rate = kernel_rate(kernels_[kernel.value], router_.fabric().link(hop.link));
    slowest = std::max(slowest, payload(router_.fabric(), hop) / rate);
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
  const std::uint32_t gpus = gpus_per_node_, node = leg.from.node.value;
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
    if (ledger_ != nullptr) ledger_->load(route.segments[s], bytes);
    part.time = std::max(part.time, bytes * on_segment.slowest);
  }
}

// Sub-flows wait for their own latency on all legs, then need their time on the narrowest hop of any; a leg with a single
// route carries all sub-flows, of which none starts before the smallest latency.
double Load::add(const workloads::Transfer& t) {
  parts_.assign(1, {});
  Part common;
  if (ledger_ != nullptr) ledger_->set_kernel(t.kernel);
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
        if (k > 0) own[hop.link.value] += bytes * payload(router_.fabric(), hop);
      }
    }
    for (std::uint32_t l = 0; l < own.size(); ++l) {
      if (own[l] > 0) longest = std::max(longest, own[l] / kernel_rate(kernels_[k - 1], router_.fabric().link(LinkId(l))));
    }
  }
  for (std::uint32_t l = 0; l < on_link.size(); ++l) {
    if (on_link[l] > 0) longest = std::max(longest, on_link[l] / router_.capacity(LinkId(l)).value());
  }
  return longest;
}

}  // namespace weft::analysis
