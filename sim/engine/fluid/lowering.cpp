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

constexpr std::size_t most_bundles = 1u << 18;   // kept, whatever a long run brings

std::uint64_t hash_of(std::span<const Leg> legs, KernelId kernel) {
  std::uint64_t h = kernel.value;
  for (const Leg& l : legs) {
    h = mix64(h ^ (word_of(l.from) + 3 * std::rotl(word_of(l.to), 21) + std::rotl(std::bit_cast<std::uint64_t>(l.share), 5)));
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
  in_node_.clear();
  in_node_loads_.clear();
}

const Lowering::Bundle& Lowering::bundle(std::span<const Leg> legs, KernelId kernel) {
  const bool alike = std::all_of(legs.begin(), legs.end(), [&](const Leg& l) { return l.share == legs[0].share; });
  if (!alike || (bundles_.size() >= most_bundles && legs[0].share != 1)) return passing_ = make_bundle(legs, kernel, true);
  if (2 * (bundles_.size() + 1) > bundle_slots_.size()) grow_bundle_slots();
  const std::uint64_t hash = hash_of(legs, kernel);
  const std::size_t mask = bundle_slots_.size() - 1;
  std::size_t at = hash & mask;
  for (; bundle_slots_[at] != 0; at = (at + 1) & mask) {
    const Bundle& b = bundles_[bundle_slots_[at] - 1];
    if (b.hash == hash && b.kernel == kernel && same(b.legs, legs)) return b;
  }
  bundles_.push_back(make_bundle(legs, kernel, false));
  bundles_.back().legs.assign(legs.begin(), legs.end());
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

const Lowering::InNode& Lowering::in_node(const Leg& leg, KernelId kernel) {
  const std::uint32_t gpus = router_.fabric().placement().gpus_per_node(), k = kernel.valid() ? kernel.value + 1 : 0;
  if (k >= in_node_.size()) in_node_.resize(k + 1);
  if (leg.from.node.value >= in_node_[k].size()) in_node_[k].resize(leg.from.node.value + 1);
  bundle_routes_.clear();
  if (leg.from.local >= gpus || leg.to.local >= gpus) router_.route(leg.from, leg.to, 0, bundle_routes_);   // says what is wrong
  auto& node = in_node_[k][leg.from.node.value];
  if (node.empty()) node.resize(std::size_t{gpus} * gpus);
  InNode& known = node[std::size_t{leg.from.local} * gpus + leg.to.local];
  if (known.known) return known;
  router_.route(leg.from, leg.to, 0, bundle_routes_);
  known.known = true;
  known.first = static_cast<std::uint32_t>(in_node_loads_.size());
  for (const topology::SubRoute& r : bundle_routes_) {
    known.latency = std::max(known.latency, r.latency.value());
    for (std::uint32_t s = 0; s < r.segment_count; ++s) paths_.expand(r.segments[s], kernel, r.share, in_node_loads_);
  }
  known.count = static_cast<std::uint32_t>(in_node_loads_.size()) - known.first;
  return known;
}

Lowering::Bundle Lowering::make_bundle(std::span<const Leg> legs, KernelId kernel, bool passing) {
  Bundle b;
  b.kernel = kernel;
  loads_.clear();
  for (const Leg& leg : legs) {
    if (leg.from == leg.to || leg.share <= 0) continue;
    const InNode& known = in_node(leg, kernel);
    b.latency = std::max(b.latency, known.latency);
    for (std::uint32_t i = known.first; i < known.first + known.count; ++i)
      loads_.push_back({in_node_loads_[i].link, leg.share * in_node_loads_[i].coefficient});
  }
  b.piece = passing ? paths_.add_passing_piece(loads_) : paths_.add_piece(loads_);
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
      else if (paths_.passing(b.piece)) paths_.forget(b.piece);
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
