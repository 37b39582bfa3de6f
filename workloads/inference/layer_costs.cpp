#include "workloads/inference/layer_costs.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace weft::workloads::inference {
namespace {

using models::InferPhase;
using models::InferShape;

models::PhaseTime phase(const LayerSetup& s, InferPhase p, const InferShape& shape, double sms) {
  return models::phase_time(*s.costs, models::kernels_of(s.model, p, shape), sms, s.constants);
}

/// Pauses between phases beside communication were measured where each phase is launched by itself; a step of decode is launched as a whole.
Seconds pause(const LayerSetup& s) {
  const bool pauses = s.stage() == Stage::prefill && s.micro_batches() > 1 && s.costs->wanted() != models::Fidelity::roofline;
  return pauses ? s.constants.pause.value : Seconds();
}

PassEnds ends(const LayerSetup& s, const MicroBatch& b, Seconds models::PhaseTime::*part) {
  const InferShape q = shape_of(s, b, 1);
  const auto time = [&](InferPhase p) { return phase(s, p, q, 0).*part; };
  PassEnds e;
  if (s.model.dense_layers() > 0 && s.model.moe_layers > 0) {
    e.dense_layer = time(InferPhase::attention_before) + time(InferPhase::attention_after) + time(InferPhase::dense_mlp);
  }
  e.embedding = time(InferPhase::embedding);
  e.head = time(InferPhase::head);
  if (s.model.mtp_modules > 0) e.mtp_projection = time(InferPhase::mtp_projection);
  return e;
}

}  // namespace

MicroBatch micro_batch_of(const LayerSetup& s, const PrefillLoad& whole) {
  const double n = s.micro_batches();
  MicroBatch b;
  b.prefill = {std::ceil(whole.tokens / n), whole.pairs / n, whole.cached / n, whole.prompts / n};
  return b;
}

MicroBatch micro_batch_of(const LayerSetup& s, const DecodeLoad& whole) {
  const double n = s.micro_batches();
  MicroBatch b;
  b.decode = {std::ceil(whole.requests / n), whole.kv_tokens / n};
  if (whole.requests > 0) b.decode.kv_tokens = whole.kv_tokens / whole.requests * b.decode.requests;
  return b;
}

InferShape shape_of(const LayerSetup& s, const MicroBatch& b, double load) {
  const Deployment& d = s.deployment;
  InferShape q;
  q.decode = s.stage() == Stage::decode;
  q.tokens = b.tokens(s);
  q.requests = b.decode.requests;
  q.kv_tokens = b.decode.kv_tokens;
  q.pairs = b.prefill.pairs;
  q.cached = b.prefill.cached;
  q.prompts = b.prefill.prompts;
  q.ep = d.ep, q.tp = d.tp, q.redundant = d.redundant;
  q.load = load;
  q.fp8 = d.fp8;
  q.fp8_cache = d.fp8_cache;
  return q;
}

PieceTimes computing_times(const LayerSetup& s, const MicroBatch& b, double load) {
  const InferShape q = shape_of(s, b, load);
  const double sms = s.sms();
  PieceTimes t;
  const auto add = [&](Piece piece, InferPhase p) {
    const models::PhaseTime one = phase(s, p, q, sms);
    t[piece] += one.total;
    t.memory[static_cast<std::size_t>(piece)] += one.memory;
  };
  const bool decode = s.stage() == Stage::decode, moe = s.model.moe_layers > 0;
  if (decode) {
    add(Piece::attention_before, InferPhase::attention_before);
    add(Piece::attention_after, InferPhase::attention_after);
  } else {
    add(Piece::attention, InferPhase::attention_before);
    add(Piece::attention, InferPhase::attention_after);
    t[Piece::attention] += pause(s);
  }
  add(Piece::experts, moe ? InferPhase::experts : InferPhase::dense_mlp);
  t[Piece::experts] += pause(s);
  if (moe && s.model.shared_inter > 0) {
    add(Piece::shared, InferPhase::shared);
    t[Piece::shared] += pause(s);
  }
  if (decode && s.exchanges()) {
    add(Piece::dispatch_send, InferPhase::dispatch_send);
    add(Piece::dispatch_receive, InferPhase::dispatch_receive);
    add(Piece::combine_send, InferPhase::combine_send);
    add(Piece::combine_receive, InferPhase::combine_receive);
  }
  return t;
}

PassEnds ends_of(const LayerSetup& s, const MicroBatch& b) { return ends(s, b, &models::PhaseTime::total); }
PassEnds ends_in_memory(const LayerSetup& s, const MicroBatch& b) { return ends(s, b, &models::PhaseTime::memory); }

std::vector<std::string> kernel_warnings(const models::CostModel& costs, const std::vector<models::KernelCall>& calls) {
  constexpr std::size_t kFew = 2;
  std::vector<std::string> all, lacking;
  std::size_t beyond = 0;
  for (std::string& w : models::warnings_on(costs, calls)) {
    if (w.find("beyond what was measured") != std::string::npos) ++beyond;
    else (w.starts_with("no calibration") ? lacking : all).push_back(std::move(w));
  }
  if (lacking.size() <= kFew) {
    all.insert(all.end(), lacking.begin(), lacking.end());
  } else {
    all.push_back(fmt::format("no calibration of {} has {} kinds of these kernels: their times are rooflines, lower bounds, and not to be compared with those of a calibrated GPU; "
                              "--cost-model roofline puts all on one footing",
                              costs.gpu().name, lacking.size()));
  }
  if (beyond > 0) all.push_back(fmt::format("{} kinds of kernels have shapes beyond what was measured, where times are less certain", beyond));
  return all;
}

std::vector<models::KernelCall> calls_of(const LayerSetup& s, const MicroBatch& b) {
  std::vector<models::KernelCall> calls;
  const InferShape q = shape_of(s, b, 1);
  for (const InferPhase p : models::infer_phases()) {
    const bool moe = s.model.moe_layers > 0;
    if (!moe && (p == InferPhase::experts || p == InferPhase::shared)) continue;
    if (p == InferPhase::shared && s.model.shared_inter <= 0) continue;
    if (p == InferPhase::dense_mlp && s.model.dense_layers() <= 0) continue;
    if (p == InferPhase::mtp_projection && s.deployment.mtp == 0) continue;
    if (p >= InferPhase::dispatch_send && p <= InferPhase::combine_receive && !(s.exchanges() && q.decode)) continue;
    for (const models::PhaseKernel& k : models::kernels_of(s.model, p, q)) calls.push_back(k.call);
  }
  return calls;
}

}  // namespace weft::workloads::inference
