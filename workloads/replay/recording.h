// A Recording: the GPU operations of a profiler's trace as a replay sees them: what each is, on which stream, in which phase, with its
// shape.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "models/calibration/readers/kineto_shapes.h"
#include "sim/core/files.h"

namespace weft::workloads::replay {

/// What an operation does, as far as a what-if must know.
enum class Role : std::uint8_t {
  compute,   ///< arithmetic, copies inside the GPU, anything local
  exchange,  ///< moves bytes between GPUs: DeepEP's dispatch and combine, NCCL's collectives
  peers,     ///< waits for other ranks: DeepEP's notify kernels
};

struct RecordedOp {
  std::string name;  ///< short: "layer_norm::ln_fwd_kernel"
  models::TraceKernel::What what = models::TraceKernel::What::kernel;
  models::KernelShape shape;  ///< family, operation and, where the trace tells it, the shape
  Role role = Role::compute;
  double start_us = 0, time_us = 0;  ///< as recorded; starts serve to find dependencies, a replay reads none
  double launch_us = 0;
  bool launched = false;          ///< whether the trace says when the CPU launched it
  std::uint32_t stream = 0;       ///< index into Recording::streams
  std::int32_t phase = -1;        ///< index into Recording::phases; -1: in none
  double blocks[3] = {1, 1, 1};   ///< its grid
  double rows = 0, received = 0;  ///< of the routed experts of its phase, and tokens that came from other ranks; 0: not told
  bool assumed_shape = false;     ///< the rows of single experts are taken to be equal

  double end_us() const { return start_us + time_us; }
};

struct Stream {
  std::int64_t device = 0, number = 0;  ///< as the trace has them
  bool communication = false;           ///< more than half of its time are exchanges and waits for peers
  bool overlaps = false;                ///< some of its operations overlap each other
};

/// One run of an annotated phase.
struct Phase {
  std::string name;
  std::int64_t layer = 0;          ///< 1 for the first run of this name, 2 for the second, ...
  std::vector<std::uint32_t> ops;  ///< in the order of their start
};

struct Recording {
  std::string device;                        ///< "NVIDIA H800"; may be empty
  std::string source;                        ///< of the trace's facts; empty: the profiler's own file
  double sms = 0, world_size = 0;            ///< 0: not said
  double compute_sms = 0;                    ///< SMs left beside communication; 0: not known
  double tokens = 0, experts = 0, topk = 0;  ///< of the known training; 0 for a foreign trace
  std::string known;                         ///< title of the known training; empty: a foreign trace
  std::vector<RecordedOp> ops;               ///< in the order of their start; an operation's number is its index here
  std::vector<std::uint32_t> launches;       ///< operations whose launch is known, in the order of launch
  std::vector<Stream> streams;
  std::vector<Phase> phases;  ///< in the order of their annotations
  std::vector<models::TraceCall> calls;
  std::map<std::string, std::string> after;  ///< of the known training: the phase that a phase waits for
  std::vector<std::string> notes;

  /// Counts as communication: by itself or because its stream does.
  bool communication(std::uint32_t op) const { return ops[op].role != Role::compute || streams[ops[op].stream].communication; }
  double span_us() const;  ///< first start to last end
};

/// Throws UserError (place: the trace) where there is nothing to replay.
Recording recording_of(const models::Trace& trace, const DataPlaces& data);

}  // namespace weft::workloads::replay
