#include "scenarios/studies/validate.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "scenarios/cell_path.h"
#include "scenarios/resolve.h"

namespace weft::scenarios {
namespace {

/// Kinds of analyses say whether they look at the cluster; all programs run on one.
bool uses_cluster(const std::string& kind) {
  for (const AnalysisKind& k : analysis_kinds()) {
    if (k.name == kind) return k.uses_cluster;
  }
  return true;
}

std::string topology_of(const Json& input, const std::string& variant) {
  for (const Json& v : input["resolved"]) {
    if (v["name"] == variant) return v["cluster"]["topology"]["kind"].get<std::string>();
  }
  return {};
}

void add_rows(std::vector<ValidationRow>& rows, const Scenario& s, const std::string& name, const DataPlaces& data, const ValidationOptions& o) {
  RunOptions run = o.run;
  reports::Report report = run_scenario(s, data, run);
  check_expectations(s, report);
  for (std::size_t i = 0; i < s.expects.size(); ++i) {
    const Expect& e = s.expects[i];
    if (e.id.empty() || (!o.topic.empty() && e.topic != o.topic)) continue;
    const reports::Expectation& x = report.expectations[i];
    ValidationRow r;
    r.id = e.id;
    r.topic = e.topic;
    r.source = e.source;
    r.unit = e.unit;
    r.kind = e.kind;
    r.scenario = name;
    r.depends = e.depends;
    r.of = x.of;
    r.published = x.value;
    r.predicted = x.got;
    r.error_pct = x.error_pct;
    r.tolerance_pct = x.tolerance_pct;
    r.pass = x.pass;
    r.not_reproducible = x.not_reproducible;
    r.known_miss = e.known_miss;
    r.note = e.note;
    const CellPath of = parse_cell_path(e.of);
    for (const reports::Table& t : report.tables) {
      if (t.id == of.workload) r.workload = t.kind;
    }
    if (uses_cluster(r.workload)) r.topology = topology_of(*report.input, of.variant);
    rows.push_back(std::move(r));
  }
}

}  // namespace

std::vector<ValidationRow> validate(const DataPlaces& data, const ValidationOptions& o) {
  struct Loaded { std::string name; Scenario scenario; };
  std::vector<Loaded> loaded;
  std::set<std::string> ids, topics;
  for (const std::string& name : data.names("scenarios")) {
    Scenario s = load_scenario(data.find("scenarios", name).string(), {});
    bool wanted = false;
    for (const Expect& e : s.expects) {
      if (e.id.empty()) continue;
      topics.insert(e.topic);
      wanted = wanted || o.topic.empty() || e.topic == o.topic;
      if (!ids.insert(e.id).second) {
        throw UserError({{s.file, e.place + "/id", fmt::format("the id \"{}\" stands in two expectations", e.id), "ids of validation rows are unique"}});
      }
    }
    if (wanted) loaded.push_back({name, std::move(s)});
  }
  if (!o.topic.empty() && !topics.contains(o.topic)) {
    const std::vector<std::string> known(topics.begin(), topics.end());
    throw UserError("--topic", fmt::format("unknown topic \"{}\"", o.topic), unknown_name_hint(o.topic, known));
  }
  std::vector<ValidationRow> rows;
  std::size_t done = 0;
  for (const Loaded& l : loaded) {
    add_rows(rows, l.scenario, l.name, data, o);
    if (o.progress) o.progress(++done, loaded.size());
  }
  return rows;
}

}  // namespace weft::scenarios
