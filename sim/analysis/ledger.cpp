#include "sim/analysis/ledger.h"

namespace weft::analysis {

void Ledger::open(OpId id, Kind kind, std::span<const OpId> after, OpId and_after) {
  if (!complete_) return;
  // Ids are dense: far fewer operations than the largest id would make a table of nothing.
  if (++count_ > most_ || id.value / 8 > most_) return give_up();
  at_ = id.value;
  if (at_ >= entries_.size()) entries_.resize(at_ + 1);
  Entry& e = entries_[at_];
  e.kind = kind;
  e.first = static_cast<std::uint32_t>(loads_.size());
  e.phase = std::max(phase_of(cause_), phase_of(and_after));
  for (const OpId a : after) e.phase = std::max(e.phase, phase_of(a));
  phases_ = std::max(phases_, ++e.phase);
}

void Ledger::give_up() {
  complete_ = false;
  entries_ = {};
  loads_ = {};
}

void Ledger::close(double least) {
  if (!complete_) return;
  entries_[at_].least = least;
  entries_[at_].count = static_cast<std::uint32_t>(loads_.size()) - entries_[at_].first;
}

}  // namespace weft::analysis
