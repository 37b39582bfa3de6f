// TracedProgram: plays another program and tells TimelineEvents what its operations do, on the ranks that are asked for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/analysis/timeline/live_timeline.h"
#include "sim/core/placement.h"
#include "sim/engine/engine.h"
#include "workloads/program.h"

namespace weft::analysis {

struct TraceOptions {
  std::vector<bool> ranks;   ///< by rank: whether it is drawn; empty: all are
  bool arrows = true;        ///< from an operation to those that wait for it
};

/// Neither says that its ranks are alike nor comes in parts, so that an engine runs every operation, in order of time. To be
/// given to the engine as the program and as (one of) its sinks; only for engines that run in this process.
///
/// Where the program has no label for it: a transfer is drawn under each rank whose NIC sends some of it, else under each that
/// sends; computation under a process of its own, a track a stream, since nobody knows its rank (and not when only some ranks are
/// asked for); markers not at all.
class TracedProgram final : public workloads::Program, public engine::TimelineSink, private workloads::Sink, private LineNames {
 public:
  /// All have to outlive this.
  TracedProgram(workloads::Program& inside, Placement placement, TraceOptions options, TimelineEvents& to);

  std::span<const workloads::CommKernel> kernels() const override { return inside_.kernels(); }
  void start(workloads::Sink& sink) override;
  void on_complete(OpId id, Seconds now, workloads::Sink& sink) override;
  void started(OpId id, Seconds at) override { timeline_.start(id, at); }
  /// To be called after the run.
  void close() { timeline_.close(); }

  std::uint64_t slices() const { return timeline_.slices(); }
  std::uint32_t processes() const { return timeline_.processes(); }

  /// Tracks of operations whose label says none: transfers, and computation by its stream from first_stream on.
  static constexpr std::uint32_t nvlink_track = workloads::OpLabel::tracks, network_track = nvlink_track + 1, first_stream = nvlink_track + 2;

 private:
  void transfer(const workloads::Transfer& t, std::span<const OpId> after) override;
  void transfers(const std::shared_ptr<workloads::TransferBatch>& batch, OpId first, std::span<const OpId> after) override;
  void compute(const workloads::Compute& c, std::span<const OpId> after) override;
  void marker(OpId id, Seconds delay, std::span<const OpId> after) override;
  std::string process(std::uint32_t number) const override;
  std::string place(std::uint32_t number) const override;
  std::string track(std::uint32_t process, std::uint32_t track) const override;

  enum class Kind : std::uint32_t { computation, marker, transfer };   // transfers: plus kernel + 1, 0 for none

  bool drawn(std::uint32_t rank) const { return options_.ranks.empty() || (rank < options_.ranks.size() && options_.ranks[rank]); }
  std::uint32_t rank_of(const Endpoint& e) const;
  bool labelled(OpId id);
  std::uint32_t track_or(std::uint32_t own) const { return label_.track != workloads::OpLabel::own_track ? label_.track : own; }
  void note_transfer(const workloads::Transfer& t, std::span<const OpId> after);
  void find_spots(const workloads::Transfer& t);
  void find_nics(const workloads::Transfer& t);
  void add_spot(const workloads::Leg& leg, double bytes, std::uint32_t track);
  LiveTimeline::Text text_of(OpId id, const LiveTimeline::Facts& facts);

  workloads::Program& inside_;
  Placement placement_;
  TraceOptions options_;
  LiveTimeline timeline_;
  workloads::Sink* out_ = nullptr;   // during a call of the engine
  workloads::OpLabel label_;
  std::vector<LiveTimeline::Spot> spots_;
  std::vector<LiveTimeline::NicUse> nics_;
};

}  // namespace weft::analysis
