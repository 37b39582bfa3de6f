#include "models/machine.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "models/gpu.h"
#include "sim/core/named_object.h"

namespace weft::models {
namespace {

constexpr const char* kFolder = "models/machines";
constexpr const char* kGpus = "models/hardware";

MachineMemory read_memory(JsonReader r) {
  MachineMemory m;
  if (!r.expect_object("a memory, such as {\"size\": \"128 GiB\", \"rate\": \"256 GB/s\"}")) return m;
  m.size = r.sourced<Bytes>("size");
  m.rate = r.sourced<BytesPerSecond>("rate");
  m.reached = optional_constant<BytesPerSecond>(r, "reached");
  if (m.reached.value > m.rate.value) r.fail_at("reached", fmt::format("is more than its rate of {}", to_text(m.rate.value)));
  r.done();
  return m;
}

Machine machine_of(const Gpu& gpu) {
  Machine m;
  m.name = gpu.name, m.title = gpu.title;
  m.memory = {gpu.memory, gpu.hbm_rate, {}};
  m.compute_rate = gpu.bf16_rate;
  return m;
}

std::string to_text(FlopsPerSecond v) { return fmt::format("{:.5g} TFLOPS", v.value() / 1e12); }

}  // namespace

Machine read_machine(JsonReader where, const DataPlaces& data) {
  if (where.is_string()) {
    const std::string name = where.as_string();
    if (data.find(kFolder, name).empty() && !data.find(kGpus, name).empty()) return machine_of(read_gpu(where, data));
  }
  Machine m;
  auto found = read_named_object(where, data, kFolder, "a machine");
  if (!found) return m;
  JsonReader& r = found->reader;
  m.name = found->name;
  m.title = r.string("title", m.name);
  m.memory = read_memory(r.at("memory"));
  if (r.has("for_experts")) m.for_experts = read_memory(r.at("for_experts"));
  m.compute_rate = optional_constant<FlopsPerSecond>(r, "compute_rate");
  r.done();
  return m;
}

std::vector<ConstantUsed> constants_of(const Machine& m) {
  std::vector<ConstantUsed> used;
  const auto add = [&](const std::string& what, const auto& constant) {
    if (constant.value.value() == 0 && constant.source.empty()) return;
    used.push_back({fmt::format("machine {}: {}", m.name, what), to_text(constant.value), constant.origin, constant.source});
  };
  const auto add_memory = [&](const std::string& of, const MachineMemory& memory) {
    add(of + " size", memory.size);
    add(of + " rate", memory.rate);
    add(of + " reached", memory.reached);
  };
  add_memory("memory", m.memory);
  if (m.for_experts) add_memory("memory for experts", *m.for_experts);
  add("compute_rate", m.compute_rate);
  return used;
}

}  // namespace weft::models
