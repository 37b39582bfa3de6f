// What breaks the promises of a schedule.
#include <algorithm>

#include <fmt/format.h>

#include "sim/core/error.h"
#include "workloads/training/schedule_times.h"

namespace weft::workloads::training {
namespace {

/// Counts the passes of each micro-batch at each stage, and looks at their order.
class Inspection {
 public:
  Inspection(const PipelineSchedule& s, bool fifo) : s_(s), fifo_(fifo) {}

  std::vector<std::string> problems() {
    if (!has_shape()) return std::move(found_);
    const std::size_t places = std::size_t{s_.directions} * s_.stages;
    seen_.assign(places * s_.per_direction(), {});
    expected_.assign(2 * places, 0);
    for (std::uint32_t r = 0; r < s_.ranks; ++r) {
      for (const Cell& c : s_.cells[r]) look_at(r, c);
    }
    for (std::size_t i = 0; i < seen_.size(); ++i) complain_unless_complete(i);
    if (found_.empty()) try_to_play();
    return std::move(found_);
  }

 private:
  struct Seen {
    std::uint32_t forwards = 0, backwards = 0, weights = 0;
  };

  void complain(std::string text) {
    constexpr std::size_t kEnough = 20;
    if (found_.size() < kEnough) found_.push_back(std::move(text));
  }

  bool has_shape() {
    if (s_.directions == 0 || s_.stages == 0 || s_.micro_batches % std::max(1u, s_.directions) != 0) complain("no directions, no stages, or a part of a micro-batch");
    if (s_.cells.size() != s_.ranks) complain(fmt::format("{} ranks, but cells of {}", s_.ranks, s_.cells.size()));
    if (s_.rank_of.size() != s_.directions) complain(fmt::format("{} directions, but stages of {}", s_.directions, s_.rank_of.size()));
    for (const auto& stages : s_.rank_of) {
      if (stages.size() != s_.stages) complain(fmt::format("{} stages, but ranks of {}", s_.stages, stages.size()));
      for (std::uint32_t r : stages) {
        if (r >= s_.ranks) complain(fmt::format("a stage on rank {} of {}", r, s_.ranks));
      }
    }
    return found_.empty();
  }

  std::size_t place_of(const Pass& p) const { return std::size_t{p.direction} * s_.stages + p.stage; }

  /// The counts of a pass; null when the rank has no business with it.
  Seen* seen(std::uint32_t r, const Cell& c, const Pass& p) {
    if (p.direction >= s_.directions || p.stage >= s_.stages || p.micro_batch >= s_.per_direction()) {
      complain(fmt::format("rank {}: {} is beyond the schedule", r, to_text(c, s_)));
      return nullptr;
    }
    if (s_.rank_of[p.direction][p.stage] != r) {
      complain(fmt::format("rank {}: {} is at a stage of rank {}", r, to_text(c, s_), s_.rank_of[p.direction][p.stage]));
      return nullptr;
    }
    return &seen_[place_of(p) * s_.per_direction() + p.micro_batch];
  }

  void in_order(std::uint32_t r, const Cell& c, const Pass& p, bool backward) {
    std::uint32_t& expected = expected_[2 * place_of(p) + backward];
    if (fifo_ && p.micro_batch != expected) complain(fmt::format("rank {}: {} comes before micro-batch {}", r, to_text(c, s_), expected));
    expected = p.micro_batch + 1;
  }

  void look_at(std::uint32_t r, const Cell& c) {
    if (c.has_forward()) {
      if (Seen* n = seen(r, c, c.forward)) ++n->forwards, in_order(r, c, c.forward, false);
    }
    if (!c.has_backward() && !c.has_weight()) return;
    Seen* n = seen(r, c, c.backward);
    if (n == nullptr) return;
    if (c.kind == CellKind::overlapped && c.forward == c.backward) complain(fmt::format("rank {}: {} is beside its own forward", r, to_text(c, s_)));
    if (c.has_backward()) {
      if (n->forwards == 0) complain(fmt::format("rank {}: {} comes before its forward", r, to_text(c, s_)));
      ++n->backwards;
      in_order(r, c, c.backward, true);
    }
    if (c.has_weight()) {
      if (n->backwards == 0) complain(fmt::format("rank {}: {} comes before the gradients of the inputs", r, to_text(c, s_)));
      ++n->weights;
    }
  }

  void complain_unless_complete(std::size_t i) {
    const Seen& n = seen_[i];
    if (n.forwards == 1 && n.backwards == 1 && n.weights == 1) return;
    const std::size_t place = i / s_.per_direction();
    complain(fmt::format("micro-batch {} of direction {} has at stage {} {} forwards, {} backwards of the inputs and {} of the weights", i % s_.per_direction(),
                         place / s_.stages, place % s_.stages, n.forwards, n.backwards, n.weights));
  }

  void try_to_play() {
    try {
      play(s_, CellTimes{Seconds(1), Seconds(1), Seconds(1), {}, {}});
    } catch (const RunError& e) {
      complain(e.what());
    }
  }

  const PipelineSchedule& s_;
  bool fifo_;
  std::vector<Seen> seen_;                 ///< by direction, stage, micro-batch
  std::vector<std::uint32_t> expected_;    ///< by direction, stage, forward or backward: the micro-batch whose turn it is
  std::vector<std::string> found_;
};

}  // namespace

std::vector<std::string> problems_of(const PipelineSchedule& schedule, bool fifo) { return Inspection(schedule, fifo).problems(); }

}  // namespace weft::workloads::training
