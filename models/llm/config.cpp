// Reading Hugging Face's config.json: one row per model type says how its keys are to be understood.
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "models/llm/counts.h"

namespace weft::models {
namespace {

enum class Experts { none, deepseek, qwen, mixtral };
enum class Bias { never, qkv, by_key };        // by_key: "attention_bias" covers q, k, v and o
enum class Window { never, mistral, qwen };

struct Type {
  const char* name;
  bool latent = false;
  Experts experts = Experts::none;
  Bias bias = Bias::never;
  Window window = Window::never;
  bool qk_norm = false;
  bool ffn_bias = false;                       // "mlp_bias" counts
  double head_dim = 0;                         // where the key is left out; 0: hidden / heads
};

// As the modelling code of Hugging Face transformers has them.
constexpr std::array<Type, 11> kTypes{{
    {"deepseek_v2", true, Experts::deepseek, Bias::by_key},
    {"deepseek_v3", true, Experts::deepseek, Bias::by_key},
    {"kimi_k2", true, Experts::deepseek, Bias::by_key},
    {"llama", false, Experts::none, Bias::by_key, Window::never, false, true},
    {"mistral", false, Experts::none, Bias::never, Window::mistral},
    {"mixtral", false, Experts::mixtral, Bias::never, Window::mistral},
    {"qwen2", false, Experts::none, Bias::qkv, Window::qwen},
    {"qwen2_moe", false, Experts::qwen, Bias::qkv, Window::qwen},
    {"qwen3", false, Experts::none, Bias::by_key, Window::qwen, true, false, 128},
    {"qwen3_moe", false, Experts::qwen, Bias::by_key, Window::qwen, true, false, 128},
    {"", false, Experts::none, Bias::by_key, Window::never, false, true},   // no model_type: a dense decoder with Llama's keys
}};

constexpr double kMostParameters = 9e15;       // up to 2^53 counts are exact
constexpr std::int64_t kLargest = 10'000'000;  // of a width or count: above, a key was mistaken

/// Letters to add, drop or change to make one word of the other.
std::size_t letters_apart(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t corner = row[0]++;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, corner + (a[i - 1] == b[j - 1] ? 0 : 1)});
      corner = above;
    }
  }
  return row[b.size()];
}

/// The keys of one config, with defaults told in the model's notes.
class Keys {
 public:
  Keys(JsonReader& config, Llm& m) : r_(config), m_(m) {}

  bool given(const char* key) { return r_.has(key) && !r_.at(key).value().is_null(); }

  double due(const char* key) { return static_cast<double>(r_.integer(key, 1, kLargest)); }

  double number(const char* key, double fallback, const std::string& why, std::int64_t least = 0) {
    if (given(key)) return static_cast<double>(r_.integer(key, least, kLargest));
    refuse_near_miss(key);
    m_.notes.push_back(fmt::format("\"{}\" is not given: {:.0f}, {}", key, fallback, why));
    return fallback;
  }

  /// Every how many layers; 1 where it is not given, and where it was refused.
  std::int64_t step(const char* key, const std::string& why) { return std::max<std::int64_t>(1, static_cast<std::int64_t>(number(key, 1, why, 1))); }

  /// A key that is missing while another is it but for a letter or two has been misspelt: the default would be silently wrong.
  void refuse_near_miss(const std::string& key) {
    for (const auto& [name, value] : r_.value().items()) {
      if (letters_apart(name, key) > 2) continue;
      r_.fail_at(name, fmt::format("\"{}\" is no key that weft knows, and \"{}\" is not given", name, key), fmt::format("did you mean \"{}\"?", key));
    }
  }

  bool flag(const char* key, bool fallback, const std::string& why) {
    if (given(key)) return r_.boolean_or(key, fallback);
    m_.notes.push_back(fmt::format("\"{}\" is not given: {}, {}", key, fallback, why));
    return fallback;
  }

  void fail(const char* key, const std::string& message, const std::string& hint = {}) { r_.fail_at(key, message, hint); }
  JsonReader& reader() { return r_; }
  bool sound() const { return r_.problems().empty(); }

 private:
  JsonReader& r_;
  Llm& m_;
};

constexpr const char* kDefault = "the default of its model type";

void read_latent(Keys& k, Llm& m) {
  LlmAttention& a = m.attention;
  a.latent = true;
  a.kv_lora = k.due("kv_lora_rank");
  a.nope = k.due("qk_nope_head_dim");
  a.rope = k.due("qk_rope_head_dim");
  a.d_v = k.due("v_head_dim");
  a.d_qk = a.nope + a.rope;
  a.kv_heads = a.heads;
  if (k.given("q_lora_rank")) {
    a.q_lora = k.due("q_lora_rank");
  } else {
    m.notes.push_back("\"q_lora_rank\" is not given: queries are projected without compression");
  }
  if (k.given("qk_head_dim") && k.due("qk_head_dim") != a.d_qk) {
    k.fail("qk_head_dim", fmt::format("contradicts qk_nope_head_dim + qk_rope_head_dim = {:.0f}", a.d_qk));
  }
}

void read_grouped(Keys& k, Llm& m, const Type& type) {
  LlmAttention& a = m.attention;
  a.kv_heads = k.number("num_key_value_heads", a.heads, "as many as attention heads (MHA)", 1);
  if (k.sound() && std::fmod(a.heads, a.kv_heads) != 0) {
    k.fail("num_key_value_heads", fmt::format("{:.0f} does not divide the {:.0f} attention heads", a.kv_heads, a.heads),
           "each pair of keys and values serves the same number of heads");
  }
  if (k.given("head_dim")) {
    a.d_qk = k.due("head_dim");
  } else if (type.head_dim > 0) {
    a.d_qk = k.number("head_dim", type.head_dim, kDefault);
  } else {
    if (k.sound() && std::fmod(m.hidden, a.heads) != 0) {
      k.fail("num_attention_heads", fmt::format("{:.0f} does not divide hidden_size = {:.0f}", a.heads, m.hidden), "then head_dim has to be given");
    }
    a.d_qk = k.number("head_dim", a.heads > 0 ? m.hidden / a.heads : 0, "hidden_size / num_attention_heads");
  }
  a.d_v = a.d_qk;
}

void read_window(Keys& k, Llm& m, Window how) {
  LlmAttention& a = m.attention;
  if (how == Window::mistral) {   // null says that there is none; Mistral's default is one
    const bool left_out = m.model_type == "mistral" && !k.reader().has("sliding_window");
    if (left_out) a.window = k.number("sliding_window", 4096, kDefault);
    else if (k.given("sliding_window")) a.window = k.due("sliding_window");
    a.window_layers = a.window > 0 ? m.layers : 0;
  } else if (how == Window::qwen && k.given("use_sliding_window") && k.flag("use_sliding_window", false, "")) {
    a.window = k.due("sliding_window");
    a.window_layers = std::max(0.0, m.layers - k.number("max_window_layers", 28, kDefault));
  }
  if (a.window > 0) m.notes.push_back(fmt::format("{:.0f} layers attend to {:.0f} tokens at most", a.window_layers, a.window));
}

/// Counts layers i of `layers` that hold experts.
template <class Holds>
double count_layers(double layers, Holds holds) {
  double n = 0;
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(layers); ++i) n += holds(i) ? 1 : 0;
  return n;
}

void read_deepseek_experts(Keys& k, Llm& m) {
  if (!k.given("n_routed_experts")) {
    m.notes.push_back("\"n_routed_experts\" is not given: all layers are dense");
    return;
  }
  m.experts = k.due("n_routed_experts");
  m.topk = k.due("num_experts_per_tok");
  m.expert_inter = k.due("moe_intermediate_size");
  m.shared_inter = k.number("n_shared_experts", 0, "no shared expert") * m.expert_inter;
  const auto first = static_cast<std::int64_t>(k.number("first_k_dense_replace", 0, "experts from the first layer on"));
  const std::int64_t every = k.step("moe_layer_freq", "experts in every further layer");
  if (k.sound() && first > static_cast<std::int64_t>(m.layers)) {
    k.fail("first_k_dense_replace", fmt::format("{} dense layers of {:.0f} in all", first, m.layers));
  }
  m.moe_layers = count_layers(m.layers, [&](std::int64_t i) { return i >= first && i % every == 0; });
  m.expert_groups = k.number("n_group", 1, "experts are not grouped", 1);
  m.topk_groups = k.number("topk_group", m.expert_groups, "all groups", 1);
  if (k.sound() && std::fmod(m.experts, m.expert_groups) != 0) {
    k.fail("n_group", fmt::format("{:.0f} groups do not divide {:.0f} experts", m.expert_groups, m.experts));
  }
  if (k.sound() && m.topk_groups > m.expert_groups) k.fail("topk_group", fmt::format("{:.0f} of {:.0f} groups", m.topk_groups, m.expert_groups));
  m.router_bias = k.given("topk_method") && k.reader().string("topk_method") == "noaux_tc";
}

void read_qwen_experts(Keys& k, Llm& m) {
  m.experts = k.due("num_experts");
  m.topk = k.due("num_experts_per_tok");
  m.expert_inter = k.due("moe_intermediate_size");
  if (m.model_type == "qwen2_moe") {
    m.shared_inter = k.due("shared_expert_intermediate_size");
    m.shared_gate = true;
  }
  const std::int64_t every = k.step("decoder_sparse_step", "experts in every layer");
  std::vector<std::int64_t> dense;
  if (k.given("mlp_only_layers")) {
    JsonReader list = k.reader().at("mlp_only_layers");
    if (!list.is_array()) list.fail("expected a list of layers without experts");
    for (const JsonReader& item : list.items()) dense.push_back(item.as_integer(0, kLargest));
  }
  m.moe_layers = count_layers(m.layers, [&](std::int64_t i) {
    return (i + 1) % every == 0 && std::find(dense.begin(), dense.end(), i) == dense.end();
  });
}

void read_experts(Keys& k, Llm& m, Experts how) {
  if (how == Experts::deepseek) read_deepseek_experts(k, m);
  if (how == Experts::qwen) read_qwen_experts(k, m);
  if (how == Experts::mixtral) {
    m.experts = k.due("num_local_experts");
    m.topk = k.due("num_experts_per_tok");
    m.expert_inter = k.due("intermediate_size");
    m.moe_layers = m.layers;
  }
  if (k.sound() && m.topk > m.experts) {
    k.fail("num_experts_per_tok", fmt::format("a token uses {:.0f} experts, and there are {:.0f}", m.topk, m.experts));
  }
}

/// The row for this model_type; nothing when a problem was recorded.
std::optional<Type> type_of(JsonReader& config) {
  const std::string name = config.has("model_type") && !config.at("model_type").value().is_null() ? config.string("model_type") : "";
  if (name.empty()) {
    for (const char* key : {"kv_lora_rank", "n_routed_experts", "num_experts", "num_local_experts"}) {
      if (!config.has(key)) continue;
      config.fail_at("model_type", fmt::format("is due where \"{}\" is given", key), "without it a config is read as a dense decoder with Llama's keys");
      return std::nullopt;
    }
  }
  for (const Type& t : kTypes) {
    if (t.name == name) return t;
  }
  const std::vector<std::string> known = known_model_types();
  config.fail_at("model_type", fmt::format("how \"{}\" attends is not known", name),
                 config.has("text_config") ? "the language model's config is under \"text_config\": give that as a file of its own" : unknown_name_hint(name, known));
  return std::nullopt;
}

}  // namespace

std::vector<std::string> known_model_types() {
  std::vector<std::string> names;
  for (const Type& t : kTypes) {
    if (*t.name != '\0') names.emplace_back(t.name);
  }
  return names;
}

void read_hugging_face_config(JsonReader& config, Llm& m) {
  if (!config.expect_object("a Hugging Face config")) return;
  const auto type = type_of(config);
  if (!type) return;
  m.model_type = type->name;
  if (m.model_type.empty()) m.notes.push_back("\"model_type\" is not given: read as a dense decoder with Llama's keys (grouped attention, gated FFN)");
  Keys k(config, m);
  m.layers = k.due("num_hidden_layers");
  m.hidden = k.due("hidden_size");
  m.vocab = k.due("vocab_size");
  m.tied = k.flag("tie_word_embeddings", false, "a head of its own");
  m.attention.heads = k.due("num_attention_heads");
  if (type->latent) read_latent(k, m);
  else read_grouped(k, m, *type);
  m.attention.qkv_bias = type->bias == Bias::qkv || (type->bias == Bias::by_key && k.flag("attention_bias", false, kDefault));
  m.attention.o_bias = type->bias == Bias::by_key && m.attention.qkv_bias;
  m.attention.qk_norm = type->qk_norm;
  if (k.given("max_position_embeddings")) m.context = k.due("max_position_embeddings");
  read_window(k, m, type->window);
  read_experts(k, m, type->experts);
  if (m.dense_layers() > 0) m.dense_inter = k.due("intermediate_size");
  m.ffn_bias = type->ffn_bias && k.flag("mlp_bias", false, kDefault);
  if (k.given("num_nextn_predict_layers")) m.mtp_modules = static_cast<double>(config.integer("num_nextn_predict_layers", 0, 64));
  if (auto q = config.maybe("quantization_config"); q && q->is_object()) m.fp8 = q->string("quant_method", "") == "fp8";
  if (k.sound() && parameters(m).total() > kMostParameters) config.fail("these sizes give more than 9e15 parameters", "one of them was mistaken");
}

}  // namespace weft::models
