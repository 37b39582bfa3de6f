#include "sim/engine/fluid/batch_members.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "sim/core/error.h"
#include "sim/core/random.h"

namespace weft::engine {
namespace {

constexpr std::uint32_t none = ~std::uint32_t{0};

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

BatchMembers::BatchMembers(const topology::Router& router, Lowering& lowering, const Paths& paths)
    : lowering_(lowering), paths_(paths), by_key_(router.spec().policy == topology::Policy::ecmp),
      gpus_(router.fabric().node_spec().gpus), inside_(gpus_) {}

bool BatchMembers::read(workloads::TransferBatch& batch) {
  size_ = batch.size();
  near_ = std::make_unique_for_overwrite<std::uint32_t[]>(size_);
  far_ = std::make_unique_for_overwrite<std::uint32_t[]>(size_);
  group_ = std::make_unique_for_overwrite<std::uint32_t[]>(size_);
  std::uint32_t near = none;
  workloads::Transfer t;
  for (std::uint32_t k = 0; k < size_; ++k) {
    batch.read(k, t);
    if (!lower(t)) return false;
    const std::span<const std::uint32_t> path = path_;
    near_[k] = near = near_of(path.first(path.size() / 2), near);
    far_[k] = far_of(path.subspan(path.size() / 2));
    group_[k] = last_kind_ = kind_of(t);
    if (kinds_.size() > most_kinds) return false;
    ++kinds_[last_kind_].count;
  }
  number_pieces();
  inside_ = {};
  ends_in_ = {};
  return true;
}

// Fills path_, in the order of the legs, and latency_.
bool BatchMembers::lower(const workloads::Transfer& t) {
  WEFT_CHECK(std::isfinite(t.bytes.value()) && t.bytes.value() >= 0, "a transfer of a batch has no valid size");
  WEFT_CHECK(t.weight > 0 && std::isfinite(t.weight), "a transfer of a batch has no valid weight");
  path_.clear();
  latency_ = 0;
  for (std::size_t i = 0; i < t.legs.size();) {
    if (!inside_a_node(t.legs[i])) {
      if (!add_network(t.legs[i++], t)) return false;
      continue;
    }
    std::size_t end = i + 1;
    while (end < t.legs.size() && inside_a_node(t.legs[end]) && t.legs[end].from.node == t.legs[i].from.node) ++end;
    if (end == i + 1) add_inside(t.legs[i], t);
    else add_bundle(t.legs.subspan(i, end - i), t);
    i = end;
  }
  return true;
}

bool BatchMembers::add_network(const workloads::Leg& leg, const workloads::Transfer& t) {
  if (by_key_ || network_.count == 0 || network_.kernel != t.kernel || !same(network_.leg, leg)) {
    const Lowered& lowered = lowering_.lower({&leg, 1}, t.kernel, t.flow_key);
    if (lowered.flows.size() != 1 || lowered.flows[0].share != 1) return false;
    network_.leg = leg;
    network_.kernel = t.kernel;
    network_.latency = lowered.flows[0].latency;
    network_.count = static_cast<std::uint32_t>(lowered.pieces.size());
    WEFT_CHECK(network_.count <= topology::SubRoute::max_segments, "a leg has more pieces than a route can hold");
    std::copy(lowered.pieces.begin(), lowered.pieces.end(), network_.pieces);
  }
  latency_ = std::max(latency_, network_.latency);
  for (std::uint32_t p = 0; p < network_.count; ++p) path_.push_back(network_.pieces[p]);
  return true;
}

// Senders of one place in their nodes have a table together: programs ask for one after the other.
void BatchMembers::add_inside(const workloads::Leg& leg, const workloads::Transfer& t) {
  std::vector<Inside>& table = inside_.at(leg.from.local);
  const std::size_t at = std::size_t{leg.from.node.value} * gpus_ + leg.to.local;
  if (at >= table.size()) table.resize(std::max(at + gpus_, 2 * table.size()));
  Inside& known = table[at];
  if (known.share != leg.share || known.kernel != t.kernel) {
    const Lowered& lowered = lowering_.lower({&leg, 1}, t.kernel, t.flow_key);
    known = {leg.share, lowered.flows[0].latency, t.kernel, lowered.pieces.empty() ? none : lowered.pieces[0]};
  }
  latency_ = std::max(latency_, known.latency);
  if (known.piece != none) path_.push_back(known.piece);
}

void BatchMembers::add_bundle(std::span<const workloads::Leg> legs, const workloads::Transfer& t) {
  const Lowered& lowered = lowering_.lower(legs, t.kernel, t.flow_key);
  latency_ = std::max(latency_, lowered.flows[0].latency);
  path_.insert(path_.end(), lowered.pieces.begin(), lowered.pieces.end());
}

bool BatchMembers::is(std::uint32_t s, std::span<const std::uint32_t> pieces) const {
  const std::uint32_t first = first_[s];
  if (first_[s + 1] - first != pieces.size()) return false;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (pieces_[first + i] != pieces[i]) return false;
  }
  return true;
}

// Most often that of the flow before, `last`.
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
  kind.at_once = kind.bytes <= 0 || (path_.empty() && !std::isfinite(kind.cap));
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
