// An Llm: the sizes of a decoder-only language model that its costs follow from, read from a Hugging Face config.json.
#pragma once

#include <string>
#include <vector>

#include "sim/core/files.h"
#include "sim/core/json.h"
#include "sim/core/provenance.h"

namespace weft::models {

/// How a layer attends. Latent (MLA): a cache of one latent vector and one rotary key a token for all heads. Otherwise grouped:
/// `kv_heads` pairs of keys and values (as many as heads: MHA; one: MQA).
struct LlmAttention {
  bool latent = false;
  double heads = 0;
  double kv_heads = 0;      ///< as many as `heads` for latent attention, whose keys and values are expanded per head
  double d_qk = 0;          ///< per head: width of queries and keys (latent: nope + rope)
  double d_v = 0;           ///< per head: width of values
  double q_lora = 0;        ///< latent: rank of the queries' compression; 0: none
  double kv_lora = 0;       ///< latent: width of the latent vector in the cache
  double nope = 0, rope = 0;  ///< latent: per head without and with rotary position
  bool qkv_bias = false, o_bias = false;
  bool qk_norm = false;     ///< RMSNorm over each head's query and key
  double window = 0;        ///< a token attends to this many tokens at most; 0: to all
  double window_layers = 0; ///< layers with that window
};

/// Sizes of a model. Whole numbers, held as doubles because products of them are what is asked for (exact below 2^53).
struct Llm {
  std::string name;         ///< "deepseek-v3"
  std::string title, source;
  Origin origin = Origin::assumed;   ///< published when the file says where it is from
  std::string model_type;   ///< as config.json says: "deepseek_v3"
  double hidden = 0, vocab = 0;
  double layers = 0;        ///< decoder layers without MTP modules
  double moe_layers = 0;    ///< of them with experts
  bool tied = false;        ///< the head is the input embedding
  LlmAttention attention;
  double dense_inter = 0;   ///< inner width of a dense FFN (gated: three matrices); 0: no layer has one
  bool ffn_bias = false;
  double experts = 0;       ///< routed experts of an MoE layer
  double topk = 0;          ///< of them used by a token
  double expert_inter = 0;
  double shared_inter = 0;  ///< inner width of all shared experts together; 0: none
  bool shared_gate = false; ///< the shared expert's output is scaled by a learned gate
  bool router_bias = false; ///< a bias per expert for balance
  double expert_groups = 1, topk_groups = 1;
  double context = 0;       ///< most tokens of a sequence (max_position_embeddings); 0: not said
  double mtp_modules = 0;   ///< multi-token-prediction modules, each one more layer with a projection from 2 x hidden
  bool fp8 = false;         ///< weights are published in FP8 with block scales
  std::vector<std::string> notes;   ///< what config.json left to its defaults, in words

  double dense_layers() const { return layers - moe_layers; }
};

/// By name from models/llms, by path (a file of ours, or any config.json of Hugging Face), or an inline object.
/// Missing or contradicting keys, and a model_type whose attention is not known, are problems with their place.
Llm read_llm(JsonReader where, const DataPlaces& data);
/// A named model or a path; throws UserError (place `option`) with the known names.
Llm llm_named(const std::string& name, const DataPlaces& data, const std::string& option);
/// The sizes as constants, those that the model has.
std::vector<ConstantUsed> constants_of(const Llm& m);
/// The model types that are understood, sorted.
std::vector<std::string> known_model_types();

/// Reads the keys of a Hugging Face config into `m`; problems are recorded. Of read_llm, for inline use.
void read_hugging_face_config(JsonReader& config, Llm& m);

}  // namespace weft::models
