// Expert loads that somebody recorded, read from the formats of SGLang's recorder and of EPLB, or counted from the experts of tokens.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "workloads/moe/balance.h"

namespace weft::workloads::moe {

struct LoadsReading {
  std::uint32_t experts = 0;         ///< of a layer; zero: as many as the rows are long. Due where the file has experts of tokens
  std::optional<double> half_life;   ///< of counts by step: a step that many steps before the last weighs half; else all alike
};

struct RecordedLoads {
  ExpertLoads loads;
  std::string format;               ///< what it was: "counts of 3 steps", ...
  std::size_t steps = 0;            ///< zero: it knows of none
  std::vector<std::string> notes;   ///< what was passed over
};

/// Reads a file, 64 MiB at most; `-` is standard input. Recognised by shape:
///   {"logical_count": [layers][experts] or [steps][layers][experts]}   (SGLang's expert distribution recorder)
///   [layers][experts], [experts], or {"weight": ...} of those           (EPLB's weight)
///   [tokens][layers][top-k] expert ids, or {"topk_ids": ...}            (-1: struck out, as DeepEP has it)
///   CSV with the columns token,layer,... (ids) or layer,... (loads)
/// A nested list without a key is one of counts by step when its rows are as long as `experts`, or, where that is not given, longer than 32.
/// Throws UserError naming file and place: rows of different lengths, numbers that are no counts, ids out of range, too few words.
RecordedLoads read_expert_loads(const std::string& path, const LoadsReading& how);

/// The same of a text.
RecordedLoads expert_loads_in(std::string_view text, const std::string& file, const LoadsReading& how);

/// The CSV forms alone; expert_loads_in() hands texts on that do not begin as JSON.
RecordedLoads expert_loads_in_csv(std::string_view text, const std::string& file, const LoadsReading& how);

/// At most so many experts in a layer, layers, and loads in all.
inline constexpr std::uint32_t kMostExperts = 1u << 16, kMostLayers = 1u << 16;
inline constexpr std::size_t kMostLoads = 1u << 24;

}  // namespace weft::workloads::moe
