#include "scenarios/schema.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "scenarios/analysis_kind.h"
#include "topology/router.h"
#include "topology/topology.h"
#include "workloads/workload.h"

namespace weft::scenarios {
namespace {

const char* type_name(const Json& v) {
  if (v.is_boolean()) return "boolean";
  if (v.is_number_integer()) return "integer";
  if (v.is_number()) return "number";
  if (v.is_string()) return "string";
  return nullptr;
}

/// The type of a property, judged by the reader's default. A list may also be written as its single element.
Json type_of(const Json& fallback) {
  if (fallback.is_array() && !fallback.empty() && type_name(fallback[0]) != nullptr) {
    const Json item = {{"type", type_name(fallback[0])}};
    return {{"anyOf", {item, {{"type", "array"}, {"items", item}}}}};
  }
  if (const char* name = type_name(fallback)) return {{"type", name}};
  return Json::object();
}

/// What a reader said about one object: the keys it asked for, its defaults, and what it missed.
struct Asked {
  std::vector<std::string> keys;
  Json defaults = Json::object();
  std::vector<Problem> problems;
};

bool is_due(const Asked& asked, const std::string& key) {
  return std::any_of(asked.problems.begin(), asked.problems.end(),
                     [&](const Problem& p) { return p.place == "/" + key && p.message.find("due") != std::string::npos; });
}

Json object_schema(const Asked& asked, const std::string& kind, const std::vector<ColumnDoc>& parameters) {
  Json properties = Json::object();
  Json required = Json::array({"kind"});
  properties["kind"] = {{"const", kind}};
  for (const std::string& key : asked.keys) {
    if (key == "kind") continue;
    Json p = asked.defaults.contains(key) && !is_due(asked, key) ? type_of(asked.defaults[key]) : Json::object();
    // Communication kernels are named, or written in place.
    if (key.ends_with("kernel") && p.contains("type")) p["type"] = {"string", "object"};
    for (const ColumnDoc& d : parameters) {
      if (d.name == key) p["description"] = d.text;
    }
    if (is_due(asked, key)) required.push_back(key);
    properties[key] = std::move(p);
  }
  return {{"properties", std::move(properties)}, {"required", std::move(required)}, {"additionalProperties", false}};
}

/// {"kind": one of the names} and, for each name, the schema of its object.
Json by_kind(const std::vector<std::pair<std::string, Json>>& kinds) {
  Json names = Json::array(), cases = Json::array();
  for (const auto& [name, schema] : kinds) {
    names.push_back(name);
    cases.push_back({{"if", {{"properties", {{"kind", {{"const", name}}}}}}}, {"then", schema}});
  }
  return {{"type", "object"}, {"required", {"kind"}}, {"properties", {{"kind", {{"enum", std::move(names)}}}}}, {"allOf", std::move(cases)}};
}

Json topology_schema() {
  std::vector<std::pair<std::string, Json>> kinds;
  for (const auto& k : topology::topology_kinds()) {
    Problems problems;
    const Json probe = {{"kind", k.name}};
    JsonReader r(probe, "schema", problems);
    Asked asked;
    if (const auto t = k.read(r, {0, 8})) asked.defaults = t->resolved();
    asked.keys = r.asked();
    asked.problems = problems.list();
    kinds.emplace_back(k.name, object_schema(asked, k.name, k.parameters));
  }
  return by_kind(kinds);
}

Json workload_schema(const DataPlaces& data) {
  std::vector<std::pair<std::string, Json>> kinds;
  const auto probe_kind = [&](const auto& k, auto read) {
    Problems problems;
    const Json probe = {{"kind", k.name}, {"id", k.name}};
    JsonReader r(probe, "schema", problems);
    r.has("kind");
    r.has("id");
    Asked asked;
    if (const auto w = read(r)) asked.defaults = w->resolved();
    asked.keys = r.asked();
    asked.problems = problems.list();
    kinds.emplace_back(k.name, object_schema(asked, k.name, k.parameters));
  };
  const KernelTimes kernels(data, {});
  const AnalysisContext for_analysis{data, kernels, {}, 1};
  for (const auto& k : analysis_kinds()) probe_kind(k, [&](JsonReader& r) { return k.read(r, for_analysis); });
  const workloads::WorkloadContext context{&data, 1, for_analysis.source()};
  for (const auto& k : workloads::workload_kinds()) probe_kind(k, [&](JsonReader& r) { return k.read(r, context); });
  return by_kind(kinds);
}

Json named(const char* what) {
  return {{"type", {"string", "object"}},
          {"description", fmt::format("{}: a name, a path to a file, or an object that may say \"extends\": a name", what)}};
}

Json text(const char* description) { return {{"type", "string"}, {"description", description}}; }

Json routing_schema() {
  Problems problems;
  const Json probe = {{"paths", "ugal"}};  // asks for every key
  JsonReader r(probe, "schema", problems);
  topology::read_routing_spec(r);
  Json properties = Json::object();
  for (const std::string& key : r.asked()) properties[key] = Json::object();
  properties["policy"] = {{"enum", {"adaptive", "ecmp", "static"}}};
  properties["paths"] = {{"enum", {"minimal", "valiant", "ugal"}}};
  properties["qps"] = {{"type", "integer"}, {"minimum", 1}};
  return {{"type", "object"}, {"additionalProperties", false}, {"properties", std::move(properties)}};
}

Json cluster_schema() {
  Json event = {{"type", "object"}, {"required", {"at"}}, {"additionalProperties", false},
                {"properties", {{"at", text("simulated time such as \"1 ms\"")}, {"fail", text("part that fails")},
                                {"repair", text("part that comes back")}, {"slow", text("part whose links change rate")},
                                {"rate", text("new rate such as \"100 Gbps\"")},
                                {"detection", text("of a failure: how long what crosses the part waits before it takes another way, such as \"30 s\"")}}}};
  Json storage = {{"type", "object"}, {"required", {"nodes"}}, {"additionalProperties", false},
                  {"description", "storage nodes, on a network of their own with the storage NICs of the others"},
                  {"properties",
                   {{"node", named("hardware of a storage node")}, {"nodes", {{"type", "integer"}, {"minimum", 1}}},
                    {"topology", topology_schema()}, {"transport", named("wire protocol; default: that of the cluster")}}}};
  return {{"type", "object"}, {"required", {"topology"}}, {"additionalProperties", false},
          {"properties",
           {{"node", named("hardware of a node")},
            {"nodes", {{"type", "integer"}, {"minimum", 1}, {"description", "default: as many as the topology holds"}}},
            {"topology", topology_schema()},
            {"routing", routing_schema()},
            {"transport", named("wire protocol")},
            {"prices", named("price list")},
            {"storage", std::move(storage)},
            {"failed", {{"type", "array"}, {"items", {{"type", "string"}}}, {"description", "parts that have failed from the start"}}},
            {"events", {{"type", "array"}, {"items", std::move(event)}}}}}};
}

}  // namespace

Json scenario_schema(const DataPlaces& data) {
  Json variant = {{"type", "object"}, {"required", {"name"}}, {"additionalProperties", false},
                  {"properties", {{"name", text("shown in tables")}, {"set", {{"type", "object"}, {"description", "JSON pointer: value"}}}}}};
  Json expect = {{"type", "object"}, {"required", {"of", "value", "source"}}, {"additionalProperties", false},
                 {"properties",
                  {{"of", text("variant/workload[label=value]/column")}, {"over", text("the value is the ratio of `of` to this cell")},
                   {"value", {{"type", "number"}}}, {"tolerance_pct", {{"type", "number"}, {"minimum", 0}}},
                   {"tolerance_abs", {{"type", "number"}, {"minimum", 0}}}, {"source", text("publication")}, {"id", text("row of weft validate")},
                   {"topic", text("topic of weft validate")}, {"unit", text("unit of the value")},
                   {"kind", {{"enum", {"identity", "calibrated", "predicted"}}}}, {"note", text("a remark")},
                   {"not_reproducible", text("why the number cannot be computed: it is shown with its error, and is neither met nor missed")},
                   {"known_miss", text("why it is known to be out of tolerance: weft validate shows it with its error and does not fail on it")},
                   {"depends", {{"type", "array"}, {"items", {{"enum", {"nic", "nvlink", "switch_latency", "hbm"}}}}}}}}};
  return {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
          {"title", "weft scenario"},
          {"type", "object"},
          {"required", {"title", "cluster", "workload"}},
          {"additionalProperties", false},
          {"properties",
           {{"$schema", text("for editors; weft does not read it")},
            {"title", text("what it is, in a few words")},
            {"question", text("what is asked, as a sentence")},
            {"source", text("publication that it follows")},
            {"headline", text("the answer as a sentence with cells in braces: {variant/workload[label=value]/column}, behind a colon ratio, percent, change or minus "
                              "and another cell, longer|shorter (any two words) and another cell, times and a number; behind another colon .3g or .1f")},
            {"cluster", cluster_schema()},
            {"workload", {{"type", "array"}, {"minItems", 1}, {"items", workload_schema(data)}}},
            {"variants", {{"type", "array"}, {"items", std::move(variant)}}},
            {"expect", {{"type", "array"}, {"items", std::move(expect)}}},
            {"resolved", Json::object()},
            {"digest", {{"type", "string"}}}}}};
}

}  // namespace weft::scenarios
