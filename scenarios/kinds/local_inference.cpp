// Tokens a second of one machine that decodes for one user.
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "scenarios/analysis_kind.h"
#include "workloads/inference/local.h"
#include "workloads/parameters.h"

namespace weft::scenarios {
namespace {

using namespace workloads::inference;

struct LocalInferenceQuestion {
  std::vector<LocalModel> models;
  std::vector<models::Machine> machines;
  std::vector<Bytes> weights;
  LocalQuestion question;
  std::vector<ConstantUsed> constants;
  Json resolved;
};

double giga(Bytes b) { return b.value() * 1e-9; }
double milli(Seconds s) { return s.value() * 1e3; }

class LocalInferenceAnalysis final : public Analysis {
 public:
  explicit LocalInferenceAnalysis(LocalInferenceQuestion q) : q_(std::move(q)) {}

  std::vector<Row> rows(const Cluster&) const override {
    std::vector<Row> rows;
    for (const LocalModel& m : q_.models) {
      for (const models::Machine& machine : q_.machines) {
        for (const Bytes weight : q_.weights) rows.push_back(row_of(m, machine, weight));
      }
    }
    return rows;
  }

  std::vector<std::string> notes(const Cluster&) const override {
    return {fmt::format("one request of {:.0f} tokens; a memory is read at what was measured of it, else at {:.0f} % of its rate", q_.question.context,
                        100 * q_.question.efficiency)};
  }

  std::vector<ConstantUsed> constants(const Cluster&) const override { return q_.constants; }
  Json resolved() const override { return q_.resolved; }

 private:
  Row row_of(const LocalModel& m, const models::Machine& machine, Bytes weight) const {
    LocalQuestion q = q_.question;
    q.weight = weight;
    const LocalSpeed s = local_speed(m, machine, q);
    Row r;
    r.set("model", m.name).set("machine", machine.name).set("weight_bytes", weight.value());
    r.set("params_B", m.parameters * 1e-9).set("activated_B", m.activated * 1e-9);
    r.set("weights_GB", giga(s.weights)).set("cache_GB", giga(s.cache)).set("fits", s.lacking.value() == 0);
    if (s.lacking.value() > 0) return r.set("too_much_GB", giga(s.lacking));   // from a disk it would run otherwise, and far slower
    r.set("read_GB", giga(s.read)).set("memory_ms", milli(s.memory));
    if (s.compute.value() > 0) r.set("compute_ms", milli(s.compute));
    r.set("limit", std::string(s.memory < s.compute ? "compute" : "memory")).set("tokens_per_s", 1 / s.token().value());
    return r;
  }

  LocalInferenceQuestion q_;
};

/// A model by its counts alone.
LocalModel read_counts(JsonReader& r) {
  constexpr double kMost = 9e15;
  LocalModel m;
  m.name = r.string("name");
  m.parameters = r.number("total_parameters", 1, kMost);
  m.activated = r.number("activated_parameters", 1, kMost);
  m.routed = r.number_or("routed_parameters", 0, 0, kMost);
  m.routed_activated = r.number_or("routed_activated_parameters", 0, 0, kMost);
  m.cache_per_token = r.quantity_or<Bytes>("cache_per_token", Bytes(0), false);
  r.done();
  const auto within = [&](const char* key, double part, const char* of, double whole) {
    if (part > whole) r.fail_at(key, fmt::format("{:.6g} are more than the {:.6g} of {}", part, whole, of));
  };
  within("activated_parameters", m.activated, "total_parameters", m.parameters);
  within("routed_parameters", m.routed, "total_parameters", m.parameters);
  within("routed_activated_parameters", m.routed_activated, "routed_parameters", m.routed);
  within("routed_activated_parameters", m.routed_activated, "activated_parameters", m.activated);
  return m;
}

/// One thing or a list of them, each with a name of its own.
template <class Read>
auto read_named_list(JsonReader& where, const char* key, Read read) {
  JsonReader at = where.at(key);
  std::vector<decltype(read(at))> out;
  const bool list = at.is_array();
  if (list && at.items().empty()) at.fail("expected at least one");
  for (JsonReader r : list ? at.items() : std::vector<JsonReader>{at}) {
    const std::size_t before = r.problems().list().size();
    out.push_back(read(r));
    if (r.problems().list().size() != before) continue;
    if (out.back().name.empty()) r.fail_at("name", "expected a name, got an empty string");
    const auto same = [&](const auto& o) { return &o != &out.back() && o.name == out.back().name; };
    if (std::any_of(out.begin(), out.end(), same)) r.fail(fmt::format("\"{}\" stands here already", out.back().name), "give an inline one a \"name\" of its own");
  }
  return out;
}

template <class List>
void remember_names(workloads::Parameters& p, const char* key, const List& list) {
  Json names = Json::array();
  for (const auto& thing : list) names.push_back(thing.name);
  p.remember(key, std::move(names));
}

double ratio(workloads::Parameters& p, const char* key, double fallback) {
  const double v = p.where().number_or(key, fallback, 0.01, 1);
  p.remember(key, Json(v));
  return v;
}

std::unique_ptr<Analysis> read_local_inference(JsonReader& where, const AnalysisContext& context) {
  const std::size_t before = where.problems().list().size();
  workloads::WorkloadContext data;
  data.data = &context.data;
  workloads::Parameters p(where, data);
  LocalInferenceQuestion q;
  q.models = read_named_list(where, "models", [&](JsonReader& r) {
    if (r.is_object() && (r.has("total_parameters") || r.has("activated_parameters"))) return read_counts(r);
    const models::Llm m = models::read_llm(r, context.data);
    if (m.layers < 1) return LocalModel{};
    for (ConstantUsed& c : models::constants_of(m)) q.constants.push_back(std::move(c));
    return local_model(m);
  });
  q.machines = read_named_list(where, "machines", [&](JsonReader& r) {
    models::Machine m = models::read_machine(r, context.data);
    for (ConstantUsed& c : models::constants_of(m)) q.constants.push_back(std::move(c));
    return m;
  });
  remember_names(p, "models", q.models);
  remember_names(p, "machines", q.machines);
  q.weights = p.sizes("weight", {"0.5 B"});
  q.question.context = static_cast<double>(p.integer("context", 4096, 0, 1'000'000'000));
  q.question.memory_part = ratio(p, "memory_part", q.question.memory_part);
  q.question.efficiency = ratio(p, "efficiency", q.question.efficiency);
  if (where.problems().list().size() != before) return nullptr;
  q.constants.push_back({"efficiency of memory and tensor cores", fmt::format("{}", q.question.efficiency), Origin::assumed,
                         "where a machine has no measured rate"});
  q.resolved = *p.resolved();
  return std::make_unique<LocalInferenceAnalysis>(std::move(q));
}

}  // namespace

AnalysisKind analysis_local_inference() {
  AnalysisKind k;
  k.name = "local_inference";
  k.title = "Tokens a second of one machine for one user";
  k.summary = "Each token reads the weights that it activates and the cache of its context once, at the rate of the memory where they lie, or takes the time of its "
              "operations, whichever is longer. Nothing is simulated; the cluster does not matter. GB are 10^9 bytes.";
  k.uses_cluster = false;
  k.parameters = {{"models", "a name (weft list models), a path, an object with a config, or {\"name\", \"total_parameters\", \"activated_parameters\"}, in it also "
                             "\"routed_parameters\", \"routed_activated_parameters\" and \"cache_per_token\" (default 0: not counted); or a list of these"},
                  {"machines", "a name (weft list hardware), a path or an object with a \"memory\", or a list of these"},
                  {"weight", "bytes of a weight, one or a list; default \"0.5 B\""},
                  {"context", "tokens in the cache; default 4096"},
                  {"memory_part", "of each memory that may be used; default 0.9 (assumed)"},
                  {"efficiency", "of a memory's rate that is read where nobody measured it, and of the tensor cores' rate; default 0.8 (assumed)"}};
  k.label_columns = {{"model", "the model"}, {"machine", "the machine"}, {"weight_bytes", "bytes of a weight"}};
  k.columns = {{"params_B", "parameters, billions (10^9)"},
               {"activated_B", "of them read for a token, billions"},
               {"weights_GB", "all weights"},
               {"cache_GB", "the cache"},
               {"fits", "whether both fit into memory"},
               {"too_much_GB", "what is lacking; then there is no speed"},
               {"read_GB", "read for a token: activated weights and cache"},
               {"memory_ms", "time to read it"},
               {"compute_ms", "time of its operations"},
               {"limit", "what decides: memory or compute"},
               {"tokens_per_s", "tokens a second"}};
  k.read = read_local_inference;
  return k;
}

}  // namespace weft::scenarios
