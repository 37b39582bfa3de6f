#include "models/calibration/measure/simulated.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "models/calibration/measure/kernel_list.h"
#include "models/normal.h"
#include "sim/core/error.h"
#include "sim/core/random.h"

/// What the ABI calls a session: parameters, what is prepared, how many runs there were.
struct weft_measure_session {
  // The device that is made up: t = start_us + max(FLOP / flops, bytes / bandwidth), a share of noise, rare outliers.
  std::map<std::string, double> numbers = {{"start_us", 2.0}, {"flops", 1e15}, {"bandwidth", 2.5e12}, {"noise", 0.01}, {"outliers", 0.01},
                                           {"outlier_factor", 5.0}, {"slow_start", 3.0}, {"sms", 132.0}, {"seed", 1.0}};
  std::map<std::string, std::string> words = {{"device", "simulated"}, {"trouble", ""}, {"fails", ""}, {"refuses", ""}};
  std::string error;
  const weft_measure_kernel* kernel = nullptr;
  double time_us = 0;
  std::uint64_t shape = 0;   // a hash
  std::uint64_t runs = 0;    // since it was prepared
};

namespace weft::models {
namespace {

using Session = weft_measure_session;

int fail(Session& s, int status, std::string why) {
  s.error = std::move(why);
  return status;
}

/// "name=value,name=value" into the session; an error in words, empty when all is well.
std::string read_parameters(Session& s, std::string_view text) {
  std::vector<std::string> known;
  for (const auto& [name, value] : s.numbers) known.push_back(name);
  for (const auto& [name, value] : s.words) known.push_back(name);
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos) return fmt::format("expected name=value, got \"{}\"", pair);
    const std::string name(pair.substr(0, equals)), value(pair.substr(equals + 1));
    if (s.words.count(name) != 0) {
      s.words[name] = value;
    } else if (s.numbers.count(name) != 0) {
      double v = 0;
      const auto [end, status] = std::from_chars(value.data(), value.data() + value.size(), v);
      if (status != std::errc() || end != value.data() + value.size() || !std::isfinite(v) || v < 0) {
        return fmt::format("{}: expected a number of at least 0, got \"{}\"", name, value);
      }
      s.numbers[name] = v;
    } else {
      return fmt::format("there is no parameter \"{}\" ({})", name, unknown_name_hint(name, known));
    }
  }
  for (const char* positive : {"flops", "bandwidth", "sms"}) {
    if (s.numbers[positive] <= 0) return fmt::format("{}: expected a number above 0", positive);
  }
  const std::vector<std::string> troubles = {"", "no_gpu", "old_driver", "throttling", "broken"};
  if (std::find(troubles.begin(), troubles.end(), s.words["trouble"]) == troubles.end()) {
    return fmt::format("there is no trouble \"{}\" ({})", s.words["trouble"], unknown_name_hint(s.words["trouble"], std::span(troubles).subspan(1)));
  }
  return {};
}

struct Work {
  double flop = 0, bytes = 0;
  double sms = 0;      // 0: all
  double starts = 1;
};

/// What a kernel computes and moves, each operand once.
Work work_of(const weft_measure_kernel& k, const double* v) {
  const std::string_view family = k.family, variant = k.variant;
  const bool fp8 = variant.starts_with("fp8");
  const double in = fp8 ? 1 : 2;
  if (family == "gemm") return {2 * v[0] * v[1] * v[2], in * (v[0] + v[1]) * v[2] + 2 * v[0] * v[1], v[3]};
  if (family == "gemm_wgrad") return {2 * v[0] * v[1] * v[2], in * (v[0] + v[1]) * v[2] + 8 * v[0] * v[1], v[3]};
  if (family == "grouped_gemm") return {2 * v[0] * v[1] * v[2] * v[3], v[0] * (in * (v[1] + v[2]) * v[3] + 2 * v[1] * v[2]), v[4]};
  if (family == "mla_decode") {
    const double queries = v[0] * v[1] * v[2];
    return {2 * queries * v[3] * (576 + 512), 2 * 576 * v[0] * v[3] + 2 * queries * (576 + 512), v[4]};
  }
  if (family == "elementwise") return {0, v[0], v[1]};
  if (family == "router") return {0, v[0] * (4 * v[1] + 8 * v[2]), 0};
  if (family == "launch") return {0, 0, 0, v[0]};
  if (family == "nccl") return {0, v[1] * v[0], 0};
  return {0, v[0], 0};   // memory, peer_copy
}

bool names(const std::string& list, const weft_measure_kernel& k) {
  return !list.empty() && (list == k.family || list == fmt::format("{}/{}", k.family, k.variant));
}

/// The CUDA module's kernels, but nothing of theirs is run.
constexpr auto simulated_kernels = [] {
  std::array<weft_measure_kernel, measured_kernel_count> list{};
  for (int i = 0; i < measured_kernel_count; ++i) {
    list[static_cast<std::size_t>(i)] = measured_kernels[i];
    list[static_cast<std::size_t>(i)].implementation = "simulated: nothing is run";
  }
  return list;
}();

const weft_measure_kernel* kernels(std::int32_t* count) {
  *count = measured_kernel_count;
  return simulated_kernels.data();
}

int open(const char* parameters, Session** into) {
  auto* const s = new Session;
  *into = s;
  if (std::string why = read_parameters(*s, parameters); !why.empty()) return fail(*s, WEFT_MEASURE_REFUSED, "simulated: " + why);
  if (s->words["trouble"] == "no_gpu") return fail(*s, WEFT_MEASURE_NOT_HERE, "there is no GPU (the simulated device pretends it)");
  if (s->words["trouble"] == "old_driver") {
    return fail(*s, WEFT_MEASURE_NOT_HERE, "the driver is too old for the module's CUDA runtime (the simulated device pretends it)");
  }
  return WEFT_MEASURE_OK;
}

void close(Session* s) { delete s; }
const char* error(const Session* s) { return s->error.c_str(); }

template <std::size_t N>
void copy_text(char (&into)[N], const std::string& text) {
  std::strncpy(into, text.c_str(), N - 1);
  into[N - 1] = '\0';
}

/// All numbers, those that were left out too: the same text is the same times. The words change no time of a kernel that is timed.
std::string numbers_of(const Session& s) {
  std::string text;
  for (const auto& [name, value] : s.numbers) text += fmt::format("{}{}={}", text.empty() ? "" : ",", name, value);
  return text;
}

int device(Session* s, weft_measure_device* into) {
  *into = {};
  const std::string numbers = numbers_of(*s);
  WEFT_CHECK(numbers.size() < sizeof into->parameters, numbers);
  copy_text(into->parameters, numbers);
  copy_text(into->name, s->words["device"]);
  copy_text(into->driver, "none");
  copy_text(into->runtime, "none");
  into->sms = static_cast<std::int32_t>(s->numbers["sms"]);
  into->gpus = 1;
  into->simulated = 1;
  return WEFT_MEASURE_OK;
}

int prepare(Session* s, std::int32_t number, const double* values, std::int32_t count) {
  const weft_measure_kernel& k = measured_kernels[number];
  if (names(s->words["refuses"], k)) return fail(*s, WEFT_MEASURE_REFUSED, "this shape does not fit (the simulated device pretends it)");
  const Work w = work_of(k, values);
  const double share = w.sms > 0 ? w.sms / s->numbers["sms"] : 1;
  s->kernel = &k;
  s->time_us = s->numbers["start_us"] * w.starts +
               1e6 * std::max(w.flop / (s->numbers["flops"] * share), w.bytes / (s->numbers["bandwidth"] * share));
  s->shape = hash_name(fmt::format("{}/{}", k.family, k.variant));
  for (int i = 0; i < count; ++i) s->shape = hash_with(s->shape, std::bit_cast<std::uint64_t>(values[i]));
  s->runs = 0;
  return WEFT_MEASURE_OK;
}

int verify(Session* s, weft_measure_verification* into) {
  *into = {};
  into->max_error = names(s->words["fails"], *s->kernel) ? 0.5 : 1e-4;
  into->tolerance = 1e-2;
  into->checked = 1;
  copy_text(into->rule, "made up: nothing was computed");
  return WEFT_MEASURE_OK;
}

/// The time of a run: the first five are slow (caches, clocks), then noise and rare outliers.
double time_of_run(Session& s) {
  Draws draws(static_cast<std::uint64_t>(s.numbers["seed"]), "measure", s.shape, s.runs++);
  double t = s.time_us * std::exp(s.numbers["noise"] * normal(draws));
  if (draws.unit() < s.numbers["outliers"]) t *= s.numbers["outlier_factor"];
  return s.runs <= 5 ? t * std::max(1.0, s.numbers["slow_start"]) : t;
}

int run_batch(Session* s, weft_measure_batch* batch) {
  if (s->words["trouble"] == "broken") return fail(*s, WEFT_MEASURE_FAILED, "the device is lost (the simulated device pretends it)");
  for (int i = 0; i < batch->samples; ++i) batch->times_us[i] = time_of_run(*s);
  return WEFT_MEASURE_OK;
}

int clocks(Session* s, weft_measure_clocks* into) {
  *into = {};
  into->known = 1;
  into->sm_mhz = s->words["trouble"] == "throttling" ? 1200 : 1755;
  into->memory_mhz = 2619;
  if (s->words["trouble"] == "throttling") copy_text(into->throttle, "sw_power_cap");
  return WEFT_MEASURE_OK;
}

void release(Session* s) { s->kernel = nullptr; }

}  // namespace

const weft_measure_module& simulated_module() {
  static constexpr weft_measure_module module = {WEFT_MEASURE_ABI_VERSION, "simulated", "1", kernels, open, close, error, device,
                                                 prepare, verify, run_batch, clocks, release};
  return module;
}

}  // namespace weft::models
