#include "sim/cli/catalogue.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "models/communication.h"
#include "models/gpu.h"
#include "models/machine.h"
#include "scenarios/analysis_kind.h"
#include "scenarios/scenario.h"
#include "sim/cli/show_model.h"
#include "sim/cli/show_failures.h"
#include "sim/cli/show_kernel.h"
#include "sim/engine/engines.h"
#include "topology/price.h"
#include "topology/topology.h"
#include "workloads/training/schedule.h"
#include "workloads/workload.h"

namespace weft::cli {
namespace {

constexpr const char* kNodes = "topology/data/nodes";
constexpr const char* kTransports = "topology/data/transports";
constexpr const char* kStorage = "topology/data/storage";
constexpr const char* kGpus = "models/hardware";
constexpr const char* kMachines = "models/machines";
constexpr const char* kPrices = "topology/data/prices";
constexpr const char* kKernels = "models/data/communication";

/// Files of a data folder with the "title" that they state.
std::vector<Entry> files_of(const DataPlaces& data, const std::string& folder) {
  std::vector<Entry> out;
  for (const std::string& name : data.names(folder)) {
    const Json j = read_json_file(data.find(folder, name).string());
    out.push_back({name, j.is_object() && j.contains("title") && j["title"].is_string() ? j["title"].get<std::string>() : ""});
  }
  return out;
}

/// Reads a named thing of a data folder with one of the rooms' readers.
template <class Read>
auto read_named(const std::string& name, Read read) {
  Problems problems;
  const Json word = name;
  auto thing = read(JsonReader(word, "weft show", problems));
  problems.throw_if_any();
  return thing;
}

reports::Table parameter_table(const std::vector<ColumnDoc>& parameters, const std::string& id, const std::string& title) {
  reports::Table t;
  t.id = id;
  t.title = title;
  t.columns = {{"name", "key"}, {"meaning", "what it is"}};
  for (const ColumnDoc& d : parameters) {
    Row r;
    r.set("name", d.name).set("meaning", d.text);
    t.rows.push_back(std::move(r));
  }
  return t;
}

reports::Listing show_topology(const DataPlaces&, const std::string& name) {
  reports::Listing out;
  for (const auto& k : topology::topology_kinds()) {
    if (k.name != name) continue;
    out.notes = {k.title + ": " + k.summary};
    out.tables.push_back(parameter_table(k.parameters, "parameters", "Parameters of \"topology\": {\"kind\": \"" + name + "\", ...}"));
    out.tables.push_back(topology_counts_table({name}));
  }
  return out;
}

std::vector<Entry> list_topologies(const DataPlaces&) {
  std::vector<Entry> out;
  for (const auto& k : topology::topology_kinds()) out.push_back({k.name, k.title});
  return out;
}

std::vector<Entry> list_hardware(const DataPlaces& data) {
  std::vector<Entry> out = files_of(data, kNodes);
  for (auto& e : files_of(data, kTransports)) out.push_back(std::move(e));
  for (auto& e : files_of(data, kStorage)) out.push_back(std::move(e));
  for (auto& e : files_of(data, kGpus)) {
    const auto known = std::find_if(out.begin(), out.end(), [&](const Entry& o) { return o.name == e.name; });
    if (known == out.end()) out.push_back(std::move(e));
    else known->title += "; " + e.title;   // a node and its GPU share a name: h800
  }
  for (auto& e : files_of(data, kMachines)) out.push_back(std::move(e));
  return out;
}

reports::Listing show_hardware(const DataPlaces& data, const std::string& name) {
  reports::Listing out;
  std::vector<ConstantUsed> constants;
  if (!data.find(kNodes, name).empty()) {
    constants = topology::constants_of(read_named(name, [&](JsonReader r) { return topology::read_node_spec(r, data); }));
  }
  if (!data.find(kTransports, name).empty()) {  // "ideal" is the name of a node and of a transport
    for (auto& c : topology::constants_of(read_named(name, [&](JsonReader r) { return topology::read_transport_spec(r, data); }))) constants.push_back(c);
  }
  if (!data.find(kStorage, name).empty()) {
    for (auto& c : topology::constants_of(read_named(name, [&](JsonReader r) { return topology::read_storage_spec(r, data); }))) constants.push_back(c);
  }
  if (!data.find(kGpus, name).empty()) {
    for (auto& c : models::constants_of(models::gpu_named(name, data, "NAME"))) constants.push_back(c);
  }
  if (!data.find(kMachines, name).empty()) {
    for (auto& c : models::constants_of(read_named(name, [&](JsonReader r) { return models::read_machine(r, data); }))) constants.push_back(c);
  }
  out.tables.push_back(constants_table(constants));
  return out;
}

std::vector<Entry> list_models(const DataPlaces& data) { return files_of(data, "models/llms"); }

reports::Listing show_named_model(const DataPlaces& data, const std::string& name) { return show_model(data, name, {}); }

std::vector<Entry> list_kernels(const DataPlaces& data) {
  std::vector<Entry> out = files_of(data, kKernels);
  for (Entry& e : kernel_family_entries()) out.push_back(std::move(e));
  return out;
}

reports::Listing show_kernel(const DataPlaces& data, const std::string& name) {
  if (is_kernel_family(name)) return show_kernel_family(data, name, {});
  reports::Listing out;
  out.tables.push_back(constants_table(
      models::constants_of(read_named(name, [&](JsonReader r) { return models::read_communication_model(r, data); }))));
  return out;
}

std::vector<Entry> list_collectives(const DataPlaces&) {
  std::vector<Entry> out;
  for (const auto& k : scenarios::analysis_kinds()) out.push_back({k.name, k.title});
  for (const auto& k : workloads::workload_kinds()) out.push_back({k.name, k.title});
  return out;
}

template <class Kinds>
void show_kind(const Kinds& kinds, const std::string& name, reports::Listing& out) {
  for (const auto& k : kinds) {
    if (k.name != name) continue;
    out.notes = {k.title + ": " + k.summary};
    out.tables.push_back(parameter_table(k.parameters, "parameters", "Parameters of {\"kind\": \"" + name + "\", ...}"));
    out.tables.push_back(parameter_table(k.columns, "columns", "Columns of its rows"));
  }
}

reports::Listing show_collective(const DataPlaces&, const std::string& name) {
  reports::Listing out;
  show_kind(scenarios::analysis_kinds(), name, out);
  show_kind(workloads::workload_kinds(), name, out);
  return out;
}

std::vector<Entry> list_schedules(const DataPlaces&) {
  std::vector<Entry> out;
  for (const auto& k : workloads::training::schedule_kinds()) out.push_back({k.name, k.title});
  return out;
}

reports::Listing show_schedule(const DataPlaces&, const std::string& name) {
  const workloads::training::ScheduleKind& k = workloads::training::schedule_named(name, "NAME");
  reports::Listing out;
  out.notes = {k.title + ": " + k.summary, "F, b, w, B = b+w and FB are times of one stage; M micro-batches",
               "Draw it with: weft schedule " + k.name + " --pp 4 --micro-batches 8"};
  out.tables.push_back(parameter_table({{"source", k.source},
                                        {"ranks and micro-batches", k.constraints},
                                        {"published bubble of a rank", k.bubble_formula},
                                        {"published activations", k.activations_formula + ", of one stage"},
                                        {"closed form of the played bubble", k.exact_region},
                                        {"order", k.fifo ? "each stage takes micro-batches first in, first out" : "backwards run last in, first out"},
                                        {"forwards beside backwards", k.overlaps ? "yes" : "no"}},
                                       "facts", "What is known of it"));
  return out;
}

std::vector<Entry> list_prices(const DataPlaces& data) { return files_of(data, kPrices); }

reports::Listing show_price(const DataPlaces& data, const std::string& name) {
  reports::Listing out;
  const auto list = read_named(name, [&](JsonReader r) { return topology::read_price_list(r, data); });
  out.tables.push_back(constants_table(topology::constants_of(list)));
  out.notes = {list.caveat};
  return out;
}

std::vector<Entry> list_scenarios(const DataPlaces& data) { return files_of(data, "scenarios"); }

reports::Listing show_scenario(const DataPlaces& data, const std::string& name) {
  const auto path = data.find("scenarios", name);
  const auto s = scenarios::load_scenario(path.string(), {});
  reports::Listing out;
  out.notes = {s.title, "Question: " + s.question, "Source: " + s.source, "Run it with: weft compare " + path.string()};
  reports::Table t;
  t.id = "variants";
  t.title = "Variants";
  t.columns = {{"variant", "name"}};
  for (const auto& v : s.variants) {
    Row r;
    r.set("variant", v.name);
    t.rows.push_back(std::move(r));
  }
  out.tables.push_back(std::move(t));
  return out;
}

std::vector<Entry> list_engines(const DataPlaces&) {
  std::vector<Entry> out;
  for (const auto& k : engine::engine_kinds()) out.push_back({k.name, k.title});
  return out;
}

reports::Listing show_engine(const DataPlaces&, const std::string& name) {
  const engine::EngineKind& k = engine::engine_named(name, "NAME");
  reports::Listing out;
  out.notes = {k.title + ". " + k.summary, "Use it with: weft run SCENARIO --engine " + k.name};
  return out;
}

}  // namespace

reports::Table constants_table(const std::vector<ConstantUsed>& constants) {
  reports::Table t;
  t.id = "constants";
  t.title = "Constants";
  t.columns = {{"name", "what it is"}, {"value", "with its unit"},
               {"origin", "published, measured, derived, fitted or assumed"}, {"source", "where it is from; for fitted: to what"}};
  for (const ConstantUsed& c : constants) {
    Row r;
    r.set("name", c.name).set("value", c.value).set("origin", to_text(c.origin)).set("source", c.source);
    t.rows.push_back(std::move(r));
  }
  return t;
}

reports::Table topology_counts_table(const std::vector<std::string>& names) {
  reports::Table t;
  t.id = "table3";
  t.title = "Counts of the row in Table 3 of arXiv:2505.09343 (64-port switches)";
  t.columns = {{"topology", "kind"}, {"endpoints", "GPU-NIC pairs"}, {"switches", "switches"},
               {"switch_links", "switch-to-switch cables"}, {"host_links", "NIC-to-switch cables"},
               {"constructible", "whether the graph can be built (Slim Fly with q = 28 exists as a formula only)"}};
  for (const auto& k : topology::topology_kinds()) {
    if (std::find(names.begin(), names.end(), k.name) == names.end()) continue;
    if (k.table3.is_null()) continue;
    Problems problems;
    const auto top = topology::read_topology(JsonReader(k.table3, "Table 3", problems), {0, 8});
    problems.throw_if_any();
    const topology::Counts c = top->count();
    Row r;
    r.set("topology", k.name).set("endpoints", c.endpoints).set("switches", c.switches).set("switch_links", c.switch_links);
    r.set("host_links", c.host_links).set("constructible", top->not_constructible().empty());
    t.rows.push_back(std::move(r));
  }
  return t;
}

const std::vector<CatalogueKind>& catalogue() {
  static const std::vector<CatalogueKind> kinds = {
      {"topologies", "topology", "Networks", list_topologies, show_topology},
      {"hardware", "hardware", "GPUs, nodes, storage nodes, transports and machines of one user", list_hardware, show_hardware},
      {"models", "model", "Language models", list_models, show_named_model},
      {"kernels", "kernel", "Kernels: of the simulated network (data), and families whose times are predicted", list_kernels, show_kernel},
      {"calibrations", "calibration", "Calibrations: fitted kernel times", calibration_entries, show_calibration},
      {"collectives", "collective", "Workloads: what can be asked of a cluster", list_collectives, show_collective},
      {"schedules", "schedule", "Pipeline schedules", list_schedules, show_schedule},
      {"prices", "prices", "Price lists", list_prices, show_price},
      {"failures", "failures", "Failures: how often what fails, and what a job does about it", failure_entries, show_failures},
      {"engines", "engine", "Engines: what simulates", list_engines, show_engine},
      {"scenarios", "scenario", "Shipped scenarios", list_scenarios, show_scenario}};
  return kinds;
}

const CatalogueKind& catalogue_kind(const std::string& name) {
  std::vector<std::string> known;
  for (const CatalogueKind& k : catalogue()) {
    if (k.name == name || k.singular == name) return k;
    known.push_back(k.name);
  }
  throw UserError("KIND", fmt::format("weft knows no \"{}\"", name), unknown_name_hint(name, known));
}

void require_entry(const CatalogueKind& kind, const DataPlaces& data, const std::string& name) {
  std::vector<std::string> known;
  for (const Entry& e : kind.entries(data)) {
    if (e.name == name) return;
    known.push_back(e.name);
  }
  throw UserError("NAME", fmt::format("there is no {} named \"{}\"", kind.singular, name), unknown_name_hint(name, known));
}

}  // namespace weft::cli
