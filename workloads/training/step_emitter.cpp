#include "workloads/training/step_emitter.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "models/normal.h"

namespace weft::workloads::training {

namespace {

constexpr std::uint64_t pair_key(std::uint32_t a, std::uint32_t b) { return std::uint64_t{a} << 32 | b; }

}  // namespace

void append_way(const StepGrid& grid, const Rails* rails, std::uint32_t from, std::uint32_t to, std::vector<Leg>& legs) {
  const std::uint32_t a = from / grid.per_node, d = to / grid.per_node, local = from % grid.per_node;
  if (a == d || rails == nullptr || rails->keep_apart() || local != to % grid.per_node) {
    legs.push_back({grid.gpu(from), grid.gpu(to), 1});
    return;
  }
  for (const Rails::Share& way : rails->carriers(a, d, local)) {
    const Endpoint there = gpu_at(a, way.rail), here = gpu_at(d, way.rail);
    if (way.rail != local) legs.push_back({grid.gpu(from), there, way.share});
    legs.push_back({there, here, way.share});
    if (way.rail != local) legs.push_back({here, grid.gpu(to), way.share});
  }
}

StepEmitter::StepEmitter(std::shared_ptr<const StepJob> job)
    : job_(std::move(job)), ranks_(job_->plan.grid.ranks()), copies_(job_->plan.grid.block_size) {}

Seconds StepEmitter::duration(std::uint32_t rank, std::uint32_t local, const PlanOp& op) const {
  double rows = 1;
  if (job_->loads && job_->loads->drawn() && job_->costs.by_rows(op.work)) {
    rows = job_->loads->rows(op.routing, op.routing % job_->plan.moe_layers, grid().group_of(rank), grid().in_group(rank));
  }
  const Seconds t = job_->costs.time(op.work, op.beside, rows);
  if (job_->jitter <= 0) return t;
  Draws draws(job_->seed, "step jitter", rank, local);
  return t * std::exp(job_->jitter * models::normal(draws) - job_->jitter * job_->jitter / 2);
}

void StepEmitter::compute(std::uint32_t rank, std::uint32_t local, const PlanOp& op, std::span<const OpId> after, Sink& sink) const {
  sink.compute({id_of(local, rank), StreamId(rank), duration(rank, local, op), job_->sms - (op.beside ? job_->communication_sms : 0)}, after);
}

void StepEmitter::send(std::uint32_t rank, std::uint32_t local, const PlanOp& op, std::span<const OpId> after, Sink& sink) {
  const std::uint32_t to = op.peer * grid().stage_size + grid().in_stage(rank);
  Transfer t;
  t.bytes = job_->sent;
  t.kernel = KernelId(1);
  t.extra_latency = job_->send_start_up;
  to_one(rank, to, local, t, after, sink);
}

void StepEmitter::to_one(std::uint32_t rank, std::uint32_t to, std::uint32_t local, Transfer& t, std::span<const OpId> after, Sink& sink) {
  legs_.clear();
  append_way(grid(), job_->rails.get(), rank, to, legs_);
  t.id = id_of(local, rank);
  t.legs = legs_;
  t.latency_mode = latency_mode();
  t.flow_key = pair_key(rank, to);
  sink.transfer(t, after);
}

void StepEmitter::exchange(std::uint32_t rank, std::uint32_t local, const PlanOp& op, Sink& sink) {
  if (op.exchange == ExchangeKind::tensor) return in_team(rank, local, sink);
  Transfer t;
  t.kernel = goes_out(op.exchange) ? job_->dispatch_kernel : job_->combine_kernel;
  t.latency_mode = latency_mode();
  t.extra_latency = job_->exchange_start_up;
  if (op.exchange == ExchangeKind::dispatch_forward) t.extra_latency += job_->dispatch_lead;
  if (op.exchange == ExchangeKind::combine_backward) t.extra_latency += job_->gradient_lead;
  for (std::uint32_t b = 0; b < grid().blocks(); ++b) {
    to_block(rank, b, op, t);
    t.id = id_of(local + b, rank);
    sink.transfer(t);
  }
}

void StepEmitter::fan_out(std::uint32_t base, std::uint32_t via, double share, double messages) {
  for (std::uint32_t q = 0; q < copies_.size(); ++q) {
    if (q != via && copies_[q] > 0) legs_.push_back({grid().gpu(base + via), grid().gpu(base + q), share * (copies_[q] / messages)});
  }
}

// As moe/exchange.cpp: to the GPU with the same place in the block, and from there over NVLink to the experts' ranks.
void StepEmitter::to_block(std::uint32_t rank, std::uint32_t block, const PlanOp& op, Transfer& t) {
  const StepGrid& g = grid();
  const std::uint32_t local = g.in_block(rank), base = g.group_base(rank) + block * g.block_size;
  const double messages = job_->loads->messages(op.routing, op.routing % job_->plan.moe_layers, g.group_of(rank), g.in_group(rank), block, copies_);
  legs_.clear();
  if (messages > 0) {
    if (block == g.block_of(rank)) {
      fan_out(base, local, 1, messages);
    } else if (job_->rails->keep_apart()) {
      legs_.push_back({g.gpu(rank), g.gpu(base + local), 1});
      fan_out(base, local, 1, messages);
    } else {
      const std::uint32_t from = g.block_base(rank), shift = from % g.per_node;
      for (const Rails::Share& way : job_->rails->carriers(from / g.per_node, base / g.per_node, local + shift)) {
        const std::uint32_t via = way.rail - shift;
        if (via != local) legs_.push_back({g.gpu(rank), g.gpu(from + via), way.share});
        legs_.push_back({g.gpu(from + via), g.gpu(base + via), way.share});
        fan_out(base, via, way.share, messages);
      }
    }
  }
  const bool out = goes_out(op.exchange);
  if (!out) {
    for (Leg& leg : legs_) std::swap(leg.from, leg.to);
  }
  t.bytes = (out ? job_->dispatched : job_->combined) * messages;
  t.weight = std::max(1e-9, messages / job_->loads->tokens());   // in proportion to the bytes
  t.legs = legs_;
  t.flow_key = pair_key(rank, base + local);
}

// Rings in a team move at one pace: each GPU's part of an all-reduce is a transfer to its neighbour.
void StepEmitter::in_team(std::uint32_t rank, std::uint32_t local, Sink& sink) {
  const std::uint32_t base = grid().team_base(rank), to = base + (rank - base + 1) % grid().team_size;
  Transfer t;
  t.bytes = job_->reduced;
  t.kernel = KernelId(2);
  t.extra_latency = job_->team_start_up;
  to_one(rank, to, local, t, {}, sink);
}

}  // namespace weft::workloads::training
