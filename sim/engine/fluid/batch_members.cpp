#include "sim/engine/fluid/batch_members.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "sim/core/error.h"
#include "sim/core/random.h"

namespace weft::engine {
namespace {

bool inside_a_node(const workloads::Leg& leg) {
  return leg.from.node == leg.to.node && leg.from.kind == Endpoint::Kind::gpu && leg.to.kind == Endpoint::Kind::gpu;
}

bool same(const workloads::Leg& a, const workloads::Leg& b) { return a.to == b.to && a.from == b.from && a.share == b.share; }

std::uint64_t hash_of(std::span<const std::uint32_t> pieces) {
  std::uint64_t h = pieces.size();
  for (const std::uint32_t p : pieces) h = (h ^ p) * 0x9e3779b97f4a7c15ULL, h ^= h >> 29;
  return h;
}

}  // namespace

BatchMembers::BatchMembers(const topology::Router& router, Lowering& lowering, Paths& paths)
    : lowering_(lowering), paths_(paths), by_key_(router.spec().policy == topology::Policy::ecmp),
      gpus_(router.fabric().node_spec().gpus), inside_(gpus_) {}

bool BatchMembers::read(workloads::TransferBatch& batch) {
  size_ = batch.size();
  near_ = std::make_unique_for_overwrite<std::uint32_t[]>(size_);
  far_ = std::make_unique_for_overwrite<std::uint32_t[]>(size_);
  group_ = std::make_unique_for_overwrite<std::uint32_t[]>(size_);
  workloads::Transfer t;
  for (std::uint32_t k = 0; k < size_; ++k) {
    batch.read(k, t);
    WEFT_CHECK(std::isfinite(t.bytes.value()) && t.bytes.value() >= 0, "a transfer of a batch has no valid size");
    WEFT_CHECK(t.weight > 0 && std::isfinite(t.weight), "a transfer of a batch has no valid weight");
    const Found found = find_plain(t);
    if (found == Found::never || (found == Found::no && !find_any(t))) return false;
    near_[k] = near_of_it_;
    far_[k] = far_of_it_;
    group_[k] = last_kind_ = kind_of(t);
    if (kinds_.size() > most_kinds) return false;
    ++kinds_[last_kind_].count;
  }
  number_pieces();
  inside_ = {};
  ends_in_ = {};
  return true;
}

// A flow over one leg of the network, handed on inside a node or not: what most of millions are. Both halves are known from
// the flows before it, as a rule.
BatchMembers::Found BatchMembers::find_plain(const workloads::Transfer& t) {
  const bool handed_on = t.legs.size() == 2;
  if (t.legs.empty() || t.legs.size() > 2 || inside_a_node(t.legs[0]) || (handed_on && !inside_a_node(t.legs[1]))) return Found::no;
  if (!go_over(t.legs[0], t)) return Found::never;
  if (network_.count == 0) return Found::no;
  near_of_it_ = network_.near;
  far_of_it_ = network_.far;
  latency_ = network_.latency;
  empty_path_ = false;
  if (!handed_on) return Found::yes;
  Inside* known = inside(t.legs[1], t);
  if (known == nullptr) return Found::never;
  Inside& on = *known;
  latency_ = std::max(latency_, on.latency);
  if (on.piece == none) return Found::yes;
  if (on.arrived != network_.far) {
    const auto arrived = stretch(network_.far);
    path_.assign(arrived.begin(), arrived.end());
    path_.push_back(on.piece);
    on.far = far_of(path_);
    on.arrived = network_.far;
  }
  far_of_it_ = on.far;
  return Found::yes;
}

bool BatchMembers::find_any(const workloads::Transfer& t) {
  if (!lower(t)) return false;
  const std::span<const std::uint32_t> path = path_;
  empty_path_ = path.empty();
  near_of_it_ = near_of(path.first(path.size() / 2), near_of_it_);
  far_of_it_ = far_of(path.subspan(path.size() / 2));
  return true;
}

// Fills path_, in the order of the legs, and latency_.
bool BatchMembers::lower(const workloads::Transfer& t) {
  path_.clear();
  latency_ = 0;
  for (std::size_t i = 0; i < t.legs.size();) {
    if (!inside_a_node(t.legs[i])) {
      if (!go_over(t.legs[i++], t)) return false;
      latency_ = std::max(latency_, network_.latency);
      path_.insert(path_.end(), network_.pieces, network_.pieces + network_.count);
      continue;
    }
    std::size_t end = i + 1;
    while (end < t.legs.size() && inside_a_node(t.legs[end]) && t.legs[end].from.node == t.legs[i].from.node) ++end;
    if (end == i + 1) {
      const Inside* in = inside(t.legs[i], t);
      if (in == nullptr) return false;
      latency_ = std::max(latency_, in->latency);
      if (in->piece != none) path_.push_back(in->piece);
    } else if (!add_bundle(t.legs.subspan(i, end - i), t)) {
      return false;
    }
    i = end;
  }
  return true;
}

// Makes network_ that of the leg. False when it is more than one flow.
bool BatchMembers::go_over(const workloads::Leg& leg, const workloads::Transfer& t) {
  Network& n = network_;
  if (!by_key_ && n.count > 0 && n.kernel == t.kernel && same(n.leg, leg)) return true;
  const Lowered& lowered = lowering_.lower({&leg, 1}, t.kernel, t.flow_key);
  if (lowered.flows.size() != 1 || lowered.flows[0].share != 1) return false;
  n.leg = leg;
  n.kernel = t.kernel;
  n.latency = lowered.flows[0].latency;
  n.count = static_cast<std::uint32_t>(lowered.pieces.size());
  WEFT_CHECK(n.count <= topology::SubRoute::max_segments, "a leg has more pieces than a route can hold");
  std::copy(lowered.pieces.begin(), lowered.pieces.end(), n.pieces);
  const std::span<const std::uint32_t> pieces(n.pieces, n.count);
  const std::size_t half = (pieces.size() + 1) / 2;
  n.near = near_of(pieces.first(half), n.near);
  n.far = far_of(pieces.subspan(half));
  return true;
}

// Senders of one place in their nodes have a table together: programs ask for one after the other. Null as for stays().
BatchMembers::Inside* BatchMembers::inside(const workloads::Leg& leg, const workloads::Transfer& t) {
  std::vector<Inside>& table = inside_.at(leg.from.local);
  const std::size_t at = std::size_t{leg.from.node.value} * gpus_ + leg.to.local;
  if (at >= table.size()) table.resize(std::max(at + gpus_, 2 * table.size()));
  Inside& known = table[at];
  if (known.share != leg.share || known.kernel != t.kernel) {
    const Lowered& lowered = lowering_.lower({&leg, 1}, t.kernel, t.flow_key);
    if (!stays(lowered)) return nullptr;
    known = {leg.share, lowered.flows[0].latency, t.kernel, lowered.pieces.empty() ? none : lowered.pieces[0], none, none};
  }
  return &known;
}

bool BatchMembers::add_bundle(std::span<const workloads::Leg> legs, const workloads::Transfer& t) {
  const Lowered& lowered = lowering_.lower(legs, t.kernel, t.flow_key);
  if (!stays(lowered)) return false;
  latency_ = std::max(latency_, lowered.flows[0].latency);
  path_.insert(path_.end(), lowered.pieces.begin(), lowered.pieces.end());
  return true;
}

// A piece that passes with its transfer is like no other: such transfers are not kept here.
bool BatchMembers::stays(const Lowered& lowered) {
  for (const std::uint32_t p : lowered.pieces) {
    if (!paths_.passing(p)) continue;
    paths_.forget(p);
    return false;
  }
  return true;
}

bool BatchMembers::is(std::uint32_t s, std::span<const std::uint32_t> pieces) const {
  const std::uint32_t first = first_[s];
  if (first_[s + 1] - first != pieces.size()) return false;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (pieces_[first + i] != pieces[i]) return false;
  }
  return true;
}

// Most often `last`, or none.
std::uint32_t BatchMembers::near_of(std::span<const std::uint32_t> pieces, std::uint32_t last) {
  return last != none && is(last, pieces) ? last : intern(pieces);
}

// Most often the one that ended in the same piece before.
std::uint32_t BatchMembers::far_of(std::span<const std::uint32_t> pieces) {
  if (pieces.empty()) return intern(pieces);
  const std::uint32_t end = pieces.back();
  if (end >= ends_in_.size()) ends_in_.resize(std::max<std::size_t>(end + 1, 2 * ends_in_.size()), none);
  if (ends_in_[end] == none || !is(ends_in_[end], pieces)) ends_in_[end] = intern(pieces);
  return ends_in_[end];
}

std::uint32_t BatchMembers::intern(std::span<const std::uint32_t> pieces) {
  if (2 * first_.size() > slots_.size()) grow_slots();
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash_of(pieces) & mask;
  for (; slots_[at] != 0; at = (at + 1) & mask) {
    if (is(slots_[at] - 1, pieces)) return slots_[at] - 1;
  }
  pieces_.insert(pieces_.end(), pieces.begin(), pieces.end());
  first_.push_back(static_cast<std::uint32_t>(pieces_.size()));
  slots_[at] = stretches();
  return stretches() - 1;
}

void BatchMembers::grow_slots() {
  slots_.assign(std::max<std::size_t>(256, 4 * slots_.size()), 0);
  const std::size_t mask = slots_.size() - 1;
  for (std::uint32_t s = 0; s < stretches(); ++s) {
    std::size_t at = hash_of(stretch(s)) & mask;
    while (slots_[at] != 0) at = (at + 1) & mask;
    slots_[at] = s + 1;
  }
}

std::uint32_t BatchMembers::kind_of(const workloads::Transfer& t) {
  Kind kind;
  kind.bytes = t.bytes.value();
  kind.weight = t.weight;
  kind.cap = t.rate_cap ? t.rate_cap->value() : std::numeric_limits<double>::infinity();
  kind.latency = t.extra_latency.value() + (t.latency_mode == workloads::LatencyMode::wire ? latency_ : 0);
  kind.at_once = kind.bytes <= 0 || (empty_path_ && !std::isfinite(kind.cap));
  if (last_kind_ < kinds_.size() && kinds_[last_kind_] == kind) return last_kind_;
  const auto known = std::find(kinds_.begin(), kinds_.end(), kind);
  if (known == kinds_.end()) {
    kinds_.push_back(kind);
    return static_cast<std::uint32_t>(kinds_.size() - 1);
  }
  return static_cast<std::uint32_t>(known - kinds_.begin());
}

// From Paths' numbers to the batch's own.
void BatchMembers::number_pieces() {
  slots_ = {};
  std::vector<std::uint32_t> place(paths_.piece_count(), none);
  for (std::uint32_t& p : pieces_) {
    if (place[p] == none) {
      place[p] = static_cast<std::uint32_t>(used_.size());
      used_.push_back(p);
    }
    p = place[p];
  }
}

}  // namespace weft::engine
