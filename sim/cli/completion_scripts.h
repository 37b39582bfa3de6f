// Completion scripts for shells, from the facts of the commands.
#pragma once

#include <string>
#include <vector>

#include "sim/cli/tree.h"

namespace weft::cli {

std::string bash_completion(const CommandFacts& root, const std::vector<NamesOfKind>& kinds);
std::string zsh_completion(const CommandFacts& root, const std::vector<NamesOfKind>& kinds);
std::string fish_completion(const CommandFacts& root, const std::vector<NamesOfKind>& kinds);

}  // namespace weft::cli
