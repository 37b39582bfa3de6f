#include "workloads/static_program.h"

#include <algorithm>

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

/// Transfers of a program that follow one another and wait for the same operations.
class StaticProgram::Batch final : public TransferBatch {
 public:
  Batch(const StaticProgram& program, std::uint32_t first, std::uint32_t size)
      : program_(program), first_(first), size_(size) {}
  std::uint32_t size() const override { return size_; }
  void read(std::uint32_t k, Transfer& out) override { program_.read_transfer(first_ + k, out); }

 private:
  const StaticProgram& program_;
  std::uint32_t first_, size_;  ///< in transfers_
};

void StaticProgram::read_transfer(std::uint32_t detail, Transfer& out) const {
  const TransferRecord& t = transfers_[detail];
  const TransferOptions& o = t.options;
  out.bytes = t.bytes;
  out.legs = std::span<const Leg>(legs_.data() + t.legs_begin, t.legs_end - t.legs_begin);
  out.kernel = o.kernel;
  out.extra_latency = o.extra_latency;
  out.latency_mode = o.latency_mode;
  out.weight = o.weight;
  out.rate_cap = o.rate_cap;
  out.flow_key = o.flow_key;
}

std::span<const OpId> StaticProgram::after(std::uint32_t op) const {
  return {after_.data() + ops_[op].after_begin, ops_[op].after_end - ops_[op].after_begin};
}

/// The operation after the last one of the transfers that begin at `op` and wait for the same operations.
std::uint32_t StaticProgram::end_of_batch(std::uint32_t op) const {
  const std::span<const OpId> first = after(op);
  std::uint32_t end = op + 1;
  while (end < ops_.size() && ops_[end].kind == Kind::transfer && std::ranges::equal(first, after(end))) ++end;
  return end;
}

void StaticProgram::start(Sink& sink) {
  for (std::uint32_t i = 0; i < ops_.size(); ++i) {
    if (ops_[i].kind != Kind::transfer) {
      emit(OpId(i), sink);
      continue;
    }
    const std::uint32_t end = end_of_batch(i);
    sink.transfers(std::make_shared<Batch>(*this, ops_[i].detail, end - i), OpId(i), after(i));
    i = end - 1;
  }
}

void StaticProgram::emit(OpId id, Sink& sink) const {
  const Op& op = ops_[id.value];
  if (op.kind == Kind::transfer) {
    Transfer t;
    read_transfer(op.detail, t);
    t.id = id;
    sink.transfer(t, after(id.value));
  } else if (op.kind == Kind::compute) {
    const ComputeRecord& c = computes_[op.detail];
    sink.compute({id, c.stream, c.duration, c.sms}, after(id.value));
  } else {
    sink.marker(id, delays_[op.detail], after(id.value));
  }
}

std::shared_ptr<Symmetry> StaticProgram::symmetry() {
  if (!owned_) return nullptr;
  return std::make_shared<StaticSymmetry>(*this, owned_);
}

}  // namespace weft::workloads
