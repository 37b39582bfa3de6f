// Reading a number that has no unit (a count, a share, operations a second) together with where it comes from.
#pragma once

#include <string_view>

#include "sim/core/json.h"

namespace weft::core {

/// The member "origin" of an object; a problem where it is missing or another word.
Origin read_origin(JsonReader& where);

/// {"value": 0.88, "origin": "fitted", "source": "..."}, or a bare 0.88, which is the user's assumption. `what` names it in an error:
/// "a part of the rate". A number outside of min to max is a problem.
Sourced<double> read_sourced_number(JsonReader& r, std::string_view key, double min, double max, std::string_view what);
/// The same of a whole number.
Sourced<double> read_sourced_count(JsonReader& r, std::string_view key, std::int64_t min, std::int64_t max, std::string_view what);

}  // namespace weft::core

namespace weft { using namespace core; }
