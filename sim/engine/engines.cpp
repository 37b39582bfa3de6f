// The list of engines that meson.build names; each NAME has a function NAME_engine() in its folder.
#include "sim/engine/engines.h"

#include <fmt/format.h>

#include "sim/core/error.h"

namespace weft::engine {

#define WEFT_KIND(name) EngineKind name##_engine();
#include "sim/engine/engine_kinds.inc"
#undef WEFT_KIND

const std::vector<EngineKind>& engine_kinds() {
  static const std::vector<EngineKind> kinds = {
#define WEFT_KIND(name) name##_engine(),
#include "sim/engine/engine_kinds.inc"
#undef WEFT_KIND
  };
  return kinds;
}

const EngineKind& engine_named(std::string_view name, const std::string& option) {
  std::vector<std::string> known;
  for (const EngineKind& k : engine_kinds()) {
    if (k.name == name) return k;
    known.push_back(k.name);
  }
  throw UserError(option, fmt::format("unknown engine \"{}\"", name), unknown_name_hint(name, known));
}

}  // namespace weft::engine
