#include "models/communication.h"

#include <fmt/format.h>

#include "sim/core/named_object.h"
#include "sim/core/sourced_number.h"

namespace weft::models {

CommunicationModel read_communication_model(JsonReader where, const DataPlaces& data) {
  CommunicationModel m;
  auto found = read_named_object(where, data, "models/data/communication", "a communication kernel");
  if (!found) return m;
  JsonReader& r = found->reader;
  m.name = found->name;
  m.title = r.string("title", m.name);
  m.nic_rate = optional_constant<BytesPerSecond>(r, "nic_rate");
  m.nvlink_rate = optional_constant<BytesPerSecond>(r, "nvlink_rate");
  if (r.has("nic_share")) m.nic_share = read_sourced_number(r, "nic_share", 1e-3, 1, "a part of the rate");
  if (r.has("message_rate")) m.message_rate = read_sourced_number(r, "message_rate", 1, 1e12, "messages a second");
  m.start_up = optional_constant<Seconds>(r, "start_up");
  m.nvlink_step = optional_constant<Seconds>(r, "nvlink_step");
  m.network_step = optional_constant<Seconds>(r, "network_step");
  m.uses_nvlink = r.boolean_or("uses_nvlink", true);
  r.done();
  return m;
}

std::vector<ConstantUsed> constants_of(const CommunicationModel& m) {
  std::vector<ConstantUsed> used;
  const auto add = [&](const char* what, const auto& constant) {
    if (constant.value.value() == 0 && constant.source.empty()) return;
    used.push_back(
        {fmt::format("kernel {}: {}", m.name, what), to_text(constant.value), constant.origin, constant.source});
  };
  add("nic_rate", m.nic_rate);
  add("nvlink_rate", m.nvlink_rate);
  if (m.nic_share.value > 0) used.push_back({fmt::format("kernel {}: nic_share", m.name), fmt::format("{:g}", m.nic_share.value), m.nic_share.origin, m.nic_share.source});
  if (m.message_rate.value > 0)
    used.push_back({fmt::format("kernel {}: message_rate", m.name), fmt::format("{:g} /s", m.message_rate.value), m.message_rate.origin, m.message_rate.source});
  add("start_up", m.start_up);
  add("nvlink_step", m.nvlink_step);
  add("network_step", m.network_step);
  return used;
}

}  // namespace weft::models
