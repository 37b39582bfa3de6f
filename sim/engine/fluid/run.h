// Run: the event loop that carries a Program over a Fabric.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "sim/engine/fluid/batch_alone.h"
#include "sim/engine/fluid/classes.h"
#include "sim/engine/engine.h"
#include "sim/engine/fluid/lowering.h"
#include "sim/engine/fluid/operations.h"
#include "sim/engine/fluid/timers.h"

namespace weft::engine {

/// Time goes from instant to instant. At each: flows that finish and timers that are due, what these finish and what that
/// lets start, until nothing more happens; then one settling of rates for all of it. Instants closer than 1e-12 of the
/// time are one, so that flows which are alike end together in spite of rounding.
class Run final : private workloads::Sink {
 public:
  /// With `orbits`, see Paths.
  Run(topology::Router& router, workloads::Program& program, const Options& options, TimelineSink& sink,
      const LinkOrbits* orbits = nullptr);
  Summary execute();
  /// All that flows have crossed, or would have.
  const Paths& paths() const { return paths_; }
  /// Bytes that each physical link has carried, by LinkId.
  std::vector<double> carried() const;

 private:
  /// A flow's first byte or, without a flow, the end of a timed operation.
  struct Due {
    std::uint32_t slot, flow;
  };
  /// A transfer kept as it was emitted, to be routed when it starts and again when the fabric changes.
  struct Kept {
    workloads::Transfer transfer;            // its span of legs has ended
    std::vector<workloads::Leg> legs;
    std::uint32_t first_flow = FlowStore::none;
  };

  // What the program calls.
  void transfer(const workloads::Transfer& t, std::span<const OpId> after) override;
  void transfers(const std::shared_ptr<workloads::TransferBatch>& batch, OpId first, std::span<const OpId> after) override;
  void compute(const workloads::Compute& c, std::span<const OpId> after) override;
  void marker(OpId id, Seconds delay, std::span<const OpId> after) override;

  std::uint32_t make_flows(const workloads::Transfer& t, std::span<const workloads::Leg> legs, std::uint32_t owner);
  std::uint32_t first_flow(std::uint32_t slot);
  void use_pieces(std::uint32_t flow);
  void release_pieces(std::uint32_t flow);
  void run_instant();
  void start_ready();
  void start_flows(std::uint32_t slot);
  void fire_timers();
  void first_byte(std::uint32_t flow);
  void end_flow(std::uint32_t flow);
  void end_operations();
  void forget(std::uint32_t slot);
  double next_instant() const;
  double window() const;
  void check_all_done();

  // Batches (run_batches.cpp).
  void start_batch(std::uint32_t slot, bool alone);
  void unroll(std::uint32_t slot, const std::shared_ptr<workloads::TransferBatch>& batch, OpId first);
  bool nothing_moves() const { return alone_ == nullptr && dormant_ == 0 && !classes_.moving(); }
  void tell_batch();
  void end_batch();
  void open_all_batches();
  void interrupt_batch();
  void settle();

  // Changes of the fabric (run_changes.cpp).
  void apply_changes();
  void change_capacity(const FabricEvent& e);
  void change_wiring(const FabricEvent& e);
  void reroute(std::uint32_t place, OpId id, LinkId lost);
  UserError no_path_left(const Kept& t, OpId id, const UserError& why) const;

  void report_rates();
  Summary summary() const;

  topology::Router& router_;
  workloads::Program& program_;
  const Options& options_;
  TimelineSink& sink_;
  std::vector<FabricEvent> changes_;       // by time
  std::size_t next_change_ = 0;
  bool keep_transfers_;                    // links may fail: routes are not for ever
  Paths paths_;
  Lowering lowering_;
  FlowStore flows_;
  Classes classes_;
  Operations operations_;
  Timers<Due> timers_;
  std::vector<Due> due_;
  struct Batch {
    std::shared_ptr<workloads::TransferBatch> batch;
    OpId first;
    std::uint32_t slot = 0;
  };
  std::vector<Batch> batches_;             // that have not started
  std::vector<std::uint32_t> free_batches_;
  std::unique_ptr<BatchAlone> alone_;
  std::uint64_t dormant_ = 0;              // flows whose first byte is yet to move
  std::vector<double> batch_carried_;      // bytes by link, of batches that ran alone
  std::uint64_t batch_flows_ = 0, batch_classes_ = 0, batch_solves_ = 0;
  std::vector<std::unique_ptr<Kept>> kept_;
  std::vector<std::uint32_t> free_kept_, starting_now_;
  std::vector<Classes::Finished> ended_flows_;
  std::vector<std::pair<OpId, std::uint32_t>> ending_, ending_now_;   // operations with their slots
  double now_ = 0, limit_ = 0, makespan_ = 0;
  std::uint64_t events_ = 0;
  // Integral of capacity over time for links whose capacity changed.
  struct CapacityPast {
    std::uint32_t link;
    double integral, since, rate;
  };
  std::vector<CapacityPast> capacity_past_;
  // For Options::stop_after_first_rates.
  bool starting_program_ = false;
  std::uint64_t transfers_to_start_ = 0;   // of those emitted at the start, whose first bytes have not all moved
  struct FirstRate {
    OpId id;
    std::uint32_t index;
    double rate;
  };
  std::vector<FirstRate> ended_early_;
};

}  // namespace weft::engine
