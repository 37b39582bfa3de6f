// Topics of `weft help`: texts of sim/cli/help, with the facts in them taken from the code that they are about.
#include <algorithm>
#include <functional>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "reports/render.h"
#include "scenarios/schema.h"
#include "sim/cli/exit_codes.h"
#include "sim/cli/help.h"
#include "sim/core/error.h"
#include "sim/core/provenance.h"
#include "sim/core/unit_names.h"
#include "sim/engine/engines.h"

namespace weft::cli {
namespace {

struct Text {
  const char* name;
  const char* text;
};

constexpr Text kTexts[] = {
#include "sim/cli/help_texts.inc"
};

using Pairs = std::vector<std::pair<std::string, std::string>>;

/// "  name   text" with the texts one below the other, each wrapped to the width of a page.
std::string aligned(const Pairs& pairs) {
  constexpr std::size_t kPage = 130;
  std::size_t widest = 0;
  for (const auto& [name, text] : pairs) widest = std::max(widest, name.size());
  std::string out;
  for (const auto& [name, text] : pairs) {
    std::string line = fmt::format("  {:<{}}  ", name, widest);
    const std::size_t indent = line.size();
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find(' ', at), text.size());
      if (line.size() > indent && line.size() + (end - at) > kPage) {
        out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
        line = std::string(indent, ' ');
      }
      line += text.substr(at, end - at) + " ";
      at = end + 1;
    }
    out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  if (!out.empty()) out.pop_back();
  return out;
}

std::string units() {
  Pairs pairs;
  for (const UnitNames& u : unit_names()) {
    std::vector<std::string> names = u.fixed;
    for (const std::string& p : u.with_prefix) names.push_back("*" + p);
    pairs.emplace_back(fmt::format("{}", fmt::join(names, ", ")), u.expectation);
  }
  return aligned(pairs);
}

std::string formats() {
  Pairs pairs;
  for (const reports::Format& f : reports::formats()) pairs.emplace_back(f.name, fmt::format("{} ({})", f.title, fmt::join(f.suffixes, ", ")));
  return aligned(pairs);
}

std::string exit_codes() {
  Pairs pairs;
  for (const ExitCode& e : kExitCodes) pairs.emplace_back(fmt::format("{:>3}", static_cast<int>(e.code)), std::string(e.meaning));
  return aligned(pairs);
}

std::string meaning_of(Origin o) {
  switch (o) {
    case Origin::published: return "printed in a paper, a data sheet or a vendor's documentation";
    case Origin::measured: return "measured on hardware, with the measurement as its source";
    case Origin::derived: return "follows from published numbers by arithmetic that the source states";
    case Origin::fitted: return "chosen so that a model meets given numbers; the source says which";
    case Origin::assumed: return "nobody has published it; a guess with its reason, and the first thing to doubt";
  }
  return {};
}

std::string origins() {
  Pairs pairs;
  for (const Origin o : {Origin::published, Origin::measured, Origin::derived, Origin::fitted, Origin::assumed}) pairs.emplace_back(to_text(o), meaning_of(o));
  return aligned(pairs);
}

std::string scenario_keys() {
  const Json schema = scenarios::scenario_schema(DataPlaces::standard());
  static const std::map<std::string, std::string> kOwn = {
      {"cluster", "nodes, network, routing, transport, prices, failed parts (weft list topologies, hardware, prices)"},
      {"workload", "list of what is asked, each with a kind and an id (weft list collectives)"},
      {"variants", "list of named settings; the first is the base (weft help variants)"},
      {"expect", "list of published or demanded values of cells, which a run cannot see (weft help provenance)"}};
  Pairs pairs;
  for (const auto& [key, value] : schema["properties"].items()) {
    const auto own = kOwn.find(key);
    std::string text = own != kOwn.end() ? own->second : value.contains("description") ? value["description"].get<std::string>() : std::string();
    if (key == "headline") text = "the answer as a sentence with cells in braces, see below";
    if (key.starts_with("$") || text.empty()) continue;
    const Json& due = schema["required"];
    pairs.emplace_back(key, text + (std::find(due.begin(), due.end(), key) != due.end() ? " (due)" : ""));
  }
  return aligned(pairs);
}

std::string engines() {
  Pairs pairs;
  for (const engine::EngineKind& e : engine::engine_kinds()) pairs.emplace_back(e.name, e.title + ". " + e.summary);
  return aligned(pairs);
}

/// Of the commands those that re-run scenarios, as far as this program has them.
std::string studies(const CommandFacts& root) {
  Pairs pairs;
  for (const char* name : {"run", "compare", "explain", "sweep", "sensitivity", "validate", "report"}) {
    const auto at = std::find_if(root.commands.begin(), root.commands.end(), [&](const CommandFacts& c) { return c.name == name; });
    if (at != root.commands.end()) pairs.emplace_back("weft " + at->name, at->text);
  }
  return aligned(pairs);
}

std::string environment() {
  Pairs pairs;
  for (const EnvironmentVariable& v : environment_variables()) pairs.emplace_back(v.name, v.meaning);
  return aligned(pairs);
}

}  // namespace

std::vector<EnvironmentVariable> environment_variables() {
  return {{"WEFT_BUILD", "where ./weft and ./check of a checkout build (default: build/ in it)"},
          {"WEFT_DATA", "a folder with data files that come before weft's own: topology/data, models, scenarios as in the checkout"},
          {"WEFT_REFERENCE", "a folder in which recorded traces and other reference files are looked for by relative paths"},
          {"WEFT_MODULES", "a folder with the modules of optional parts (SimGrid, CUDA) that comes before the built-in places"},
          {"PATH", "where `weft sweep submit` finds sbatch, squeue and parallel"},
          {"NO_COLOR", "set to anything: no colours (--color always overrules it; https://no-color.org)"},
          {"TERM", "\"dumb\": no colours"},
          {"LC_ALL, LC_CTYPE, LANG", "the first of them that is set must name UTF-8 for bars to be drawn"}};
}

std::vector<std::string> help_topics() {
  std::vector<std::string> names;
  for (const Text& t : kTexts) names.emplace_back(t.name);
  return names;
}

std::string help_topic_text(const std::string& topic, const CommandFacts& root) {
  const auto at = std::find_if(std::begin(kTexts), std::end(kTexts), [&](const Text& t) { return t.name == topic; });
  WEFT_CHECK(at != std::end(kTexts), "there is no topic " + topic);
  const std::map<std::string, std::function<std::string()>> facts = {
      {"units", units},
      {"decimal-prefixes", [] { return fmt::format("{}", fmt::join(decimal_prefixes(), ", ")); }},
      {"binary-prefixes", [] { return fmt::format("{}", fmt::join(binary_prefixes(), ", ")); }},
      {"formats", formats},
      {"exit-codes", exit_codes},
      {"origins", origins},
      {"scenario-keys", scenario_keys},
      {"engines", engines},
      {"studies", [&root] { return studies(root); }},
      {"environment", environment}};
  std::string out = at->text;
  for (std::size_t open = out.find("{{"); open != std::string::npos; open = out.find("{{", open)) {
    const std::size_t close = out.find("}}", open);
    const auto fact = facts.find(out.substr(open + 2, close - open - 2));
    WEFT_CHECK(fact != facts.end(), "help on " + topic + " asks for a fact that nobody knows");
    const std::string text = fact->second();
    out.replace(open, close + 2 - open, text);
    open += text.size();
  }
  return out;
}

std::string welcome_text() {
  return "weft simulates AI clusters: what a network costs, how fast it is, what it loses when a part fails,\n"
         "how long a training step takes, and what serving a model costs.\n"
         "\n"
         "Try first:\n"
         "  weft compare mpft_vs_mrft          eight planes or eight rails for 2,048 GPUs\n"
         "  weft run training_mpft_2048        a training step of DeepSeek-V3, and where its time goes\n"
         "  weft list scenarios                all questions that come with weft\n"
         "\n"
         "weft --help lists the commands, weft COMMAND --help has examples, and weft help TOPIC explains:\n" +
         fmt::format("{}", fmt::join(help_topics(), ", ")) + ".\n";
}

}  // namespace weft::cli
