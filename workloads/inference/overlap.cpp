#include "workloads/inference/overlap.h"

#include <algorithm>

#include "sim/core/error.h"

namespace weft::workloads::inference {
namespace {

/// Puts pieces of a period down by name and then says what waits for what.
class Planner {
 public:
  explicit Planner(std::uint32_t micro_batches) { plan_.micro_batches = micro_batches; }
  void add(Piece p, std::uint32_t micro_batch = 0) { plan_.pieces.push_back({p, static_cast<std::uint8_t>(micro_batch), {}}); }

  /// `later` of a micro-batch waits for `earlier` of it; nothing when the plan lacks one.
  void chain(Piece earlier, Piece later) {
    for (std::uint32_t b = 0; b < plan_.micro_batches; ++b) {
      const std::int64_t from = find(earlier, b), to = find(later, b);
      if (from >= 0 && to >= 0) plan_.pieces[static_cast<std::size_t>(to)].after.push_back(static_cast<std::uint32_t>(from));
    }
  }
  OverlapPlan take() { return std::move(plan_); }

 private:
  std::int64_t find(Piece p, std::uint32_t micro_batch) const {
    for (std::size_t i = 0; i < plan_.pieces.size(); ++i) {
      if (plan_.pieces[i].piece == p && plan_.pieces[i].micro_batch == micro_batch) return static_cast<std::int64_t>(i);
    }
    return -1;
  }
  OverlapPlan plan_;
};

/// What follows what in a layer of one micro-batch, whatever the order between micro-batches.
void chain_layer(Planner& p, Stage stage, bool tensor) {
  const Piece last = stage == Stage::decode ? Piece::attention_after : Piece::attention;
  const Piece first = stage == Stage::decode ? Piece::attention_before : Piece::attention;
  p.chain(Piece::attention_before, Piece::attention_after);
  p.chain(last, Piece::tensor_sum);
  const Piece summed = tensor ? Piece::tensor_sum : last;
  p.chain(summed, Piece::shared);
  p.chain(summed, Piece::dispatch_send);
  p.chain(stage == Stage::decode ? Piece::dispatch_send : summed, Piece::dispatch);
  p.chain(Piece::dispatch, Piece::dispatch_receive);
  p.chain(Piece::dispatch, Piece::experts);
  p.chain(Piece::combine_send, Piece::combine);
  p.chain(Piece::experts, Piece::combine);
  p.chain(Piece::combine, Piece::combine_receive);
  p.chain(Piece::combine, first);
  p.chain(Piece::shared, first);
}

void compute(Planner& p, Stage stage, std::uint32_t b) {
  if (stage == Stage::decode) p.add(Piece::attention_before, b), p.add(Piece::attention_after, b);
  else p.add(Piece::attention, b);
}

OverlapPlan one_after_the_other(Stage stage, bool experts, bool tensor) {
  Planner p(1);
  const bool ends = experts && stage == Stage::decode;
  if (ends) p.add(Piece::combine_receive);
  compute(p, stage, 0);
  if (tensor) p.add(Piece::tensor_sum);
  if (ends) p.add(Piece::dispatch_send);
  if (experts) p.add(Piece::dispatch);
  if (ends) p.add(Piece::dispatch_receive);
  p.add(Piece::experts);
  if (ends) p.add(Piece::combine_send);
  if (experts) p.add(Piece::combine);
  p.add(Piece::shared);
  chain_layer(p, stage, tensor);
  if (experts) p.chain(Piece::combine, Piece::shared);   // nothing beside an exchange
  else p.chain(tensor ? Piece::tensor_sum : stage == Stage::decode ? Piece::attention_after : Piece::attention, Piece::experts);
  return p.take();
}

/// ATTN1 SHARED0 ATTN0 MLP1 MLP0 SHARED1 beside COMBINE0 DISPATCH1 DISPATCH0 COMBINE1.
OverlapPlan prefill_of_two(bool tensor) {
  Planner p(2);
  p.add(Piece::combine, 0);
  p.add(Piece::attention, 1);
  if (tensor) p.add(Piece::tensor_sum, 1);
  p.add(Piece::dispatch, 1);
  p.add(Piece::shared, 0);
  p.add(Piece::attention, 0);
  if (tensor) p.add(Piece::tensor_sum, 0);
  p.add(Piece::dispatch, 0);
  p.add(Piece::experts, 1);
  p.add(Piece::combine, 1);
  p.add(Piece::experts, 0);
  p.add(Piece::shared, 1);
  chain_layer(p, Stage::prefill, tensor);
  return p.take();
}

/// SHARED0 ATTN-0(1) MLP0 ATTN-1(1) SHARED1 ATTN-0(0) MLP1 ATTN-1(0), with the kernels at the ends of the exchanges where these begin and end.
OverlapPlan decode_of_two(bool tensor) {
  Planner p(2);
  for (std::uint32_t b = 0; b < 2; ++b) {
    const std::uint32_t other = 1 - b;
    p.add(Piece::dispatch, b);
    p.add(Piece::shared, b);
    p.add(Piece::combine_receive, other);
    p.add(Piece::attention_before, other);
    p.add(Piece::dispatch_receive, b);
    p.add(Piece::experts, b);
    p.add(Piece::combine_send, b);
    p.add(Piece::combine, b);
    p.add(Piece::attention_after, other);
    if (tensor) p.add(Piece::tensor_sum, other);
    p.add(Piece::dispatch_send, other);
  }
  chain_layer(p, Stage::decode, tensor);
  return p.take();
}

}  // namespace

std::string to_text(Piece p) {
  static const char* const kNames[] = {"attention", "attention_before", "attention_after", "shared", "experts", "dispatch_send", "dispatch_receive",
                                       "combine_send", "combine_receive", "dispatch", "combine", "tensor_sum"};
  return kNames[static_cast<std::size_t>(p)];
}

std::string to_text(Overlap o) {
  static const char* const kNames[] = {"none", "two_micro_batches", "five_stages"};
  return kNames[static_cast<std::size_t>(o)];
}

std::vector<std::string> overlap_names(Stage stage) { return {stage == Stage::decode ? "five_stages" : "two_micro_batches", "none"}; }

OverlapPlan plan_of(Stage stage, Overlap overlap, bool experts, bool tensor) {
  if (overlap == Overlap::none || !experts) return one_after_the_other(stage, experts, tensor);
  WEFT_CHECK((overlap == Overlap::five_stages) == (stage == Stage::decode), "an overlap of this stage");
  return stage == Stage::decode ? decode_of_two(tensor) : prefill_of_two(tensor);
}

Seconds computing_of(const OverlapPlan& plan, const PieceTimes& times) {
  Seconds sum;
  for (const PlannedPiece& p : plan.pieces) {
    if (!is_exchange(p.piece)) sum += times[p.piece];
  }
  return sum;
}

Seconds period_of(const OverlapPlan& plan, const PieceTimes& times) {
  // A cycle of the plan goes back one period for each of its turns and there are few pieces, so that a few periods find the slowest one; the
  // mean over many more than any cycle is long levels what alternates.
  constexpr int kSettle = 16, kMean = 48;
  std::vector<Seconds> before(plan.pieces.size()), now(plan.pieces.size());
  Seconds computed, exchanged, settled;
  for (int period = 0; period < kSettle + kMean; ++period) {
    for (std::uint32_t i = 0; i < plan.pieces.size(); ++i) {
      const PlannedPiece& p = plan.pieces[i];
      Seconds& stream = is_exchange(p.piece) ? exchanged : computed;
      Seconds start = stream;
      for (const std::uint32_t a : p.after) start = std::max(start, a < i ? now[a] : before[a]);
      stream = now[i] = start + times[p.piece];
    }
    before = now;
    if (period + 1 == kSettle) settled = std::max(computed, exchanged);
  }
  return (std::max(computed, exchanged) - settled) / kMean;
}

}  // namespace weft::workloads::inference
