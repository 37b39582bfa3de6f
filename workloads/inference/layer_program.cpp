#include "workloads/inference/layer_program.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "workloads/basic_workload.h"
#include "workloads/moe/moe_parameters.h"
#include "workloads/moe/routing_from_shares.h"

namespace weft::workloads::inference {
namespace {

/// Takes an exchange's transfers apart again.
class Copier final : public Sink {
 public:
  void transfer(const Transfer& t, std::span<const OpId>) override {
    bytes = t.bytes;
    legs.assign(t.legs.begin(), t.legs.end());
    options = {KernelId(), t.extra_latency, t.latency_mode, t.weight, t.rate_cap, t.flow_key};
  }
  void compute(const Compute&, std::span<const OpId>) override {}
  void marker(OpId, Seconds, std::span<const OpId>) override {}

  Bytes bytes;
  std::vector<Leg> legs;
  StaticProgram::TransferOptions options;
};

}  // namespace

ExpertShares shares_of(const LayerSetup& s, const ClusterView& cluster) {
  ExpertShares out;
  if (!s.exchanges() || (s.balance.fixed && *s.balance.fixed == 1)) return out;
  require_gpus(cluster, s.deployment.ep, "/ep");
  const std::uint32_t per_node = std::min(s.deployment.ep, cluster.placement.gpus_per_node());
  const moe::BalanceResult b = moe::balance_of(s.balance, s.deployment.ep, per_node, s.deployment.redundant, static_cast<std::uint32_t>(s.model.moe_layers), s.seed);
  out.of = b.shares;
  out.most = *std::max_element(b.shares.begin(), b.shares.end());
  out.groups_stay = b.groups_stay || s.balance.fixed.has_value();
  return out;
}

LayerExchanges exchanges_of(const LayerSetup& s, double tokens, const ExpertShares& shares, const ClusterView& cluster) {
  LayerExchanges out;
  out.ranks = std::max(s.deployment.ep, s.deployment.tp);
  out.per_node = std::min(out.ranks, cluster.placement.gpus_per_node());
  require_gpus(cluster, out.ranks, s.exchanges() ? "/ep" : "/tp");
  require_gpus(cluster, s.deployment.gpus, "/gpus");
  if (s.deployment.tp > out.per_node || out.per_node % s.deployment.tp != 0) {
    throw UserError("/tp", fmt::format("{} GPUs that share heads do not share nodes of {} evenly", s.deployment.tp, out.per_node));
  }
  if (!s.exchanges()) return out;
  moe::Group group;
  group.ranks = out.ranks, group.per_node = out.per_node;
  group.tokens = static_cast<std::uint32_t>(std::max(1.0, std::ceil(tokens / s.deployment.tp)));
  if (shares.of.empty()) {
    out.routing = moe::expected_routing(s.gate, group, s.seed);
  } else {
    moe::Gate gate = s.gate;
    if (!shares.groups_stay) gate.rule = moe::GateRule::unrestricted, gate.groups = gate.chosen_groups = 1;
    out.routing = moe::routing_from_shares(gate, group, shares.of, s.seed);
  }
  std::optional<Rails> rails;
  if (group.nodes() > 1) rails.emplace(cluster, group.nodes(), group.per_node, s.rails);
  const Rails* by = rails ? &*rails : nullptr;
  const auto hidden = static_cast<std::int64_t>(s.model.hidden);
  const Bytes small = s.fp8_dispatch ? moe::fp8_copy(hidden) : moe::bf16_copy(hidden), large = moe::bf16_copy(hidden);
  using moe::Direction;
  if (s.stage() == Stage::decode) {
    if (!s.exchange.uses_nvlink && group.per_node > 1 && !cluster.reachable(nic_at(0, 0), nic_at(0, 1))) {
      throw UserError("/kernel", "this kernel takes the NICs inside a node too, but NIC 0 of node 0 has no path to its NIC 1",
                      "planes of an MPFT do not meet: use a kernel with NVLink, or another topology");
    }
    if (s.nic == moe::NicChoice::own && group.nodes() > 1 && !cluster.reachable(gpu_at(0, 0), gpu_at(1, 1))) {
      throw UserError("/nic", "GPU 0 of node 0 has no path by its own NIC to GPU 1 of node 1: planes of an MPFT do not meet", "set nic to \"destination_rail\"");
    }
    // A selection brings its index along (DeepEP csrc/kernels/internode_ll.cu).
    out.dispatch = moe::low_latency_exchange(*out.routing, Direction::dispatch, small + Bytes(16), s.nic, by, s.exchange);
    out.combine = moe::low_latency_exchange(*out.routing, Direction::combine, large, s.nic, by, s.exchange);
  } else {
    const models::CommunicationModel& kernel = group.nodes() > 1 ? s.exchange : s.intranode;
    out.dispatch = moe::normal_exchange(*out.routing, Direction::dispatch, small, by, kernel);
    out.combine = moe::normal_exchange(*out.routing, Direction::combine, large, by, kernel);
  }
  return out;
}

RingSum ring_sum_of(const LayerSetup& s, double tokens) {
  const double tp = s.deployment.tp, sums = s.model.moe_layers > 0 ? 1 : 2, on = s.communicates && tp > 1 ? 1 : 0;
  RingSum r;
  r.gpus = s.deployment.tp;
  r.bytes = Bytes(on * sums * 2 * (tp - 1) / tp * tokens * 2 * s.model.hidden);   // 2 (t - 1) / t of the output in BF16
  r.start_up = (s.tensor.start_up.value + s.tensor.nvlink_step.value * (2 * (tp - 1))) * (sums * on);
  return r;
}

std::vector<Leg> ring_legs(std::uint32_t first, std::uint32_t gpus, std::uint32_t per_node) {
  std::vector<Leg> legs;
  for (std::uint32_t k = 0; k < gpus; ++k) {
    const std::uint32_t r = first + k, to = first + (k + 1) % gpus;
    legs.push_back({gpu_at(r / per_node, r % per_node), gpu_at(to / per_node, to % per_node), 1});
  }
  return legs;
}

LayerProgram::LayerProgram(const LayerSetup& s, const LayerExchanges& e, const std::vector<PieceTimes>& times, double tokens, std::uint32_t periods)
    : plan_(s.plan()), communicates_(s.communicates), sum_(ring_sum_of(s, tokens)), ranks_(e.ranks), per_node_(e.per_node),
      sms_(static_cast<std::uint32_t>(s.sms() > 0 ? s.sms() : s.gpu.sms.value)), communication_sms_(s.communication_sms), times_(times) {
  exchange_kernel_ = add_kernel(comm_kernel(e.ranks > e.per_node ? s.exchange : s.intranode));
  tensor_kernel_ = add_kernel(comm_kernel(s.tensor));
  now_.assign(plan_.pieces.size(), std::vector<OpId>(ranks_));
  exchanged_.assign(ranks_, OpId());
  for (period_ = 0; period_ < periods; ++period_) {
    before_ = now_;
    for (std::uint32_t i = 0; i < plan_.pieces.size(); ++i) {
      const PlannedPiece& p = plan_.pieces[i];
      if (p.piece == Piece::dispatch) exchange(p, i, *e.dispatch, false);
      else if (p.piece == Piece::combine) exchange(p, i, *e.combine, true);
      else if (p.piece == Piece::tensor_sum) tensor_sum(p, i);
      else compute(p, i, times);
    }
  }
  const Placement ranks((ranks_ + per_node_ - 1) / per_node_, per_node_);
  if (times.size() == 1 && s.deployment.tp == 1 && (!e.routing || e.routing->alike)) {
    declare({ranks, {whole_nodes(ranks), local_indices(ranks)}, owner_});
  }
}

void LayerProgram::note(Piece piece, std::uint8_t micro_batch, bool marker, std::uint32_t rank) {
  what_.push_back({piece, micro_batch, marker, rank, period_});
  owner_.push_back(rank);
}

void LayerProgram::waits(const PlannedPiece& p, std::uint32_t i, std::uint32_t r, std::vector<OpId>& after) const {
  for (const std::uint32_t a : p.after) {
    const OpId id = a < i ? now_[a][r] : period_ > 0 ? before_[a][r] : OpId();
    if (id.valid()) after.push_back(id);
  }
}

void LayerProgram::compute(const PlannedPiece& p, std::uint32_t i, const std::vector<PieceTimes>& times) {
  std::vector<OpId> after;
  for (std::uint32_t r = 0; r < ranks_; ++r) {
    after.clear();
    waits(p, i, r, after);
    now_[i][r] = add_compute(StreamId(r), times[times.size() == 1 ? 0 : r][p.piece], sms_, after);
    note(p.piece, p.micro_batch, false, r);
  }
}

void LayerProgram::exchange(const PlannedPiece& p, std::uint32_t i, const moe::Exchange& e, bool combine) {
  // What each rank has to have done before it sends: its own pieces and its exchange before this one.
  std::vector<std::vector<OpId>> ready(ranks_), touching(ranks_);
  for (std::uint32_t r = 0; r < ranks_; ++r) {
    waits(p, i, r, ready[r]);
    if (exchanged_[r].valid()) ready[r].push_back(exchanged_[r]);
  }
  std::vector<OpId> after;
  Copier copy;
  for (std::uint32_t k = 0; k < e.ends.size(); ++k) {
    const moe::Exchange::Ends& ends = e.ends[k];
    e.program.emit(OpId(k), copy);
    copy.options.kernel = exchange_kernel_;
    if (!communicates_) copy.bytes = Bytes(), copy.options.extra_latency = Seconds(), copy.options.latency_mode = LatencyMode::none;
    after.clear();
    if (combine) {
      for (std::uint32_t r = ends.first; r < ends.last; ++r) after.insert(after.end(), ready[r].begin(), ready[r].end());
    } else {
      after = ready[ends.one];
    }
    const OpId id = add_transfer(copy.bytes, copy.legs, copy.options, after);
    note(p.piece, p.micro_batch, false, ends.one);
    touching[ends.one].push_back(id);
    for (std::uint32_t r = ends.first; r < ends.last; ++r) {
      if (r != ends.one) touching[r].push_back(id);
    }
  }
  for (std::uint32_t r = 0; r < ranks_; ++r) {
    touching[r].insert(touching[r].end(), ready[r].begin(), ready[r].end());
    exchanged_[r] = now_[i][r] = add_marker({}, touching[r]);
    note(p.piece, p.micro_batch, true, r);
  }
}

/// All GPUs of a ring wait for each other.
void LayerProgram::tensor_sum(const PlannedPiece& p, std::uint32_t i) {
  TransferOptions options;
  options.kernel = tensor_kernel_;
  options.extra_latency = sum_.start_up;
  options.latency_mode = LatencyMode::none;
  std::vector<OpId> after;
  for (std::uint32_t first = 0; first < ranks_; first += sum_.gpus) {
    after.clear();
    for (std::uint32_t r = first; r < first + sum_.gpus; ++r) {
      waits(p, i, r, after);
      if (exchanged_[r].valid()) after.push_back(exchanged_[r]);
    }
    const OpId id = add_transfer(sum_.bytes, ring_legs(first, sum_.gpus, per_node_), options, after);
    note(p.piece, p.micro_batch, false, first);
    for (std::uint32_t r = first; r < first + sum_.gpus; ++r) exchanged_[r] = now_[i][r] = id;
  }
}

std::vector<Seconds> LayerProgram::ends(std::span<const Seconds> finish) const {
  std::vector<Seconds> ends(period_);
  for (std::size_t op = 0; op < what_.size(); ++op) {
    if (!is_exchange(what_[op].piece)) ends[what_[op].period] = std::max(ends[what_[op].period], finish[op]);
  }
  return ends;
}

Seconds LayerProgram::mean_time(Piece exchange, std::span<const Seconds> start, std::span<const Seconds> finish) const {
  struct Span {
    Seconds first, last;
    bool any = false;
  };
  std::vector<Span> spans(std::size_t{period_} * plan_.micro_batches * ranks_);
  for (std::size_t op = 0; op < what_.size(); ++op) {
    const What& w = what_[op];
    if (w.piece != exchange || w.marker || w.period == 0) continue;
    Span& s = spans[(std::size_t{w.period} * plan_.micro_batches + w.micro_batch) * ranks_ + w.rank];
    s.first = s.any ? std::min(s.first, start[op]) : start[op];
    s.last = std::max(s.last, finish[op]);
    s.any = true;
  }
  Seconds sum;
  double n = 0;
  for (const Span& s : spans) {
    if (s.any) sum += s.last - s.first, ++n;
  }
  return n > 0 ? sum / n : Seconds();
}

bool LayerProgram::label(OpId id, OpLabel& out) const {
  const What& w = what_[id.value];
  if (w.marker) return false;
  out.name = to_text(w.piece);
  out.detail = fmt::format("layer {}, micro-batch {}", w.period, w.micro_batch);
  out.rank = Rank(w.rank);
  out.track = is_exchange(w.piece) ? 1 : 0;
  if (is_exchange(w.piece)) out.sms = communication_sms_;
  else out.hbm_share = times_[times_.size() == 1 ? 0 : w.rank].hbm_share(w.piece);
  return true;
}

}  // namespace weft::workloads::inference
