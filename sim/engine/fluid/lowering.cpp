#include "sim/engine/fluid/lowering.h"

#include <algorithm>
#include <bit>

#include "sim/core/random.h"

namespace weft::engine {
namespace {

using workloads::Leg;

bool inside_a_node(const Leg& leg) {
  return leg.from.node == leg.to.node && leg.from.kind == Endpoint::Kind::gpu && leg.to.kind == Endpoint::Kind::gpu;
}

std::uint64_t word(const Endpoint& e) {
  return std::uint64_t{e.node.value} << 32 | std::uint64_t{e.local} << 2 | static_cast<std::uint64_t>(e.kind);
}

std::uint64_t hash_of(std::span<const Leg> legs, KernelId kernel) {
  std::uint64_t h = kernel.value;
  for (const Leg& l : legs) {
    h = mix64(h ^ (word(l.from) + 3 * std::rotl(word(l.to), 21) + std::rotl(std::bit_cast<std::uint64_t>(l.share), 5)));
  }
  return h;
}

bool same(std::span<const Leg> a, std::span<const Leg> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Leg& x, const Leg& y) { return x.from == y.from && x.to == y.to && x.share == y.share; });
}

}  // namespace

void Lowering::forget_routes() {
  bundles_.clear();
  bundle_slots_.clear();
}

const Lowering::Bundle& Lowering::bundle(std::span<const Leg> legs, KernelId kernel) {
  if (2 * (bundles_.size() + 1) > bundle_slots_.size()) grow_bundle_slots();
  const std::uint64_t hash = hash_of(legs, kernel);
  const std::size_t mask = bundle_slots_.size() - 1;
  std::size_t at = hash & mask;
  for (; bundle_slots_[at] != 0; at = (at + 1) & mask) {
    const Bundle& b = bundles_[bundle_slots_[at] - 1];
    if (b.hash == hash && b.kernel == kernel && same(b.legs, legs)) return b;
  }
  bundles_.push_back(make_bundle(legs, kernel));
  bundles_.back().hash = hash;
  bundle_slots_[at] = static_cast<std::uint32_t>(bundles_.size());
  return bundles_.back();
}

void Lowering::grow_bundle_slots() {
  bundle_slots_.assign(std::max<std::size_t>(64, 2 * bundle_slots_.size()), 0);
  const std::size_t mask = bundle_slots_.size() - 1;
  for (std::size_t i = 0; i < bundles_.size(); ++i) {
    std::size_t at = bundles_[i].hash & mask;
    while (bundle_slots_[at] != 0) at = (at + 1) & mask;
    bundle_slots_[at] = static_cast<std::uint32_t>(i + 1);
  }
}

Lowering::Bundle Lowering::make_bundle(std::span<const Leg> legs, KernelId kernel) {
  Bundle b;
  b.kernel = kernel;
  b.legs.assign(legs.begin(), legs.end());
  loads_.clear();
  for (const Leg& leg : legs) {
    if (leg.from == leg.to || leg.share <= 0) continue;
    bundle_routes_.clear();
    router_.route(leg.from, leg.to, 0, bundle_routes_);
    for (const topology::SubRoute& r : bundle_routes_) {
      b.latency = std::max(b.latency, r.latency.value());
      for (std::uint32_t s = 0; s < r.segment_count; ++s) paths_.expand(r.segments[s], kernel, leg.share * r.share, loads_);
    }
  }
  b.piece = paths_.add_piece(loads_);
  return b;
}

const Lowered& Lowering::lower(std::span<const Leg> legs, KernelId kernel, std::uint64_t flow_key) {
  routes_.clear();
  routed_.clear();
  out_.flows.clear();
  out_.pieces.clear();
  double latency = 0;
  std::size_t flows = 1;
  used_bundles_.clear();
  for (std::size_t i = 0; i < legs.size();) {
    std::size_t end = i;
    while (end < legs.size() && inside_a_node(legs[end]) && legs[end].from.node == legs[i].from.node) ++end;
    if (end > i) {
      const Bundle& b = bundle(legs.subspan(i, end - i), kernel);
      latency = std::max(latency, b.latency);
      if (!paths_.piece(b.piece).empty()) used_bundles_.push_back(b.piece);
      i = end;
      continue;
    }
    const std::size_t first = routes_.size();
    if (legs[i].from != legs[i].to && legs[i].share > 0) router_.route(legs[i].from, legs[i].to, flow_key, routes_);
    routed_.push_back({legs[i].share, first, routes_.size() - first});
    flows = std::max(flows, routes_.size() - first);
    ++i;
  }
  for (std::size_t q = 0; q < flows; ++q) {
    add_flow(q, flows, kernel);
    out_.flows.back().latency = std::max(out_.flows.back().latency, latency);
  }
  return out_;
}

// Flow number `index` of `flows`: sub-route number `index` of legs that have as many, an equal part of other legs'.
void Lowering::add_flow(std::size_t index, std::size_t flows, KernelId kernel) {
  LoweredFlow f;
  f.first = static_cast<std::uint32_t>(out_.pieces.size());
  if (flows > 1) {
    for (const RoutedLeg& leg : routed_) {
      if (leg.count == flows) {
        f.share = routes_[leg.first + index].share;
        break;
      }
    }
  }
  for (const RoutedLeg& leg : routed_) {
    const bool one_each = leg.count == flows;
    const std::size_t begin = leg.first + (one_each ? index : 0);
    const std::size_t end = one_each ? begin + 1 : leg.first + leg.count;
    for (std::size_t r = begin; r < end; ++r) {
      const topology::SubRoute& route = routes_[r];
      const double part = one_each ? route.share / f.share : route.share;
      f.latency = std::max(f.latency, route.latency.value());
      for (std::uint32_t s = 0; s < route.segment_count; ++s)
        out_.pieces.push_back(paths_.piece_of(route.segments[s], kernel, leg.share * part));
    }
  }
  out_.pieces.insert(out_.pieces.end(), used_bundles_.begin(), used_bundles_.end());
  f.count = static_cast<std::uint32_t>(out_.pieces.size()) - f.first;
  out_.flows.push_back(f);
}

}  // namespace weft::engine
