// The CUDA module as it was built: it loads, exports one symbol, and says through its ABI what this machine cannot do; where there is a
// GPU, every kernel of the quick plan agrees with its CPU reference and is timed.
//
// cuda_module [MODULE]   exit 77 without a module (nvcc was not found when weft was built).
#include <cstdio>
#include <cstring>
#include <string>

#include <dlfcn.h>

#include "models/calibration/measure/backend.h"
#include "models/calibration/measure/plan.h"
#include "sim/core/error.h"

namespace {

using namespace weft;
using namespace weft::models;

int fail(const std::string& why) {
  std::printf("FAILED: %s\n", why.c_str());
  return 1;
}

int on_the_gpu(Backend& backend, const std::vector<MeasuredKernel>& kernels) {
  int failures = 0;
  for (const PlannedKernel& k : plan_named("quick", DataPlaces::standard(), kernels).kernels) {
    const std::string name = to_text(k);
    try {
      backend.prepare(k.kernel, k.at);
      const weft_measure_verification v = backend.verify();
      if (!(v.max_error <= v.tolerance) || v.checked == 0) failures += fail(name + ": differs from its reference: " + std::to_string(v.max_error));
      for (const bool graph : {false, true}) {
        for (const bool cold : {false, true}) {
          std::vector<double> times;
          const bool replayed = backend.run(20, cold, graph, times);
          std::printf("%s: error %.3g of %.3g, %s L2, %s: %.2f us\n", name.c_str(), v.max_error, v.tolerance, cold ? "cold" : "warm",
                      replayed ? "graph" : "stream", times[10]);
        }
      }
    } catch (const ShapeRefused& refused) {
      failures += fail(name + ": refused: " + refused.why);
    } catch (const RunError& error) {
      failures += fail(name + ": " + error.what());
    }
  }
  const weft_measure_clocks clocks = backend.clocks();
  std::printf("SM clock %.0f MHz, memory %.0f MHz, held down by: %s\n", clocks.sm_mhz, clocks.memory_mhz, clocks.throttle);
  return failures == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::printf("the CUDA module was not built: nvcc was not found, or cannot build for sm_90a\n");
    return 77;
  }
  void* const loaded = ::dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (loaded == nullptr) return fail(::dlerror());
  auto* const entry = reinterpret_cast<weft_measure_entry_function*>(::dlsym(loaded, WEFT_MEASURE_ENTRY));
  if (entry == nullptr) return fail("it has no " WEFT_MEASURE_ENTRY);
  if (::dlsym(loaded, "cudaMalloc") != nullptr) return fail("it exports the CUDA runtime");
  const weft_measure_module* const module = entry();
  if (module->abi != WEFT_MEASURE_ABI_VERSION || std::strcmp(module->name, "cuda") != 0) return fail("it is another module or another version");
  const std::vector<MeasuredKernel> kernels = kernels_of(*module);
  if (kernels.size() < 20) return fail("it has too few kernels");
  try {
    Backend backend(*module, "");
    std::printf("%s: %d SMs, driver %s, runtime %s\n", backend.device().name, backend.device().sms, backend.device().driver, backend.device().runtime);
    return on_the_gpu(backend, kernels);
  } catch (const NotPossibleHere& e) {
    std::printf("it says: %s\n", e.what());
    const std::string said = e.what();
    return said.find("driver") != std::string::npos || said.find("GPU") != std::string::npos ? 0 : fail("that is no reason");
  }
}
