// Walk: plays a Program as if nothing ever had to share, operation after operation in order of time.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <span>
#include <vector>

#include "workloads/program.h"

namespace weft::analysis {

/// Every operation starts when those before it have finished and takes its own minimum. The time at which the last one
/// finishes is the longest chain of the program.
class Walk final : public workloads::Sink {
 public:
  /// `minimum` gives the seconds that a transfer takes at least; called once per transfer, when it is emitted.
  explicit Walk(std::function<double(const workloads::Transfer&)> minimum) : minimum_(std::move(minimum)) {}

  /// Seconds of the longest chain. Operations that wait for ones that are never emitted are left out.
  double run(workloads::Program& program);

 private:
  struct Node {
    double duration = 0;
    std::uint32_t waiting = 0;
    std::uint32_t waiters = none;    // list in edges_
    bool known = false, finished = false;
  };
  struct Edge {
    std::uint32_t to, next;
  };
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  /// Operations that end at one time. Most have company, so only bunches are ordered.
  struct Bunch {
    double time;
    std::uint32_t list;
    bool operator>(const Bunch& o) const { return time > o.time; }
  };

  void due_at(double time, std::uint32_t id);
  void take_due();
  void transfer(const workloads::Transfer& t, std::span<const OpId> after) override;
  void compute(const workloads::Compute& c, std::span<const OpId> after) override;
  void marker(OpId id, Seconds delay, std::span<const OpId> after) override;
  void add(OpId id, double duration, std::span<const OpId> after, OpId and_after);
  void wait_for(std::uint32_t id, OpId before);
  void finish(std::uint32_t id);

  std::function<double(const workloads::Transfer&)> minimum_;
  std::vector<Node> nodes_;          // by id
  std::vector<Edge> edges_;
  std::vector<OpId> stream_last_;
  std::priority_queue<Bunch, std::vector<Bunch>, std::greater<>> due_;
  std::vector<std::vector<std::uint32_t>> lists_;      // of ids
  std::vector<std::uint32_t> free_lists_, ending_;
  Bunch latest_{-1, none};           // the bunch that was opened last, as long as it waits
  double now_ = 0;
};

}  // namespace weft::analysis
