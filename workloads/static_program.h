// A StaticProgram is a Program whose operations are all known before it starts, recorded compactly.
#pragma once

#include <vector>

#include "workloads/program.h"
#include "workloads/static_symmetry.h"

namespace weft::workloads {

/// Operations with dependencies, emitted at time 0 in the order in which they were added; ids are 0, 1, 2, ... in that
/// order. Can be started any number of times. Transfers that follow one another and wait for the same operations are
/// emitted as batches, which read them from the program: it has to live, and stay where it is, as long as they do.
class StaticProgram : public Program {
 public:
  /// Returns the kernel's id for TransferOptions.
  KernelId add_kernel(CommKernel k);

  /// What a transfer may say besides its bytes and legs; meanings as in Transfer.
  struct TransferOptions {
    KernelId kernel;
    Seconds extra_latency;
    LatencyMode latency_mode = LatencyMode::wire;
    double weight = 1;
    std::optional<BytesPerSecond> rate_cap;
    std::uint64_t flow_key = 0;
    bool operator==(const TransferOptions&) const = default;
  };

  OpId add_transfer(Bytes bytes, std::span<const Leg> legs, const TransferOptions& options,
                    std::span<const OpId> after = {});
  OpId add_compute(StreamId stream, Seconds duration, std::uint32_t sms = 0, std::span<const OpId> after = {});
  OpId add_marker(Seconds delay = {}, std::span<const OpId> after = {});
  std::size_t size() const { return ops_.size(); }

  std::span<const CommKernel> kernels() const override { return kernels_; }
  void start(Sink& sink) override;
  /// One operation alone. Precondition: it has been added.
  void emit(OpId op, Sink& sink) const;

  /// Says which ranks are alike, once all operations have been added.
  void declare(OwnedOperations owned) { owned_ = std::make_shared<const OwnedOperations>(std::move(owned)); }
  std::shared_ptr<Symmetry> symmetry() override;

 private:
  enum class Kind : std::uint8_t { transfer, compute, marker };
  struct Op {
    Kind kind;
    std::uint32_t detail;  ///< index into transfers_, computes_ or delays_
    std::uint32_t after_begin, after_end;
  };
  struct TransferRecord {
    Bytes bytes;
    std::uint32_t legs_begin, legs_end;
    TransferOptions options;
  };
  struct ComputeRecord {
    StreamId stream;
    Seconds duration;
    std::uint32_t sms;
  };
  class Batch;
  OpId record(Kind kind, std::size_t detail, std::span<const OpId> after);
  void read_transfer(std::uint32_t detail, Transfer& out) const;
  std::span<const OpId> after(std::uint32_t op) const;
  std::uint32_t end_of_batch(std::uint32_t op) const;

  std::vector<CommKernel> kernels_;
  std::vector<Op> ops_;
  std::vector<TransferRecord> transfers_;
  std::vector<ComputeRecord> computes_;
  std::vector<Seconds> delays_;
  std::vector<Leg> legs_;
  std::vector<OpId> after_;
  std::shared_ptr<const OwnedOperations> owned_;
};

}  // namespace weft::workloads
