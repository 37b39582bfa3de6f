#include "scenarios/studies/sensitivity_slots.h"

#include <span>

#include <nlohmann/json.hpp>

#include "sim/core/error.h"

namespace weft::scenarios {
namespace {

constexpr Slot kClusterSlots[] = {{"node", false, "topology/data/nodes", "node"},
                                  {"transport", false, "topology/data/transports", "transport"},
                                  {"prices", false, "topology/data/prices", "prices"}};
constexpr Slot kStorageSlots[] = {{"node", false, "topology/data/storage", "storage node"}, {"transport", false, "topology/data/transports", "transport"}};
constexpr Slot kWorkloadSlots[] = {{"gpu", false, "models/hardware", "GPU"},
                                   {"kernel", true, "models/data/communication", "kernel"},
                                   {"activations", false, "models/data/activation_storage", "activations"},
                                   {"train_constants", false, "models/data/training", "training"},
                                   {"kernel_constants", false, "models/data/training", "training"},
                                   {"power", false, "models/data/power", "power"},
                                   {"machines", false, "models/machines", "machine"},
                                   {"model", false, "models/llms", "model"}};
constexpr Slot kBehind[] = {{"day", false, "models/data/production_days", "day"}, {"requests", false, "models/data/request_days", "day"}};

std::span<const Slot> slots_of(SlotsOf part) {
  switch (part) {
    case SlotsOf::cluster: return kClusterSlots;
    case SlotsOf::storage: return kStorageSlots;
    case SlotsOf::workload: return kWorkloadSlots;
    case SlotsOf::behind: return kBehind;
  }
  return {};
}

}  // namespace

const Slot* find_slot(SlotsOf part, const std::string& key) {
  for (const Slot& s : slots_of(part)) {
    if (key == s.key || (s.as_suffix && key.ends_with(std::string("_") + s.key))) return &s;
  }
  return nullptr;
}

std::optional<core::NamedObject> read_slot(const Json& value, const Slot& slot, const DataPlaces& data) {
  Problems problems;
  try {
    auto found = core::read_named_object(JsonReader(value, "", problems), data, slot.folder, "data");
    return problems.empty() ? found : std::nullopt;
  } catch (const UserError&) {
    return {};
  }
}

}  // namespace weft::scenarios
