#include "workloads/training/step_program.h"

#include <cmath>

#include <fmt/format.h>

#include "models/normal.h"
#include "sim/core/error.h"
#include "sim/core/random.h"
#include "workloads/training/step_symmetry.h"

namespace weft::workloads::training {

using Kind = PlanOp::Kind;

StepProgram::StepProgram(std::shared_ptr<const StepJob> job, std::shared_ptr<StepRecord> record)
    : job_(std::move(job)), record_(std::move(record)), ranks_(job_->plan.grid.ranks()), last_group_(job_->plan.grid.groups()),
      copies_(job_->plan.grid.block_size) {}

std::unique_ptr<StepProgram> StepProgram::skeleton(std::shared_ptr<const StepJob> job) {
  auto p = std::make_unique<StepProgram>(std::move(job));
  p->alone_ = true;
  return p;
}

void StepProgram::require_ids(const StepPlan& plan) {
  const double ids = static_cast<double>(plan.most_ops) * plan.grid.ranks();
  if (ids < 4e9) return;
  throw UserError("/micro_batches", fmt::format("{:.3g} operations in one step are more than weft can number ({:.3g})", ids, 4e9),
                  "fewer micro-batches or GPUs; whole groups more only repeat what the others do");
}

void StepProgram::start(Sink& sink) {
  if (record_ && first_group_ == 0) record_->clear();
  const StepGrid& g = job_->plan.grid;
  for (std::uint32_t rank = 0; rank < ranks_; ++rank) {
    const std::uint32_t group = g.group_of(rank);
    if (group >= first_group_ && group < last_group_ && (!alone_ || g.in_group(rank) == 0)) emit_first(rank, sink);
  }
}

void StepProgram::emit_first(std::uint32_t rank, Sink& sink) {
  const RankPlan& plan = job_->plan.ranks[job_->plan.grid.pipeline_rank(rank)];
  for (std::uint32_t s = 0; s < 2 && s + 1 < plan.stretches.size(); ++s) emit_stretch(rank, s, sink);
}

void StepProgram::emit_stretch(std::uint32_t rank, std::uint32_t stretch, Sink& sink) {
  const RankPlan& plan = job_->plan.ranks[job_->plan.grid.pipeline_rank(rank)];
  for (std::uint32_t i = plan.stretches[stretch]; i < plan.stretches[stretch + 1]; ++i) emit(rank, i, plan.ops[i], sink);
}

void StepProgram::emit(std::uint32_t rank, std::uint32_t local, const PlanOp& op, Sink& sink) {
  if (op.kind == Kind::transfers) return;   // when its GPU is ready
  collect_after(rank, job_->plan.ranks[job_->plan.grid.pipeline_rank(rank)], op);
  if (op.kind == Kind::compute) {
    sink.compute({id_of(local, rank), StreamId(rank), duration(rank, local, op), job_->sms - (op.beside ? job_->communication_sms : 0)}, after_);
  } else if (op.kind == Kind::send) {
    emit_send(rank, local, op, sink);
  } else {
    sink.marker(id_of(local, rank), Seconds(0), after_);
  }
}

void StepProgram::collect_after(std::uint32_t rank, const RankPlan& plan, const PlanOp& op) {
  const StepGrid& g = job_->plan.grid;
  after_.clear();
  for (std::uint32_t i = op.first; i < op.first + op.count; ++i) {
    const Dependency& d = plan.dependencies[i];
    if (alone_ && d.scope != Scope::pipeline && d.scope != Scope::own_transfers) {
      after_.push_back(id_of(d.local + (d.scope == Scope::rail_to_block ? g.block_of(rank) : 0), rank));
      continue;
    }
    switch (d.scope) {
      case Scope::own:
        after_.push_back(id_of(d.local, rank));
        break;
      case Scope::block:
        for (std::uint32_t r = g.block_base(rank), l = 0; l < g.block_size; ++l) after_.push_back(id_of(d.local, r + l));
        break;
      case Scope::team:
        for (std::uint32_t r = g.team_base(rank), l = 0; l < g.team_size; ++l) after_.push_back(id_of(d.local, r + l));
        break;
      case Scope::rail:
      case Scope::rail_to_block: {
        const std::uint32_t first = g.group_base(rank) + g.in_block(rank), to = d.scope == Scope::rail ? 0 : g.block_of(rank);
        for (std::uint32_t b = 0; b < g.blocks(); ++b) after_.push_back(id_of(d.local + to, first + b * g.block_size));
        break;
      }
      case Scope::own_transfers: {
        const std::uint32_t n = plan.ops[d.local].exchange == ExchangeKind::tensor ? 1 : g.blocks();
        for (std::uint32_t b = 0; b < n; ++b) after_.push_back(id_of(d.local + b, rank));
        break;
      }
      case Scope::pipeline:
        after_.push_back(id_of(d.local, d.pipeline * g.stage_size + g.in_stage(rank)));
        break;
    }
  }
}

Seconds StepProgram::duration(std::uint32_t rank, std::uint32_t local, const PlanOp& op) const {
  const StepGrid& g = job_->plan.grid;
  double rows = 1;
  if (job_->loads && job_->loads->drawn() && job_->costs.by_rows(op.work)) {
    rows = job_->loads->rows(op.routing, op.routing % job_->plan.moe_layers, g.group_of(rank), g.in_group(rank));
  }
  const Seconds t = job_->costs.time(op.work, op.beside, rows);
  if (job_->jitter <= 0) return t;
  Draws draws(job_->seed, "step jitter", rank, local);
  return t * std::exp(job_->jitter * models::normal(draws) - job_->jitter * job_->jitter / 2);
}

void StepProgram::emit_send(std::uint32_t rank, std::uint32_t local, const PlanOp& op, Sink& sink) {
  const StepGrid& g = job_->plan.grid;
  const std::uint32_t to = op.peer * g.stage_size + g.in_stage(rank);
  legs_.assign({{g.gpu(rank), g.gpu(to), 1}});
  Transfer t;
  t.id = id_of(local, rank);
  t.bytes = job_->sent;
  t.legs = legs_;
  t.kernel = KernelId(1);
  t.extra_latency = job_->send_start_up;
  t.flow_key = std::uint64_t{rank} << 32 | to;
  sink.transfer(t, after_);
}

void StepProgram::emit_transfers(std::uint32_t rank, std::uint32_t local, const PlanOp& op, Sink& sink) {
  if (op.exchange == ExchangeKind::tensor) emit_in_team(rank, local, sink);
  else emit_exchange(rank, local, op, sink);
}

void StepProgram::emit_exchange(std::uint32_t rank, std::uint32_t local, const PlanOp& op, Sink& sink) {
  const StepGrid& g = job_->plan.grid;
  Transfer t;
  t.kernel = KernelId(0);
  t.extra_latency = job_->exchange_start_up;
  t.latency_mode = job_->exchange_latency;
  for (std::uint32_t b = 0; b < g.blocks(); ++b) {
    emit_to_block(rank, b, op, t);
    t.id = id_of(local + b, rank);
    sink.transfer(t);
  }
}

// As moe/exchange.cpp: to the GPU with the same place in the block, and from there over NVLink to the experts' ranks.
void StepProgram::emit_to_block(std::uint32_t rank, std::uint32_t block, const PlanOp& op, Transfer& t) {
  const StepGrid& g = job_->plan.grid;
  const std::uint32_t in_group = g.in_group(rank), local = g.in_block(rank), base = g.group_base(rank) + block * g.block_size;
  const std::uint32_t layer = op.routing % job_->plan.moe_layers;
  const double messages = job_->loads->messages(op.routing, layer, g.group_of(rank), in_group, block, copies_);
  legs_.clear();
  const bool inside = block == g.block_of(rank);
  const auto fan_out = [&](std::uint32_t via, double share) {
    for (std::uint32_t q = 0; q < g.block_size; ++q) {
      if (q != via && copies_[q] > 0 && messages > 0) legs_.push_back({g.gpu(base + via), g.gpu(base + q), share * (copies_[q] / messages)});
    }
  };
  if (inside) {
    fan_out(local, 1);
  } else if (job_->rails->keep_apart()) {
    legs_.push_back({g.gpu(rank), g.gpu(base + local), 1});
    fan_out(local, 1);
  } else {
    const std::uint32_t from = g.block_base(rank), shift = from % g.per_node;
    for (const Rails::Share& way : job_->rails->carriers(from / g.per_node, base / g.per_node, local + shift)) {
      const std::uint32_t via = way.rail - shift;
      if (via != local) legs_.push_back({g.gpu(rank), g.gpu(from + via), way.share});
      legs_.push_back({g.gpu(from + via), g.gpu(base + via), way.share});
      fan_out(via, way.share);
    }
  }
  const bool out = goes_out(op.exchange);
  if (!out) {
    for (Leg& leg : legs_) std::swap(leg.from, leg.to);
  }
  t.bytes = (out ? job_->dispatched : job_->combined) * messages;
  t.weight = std::max(1e-9, messages / job_->loads->tokens());
  t.legs = legs_;
  t.flow_key = std::uint64_t{rank} << 32 | (base + local);
}

void StepProgram::emit_in_team(std::uint32_t rank, std::uint32_t local, Sink& sink) {
  const StepGrid& g = job_->plan.grid;
  const std::uint32_t base = g.team_base(rank), to = base + (rank - base + 1) % g.team_size;
  legs_.assign({{g.gpu(rank), g.gpu(to), 1}});
  Transfer t;
  t.id = id_of(local, rank);
  t.bytes = job_->reduced;
  t.legs = legs_;
  t.kernel = KernelId(2);
  t.extra_latency = job_->team_start_up;
  t.flow_key = std::uint64_t{rank} << 32 | to;
  sink.transfer(t);
}

void StepProgram::on_complete(OpId id, Seconds t, Sink& sink) {
  const std::uint32_t rank = rank_of(id), local = local_of(id);
  const StepGrid& g = job_->plan.grid;
  const std::uint32_t p = g.pipeline_rank(rank);
  const RankPlan& plan = job_->plan.ranks[p];
  const PlanOp& op = plan.ops[local];
  const bool watched = record_ && g.in_stage(rank) == 0;
  switch (op.kind) {
    case Kind::compute:
      if (watched) record_->ranks[p].computing.push_back({t.value() - duration(rank, local, op).value(), t.value()});
      if (op.emits != PlanOp::none && op.emits + 1 < plan.stretches.size()) emit_stretch(rank, op.emits, sink);
      break;
    case Kind::ready:
      if (watched) record_->ranks[p].exchanging.push_back({t.value(), t.value()});
      emit_transfers(rank, local + 1, op, sink);
      break;
    case Kind::received:
      if (watched) record_->ranks[p].exchanging.back().end = t.value();
      break;
    case Kind::cell_begin:
      if (watched) record_->ranks[p].cells[op.cell].begin = t.value();
      break;
    case Kind::cell_end:
      if (watched) record_->ranks[p].cells[op.cell].end = t.value();
      break;
    case Kind::arrive:
    case Kind::transfers:
    case Kind::send: break;
  }
}

std::shared_ptr<Symmetry> StepProgram::symmetry() {
  if (alone_ || job_->jitter > 0 || (job_->loads && job_->loads->drawn()) || first_group_ > 0 || last_group_ < job_->plan.grid.groups()) return nullptr;
  if (job_->rails && !job_->rails->keep_apart()) return nullptr;
  if (job_->plan.grid.stage_size % job_->plan.grid.per_node != 0) return nullptr;
  return std::make_shared<StepSymmetry>(std::shared_ptr<const StepPlan>(job_, &job_->plan), [this](std::uint32_t rank, Sink& sink) { emit_first(rank, sink); });
}

std::vector<std::unique_ptr<Program>> StepProgram::parts() {
  std::vector<std::unique_ptr<Program>> parts;
  if (alone_ || last_group_ - first_group_ < 2) return parts;
  for (std::uint32_t g = first_group_; g < last_group_; ++g) {
    auto part = std::make_unique<StepProgram>(job_, record_);
    part->first_group_ = g;
    part->last_group_ = g + 1;
    parts.push_back(std::move(part));
  }
  return parts;
}

}  // namespace weft::workloads::training
