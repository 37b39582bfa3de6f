// Ranges of values written short: 1:8:1, 100:800:100 Gbps, 1:1024:log11.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "sim/core/json.h"

namespace weft::scenarios {

/// The values of "lo:hi:step" or "lo:hi:logN", as parse_axis() says; nothing when the text does not begin with two numbers and a third part, each
/// behind a colon. Steps may go down; hi is among the values when a step meets it (of logN always). With a unit behind they are texts. Throws UserError
/// (place: `option`) for steps that lead nowhere, more than `most` values, ends of logN that are not positive, or a unit that is not known.
std::optional<std::vector<Json>> range_of(const std::string& text, std::size_t most, const std::string& option);

}  // namespace weft::scenarios
