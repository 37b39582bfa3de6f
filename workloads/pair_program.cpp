#include "workloads/pair_program.h"

#include "sim/core/error.h"

namespace weft::workloads {

void PairProgram::start(Sink& sink) {
  out_ = &sink;
  inside_->start(*this);
}

void PairProgram::on_complete(OpId id, Seconds now, Sink& sink) {
  if (role(id) != Role::whole) return;
  out_ = &sink;
  inside_->on_complete(original(id), now, *this);
}

OpId PairProgram::outer(OpId inner, Role role) {
  if (!inner.valid()) return inner;
  WEFT_CHECK(inner.value < OpId::none_value / 3, "a program has too many operations to be taken apart");
  return OpId(3 * inner.value + static_cast<std::uint32_t>(role));
}

std::span<const OpId> PairProgram::outer(std::span<const OpId> after) {
  after_.clear();
  for (const OpId a : after) after_.push_back(outer(a));
  return after_;
}

void PairProgram::transfer(const Transfer& t, std::span<const OpId> after) {
  for (const Leg& l : t.legs) {
    if (l.from.kind == Endpoint::Kind::nic_switch || l.to.kind == Endpoint::Kind::nic_switch)
      throw UserError("/workload", "a transfer parts or joins in a switch, which plain flows cannot", "multicast and reduction in the network run on the fluid engine alone");
  }
  const std::span<const PairParts::Part> parts = parts_.take_apart(t.legs);
  const bool whole = parts.size() == 1;
  const OpId head = outer(t.id, Role::head);
  if (!whole) out_->marker(head, Seconds(0), outer(after));
  ids_of_parts_.clear();
  for (const PairParts::Part& p : parts) {
    Transfer part = t;
    part.id = outer(whole ? t.id : OpId(parts_emitted_++), whole ? Role::whole : Role::part);
    part.bytes = t.bytes * p.share;
    part.weight = t.weight * p.share;
    if (t.rate_cap) part.rate_cap = *t.rate_cap * p.share;
    part.legs = parts_.legs(p);
    out_->transfer(part, whole ? outer(after) : std::span<const OpId>(&head, 1));
    ids_of_parts_.push_back(part.id);
  }
  if (!whole) out_->marker(outer(t.id), Seconds(0), ids_of_parts_);
}

void PairProgram::compute(const Compute& c, std::span<const OpId> after) {
  Compute same = c;
  same.id = outer(c.id);
  out_->compute(same, outer(after));
}

void PairProgram::marker(OpId id, Seconds delay, std::span<const OpId> after) { out_->marker(outer(id), delay, outer(after)); }

std::unique_ptr<PairProgram> pair_program(std::unique_ptr<Program> inside) { return std::make_unique<PairProgram>(std::move(inside)); }

}  // namespace weft::workloads
