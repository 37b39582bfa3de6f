// An OverlapPlan says in which order a GPU works through a layer of its micro-batches, and what its exchanges and kernels wait for.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "sim/core/units.h"
#include "workloads/inference/deployment.h"

namespace weft::workloads::inference {

/// What a layer is made of. The last three are exchanges between GPUs; all else is computed.
enum class Piece : std::uint8_t {
  attention,          ///< prefill, or decode without a split: up to the router
  attention_before,   ///< decode: up to the core of attention
  attention_after,    ///< decode: the core, output projection and router
  shared, experts,
  dispatch_send, dispatch_receive, combine_send, combine_receive,   ///< decode: the kernels at the ends of an exchange
  dispatch, combine, tensor_sum,
  count
};
constexpr bool is_exchange(Piece p) { return p >= Piece::dispatch; }
std::string to_text(Piece p);

enum class Overlap : std::uint8_t {
  none,                ///< one micro-batch, nothing beside an exchange
  two_micro_batches,   ///< prefill: arXiv:2505.09343 2.3.1, deepseek-ai/profile-data assets/prefill.jpg
  five_stages,         ///< decode: the same, assets/decode.jpg
};
std::string to_text(Overlap o);
std::vector<std::string> overlap_names(Stage stage);

/// A piece in its place: `after` are positions in the plan of one period; those at or behind the own place are of the period before.
struct PlannedPiece {
  Piece piece;
  std::uint8_t micro_batch = 0;
  std::vector<std::uint32_t> after;
};

struct OverlapPlan {
  std::uint32_t micro_batches = 1;
  /// One period: a layer of every micro-batch. Computing pieces run in this order on one stream, exchanges in this order on another.
  std::vector<PlannedPiece> pieces;
};

/// `experts`: whether the layer has an exchange; `tensor`: whether a sum over GPUs that share heads ends attention.
OverlapPlan plan_of(Stage stage, Overlap overlap, bool experts, bool tensor);

/// How long each piece takes, of each micro-batch alike.
struct PieceTimes {
  std::array<Seconds, static_cast<std::size_t>(Piece::count)> of{};
  std::array<Seconds, static_cast<std::size_t>(Piece::count)> memory{};   ///< of it, in kernels that memory limits
  Seconds operator[](Piece p) const { return of[static_cast<std::size_t>(p)]; }
  Seconds& operator[](Piece p) { return of[static_cast<std::size_t>(p)]; }
  /// Those of `memory` as times.
  PieceTimes in_memory() const { return {memory, {}}; }
  double hbm_share(Piece p) const {
    const auto i = static_cast<std::size_t>(p);
    return of[i].value() > 0 ? memory[i] / of[i] : 0;
  }
};

/// The time from one period to the next when all GPUs are alike (a layer of all micro-batches), in max-plus arithmetic: what the engine
/// gives for the same plan and exchanges of these times.
Seconds period_of(const OverlapPlan& plan, const PieceTimes& times);

/// The computing pieces of one period, one after the other.
Seconds computing_of(const OverlapPlan& plan, const PieceTimes& times);

}  // namespace weft::workloads::inference
