#include "sim/engine/fold/program_check.h"

#include <algorithm>
#include <tuple>

#include "sim/core/random.h"

namespace weft::engine {

using workloads::Permutation;

namespace {

auto order_of(const workloads::Leg& l) {
  return std::tuple(l.from.node, l.from.kind, l.from.local, l.to.node, l.to.kind, l.to.local, l.share);
}

void sort_legs(std::vector<workloads::Leg>& legs) {
  std::sort(legs.begin(), legs.end(), [](const auto& a, const auto& b) { return order_of(a) < order_of(b); });
}

}  // namespace

class ProgramCheck::Recorder final : public workloads::Sink {
 public:
  Operations list;

  void transfer(const workloads::Transfer& t, std::span<const OpId> after) override {
    Operation& op = add(Operation::Kind::transfer, t.id, after);
    op.transfer = t;
    op.legs.assign(t.legs.begin(), t.legs.end());
  }
  void compute(const workloads::Compute& c, std::span<const OpId> after) override { add(Operation::Kind::compute, c.id, after).compute = c; }
  void marker(OpId id, Seconds delay, std::span<const OpId> after) override { add(Operation::Kind::marker, id, after).delay = delay; }

 private:
  Operation& add(Operation::Kind kind, OpId id, std::span<const OpId> after) {
    Operation& op = list.emplace_back();
    op.kind = kind;
    op.id = id;
    op.after.assign(after.begin(), after.end());
    op.turn = static_cast<std::uint32_t>(list.size());
    return op;
  }
};

ProgramCheck::ProgramCheck(workloads::Symmetry& symmetry) : symmetry_(symmetry), all_(symmetry.operations() <= few_operations) {}

const ProgramCheck::Operations& ProgramCheck::operations_of(std::uint32_t rank) {
  const auto known = known_.find(rank);
  if (known != known_.end()) return known->second;
  if (!all_ && known_.size() >= ranks_kept) known_.clear();
  Recorder recorder;
  symmetry_.emit(rank, recorder);
  std::sort(recorder.list.begin(), recorder.list.end(), [](const Operation& a, const Operation& b) { return a.id < b.id; });
  return known_.emplace(rank, std::move(recorder.list)).first->second;
}

// Half of the sample among ranks that move, half among all: what a rank sends to others that move counts too.
std::vector<std::uint32_t> ProgramCheck::ranks_to_look_at(const Permutation& image) {
  std::vector<std::uint32_t> ranks;
  const auto n = static_cast<std::uint32_t>(image.size());
  if (all_) {
    for (std::uint32_t r = 0; r < n; ++r) ranks.push_back(r);
    return ranks;
  }
  std::vector<std::uint32_t> moved;
  for (std::uint32_t r = 0; r < n; ++r)
    if (image[r] != r) moved.push_back(r);
  Draws draws(1, "fold", ++turn_);
  for (std::uint32_t i = 0; i < ranks_looked_at; ++i)
    ranks.push_back(i % 2 == 0 && !moved.empty() ? moved[draws.below(moved.size())] : static_cast<std::uint32_t>(draws.below(n)));
  return ranks;
}

bool ProgramCheck::unchanged(const Permutation& image) {
  const std::vector<std::uint32_t> ranks = ranks_to_look_at(image);
  return std::all_of(ranks.begin(), ranks.end(), [&](std::uint32_t r) { return rank_unchanged(r, image); });
}

bool ProgramCheck::rank_unchanged(std::uint32_t rank, const Permutation& image) {
  operations_of(image[rank]);   // known_ may drop the ones that it had before
  const Operations& here = operations_of(rank);
  const Operations& there = operations_of(image[rank]);
  if (here.size() != there.size()) return false;
  std::vector<bool> met(there.size(), false);
  streams_.clear();
  for (const Operation& op : here) {
    if (symmetry_.owner(op.id) != rank) return false;
    const OpId moved = symmetry_.image(op.id, image);
    const auto at = std::lower_bound(there.begin(), there.end(), moved, [](const Operation& o, OpId id) { return o.id < id; });
    if (!moved.valid() || at == there.end() || at->id != moved) return false;
    const auto number = static_cast<std::size_t>(at - there.begin());
    if (met[number] || !equal(op, *at, image)) return false;
    met[number] = true;
  }
  return streams_in_order(here, there, image);
}

// Operations of a stream run in the order of their emission, which the images have to keep.
bool ProgramCheck::streams_in_order(const Operations& here, const Operations& there, const Permutation& image) const {
  struct Turn {
    StreamId stream;
    std::uint32_t here, there;
    auto operator<=>(const Turn&) const = default;
  };
  std::vector<Turn> turns;
  for (const Operation& op : here) {
    if (op.kind != Operation::Kind::compute || !op.compute.stream.valid()) continue;
    const auto at = std::lower_bound(there.begin(), there.end(), symmetry_.image(op.id, image), [](const Operation& o, OpId id) { return o.id < id; });
    turns.push_back({op.compute.stream, op.turn, at->turn});
  }
  std::sort(turns.begin(), turns.end());
  return std::adjacent_find(turns.begin(), turns.end(), [](const Turn& a, const Turn& b) {
           return a.stream == b.stream && a.there > b.there;
         }) == turns.end();
}

bool ProgramCheck::equal(const Operation& op, const Operation& there, const Permutation& image) {
  if (op.kind != there.kind || !equal_after(op, there, image)) return false;
  switch (op.kind) {
    case Operation::Kind::transfer: return equal_transfers(op, there, image);
    case Operation::Kind::compute:
      return op.compute.duration == there.compute.duration && equal_streams(op.compute.stream, there.compute.stream, op.id == there.id);
    case Operation::Kind::marker: return op.delay == there.delay;
  }
  return false;
}

// A stream has one image, and is its own only where its operations are.
bool ProgramCheck::equal_streams(StreamId stream, StreamId there, bool same_operation) {
  if (!stream.valid() || !there.valid()) return stream == there;
  return (stream == there) == same_operation && streams_.try_emplace(stream, there).first->second == there;
}

bool ProgramCheck::equal_transfers(const Operation& op, const Operation& there, const Permutation& image) {
  const workloads::Transfer &a = op.transfer, &b = there.transfer;
  if (a.bytes != b.bytes || a.weight != b.weight || a.kernel != b.kernel || a.extra_latency != b.extra_latency ||
      a.latency_mode != b.latency_mode || a.rate_cap != b.rate_cap || op.legs.size() != there.legs.size())
    return false;
  const workloads::MovedEnds moved(symmetry_.ranks(), image);
  legs_ = op.legs;
  for (workloads::Leg& l : legs_) l = {moved(l.from), moved(l.to), l.share};
  legs_there_ = there.legs;
  sort_legs(legs_);
  sort_legs(legs_there_);
  return std::equal(legs_.begin(), legs_.end(), legs_there_.begin(), legs_there_.end(),
                    [](const auto& x, const auto& y) { return order_of(x) == order_of(y); });
}

bool ProgramCheck::equal_after(const Operation& op, const Operation& there, const Permutation& image) const {
  if (op.after.size() != there.after.size()) return false;
  std::vector<OpId> moved, expected = there.after;
  for (const OpId id : op.after) moved.push_back(symmetry_.image(id, image));
  std::sort(moved.begin(), moved.end());
  std::sort(expected.begin(), expected.end());
  return moved == expected;
}

}  // namespace weft::engine
