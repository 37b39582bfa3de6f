// The engines that can run a Program, by name: what --engine may say.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/engine/engine.h"

namespace weft::engine {

/// One engine. A test may make one of its own: nothing but this list knows the built-in ones.
struct EngineKind {
  std::string name;            ///< "fluid", as the command line takes it
  std::string title;
  std::string summary;
  /// As engine::run().
  std::function<Summary(topology::Router&, workloads::Program&, const Options&, TimelineSink&)> run;
  bool lower_bound = false;    ///< leaves sharing out: never later than the others, and equal to them only without contention
  bool own_process = false;    ///< plays a copy of the program in a process of its own: who wraps a program sees nothing of it
};

/// All engines, in the order of sim/engine/meson.build; the first is the default.
const std::vector<EngineKind>& engine_kinds();

/// Throws UserError (place: `option`) that lists the known names.
const EngineKind& engine_named(std::string_view name, const std::string& option = "--engine");

}  // namespace weft::engine
