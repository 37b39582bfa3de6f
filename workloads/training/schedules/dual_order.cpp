#include "workloads/training/schedules/dual_order.h"

#include <algorithm>
#include <deque>

#include "sim/core/error.h"
#include "workloads/training/schedules/support.h"

namespace weft::workloads::training {
namespace {

/// Counts the passes of both phases and queues the weights that wait.
class DualOrder {
 public:
  explicit DualOrder(const DualPlace& place) : place_(place) {}

  std::vector<Cell> cells() {
    const std::uint32_t n = place_.half, h = place_.depth, beyond = n - h - 1;
    for (std::uint32_t i = 0; i < 2 * beyond; ++i) forward(0);
    for (std::uint32_t i = 0; i < h + 1; ++i) forward(0), forward(1);
    for (std::uint32_t i = 0; i < beyond; ++i) backward(1, true), weight(), forward(1);
    for (std::uint32_t i = 0; i < place_.micro_batches - 2 * n + h + 1; ++i) {
      // Where the phases meet the first backward has no forward beside it yet.
      if (i == 0 && beyond == 0) forward(0), backward(1, false);
      else overlapped(0, 1);
      overlapped(1, 0);
    }
    for (std::uint32_t i = 0; i < beyond; ++i) backward(1, false), overlapped(1, 0);
    drain(h);
    for (std::uint32_t i = 0; i < beyond; ++i) weight(), backward(0, true);
    for (std::uint32_t i = 0; i < h + 1; ++i) weight();
    WEFT_CHECK(waiting_.empty(), "weights are left in the queue");
    for (int phase : {0, 1}) {
      WEFT_CHECK(forwards_[phase] == place_.micro_batches && backwards_[phase] == place_.micro_batches, "a phase is not complete");
    }
    return std::move(cells_);
  }

 private:
  /// Backwards of both phases in turn; from the middle on their weights wait.
  void drain(std::uint32_t h) {
    bool wait = false;
    for (std::uint32_t i = 0; i < h + 1; ++i) {
      const bool middle = i == (h + 1) / 2;
      if (middle && h % 2 == 1) wait = true;
      backward(1, wait);
      if (middle && h % 2 == 0) wait = true;
      backward(0, wait);
    }
  }

  Pass next(int phase, std::array<std::uint32_t, 2>& count) {
    Pass p = place_.phase[phase];
    p.micro_batch = count[phase]++;
    return p;
  }
  void forward(int phase) { cells_.push_back({CellKind::forward, next(phase, forwards_), {}}); }
  void backward(int phase, bool weights_wait) {
    const Pass p = next(phase, backwards_);
    cells_.push_back({weights_wait ? CellKind::backward_input : CellKind::backward, {}, p});
    if (weights_wait) waiting_.push_back(p);
  }
  void overlapped(int forward_phase, int backward_phase) {
    const Pass f = next(forward_phase, forwards_);
    cells_.push_back({CellKind::overlapped, f, next(backward_phase, backwards_)});
  }
  void weight() {
    WEFT_CHECK(!waiting_.empty(), "no weights wait");
    cells_.push_back({CellKind::weight, {}, waiting_.front()});
    waiting_.pop_front();
  }

  const DualPlace& place_;
  std::array<std::uint32_t, 2> forwards_{}, backwards_{};
  std::deque<Pass> waiting_;
  std::vector<Cell> cells_;
};

}  // namespace

std::vector<Cell> dual_order(const DualPlace& place) { return DualOrder(place).cells(); }

Seconds dual_published_bubble(std::uint32_t half, const CellTimes& t) {
  return (half - 1.0) * (t.pair() + t.full_backward() - 3 * t.weight);
}

std::optional<Seconds> dual_exact_bubble(std::uint32_t half, std::uint32_t depth, const CellTimes& t) {
  const Seconds f = t.forward, b = t.backward_input, w = t.weight, fb = t.pair();
  const auto at_most = [](Seconds x, Seconds y) { return x <= y || same_time(x, y); };
  if (!same_time(t.full_backward(), b + w)) return std::nullopt;
  if (!at_most(w, f) || !at_most(f, b) || !at_most(b + w, fb) || !at_most(fb, f + b + w)) return std::nullopt;
  const double n = half - 1.0;
  return n * (fb - 2 * w) + std::max(n * b - f, n * f) - (n - 1 - std::min<double>(depth, n - 1)) * (f + b + w - fb);
}

}  // namespace weft::workloads::training
