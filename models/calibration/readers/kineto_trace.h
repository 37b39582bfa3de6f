// A Trace: what a PyTorch-profiler (Kineto) file says of the GPU: kernels, copies, when each was launched, and in which annotation.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "models/calibration/readers/reader.h"

namespace weft::models {

struct TraceKernel {
  enum class What { kernel, copy, set };
  What what = What::kernel;
  std::string name;
  double start_us = 0, time_us = 0;
  double launch_us = 0;                    ///< when the CPU launched it; its start when the file does not say
  bool launched = false;                   ///< whether the file says
  std::int64_t stream = 0, device = 0;
  std::array<double, 3> grid{1, 1, 1}, block{1, 1, 1};
  double shared_memory = 0;                ///< dynamic and static, bytes per block
  double bytes = 0;                        ///< of a copy or a set
  std::string phase;                       ///< innermost annotation around the launch: "attn(F)"; may be empty
  int phase_number = -1;                   ///< which annotation of the file that is; -1 without one

  double blocks() const { return grid[0] * grid[1] * grid[2]; }
};

/// A call by which the CPU makes a stream wait for an event, or waits itself for the GPU.
struct TraceCall {
  enum class What { wait, synchronize };
  What what = What::wait;
  double begin_us = 0, end_us = 0;
};

struct Trace {
  std::string device;                      ///< "NVIDIA H800"; empty: the file does not say
  double sms = 0;                          ///< of the device; 0: not said
  double world_size = 0;                   ///< ranks of the job; 0: not said
  std::string source;                      ///< where it comes from; empty: the profiler's own file
  std::vector<TraceKernel> kernels;        ///< in the order of their launch
  std::vector<TraceCall> calls;            ///< in the order of their begin
  std::vector<std::string> phases;         ///< names of the annotations, each once, in order
};

/// Reads the events one by one; memory is for the kernels alone. Throws UserError: not JSON, cut off, no kernels, a kernel without a
/// duration or with a negative one, kernels of two kinds of GPU.
Trace read_trace(const MeasurementText& file);

}  // namespace weft::models
