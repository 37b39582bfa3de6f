#include "workloads/pair_program.h"

#include "sim/core/error.h"

namespace weft::workloads {

void PairProgram::start(Sink& sink) {
  out_ = &sink;
  inside_->start(*this);
}

void PairProgram::on_complete(OpId id, Seconds now, Sink& sink) {
  if (is_part(id)) return;
  out_ = &sink;
  inside_->on_complete(original(id), now, *this);
}

OpId PairProgram::outer(OpId inner) {
  if (!inner.valid()) return inner;
  WEFT_CHECK(inner.value < 1u << 31, "a program has too many operations to be taken apart");
  return OpId(2 * inner.value);
}

std::span<const OpId> PairProgram::outer(std::span<const OpId> after) {
  after_.clear();
  for (const OpId a : after) after_.push_back(outer(a));
  return after_;
}

void PairProgram::transfer(const Transfer& t, std::span<const OpId> after) {
  const std::span<const OpId> held_by = outer(after);
  const std::span<const PairParts::Part> parts = parts_.take_apart(t.legs);
  parts_of_one_.clear();
  for (const PairParts::Part& p : parts) {
    Transfer part = t;
    part.id = outer(t.id);
    if (parts.size() > 1) {
      WEFT_CHECK(whole_.size() < (1u << 31) - 1, "a program has too many transfers to be taken apart");
      part.id = OpId(static_cast<std::uint32_t>(2 * whole_.size() + 1));
      whole_.push_back(t.id);
      parts_of_one_.push_back(part.id);
    }
    part.bytes = t.bytes * p.share;
    part.weight = t.weight * p.share;
    if (t.rate_cap) part.rate_cap = *t.rate_cap * p.share;
    part.legs = parts_.legs(p);
    out_->transfer(part, held_by);
  }
  if (parts.size() > 1) out_->marker(outer(t.id), Seconds(0), parts_of_one_);
}

void PairProgram::compute(const Compute& c, std::span<const OpId> after) {
  Compute same = c;
  same.id = outer(c.id);
  out_->compute(same, outer(after));
}

void PairProgram::marker(OpId id, Seconds delay, std::span<const OpId> after) { out_->marker(outer(id), delay, outer(after)); }

std::unique_ptr<PairProgram> pair_program(std::unique_ptr<Program> inside) { return std::make_unique<PairProgram>(std::move(inside)); }

}  // namespace weft::workloads
