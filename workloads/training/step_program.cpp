#include "workloads/training/step_program.h"

#include <string>

#include <fmt/format.h>

#include "sim/core/error.h"
#include "workloads/training/step_symmetry.h"

namespace weft::workloads::training {

using Kind = PlanOp::Kind;

StepProgram::StepProgram(std::shared_ptr<const StepJob> job, std::shared_ptr<StepRecord> record)
    : job_(std::move(job)), record_(std::move(record)), emitter_(job_), last_group_(job_->plan.grid.groups()) {}

std::unique_ptr<StepProgram> StepProgram::skeleton(std::shared_ptr<const StepJob> job) {
  auto p = std::make_unique<StepProgram>(std::move(job));
  p->alone_ = true;
  return p;
}

void StepProgram::require_ids(const StepPlan& plan) {
  constexpr double most = 4e9;
  const double ids = static_cast<double>(plan.most_ops) * plan.grid.ranks();
  if (ids < most) return;
  throw UserError("/micro_batches", fmt::format("{:.3g} operations in one step are more than weft can number ({:.3g})", ids, most), "fewer micro-batches or GPUs");
}

void StepProgram::start(Sink& sink) {
  if (record_ && first_group_ == 0) record_->clear();
  const StepGrid& g = emitter_.grid();
  if (!alone_ && g.team_size == 1) {
    counters_ = std::make_unique<StepCounters>(emitter_, first_group_, last_group_, record_.get());
    return counters_->start(sink);
  }
  for (std::uint32_t rank = 0; rank < g.ranks(); ++rank) {
    const std::uint32_t group = g.group_of(rank);
    if (group >= first_group_ && group < last_group_ && (!alone_ || g.in_group(rank) == 0)) emit_first(rank, sink);
  }
}

void StepProgram::emit_first(std::uint32_t rank, Sink& sink) {
  for (std::uint32_t s = 0; s < 2 && s + 1 < emitter_.plan_of(rank).stretches.size(); ++s) emit_stretch(rank, s, sink);
}

void StepProgram::emit_stretch(std::uint32_t rank, std::uint32_t stretch, Sink& sink) {
  const RankPlan& plan = emitter_.plan_of(rank);
  for (std::uint32_t i = plan.stretches[stretch]; i < plan.stretches[stretch + 1]; ++i) emit(rank, i, plan.ops[i], sink);
}

void StepProgram::emit(std::uint32_t rank, std::uint32_t local, const PlanOp& op, Sink& sink) {
  if (op.kind == Kind::transfers) return;   // when its GPU is ready
  collect_after(rank, op);
  if (op.kind == Kind::compute) emitter_.compute(rank, local, op, after_, sink);
  else if (op.kind == Kind::send) emitter_.send(rank, local, op, after_, sink);
  else sink.marker(emitter_.id_of(local, rank), Seconds(0), after_);
}

void StepProgram::collect_after(std::uint32_t rank, const PlanOp& op) {
  const RankPlan& plan = emitter_.plan_of(rank);
  after_.clear();
  for (std::uint32_t i = op.first; i < op.first + op.count; ++i) {
    Dependency d = plan.dependencies[i];
    if (alone_ && d.scope != Scope::pipeline && d.scope != Scope::own_transfers) {
      if (d.scope == Scope::rail_to_block) d.local += emitter_.grid().block_of(rank);   // what it keeps in its own block
      d.scope = Scope::own;
    }
    add_after(rank, d);
  }
}

void StepProgram::add_after(std::uint32_t rank, const Dependency& d) {
  const StepGrid& g = emitter_.grid();
  const auto add = [&](std::uint32_t local, std::uint32_t of) { after_.push_back(emitter_.id_of(local, of)); };
  switch (d.scope) {
    case Scope::own: return add(d.local, rank);
    case Scope::pipeline: return add(d.local, d.pipeline * g.stage_size + g.in_stage(rank));
    case Scope::block:
      for (std::uint32_t l = 0; l < g.block_size; ++l) add(d.local, g.block_base(rank) + l);
      return;
    case Scope::team:
      for (std::uint32_t l = 0; l < g.team_size; ++l) add(d.local, g.team_base(rank) + l);
      return;
    case Scope::rail:
    case Scope::rail_to_block:
      for (std::uint32_t b = 0; b < g.blocks(); ++b) {
        add(d.local + (d.scope == Scope::rail_to_block ? g.block_of(rank) : 0), g.group_base(rank) + g.in_block(rank) + b * g.block_size);
      }
      return;
    case Scope::own_transfers: {
      const bool team = emitter_.plan_of(rank).ops[d.local].exchange == ExchangeKind::tensor;
      for (std::uint32_t b = 0; b < (team ? 1 : g.blocks()); ++b) add(d.local + b, rank);
      return;
    }
  }
}

void StepProgram::on_complete(OpId id, Seconds t, Sink& sink) {
  if (counters_) return counters_->on_complete(id, t, sink);
  const std::uint32_t rank = emitter_.rank_of(id), local = emitter_.local_of(id);
  const RankPlan& plan = emitter_.plan_of(rank);
  const PlanOp& op = plan.ops[local];
  if (record_ && emitter_.grid().in_stage(rank) == 0) note(rank, local, op, t.value());
  if (op.kind == Kind::compute && op.emits != PlanOp::none && op.emits + 1 < plan.stretches.size()) emit_stretch(rank, op.emits, sink);
  if (op.kind == Kind::ready) emitter_.exchange(rank, local + 1, op, sink);
}

void StepProgram::note(std::uint32_t rank, std::uint32_t local, const PlanOp& op, double t) {
  StepRecord::Rank& record = record_->ranks[emitter_.grid().pipeline_rank(rank)];
  switch (op.kind) {
    case Kind::cell_begin: record.cells[op.cell].begin = t; break;
    case Kind::cell_end: record.cells[op.cell].end = t; break;
    case Kind::compute: record_->computed(emitter_.grid().pipeline_rank(rank), op, {t - emitter_.duration(rank, local, op).value(), t}); break;
    case Kind::ready: begun_[emitter_.id_of(local, rank).value] = t; break;
    case Kind::received: {
      const bool team = op.exchange == ExchangeKind::tensor;
      const auto ready = begun_.find(emitter_.id_of(local - 1 - (team ? 1 : emitter_.grid().blocks()), rank).value);
      (team ? record.reducing : record.exchanging).push_back({ready->second, t});
      begun_.erase(ready);
      break;
    }
    case Kind::arrive:
    case Kind::transfers:
    case Kind::send: break;
  }
}

std::shared_ptr<Symmetry> StepProgram::symmetry() {
  const StepGrid& g = emitter_.grid();
  const bool draws = job_->jitter > 0 || (job_->loads && job_->loads->drawn());
  const bool whole = !alone_ && first_group_ == 0 && last_group_ == g.groups();
  if (draws || !whole || (job_->rails && !job_->rails->keep_apart()) || g.stage_size % g.per_node != 0) return nullptr;
  return std::make_shared<StepSymmetry>(std::shared_ptr<const StepPlan>(job_, &job_->plan), [this](std::uint32_t rank, Sink& sink) {
    if (record_ && rank == 0) record_->clear();   // in place of start()
    emit_first(rank, sink);
  });
}

namespace {

// Streams as in DeepSeek's profile: computing on 7; exchanges and what goes between pipeline ranks beside it.
constexpr std::uint32_t compute_track = 7, exchange_track = 20, send_track = 21;

}  // namespace

bool StepProgram::label(OpId id, OpLabel& out) const {
  const std::uint32_t rank = emitter_.rank_of(id), local = emitter_.local_of(id);
  const PlanOp& op = emitter_.plan_of(rank).ops[local];
  out.rank = Rank(rank);
  switch (op.kind) {
    case Kind::compute:
      out.name = to_text(op.work);
      out.category = "kernel";
      out.track = compute_track;
      out.sms = job_->sms - (op.beside ? job_->communication_sms : 0);
      out.hbm_share = job_->costs.hbm_share(op.work, op.beside);
      return true;
    case Kind::transfers:
      out.name = to_text(op.exchange);
      out.category = "communication";
      out.track = exchange_track;
      out.sms = job_->communication_sms;
      return true;
    case Kind::send:
      out.name = "send to pipeline rank " + std::to_string(op.peer);
      out.category = "communication";
      out.track = send_track;
      return true;
    case Kind::cell_begin:
    case Kind::cell_end:
    case Kind::arrive:
    case Kind::ready:
    case Kind::received: break;
  }
  return false;
}

std::string StepProgram::track_name(std::uint32_t track) const {
  return track == compute_track ? "compute" : track == exchange_track ? "exchanges" : track == send_track ? "pipeline" : std::string();
}

// Pipelines of different groups never meet: what they do together, the gradients' sum, comes after the step's pipeline.
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
