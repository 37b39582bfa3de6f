#include "workloads/inference/layer_times.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace weft::workloads::inference {
namespace {

constexpr double kBlock = 64;   // tokens of the cache that attention takes together (FlashMLA): a step's time changes by whole ones

PassTime sum_of(const LayerSetup& s, const PassEnds& e, Seconds layer, Seconds tensor_sum) {
  const models::Llm& m = s.model;
  const double n = s.micro_batches();
  PassTime t;
  t.layer = layer;
  t.layers = layer * (m.moe_layers > 0 ? m.moe_layers : m.layers);
  t.dense = m.moe_layers > 0 ? (e.dense_layer + tensor_sum) * (n * m.dense_layers()) : Seconds();
  t.ends = (e.embedding + e.head) * n;
  // Prefill fills the module's cache once, however many drafts decode makes with it.
  const double modules = s.stage() == Stage::decode ? s.deployment.mtp : std::min(1U, s.deployment.mtp);
  t.mtp = (layer + (e.mtp_projection + e.head) * n) * modules;
  t.total = t.layers + t.dense + t.ends + t.mtp;
  return t;
}

/// Requests, and blocks of cache of each.
std::pair<double, double> whole_blocks(const DecodeLoad& l) {
  const double requests = std::ceil(l.requests);
  return {requests, std::max(1.0, std::ceil(l.kv_tokens / requests / kBlock))};
}

}  // namespace

PassTime pass_of(const LayerSetup& s, const MicroBatch& b, Seconds layer, Seconds tensor_sum) { return sum_of(s, ends_of(s, b), layer, tensor_sum); }

LayerTimes::LayerTimes(std::shared_ptr<const LayerSetup> setup, const ClusterView& cluster)
    : setup_(std::move(setup)), cluster_(cluster), plan_(setup_->plan()), shares_(shares_of(*setup_, cluster_)) {
  if (setup_->micro_batches() > 1) alone_ = std::make_unique<const LayerTimes>(undivided(*setup_), cluster);
}

const LayerTimes::ExchangeTimes& LayerTimes::played(std::uint32_t tokens) const {
  const auto [at, fresh] = exchanges_.try_emplace(tokens);
  if (!fresh) return at->second;
  ExchangeTimes& t = at->second;
  LayerExchanges e = exchanges_of(*setup_, tokens, shares_, cluster_);
  if (!setup_->communicates) return t;
  if (e.dispatch) t.dispatch = cluster_.play(e.dispatch->program);
  if (e.combine) t.combine = cluster_.play(e.combine->program);
  if (setup_->deployment.tp > 1) {
    const RingSum sum = ring_sum_of(*setup_, tokens);
    StaticProgram ring;
    StaticProgram::TransferOptions options;
    options.kernel = ring.add_kernel(comm_kernel(setup_->tensor));
    options.extra_latency = sum.start_up;
    options.latency_mode = LatencyMode::none;
    ring.add_transfer(sum.bytes, ring_legs(0, sum.gpus, e.per_node), options);
    t.tensor = cluster_.play(ring);
  }
  return t;
}

/// All GPUs send alike, so that time grows in a straight line with bytes between two sizes that are played.
LayerTimes::ExchangeTimes LayerTimes::exchange(double tokens) const {
  const auto whole = static_cast<std::uint32_t>(std::max(1.0, std::ceil(tokens)));
  const std::uint32_t tp = setup_->deployment.tp, low = std::max(tp, std::bit_floor(whole)), high = std::max(tp, std::bit_ceil(whole));
  const ExchangeTimes& a = played(low);
  if (low == high) return a;
  const ExchangeTimes& b = played(high);
  const double part = (std::max(whole, low) - low) / static_cast<double>(high - low);
  return {a.dispatch + (b.dispatch - a.dispatch) * part, a.combine + (b.combine - a.combine) * part, a.tensor + (b.tensor - a.tensor) * part};
}

PieceTimes LayerTimes::pieces(const MicroBatch& b) const {
  PieceTimes t = computing_times(*setup_, b, shares_.most);
  const ExchangeTimes e = exchange(b.tokens(*setup_));
  t[Piece::dispatch] = e.dispatch;
  t[Piece::combine] = e.combine;
  t[Piece::tensor_sum] = e.tensor;
  return t;
}

PassTime LayerTimes::pass(const MicroBatch& b) const {
  const PieceTimes t = pieces(b);
  return pass_of(*setup_, b, period_of(plan_, t), t[Piece::tensor_sum]);
}

Seconds LayerTimes::prefill(const PrefillLoad& slowest) const {
  if (slowest.tokens <= 0) return {};
  const std::array<double, 4> key{slowest.tokens, slowest.pairs, slowest.cached, slowest.prompts};
  if (const auto at = passes_.find(key); at != passes_.end()) return at->second;
  return passes_.emplace(key, pass(micro_batch_of(*setup_, slowest)).total).first->second;
}

Seconds LayerTimes::decode(const DecodeLoad& slowest) const {
  if (slowest.requests <= 0) return {};
  if (slowest.requests <= 1 && alone_) return alone_->decode(slowest);
  const auto [requests, blocks] = whole_blocks(slowest);
  const std::pair key{static_cast<std::uint32_t>(requests), static_cast<std::uint32_t>(blocks)};
  if (const auto at = steps_.find(key); at != steps_.end()) return at->second;
  return steps_.emplace(key, pass(micro_batch_of(*setup_, DecodeLoad{requests, requests * blocks * kBlock})).total).first->second;
}

double LayerTimes::hbm_share(const MicroBatch& b) const {
  const PieceTimes t = pieces(b);
  const Seconds total = pass_of(*setup_, b, period_of(plan_, t), t[Piece::tensor_sum]).total;
  const Seconds memory = sum_of(*setup_, ends_in_memory(*setup_, b), computing_of(plan_, t.in_memory()), {}).total;
  return total.value() > 0 ? memory / total : 0;
}

/// A share changes slowly with the size of a pass: those of up to so many tokens more or less have one.
constexpr double kShareStep = 512;

double LayerTimes::prefill_hbm_share(const PrefillLoad& slowest) const {
  if (slowest.tokens <= 0) return 0;
  const std::pair key(std::llround(std::ceil(slowest.tokens / kShareStep)), std::llround(std::ceil(slowest.cached / kShareStep)));
  const auto [at, fresh] = prefill_shares_.try_emplace(key);
  if (fresh) at->second = hbm_share(micro_batch_of(*setup_, slowest));
  return at->second;
}

double LayerTimes::decode_hbm_share(const DecodeLoad& slowest) const {
  if (slowest.requests <= 0) return 0;
  if (slowest.requests <= 1 && alone_) return alone_->decode_hbm_share(slowest);
  const auto [requests, blocks] = whole_blocks(slowest);
  const auto [at, fresh] = decode_shares_.try_emplace({static_cast<std::uint32_t>(requests), static_cast<std::uint32_t>(blocks)});
  if (fresh) at->second = hbm_share(micro_batch_of(*setup_, DecodeLoad{requests, requests * blocks * kBlock}));
  return at->second;
}

Unit unit_of(const LayerSetup& s, std::uint32_t gpus_per_node) {
  const Deployment& d = s.deployment;
  Unit u;
  u.nodes = (d.gpus + gpus_per_node - 1) / gpus_per_node;
  u.groups = d.groups();
  u.gpus_per_group = d.tp;
  u.kv_tokens = memory_of(s.model, d, s.gpu.memory.value).cache_tokens();
  u.drafts = d.mtp;
  u.kv_per_token = cache_bytes_per_token(s.model, d);
  return u;
}

}  // namespace weft::workloads::inference
