#include "sim/engine/closed_form/alone.h"

#include <algorithm>
#include <limits>

#include "sim/core/error.h"

namespace weft::engine {

using topology::Hop;
using topology::SubRoute;

Alone::Alone(topology::Router& router, std::span<const workloads::CommKernel> kernels)
    : router_(router), kernels_(kernels),
      slowest_(kernels.size() + 1), on_link_(router.fabric().links().size(), 0) {}

double Alone::seconds(const workloads::Transfer& t) {
  WEFT_CHECK(!t.kernel.valid() || t.kernel.value < kernels_.size(), "a transfer names a kernel that its program does not list");
  find_routes(t);
  if (segments_are_apart()) {
    together_ = flows_[0].per_byte = narrowest_by_segment(t.kernel);
  } else {
    for (std::size_t q = 0; q < flows_.size(); ++q) {
      for (const RoutedLeg& leg : legs_) {
        const bool own = leg.count == flows_.size();
        for (std::size_t r = own ? q : 0; r < (own ? q + 1 : leg.count); ++r) {
          const SubRoute& route = routes_[leg.first + r];
          put_on_links(route, leg.share * route.share / (own ? flows_[q].share : 1));
        }
      }
      flows_[q].per_byte = take_narrowest_link(t.kernel);
    }
    for (const RoutedLeg& leg : legs_) {
      for (std::size_t r = 0; r < leg.count; ++r) put_on_links(routes_[leg.first + r], leg.share * routes_[leg.first + r].share);
    }
    together_ = take_narrowest_link(t.kernel);
  }
  if (t.rate_cap) together_ = std::max(together_, 1 / t.rate_cap->value());
  const bool wire = t.latency_mode == workloads::LatencyMode::wire;
  double last = 0, first_byte = std::numeric_limits<double>::infinity();
  latency_ = 0;
  for (const Flow& f : flows_) {
    const double latency = t.extra_latency.value() + (wire ? f.latency : 0);
    latency_ = std::max(latency_, latency);
    first_byte = std::min(first_byte, latency);
    last = std::max(last, latency + (t.bytes.value() > 0 ? t.bytes.value() * f.share * f.per_byte : 0));
  }
  return std::max(last, first_byte + (t.bytes.value() > 0 ? t.bytes.value() * together_ : 0));
}

// One flow per queue pair of the leg that has most; a leg with a single route is part of each.
void Alone::find_routes(const workloads::Transfer& t) {
  routes_.clear();
  legs_.clear();
  flows_.assign(1, {});
  for (const workloads::Leg& leg : t.legs) {
    if (leg.from == leg.to || leg.share <= 0) continue;
    const std::size_t first = routes_.size();
    router_.route(leg.from, leg.to, t.flow_key, routes_);
    const bool inside = leg.from.node == leg.to.node && leg.from.kind == Endpoint::Kind::gpu && leg.to.kind == Endpoint::Kind::gpu;
    legs_.push_back({leg.share, first, routes_.size() - first, inside});
    if (flows_.size() < legs_.back().count) flows_.resize(legs_.back().count);
  }
  bool dealt = flows_.size() == 1;
  for (const RoutedLeg& leg : legs_) {
    const bool own = leg.count == flows_.size();
    for (std::size_t q = 0; q < flows_.size(); ++q) {
      for (std::size_t r = own ? q : 0; r < (own ? q + 1 : leg.count); ++r) {
        flows_[q].latency = std::max(flows_[q].latency, routes_[leg.first + r].latency.value());
      }
      if (own && !dealt) flows_[q].share = routes_[leg.first + q].share;
    }
    dealt = dealt || own;
  }
}

// A shortest path crosses no link twice, so the segments of one leg over the network have no link in common, nor with NVLink.
bool Alone::segments_are_apart() const {
  const auto network = std::count_if(legs_.begin(), legs_.end(), [](const RoutedLeg& l) { return !l.inside; });
  return flows_.size() == 1 && network <= 1 && router_.spec().paths == topology::PathChoice::minimal;
}

double Alone::narrowest_by_segment(KernelId kernel) {
  double worst = 0;
  for (const RoutedLeg& leg : legs_) {
    for (std::size_t r = leg.first; r < leg.first + leg.count; ++r) {
      const SubRoute& route = routes_[r];
      if (leg.inside && legs_.size() > 1) {   // legs of a fan meet at the port where it begins
        put_on_links(route, leg.share * route.share);
        continue;
      }
      for (std::uint32_t s = 0; s < route.segment_count; ++s) {
        worst = std::max(worst, leg.share * route.share * slowest_hop(kernel, route.segments[s]));
      }
    }
  }
  return std::max(worst, take_narrowest_link(kernel));
}

void Alone::put_on_links(const SubRoute& route, double coefficient) {
  for (std::uint32_t s = 0; s < route.segment_count; ++s) {
    for (const Hop& hop : router_.segment(route.segments[s])) {
      double& sum = on_link_[hop.link.value];
      if (sum == 0) touched_.push_back(hop.link);
      sum += coefficient * hop.share;
    }
  }
}

double Alone::take_narrowest_link(KernelId kernel) {
  double worst = 0;
  for (const LinkId l : touched_) {
    if (on_link_[l.value] > 0) worst = std::max(worst, on_link_[l.value] * per_byte(kernel, l));
    on_link_[l.value] = 0;
  }
  touched_.clear();
  return worst;
}

double Alone::slowest_hop(KernelId kernel, SegmentId segment) {
  auto& table = slowest_[kernel.valid() ? kernel.value + 1 : 0];
  if (segment.value >= table.size()) table.resize(std::max<std::size_t>(segment.value + 1, 2 * table.size()), -1);
  double& known = table[segment.value];
  if (known >= 0) return known;
  known = 0;
  for (const Hop& hop : router_.segment(segment)) {
    if (hop.share > 0) known = std::max(known, hop.share * per_byte(kernel, hop.link));
  }
  return known;
}

double Alone::per_byte(KernelId kernel, LinkId link) const {
  const double wire = 1 / router_.capacity(link).value();
  if (!kernel.valid()) return wire;
  const workloads::CommKernel& k = kernels_[kernel.value];
  switch (router_.fabric().link(link).cable) {
    case topology::CableClass::endpoint: {
      const auto limit = k.nic_limit(router_.fabric().link(link).rate);
      return limit ? std::max(wire, router_.fabric().transport(link).wire_efficiency() / limit->value()) : wire;
    }
    case topology::CableClass::nvlink: return k.nvlink_rate ? std::max(wire, 1 / k.nvlink_rate->value()) : wire;
    case topology::CableClass::pcie:
    case topology::CableClass::long_haul:
    case topology::CableClass::local: break;
  }
  return wire;
}

std::span<const double> Alone::rates() {
  rates_.clear();
  for (const Flow& f : flows_) {
    const double per_byte = std::max(f.per_byte, together_ / f.share);
    if (per_byte > 0) rates_.push_back(1 / per_byte);
  }
  return rates_;
}

}  // namespace weft::engine
