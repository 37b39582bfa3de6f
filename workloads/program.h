// A Program says what happens: operations with dependencies, handed out as they become known.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sim/core/ids.h"
#include "sim/core/placement.h"
#include "sim/core/units.h"

namespace weft::workloads {

/// A communication kernel's own limits: virtual links in series with every NIC or NVLink port that it uses.
struct CommKernel {
  std::string name;
  std::optional<BytesPerSecond> nic_rate;     ///< payload rate per NIC and direction
  std::optional<BytesPerSecond> nvlink_rate;  ///< payload rate per GPU and direction over NVLink
  std::optional<double> nic_share;            ///< payload per NIC as a part of that NIC's rate; beside nic_rate the smaller of the two holds

  /// Payload rate through a NIC of this rate; none: no limit but the wire's.
  std::optional<BytesPerSecond> nic_limit(BytesPerSecond wire) const {
    if (!nic_share) return nic_rate;
    const BytesPerSecond part = wire * *nic_share;
    return nic_rate && *nic_rate < part ? *nic_rate : part;
  }
  bool operator==(const CommKernel&) const = default;
};

/// One stretch of a transfer: `share` of the transfer's bytes go from one endpoint to another.
/// All legs of a transfer move together (a pipeline of chunks), at the pace of the slowest.
struct Leg {
  Endpoint from, to;
  double share = 1;
  bool operator==(const Leg&) const = default;
};

/// How long before the first byte: what the legs' wires take is added by the engine.
enum class LatencyMode : std::uint8_t {
  wire,    ///< the largest of the legs' latencies plus `extra_latency`
  none,    ///< `extra_latency` alone (a kernel whose fitted start-up already holds the wire)
};

struct Transfer {
  OpId id;
  Bytes bytes;
  std::span<const Leg> legs;               ///< read during the call only
  KernelId kernel;                         ///< index into Program::kernels(); none: no cap
  Seconds extra_latency;
  LatencyMode latency_mode = LatencyMode::wire;
  double weight = 1;                       ///< in max-min sharing: a flow of weight 2 counts as two
  std::optional<BytesPerSecond> rate_cap;
  std::uint64_t flow_key = 0;              ///< what ECMP hashes; give each connection its own
};

struct Compute {
  OpId id;
  StreamId stream;                         ///< operations of a stream run one after the other, in the order of emission
  Seconds duration;
  std::uint32_t sms = 0;                   ///< for reports
};

/// Many transfers that are emitted at once and wait for the same operations: ids one after the other. Engines may read
/// them again and again instead of keeping them, so that millions cost little memory.
class TransferBatch {
 public:
  virtual ~TransferBatch() = default;
  virtual std::uint32_t size() const = 0;
  /// Number k < size(), in any order, the same whenever asked, from one thread at a time. Legs are read until the next
  /// call. The id is left alone.
  virtual void read(std::uint32_t k, Transfer& out) = 0;
};

/// Where a program puts its operations. An operation starts when all of `after` have finished (unknown ids of finished,
/// forgotten operations count as finished). Ids are chosen by the program, dense from 0, each used once.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void transfer(const Transfer& t, std::span<const OpId> after = {}) = 0;
  /// The transfers of a batch, as if each had been emitted alone: number k has id `first` + k.
  virtual void transfers(const std::shared_ptr<TransferBatch>& batch, OpId first, std::span<const OpId> after = {});
  virtual void compute(const Compute& c, std::span<const OpId> after = {}) = 0;
  /// Takes `delay` and nothing else.
  virtual void marker(OpId id, Seconds delay = {}, std::span<const OpId> after = {}) = 0;
};

inline void Sink::transfers(const std::shared_ptr<TransferBatch>& batch, OpId first, std::span<const OpId> after) {
  Transfer t;
  for (std::uint32_t k = 0; k < batch->size(); ++k) {
    batch->read(k, t);
    t.id = OpId(first.value + k);
    transfer(t, after);
  }
}

/// What a reader of a timeline is told about an operation. What is left as it was is worked out from the operation itself.
struct OpLabel {
  std::string name;                 ///< empty: its kernel's, "transfer" or "compute"
  std::string category;             ///< as a profiler says it: "kernel", "gpu_memcpy"; empty: "kernel"
  std::string detail;               ///< anything more, told beside it: "layer 17, micro-batch 3"
  Rank rank;                        ///< under which rank it is drawn; invalid: under those that send
  std::uint32_t track = own_track;  ///< of that rank; less than `tracks`. The stream, for computation
  /// Held while it runs. Operations at one time on one track hold the most of theirs, not the sum: a communication kernel
  /// that is many transfers. Zero: those of the computation.
  std::uint32_t sms = 0;
  double hbm_share = 0;             ///< of a computation: the part of its time in kernels that memory limits, by the cost model's roofline

  static constexpr std::uint32_t tracks = 1000, own_track = ~std::uint32_t{0};
  /// As new; the strings keep their memory.
  void clear() {
    name.clear(), category.clear(), detail.clear();
    rank = Rank(), track = own_track, sms = 0, hbm_share = 0;
  }
};

class Symmetry;

class Program {
 public:
  virtual ~Program() = default;
  virtual std::span<const CommKernel> kernels() const { return {}; }
  /// Emits the operations known at time 0.
  virtual void start(Sink& sink) = 0;
  /// Called once per finished operation, in order of (time, id); may emit more.
  virtual void on_complete(OpId, Seconds, Sink&) {}
  /// Which of its ranks it believes to be alike (workloads/symmetry.h); null: none. Valid as long as the program, which
  /// has not been started.
  virtual std::shared_ptr<Symmetry> symmetry() { return nullptr; }
  /// Programs that emit, between them, what this one would, with its ids and its kernels, or none. No operation of one may
  /// wait for one of another or share a stream with it; links they should not share. An engine may run them instead of this
  /// program, each in a thread of its own, so that they share nothing that changes. Fresh ones whenever it is asked.
  virtual std::vector<std::unique_ptr<Program>> parts() { return {}; }
  /// What to tell about an operation in a timeline, into `out`, which has been cleared. False: nothing; then a marker is not
  /// drawn at all. Asked from when the operation is handed to the sink until on_complete() of it has returned, twice for most and
  /// of tens of millions: assign to the strings of `out` rather than making new ones.
  virtual bool label(OpId, OpLabel& /*out*/) const { return false; }
  /// What a track of label() is called: "compute", "dispatch and combine".
  virtual std::string track_name(std::uint32_t track) const { return "stream " + std::to_string(track); }
};

}  // namespace weft::workloads
