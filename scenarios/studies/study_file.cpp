#include "scenarios/studies/study_file.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace weft::scenarios {
namespace {

/// A path in a study is meant from where the study lies.
std::string beside(const std::string& file, const std::string& name) {
  std::error_code error;
  const std::filesystem::path path = std::filesystem::path(file).parent_path() / name;
  return std::filesystem::exists(path, error) ? path.string() : name;
}

ParetoGoals read_pareto(JsonReader r) {
  ParetoGoals goals;
  if (!r.expect_object("the columns of a Pareto front, {\"x\": \"price_MUSD\", \"y\": \"max:tokens_per_s\"}")) return goals;
  const std::size_t before = r.problems().list().size();
  const std::string x = r.string("x"), y = r.string("y");
  r.done();
  if (r.problems().list().size() == before) goals = {parse_goal(x, false, r.pointer() + "/x"), parse_goal(y, true, r.pointer() + "/y")};
  return goals;
}

void read_settings(JsonReader r, std::vector<Setting>& out) {
  if (!r.expect_object("settings {\"/pointer\": value}")) return;
  for (const auto& [pointer, value] : r.members()) out.push_back({pointer, std::make_shared<const Json>(value.value())});
}

std::vector<std::string> engine_names() {
  std::vector<std::string> names;
  for (const engine::EngineKind& e : engine::engine_kinds()) names.push_back(e.name);
  return names;
}

void read_run(JsonReader r, RunOptions& run) {
  if (!r.expect_object("how to run it, {\"seed\": 7}")) return;
  run.seed = static_cast<std::uint64_t>(r.integer_or("seed", 1, 0));
  const std::vector<std::string> engines = engine_names(), fidelities = models::fidelity_names();
  const std::string engine = r.one_of("engine", engines, engines.front());
  if (std::find(engines.begin(), engines.end(), engine) != engines.end()) run.engine = engine::engine_named(engine);
  const std::string model = r.one_of("cost_model", fidelities, models::to_text(run.kernels.cost_model));
  if (std::find(fidelities.begin(), fidelities.end(), model) != fidelities.end()) run.kernels.cost_model = models::fidelity_named(model, r.pointer());
  if (auto list = r.maybe("calibrations")) {
    if (!list->is_array()) list->fail("expected a list of calibrations, files or names");
    else for (const JsonReader& c : list->items()) run.kernels.calibrations.push_back(c.as_string());
  }
  run.kernels.force = r.boolean_or("force", false);
  run.classes = r.boolean_or("classes", true);
  run.fold = r.boolean_or("fold", true);
  run.time_tolerance = r.number_or("time_tolerance", 0, 0, 0.01);
  r.done();
}

}  // namespace

Json to_json(const RunOptions& run) {
  return {{"seed", run.seed}, {"engine", run.engine.name}, {"cost_model", models::to_text(run.kernels.cost_model)}, {"calibrations", run.kernels.calibrations},
          {"force", run.kernels.force}, {"classes", run.classes}, {"fold", run.fold}, {"time_tolerance", run.time_tolerance}};
}

Json to_json(const Study& study) {
  Json out = Json::object();
  if (!study.title.empty()) out["title"] = study.title;
  if (!study.scenario_name.empty()) out["scenario_name"] = study.scenario_name;
  out["scenario"] = study.document ? *study.document : Json(study.scenario);
  out["set"] = Json::array();
  for (const Setting& s : study.settings) out["set"].push_back({{s.pointer, *s.value}});
  out["axes"] = Grid(study.axes).to_json();
  out["run"] = to_json(study.run);
  if (study.tasks > 0) out["submitted"] = {{"tasks", study.tasks}};
  return out;
}

bool is_study(const Json& document) { return document.is_object() && (document.contains("scenario") || document.contains("axes")); }

Study read_study(const Json& document, const std::string& file) {
  Problems problems;
  JsonReader r(document, file, problems);
  Study out;
  out.title = r.string("title", "");
  r.string("$schema", "");
  const JsonReader scenario = r.at("scenario");
  if (scenario.is_object()) out.document = std::make_shared<const Json>(scenario.value());
  else if (r.has("scenario")) out.scenario = beside(file, scenario.as_string());
  if (auto set = r.maybe("set")) {
    if (!set->is_array()) read_settings(*set, out.settings);
    else for (const JsonReader& one : set->items()) read_settings(one, out.settings);
  }
  if (auto axes = r.maybe("axes")) out.axes = read_axes(*axes);
  out.where = r.string("where", "");
  if (auto pareto = r.maybe("pareto")) out.pareto = read_pareto(*pareto);
  if (auto run = r.maybe("run")) read_run(*run, out.run);
  out.scenario_name = r.string("scenario_name", "");
  if (auto submitted = r.maybe("submitted"); submitted && submitted->expect_object("{\"tasks\": 4}")) {
    out.tasks = static_cast<std::size_t>(submitted->integer("tasks", 1, kMostPoints));
    submitted->done();
  }
  if (r.has("zip")) r.fail_at("zip", "places that go in step stand in one object of \"axes\"", "[{\"/a\": [1, 2], \"/b\": [\"x\", \"y\"]}]");
  r.done();
  problems.throw_if_any();
  return out;
}

}  // namespace weft::scenarios
