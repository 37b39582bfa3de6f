// Walk: plays a Program as if nothing ever had to share, operation after operation in order of time.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "sim/analysis/due.h"
#include "sim/analysis/id_set.h"
#include "sim/analysis/ledger.h"
#include "workloads/program.h"

namespace weft::analysis {

/// Every operation starts when those before it have finished and takes its own minimum. The time at which the last one
/// finishes is the longest chain of the program. Memory follows what waits: an operation that neither waits nor is waited for costs
/// a bit, and when it ends together with its neighbours nothing more.
class Walk final : public workloads::Sink {
 public:
  /// `minimum` gives the seconds that a transfer takes at least; called once per transfer, when it is emitted. Operations are
  /// entered in `ledger` unless it is null.
  explicit Walk(std::function<double(const workloads::Transfer&)> minimum, Ledger* ledger = nullptr)
      : minimum_(std::move(minimum)), ledger_(ledger) {}

  /// Seconds of the longest chain. Operations that wait for ones that are never emitted are left out.
  double run(workloads::Program& program);

 private:
  /// An operation that waits, or that others wait for.
  struct Node {
    std::uint32_t id = 0;
    std::uint32_t waiting = 0;
    std::uint32_t waiters = none;    // list in edges_
    double duration = 0;
    bool emitted = false;
  };
  struct Edge {
    std::uint32_t to, next;          // a node
  };
  static constexpr std::uint32_t none = IdMap::none;

  void transfer(const workloads::Transfer& t, std::span<const OpId> after) override;
  void transfers(const std::shared_ptr<workloads::TransferBatch>& batch, OpId first, std::span<const OpId> after) override;
  void compute(const workloads::Compute& c, std::span<const OpId> after) override;
  void marker(OpId id, Seconds delay, std::span<const OpId> after) override;
  void add(OpId id, double duration, std::span<const OpId> after, OpId and_after);
  bool holds(OpId before) const { return before.valid() && !finished_.contains(before.value); }
  std::uint32_t node_of(std::uint32_t id);
  void wait_for(std::uint32_t node, OpId before);
  void finish(std::uint32_t id);

  std::function<double(const workloads::Transfer&)> minimum_;
  Ledger* ledger_;
  IdSet finished_;
  IdMap places_;                     // in nodes_
  std::vector<Node> nodes_;
  std::vector<Edge> edges_;
  std::vector<std::uint32_t> free_nodes_;
  std::uint32_t free_edge_ = none;
  std::vector<OpId> stream_last_;
  Due due_;
  double now_ = 0;
};

}  // namespace weft::analysis
