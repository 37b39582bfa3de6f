#include "models/gpu.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/named_object.h"
#include "sim/core/sourced_number.h"

namespace weft::models {
namespace {

constexpr const char* kFolder = "models/hardware";
constexpr std::int64_t kMostCount = 1'000'000;

std::vector<std::string> read_device_names(JsonReader& r) {
  std::vector<std::string> names;
  const auto list = r.maybe("device_names");
  if (!list) return names;
  if (!list->is_array()) {
    list->fail("expected a list of names as the driver prints them", "for example [\"NVIDIA H800\"]");
    return names;
  }
  for (const JsonReader& item : list->items()) {
    names.push_back(item.as_string());
    if (item.is_string() && names.back().empty()) item.fail("is empty, and would match every device");
  }
  return names;
}

std::string to_text(double count) { return fmt::format("{:.0f}", count); }
std::string to_text(FlopsPerSecond v) { return fmt::format("{:.5g} TFLOPS", v.value() / 1e12); }
std::string to_text(Watts v) { return fmt::format("{:.5g} W", v.value()); }

double number_of(double v) { return v; }
template <class Q> double number_of(Q v) { return v.value(); }

/// Boards and slices that carry the name of a whole SXM board, but have other clocks, memories or fewer SMs.
bool is_another_board(std::string_view rest) {
  constexpr std::array<std::string_view, 3> kMarks = {"PCIe", "NVL", "MIG"};
  for (const std::string_view mark : kMarks) {
    if (rest.find(mark) != rest.npos) return true;
  }
  return false;
}

}  // namespace

Gpu read_gpu(JsonReader where, const DataPlaces& data) {
  Gpu g;
  auto found = read_named_object(where, data, kFolder, "a GPU");
  if (!found) return g;
  JsonReader& r = found->reader;
  g.name = found->name;
  if (where.is_object() && !data.find(kFolder, g.name).empty()) {
    where.fail_at("name", fmt::format("\"{}\" is the name of a shipped GPU, and this is another", g.name), "calibrations are found by it; take another name");
  }
  g.title = r.string("title", g.name);
  if (r.has("calibrations_of")) {
    g.calibrations_of = r.string("calibrations_of");
    if (const auto known = data.names(kFolder); std::find(known.begin(), known.end(), g.calibrations_of) == known.end()) {
      r.fail_at("calibrations_of", fmt::format("there is no GPU \"{}\"", g.calibrations_of), unknown_name_hint(g.calibrations_of, known));
    }
  }
  g.device_names = read_device_names(r);
  g.sms = read_sourced_count(r, "sms", 1, kMostCount, "a count");
  g.bf16_rate = r.sourced<FlopsPerSecond>("bf16_rate");
  g.fp8_rate = optional_constant<FlopsPerSecond>(r, "fp8_rate");
  g.fp4_rate = optional_constant<FlopsPerSecond>(r, "fp4_rate");
  g.bf16_sustained_rate = optional_constant<FlopsPerSecond>(r, "bf16_sustained_rate");
  g.hbm_rate = r.sourced<BytesPerSecond>("hbm_rate");
  g.memory = r.sourced<Bytes>("memory");
  g.l2 = optional_constant<Bytes>(r, "l2");
  g.nvlink_rate = optional_constant<BytesPerSecond>(r, "nvlink_rate");
  if (r.has("nvlink_gpus")) g.nvlink_gpus = read_sourced_count(r, "nvlink_gpus", 1, kMostCount, "a count");
  g.nic_rate = optional_constant<BytesPerSecond>(r, "nic_rate");
  g.pcie_rate = optional_constant<BytesPerSecond>(r, "pcie_rate");
  g.power = optional_constant<Watts>(r, "power");
  r.done();
  return g;
}

Gpu gpu_named(const std::string& name, const DataPlaces& data, const std::string& option) {
  Problems problems;
  const Json word = name;
  Gpu g = read_gpu(JsonReader(word, "", problems, option), data);
  problems.throw_if_any();
  return g;
}

std::vector<ConstantUsed> constants_of(const Gpu& gpu) {
  std::vector<ConstantUsed> used;
  const auto add = [&](const char* what, const auto& constant) {
    if (number_of(constant.value) == 0 && constant.source.empty()) return;
    used.push_back({fmt::format("GPU {}: {}", gpu.name, what), to_text(constant.value), constant.origin, constant.source});
  };
  add("sms", gpu.sms);
  add("bf16_rate", gpu.bf16_rate);
  add("fp8_rate", gpu.fp8_rate);
  add("fp4_rate", gpu.fp4_rate);
  add("bf16_sustained_rate", gpu.bf16_sustained_rate);
  add("hbm_rate", gpu.hbm_rate);
  add("memory", gpu.memory);
  add("l2", gpu.l2);
  add("nvlink_rate", gpu.nvlink_rate);
  add("nvlink_gpus", gpu.nvlink_gpus);
  add("nic_rate", gpu.nic_rate);
  add("pcie_rate", gpu.pcie_rate);
  add("power", gpu.power);
  return used;
}

std::optional<std::string> gpu_of_device(const std::string& device, const DataPlaces& data) {
  std::optional<std::string> best;
  std::size_t longest = 0;
  for (const std::string& name : data.names(kFolder)) {
    for (const std::string& known : gpu_named(name, data, kFolder).device_names) {
      if (known.size() <= longest || !device.starts_with(known)) continue;
      const std::string_view rest = std::string_view(device).substr(known.size());
      const bool whole_word = rest.empty() || rest.front() == ' ';   // "NVIDIA H20" is no beginning of "NVIDIA H200"
      if (!whole_word || is_another_board(rest)) continue;
      best = name;
      longest = known.size();
    }
  }
  return best;
}

}  // namespace weft::models
