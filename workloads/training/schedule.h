// A PipelineSchedule: which rank works on which pass of which micro-batch in which order; and the kinds of schedules that weft knows.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sim/core/units.h"

namespace weft::workloads::training {

/// F, B (inputs and weights at once), Bi (gradients of the inputs alone), W (of the weights alone), FB (a forward beside a full backward).
enum class CellKind : std::uint8_t { forward, backward, backward_input, weight, overlapped };

/// One micro-batch at one stage.
struct Pass {
  std::uint32_t direction = 0;
  std::uint32_t micro_batch = 0;   ///< counted within its direction
  std::uint32_t stage = 0;         ///< counted along its direction: every direction enters at stage 0
  friend bool operator==(const Pass&, const Pass&) = default;
};

/// What a rank does at one go. An overlapped cell has both passes, a forward has `forward`, all others have `backward`.
struct Cell {
  CellKind kind = CellKind::forward;
  Pass forward, backward;
  bool has_forward() const { return kind == CellKind::forward || kind == CellKind::overlapped; }
  /// Gradients of the inputs, with or without those of the weights.
  bool has_backward() const { return kind == CellKind::backward || kind == CellKind::backward_input || kind == CellKind::overlapped; }
  /// Gradients of the weights, with or without those of the inputs.
  bool has_weight() const { return kind == CellKind::backward || kind == CellKind::weight || kind == CellKind::overlapped; }
  friend bool operator==(const Cell&, const Cell&) = default;
};

struct PipelineSchedule {
  std::string name;
  std::uint32_t ranks = 0;
  std::uint32_t stages = 0;         ///< of a direction
  std::uint32_t directions = 1;
  std::uint32_t micro_batches = 0;  ///< in all directions
  std::vector<std::vector<Cell>> cells;             ///< by rank, in order
  std::vector<std::vector<std::uint32_t>> rank_of;  ///< [direction][stage]

  std::uint32_t per_direction() const { return micro_batches / directions; }
  /// Copies of the model that the ranks hold together: each direction has its own.
  std::uint32_t model_copies() const { return directions; }
};

/// What a schedule is made from.
struct ScheduleParameters {
  std::uint32_t ranks = 1;
  std::uint32_t micro_batches = 1;
  std::uint32_t chunks = 2;   ///< stages that a rank holds, where the kind lets one choose (interleaved 1F1B)
};

/// How long the cells of one stage take, the same on every stage.
struct CellTimes {
  Seconds forward, backward_input, weight;
  std::optional<Seconds> backward;     ///< default: inputs, then weights
  std::optional<Seconds> overlapped;   ///< default: a forward, then a full backward
  Seconds full_backward() const { return backward.value_or(backward_input + weight); }
  Seconds pair() const { return overlapped.value_or(forward + full_backward()); }
  Seconds of(CellKind kind) const;
};

/// All times multiplied.
CellTimes scaled(const CellTimes& times, double factor);

/// A kind of schedule with what has been published of it. Formulas count stages: F, b, w, B, FB are times of one stage.
struct ScheduleKind {
  std::string name, title, summary, source;
  std::string constraints;            ///< on ranks and micro-batches, in words
  std::string bubble_formula;         ///< as published
  std::string activations_formula;    ///< as published, in activations of one stage
  std::string exact_region;           ///< where `exact_bubble` holds
  bool fifo = true;                   ///< published as first in, first out: each stage takes its micro-batches in order, forward and backward
  bool takes_chunks = false;          ///< looks at ScheduleParameters::chunks
  bool overlaps = false;              ///< has cells of kind overlapped
  /// Throws UserError (places "pp", "micro_batches", "chunks") where the constraints are not met.
  std::function<void(const ScheduleParameters&)> check;
  /// Checks first.
  std::function<PipelineSchedule(const ScheduleParameters&)> make;
  /// Idle time of a rank by the published formula, whatever the region.
  std::function<Seconds(const ScheduleParameters&, const CellTimes&)> published_bubble;
  /// Activations of one stage that the fullest rank holds at once, as published.
  std::function<std::uint32_t(const ScheduleParameters&)> published_activations;
  /// Idle time of a rank within the makespan when cells are played without hop time; nothing outside the region where the form is exact.
  std::function<std::optional<Seconds>(const ScheduleParameters&, const CellTimes&, std::uint32_t rank)> exact_bubble;
};

/// All kinds, in the order of workloads/meson.build.
const std::vector<ScheduleKind>& schedule_kinds();

/// By name; throws UserError (at `place`) that names the known ones.
const ScheduleKind& schedule_named(const std::string& name, const std::string& place);

/// "F", "B", "Bi", "W", "FB".
std::string to_text(CellKind kind);
/// "F+3", "Bi-0", "FB[+3|-1]": + is direction 0, or where a rank holds two stages of one direction its first; - the other; with more than
/// two stages of one direction on a rank the stage stands behind: "F3@12".
std::string to_text(const Cell& cell, const PipelineSchedule& schedule);

}  // namespace weft::workloads::training
