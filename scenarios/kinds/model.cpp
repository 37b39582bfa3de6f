// What language models count to: parameters, bytes of cache and operations a token.
#include <nlohmann/json.hpp>

#include "models/llm/counts.h"
#include "scenarios/analysis_kind.h"

namespace weft::scenarios {
namespace {

class ModelAnalysis final : public Analysis {
 public:
  ModelAnalysis(std::vector<models::Llm> models, std::int64_t sequence, std::int64_t context)
      : models_(std::move(models)), sequence_(sequence), context_(context) {}

  std::vector<Row> rows(const Cluster&) const override {
    std::vector<Row> rows;
    for (const models::Llm& m : models_) rows.push_back(row_of(m));
    return rows;
  }

  std::vector<std::string> notes(const Cluster&) const override {
    std::vector<std::string> notes;
    for (const models::Llm& m : models_) {
      for (const std::string& n : m.notes) notes.push_back("model " + m.name + ": " + n);
    }
    return notes;
  }

  std::vector<ConstantUsed> constants(const Cluster&) const override {
    std::vector<ConstantUsed> all;
    for (const models::Llm& m : models_) {
      for (ConstantUsed& c : models::constants_of(m)) all.push_back(std::move(c));
    }
    return all;
  }

  Json resolved() const override {
    Json names = Json::array();
    for (const models::Llm& m : models_) names.push_back(m.name);
    return {{"models", std::move(names)}, {"sequence", sequence_}, {"context", context_}};
  }

 private:
  Row row_of(const models::Llm& m) const {
    const models::Parameters p = models::parameters(m);
    const auto sequence = static_cast<double>(sequence_), context = static_cast<double>(context_);
    const auto causal = models::train_flops(m, sequence, true);
    const auto giga = [](const std::vector<models::FlopsPart>& parts) { return models::sum_of(parts).value() / 1e9; };
    Row r;
    r.set("model", m.name).set("params_B", p.total() / 1e9).set("active_params_B", p.active() / 1e9);
    r.set("active_params_with_embedding_B", p.active_with_embedding() / 1e9);
    if (p.mtp_unique > 0) r.set("mtp_params_B", p.mtp_unique / 1e9).set("mtp_active_params_B", p.mtp_active / 1e9);
    r.set("kv_bytes_per_token", static_cast<std::int64_t>(models::kv_bytes_per_token(m).value()));
    if (m.attention.latent) r.set("kv_fp8_bytes_per_token", models::kv_bytes_per_token_fp8_mla(m).value());
    r.set("train_GFLOP_per_token_causal", giga(causal));
    r.set("train_GFLOP_per_token", giga(models::train_flops(m, sequence, false)));
    if (m.moe_layers > 0) r.set("train_GFLOP_per_token_causal_with_router", models::sum_of(causal, true).value() / 1e9);
    r.set("prefill_GFLOP_per_token", giga(models::prefill_flops(m, sequence)));
    r.set("decode_GFLOP_per_token", giga(models::decode_flops(m, context)));
    return r;
  }

  std::vector<models::Llm> models_;
  std::int64_t sequence_, context_;
};

std::vector<models::Llm> read_models(JsonReader where, const DataPlaces& data) {
  std::vector<models::Llm> out;
  if (!where.is_array()) {
    out.push_back(models::read_llm(where, data));
    return out;
  }
  if (where.items().empty()) where.fail("expected at least one model");
  std::vector<std::string> names;
  for (const JsonReader& r : where.items()) {
    out.push_back(models::read_llm(r, data));
    for (const std::string& n : names) {
      if (n == out.back().name) r.fail("a model \"" + n + "\" stands here already", "give an inline model a \"name\" of its own");
    }
    names.push_back(out.back().name);
  }
  return out;
}

}  // namespace

AnalysisKind analysis_model() {
  AnalysisKind k;
  k.name = "model";
  k.title = "Parameters, cache and operations of language models";
  k.summary = "Counts what follows from a model's config.json alone; the cluster does not matter. Operations to train a token are 6 per matmul "
              "parameter in use (one head, no input embedding, no router, no MTP module) and three times the attention, which the causal "
              "count takes over half the square of the sequence.";
  k.uses_cluster = false;
  k.found_by = "counts from a config.json";
  k.parameters = {{"models", "a name (weft list models), a path to a config.json, an object, or a list of these"},
                  {"sequence", "tokens of a sequence in training, and of a prompt in prefill"},
                  {"context", "tokens that a decoded token sees"}};
  k.label_columns = {{"model", "the model"}};
  k.columns = {{"params_B", "parameters without MTP modules, billions (10^9)"},
               {"active_params_B", "parameters that one token is multiplied with: head, no input embedding, billions"},
               {"active_params_with_embedding_B", "the same and the input embedding, billions", true},
               {"mtp_params_B", "parameters of the MTP modules that they do not share with the model, billions", true},
               {"mtp_active_params_B", "parameters that one token uses there, the shared embedding and head included, billions", true},
               {"kv_bytes_per_token", "bytes of a token in the cache, all layers, BF16"},
               {"kv_fp8_bytes_per_token", "the same in FlashMLA's FP8 format (latent attention only)", true},
               {"train_GFLOP_per_token_causal", "operations to train a token, forward and backward, causal attention"},
               {"train_GFLOP_per_token", "the same with attention counted over the whole square"},
               {"train_GFLOP_per_token_causal_with_router", "the causal count and the router's products", true},
               {"prefill_GFLOP_per_token", "operations a prompt token; the head works once a prompt"},
               {"decode_GFLOP_per_token", "operations to decode one token, absorbed where attention is latent"}};
  k.read = [](JsonReader& where, const AnalysisContext& given) {
    auto models = read_models(where.at("models"), given.data);
    const std::int64_t sequence = where.integer_or("sequence", 4096, 1, 1'000'000'000);
    const std::int64_t context = where.integer_or("context", 4096, 1, 1'000'000'000);
    return std::make_unique<ModelAnalysis>(std::move(models), sequence, context);
  };
  return k;
}

}  // namespace weft::scenarios
