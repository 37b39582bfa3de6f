#include "workloads/program_recorder.h"

#include <algorithm>
#include <unordered_set>

#include <fmt/format.h>

#include "sim/core/error.h"

namespace weft::workloads {

ProgramRecorder::ProgramRecorder(Program& inside, Placement ranks) : inside_(inside), owners_(inside.symmetry()) {
  out_.ranks = ranks.ranks();
  out_.per_node = ranks.gpus_per_node();
  std::unordered_set<std::string> names;
  for (CommKernel k : inside_.kernels()) {
    if (k.name.empty()) k.name = "kernel";
    while (!names.insert(k.name).second) k.name += "'";
    out_.kernels.push_back(std::move(k));
  }
}

void ProgramRecorder::start(Sink& sink) {
  sink_ = &sink;
  inside_.start(*this);
}

void ProgramRecorder::on_complete(OpId id, Seconds now, Sink& sink) {
  sink_ = &sink;
  cause_ = id;
  inside_.on_complete(id, now, *this);
  cause_ = OpId();
}

NamedProgram ProgramRecorder::take() {
  for (std::size_t i = 0; i < after_.size(); ++i) {
    std::vector<std::uint32_t>& after = out_.operations[i].after;
    for (const OpId id : after_[i]) {
      const auto at = place_.find(id.value);
      if (at == place_.end())
        throw RunError(fmt::format("operation {} waits for operation {}, which never came", out_.operations[i].name, id.value));
      after.push_back(at->second);
    }
    std::sort(after.begin(), after.end());
    after.erase(std::unique(after.begin(), after.end()), after.end());
  }
  return std::move(out_);
}

void ProgramRecorder::transfer(const Transfer& t, std::span<const OpId> after) {
  NamedOperation op;
  op.kind = NamedOperation::Kind::transfer;
  op.bytes = t.bytes;
  op.legs.assign(t.legs.begin(), t.legs.end());
  op.options = {t.kernel, t.extra_latency, t.latency_mode, t.weight, t.rate_cap, t.flow_key};
  legs_ += op.legs.size();
  keep('t', t.id, std::move(op), after);
  if (sink_ != nullptr) sink_->transfer(t, after);
}

void ProgramRecorder::compute(const Compute& c, std::span<const OpId> after) {
  NamedOperation op;
  op.kind = NamedOperation::Kind::compute;
  op.duration = c.duration;
  if (c.stream.valid()) op.stream = fmt::format("s{}", c.stream.value);
  op.sms = c.sms;
  keep('c', c.id, std::move(op), after);
  if (sink_ != nullptr) sink_->compute(c, after);
}

void ProgramRecorder::marker(OpId id, Seconds delay, std::span<const OpId> after) {
  NamedOperation op;
  op.duration = delay;
  keep('m', id, std::move(op), after);
  if (sink_ != nullptr) sink_->marker(id, delay, after);
}

/// Label and rank. Transfers have no rank: their ends say where they are.
void ProgramRecorder::tell(OpId id, NamedOperation& op) {
  label_.clear();
  const bool labelled = inside_.label(id, label_);
  if (labelled) op.label = label_.detail.empty() ? label_.name : label_.name + (label_.name.empty() ? "" : ", ") + label_.detail;
  if (op.kind == NamedOperation::Kind::transfer) return;
  const Rank rank = owners_ ? Rank(owners_->owner(id)) : labelled ? label_.rank : Rank();
  if (rank.value < out_.ranks) op.rank = rank;
}

void ProgramRecorder::keep(char kind, OpId id, NamedOperation op, std::span<const OpId> after) {
  if (out_.operations.size() == kMostNamedOperations || legs_ > kMostNamedLegs) {
    throw UserError("", fmt::format("the program comes to more than {} operations or {} legs", kMostNamedOperations, kMostNamedLegs),
                    "choose a smaller one");
  }
  op.name = fmt::format("{}{}", kind, id.value);
  tell(id, op);
  place_.try_emplace(id.value, static_cast<std::uint32_t>(out_.operations.size()));
  out_.operations.push_back(std::move(op));
  after_.emplace_back(after.begin(), after.end());
  if (cause_.valid()) after_.back().push_back(cause_);
}

}  // namespace weft::workloads
