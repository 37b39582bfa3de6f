// A ServingProgram is a serving cluster at work: requests come one after the other, are prefilled, go over the network, and are decoded.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "workloads/inference/serving/decode_stage.h"
#include "workloads/inference/serving/kv_paths.h"
#include "workloads/inference/serving/metrics.h"
#include "workloads/inference/serving/prefill_unit.h"
#include "workloads/program.h"

namespace weft::workloads::inference::serving {

/// Emits what is known: the next arrival, a pass of each prefill unit, a step of each decode unit, and transfers. Memory follows what is in the
/// server, not how many requests come. The first token of an answer is made by prefill and told once the cache has come to decode, which makes
/// the others; an answer of one token ends with prefill. Runs once; `metrics` is whole when the run has ended.
class ServingProgram final : public Program {
 public:
  ServingProgram(std::shared_ptr<const ServingSetup> setup, std::shared_ptr<ServingMetrics> metrics);

  std::span<const CommKernel> kernels() const override { return setup_->kernels; }
  void start(Sink& sink) override;
  /// Throws UserError (place /requests) at a request that no group could hold, if the policy says so.
  void on_complete(OpId id, Seconds t, Sink& sink) override;
  bool label(OpId id, OpLabel& out) const override;

 private:
  enum class What : std::uint8_t { arrival, read, write, pass, transfer, step, horizon };
  struct Op {
    What what;
    bool open = true;
    std::uint32_t index;                     // unit or request
    std::uint32_t number;                    // of the request, for its label
  };
  struct RunningPass {
    Pass pass;
    double start = 0, duration = 0;
  };
  struct RunningStep {
    StepPlan plan;
    double start = 0, duration = 0;
  };
  /// How long units of a stage have worked.
  struct Busy {
    double done = 0, starts = 0;
    std::uint32_t running = 0;
    void begin(double t) { starts += t, ++running; }
    void end(double start, double t) { done += t - start, starts -= start, --running; }
    double at(double t) const { return done + running * t - starts; }
  };

  OpId emit(What what, std::uint32_t index, std::uint32_t number = 0);
  ServerState state(double t) const;
  // Arrivals (serving_arrivals.cpp).
  void await_next(Sink& sink);
  void arrive(const Request& r, Sink& sink);
  bool fits(const Request& r);
  void read_cached(std::uint32_t request, Sink& sink);
  void write_back(std::uint32_t node, std::uint32_t number, double tokens, Sink& sink);
  // Prefill and the way to decode.
  void start_passes(Sink& sink);
  void start_pass(std::uint32_t unit, Pass pass, Sink& sink);
  void end_pass(std::uint32_t unit, Sink& sink);
  void prefilled(std::uint32_t request, Sink& sink);
  bool send(std::uint32_t request, Sink& sink);
  void send_waiting(Sink& sink);
  void arrived(std::uint32_t request, Sink& sink);
  // Decode.
  void start_step(std::uint32_t unit, Sink& sink);
  void end_step(std::uint32_t unit, Sink& sink);
  void evict(const Left& left);
  void deliver_first(std::uint32_t request);
  void end_request(std::uint32_t request);
  void note_memory();

  std::shared_ptr<const ServingSetup> setup_;
  std::shared_ptr<ServingMetrics> metrics_;
  std::unique_ptr<RequestStream> stream_;
  KvPaths paths_;
  LiveRequests requests_;
  std::deque<std::uint32_t> waiting_, waiting_decode_;   // for prefill, in order; computed, for memory of decode
  std::vector<PrefillUnit> prefill_;
  DecodeStage decode_;
  std::vector<RunningPass> passes_;          // by unit
  std::vector<RunningStep> steps_;           // by unit
  std::deque<Op> ops_;                       // from id first_op_ on; the first has not ended
  std::uint32_t first_op_ = 0;
  Request next_;                             // known, yet to come
  double now_ = 0;
  bool cut_ = false;
  std::uint32_t reading_turn_ = 0;
  // What state() tells.
  std::uint64_t arrivals_ = 0, prefilled_ = 0, output_tokens_ = 0, finished_ = 0, decoding_ = 0;
  double prompt_tokens_ = 0, cached_tokens_ = 0, computed_tokens_ = 0;
  Busy prefill_busy_, decode_busy_;
  double memory_ = 0, memory_time_ = 0, memory_since_ = 0;   // part of decode's taken, its integral, since when
  std::vector<Left> left_;
};

/// A program that takes no longer than any ServingProgram of these requests: it waits for the last of them.
std::unique_ptr<Program> until_last_arrival(const ServingSetup& setup);

}  // namespace weft::workloads::inference::serving
