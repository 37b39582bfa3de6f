#include "workloads/inference/local.h"

#include <algorithm>

#include "models/llm/counts.h"

namespace weft::workloads::inference {
namespace {

BytesPerSecond reached(const models::MachineMemory& m, double efficiency) {
  return m.reached.value.value() > 0 ? m.reached.value : efficiency * m.rate.value;
}

Bytes lacking(Bytes need, const models::MachineMemory& m, double part) { return std::max(Bytes(0), need - part * m.size.value); }

}  // namespace

LocalModel local_model(const models::Llm& m) {
  const models::Parameters p = models::parameters(m);
  const double expert = m.moe_layers > 0 ? m.moe_layers * models::expert_parameters(m) : 0;
  return {m.name, p.total(), p.active(), m.experts * expert, m.topk * expert, models::kv_bytes_per_token(m)};
}

LocalSpeed local_speed(const LocalModel& m, const models::Machine& machine, const LocalQuestion& q) {
  LocalSpeed s;
  s.weights = m.parameters * q.weight;
  s.cache = q.context * m.cache_per_token;
  s.read = m.activated * q.weight + s.cache;
  const Bytes expert_weights = machine.for_experts ? m.routed * q.weight : Bytes(0);
  const Bytes expert_read = machine.for_experts ? m.routed_activated * q.weight : Bytes(0);
  s.lacking = lacking(s.weights - expert_weights + s.cache, machine.memory, q.memory_part);
  s.memory = (s.read - expert_read) / reached(machine.memory, q.efficiency);
  if (machine.for_experts) {
    s.lacking += lacking(expert_weights, *machine.for_experts, q.memory_part);
    s.memory += expert_read / reached(*machine.for_experts, q.efficiency);
  }
  const double weights = m.activated - (machine.for_experts ? m.routed_activated : 0);
  if (machine.compute_rate.value.value() > 0) s.compute = Flops(2 * weights) / (q.efficiency * machine.compute_rate.value);
  return s;
}

}  // namespace weft::workloads::inference
