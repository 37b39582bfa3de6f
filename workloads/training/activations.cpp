#include "workloads/training/activations.h"

namespace weft::workloads::training {
namespace {

using models::Llm;

/// Collects the parts of one layer.
class LayerParts {
 public:
  LayerParts(const Llm& m, const Layout& l) : m_(m), l_(l), a_(m.attention), tokens_(l.tokens_per_micro_batch()) {}

  std::vector<ActivationPart> kept(bool moe) {
    if (l_.recompute == Recompute::full) {
      whole("layer input", m_.hidden, l_.storage.residual);
      return std::move(parts_);
    }
    whole("residuals", 2 * m_.hidden, l_.storage.residual);
    attention();
    if (moe) experts();
    else split("SwiGLU input", 2 * m_.dense_inter, l_.storage.swiglu_input);
    if (l_.recompute == Recompute::none) recomputable(moe);
    return std::move(parts_);
  }

 private:
  void attention() {
    if (a_.latent) whole("latents", a_.q_lora + a_.kv_lora + a_.rope, l_.storage.latent);
    if (!a_.latent) split("queries, keys, values", a_.heads * a_.d_qk + a_.kv_heads * (a_.d_qk + a_.d_v), l_.storage.attention_input);
    else if (a_.q_lora == 0) split("queries", a_.heads * a_.d_qk, l_.storage.attention_input);
    split("attention output", a_.heads * a_.d_v, l_.storage.attention_output);
    split("log-sum-exp", a_.heads, l_.storage.log_sum_exp);
  }

  /// Each tensor-parallel GPU dispatches its part of the tokens, and so receives that part of the rows.
  void experts() {
    split("dispatched tokens", m_.topk * m_.hidden, l_.storage.linear_input);
    split("routed SwiGLU input", m_.topk * 2 * m_.expert_inter, l_.storage.swiglu_input);
    split("shared SwiGLU input", 2 * m_.shared_inter, l_.storage.swiglu_input);
  }

  /// What selective recomputation does without.
  void recomputable(bool moe) {
    whole("norm outputs", 2 * m_.hidden + (a_.latent ? a_.q_lora + a_.kv_lora : 0), l_.storage.linear_input);
    if (a_.latent) split("up-projections", (a_.q_lora > 0 ? a_.heads * a_.d_qk : 0) + a_.heads * (a_.nope + a_.d_v), l_.storage.attention_input);
    if (a_.qk_norm) split("queries and keys before their norms", (a_.heads + a_.kv_heads) * a_.d_qk, l_.storage.attention_input);
    split("SwiGLU output", moe ? m_.topk * m_.expert_inter + m_.shared_inter : m_.dense_inter, l_.storage.linear_input);
  }

  /// `width` elements a token that every tensor-parallel GPU keeps, unless the sequence is spread over them.
  void whole(const char* name, double width, const Sourced<Bytes>& each) { add(name, width / (l_.sequence_parallel ? l_.tp : 1), each); }
  /// `width` elements a token, spread over the tensor-parallel GPUs.
  void split(const char* name, double width, const Sourced<Bytes>& each) { add(name, width / l_.tp, each); }
  void add(const char* name, double width, const Sourced<Bytes>& each) {
    if (width > 0) parts_.push_back({name, each.value * (tokens_ * width)});
  }

  const Llm& m_;
  const Layout& l_;
  const models::LlmAttention& a_;
  double tokens_;
  std::vector<ActivationPart> parts_;
};

}  // namespace

Bytes sum_of(const std::vector<ActivationPart>& parts) {
  Bytes sum;
  for (const ActivationPart& p : parts) sum += p.bytes;
  return sum;
}

std::vector<ActivationPart> layer_activations(const Llm& m, const Layout& l, bool moe) { return LayerParts(m, l).kept(moe); }

Bytes chunk_activations(const Llm& m, const Layout& l, const StageContent& s) {
  const double spread = l.sequence_parallel ? l.tp : 1;
  const Bytes hidden = l.storage.residual.value * (l.tokens_per_micro_batch() * m.hidden / spread);
  Bytes sum;
  if (s.dense_layers > 0) sum += sum_of(layer_activations(m, l, false)) * s.dense_layers;
  if (s.moe_layers > 0) sum += sum_of(layer_activations(m, l, true)) * s.moe_layers;
  if (s.mtp_modules > 0) {
    sum += (sum_of(layer_activations(m, l, m.moe_layers > 0)) + 2 * hidden) * s.mtp_modules;   // hidden state and embedding
    if (l.recompute == Recompute::none) sum += l.storage.linear_input.value * (l.tokens_per_micro_batch() * 2 * m.hidden / spread * s.mtp_modules);
  }
  sum += hidden * s.heads;   // the input of the norm before the head
  if (l.recompute == Recompute::none) sum += hidden * s.heads;   // and its output
  return sum;
}

Bytes logits(const Llm& m, const Layout& l) { return l.storage.logits.value * (l.tokens_per_micro_batch() * m.vocab / l.tp); }

}  // namespace weft::workloads::training
