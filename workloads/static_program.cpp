#include "workloads/static_program.h"

#include "sim/core/error.h"

namespace weft::workloads {

KernelId StaticProgram::add_kernel(CommKernel k) {
  kernels_.push_back(std::move(k));
  return KernelId(static_cast<std::uint32_t>(kernels_.size() - 1));
}

OpId StaticProgram::record(Kind kind, std::size_t detail, std::span<const OpId> after) {
  const auto begin = static_cast<std::uint32_t>(after_.size());
  for (const OpId id : after) {
    WEFT_CHECK(id.value < ops_.size(), "an operation may only wait for one that was added before it");
    after_.push_back(id);
  }
  ops_.push_back({kind, static_cast<std::uint32_t>(detail), begin, static_cast<std::uint32_t>(after_.size())});
  return OpId(static_cast<std::uint32_t>(ops_.size() - 1));
}

OpId StaticProgram::add_transfer(Bytes bytes, std::span<const Leg> legs, const TransferOptions& options,
                                 std::span<const OpId> after) {
  WEFT_CHECK(!legs.empty() && bytes.value() >= 0, "a transfer needs a leg and no negative bytes");
  const auto begin = static_cast<std::uint32_t>(legs_.size());
  legs_.insert(legs_.end(), legs.begin(), legs.end());
  transfers_.push_back({bytes, begin, static_cast<std::uint32_t>(legs_.size()), options});
  return record(Kind::transfer, transfers_.size() - 1, after);
}

OpId StaticProgram::add_compute(StreamId stream, Seconds duration, std::uint32_t sms, std::span<const OpId> after) {
  computes_.push_back({stream, duration, sms});
  return record(Kind::compute, computes_.size() - 1, after);
}

OpId StaticProgram::add_marker(Seconds delay, std::span<const OpId> after) {
  delays_.push_back(delay);
  return record(Kind::marker, delays_.size() - 1, after);
}

void StaticProgram::start(Sink& sink) {
  for (std::uint32_t i = 0; i < ops_.size(); ++i) {
    const Op& op = ops_[i];
    const std::span<const OpId> after(after_.data() + op.after_begin, op.after_end - op.after_begin);
    if (op.kind == Kind::transfer) {
      const TransferRecord& t = transfers_[op.detail];
      const TransferOptions& o = t.options;
      sink.transfer({OpId(i), t.bytes, std::span<const Leg>(legs_.data() + t.legs_begin, t.legs_end - t.legs_begin),
                     o.kernel, o.extra_latency, o.latency_mode, o.weight, o.rate_cap, o.flow_key},
                    after);
    } else if (op.kind == Kind::compute) {
      const ComputeRecord& c = computes_[op.detail];
      sink.compute({OpId(i), c.stream, c.duration, c.sms}, after);
    } else {
      sink.marker(OpId(i), delays_[op.detail], after);
    }
  }
}

}  // namespace weft::workloads
