#include "workloads/training/step_counters.h"

#include "sim/core/error.h"

namespace weft::workloads::training {

using Kind = PlanOp::Kind;

namespace {

constexpr std::uint32_t none = RankSequences::none;

/// Reads one rank's plan; `reads` tells each send which cell of the receiver waits for it.
class SequenceReader {
 public:
  SequenceReader(const StepPlan& plan, std::uint32_t pipeline_rank, RankSequences& out)
      : plan_(plan.ranks[pipeline_rank]), out_(out), number_(plan_.ops.size(), none) {}

  void read() {
    out_.exchange_of.assign(plan_.ops.size(), none);
    out_.cell_of_send.assign(plan_.ops.size(), none);
    for (std::uint32_t i = 0; i < plan_.ops.size(); ++i) read(i, plan_.ops[i]);
  }

 private:
  void read(std::uint32_t i, const PlanOp& op) {
    switch (op.kind) {
      case Kind::cell_begin: {
        number_[i] = static_cast<std::uint32_t>(out_.cells.size());
        RankSequences::CellParts cell;
        for (const Dependency& d : dependencies(op)) cell.arrivals += d.scope == Scope::pipeline;
        out_.cells.push_back(cell);
        break;
      }
      case Kind::compute: {
        number_[i] = static_cast<std::uint32_t>(out_.computing.size());
        RankSequences::Computing c;
        c.local = i;
        c.cell = op.cell;
        for (const Dependency& d : dependencies(op)) {
          if (plan_.ops[d.local].kind != Kind::received) continue;   // else it is earlier on the stream, or the cell's begin
          c.exchange = number_[d.local];
          c.own = d.scope == Scope::own;
        }
        out_.computing.push_back(c);
        break;
      }
      case Kind::arrive: lets_go(op); break;
      case Kind::ready: break;
      case Kind::transfers:
        if (i == 0 || plan_.ops[i - 1].kind != Kind::transfers) out_.exchanges.push_back({i, goes_out(op.exchange)});
        out_.exchange_of[i] = static_cast<std::uint32_t>(out_.exchanges.size() - 1);
        break;
      case Kind::received: number_[i] = static_cast<std::uint32_t>(out_.exchanges.size() - 1); break;
      case Kind::cell_end:
        out_.cells.back().end_computing = static_cast<std::uint32_t>(out_.computing.size());
        out_.cells.back().end_exchange = static_cast<std::uint32_t>(out_.exchanges.size());
        break;
      case Kind::send: out_.cells.back().sends.push_back(i); break;
    }
  }

  // Of what an exchange waits for, the last to come: computing of this cell, or its begin. Earlier exchanges are over by then anyway.
  void lets_go(const PlanOp& op) {
    const auto exchange = static_cast<std::uint32_t>(out_.exchanges.size());
    for (const Dependency& d : dependencies(op)) {
      const Kind kind = plan_.ops[d.local].kind;
      if (kind == Kind::compute) out_.computing[number_[d.local]].lets_go = exchange;
      else if (kind == Kind::cell_begin) out_.cells[number_[d.local]].lets_go = exchange;
    }
  }

  std::span<const Dependency> dependencies(const PlanOp& op) const { return {plan_.dependencies.data() + op.first, op.count}; }

  const RankPlan& plan_;
  RankSequences& out_;
  std::vector<std::uint32_t> number_;
};

}  // namespace

std::vector<RankSequences> sequences_of(const StepPlan& plan) {
  std::vector<RankSequences> all(plan.ranks.size());
  for (std::uint32_t r = 0; r < all.size(); ++r) SequenceReader(plan, r, all[r]).read();
  for (const RankPlan& receiver : plan.ranks) {
    for (const PlanOp& op : receiver.ops) {
      if (op.kind != Kind::cell_begin) continue;
      for (std::uint32_t i = op.first; i < op.first + op.count; ++i) {
        const Dependency& d = receiver.dependencies[i];
        if (d.scope == Scope::pipeline) all[d.pipeline].cell_of_send[d.local] = op.cell;
      }
    }
  }
  return all;
}

StepCounters::StepCounters(StepEmitter& emitter, std::uint32_t first_group, std::uint32_t last_group, StepRecord* record)
    : emitter_(emitter), grid_(emitter.grid()), first_group_(first_group), last_group_(last_group), record_(record), sequences_(sequences_of(emitter.job().plan)),
      gpus_(grid_.ranks()), blocks_(grid_.ranks() / grid_.block_size), groups_(grid_.ranks() / grid_.group_size), arrived_(grid_.ranks()) {
  for (std::uint32_t r = 0; r < grid_.ranks(); ++r) {
    if (grid_.group_of(r) < first_group_ || grid_.group_of(r) >= last_group_) continue;
    const RankSequences& s = sequences_[grid_.pipeline_rank(r)];
    arrived_[r].assign(s.cells.size(), 0);
    groups_[r / grid_.group_size].come.resize(s.exchanges.size(), 0);
  }
}

void StepCounters::start(Sink& sink) {
  sink_ = &sink;
  for (std::uint32_t r = 0; r < grid_.ranks(); ++r) {
    if (grid_.group_of(r) >= first_group_ && grid_.group_of(r) < last_group_) try_begin(r);
  }
}

void StepCounters::on_complete(OpId id, Seconds t, Sink& sink) {
  sink_ = &sink;
  now_ = t.value();
  const std::uint32_t rank = emitter_.rank_of(id), local = emitter_.local_of(id);
  const PlanOp& op = emitter_.plan_of(rank).ops[local];
  if (op.kind == Kind::transfers) return transfer_done(rank, local, op);
  if (op.kind == Kind::compute) return computed(rank, local, op);
  --gpus_[rank].sending;
  try_begin(rank);
  const std::uint32_t to = op.peer * grid_.stage_size + grid_.in_stage(rank);
  ++arrived_[to][sequences_[grid_.pipeline_rank(rank)].cell_of_send[local]];
  try_begin(to);
}

void StepCounters::try_begin(std::uint32_t rank) {
  Gpu& g = gpus_[rank];
  const RankSequences& s = sequences_[grid_.pipeline_rank(rank)];
  if (g.begun || g.sending > 0 || g.cell >= s.cells.size() || arrived_[rank][g.cell] < s.cells[g.cell].arrivals) return;
  g.begun = true;
  if (watched(rank)) record_->ranks[grid_.pipeline_rank(rank)].cells[g.cell].begin = now_;
  if (s.cells[g.cell].lets_go != none) come_to(rank, s.cells[g.cell].lets_go);
  try_compute(rank);
  try_end(rank);
}

void StepCounters::try_compute(std::uint32_t rank) {
  Gpu& g = gpus_[rank];
  const RankSequences& s = sequences_[grid_.pipeline_rank(rank)];
  if (!g.begun || g.computes || g.next >= s.cells[g.cell].end_computing) return;
  const RankSequences::Computing& c = s.computing[g.next];
  if (c.exchange != none && (c.own ? g.received : blocks_[rank / grid_.block_size].received) <= c.exchange) return;
  g.computes = true;
  emitter_.compute(rank, c.local, emitter_.plan_of(rank).ops[c.local], {}, *sink_);
}

void StepCounters::computed(std::uint32_t rank, std::uint32_t local, const PlanOp& op) {
  Gpu& g = gpus_[rank];
  if (watched(rank)) record_->computed(grid_.pipeline_rank(rank), op, {now_ - emitter_.duration(rank, local, op).value(), now_});
  const RankSequences::Computing& c = sequences_[grid_.pipeline_rank(rank)].computing[g.next];
  g.computes = false;
  ++g.next;
  if (c.lets_go != none) come_to(rank, c.lets_go);
  try_compute(rank);
  try_end(rank);
}

void StepCounters::try_end(std::uint32_t rank) {
  Gpu& g = gpus_[rank];
  const RankSequences& s = sequences_[grid_.pipeline_rank(rank)];
  if (!g.begun) return;
  const RankSequences::CellParts& cell = s.cells[g.cell];
  if (g.computes || g.next < cell.end_computing) return;
  if (cell.end_exchange > 0) {
    const bool out = s.exchanges[cell.end_exchange - 1].out;
    if ((out ? blocks_[rank / grid_.block_size].received : g.received) < cell.end_exchange) return;
  }
  if (watched(rank)) record_->ranks[grid_.pipeline_rank(rank)].cells[g.cell].end = now_;
  for (const std::uint32_t local : cell.sends) emitter_.send(rank, local, emitter_.plan_of(rank).ops[local], {}, *sink_);
  g.sending = static_cast<std::uint32_t>(cell.sends.size());
  g.begun = false;
  ++g.cell;
  try_begin(rank);
}

void StepCounters::come_to(std::uint32_t rank, std::uint32_t exchange) {
  Group& g = groups_[rank / grid_.group_size];
  if (++g.come[exchange] == grid_.group_size) try_exchange(rank / grid_.group_size);
}

void StepCounters::try_exchange(std::uint32_t group) {
  Group& g = groups_[group];
  if (g.runs || g.under_way >= g.come.size() || g.come[g.under_way] < grid_.group_size) return;
  const std::uint32_t first = group * grid_.group_size, p = grid_.pipeline_rank(first);
  const RankSequences::Exchange& x = sequences_[p].exchanges[g.under_way];
  g.runs = true;
  g.left = grid_.group_size * grid_.blocks();
  const PlanOp& op = emitter_.plan_of(first).ops[x.local];
  for (std::uint32_t r = first; r < first + grid_.group_size; ++r) {
    gpus_[r].own_left = grid_.blocks();
    if (grid_.in_block(r) == 0) blocks_[r / grid_.block_size].left = grid_.group_size;
    if (watched(r)) record_->ranks[p].exchanging.push_back({now_, now_});
    emitter_.exchange(r, x.local, op, *sink_);
  }
}

void StepCounters::transfer_done(std::uint32_t rank, std::uint32_t local, const PlanOp& op) {
  const std::uint32_t group = rank / grid_.group_size, exchange = sequences_[grid_.pipeline_rank(rank)].exchange_of[local];
  Group& g = groups_[group];
  const std::uint32_t to = (grid_.group_base(rank) + (local - sequences_[grid_.pipeline_rank(rank)].exchanges[exchange].local) * grid_.block_size) / grid_.block_size;
  const bool out = goes_out(op.exchange);
  const bool own_done = --gpus_[rank].own_left == 0, block_done = --blocks_[to].left == 0, all_done = --g.left == 0;
  if (own_done) gpus_[rank].received = exchange + 1;
  if (block_done) blocks_[to].received = exchange + 1;
  // What a GPU waits for: its own tokens back, or its block's arrived.
  const std::uint32_t waits = out ? to * grid_.block_size : rank;
  if ((out ? block_done : own_done) && watched(waits)) record_->ranks[grid_.pipeline_rank(waits)].exchanging.back().end = now_;
  if (all_done) {
    g.runs = false;
    ++g.under_way;
    try_exchange(group);
  }
  if (out && block_done) {
    for (std::uint32_t r = to * grid_.block_size; r < (to + 1) * grid_.block_size; ++r) {
      try_compute(r);
      try_end(r);
    }
  } else if (!out && own_done) {
    try_compute(rank);
    try_end(rank);
  }
}

}  // namespace weft::workloads::training
