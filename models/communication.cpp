#include "models/communication.h"

#include <fmt/format.h>

#include "sim/core/named_object.h"

namespace weft::models {
namespace {

/// {"value": 0.88, "origin": ..., "source": ...}, or a bare 0.88, which is the user's assumption; zero when it is not given.
Sourced<double> read_share(JsonReader& r, const char* key) {
  Sourced<double> s;
  if (!r.has(key)) return s;
  JsonReader at = r.at(key);
  if (at.is_number()) {
    s.value = at.as_number(1e-3, 1);
    s.source = "given in " + at.file();
    return s;
  }
  if (!at.expect_object("a part of the rate, or {\"value\": 0.88, \"origin\": ..., \"source\": ...}")) return s;
  s.value = at.number("value", 1e-3, 1);
  const std::string word = at.one_of("origin", {"published", "measured", "derived", "fitted", "assumed"});
  for (Origin o : {Origin::published, Origin::measured, Origin::derived, Origin::fitted, Origin::assumed}) {
    if (to_text(o) == word) s.origin = o;
  }
  s.source = at.string("source");
  at.done();
  return s;
}

}  // namespace

CommunicationModel read_communication_model(JsonReader where, const DataPlaces& data) {
  CommunicationModel m;
  auto found = read_named_object(where, data, "models/data/communication", "a communication kernel");
  if (!found) return m;
  JsonReader& r = found->reader;
  m.name = found->name;
  m.title = r.string("title", m.name);
  m.nic_rate = optional_constant<BytesPerSecond>(r, "nic_rate");
  m.nvlink_rate = optional_constant<BytesPerSecond>(r, "nvlink_rate");
  m.nic_share = read_share(r, "nic_share");
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
  add("start_up", m.start_up);
  add("nvlink_step", m.nvlink_step);
  add("network_step", m.network_step);
  return used;
}

}  // namespace weft::models
