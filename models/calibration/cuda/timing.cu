#include "models/calibration/cuda/timing.h"

#include "models/calibration/cuda/streams.h"

namespace weft::cuda {
namespace {

constexpr int flush_threads = 512;

__global__ void __launch_bounds__(flush_threads) flush_kernel(const Words4* a, std::uint32_t* sums, std::int64_t vectors) {
  read_body(OnDevice{}, a, sums, vectors);
}

}  // namespace

Timer::Timer(Device& device)
    : device_(device), flush_(round_up(2 * device.l2_bytes, 16)), flush_sums_(static_cast<std::int64_t>(4) * device.sms * flush_threads * 4),
      flush_vectors_(round_up(2 * device.l2_bytes, 16) / 16) {
  fill_floats(flush_, flush_vectors_ * 4, 1, -1, 1);
  empty_l2();   // loads the kernel: a capture is no time for that
  check(cudaDeviceSynchronize(), "the kernel that empties the L2 cache");
}

Timer::~Timer() {
  forget();
  for (const cudaEvent_t event : events_) cudaEventDestroy(event);
}

void Timer::forget() {
  if (graph_ != nullptr) cudaGraphExecDestroy(graph_);
  graph_ = nullptr;
}

void Timer::record(cudaEvent_t event, bool into_graph) {
  // External: the graph has a node that records the event each time it is replayed.
  check(into_graph ? cudaEventRecordWithFlags(event, device_.stream, cudaEventRecordExternal) : cudaEventRecord(event, device_.stream), "cudaEventRecord");
}

void Timer::empty_l2() {
  flush_kernel<<<4 * device_.sms, flush_threads, 0, device_.stream>>>(flush_.as<Words4>(), flush_sums_.as<std::uint32_t>(), flush_vectors_);
  check(cudaGetLastError(), "the kernel that empties the L2 cache");
}

void Timer::enqueue(Kernel& kernel, int samples, bool cold_l2, bool into_graph) {
  for (int i = 0; i < samples; ++i) {
    if (!into_graph) kernel.settle();
    if (cold_l2) empty_l2();
    record(events_[static_cast<std::size_t>(2 * i)], into_graph);
    kernel.launch(device_.stream);
    record(events_[static_cast<std::size_t>(2 * i + 1)], into_graph);
  }
}

void Timer::capture(Kernel& kernel, int samples, bool cold_l2) {
  forget();
  check(cudaStreamBeginCapture(device_.stream, cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
  cudaGraph_t graph = nullptr;
  try {
    enqueue(kernel, samples, cold_l2, true);
  } catch (...) {
    cudaStreamEndCapture(device_.stream, &graph);   // leaves the stream usable
    if (graph != nullptr) cudaGraphDestroy(graph);
    cudaGetLastError();
    throw;
  }
  check(cudaStreamEndCapture(device_.stream, &graph), "cudaStreamEndCapture");
  const cudaError_t status = cudaGraphInstantiate(&graph_, graph, 0);
  cudaGraphDestroy(graph);
  if (status != cudaSuccess) graph_ = nullptr;
  check(status, "cudaGraphInstantiate");
  graph_samples_ = samples;
  graph_cold_ = cold_l2;
}

bool Timer::run(Kernel& kernel, int samples, bool cold_l2, bool graph, double* times_us) {
  graph = graph && kernel.can_capture();
  while (events_.size() < 2 * static_cast<std::size_t>(samples)) {
    events_.emplace_back();
    check(cudaEventCreate(&events_.back()), "cudaEventCreate");
  }
  if (graph) {
    if (graph_ == nullptr || graph_samples_ != samples || graph_cold_ != cold_l2) capture(kernel, samples, cold_l2);
    check(cudaGraphLaunch(graph_, device_.stream), "cudaGraphLaunch");
  } else {
    enqueue(kernel, samples, cold_l2, false);
  }
  check(cudaStreamSynchronize(device_.stream), "the timed kernel");
  for (int i = 0; i < samples; ++i) {
    float ms = 0;
    check(cudaEventElapsedTime(&ms, events_[static_cast<std::size_t>(2 * i)], events_[static_cast<std::size_t>(2 * i + 1)]), "cudaEventElapsedTime");
    times_us[i] = 1e3 * static_cast<double>(ms);
  }
  return graph;
}

}  // namespace weft::cuda
