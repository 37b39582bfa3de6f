#include "sim/engine/fluid/batch_members.h"

#include <algorithm>
#include <bit>
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
    : router_(router), lowering_(lowering), paths_(paths), by_key_(router.spec().policy == topology::Policy::ecmp) {}

bool BatchMembers::read(workloads::TransferBatch& batch) {
  size_ = batch.size();
  near_ = std::make_unique_for_overwrite<std::uint32_t[]>(size_);
  far_ = std::make_unique_for_overwrite<std::uint32_t[]>(size_);
  group_ = std::make_unique_for_overwrite<std::uint32_t[]>(size_);
  inside_.resize(std::min<std::size_t>(remembered, std::bit_ceil(std::size_t{size_})));
  std::uint32_t near = none, far = none;
  workloads::Transfer t;
  for (std::uint32_t k = 0; k < size_; ++k) {
    t = workloads::Transfer();
    batch.read(k, t);
    if (!lower(t)) return false;
    const std::span<const std::uint32_t> path = path_;
    near_[k] = near = intern(path.first(path.size() / 2), near);
    far_[k] = far = intern(path.subspan(path.size() / 2), far);
    group_[k] = last_kind_ = kind_of(t);
    if (kinds_.size() > most_kinds) return false;
    ++kinds_[last_kind_].count;
  }
  number_pieces();
  inside_ = {};
  return true;
}

// Fills path_, in the order of the legs, and latency_.
bool BatchMembers::lower(const workloads::Transfer& t) {
  WEFT_CHECK(std::isfinite(t.bytes.value()) && t.bytes.value() >= 0, "a transfer of a batch has no valid size");
  WEFT_CHECK(t.weight > 0 && std::isfinite(t.weight), "a transfer of a batch has no valid weight");
  path_.clear();
  latency_ = 0;
  for (std::size_t i = 0; i < t.legs.size();) {
    std::size_t end = i;
    while (end < t.legs.size() && inside_a_node(t.legs[end]) && t.legs[end].from.node == t.legs[i].from.node) ++end;
    end = std::max(end, i + 1);
    if (!add_part(t.legs.subspan(i, end - i), t)) return false;
    i = end;
  }
  return true;
}

bool BatchMembers::add_part(std::span<const workloads::Leg> legs, const workloads::Transfer& t) {
  Part* part = legs.size() == 1 ? &network_ : &several_;
  bool known = false;
  if (legs.size() == 1) {
    const bool inside = inside_a_node(legs[0]);
    if (inside) part = &place_of(legs[0]);
    known = part->known && part->kernel == t.kernel && same(part->leg, legs[0]) && (inside || !by_key_);
  }
  if (!known && !fill(*part, legs, t)) return false;
  latency_ = std::max(latency_, part->latency);
  for (std::uint32_t p = 0; p < part->count; ++p) path_.push_back(part->pieces[p]);
  return true;
}

bool BatchMembers::fill(Part& part, std::span<const workloads::Leg> legs, const workloads::Transfer& t) {
  const Lowered& lowered = lowering_.lower(legs, t.kernel, t.flow_key);
  if (lowered.flows.size() != 1 || lowered.flows[0].share != 1) return false;
  part.leg = legs[0];
  part.known = legs.size() == 1;
  part.kernel = t.kernel;
  part.latency = lowered.flows[0].latency;
  part.count = static_cast<std::uint32_t>(lowered.pieces.size());
  WEFT_CHECK(part.count <= topology::SubRoute::max_segments, "a leg has more pieces than a route can hold");
  std::copy(lowered.pieces.begin(), lowered.pieces.end(), part.pieces);
  return true;
}

BatchMembers::Part& BatchMembers::place_of(const workloads::Leg& leg) {
  const std::uint64_t ends = std::uint64_t{leg.from.node.value} << 16 ^ leg.from.local << 8 ^ leg.to.local;
  return inside_[(ends * 0x9e3779b97f4a7c15ULL >> 32) & (inside_.size() - 1)];
}

bool BatchMembers::is(std::uint32_t s, std::span<const std::uint32_t> pieces) const {
  return std::equal(pieces.begin(), pieces.end(), pieces_.begin() + first_[s], pieces_.begin() + first_[s + 1]);
}

// `last`: where to look first, or none.
std::uint32_t BatchMembers::intern(std::span<const std::uint32_t> pieces, std::uint32_t last) {
  if (last != none && is(last, pieces)) return last;
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
