// Programs that the benchmarks run: all-to-alls with PXN, and exchanges in which every size is different.
#pragma once

#include <vector>

#include "sim/core/random.h"
#include "workloads/program.h"

namespace weft::bench {

inline Endpoint gpu(std::uint32_t node, std::uint32_t local) { return {Endpoint::Kind::gpu, NodeId(node), local}; }

/// Every GPU of `nodes` x 8 sends `bytes` to each GPU of other nodes: one flow per (node, node, rail), handed over NVLink
/// on the sending side. With `jitter` each flow's size is its own, drawn from bytes * (1 +- jitter / 2).
class PxnAllToAll final : public workloads::Program {
 public:
  PxnAllToAll(std::uint32_t nodes, double bytes, double jitter = 0)
      : nodes_(nodes), bytes_(bytes), jitter_(jitter), kernels_{{"all_to_all", BytesPerSecond(44e9), BytesPerSecond(160e9)}} {}
  std::span<const workloads::CommKernel> kernels() const override { return kernels_; }

  void start(workloads::Sink& sink) override {
    std::uint32_t next = 0;
    for (std::uint32_t a = 0; a < nodes_; ++a) {
      for (std::uint32_t d = 0; d < nodes_; ++d) {
        for (std::uint32_t via = 0; via < 8 && d != a; ++via) emit(next++, a, d, via, sink);
      }
    }
  }

 private:
  void emit(std::uint32_t id, std::uint32_t a, std::uint32_t d, std::uint32_t via, workloads::Sink& sink) {
    legs_.clear();
    for (std::uint32_t i = 0; i < 8; ++i) {
      if (i != via) legs_.push_back({gpu(a, i), gpu(a, via), 1.0 / 8});
    }
    legs_.push_back({gpu(a, via), gpu(d, via), 1});
    workloads::Transfer t;
    t.id = OpId(id);
    t.bytes = Bytes(8 * bytes_ * (1 + jitter_ * (Draws(1, "size", id).unit() - 0.5)));
    t.legs = legs_;
    t.kernel = KernelId(0);
    sink.transfer(t);
  }

  std::uint32_t nodes_;
  double bytes_, jitter_;
  std::vector<workloads::CommKernel> kernels_;
  std::vector<workloads::Leg> legs_;
};

/// A dispatch of expert parallelism over `nodes` x 8 GPUs: each GPU sends to its namesake on every other node, which
/// spreads what comes over NVLink. Sizes and spreads are all different, as with gates drawn token by token.
class Dispatch final : public workloads::Program {
 public:
  Dispatch(std::uint32_t nodes, double bytes) : nodes_(nodes), bytes_(bytes), kernels_{{"dispatch", BytesPerSecond(44e9), BytesPerSecond(125e9)}} {}
  std::span<const workloads::CommKernel> kernels() const override { return kernels_; }

  void start(workloads::Sink& sink) override {
    std::uint32_t id = 0;
    for (std::uint32_t a = 0; a < nodes_; ++a) {
      for (std::uint32_t g = 0; g < 8; ++g) {
        for (std::uint32_t d = 0; d < nodes_; ++d) emit(id++, a, g, d, sink);
      }
    }
  }

 private:
  void emit(std::uint32_t id, std::uint32_t a, std::uint32_t g, std::uint32_t d, workloads::Sink& sink) {
    Draws draw(2, "dispatch", id);
    legs_.clear();
    if (d != a) legs_.push_back({gpu(a, g), gpu(d, g), 1});
    for (std::uint32_t j = 0; j < 8; ++j) {
      if (j != g) legs_.push_back({gpu(d, g), gpu(d, j), 0.15 + 0.05 * draw.unit()});
    }
    workloads::Transfer t;
    t.id = OpId(id);
    t.bytes = Bytes(bytes_ * (0.97 + 0.06 * draw.unit()));
    t.legs = legs_;
    t.kernel = KernelId(0);
    sink.transfer(t);
  }

  std::uint32_t nodes_;
  double bytes_;
  std::vector<workloads::CommKernel> kernels_;
  std::vector<workloads::Leg> legs_;
};

/// `ranks` ranks in `length` steps of a pipeline: a rank's step waits for its own last one (stream) and for the last step
/// of the rank before it. Emitted as it is needed: two steps of each rank at a time.
class ComputePipeline final : public workloads::Program {
 public:
  ComputePipeline(std::uint32_t ranks, std::uint32_t length) : ranks_(ranks), length_(length) {}

  void start(workloads::Sink& sink) override {
    for (std::uint32_t step = 0; step < 2; ++step) {
      for (std::uint32_t r = 0; r < ranks_; ++r) emit(step, r, sink);
    }
  }
  void on_complete(OpId id, Seconds, workloads::Sink& sink) override {
    const std::uint32_t step = id.value / ranks_ + 2;
    if (step < length_) emit(step, id.value % ranks_, sink);
  }

 private:
  void emit(std::uint32_t step, std::uint32_t r, workloads::Sink& sink) {
    workloads::Compute c;
    c.id = OpId(step * ranks_ + r);
    c.stream = StreamId(r);
    c.duration = Seconds(1e-3 + 1e-6 * Draws(3, "step", r, step).unit());
    const OpId before[] = {OpId(step == 0 || r == 0 ? OpId::none_value : (step - 1) * ranks_ + r - 1)};
    sink.compute(c, std::span<const OpId>(before, before[0].valid() ? 1 : 0));
  }

  std::uint32_t ranks_, length_;
};

}  // namespace weft::bench
