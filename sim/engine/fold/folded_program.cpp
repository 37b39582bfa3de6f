#include "sim/engine/fold/folded_program.h"

#include <algorithm>

#include <fmt/format.h>

#include "sim/core/error.h"

namespace weft::engine {

/// Hands operations on as often as they stand for.
class FoldedProgram::Multiplied final : public workloads::Sink {
 public:
  Multiplied(FoldedProgram& folded, workloads::Sink& to) : folded_(folded), to_(to) {}

  void transfer(const workloads::Transfer& t, std::span<const OpId> after) override {
    const double n = times(t.id);
    if (moves(t)) folded_.flows_ += static_cast<std::uint64_t>(n);
    workloads::Transfer all = t;
    all.bytes = t.bytes * n;
    all.weight = t.weight * n;
    if (t.rate_cap) all.rate_cap = *t.rate_cap * n;
    to_.transfer(all, folded(after));
  }
  void compute(const workloads::Compute& c, std::span<const OpId> after) override {
    times(c.id);
    to_.compute(c, folded(after));
  }
  void marker(OpId id, Seconds delay, std::span<const OpId> after) override {
    times(id);
    to_.marker(id, delay, folded(after));
  }

 private:
  static bool moves(const workloads::Transfer& t) {
    const auto moves = [](const workloads::Leg& l) { return l.from != l.to && l.share > 0; };
    return t.bytes.value() > 0 && (t.rate_cap || std::any_of(t.legs.begin(), t.legs.end(), moves));
  }
  double times(OpId id) {
    const std::uint32_t rank = folded_.fold_.symmetry().owner(id);
    WEFT_CHECK(folded_.fold_.is_simulated(rank),
               fmt::format("operation {} belongs to rank {}, which another one stands for: a program that says which ranks are alike "
                           "may emit only for the owner of what is done", id.value, rank));
    const std::uint32_t n = folded_.fold_.stands_for(rank);
    folded_.operations_ += n;
    return n;
  }
  std::span<const OpId> folded(std::span<const OpId> after) {
    folded_.after_.clear();
    for (const OpId id : after)
      if (id.valid()) folded_.after_.push_back(folded_.fold_.standing_for(id));
    return folded_.after_;
  }

  FoldedProgram& folded_;
  workloads::Sink& to_;
};

void FoldedProgram::start(workloads::Sink& sink) {
  Multiplied all(*this, sink);
  for (const std::uint32_t rank : fold_.simulated()) fold_.symmetry().emit(rank, all);
}

void FoldedProgram::on_complete(OpId op, Seconds t, workloads::Sink& sink) {
  Multiplied all(*this, sink);
  whole_.on_complete(op, t, all);
}

}  // namespace weft::engine
