#include "sim/cli/tree.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "sim/cli/catalogue.h"
#include "sim/cli/help.h"

namespace weft::cli {
namespace {

std::vector<std::string> split(const std::string& text, char by) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(by, at), text.size());
    out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

/// The choices that a type states: "auto|always|never", or those of CLI11's IsMember, "TEXT:{a,b}".
std::vector<std::string> stated_words(const std::string& type) {
  const std::size_t open = type.find('{'), close = type.rfind('}');
  if (open != std::string::npos && close != std::string::npos && close > open) return split(type.substr(open + 1, close - open - 1), ',');
  const bool words = type.find('|') != std::string::npos && type.find_first_of("[]=/ ") == std::string::npos;
  return words ? split(type, '|') : std::vector<std::string>{};
}

std::vector<std::string> names_of(const CatalogueKind& kind, const DataPlaces& data) {
  std::vector<std::string> out;
  for (const Entry& e : kind.entries(data)) out.push_back(e.name);
  return out;
}

std::vector<std::string> known_words(const std::string& type, const std::string& command, const DataPlaces& data) {
  std::vector<std::string> out;
  if (type == "TOPIC") return help_topics();
  for (const CatalogueKind& k : catalogue()) {
    std::string name = k.singular;
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    if (name == type) return names_of(k, data);
    if (type == "KIND") out.push_back(command == "show" ? k.singular : k.name);
  }
  return out;
}

/// Values that are a number, a setting or a word of their own, so that no file could be meant.
bool may_be_file(const std::string& type) {
  static constexpr std::array<std::string_view, 12> kNone = {"UINT", "INT", "FLOAT", "N", "[N]", "PCT", "STEPS", "SPEED", "RANKS", "NAMES", "YYYY-MM-DD", "KIND"};
  return !type.starts_with("/") && type.find('=') == std::string::npos && type.find("RATIO") == std::string::npos && type.find(" in ") == std::string::npos &&
         std::find(kNone.begin(), kNone.end(), type.substr(0, type.find(':'))) == kNone.end();
}

/// Named things that a file may describe instead.
bool also_a_file(const std::string& type) {
  static constexpr std::array<std::string_view, 4> kBoth = {"SCENARIO", "CALIBRATION", "PRICES", "MODEL"};
  return std::find(kBoth.begin(), kBoth.end(), type) != kBoth.end();
}

ArgumentFacts facts_of(const CLI::Option& o, const std::string& command, const DataPlaces& data) {
  ArgumentFacts f;
  for (const std::string& s : o.get_snames()) f.shorts.push_back("-" + s);
  for (const std::string& l : o.get_lnames()) f.longs.push_back("--" + l);
  if (f.shorts.empty() && f.longs.empty()) f.positional = o.get_name();
  f.takes_value = o.get_items_expected_max() > 0 && o.get_type_size_max() > 0;
  f.value_may_lack = f.takes_value && o.get_items_expected_min() == 0;
  f.many = o.get_items_expected_max() > 1 || o.get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll;
  f.required = o.get_required();
  f.text = o.get_description();
  if (!f.takes_value) return f;
  const std::string type = o.get_type_name();
  f.words = stated_words(type);
  // Behind a colon stand the limits of a number, or choices.
  f.value = type.find('{') != std::string::npos ? fmt::format("{}", fmt::join(f.words, "|")) : type.substr(0, type.find(':'));
  if (!f.words.empty()) return f;
  // A positional says what it is by its own name, unless its type does.
  f.words = known_words(type, command, data);
  if (f.words.empty() && !f.positional.empty()) f.words = known_words(f.positional, command, data);
  f.files = f.words.empty() ? may_be_file(type) && f.positional != "KIND" : also_a_file(type) || also_a_file(f.positional);
  return f;
}

}  // namespace

CommandFacts facts_of(const CLI::App& app, const DataPlaces& data, const std::string& path) {
  CommandFacts f;
  f.name = app.get_name();
  f.path = path;
  f.text = app.get_description();
  f.footer = app.get_footer();
  for (const CLI::Option* o : app.get_options()) {
    if (o->get_group().empty()) continue;   // hidden
    ArgumentFacts a = facts_of(*o, path, data);
    (a.positional.empty() ? f.options : f.positionals).push_back(std::move(a));
  }
  for (const CLI::App* sub : app.get_subcommands({})) f.commands.push_back(facts_of(*sub, data, path.empty() ? sub->get_name() : path + " " + sub->get_name()));
  if (!path.empty()) return f;
  for (CommandFacts& c : f.commands) {   // help is on commands too
    for (ArgumentFacts& p : c.positionals) {
      if (p.positional != "TOPIC") continue;
      for (const CommandFacts& other : f.commands) p.words.push_back(other.name);
    }
  }
  return f;
}

std::vector<const CommandFacts*> all_commands(const CommandFacts& root) {
  std::vector<const CommandFacts*> out{&root};
  for (const CommandFacts& c : root.commands) {
    for (const CommandFacts* below : all_commands(c)) out.push_back(below);
  }
  return out;
}

std::vector<NamesOfKind> names_by_kind(const DataPlaces& data) {
  std::vector<NamesOfKind> out;
  for (const CatalogueKind& k : catalogue()) {
    out.push_back({{k.singular}, names_of(k, data)});
    if (k.name != k.singular) out.back().kinds.push_back(k.name);
  }
  return out;
}

}  // namespace weft::cli
