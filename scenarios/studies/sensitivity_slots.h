// Slots: keys of a scenario whose values name data files, so that a sensitivity study finds the numbers behind them.
#pragma once

#include <optional>
#include <string>

#include "sim/core/named_object.h"

namespace weft::scenarios {

/// A key whose value names a data file.
struct Slot {
  const char* key;
  bool as_suffix;            ///< "pipeline_kernel" too
  const char* folder;
  const char* owner;         ///< first word of its constants' names
};

/// Where keys stand. `behind`: files whose keys a workload has for itself, which say where its defaults come from.
enum class SlotsOf { cluster, storage, workload, behind };

/// Null: the key names no file.
const Slot* find_slot(SlotsOf part, const std::string& key);

/// A named object with what it extends folded in; nothing when it cannot be read.
std::optional<core::NamedObject> read_slot(const Json& value, const Slot& slot, const DataPlaces& data);

}  // namespace weft::scenarios
