// Shapes of the kernels of a training trace that weft knows: which GEMM is which, told by phase, order and shared memory.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "models/calibration/readers/kineto_trace.h"
#include "models/calibration/readers/kineto_names.h"
#include "sim/core/files.h"

namespace weft::models {

/// What was found out about one kernel.
struct KernelShape {
  KernelKind kind;
  std::string operation;                  ///< "q_b_dgrad"; empty: the kernel's short name
  std::map<std::string, double> shape;    ///< empty: unknown
};

/// A GEMM in the order of a phase.
struct KnownGemm {
  std::string operation, kind;            ///< kind: gemm, grouped, wgrad, bf16, bf16_wgrad
  double m = 0, n = 0, k = 0;             ///< 0: told by the trace
};

/// The weight gradient of one routed expert: k, the expert's rows, is not in the trace; their sum is, with a phase launched before.
struct ExpertGradient {
  double m = 0, n = 0;
  std::string rows_of;                    ///< the phase that tells the rows of all experts
};

/// A kind of training whose phases and shapes are known: models/data/traces/NAME.json.
struct KnownTraining {
  std::string title, source, kernel;
  double shared_memory_base = 0, k_per_byte = 0;
  double experts = 0, topk = 0, hidden = 0, heads = 0, rope = 0, expert_width = 0, gpus_per_node = 0;
  std::map<std::string, std::vector<KnownGemm>> phases;
  std::map<std::string, std::string> after;                   ///< the phase whose last run, launched before it, a phase waits for
  std::map<std::string, ExpertGradient> expert_gradients;     ///< by operation
};

/// The known training that this trace shows; nothing for a foreign one.
std::optional<KnownTraining> known_training(const Trace& trace, const DataPlaces& data);

/// What the trace says of sizes: tokens of a micro-batch, SMs left to the computing kernels.
struct TraceSizes {
  double tokens = 0, sms = 0;
  std::string unknown;                    ///< why there are no SMs (0 of them would be all of the GPU's); empty when there are
};
TraceSizes sizes_of(const Trace& trace);

struct PhaseRun;

/// The occurrences of all phases, in the order of their annotations.
std::vector<PhaseRun> phase_runs(const Trace& trace, const TraceSizes& sizes);

/// Shapes of all kernels, in the order of trace.kernels; none where the SMs are unknown. Adds notes for that and for phases whose GEMMs do not fit
/// what is known.
std::vector<KernelShape> shapes_of(const Trace& trace, const KnownTraining& known, std::vector<std::string>& notes);

/// One occurrence of a phase: which kernels it launched, and what they tell of its sizes.
struct PhaseRun {
  std::vector<std::size_t> kernels;       ///< in the order of their launch
  double tokens = 0;
  double rows = 0;                        ///< of the routed experts in all; 0: the phase has none
  double received = 0;                    ///< tokens that other ranks sent; 0: not told
};

/// Adds bytes where a name, a grid and the sizes tell them (shapes of elementwise kernels).
void add_bytes(const Trace& trace, const KnownTraining& known, const PhaseRun& phase, double sms, std::vector<KernelShape>& shapes);

}  // namespace weft::models
