#include "models/calibration/readers/kineto_trace.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <unordered_map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "models/calibration/readers/kineto_events.h"
#include "sim/core/error.h"

namespace weft::models {
namespace {

struct Annotation {
  std::string name;
  double begin, end;
};

bool is(const std::string& category, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), category) != words.end();
}

/// Sorts the events of a file into kernels, launches and annotations.
class Collector {
 public:
  explicit Collector(const MeasurementText& file) : file_(file) {}

  void event(const TraceEvent& e) {
    if (e.phase != "X") return;
    ++count_[e.category];
    if (is(e.category, {"kernel", "Kernel"})) return add(e, TraceKernel::What::kernel);
    if (is(e.category, {"gpu_memcpy", "Memcpy"})) return add(e, TraceKernel::What::copy);
    if (is(e.category, {"gpu_memset", "Memset"})) return add(e, TraceKernel::What::set);
    if (is(e.category, {"cuda_runtime", "cuda_driver", "Runtime", "hip_runtime"})) {
      if (e.correlation >= 0) launches_[e.correlation] = e.ts.value_or(0);
      call(e);
    }
    // The profiler's own steps say nothing of the model.
    if (e.category == "user_annotation" && !e.name.starts_with("ProfilerStep")) annotations_.push_back({e.name, e.ts.value_or(0), e.ts.value_or(0) + e.dur.value_or(0)});
  }

  Trace finish(const TraceHeader& header) {
    if (kernels_ == 0) throw no_kernels();
    Trace t;
    t.kernels = std::move(trace_);
    t.world_size = header.world_size;
    set_device(t, header);
    for (std::size_t i = 0; i < t.kernels.size(); ++i) {
      const auto launch = launches_.find(correlation_[i]);
      t.kernels[i].launched = launch != launches_.end();
      t.kernels[i].launch_us = t.kernels[i].launched ? launch->second : t.kernels[i].start_us;
    }
    std::stable_sort(calls_.begin(), calls_.end(), [](const TraceCall& a, const TraceCall& b) { return a.begin_us < b.begin_us; });
    t.calls = std::move(calls_);
    std::stable_sort(t.kernels.begin(), t.kernels.end(), [](const TraceKernel& a, const TraceKernel& b) { return a.launch_us < b.launch_us; });
    set_phases(t);
    return t;
  }

 private:
  UserError error(std::string place, std::string message, std::string hint) const { return UserError({{file_.path, std::move(place), std::move(message), std::move(hint)}}); }

  void add(const TraceEvent& e, TraceKernel::What what) {
    const std::string place = fmt::format("/traceEvents/{}", e.number), name = e.name.substr(0, 60);
    for (const auto& [key, value] : {std::pair{"dur", e.dur}, {"ts", e.ts}}) {
      if (!value) throw error(place, fmt::format("\"{}\" has no number \"{}\"", name, key), "a kernel has a start and a duration in microseconds: the trace is damaged");
    }
    if (!(*e.dur >= 0) || !std::isfinite(*e.dur) || !std::isfinite(*e.ts)) {
      throw error(place, fmt::format("\"{}\" lasts {} us", name, *e.dur), "a duration is finite and not negative: the trace is damaged");
    }
    TraceKernel k;
    k.what = what;
    k.name = e.name;
    k.start_us = *e.ts;
    k.time_us = *e.dur;
    k.stream = e.stream;
    k.device = e.device;
    k.grid = e.grid;
    k.block = e.block;
    k.shared_memory = e.shared_memory;
    k.bytes = e.bytes;
    kernels_ += what == TraceKernel::What::kernel;
    trace_.push_back(std::move(k));
    correlation_.push_back(e.correlation);
  }

  /// Calls of cudaEventRecord are not in such traces: which event a stream waits for is not told.
  void call(const TraceEvent& e) {
    if (!e.ts) return;
    const bool wait = e.name.find("StreamWaitEvent") != std::string::npos;
    // A copy that is not asynchronous returns when it is done.
    const bool synchronize = e.name.find("Synchronize") != std::string::npos || e.name == "cudaMemcpy" || e.name == "hipMemcpy";
    if (wait || synchronize) calls_.push_back({wait ? TraceCall::What::wait : TraceCall::What::synchronize, *e.ts, *e.ts + std::max(0.0, e.dur.value_or(0))});
  }

  UserError no_kernels() const {
    std::string seen;
    for (const auto& [category, n] : count_) seen += fmt::format("{}{} {}", seen.empty() ? "" : ", ", n, category.empty() ? "without a category" : category);
    return error("", fmt::format("the trace holds no GPU kernel ({})", seen.empty() ? "no event at all" : seen), "record it with ProfilerActivity.CUDA");
  }

  void set_device(Trace& t, const TraceHeader& header) const {
    std::set<std::string> names;
    for (const TraceKernel& k : t.kernels) {
      const auto d = header.devices.find(k.device);
      if (d == header.devices.end()) continue;
      names.insert(d->second.name);
      t.sms = d->second.sms;
    }
    if (names.size() > 1) throw error("/deviceProperties", fmt::format("kernels of different GPUs in one file: {}", fmt::join(names, ", ")), "a fit is for one kind of GPU: record them apart");
    if (!names.empty()) t.device = *names.begin();
  }

  /// The annotation that began last among those around a launch.
  void set_phases(Trace& t) {
    std::stable_sort(annotations_.begin(), annotations_.end(), [](const Annotation& a, const Annotation& b) { return a.begin < b.begin; });
    for (const Annotation& a : annotations_) {
      if (std::find(t.phases.begin(), t.phases.end(), a.name) == t.phases.end() && t.phases.size() < 1000) t.phases.push_back(a.name);
    }
    std::vector<int> open;
    std::size_t next = 0;
    for (TraceKernel& k : t.kernels) {
      for (; next < annotations_.size() && annotations_[next].begin <= k.launch_us; ++next) open.push_back(static_cast<int>(next));
      std::erase_if(open, [&](int a) { return annotations_[static_cast<std::size_t>(a)].end <= k.launch_us; });
      if (open.empty()) continue;
      k.phase_number = open.back();
      k.phase = annotations_[static_cast<std::size_t>(k.phase_number)].name;
    }
  }

  const MeasurementText& file_;
  std::vector<TraceKernel> trace_;
  std::vector<std::int64_t> correlation_;
  std::unordered_map<std::int64_t, double> launches_;
  std::vector<TraceCall> calls_;
  std::vector<Annotation> annotations_;
  std::map<std::string, std::size_t> count_;
  std::size_t kernels_ = 0;
};

}  // namespace

Trace read_trace(const MeasurementText& file) {
  Collector collector(file);
  const TraceHeader header = read_trace_events(file, [&](const TraceEvent& e) { collector.event(e); });
  return collector.finish(header);
}

}  // namespace weft::models
