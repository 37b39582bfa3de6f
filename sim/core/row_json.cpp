#include "sim/core/row_json.h"

#include <nlohmann/json.hpp>

namespace weft::core {

Json row_to_json(const Row& row) {
  Json out = Json::object();
  for (const auto& [name, cell] : row.cells()) {
    std::visit([&out, &key = name](const auto& value) { out[key] = value; }, cell);
  }
  return out;
}

std::optional<Cell> cell_of_json(const Json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (value.is_number()) return value.get<double>();
  if (value.is_string()) return value.get<std::string>();
  return std::nullopt;
}

}  // namespace weft::core
