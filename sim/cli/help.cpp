// weft help [TOPIC]: what units, formats, exit codes, ... are; of a command the same as its --help.
#include "sim/cli/help.h"

#include <algorithm>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "sim/cli/app.h"
#include "sim/core/error.h"

namespace weft::cli {
namespace {

/// The first paragraph of a topic's text is its title.
std::string title_of(const std::string& topic, const CommandFacts& root) {
  const std::string text = help_topic_text(topic, root);
  return text.substr(0, text.find('\n'));
}

std::string overview(const CommandFacts& root) {
  std::string out = "Topics: weft help TOPIC\n";
  for (const std::string& t : help_topics()) out += fmt::format("  {:<14}{}\n", t, title_of(t, root));
  out += "\nCommands: weft help COMMAND, or weft COMMAND --help\n";
  for (const CommandFacts& c : root.commands) out += fmt::format("  {:<14}{}\n", c.name, c.text);
  return out;
}

CLI::App* child_of(CLI::App& app, const std::string& name) {
  const auto found = app.get_subcommands([&](CLI::App* sub) { return sub->get_name() == name; });
  return found.empty() ? nullptr : found.front();
}

/// Help of "topology" or "topology cost"; throws UserError when there is no such command.
std::string command_help(CLI::App& app, const std::vector<std::string>& words, const std::vector<std::string>& known_first) {
  CLI::App* at = &app;
  std::string before = "weft";
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::vector<std::string> known = i == 0 ? known_first : std::vector<std::string>{};
    if (i > 0) {
      for (const CLI::App* sub : at->get_subcommands([](CLI::App*) { return true; })) known.push_back(sub->get_name());
    }
    CLI::App* next = child_of(*at, words[i]);
    if (next == nullptr) {
      if (known.empty()) throw UserError("TOPIC", fmt::format("weft {} has no commands of its own", at->get_name()));
      throw UserError("TOPIC", fmt::format("there is no help on \"{}\"", words[i]), unknown_name_hint(words[i], known));
    }
    if (i > 0) before += " " + at->get_name();
    at = next;
  }
  return at->help(before);
}

}  // namespace

void add_help(CLI::App& app) {
  struct Options { Common common; std::vector<std::string> topic; bool man = false; };
  auto o = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand("help", "what units, formats, exit codes, ... are; the manual page");
  sub->footer("Examples:\n  weft help\n  weft help units\n  weft help topology cost\n  weft help --man | man -l -");
  sub->add_option("TOPIC", o->topic, "a topic, or a command");
  sub->add_flag("--man", o->man, "the manual page weft(1), as troff");
  sub->add_option("-o,--output", o->common.output, "write to FILE; - is stdout")->type_name("FILE");
  sub->callback([o, &app] {
    const CommandFacts root = facts_of(app, DataPlaces::standard());
    if (o->man) return emit_text(man_page(root), o->common);
    if (o->topic.empty()) return emit_text(overview(root), o->common);
    const std::vector<std::string> topics = help_topics();
    if (o->topic.size() == 1 && std::find(topics.begin(), topics.end(), o->topic.front()) != topics.end()) {
      return emit_text(help_topic_text(o->topic.front(), root), o->common);
    }
    std::vector<std::string> known = topics;
    for (const CommandFacts& c : root.commands) known.push_back(c.name);
    emit_text(command_help(app, o->topic, known), o->common);
  });
}

}  // namespace weft::cli
