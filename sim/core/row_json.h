// Rows as JSON, and cells read back from it.
#pragma once

#include <optional>

#include "sim/core/json.h"
#include "sim/core/row.h"

namespace weft::core {

/// An object with a member for each cell, in their order.
Json row_to_json(const Row& row);

/// A number, a truth value or a text; nothing of null, a list or an object.
std::optional<Cell> cell_of_json(const Json& value);

}  // namespace weft::core

namespace weft { using namespace core; }
