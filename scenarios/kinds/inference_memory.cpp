// What a GPU of a unit that serves a model holds, and how many requests its cache has room for.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "models/gpu.h"
#include "scenarios/analysis_kind.h"
#include "workloads/inference/deployment_reading.h"
#include "workloads/inference/memory.h"

namespace weft::scenarios {
namespace {

using namespace workloads::inference;

struct NamedDeployment {
  std::string name;
  Deployment deployment;
};

struct UnitQuestion {
  models::Gpu gpu;
  models::Llm model;
  std::vector<NamedDeployment> deployments;
  double context = 0, requests = 0;
  Json resolved;
};

double giga(Bytes b) { return b.value() * 1e-9; }

const char* word_of(Stage stage) { return stage == Stage::prefill ? "prefill" : "decode"; }

class InferenceMemoryAnalysis final : public Analysis {
 public:
  explicit InferenceMemoryAnalysis(UnitQuestion q) : q_(std::move(q)) {}

  std::vector<Row> rows(const Cluster&) const override {
    std::vector<Row> rows;
    for (const NamedDeployment& d : q_.deployments) rows.push_back(row_of(d));
    return rows;
  }

  std::vector<std::string> notes(const Cluster&) const override {
    std::vector<std::string> notes;
    for (const std::string& n : q_.model.notes) notes.push_back("model " + q_.model.name + ": " + n);
    return notes;
  }

  std::vector<std::string> warnings() const override {
    std::vector<std::string> all;
    for (const NamedDeployment& d : q_.deployments) {
      const std::string text = does_not_fit(q_.model, d.deployment, question());
      if (!text.empty()) all.push_back(fmt::format("{} on {}, {}: {}", q_.model.name, q_.gpu.name, d.name, text));
    }
    return all;
  }

  std::vector<ConstantUsed> constants(const Cluster&) const override {
    std::vector<ConstantUsed> all = models::constants_of(q_.model);
    for (ConstantUsed& c : models::constants_of(q_.gpu)) {
      if (c.name.ends_with(": memory")) all.push_back(std::move(c));
    }
    return all;
  }

  Json resolved() const override { return q_.resolved; }

 private:
  FitQuestion question() const { return {q_.gpu.memory.value, q_.requests, q_.context}; }

  Row row_of(const NamedDeployment& named) const {
    const Deployment& d = named.deployment;
    const UnitMemory u = memory_of(q_.model, d, q_.gpu.memory.value);
    const Bytes asked = q_.requests * cache_of_request(q_.model, d, q_.context), need = u.used() + asked;
    Row r;
    r.set("deployment", named.name).set("stage", std::string(word_of(d.stage)));
    r.set("gpus", static_cast<std::int64_t>(d.gpus)).set("ep", static_cast<std::int64_t>(d.ep)).set("tp", static_cast<std::int64_t>(d.tp));
    if (q_.model.moe_layers > 0) {
      r.set("experts", u.experts).set("routed_experts_GB", giga(u.routed_experts)).set("shared_experts_GB", giga(u.shared_experts));
      r.set("router_GB", giga(u.router));
    }
    r.set("attention_GB", giga(u.attention));
    if (u.absorbed.value() > 0) r.set("absorbed_GB", giga(u.absorbed));
    if (u.dense_ffn.value() > 0) r.set("dense_GB", giga(u.dense_ffn));
    r.set("vocabulary_GB", giga(u.vocabulary)).set("norms_GB", giga(u.norms));
    if (d.mtp > 0) r.set("mtp_GB", giga(u.mtp));
    r.set("weights_GB", giga(u.weights())).set("workspace_GB", giga(u.workspace)).set("usable_GB", giga(u.usable)).set("cache_GB", giga(u.cache()));
    r.set("cache_token_bytes", u.cache_per_token.value()).set("cache_tokens", std::floor(u.cache_tokens()));
    r.set("requests", std::floor(requests_of(q_.model, d, u, q_.context))).set("asked_GB", giga(asked)).set("fits", need <= u.usable);
    if (need > u.usable) r.set("too_much_GB", giga(need - u.usable));
    return r;
  }

  UnitQuestion q_;
};

NamedDeployment read_one(workloads::Parameters& p, const models::Llm& m) {
  NamedDeployment n;
  const std::string stage = p.word("stage", {"prefill", "decode"}, "decode");
  n.deployment = read_deployment(p, m, stage == "prefill" ? Stage::prefill : Stage::decode);
  const Deployment& d = n.deployment;
  const std::string spread = d.tp > 1 ? fmt::format(" tp{}", d.tp) : "";
  n.name = p.where().string("name", m.moe_layers > 0 ? fmt::format("{} ep{}{}", stage, d.ep, spread) : stage + spread);
  p.remember("name", n.name);
  return n;
}

/// The entries of "deployments", or the one whose keys stand beside it.
std::vector<NamedDeployment> read_deployments(workloads::Parameters& p, const workloads::WorkloadContext& context, const models::Llm& m) {
  std::vector<NamedDeployment> out;
  const auto list = p.where().maybe("deployments");
  if (!list) return {read_one(p, m)};
  if (!list->is_array() || list->items().empty()) {
    list->fail("expected a list of deployments", "such as [{\"stage\": \"prefill\", \"ep\": 32}, {\"stage\": \"decode\", \"ep\": 144}]");
    return out;
  }
  Json resolved = Json::array();
  for (JsonReader r : list->items()) {
    if (!r.expect_object("a deployment, such as {\"stage\": \"decode\", \"ep\": 144}")) continue;
    workloads::Parameters one(r, context);
    NamedDeployment n = read_one(one, m);
    r.done();
    if (std::any_of(out.begin(), out.end(), [&](const NamedDeployment& o) { return o.name == n.name; })) {
      r.fail("a deployment \"" + n.name + "\" stands here already", "give it a \"name\" of its own");
    }
    out.push_back(std::move(n));
    resolved.push_back(*one.resolved());
  }
  p.remember("deployments", std::move(resolved));
  return out;
}

std::unique_ptr<Analysis> read_inference_memory(JsonReader& where, const AnalysisContext& context) {
  const std::size_t before = where.problems().list().size();
  UnitQuestion q;
  q.gpu = models::read_gpu(where.at("gpu"), context.data);
  q.model = models::read_llm(where.at("model"), context.data);
  workloads::WorkloadContext data;
  data.data = &context.data;
  workloads::Parameters p(where, data);
  p.remember("gpu", q.gpu.name);
  p.remember("model", q.model.name);
  q.context = static_cast<double>(p.integer("context", 4096, 1, 1'000'000'000));
  q.requests = static_cast<double>(p.integer("requests", 1, 1, 1'000'000'000));
  q.deployments = read_deployments(p, data, q.model);
  if (where.problems().list().size() != before) return nullptr;
  q.resolved = *p.resolved();
  return std::make_unique<InferenceMemoryAnalysis>(std::move(q));
}

}  // namespace

AnalysisKind analysis_inference_memory() {
  AnalysisKind k;
  k.name = "inference_memory";
  k.title = "Memory of a deployment that serves a model";
  k.summary = "One row a deployment: what a GPU of the unit holds, part by part, and how many tokens and requests the cache of a group of GPUs has room for. Nothing is "
              "simulated; the cluster does not matter. GB are 10^9 bytes.";
  k.uses_cluster = false;
  k.parameters = {{"gpu", "a name (weft list hardware), a path or an object"},
                  {"model", "a name (weft list models), a path to a config.json or an object"},
                  {"context", "tokens of a request in the cache; default 4096"},
                  {"requests", "requests of a group that must fit at once; default 1"},
                  {"deployments", "a list of objects with the keys below; without it there is one, whose keys stand here"},
                  {"name", "of a deployment; default: stage, ep and tp"},
                  {"stage", "prefill or decode (default), which keeps kv_b of latent attention in BF16"}};
  for (ColumnDoc& d : deployment_parameter_docs(Stage::decode)) {
    if (d.name == "ep") d.text = "GPUs that share the routed experts of a layer; default: gpus, else as DeepSeek serves V3: 144, in prefill 32 (dense models: 1)";
    k.parameters.push_back(std::move(d));
  }
  k.label_columns = {{"deployment", "its name"}, {"stage", "what it does"}, {"gpus", "GPUs of the unit"}, {"ep", "GPUs that share the experts"},
                     {"tp", "GPUs that share the heads of attention: a group"}};
  k.columns = {{"experts", "routed experts of a layer on a GPU, copies included"},
               {"routed_experts_GB", "routed experts of all layers"},
               {"shared_experts_GB", "shared experts"},
               {"router_GB", "router, BF16", true},
               {"attention_GB", "projections of attention (decode with latent attention: without kv_b) and its norms"},
               {"absorbed_GB", "kv_b in BF16, as absorbed decoding needs it"},
               {"dense_GB", "dense FFNs"},
               {"vocabulary_GB", "embedding and head, BF16"},
               {"norms_GB", "norms outside attention", true},
               {"mtp_GB", "MTP module without embedding and head"},
               {"weights_GB", "all of these"},
               {"workspace_GB", "activations and communication buffers", true},
               {"usable_GB", "memory that may be used"},
               {"cache_GB", "what is left for the cache"},
               {"cache_token_bytes", "bytes of a token in the cache on this GPU"},
               {"cache_tokens", "tokens that the cache of a group has room for, without windows of attention"},
               {"requests", "requests of `context` tokens that it has room for"},
               {"asked_GB", "cache of the requests that must fit", true},
               {"fits", "whether they do"},
               {"too_much_GB", "what is lacking"}};
  k.read = read_inference_memory;
  return k;
}

}  // namespace weft::scenarios
