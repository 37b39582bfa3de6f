// Timing: one kernel run many times between CUDA events, from a stream or from a replayed graph, with the L2 cache cold or warm.
#pragma once

#include "models/calibration/cuda/device.h"

namespace weft::cuda {

/// Cold: before each run all of a buffer of twice the L2's size is read (nothing is left to write back), then the kernel runs
/// between two events. In a graph the reads, events and kernels of all runs are nodes of one graph: no launch from the host comes between.
class Timer {
 public:
  explicit Timer(Device& device);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  /// Microseconds of `samples` runs to `times_us`; gives whether a graph was replayed.
  bool run(Kernel& kernel, int samples, bool cold_l2, bool graph, double* times_us);
  /// Forgets the graph: the kernel that it runs goes away.
  void forget();

 private:
  void empty_l2();
  void enqueue(Kernel& kernel, int samples, bool cold_l2, bool into_graph);
  void record(cudaEvent_t event, bool into_graph);
  void capture(Kernel& kernel, int samples, bool cold_l2);

  Device& device_;
  Memory flush_, flush_sums_;
  std::int64_t flush_vectors_;
  std::vector<cudaEvent_t> events_;   // before and after each sample
  cudaGraphExec_t graph_ = nullptr;
  int graph_samples_ = 0;
  bool graph_cold_ = false;
};

}  // namespace weft::cuda
