// Summary of a critical path: its phases, what bounds them, which links and operations cost most.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sim/analysis/explain/explanation.h"
#include "sim/analysis/explain/free_program.h"
#include "sim/analysis/explain/link_roles.h"
#include "sim/analysis/explain/path_reader.h"
#include "topology/router.h"

namespace weft::analysis {

struct Summarised {
  Explanation why;                    ///< without `if_free` and `try_it` of its costs, and without its sentence
  std::vector<Freed> links, operations;   ///< what would be free, of each of the explanation's costs; nothing of a fixed delay
};

/// `steps` follow one another from 0; `beyond` are times after the last that no operation has. `used` was filled over all programs.
/// The `most` costliest links and operations are told.
Summarised summarise(const topology::Router& router, const LinkRoles& roles, std::vector<StepFacts> steps, const LinksUsed& used,
                     const std::vector<std::pair<std::string, Seconds>>& beyond, std::size_t most);

/// The answer in a sentence or two; to be called when `if_free` is known, or is not going to be.
std::string sentence_of(const Explanation& why);

/// What limits most of a case, as its sentence names it: "NIC out (16 alike)", "SMs", "latency".
std::string limit_text(const Explanation& why);

/// "21.53 ms": four digits.
std::string readable(Seconds t);

}  // namespace weft::analysis
