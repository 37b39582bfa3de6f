#include "models/calibration/measure/backend.h"

#include <cstdlib>
#include <cmath>
#include <filesystem>
#include <sstream>

#include <dlfcn.h>

#include <fmt/format.h>

#include "models/calibration/measure/simulated.h"
#include "sim/core/error.h"

namespace weft::models {
namespace {

/// Throws NotPossibleHere that says where it is not.
std::string cuda_module_path() {
  namespace fs = std::filesystem;
  const std::string name = "weft_cuda.so";
  std::error_code none;
  if (const char* folder = std::getenv("WEFT_MODULES"); folder != nullptr && *folder != '\0') {
    const fs::path path = fs::path(folder) / name;
    if (fs::exists(path, none)) return path.string();
    throw NotPossibleHere(fmt::format("there is no CUDA module {} in $WEFT_MODULES ({}), and it is looked for nowhere else while that is set", name, folder));
  }
  // A build folder is a few levels above its programs, an installed prefix one above bin.
  fs::path above = fs::read_symlink("/proc/self/exe", none).parent_path();
  for (int level = 0; level < 4 && !above.empty(); ++level, above = above.parent_path()) {
    for (const fs::path& path : {above / "models" / "calibration" / "cuda" / name, above / WEFT_LIBDIR / "weft" / name}) {
      if (fs::exists(path, none)) return path.string();
    }
  }
  throw NotPossibleHere(fmt::format("this weft has no CUDA module ({}) in its build folder or prefix: it is built where nvcc is found that can build for "
                                    "sm_90a; put nvcc on PATH and configure the build anew, set $WEFT_MODULES, or try --backend simulated", name));
}

const weft_measure_module& cuda_module() {
  const std::string path = cuda_module_path();
  void* const loaded = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (loaded == nullptr) throw NotPossibleHere(fmt::format("the CUDA module cannot be loaded: {}", ::dlerror()));
  auto* const entry = reinterpret_cast<weft_measure_entry_function*>(::dlsym(loaded, WEFT_MEASURE_ENTRY));
  const weft_measure_module* const module = entry == nullptr ? nullptr : entry();
  if (module == nullptr || module->abi != WEFT_MEASURE_ABI_VERSION) {
    throw NotPossibleHere(fmt::format("{} belongs to another version of weft; build it anew", path));
  }
  return *module;
}

}  // namespace

const weft_measure_module& measure_module(const std::string& backend) {
  if (backend == "cuda") return cuda_module();
  if (backend == "simulated") return simulated_module();
  const std::vector<std::string> known = {"cuda", "simulated"};
  throw UserError("--backend", fmt::format("there is no backend \"{}\"", backend), unknown_name_hint(backend, known));
}

std::vector<MeasuredKernel> kernels_of(const weft_measure_module& module) {
  std::int32_t count = 0;
  const weft_measure_kernel* const list = module.kernels(&count);
  std::vector<MeasuredKernel> out;
  for (int i = 0; i < count; ++i) {
    MeasuredKernel k{list[i].family, list[i].variant, list[i].implementation, {}, i};
    std::istringstream words(list[i].fields);
    for (std::string word; words >> word;) {
      const std::size_t equals = word.find('=');
      MeasuredKernel::Field field{word.substr(0, equals), std::nullopt};
      if (equals != std::string::npos) field.fallback = std::strtod(word.c_str() + equals + 1, nullptr);
      k.fields.push_back(std::move(field));
    }
    out.push_back(std::move(k));
  }
  return out;
}

Backend::Backend(const weft_measure_module& module, const std::string& parameters) : module_(module) {
  int status = module_.open(parameters.c_str(), &session_);
  if (status == WEFT_MEASURE_OK) status = module_.device(session_, &device_);
  if (status == WEFT_MEASURE_OK) return;
  const std::string why = session_ == nullptr ? "out of memory" : module_.error(session_);
  if (session_ != nullptr) module_.close(session_);
  if (status == WEFT_MEASURE_NOT_HERE) throw NotPossibleHere("no kernel can be measured here: " + why);
  if (status == WEFT_MEASURE_REFUSED) throw UserError("--backend", why);
  throw RunError("the device cannot be opened: " + why);
}

Backend::~Backend() { module_.close(session_); }

void Backend::check(int status, const char* what) const {
  if (status == WEFT_MEASURE_OK) return;
  if (status == WEFT_MEASURE_REFUSED) throw ShapeRefused{module_.error(session_)};
  if (status == WEFT_MEASURE_NOT_HERE) throw NotPossibleHere(module_.error(session_));
  throw RunError(fmt::format("{}: {}", what, module_.error(session_)));
}

void Backend::prepare(const MeasuredKernel& kernel, const std::vector<double>& at) {
  WEFT_CHECK(at.size() == kernel.fields.size(), kernel.family);
  check(module_.prepare(session_, kernel.number, at.data(), static_cast<std::int32_t>(at.size())), "the kernel cannot be prepared");
}

weft_measure_verification Backend::verify() {
  weft_measure_verification v{};
  check(module_.verify(session_, &v), "the kernel cannot be verified");
  return v;
}

bool Backend::run(int samples, bool cold_l2, bool graph, std::vector<double>& into) {
  std::vector<double> times(static_cast<std::size_t>(samples));
  weft_measure_batch batch{samples, cold_l2 ? 1 : 0, graph ? 1 : 0, times.data()};
  check(module_.run_batch(session_, &batch), "the kernel cannot be timed");
  for (const double t : times) {
    if (!(t > 0) || !std::isfinite(t)) throw RunError(fmt::format("the kernel cannot be timed: the device gave {} us", t));
    into.push_back(t);
  }
  return batch.graph != 0;
}

weft_measure_clocks Backend::clocks() {
  weft_measure_clocks c{};
  check(module_.clocks(session_, &c), "the clocks cannot be read");
  return c;
}

void Backend::release() { module_.release(session_); }

}  // namespace weft::models
