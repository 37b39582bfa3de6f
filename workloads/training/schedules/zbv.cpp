// ZB-V: two stages a rank, laid out as a V, and split backwards: no rank waits between its first and its last cell when F = b = w.
#include <algorithm>

#include "workloads/training/schedules/support.h"

namespace weft::workloads::training {
namespace {

/// The cells of one rank: `down` is its stage on the way down the V, `up` on the way back.
class VOrder {
 public:
  VOrder(const ScheduleParameters& p, std::uint32_t rank, std::vector<Cell>& cells)
      : down_{rank}, up_{2 * p.ranks - 1 - rank}, ranks_(p.ranks), rank_(rank), wanted_(p.micro_batches), cells_(cells) {}

  void fill() {
    // The order is that of a full pipeline; with fewer micro-batches the cells of those beyond are left out.
    const std::uint32_t full = std::max(2 * ranks_ - 1, wanted_);
    for (std::uint32_t i = 0; i < 2 * (ranks_ - rank_) - 1; ++i) forward(down_);
    for (std::uint32_t i = 0; i < rank_; ++i) forward(up_), forward(down_);
    for (std::uint32_t i = 0; i < ranks_ - rank_; ++i) forward(up_), input(up_), weight(up_);
    while (up_.forwards < down_.forwards || down_.forwards < full) {
      if (down_.forwards < full) forward(down_);
      input(down_), weight(down_);
      forward(up_), input(up_), weight(up_);
    }
    for (std::uint32_t i = 0; i < rank_; ++i) input(down_), input(up_);
    for (std::uint32_t i = 0; i < ranks_ - rank_; ++i) input(down_), weight(down_);
    while (up_.weights < up_.inputs) weight(up_);
    while (down_.weights < down_.inputs) weight(down_);
  }

 private:
  struct Leg {
    std::uint32_t stage;
    std::uint32_t forwards = 0, inputs = 0, weights = 0;
  };

  void put(const Cell& cell, std::uint32_t micro_batch) {
    if (micro_batch < wanted_) cells_.push_back(cell);
  }
  void forward(Leg& leg) { put(forward_cell(leg.forwards, leg.stage), leg.forwards), ++leg.forwards; }
  void input(Leg& leg) { put(backward_cell(CellKind::backward_input, leg.inputs, leg.stage), leg.inputs), ++leg.inputs; }
  void weight(Leg& leg) { put(backward_cell(CellKind::weight, leg.weights, leg.stage), leg.weights), ++leg.weights; }

  Leg down_, up_;
  std::uint32_t ranks_, rank_, wanted_;
  std::vector<Cell>& cells_;
};

void check(const ScheduleParameters& p) { require_sizes(p, 2); }

PipelineSchedule make(const ScheduleParameters& p) {
  check(p);
  PipelineSchedule s = one_direction("zbv", p, 2 * p.ranks, [&](std::uint32_t stage) { return stage < p.ranks ? stage : 2 * p.ranks - 1 - stage; });
  for (std::uint32_t r = 0; r < p.ranks; ++r) VOrder(p, r, s.cells[r]).fill();
  return s;
}

/// With F = b = w rank r begins after r forwards and then never waits: it idles (PP-1) F around its own cells.
std::optional<Seconds> exact(const ScheduleParameters& p, const CellTimes& t, std::uint32_t) {
  if (!same_time(t.forward, t.backward_input) || !same_time(t.forward, t.weight) || p.micro_batches + 1 < 2 * p.ranks) return std::nullopt;
  return (p.ranks - 1.0) * t.forward;
}

}  // namespace

ScheduleKind zbv_schedule() {
  ScheduleKind k;
  k.name = "zbv";
  k.title = "ZB-V";
  k.summary = "Each rank holds a stage on the way down and one on the way back, and splits its backwards: with F = b = w no rank waits between its first and "
              "last cell, for the activations of 1F1B. Ranks begin and end one after the other, which a makespan counts as (PP-1) F.";
  k.source = "arXiv:2405.15362 (ZB-V); sail-sg/zero-bubble-pipeline-parallelism README.md; order of cells: pytorch/pytorch torch/distributed/pipelining/schedules.py";
  k.constraints = "any; zero bubble from M = 2 PP - 1 on";
  k.bubble_formula = "none between a rank's first and last cell when F = b = w";
  k.activations_formula = "2 PP (of half the size: as 1F1B)";
  k.exact_region = "F = b = w, M >= 2 PP - 1";
  k.check = check;
  k.make = make;
  k.published_bubble = [](const ScheduleParameters&, const CellTimes&) { return Seconds(0); };
  k.published_activations = [](const ScheduleParameters& p) { return std::min(2 * p.ranks, 2 * p.micro_batches); };
  k.exact_bubble = exact;
  return k;
}

}  // namespace weft::workloads::training
