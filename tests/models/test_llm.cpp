// Reading Hugging Face configs: what is understood, what is filled in and told, what is refused with its place.
#include <doctest/doctest.h>

#include <filesystem>
#include <random>

#include "models/llm/counts.h"
#include "tests/models/llm_support.h"

using namespace weft;
using namespace weft::models;
using test::from_text;
using test::shipped;

namespace {

const char* kLlama = R"({"model_type": "llama", "num_hidden_layers": 32, "hidden_size": 4096, "vocab_size": 128256, "num_attention_heads": 32,
  "num_key_value_heads": 8, "intermediate_size": 14336, "rope_scaling": {"factor": 8.0}, "torch_dtype": "bfloat16"})";

/// A config with some of its keys set, or removed by null.
std::string changed(const std::string& text, const std::string& patch) {
  Json j = parse_json(text, "config.json");
  const Json p = parse_json(patch, "patch");
  for (const auto& [key, value] : p.items()) {
    if (value.is_null()) j.erase(key);
    else j[key] = value;
  }
  return dump_json(j);
}

std::string v3() {
  const Json j = read_json_file(DataPlaces::standard().find("models/llms", "deepseek-v3").string());
  return dump_json(j["config"]);
}

bool tells(const Llm& m, const std::string& what) {
  for (const std::string& n : m.notes) {
    if (n.find(what) != std::string::npos) return true;
  }
  return false;
}

double billions(const std::string& text) { return parameters(from_text(text)).total() / 1e9; }

}  // namespace

TEST_CASE("every shipped model reads, says where it is from, and leaves nothing to a default") {
  const auto names = DataPlaces::standard().names("models/llms");
  CHECK(names.size() >= 4);
  for (const std::string& name : names) {
    CAPTURE(name);
    const Llm m = shipped(name);
    CHECK(m.name == name);
    CHECK(m.source.find("config.json") != std::string::npos);
    CHECK_FALSE(m.title.empty());
    CHECK(m.origin == Origin::published);
    CHECK(constants_of(m).size() >= 8);
    for (const std::string& note : m.notes) FAIL_CHECK(note);
  }
}

TEST_CASE("published sizes of other models follow from their configs") {
  CHECK(billions(kLlama) == doctest::Approx(8.03).epsilon(0.001));   // Llama-3.1-8B: 8.03 B
  CHECK(billions(R"({"model_type": "mixtral", "num_hidden_layers": 32, "hidden_size": 4096, "vocab_size": 32000, "num_attention_heads": 32,
    "num_key_value_heads": 8, "intermediate_size": 14336, "num_local_experts": 8, "num_experts_per_tok": 2, "sliding_window": null})") ==
        doctest::Approx(46.7).epsilon(0.001));                       // Mixtral-8x7B: 46.7 B
  const std::string qwen3 = R"({"model_type": "qwen3_moe", "num_hidden_layers": 94, "hidden_size": 4096, "vocab_size": 151936, "num_attention_heads": 64,
    "num_key_value_heads": 4, "head_dim": 128, "intermediate_size": 12288, "num_experts": 128, "num_experts_per_tok": 8, "moe_intermediate_size": 1536,
    "decoder_sparse_step": 1, "mlp_only_layers": [], "attention_bias": false, "use_sliding_window": false, "tie_word_embeddings": false})";
  CHECK(billions(qwen3) == doctest::Approx(235.1).epsilon(0.001));   // Qwen3-235B-A22B
  CHECK(parameters(from_text(qwen3)).active_with_embedding() / 1e9 == doctest::Approx(22.2).epsilon(0.005));
  CHECK(billions(R"({"model_type": "deepseek_v2", "num_hidden_layers": 27, "hidden_size": 2048, "vocab_size": 102400, "num_attention_heads": 16,
    "q_lora_rank": null, "kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128, "intermediate_size": 10944,
    "first_k_dense_replace": 1, "moe_layer_freq": 1, "n_routed_experts": 64, "n_shared_experts": 2, "num_experts_per_tok": 6, "moe_intermediate_size": 1408})") ==
        doctest::Approx(15.7).epsilon(0.002));                       // DeepSeek-V2-Lite: 15.7 B
  CHECK(billions(R"({"model_type": "qwen3", "num_hidden_layers": 36, "hidden_size": 4096, "vocab_size": 151936, "num_attention_heads": 32,
    "num_key_value_heads": 8, "intermediate_size": 12288})") == doctest::Approx(8.19).epsilon(0.001));   // Qwen3-8B: 8.2 B
}

TEST_CASE("keys with well-defined defaults are filled in, and the notes say so") {
  const Llm m = from_text(changed(kLlama, R"({"num_key_value_heads": null})"));
  CHECK(m.attention.kv_heads == 32);
  CHECK(m.attention.d_qk == 128);
  CHECK_FALSE(m.tied);
  CHECK(tells(m, "num_key_value_heads"));
  CHECK(tells(m, "head_dim"));
  CHECK(tells(m, "tie_word_embeddings"));
  CHECK(from_text(changed(kLlama, R"({"head_dim": 256})")).attention.d_qk == 256);
}

TEST_CASE("without model_type a config is a dense decoder, if nothing in it says otherwise") {
  const Llm m = from_text(changed(kLlama, R"({"model_type": null})"));
  CHECK(parameters(m).total() == parameters(from_text(kLlama)).total());
  CHECK(tells(m, "model_type"));
  CHECK_THROWS_WITH_AS(from_text(changed(v3(), R"({"model_type": null})")), doctest::Contains("/model_type: is due"), UserError);
}

TEST_CASE("a path to any config.json is read as it is, and named after its folder") {
  const auto folder = std::filesystem::temp_directory_path() / ("weft_llms_" + std::to_string(std::random_device()())) / "My-Llama";
  std::filesystem::create_directories(folder);
  const std::string path = (folder / "config.json").string();
  write_file_atomically(path, kLlama);
  const Llm m = llm_named(path, DataPlaces::standard(), "NAME");
  CHECK(m.name == "My-Llama");
  CHECK(m.source == "given in " + path);
  CHECK(m.origin == Origin::assumed);
  CHECK_THROWS_WITH_AS(llm_named(folder.string() + "/", DataPlaces::standard(), "NAME"), doctest::Contains("config.json in it"), UserError);
  write_file_atomically(path, changed(kLlama, R"({"hidden_size": null})"));
  CHECK_THROWS_WITH_AS(llm_named(path, DataPlaces::standard(), "NAME"), doctest::Contains("config.json: /hidden_size"), UserError);
  std::filesystem::remove_all(folder.parent_path());
}

TEST_CASE("an inline model may change a shipped one's config as a whole") {
  const Llm m = from_text(R"({"extends": "deepseek-v3", "title": "small", "config": )" + changed(v3(), R"({"num_hidden_layers": 4})") + "}");
  CHECK(m.layers == 4);
  CHECK(m.moe_layers == 1);
  CHECK(m.title == "small");
}

TEST_CASE("layers with experts are counted as the modelling code does") {
  CHECK(from_text(v3()).moe_layers == 58);
  CHECK(from_text(changed(v3(), R"({"moe_layer_freq": 2})")).moe_layers == 29);   // even ones of 3..60
  const char* qwen = R"({"model_type": "qwen2_moe", "num_hidden_layers": 24, "hidden_size": 2048, "vocab_size": 151936, "num_attention_heads": 16,
    "intermediate_size": 5632, "num_experts": 60, "num_experts_per_tok": 4, "moe_intermediate_size": 1408, "shared_expert_intermediate_size": 5632,
    "decoder_sparse_step": 2, "mlp_only_layers": [1, 2]})";
  CHECK(from_text(qwen).moe_layers == 11);   // 1, 3, ... 23 without 1; 2 has none anyway
}

TEST_CASE("sliding windows: Mistral's by default, Qwen's above a layer, none where the config says null") {
  const std::string mistral = changed(kLlama, R"({"model_type": "mistral"})");
  CHECK(from_text(mistral).attention.window == 4096);
  CHECK(from_text(mistral).attention.window_layers == 32);
  CHECK(from_text(R"({"model_type": "mistral", "sliding_window": null, )" + std::string(kLlama).substr(24)).attention.window == 0);
  const Llm qwen = from_text(changed(kLlama, R"({"model_type": "qwen2", "use_sliding_window": true, "sliding_window": 1024, "max_window_layers": 28})"));
  CHECK(qwen.attention.window_layers == 4);
  // 28 layers see all 8192 tokens, 4 see 1024.
  CHECK(decode_flops(qwen, 8192)[1].flops == flops_per_pair(qwen) * (28.0 * 8192 + 4 * 1024));
}

TEST_CASE("an attention that is not known is refused, and the known ones are told") {
  for (const char* type : {"mamba", "deepseek_v32", "gemma3"}) {
    CHECK_THROWS_WITH_AS(from_text(changed(kLlama, R"({"model_type": ")" + std::string(type) + "\"}")), doctest::Contains("/model_type: how"), UserError);
  }
  CHECK_THROWS_WITH_AS(from_text(R"({"model_type": "mamba"})"), doctest::Contains("qwen3_moe"), UserError);
  CHECK_THROWS_WITH_AS(from_text(R"({"model_type": "kimi_vl", "text_config": {}})"), doctest::Contains("text_config"), UserError);
}

TEST_CASE("missing and contradicting keys are told with their place") {
  const auto refused = [](const std::string& text, const char* told) {
    CAPTURE(text);
    CHECK_THROWS_WITH_AS(from_text(text), doctest::Contains(told), UserError);
  };
  for (const char* key : {"num_hidden_layers", "hidden_size", "vocab_size", "num_attention_heads", "intermediate_size"}) {
    refused(changed(kLlama, "{\"" + std::string(key) + "\": null}"), key);
  }
  for (const char* key : {"kv_lora_rank", "qk_nope_head_dim", "v_head_dim", "num_experts_per_tok", "moe_intermediate_size"}) {
    refused(changed(v3(), "{\"" + std::string(key) + "\": null}"), key);
  }
  refused(changed(kLlama, R"({"num_key_value_heads": 5})"), "/num_key_value_heads: 5 does not divide");
  refused(changed(kLlama, R"({"num_attention_heads": 24, "num_key_value_heads": 8})"), "/num_attention_heads: 24 does not divide hidden_size");
  refused(changed(kLlama, R"({"num_hidden_layers": -1})"), "/num_hidden_layers");
  refused(changed(kLlama, R"({"hidden_size": "4096"})"), "/hidden_size");
  refused(changed(kLlama, R"({"hidden_size": 1e30})"), "/hidden_size");
  refused(changed(v3(), R"({"num_experts_per_tok": 300})"), "/num_experts_per_tok: a token uses 300 experts, and there are 256");
  refused(changed(v3(), R"({"first_k_dense_replace": 62})"), "/first_k_dense_replace");
  refused(changed(v3(), R"({"n_group": 7})"), "/n_group");
  refused(changed(v3(), R"({"topk_group": 9})"), "/topk_group");
  refused(changed(v3(), R"({"qk_head_dim": 128})"), "/qk_head_dim: contradicts");
  refused(changed(v3(), R"({"moe_layer_freq": 0})"), "/moe_layer_freq");
  refused(changed(kLlama, R"({"num_hidden_layers": 10000000, "hidden_size": 10000000, "num_attention_heads": 16})"), "more than 9e15 parameters");
  refused(R"({"title": "t", "config": 3})", "/config");
  refused("[]", "language model");
  CHECK_THROWS_WITH_AS(llm_named("deepseek-v4", DataPlaces::standard(), "NAME"), doctest::Contains("deepseek-v3"), UserError);
}
