// BatchAlone: a batch of transfers that has the fabric to itself, as classes of flows that are never listed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "sim/core/ids.h"
#include "sim/engine/fluid/batch_members.h"
#include "sim/engine/fluid/batch_refine.h"
#include "sim/engine/fluid/heap.h"
#include "sim/engine/fluid/solver.h"

namespace weft::engine {

/// Flows of equal latency begin together, and those that an equitable partition cannot tell apart end together, so that
/// all there is to know of a flow is its group. Whoever runs it sees to it that no other flow moves.
class BatchAlone {
 public:
  BatchAlone(const topology::Router& router, Lowering& lowering, Paths& paths,
             std::shared_ptr<workloads::TransferBatch> batch, OpId first);

  /// Reads the batch; its transfers start at `now`. False when it has to be unrolled: its flows differ too much.
  bool start(double now);

  OpId first() const { return first_; }
  std::uint32_t size() const { return members_.size(); }
  workloads::TransferBatch& batch() { return *batch_; }

  /// When the next first byte moves or the next flow ends.
  double next() const { return std::min(next_begin_, finish_.top_key()); }
  /// Moves the first bytes that are due; returns how many.
  std::uint64_t begin_until(double limit, double now);
  /// Brings groups, rates and ends up to date. False when there are so many groups that it has to be unrolled.
  bool settle(double now);
  /// Flows that end until `limit` are to be told; returns how many.
  std::uint64_t finish_until(double limit);

  /// Whether flows have ended that have not been told.
  bool ending() const { return !ending_.empty(); }
  /// Calls f(k) for each transfer that has ended and has not been told, in order; as it is called, ended(k) holds.
  template <class F>
  void tell(F f);
  bool ended(std::uint32_t k) const {
    const State s = groups_[members_.group()[k]].state;
    return s == State::ended || (s == State::ending && k < told_);
  }
  bool done() const { return live_ == 0 && ending_.empty(); }

  struct Left {
    std::uint32_t k;
    bool ended;        ///< but not told
    bool moving;
    double begin;      ///< when its first byte moves, if it does not move yet
    double bytes;      ///< to go
  };
  /// Calls f(Left) for each transfer not told yet, in order, and takes what they have left off the bytes carried.
  template <class F>
  void leave(double now, F f);

  /// Adds the bytes that links carry for flows that ended, or that leave() left, by link.
  void add_carried(std::vector<double>& bytes) const;
  std::uint64_t flows_begun() const { return flows_begun_; }   ///< without those that leave() called moving
  std::uint64_t most_classes() const { return most_classes_; }
  std::uint64_t solves() const { return solves_; }

 private:
  enum class State : std::uint8_t { waiting, moving, ending, ended };
  struct Group {
    double remaining = 0, since = 0, rate = 0;    // bytes of each flow left at time `since`
    std::uint32_t kind = 0, count = 0, variable = Solver::none, cap_link = Solver::none;
    State state = State::waiting;
  };
  static constexpr std::size_t few = 8;           // so many groups are told by looking at every flow

  const BatchMembers::Kind& kind(const Group& g) const { return members_.kinds()[g.kind]; }
  double begin_of(const Group& g) const { return start_ + kind(g).latency; }
  double left_of(const Group& g, double now) const { return std::max(0.0, g.remaining - g.rate * (now - g.since)); }
  void find_next_begin();
  bool regroup(double now);
  void join(std::uint32_t group);
  void end(std::uint32_t group);
  void list_ending();

  const Paths& paths_;
  std::shared_ptr<workloads::TransferBatch> batch_;
  OpId first_;
  BatchMembers members_;
  BatchRefiner refiner_;
  Solver solver_;
  IndexedHeap finish_;                            // by group
  std::vector<Group> groups_;
  std::vector<std::uint8_t> moving_;              // by group
  std::vector<std::uint32_t> group_of_variable_, ending_;
  std::vector<std::uint32_t> by_group_, first_of_group_, list_;   // flows by group, made when it is needed
  std::vector<Solver::Term> terms_;
  std::vector<double> left_;                      // by stretch: bytes that leave() took off
  double start_ = 0, next_begin_ = IndexedHeap::never;
  std::uint64_t live_ = 0;                        // flows neither ending nor ended
  std::uint32_t told_ = 0;                        // of the ending ones, those below
  bool stale_ = false;                            // flows have begun since groups were split
  bool touched_ = false;                          // something began or ended since rates were found
  std::uint64_t flows_begun_ = 0, most_classes_ = 0, solves_ = 0;
};

template <class F>
void BatchAlone::tell(F f) {
  const auto tell_one = [&](std::uint32_t k) {
    told_ = k + 1;
    f(k);
  };
  told_ = 0;
  if (groups_.size() <= few) {
    const std::uint32_t* group = members_.group();
    bool ends[few] = {};
    for (const std::uint32_t g : ending_) ends[g] = true;
    for (std::uint32_t k = 0, n = size(); k < n; ++k) {
      if (ends[group[k]]) tell_one(k);
    }
  } else {
    list_ending();
    for (const std::uint32_t k : list_) tell_one(k);
  }
  for (const std::uint32_t g : ending_) groups_[g].state = State::ended;
  ending_.clear();
  told_ = 0;
}

template <class F>
void BatchAlone::leave(double now, F f) {
  left_.assign(members_.stretches(), 0);
  for (Group& g : groups_) {
    if (g.state != State::moving) continue;
    g.remaining = left_of(g, now);
    g.since = now;
    flows_begun_ -= g.count;
  }
  for (std::uint32_t k = 0; k < size(); ++k) {
    const Group& g = groups_[members_.group()[k]];
    if (g.state == State::ended) continue;
    const bool ended = g.state == State::ending;
    const Left left{k, ended, g.state == State::moving, begin_of(g), ended ? 0 : g.state == State::moving ? g.remaining : kind(g).bytes};
    left_[members_.near()[k]] += left.bytes;
    left_[members_.far()[k]] += left.bytes;
    f(left);
  }
}

}  // namespace weft::engine
