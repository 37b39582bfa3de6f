// Programs that the benchmarks run: all-to-alls with PXN, and exchanges in which every size is different.
#pragma once

#include <memory>
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

/// Every GPU of `nodes` x 8 sends `bytes` to each other GPU: a plain flow per pair, over the sender's rail and then over
/// NVLink on the receiving side. With `jitter` each flow's size is its own, drawn from bytes * (1 +- jitter / 2).
class FlatAllToAll final : public workloads::Program {
 public:
  FlatAllToAll(std::uint32_t nodes, double bytes, double jitter = 0)
      : all_(std::make_shared<All>(nodes, bytes, jitter)) {}
  void start(workloads::Sink& sink) override { sink.transfers(all_, OpId(0)); }

 private:
  class All final : public workloads::TransferBatch {
   public:
    All(std::uint32_t nodes, double bytes, double jitter) : gpus_(8 * nodes), bytes_(bytes), jitter_(jitter) {}
    std::uint32_t size() const override { return gpus_ * (gpus_ - 1); }
    void read(std::uint32_t k, workloads::Transfer& out) override {
      if (k != next_) {
        a_ = k / (gpus_ - 1);
        b_ = k % (gpus_ - 1);
        b_ += b_ >= a_;
      }
      const Endpoint from = gpu(a_ / 8, a_ % 8), to = gpu(b_ / 8, b_ % 8), mid = gpu(b_ / 8, a_ % 8);
      std::size_t legs = 0;
      if (from != mid) legs_[legs++] = {from, mid, 1};
      if (mid != to) legs_[legs++] = {mid, to, 1};
      out.bytes = Bytes(jitter_ == 0 ? bytes_ : bytes_ * (1 + jitter_ * (Draws(1, "size", k).unit() - 0.5)));
      out.legs = {legs_, legs};
      next_ = k + 1;
      if (++b_ == a_) ++b_;
      if (b_ < gpus_) return;
      ++a_;
      b_ = 0;
    }

   private:
    std::uint32_t gpus_, next_ = 0, a_ = 0, b_ = 1;   // of the pair that is read next
    double bytes_, jitter_;
    workloads::Leg legs_[2];
  };

  std::shared_ptr<All> all_;
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

/// `groups` groups of 8 nodes x 8 GPUs, each of which runs `rounds` exchanges one after the other: every GPU sends to its
/// namesake on each node of its group, which spreads what comes over NVLink. Groups start at times of their own. With `distinct`
/// all sizes and spreads differ; with `divided` the groups are parts.
class Exchanges final : public workloads::Program {
 public:
  Exchanges(std::uint32_t groups, std::uint32_t rounds, double bytes, bool distinct, bool divided = false)
      : groups_(groups), last_(groups), rounds_(rounds), bytes_(bytes), distinct_(distinct), divided_(divided),
        kernels_{{"dispatch", BytesPerSecond(44e9), BytesPerSecond(125e9)}} {}
  std::span<const workloads::CommKernel> kernels() const override { return kernels_; }

  void start(workloads::Sink& sink) override {
    left_.assign(groups_, 1);
    round_.assign(groups_, 0);
    for (std::uint32_t g = first_; g < last_; ++g) sink.marker(id(g, 0, 0), Seconds(1e-4 * Draws(5, "start", g).unit()));
  }
  std::vector<std::unique_ptr<Program>> parts() override {
    std::vector<std::unique_ptr<Program>> list;
    for (std::uint32_t g = 0; g < groups_ && divided_; ++g) {
      auto part = std::make_unique<Exchanges>(groups_, rounds_, bytes_, distinct_);
      part->first_ = g;
      part->last_ = g + 1;
      list.push_back(std::move(part));
    }
    return list;
  }
  void on_complete(OpId done, Seconds, workloads::Sink& sink) override {
    const std::uint32_t g = done.value / flows % groups_;
    if (--left_[g] > 0 || round_[g] == rounds_) return;
    const std::uint32_t round = ++round_[g];
    left_[g] = flows;
    for (std::uint32_t i = 0; i < flows; ++i) emit(g, round, i, sink);
  }

 private:
  static constexpr std::uint32_t flows = 512;
  OpId id(std::uint32_t g, std::uint32_t round, std::uint32_t i) const { return OpId((round * groups_ + g) * flows + i); }
  void emit(std::uint32_t g, std::uint32_t round, std::uint32_t i, workloads::Sink& sink) {
    const std::uint32_t a = 8 * g + i / 64, l = i / 8 % 8, d = 8 * g + i % 8;
    workloads::Transfer t;
    t.id = id(g, round, i);
    Draws draw(2, "exchange", t.id.value);
    legs_.clear();
    if (d != a) legs_.push_back({gpu(a, l), gpu(d, l), 1});
    for (std::uint32_t j = 0; j < 8; ++j) {
      if (j != l) legs_.push_back({gpu(d, l), gpu(d, j), distinct_ ? 0.15 + 0.05 * draw.unit() : 0.175});
    }
    t.bytes = Bytes(distinct_ ? bytes_ * (0.97 + 0.06 * draw.unit()) : bytes_);
    t.legs = legs_;
    t.kernel = KernelId(0);
    sink.transfer(t);
  }

  std::uint32_t groups_, first_ = 0, last_, rounds_;
  double bytes_;
  bool distinct_, divided_;
  std::vector<workloads::CommKernel> kernels_;
  std::vector<workloads::Leg> legs_;
  std::vector<std::uint32_t> left_, round_;
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
