// The commands as plain facts, read off the CLI11 tree: what completion, the man page and help are generated from.
#pragma once

#include <string>
#include <vector>

#include "sim/core/files.h"

namespace CLI {
class App;
}

namespace weft::cli {

/// An option or a positional argument.
struct ArgumentFacts {
  std::vector<std::string> shorts, longs;   ///< "-o", "--output"; a positional has neither
  std::string positional;                   ///< "SCENARIO"; empty for options
  std::string value;                        ///< what its value is called: "FILE"; empty for flags
  std::string text;                         ///< what help says of it
  bool takes_value = false;
  bool value_may_lack = false;              ///< "--uncertainty" or "--uncertainty 50"
  bool many = false;                        ///< may stand any number of times
  bool required = false;
  std::vector<std::string> words;           ///< values that are known by name
  bool files = false;                       ///< a path will do
};

struct CommandFacts {
  std::string name;   ///< "cost"; of the program itself "weft"
  std::string path;   ///< "topology cost"; of the program itself empty
  std::string text, footer;
  std::vector<ArgumentFacts> options, positionals;
  std::vector<CommandFacts> commands;
};

/// Facts of the program and of all below it. Words of a value come from its type: the choices that it states itself ("a|b|c"), else the
/// things of that name in the catalogue (ENGINE, SCENARIO, TOPOLOGY, ...).
CommandFacts facts_of(const CLI::App& app, const DataPlaces& data, const std::string& path = {});

/// The command and all below it, in order.
std::vector<const CommandFacts*> all_commands(const CommandFacts& root);

/// What may follow a positional KIND as its NAME: for each kind its plural and singular names, and the things of that kind.
struct NamesOfKind {
  std::vector<std::string> kinds, names;
};
std::vector<NamesOfKind> names_by_kind(const DataPlaces& data);

}  // namespace weft::cli
