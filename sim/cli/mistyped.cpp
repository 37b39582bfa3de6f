// The words of a command line beside the options that its command knows.
#include "sim/cli/mistyped.h"

#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "sim/core/error.h"

namespace weft::cli {

namespace {

std::string hint_for(const std::string& option, const CLI::App& command, const std::string& path) {
  std::vector<std::string> known;
  for (const CLI::Option* o : command.get_options()) {
    for (const std::string& name : o->get_lnames()) known.push_back(name);
  }
  const std::string nearest = core::nearest_name(std::string_view(option).substr(2), known);
  return nearest.empty() ? fmt::format("{} --help lists them; what a scenario says is changed with --set /cluster/nodes=64", path) : fmt::format("did you mean --{}?", nearest);
}

}  // namespace

std::string mistyped_option(const CLI::App& app, int argc, const char* const* argv) {
  const CLI::App* command = &app;
  std::string path = "weft";
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--") return "";
    if (word.size() < 2 || word[0] != '-') {
      const auto subs = command->get_subcommands([&](const CLI::App* sub) { return sub->get_name() == word; });
      if (!subs.empty()) command = subs[0], path += " " + command->get_name();
      continue;
    }
    const std::string name(word.substr(0, word.find('=')));
    if (name[1] != '-') continue;   // short ones may stand together, and a number may be negative
    const CLI::Option* option = command->get_option_no_throw(name);
    if (option == nullptr) return fmt::format("\"{}\" is not an option of {} ({})", name, path, hint_for(name, *command, path));
    if (option->get_items_expected_min() > 0 && name.size() == word.size()) ++i;   // its value
  }
  return "";
}

}  // namespace weft::cli
