#include "models/llm/infer_phases.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "models/llm/counts.h"
#include "models/llm/infer_builder.h"
#include "sim/core/error.h"

namespace weft::models {
namespace {

bool whole(double v) { return std::floor(v) == v; }

void check(const Llm& m, const InferShape& q) {
  if (!(q.tokens > 0)) throw UserError("--tokens", fmt::format("expected tokens, got {:g}", q.tokens));
  if (q.tp < 1 || !whole(m.attention.heads / q.tp)) throw UserError("--tp", fmt::format("{:g} GPUs cannot share {:g} heads evenly", q.tp, m.attention.heads));
  if (m.moe_layers > 0 && !whole((m.experts + q.redundant) / q.ep)) {
    throw UserError("--redundant", fmt::format("{:g} experts and {:g} copies do not lie on {:g} GPUs evenly", m.experts, q.redundant, q.ep));
  }
}

}  // namespace

std::string to_text(InferPhase p) {
  switch (p) {
    case InferPhase::attention_before: return "attention_before";
    case InferPhase::attention_after: return "attention_after";
    case InferPhase::shared: return "shared";
    case InferPhase::experts: return "experts";
    case InferPhase::dense_mlp: return "dense_mlp";
    case InferPhase::dispatch_send: return "dispatch_send";
    case InferPhase::dispatch_receive: return "dispatch_receive";
    case InferPhase::combine_send: return "combine_send";
    case InferPhase::combine_receive: return "combine_receive";
    case InferPhase::embedding: return "embedding";
    case InferPhase::head: return "head";
    case InferPhase::mtp_projection: return "mtp_projection";
  }
  WEFT_CHECK(false, "a phase without a name");
}

const std::vector<InferPhase>& infer_phases() {
  static const std::vector<InferPhase> kPhases = [] {
    std::vector<InferPhase> all;
    for (int i = 0; i <= static_cast<int>(InferPhase::mtp_projection); ++i) all.push_back(static_cast<InferPhase>(i));
    return all;
  }();
  return kPhases;
}

std::vector<PhaseKernel> kernels_of(const Llm& m, InferPhase phase, const InferShape& shape) {
  check(m, shape);
  InferBuilder add(m, shape);
  switch (phase) {
    case InferPhase::attention_before: add.attention_before(); break;
    case InferPhase::attention_after: add.attention_after(); break;
    case InferPhase::shared: add.shared(); break;
    case InferPhase::experts: add.experts(); break;
    case InferPhase::dense_mlp: add.dense_mlp(); break;
    case InferPhase::dispatch_send:
    case InferPhase::dispatch_receive:
    case InferPhase::combine_send:
    case InferPhase::combine_receive: add.exchange_end(phase); break;
    case InferPhase::embedding: add.embedding(); break;
    case InferPhase::head: add.head(); break;
    case InferPhase::mtp_projection: add.mtp_projection(); break;
  }
  return add.take();
}

}  // namespace weft::models
