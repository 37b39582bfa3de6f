// A Machine: what a computer on which one person runs a language model has of memory, and how fast it reads it; from data files with a source per number.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/core/files.h"
#include "sim/core/json.h"
#include "sim/core/provenance.h"
#include "sim/core/units.h"

namespace weft::models {

struct MachineMemory {
  Sourced<Bytes> size;
  Sourced<BytesPerSecond> rate;      ///< what its interface moves at most
  Sourced<BytesPerSecond> reached;   ///< what was measured to be read of it; zero: not known
};

struct Machine {
  std::string name;                          ///< "ryzen_ai_max_395"
  std::string title;
  MachineMemory memory;                      ///< of the processor that does all, or all but routed experts
  std::optional<MachineMemory> for_experts;  ///< of a second processor, which does the routed experts (the CPU beside a small GPU)
  Sourced<FlopsPerSecond> compute_rate;      ///< of the first, in 16 bits; zero: not known
};

/// By name from models/machines, by path, or an inline object (which may say "extends"); the name of a GPU of models/hardware stands for its memory and
/// its tensor cores. See core::read_named_object.
Machine read_machine(JsonReader where, const DataPlaces& data);
std::vector<ConstantUsed> constants_of(const Machine& m);

}  // namespace weft::models
