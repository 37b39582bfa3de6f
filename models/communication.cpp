#include "models/communication.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace weft::models {
namespace {

constexpr const char* folder = "models/data/communication";

/// Optional members are zero with no source.
template <class Q>
Sourced<Q> optional_constant(JsonReader& where, std::string_view key) {
  if (!where.has(key)) return {};
  return where.sourced<Q>(key, Origin::assumed, false);
}

CommunicationModel read_object(JsonReader where, std::string name) {
  CommunicationModel m;
  if (!where.expect_object("a communication kernel with nic_rate, nvlink_rate and start_up")) return m;
  m.name = std::move(name);
  m.title = where.string("title", m.name);
  m.nic_rate = optional_constant<BytesPerSecond>(where, "nic_rate");
  m.nvlink_rate = optional_constant<BytesPerSecond>(where, "nvlink_rate");
  m.start_up = optional_constant<Seconds>(where, "start_up");
  m.nvlink_step = optional_constant<Seconds>(where, "nvlink_step");
  m.network_step = optional_constant<Seconds>(where, "network_step");
  m.uses_nvlink = where.boolean_or("uses_nvlink", true);
  where.done();
  return m;
}

/// The parsed file of a named model; null (with a problem recorded at `where`) when there is none.
Json load_named(const JsonReader& where, const std::string& name, const DataPlaces& data) {
  const std::vector<std::string> known = data.names(folder);
  const std::filesystem::path path = data.find(folder, name);
  if (path.empty()) {
    where.fail("unknown communication kernel \"" + name + "\"", unknown_name_hint(name, known));
    return nullptr;
  }
  return read_json_file(path.string());
}

}  // namespace

CommunicationModel read_communication_model(JsonReader where, const DataPlaces& data) {
  if (where.is_string()) {
    const std::string name = where.as_string();
    const Json file = load_named(where, name, data);
    if (file.is_null()) return {};
    return read_object(JsonReader(file, name + ".json", where.problems()), name);
  }
  if (!where.expect_object("the name of a communication kernel, or an object with its rates")) return {};
  if (!where.has("extends")) return read_object(where, "inline");

  const JsonReader base_name = where.at("extends");
  const std::string name = base_name.as_string();
  if (name.empty()) return {};
  Json merged = load_named(base_name, name, data);
  if (merged.is_null()) return {};
  for (const auto& [key, value] : where.value().items())
    if (key != "extends") merged[key] = value;
  return read_object(JsonReader(merged, where.file(), where.problems(), where.pointer()), name + ", changed");
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
  add("start_up", m.start_up);
  add("nvlink_step", m.nvlink_step);
  add("network_step", m.network_step);
  return used;
}

}  // namespace weft::models
