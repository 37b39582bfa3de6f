#include "scenarios/studies/study_file.h"

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

}  // namespace

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
  if (auto set = r.maybe("set"); set && set->expect_object("settings {\"/pointer\": value}")) {
    for (const auto& [pointer, value] : set->members()) out.settings.push_back({pointer, std::make_shared<const Json>(value.value())});
  }
  if (auto axes = r.maybe("axes")) out.axes = read_axes(*axes);
  out.where = r.string("where", "");
  if (auto pareto = r.maybe("pareto")) out.pareto = read_pareto(*pareto);
  if (r.has("zip")) r.fail_at("zip", "places that go in step stand in one object of \"axes\"", "[{\"/a\": [1, 2], \"/b\": [\"x\", \"y\"]}]");
  r.done();
  problems.throw_if_any();
  return out;
}

}  // namespace weft::scenarios
