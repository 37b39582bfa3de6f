// The units that parse_unit() knows, for people: what `weft help units` prints.
#pragma once

#include <string>
#include <vector>

#include "sim/core/units.h"

namespace weft::core {

/// One kind of quantity: "a rate like \"400 Gbps\"", and the units that it may be written in.
struct UnitNames {
  ParsedUnit::What what = ParsedUnit::What::unknown;
  std::string expectation;          ///< expectation(what)
  std::vector<std::string> fixed;   ///< "us": taken as they are
  std::vector<std::string> with_prefix;   ///< "B/s": may have a prefix
  bool binary_prefixes = false;     ///< Ki, Mi, ... are among them
};

/// All kinds, in the order of ParsedUnit::What.
std::vector<UnitNames> unit_names();
/// "k, K, M, ..." and "Ki, Mi, ...".
std::vector<std::string> decimal_prefixes();
std::vector<std::string> binary_prefixes();

}  // namespace weft::core
