#include "workloads/training/schedule_times.h"

#include <algorithm>
#include <deque>

#include <fmt/format.h>

#include "sim/core/error.h"

namespace weft::workloads::training {
namespace {

/// When each pass was done, forward and backward; not yet: below 0.
class Finished {
 public:
  explicit Finished(const PipelineSchedule& s)
      : s_(s), forward_(std::size_t{s.directions} * s.stages * s.per_direction(), -1.0), backward_(forward_) {}

  double& forward(const Pass& p) { return forward_[at(p)]; }
  double& backward(const Pass& p) { return backward_[at(p)]; }

 private:
  std::size_t at(const Pass& p) const { return (std::size_t{p.direction} * s_.stages + p.stage) * s_.per_direction() + p.micro_batch; }

  const PipelineSchedule& s_;
  std::vector<double> forward_, backward_;
};

/// Runs every rank as far as it can go; ranks that a neighbour has fed are looked at again.
class Player {
 public:
  Player(const PipelineSchedule& s, const CellDuration& duration, Seconds hop)
      : s_(s), duration_(duration), hop_(hop), finished_(s), next_(s.ranks), free_(s.ranks), queued_(s.ranks, true) {
    played_.cells.resize(s.ranks);
    for (std::uint32_t r = 0; r < s.ranks; ++r) queue_.push_back(r), played_.cells[r].reserve(s.cells[r].size());
  }

  PlayedSchedule played() {
    while (!queue_.empty()) {
      const std::uint32_t r = queue_.front();
      queue_.pop_front();
      queued_[r] = false;
      while (next_[r] < s_.cells[r].size() && step(r)) {}
    }
    refuse_deadlock();
    sum_up();
    return std::move(played_);
  }

 private:
  /// Starts the next cell of a rank; false when its inputs are not there yet.
  bool step(std::uint32_t r) {
    const Cell& c = s_.cells[r][next_[r]];
    double ready = free_[r];
    if (!waits(c, r, ready).empty()) return false;
    const Seconds takes = duration_(c, r);
    WEFT_CHECK(takes.value() >= 0, "a cell takes less than no time");
    const double end = ready + takes.value();
    played_.cells[r].push_back({Seconds(ready), Seconds(end)});
    free_[r] = end;
    ++next_[r];
    if (c.has_forward()) done(finished_.forward(c.forward), end, c.forward, +1);
    if (c.has_backward()) done(finished_.backward(c.backward), end, c.backward, -1);
    return true;
  }

  /// Raises `ready` to when the inputs of a cell are there; says what it waits for while they are not.
  std::string waits(const Cell& c, std::uint32_t r, double& ready) {
    std::string missing;
    const auto need = [&](double at, const Pass& p, const char* what) {
      const bool far = s_.rank_of[p.direction][p.stage] != r;
      if (at < 0) missing = fmt::format("the {} of micro-batch {} of direction {} at stage {}", what, p.micro_batch, p.direction, p.stage);
      else ready = std::max(ready, at + (far ? hop_.value() : 0));
    };
    if (c.has_forward() && c.forward.stage > 0) {
      const Pass before{c.forward.direction, c.forward.micro_batch, c.forward.stage - 1};
      need(finished_.forward(before), before, "forward");
    }
    if (c.has_backward()) {
      need(finished_.forward(c.backward), c.backward, "forward");
      if (const Pass behind{c.backward.direction, c.backward.micro_batch, c.backward.stage + 1}; behind.stage < s_.stages) {
        need(finished_.backward(behind), behind, "backward");
      }
    }
    if (c.kind == CellKind::weight) need(finished_.backward(c.backward), c.backward, "backward");
    return missing;
  }

  /// Notes that a pass is done and wakes the rank that takes its output.
  void done(double& when, double end, const Pass& p, int to) {
    when = end;
    if (to < 0 && p.stage == 0) return;
    const std::uint32_t stage = p.stage + static_cast<std::uint32_t>(to);
    if (stage >= s_.stages) return;
    const std::uint32_t r = s_.rank_of[p.direction][stage];
    if (!queued_[r]) queued_[r] = true, queue_.push_back(r);
  }

  void refuse_deadlock() {
    for (std::uint32_t r = 0; r < s_.ranks; ++r) {
      if (next_[r] == s_.cells[r].size()) continue;
      const Cell& c = s_.cells[r][next_[r]];
      double ready = 0;
      throw RunError(fmt::format("schedule {} cannot be played: rank {} waits at cell {} ({}) for {}", s_.name, r, next_[r], to_text(c, s_), waits(c, r, ready)));
    }
  }

  void sum_up() {
    const auto end = std::max_element(free_.begin(), free_.end());
    played_.makespan = Seconds(end == free_.end() ? 0 : *end);
    for (std::uint32_t r = 0; r < s_.ranks; ++r) {
      const std::vector<CellSpan>& spans = played_.cells[r];
      Seconds busy, inner;
      for (std::size_t i = 0; i < spans.size(); ++i) {
        busy += spans[i].finish - spans[i].start;
        if (i > 0) inner += spans[i].start - spans[i - 1].finish;
      }
      played_.bubble.push_back(played_.makespan - busy);
      played_.inner_bubble.push_back(inner);
      count_activations(s_.cells[r]);
    }
  }

  void count_activations(const std::vector<Cell>& cells) {
    std::uint32_t live = 0, kept = 0, most_live = 0, most_kept = 0;
    for (const Cell& c : cells) {
      if (c.has_forward()) most_live = std::max(most_live, ++live), most_kept = std::max(most_kept, ++kept);
      if (c.has_backward()) --live;
      if (c.has_weight()) --kept;
    }
    played_.peak_activations.push_back(most_live);
    played_.peak_until_weights.push_back(most_kept);
  }

  const PipelineSchedule& s_;
  const CellDuration& duration_;
  Seconds hop_;
  Finished finished_;
  std::vector<std::size_t> next_;
  std::vector<double> free_;
  std::vector<bool> queued_;
  std::deque<std::uint32_t> queue_;
  PlayedSchedule played_;
};

}  // namespace

Seconds PlayedSchedule::mean_bubble() const {
  Seconds sum;
  for (Seconds b : bubble) sum += b;
  return bubble.empty() ? sum : sum / static_cast<double>(bubble.size());
}

PlayedSchedule play(const PipelineSchedule& schedule, const CellDuration& duration, Seconds hop) { return Player(schedule, duration, hop).played(); }

PlayedSchedule play(const PipelineSchedule& schedule, const CellTimes& times, Seconds hop) {
  return play(schedule, [&](const Cell& c, std::uint32_t) { return times.of(c.kind); }, hop);
}

}  // namespace weft::workloads::training
