// What an Llm counts to: parameters, bytes of its cache, and floating-point operations a token, each by component.
#pragma once

#include <string>
#include <vector>

#include "models/llm/llm.h"
#include "sim/core/units.h"

namespace weft::models {

/// Parameters of one component, summed over the layers that have it.
struct ParameterPart {
  std::string name;      ///< "routed experts"
  std::string what;      ///< "58 layers x 256 experts"
  double total = 0;
  double active = 0;     ///< of them used by one token
};

struct Parameters {
  std::vector<ParameterPart> parts;   ///< of the model without MTP modules; the input embedding comes first
  double mtp_unique = 0;              ///< of the MTP modules beyond what they share with the model
  double mtp_active = 0;              ///< used by one token there, the shared embedding and head included

  double total() const;
  double active_with_embedding() const;
  double active() const;              ///< without the input embedding, which is looked up, not multiplied
};

Parameters parameters(const Llm& m);

// Per layer or per piece.
double attention_parameters(const Llm& m);    ///< with biases and the norms inside attention, without the layer's two norms
double attention_matmul_parameters(const Llm& m);   ///< its matrices alone
double dense_ffn_parameters(const Llm& m);
double expert_parameters(const Llm& m);       ///< of one routed expert
double shared_expert_parameters(const Llm& m);
double router_parameters(const Llm& m);       ///< with its bias
double moe_ffn_parameters(const Llm& m);      ///< of a layer: all experts, shared ones, router
double moe_ffn_active_parameters(const Llm& m);

/// Bytes that a token leaves in the cache over all layers, in BF16. With a window: while the sequence is shorter than it.
Bytes kv_bytes_per_token(const Llm& m);
/// The same in FlashMLA's FP8 format: per layer the latent in FP8 with a FP32 scale every 128, and the rotary key in BF16.
/// Zero for models without latent attention, which that format is not for.
Bytes kv_bytes_per_token_fp8_mla(const Llm& m);

/// Operations of one component for one token (two a multiply-add).
struct FlopsPart {
  std::string name;
  Flops flops;
  bool counted = true;   ///< false: left out of the customary sum (router, MTP modules)
};

Flops sum_of(const std::vector<FlopsPart>& parts, bool with_router = false);

/// Training, forward and backward, per token of sequences of `sequence` tokens: 6 per matmul parameter in use (one head,
/// no input embedding) plus three times the attention. The causal count has half the square of the sequence, as
/// arXiv:2505.09343 Table 2 and 4 need it; router and MTP modules are not counted there.
std::vector<FlopsPart> train_flops(const Llm& m, double sequence, bool causal);

/// Prefill per token of a prompt of `prompt` tokens; the head works once a prompt.
std::vector<FlopsPart> prefill_flops(const Llm& m, double prompt);

/// Decode of one token that sees `context` tokens. `absorbed` (latent attention only): queries meet the latent vectors
/// themselves; otherwise the whole cache is expanded to keys and values in every step.
std::vector<FlopsPart> decode_flops(const Llm& m, double context, bool absorbed = true);

/// Pairs of query and key in one sequence of `sequence` tokens in one layer: half the square when causal.
double attention_pairs(double sequence, bool causal, double window = 0);
/// Operations per pair, all heads: 2 heads (d_qk + d_v); absorbed: 2 heads (2 kv_lora + rope).
Flops flops_per_pair(const Llm& m, bool absorbed = false);
/// Query tokens per cached token above which expanding the cache costs less than absorbing; latent attention only.
double absorption_break_even(const Llm& m);

}  // namespace weft::models
