// A generator of profiler traces: a program of phases on streams is played by hand, and written down as torch.profiler would.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace weft::test {

/// A kernel of a phase. The CPU launches kernels one after the other; a stream runs them one after the other.
struct TracedKernel {
  std::string phase, name;
  int stream = 7;
  double time_us = 1;
  std::vector<int> waits;   ///< kernels for whose end its stream waits first, by number
  bool host_waits = false;  ///< the CPU waits for its end before it launches the next one
};

/// Plays them: every kernel starts `kGap` after all that it waits for, and `kLatency` after its launch at the earliest.
struct TracedProgram {
  static constexpr double kLaunch = 4, kLatency = 6, kGap = 2, kReads = 10;  // us

  std::vector<TracedKernel> kernels;

  int add(TracedKernel k) {
    kernels.push_back(std::move(k));
    return static_cast<int>(kernels.size()) - 1;
  }

  struct Times {
    std::vector<double> launch, start, end;
  };
  Times play() const {
    Times t;
    std::map<int, double> free;
    double cpu = 100;
    for (const TracedKernel& k : kernels) {
      t.launch.push_back(cpu);
      double start = cpu + kLatency;
      if (free.contains(k.stream)) start = std::max(start, free[k.stream] + kGap);
      for (const int on : k.waits) start = std::max(start, t.end[static_cast<std::size_t>(on)] + kGap);
      t.start.push_back(start);
      t.end.push_back(free[k.stream] = start + k.time_us);
      cpu += kLaunch;
      if (k.host_waits) cpu = std::max(cpu, t.end.back() + kReads);
    }
    return t;
  }

  /// The file; a phase's annotation lies around the launches of neighbours of the same phase.
  std::string text(int world_size = 32) const {
    const Times t = play();
    std::vector<std::string> events;
    for (std::size_t i = 0; i < kernels.size(); ++i) {
      const TracedKernel& k = kernels[i];
      if (i == 0 || kernels[i - 1].phase != k.phase) {
        std::size_t j = i;
        while (j + 1 < kernels.size() && kernels[j + 1].phase == k.phase) ++j;
        events.push_back(fmt::format(R"({{"ph":"X","cat":"user_annotation","name":"{}","ts":{},"dur":{}}})", k.phase, t.launch[i] - 1,
                                     t.launch[j] - t.launch[i] + 2));
      }
      if (!k.waits.empty())
        events.push_back(
            fmt::format(R"({{"ph":"X","cat":"cuda_runtime","name":"cudaStreamWaitEvent","ts":{},"dur":0.5,"args":{{"correlation":{}}}}})",
                        t.launch[i] - 0.5, 100000 + i));
      events.push_back(fmt::format(
          R"({{"ph":"X","cat":"cuda_runtime","name":"cudaLaunchKernel","ts":{},"dur":2,"args":{{"correlation":{}}}}})", t.launch[i], i));
      events.push_back(fmt::format(
          R"({{"ph":"X","cat":"kernel","name":"{}","ts":{},"dur":{},"args":{{"device":0,"stream":{},"correlation":{},"shared memory":0,"grid":[112,1,1],"block":[128,1,1]}}}})",
          k.name, t.start[i], k.time_us, k.stream, i));
      // DeepEP's CPU polls memory that its notify kernel writes: no call is seen.
      if (k.host_waits && k.name.find("notify") == std::string::npos) {
        events.push_back(
            fmt::format(R"({{"ph":"X","cat":"cuda_runtime","name":"cudaStreamSynchronize","ts":{},"dur":{},"args":{{"correlation":{}}}}})",
                        t.launch[i] + 2, t.end[i] - t.launch[i], 200000 + i));
      }
    }
    return fmt::format(
        R"({{"deviceProperties":[{{"id":0,"name":"NVIDIA H800","numSms":132}}],"distributedInfo":{{"world_size":{}}},"traceEvents":[{}]}})",
        world_size, fmt::join(events, ",\n"));
  }
};

/// Prefill as DeepSeek's figure orders it: two micro-batches, computing on stream 7, all-to-alls on stream 27.
inline TracedProgram prefill_trace(int layers) {
  TracedProgram p;
  const auto compute = [&](const std::string& phase, double us, std::vector<int> waits = {}) {
    p.add({phase, "void layer_norm::ln_fwd_kernel<int>(int)", 7, us * 0.1, std::move(waits)});
    return p.add({phase, "void deep_gemm::fp8_gemm_kernel<4096>(int)", 7, us * 0.9, {}});
  };
  const auto exchange = [&](const std::string& phase, const std::string& kernel, double us, int after) {
    p.add({phase, "void deep_ep::internode::cached_notify<false>(int)", 27, us * 0.1, {after}});
    return p.add({phase, "void deep_ep::internode::" + kernel + "<false>(int)", 27, us * 0.9, {}});
  };
  std::vector<int> combined[2];
  for (int l = 0; l < layers; ++l) {
    const int attention1 = compute("ATTN(mb1)", 900 + 10 * l, combined[1]);
    const int dispatched1 = exchange("DISPATCH(mb1)", "dispatch", 700, attention1);
    compute("SHARED(mb0)", 200);
    const int attention0 = compute("ATTN(mb0)", 920, combined[0]);
    const int dispatched0 = exchange("DISPATCH(mb0)", "dispatch", 720, attention0);
    const int mlp1 = compute("MLP(mb1)", 800, {dispatched1});
    combined[1] = {exchange("COMBINE(mb1)", "combine", 1100, mlp1)};
    const int mlp0 = compute("MLP(mb0)", 810 + 20 * l, {dispatched0});
    combined[0] = {exchange("COMBINE(mb0)", "combine", 1110, mlp0)};
    compute("SHARED(mb1)", 210);
  }
  return p;
}

/// Decode: low-latency kernels send and receive on the computing stream itself, between the parts of two micro-batches.
inline TracedProgram decode_trace(int layers) {
  TracedProgram p;
  for (int l = 0; l < layers; ++l) {
    for (const char* mb : {"mb0", "mb1"}) {
      p.add({fmt::format("DISPATCH({})", mb), "void deep_ep::internode_ll::dispatch<false>(int)", 7, 12, {}});
      p.add({fmt::format("ATTN-0({})", mb), "void deep_gemm::fp8_gemm_kernel<128>(int)", 7, 90, {}});
      p.add({fmt::format("MLP({})", mb), "void deep_gemm::fp8_gemm_kernel<128>(int)", 7, 140, {}});
      p.add({fmt::format("COMBINE({})", mb), "void deep_ep::internode_ll::combine<false>(int)", 7, 15, {}});
      p.add({fmt::format("ATTN-1({})", mb), "flash_fwd_splitkv_mla_kernel", 7, 180, {}});
    }
  }
  return p;
}

}  // namespace weft::test
