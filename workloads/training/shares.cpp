#include "workloads/training/shares.h"

#include "models/llm/counts.h"

namespace weft::workloads::training {
namespace {

using models::Llm;

/// MLA's projections to the latent vectors, which every tensor-parallel GPU holds: all its heads need them.
double down_projections(const Llm& m) {
  const models::LlmAttention& a = m.attention;
  return a.latent ? m.hidden * (a.q_lora + a.kv_lora + a.rope) : 0;
}

/// Of one MTP module beside its layer: the projection of [hidden; embedding] and three norms.
double mtp_projection(const Llm& m) {
  const bool moe = m.moe_layers > 0;
  const double layer = models::attention_parameters(m) + 2 * m.hidden + (moe ? models::moe_ffn_parameters(m) : models::dense_ffn_parameters(m));
  return models::parameters(m).mtp_unique / m.mtp_modules - layer;
}

ParameterShare times(ParameterShare p, double n) {
  return {p.experts * n, p.matrices * n, p.vocabulary * n, p.rest * n};
}

/// Gradient bytes of `parameters` over `copies`, `mirrors` of which are on other pipeline ranks.
GroupSync sync_group(const Layout& l, double parameters, double weight_bytes, double copies) {
  GroupSync g;
  g.copies = copies;
  const double passes = l.micro_batches / static_cast<double>(l.mirrors());   // micro-batches that meet a stage on this rank
  const double part = (copies - 1) / copies;
  const double gradients = parameters * bytes_of(l.gradients);
  g.reduce_scatter = Bytes(gradients * part * (l.zero >= 2 ? passes : 1));
  if (l.zero == 0) {
    g.all_gather = Bytes(gradients * part);
    return g;
  }
  const double mirrors = l.shard_over_mirrors ? 1 : l.mirrors();
  const double shards = copies / mirrors;
  g.all_gather = Bytes(weight_bytes * (shards - 1) / shards * (l.zero == 3 ? 2 * passes : 1));
  g.all_gather += Bytes(gradients / shards * (mirrors - 1) / mirrors * (l.zero >= 2 ? passes : 1));
  return g;
}

}  // namespace

ParameterShare& ParameterShare::operator+=(const ParameterShare& o) {
  experts += o.experts, matrices += o.matrices, vocabulary += o.vocabulary, rest += o.rest;
  return *this;
}

ParameterShare layer_share(const Llm& m, const Layout& l, bool moe) {
  ParameterShare p;
  const double tp = l.tp, projections = models::attention_matmul_parameters(m), down = down_projections(m);
  p.matrices = (projections - down) / tp + down;
  p.rest = models::attention_parameters(m) - projections + 2 * m.hidden;
  if (!moe) {
    p.matrices += models::dense_ffn_parameters(m) / tp;
    return p;
  }
  p.experts = m.experts / l.ep * models::expert_parameters(m);
  p.matrices += models::shared_expert_parameters(m) / tp;
  p.rest += models::router_parameters(m);
  return p;
}

ParameterShare stage_share(const Llm& m, const Layout& l, const StageContent& s) {
  ParameterShare p;
  if (s.dense_layers > 0) p += times(layer_share(m, l, false), s.dense_layers);
  if (s.moe_layers > 0) p += times(layer_share(m, l, true), s.moe_layers);
  if (s.mtp_modules > 0) {
    p += times(layer_share(m, l, m.moe_layers > 0), s.mtp_modules);
    p.matrices += s.mtp_modules * mtp_projection(m) / l.tp;
  }
  return p;
}

ParameterShare rank_share(const Llm& m, const Layout& l, std::uint32_t rank) {
  ParameterShare p;
  bool embedding = false, head = false, model_head = false;
  for (const std::uint32_t s : l.stages_of_rank.at(rank)) {
    const StageContent& c = l.stages.at(s);
    p += stage_share(m, l, c);
    embedding = embedding || c.embedding || c.mtp_modules > 0 || (m.tied && c.heads > 0);
    head = head || c.heads > 0;
    model_head = model_head || c.heads > c.mtp_modules;   // a module's own norm before the head counts with the module
  }
  const double matrices = (embedding ? 1 : 0) + (head && !m.tied ? 1 : 0);
  p.vocabulary += matrices * m.vocab * m.hidden / l.tp;
  if (model_head) p.rest += m.hidden;   // the norm before it
  return p;
}

Bytes weight_bytes(const Layout& l, const ParameterShare& p) {
  const double bf16 = bytes_of(Format::bf16);
  if (l.weights != Format::fp8) return Bytes(p.total() * bytes_of(l.weights));
  const double fp8 = bytes_of(Format::fp8) + bytes_of(Format::fp32) / (128 * 128);
  return Bytes((p.experts + p.matrices) * fp8 + (p.vocabulary + p.rest) * bf16);
}

double expert_copies(const Layout& l) { return static_cast<double>(l.mirrors()) * l.ep_groups(); }
double other_copies(const Layout& l) { return static_cast<double>(l.mirrors()) * l.dp; }

GradientSync sync_of(const Llm& m, const Layout& l, std::uint32_t rank) {
  const ParameterShare p = rank_share(m, l, rank);
  ParameterShare experts, others = p;
  experts.experts = p.experts;
  others.experts = 0;
  return {sync_group(l, experts.total(), weight_bytes(l, experts).value(), expert_copies(l)),
          sync_group(l, others.total(), weight_bytes(l, others).value(), other_copies(l))};
}

}  // namespace weft::workloads::training
