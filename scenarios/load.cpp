#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "scenarios/headline.h"
#include "scenarios/scenario.h"
#include "scenarios/studies/points_file.h"

namespace weft::scenarios {
namespace {

constexpr std::string_view kResultSchema = "weft-result/1";   // as reports/formats/json.cpp writes it

double read_tolerance_pct(JsonReader& r, double value) {
  if (!r.has("tolerance_abs")) return r.number_or("tolerance_pct", 0, 0, 1e6);
  const double absolute = r.number("tolerance_abs", 0, 1e300);
  if (value != 0) return 100 * absolute / std::abs(value);
  r.fail_at("tolerance_abs", "expected a value other than 0 beside an absolute tolerance", "the error of 0 is taken in percent points: use tolerance_pct");
  return 0;
}

/// What `weft validate` tells of a row beside its numbers.
void read_reasons(JsonReader& r, Expect& e) {
  const auto reason = [&](const char* key) {
    if (!r.has(key)) return std::string();
    std::string words = r.string(key);
    if (words.empty()) r.fail_at(key, "expected the reason in words");
    return words;
  };
  e.note = r.string("note", "");
  e.not_reproducible = reason("not_reproducible");
  if (r.has("not_reproducible") && (r.has("tolerance_pct") || r.has("tolerance_abs"))) {
    r.fail_at("not_reproducible", "stands beside a tolerance", "a number that cannot be reproduced is shown, not held against one: leave one of the two out");
  }
  e.known_miss = reason("known_miss");
  if (r.has("known_miss") && r.has("not_reproducible")) {
    r.fail_at("known_miss", "stands beside not_reproducible", "a number that cannot be computed is no miss: leave one of the two out");
  }
}

std::vector<std::string> read_depends(JsonReader& r) {
  static const std::vector<std::string> kWords = {"nic", "nvlink", "switch_latency", "hbm"};
  std::vector<std::string> depends;
  const auto list = r.maybe("depends");
  if (!list) return depends;
  for (const JsonReader& word : list->items()) {
    depends.push_back(word.as_string());
    if (std::find(kWords.begin(), kWords.end(), depends.back()) == kWords.end()) {
      word.fail(fmt::format("unknown word \"{}\"", depends.back()), unknown_name_hint(depends.back(), kWords));
    }
  }
  return depends;
}

Expect read_expect(JsonReader& r) {
  Expect e;
  e.place = r.pointer();
  e.of = r.string("of");
  if (r.has("over")) e.over = r.string("over");
  e.value = r.number("value", -1e300, 1e300);
  e.tolerance_pct = read_tolerance_pct(r, e.value);
  e.source = r.string("source");
  e.id = r.string("id", "");
  e.topic = r.string("topic", "");
  if (!e.id.empty() && e.topic.empty()) r.fail_at("topic", "an expectation with an id is a row of weft validate, which sorts by topic", "\"topic\": \"inference\", say");
  e.unit = r.string("unit", "");
  e.kind = r.one_of("kind", {"identity", "calibrated", "predicted"}, "predicted");
  read_reasons(r, e);
  e.depends = read_depends(r);
  r.done();
  return e;
}

std::vector<Expect> read_expects(JsonReader& root) {
  std::vector<Expect> out;
  const auto list = root.maybe("expect");
  if (!list) return out;
  if (!list->is_array()) list->fail("expected a list of expectations");
  for (JsonReader& r : list->items()) {
    if (r.expect_object("an expectation")) out.push_back(read_expect(r));
  }
  return out;
}

/// The template as it stands, once it has been found to be one.
std::string read_headline(JsonReader& root) {
  const auto at = root.maybe("headline");
  if (!at) return {};
  const std::string text = at->as_string();
  if (!at->is_string()) return {};
  try {
    HeadlineTemplate::parse(text);
  } catch (const UserError& e) {
    at->fail(e.problems().front().message, e.problems().front().hint);
  }
  return text;
}

std::string checked_name(JsonReader& r, std::string name) {
  if (name.empty() || name.size() > 80 || name.find_first_of("/[]\n") != std::string::npos) {
    r.fail(fmt::format("expected a name of 1 to 80 characters without / [ ] and line breaks, got \"{}\"", name.substr(0, 90)));
  }
  return name;
}

/// cluster + workload of a document.
std::shared_ptr<const Json> core_of(const Json& document) {
  Json core = Json::object();
  for (const char* key : {"cluster", "workload"}) {
    if (document.contains(key)) core[key] = document[key];
  }
  return std::make_shared<const Json>(std::move(core));
}

/// The name of the only variant: the title, without what means something in the path of a cell.
std::string implicit_name(const std::string& title) {
  std::string name = title.empty() ? "base" : title.substr(0, 80);
  for (char& c : name) {
    if (c == '/' || c == '[' || c == ']' || c == '\n') c = ' ';
  }
  return name;
}

std::vector<Variant> read_variants(JsonReader& root, const Json& document, const std::string& title) {
  std::vector<Variant> out;
  auto list = root.maybe("variants");
  if (!list) {
    out.push_back({implicit_name(title), core_of(document)});
    return out;
  }
  if (!list->is_array()) list->fail("expected a list of variants");
  if (list->is_array() && list->items().empty()) out.push_back({implicit_name(title), core_of(document)});
  std::set<std::string> names;
  for (JsonReader& r : list->items()) {
    if (!r.expect_object("a variant")) continue;
    Variant v;
    auto name = r.at("name");
    v.name = checked_name(name, name.as_string());
    if (!names.insert(v.name).second) r.fail_at("name", fmt::format("a variant named \"{}\" stands here already", v.name));
    Json changed = *core_of(document);
    if (auto set = r.maybe("set"); set && set->expect_object("settings {\"/pointer\": value}")) {
      for (auto& [pointer, value] : set->members()) {
        try {
          apply_setting(changed, {pointer, std::make_shared<const Json>(value.value())}, r.file(), value.pointer());
        } catch (const UserError& e) {
          for (const Problem& p : e.problems()) r.problems().add(p);
        }
      }
    }
    v.document = std::make_shared<const Json>(std::move(changed));
    r.done();
    out.push_back(std::move(v));
  }
  return out;
}

/// What another version put into a result may mean something else here.
void check_schema(const Json& schema, const std::string& file) {
  if (schema == kResultSchema) return;
  throw UserError({{file, "/schema", fmt::format("expected \"{}\", got {}", kResultSchema, dump_json(schema)),
                    "another version of weft wrote it: run its input again with that version, or take \"input\" out"}});
}

/// How a result was computed, as far as it can be repeated.
void read_system(const Json& system, Scenario& out) {
  if (const auto at = system.find("seed"); at != system.end() && at->is_number_unsigned()) out.seed = at->get<std::uint64_t>();
  if (const auto at = system.find("engine"); at != system.end() && at->is_string()) out.engine = at->get<std::string>();
  if (const auto at = system.find("cost_model"); at != system.end() && at->is_string()) out.cost_model = at->get<std::string>();
  if (const auto at = system.find("forced"); at != system.end() && at->is_boolean()) out.force = at->get<bool>();
  if (const auto at = system.find("draws"); at != system.end() && at->is_number_unsigned()) out.draws = at->get<std::uint64_t>();
  if (const auto at = system.find("calibration_files"); at != system.end() && at->is_array()) {
    for (const Json& name : *at) {
      if (name.is_string()) out.calibrations.push_back(name.get<std::string>());
    }
  }
  if (const auto at = system.find("time_tolerance"); at != system.end() && at->is_number()) out.time_tolerance = at->get<double>();
}

/// Tables that a command wrote as JSON are an object of lists; ten unknown keys would not say so.
void refuse_listing(const Json& document, const std::string& file) {
  if (!document.is_object() || document.empty() || document.contains("workload")) return;
  std::string tables;
  for (const auto& [id, rows] : document.items()) {
    if (rows.is_string()) continue;   // the schema, and the headline
    if (!rows.is_array()) return;
    if (id != "notes") tables += (tables.empty() ? "" : ", ") + id;
  }
  if (tables.empty()) return;
  throw UserError({{file, "", fmt::format("holds tables that a command of weft wrote ({}), expected a scenario or a result", tables), "weft report reads those of weft sensitivity"}});
}

}  // namespace

Scenario scenario_of(Json document, const std::string& file, const std::vector<Setting>& settings) {
  Problems problems;
  Scenario out;
  if (document.is_object() && document.contains("schema") && document.contains("input")) {
    // A result: its input is a scenario, to be run as it was.
    check_schema(document["schema"], file);
    if (document.contains("system") && document["system"].is_object()) read_system(document["system"], out);
    document = Json(document["input"]);
    if (document.is_object() && document.contains("digest") && document["digest"].is_string()) out.digest = document["digest"].get<std::string>();
  }
  refuse_listing(document, file);
  for (const Setting& s : settings) apply_setting(document, s, file, "--set");
  out.file = file;
  for (const Setting& s : settings) out.changed.push_back(to_text(s));
  JsonReader root(document, file, problems);
  if (root.expect_object("a scenario")) {
    out.title = root.string("title");
    out.question = root.string("question", "");
    out.source = root.string("source", "");
    out.headline = read_headline(root);
    root.string("$schema", "");  // for editors
    root.has("resolved");        // written into results, read by nobody
    root.has("digest");
    root.at("cluster").expect_object("the cluster");
    auto workload = root.at("workload");
    if (root.has("workload") && (!workload.is_array() || workload.items().empty())) {
      workload.fail("expected a list of at least one workload");
    }
    out.expects = read_expects(root);
    out.variants = read_variants(root, document, out.title);
    root.done();
  }
  problems.throw_if_any();
  for (const char* key : {"expect", "resolved", "digest"}) document.erase(key);
  out.document = std::make_shared<const Json>(std::move(document));
  return out;
}

Scenario load_scenario(const std::string& path, const std::vector<Setting>& settings) {
  refuse_points_file(path);
  return scenario_of(read_json_file(path), path == "-" ? "standard input" : path, settings);
}

}  // namespace weft::scenarios
