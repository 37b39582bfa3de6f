#include "models/llm/llm.h"

#include <filesystem>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/named_object.h"

namespace weft::models {
namespace {

/// The name of a model whose file is called config.json like all of them: that of its folder.
std::string name_of(const std::string& path, const std::string& stem) {
  if (stem != "config") return stem;
  const std::string folder = std::filesystem::path(path).parent_path().filename().string();
  return folder.empty() || folder == "." || folder == ".." ? stem : folder;
}

}  // namespace

Llm read_llm(JsonReader where, const DataPlaces& data) {
  Llm m;
  auto found = read_named_object(where, data, "models/llms", "a language model");
  if (!found) return m;
  JsonReader& r = found->reader;
  m.name = where.is_string() ? name_of(where.as_string(), found->name) : found->name;
  if (!r.has("config")) {   // Hugging Face's own file: its many keys are not ours to refuse
    m.title = m.name;
    m.source = "given in " + r.file();
    read_hugging_face_config(r, m);
    return m;
  }
  m.title = r.string("title", m.name);
  m.origin = r.has("source") ? Origin::published : Origin::assumed;
  m.source = r.string("source", "given in " + r.file());
  JsonReader config = r.at("config");
  read_hugging_face_config(config, m);
  r.done();
  return m;
}

Llm llm_named(const std::string& name, const DataPlaces& data, const std::string& option) {
  if (std::filesystem::is_directory(name)) {
    throw UserError(option, fmt::format("\"{}\" is a folder", name), "give the config.json in it");
  }
  Problems problems;
  const Json word = name;
  Llm m = read_llm(JsonReader(word, "", problems, option), data);
  problems.throw_if_any();
  return m;
}

std::vector<ConstantUsed> constants_of(const Llm& m) {
  std::vector<ConstantUsed> used;
  const auto add = [&](const char* what, double value) {
    if (value > 0) used.push_back({fmt::format("model {}: {}", m.name, what), fmt::format("{:.0f}", value), m.origin, m.source});
  };
  const LlmAttention& a = m.attention;
  add("layers", m.layers);
  add("of them with experts", m.moe_layers);
  add("hidden", m.hidden);
  add("vocabulary", m.vocab);
  add("heads", a.heads);
  if (!a.latent) add("heads of keys and values", a.kv_heads);
  add("width of a query head", a.d_qk);
  add("width of a value head", a.d_v);
  add("rank of compressed queries", a.q_lora);
  add("width of the latent vector", a.kv_lora);
  add("of a query head with rotary position", a.rope);
  add("inner width of a dense FFN", m.dense_inter);
  add("routed experts", m.experts);
  add("experts of a token", m.topk);
  add("inner width of an expert", m.expert_inter);
  add("inner width of the shared experts", m.shared_inter);
  add("MTP modules", m.mtp_modules);
  return used;
}

}  // namespace weft::models
