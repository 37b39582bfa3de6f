// Data by name: a name found in a data folder, a path to a file, or an inline object that may extend a named one.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sim/core/files.h"
#include "sim/core/json.h"

namespace weft::core {

/// A JSON object with where it came from; keep it alive while its reader is used.
struct NamedObject {
  std::shared_ptr<const Json> json;
  std::string name;   ///< of the file without .json, or "name" of an inline object
  JsonReader reader;  ///< errors name the data file, or the place in the scenario for an inline object
};

/// Reads what `where` names: "h800", "./mine.json" (anything with a slash or ending in .json), or an object. An object with
/// "extends": "h800" takes every key that it does not give from there. `what` is "a node" and goes into error messages.
/// Nothing when a problem was recorded.
std::optional<NamedObject> read_named_object(JsonReader where, const DataPlaces& data, const std::string& folder,
                                             const std::string& what);

/// A constant that may be left out: then it is zero with no source. It may be zero when it is given.
template <class Q>
Sourced<Q> optional_constant(JsonReader& r, std::string_view key) {
  if (!r.has(key)) return {};
  return r.sourced<Q>(key, Origin::assumed, false);
}

}  // namespace weft::core

namespace weft { using namespace core; }
