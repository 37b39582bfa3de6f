#include "workloads/training/step_plan.h"

#include <algorithm>

#include "sim/core/error.h"

namespace weft::workloads::training {

const char* to_text(Work work) {
  static const char* const names[] = {"attn(F)", "attn(B)", "attn(W)", "dense mlp(F)", "dense mlp(B)", "dense mlp(W)", "mlp(F)", "mlp(B)", "mlp(W)",
                                      "embedding(F)", "embedding(B)", "mtp projection(F)", "mtp projection(B)", "mtp projection(W)", "head(F)", "head(B)", "head(W)"};
  return names[static_cast<std::size_t>(work)];
}

const char* to_text(ExchangeKind kind) {
  static const char* const names[] = {"dispatch(F)", "combine(F)", "combine(B)", "dispatch(B)", "tensor"};
  return names[static_cast<std::size_t>(kind)];
}

namespace {

/// A piece of a stage in the order of the forward pass.
struct Piece {
  enum class Kind : std::uint8_t { embedding, dense, moe, projection, head } kind = Kind::dense;
  std::uint32_t moe_layer = 0;   ///< over the whole model
  bool layer() const { return kind == Kind::dense || kind == Kind::moe; }
};

std::vector<std::vector<Piece>> pieces_of(std::span<const StageContent> stages, std::uint32_t& moe_layers) {
  std::vector<std::vector<Piece>> all;
  moe_layers = 0;
  for (const StageContent& s : stages) {
    std::vector<Piece>& pieces = all.emplace_back();
    if (s.embedding) pieces.push_back({Piece::Kind::embedding});
    for (std::uint32_t i = 0; i < s.dense_layers; ++i) pieces.push_back({Piece::Kind::dense});
    for (std::uint32_t i = 0; i < s.moe_layers; ++i) pieces.push_back({Piece::Kind::moe, moe_layers++});
    for (std::uint32_t i = 0; i < s.mtp_modules; ++i) {
      pieces.push_back({Piece::Kind::projection});
      pieces.push_back({Piece::Kind::moe, moe_layers++});
    }
    for (std::uint32_t i = 0; i < s.heads; ++i) pieces.push_back({Piece::Kind::head});
  }
  return all;
}

/// A layer with the pieces that go before it, in the direction of its pass.
struct Turn {
  std::vector<Piece> before;
  Piece layer;
  bool has_layer = false;
};

/// Pieces to turns: each ends with a layer; what follows the last one is a turn of its own.
std::vector<Turn> turns_of(const std::vector<Piece>& pieces, bool backward) {
  std::vector<Turn> turns(1);
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const Piece& p = backward ? pieces[pieces.size() - 1 - i] : pieces[i];
    if (!p.layer()) {
      turns.back().before.push_back(p);
      continue;
    }
    turns.back().layer = p;
    turns.back().has_layer = true;
    turns.emplace_back();
  }
  if (turns.back().before.empty()) turns.pop_back();
  return turns;
}

/// Writes the plan of one pipeline rank.
class RankPlanner {
 public:
  RankPlanner(const PipelineSchedule& schedule, const std::vector<std::vector<Piece>>& pieces, const StepPlan& plan, bool expert_parallel, bool late_head_weight, RankPlan& out)
      : schedule_(schedule), pieces_(pieces), plan_(plan), exchanges_(expert_parallel), late_head_(late_head_weight), teams_(plan.grid.team_size > 1), out_(out) {}

  /// Sends whose receiver is planned later are resolved through `sent`, by (direction, micro-batch, stage, backward).
  void plan(std::uint32_t rank, std::vector<std::uint32_t>& sent) {
    rank_ = rank;
    sent_ = &sent;
    for (const Cell& cell : schedule_.cells[rank]) add_cell(cell);
    out_.stretches.push_back(static_cast<std::uint32_t>(out_.ops.size()));
  }

  static std::size_t send_key(const PipelineSchedule& s, const Pass& p, bool backward) {
    return ((static_cast<std::size_t>(p.direction) * s.per_direction() + p.micro_batch) * s.stages + p.stage) * 2 + backward;
  }

 private:
  using Kind = PlanOp::Kind;

  std::uint32_t add(PlanOp op, std::vector<Dependency> after) {
    op.cell = cell_;
    op.first = static_cast<std::uint32_t>(out_.dependencies.size());
    op.count = static_cast<std::uint32_t>(after.size());
    out_.dependencies.insert(out_.dependencies.end(), after.begin(), after.end());
    out_.ops.push_back(op);
    return static_cast<std::uint32_t>(out_.ops.size() - 1);
  }

  /// The first computing of a stretch, when it ends, lets the stretch after the next be emitted: one is always in hand.
  void begin_stretch() {
    if (!out_.stretches.empty() && !stretch_has_trigger_) return;   // nothing computes in it: it goes on
    out_.stretches.push_back(static_cast<std::uint32_t>(out_.ops.size()));
    stretch_has_trigger_ = false;
  }

  std::uint32_t compute(Work work, bool beside, std::uint32_t routing, std::vector<Dependency> after) {
    PlanOp op;
    op.kind = Kind::compute;
    op.work = work;
    op.beside = beside;
    op.weighs = weighs_;
    op.routing = routing;
    if (!stretch_has_trigger_) op.emits = static_cast<std::uint32_t>(out_.stretches.size() + 1);   // of the one after the next
    stretch_has_trigger_ = true;
    if (after.empty()) after.push_back({Scope::own, begin_});
    return add(op, std::move(after));
  }

  /// Communication of a GPU goes one exchange after the other. Returns what those wait for who need what was exchanged.
  std::vector<Dependency> exchange(ExchangeKind kind, std::uint32_t routing, std::vector<Dependency> inputs) {
    for (Dependency& d : inputs) d.scope = Scope::block;
    if (last_received_ != PlanOp::none) inputs.push_back({Scope::own, last_received_});
    PlanOp op;
    op.exchange = kind;
    op.routing = routing;
    op.kind = Kind::arrive;
    const std::uint32_t arrive = add(op, std::move(inputs));
    op.kind = Kind::ready;
    add(op, {{Scope::rail, arrive}});
    op.kind = Kind::transfers;
    const std::uint32_t first = add(op, {});
    for (std::uint32_t b = 1; b < plan_.grid.blocks(); ++b) add(op, {});
    op.kind = Kind::received;
    const bool out = goes_out(kind);
    last_received_ = add(op, {{out ? Scope::rail_to_block : Scope::own_transfers, first}});
    received_ = {out ? Scope::block : Scope::own, last_received_};
    return {received_};
  }

  /// All-reduce in a team (or all-gather and reduce-scatter, as many bytes): what comes next waits for it.
  std::vector<Dependency> team_exchange(std::uint32_t computed) {
    PlanOp op;
    op.exchange = ExchangeKind::tensor;
    op.kind = Kind::ready;
    add(op, {{Scope::team, computed}});
    op.kind = Kind::transfers;
    const std::uint32_t first = add(op, {});
    op.kind = Kind::received;
    return {{exchanges_ ? Scope::block : Scope::team, add(op, {{Scope::own_transfers, first}})}};
  }

  /// What the next piece of a half waits for, after computing that ends a layer's attention or FFN.
  std::vector<Dependency> after_compute(std::uint32_t op) {
    if (!teams_) return {{Scope::own, op}};
    return team_exchange(op);
  }

  std::uint32_t routing_of(const Pass& pass, const Piece& p) const {
    return (pass.direction * schedule_.per_direction() + pass.micro_batch) * plan_.moe_layers + p.moe_layer;
  }

  // A half of a cell: where its data stand (what the next piece waits for) and its turns.
  struct Half {
    bool on = false;
    Pass pass;
    std::vector<Turn> turns;
    std::vector<Dependency> data;   ///< empty: nothing but the beginning of the cell
  };

  void add_cell(const Cell& cell) {
    cell_ = static_cast<std::uint32_t>(&cell - schedule_.cells[rank_].data());
    begin_stretch();
    begin_cell(cell);
    if (cell.kind == CellKind::weight) weight_cell(cell);
    else passes(cell);
    end_cell(cell);
  }

  void begin_cell(const Cell& cell) {
    std::vector<Dependency> after;
    if (end_ != PlanOp::none) after.push_back({Scope::own, end_});
    for (const std::uint32_t s : sends_) after.push_back({Scope::own, s});
    sends_.clear();
    const bool forward = cell.kind == CellKind::forward || cell.kind == CellKind::overlapped;
    const bool backward = cell.kind != CellKind::forward && cell.kind != CellKind::weight;
    if (forward && cell.forward.stage > 0) arrival(cell.forward, false, after);
    if (backward && cell.backward.stage + 1 < schedule_.stages) arrival(cell.backward, true, after);
    PlanOp op;
    op.kind = Kind::cell_begin;
    begin_ = add(op, std::move(after));
    last_compute_ = PlanOp::none;
  }

  /// Waits for the output of the stage before (in the direction of the pass), if another rank sends it. Numbers of sends are known
  /// once all ranks are planned: until then the key stands there.
  void arrival(Pass from, bool backward, std::vector<Dependency>& after) const {
    from.stage = backward ? from.stage + 1 : from.stage - 1;
    const std::uint32_t sender = schedule_.rank_of[from.direction][from.stage];
    if (sender != rank_) after.push_back({Scope::pipeline, static_cast<std::uint32_t>(send_key(schedule_, from, backward)), sender});
  }

  void end_cell(const Cell& cell) {
    std::vector<Dependency> after = {{Scope::own, last_compute_ != PlanOp::none ? last_compute_ : begin_}};
    if (last_received_ != PlanOp::none) after.push_back(received_);
    after.insert(after.end(), reduced_.begin(), reduced_.end());
    reduced_.clear();
    PlanOp op;
    op.kind = Kind::cell_end;
    end_ = add(op, std::move(after));
    if (cell.kind == CellKind::forward || cell.kind == CellKind::overlapped) send(cell.forward, false);
    if (cell.kind != CellKind::forward && cell.kind != CellKind::weight) send(cell.backward, true);
  }

  void send(const Pass& pass, bool backward) {
    if (backward ? pass.stage == 0 : pass.stage + 1 == schedule_.stages) return;
    PlanOp op;
    op.kind = Kind::send;
    op.peer = schedule_.rank_of[pass.direction][backward ? pass.stage - 1 : pass.stage + 1];
    if (op.peer == rank_) return;
    (*sent_)[send_key(schedule_, pass, backward)] = add(op, {{Scope::own, end_}});
    sends_.push_back(static_cast<std::uint32_t>(out_.ops.size() - 1));
  }

  void weight_cell(const Cell& cell) {
    const std::vector<Piece>& pieces = pieces_[cell.backward.stage];
    for (std::size_t i = pieces.size(); i-- > 0;) weigh(pieces[i], cell.backward, false, false);
  }

  /// Weight gradients of a piece: they wait for nothing but their turn.
  void weigh(const Piece& p, const Pass& pass, bool mlp_beside, bool attention_beside, bool mlp = true, bool attention = true) {
    weighs_ = true;
    const bool moe = p.kind == Piece::Kind::moe;
    switch (p.kind) {
      case Piece::Kind::embedding: last_compute_ = compute(Work::embedding_backward, plain_beside_, 0, {}); break;
      case Piece::Kind::projection: last_compute_ = compute(Work::projection_weight, plain_beside_, 0, {}); break;
      case Piece::Kind::head:
        if (late_head_) last_compute_ = compute(Work::head_weight, plain_beside_, 0, {});
        break;
      case Piece::Kind::dense:
      case Piece::Kind::moe:
        if (mlp) last_compute_ = compute(moe ? Work::moe_weight : Work::dense_weight, mlp_beside, moe ? routing_of(pass, p) : 0, {});
        if (attention) last_compute_ = compute(Work::attention_weight, attention_beside, 0, {});
        break;
    }
    weighs_ = false;
  }

  void passes(const Cell& cell) {
    Half f, b;
    f.on = cell.kind == CellKind::forward || cell.kind == CellKind::overlapped;
    b.on = cell.kind != CellKind::forward;
    if (f.on) f.pass = cell.forward, f.turns = turns_of(pieces_[cell.forward.stage], false);
    if (b.on) b.pass = cell.backward, b.turns = turns_of(pieces_[cell.backward.stage], true);
    with_weights_ = cell.kind == CellKind::backward || cell.kind == CellKind::overlapped;
    const std::size_t turns = std::max(f.turns.size(), b.turns.size());
    for (std::size_t i = 0; i < turns; ++i) {
      if (i > 0) begin_stretch();
      add_turn(f, i < f.turns.size() ? &f.turns[i] : nullptr, b, i < b.turns.size() ? &b.turns[i] : nullptr, i + 1 < b.turns.size() ? &b.turns[i + 1] : nullptr);
    }
    if (!teams_) return;   // else the last computing says it
    for (const Half* h : {&f, &b}) reduced_.insert(reduced_.end(), h->data.begin(), h->data.end());
  }

  bool exchanges(const Turn* t) const { return exchanges_ && t != nullptr && t->has_layer && t->layer.kind == Piece::Kind::moe; }

  void plain(Half& half, const Piece& p, bool backward) {
    Work work = Work::embedding_forward;
    switch (p.kind) {
      case Piece::Kind::embedding:
        if (backward) {   // a gather's gradient: a weight gradient alone
          if (with_weights_) weigh(p, half.pass, false, false);
          return;
        }
        break;
      case Piece::Kind::projection: work = backward ? Work::projection_backward : Work::projection_forward; break;
      case Piece::Kind::head: work = backward ? Work::head_backward : Work::head_forward; break;
      case Piece::Kind::dense:
      case Piece::Kind::moe: WEFT_CHECK(false, "a layer is no plain piece");
    }
    last_compute_ = compute(work, false, 0, half.data);
    half.data = {{Scope::own, last_compute_}};
    if (backward && p.kind == Piece::Kind::head && !late_head_) last_compute_ = compute(Work::head_weight, plain_beside_, 0, {});
    if (backward && with_weights_) weigh(p, half.pass, false, false);
  }

  /// One layer of each half that has one left. `next` is the backward half's next turn: its combine runs beside attn(W).
  void add_turn(Half& f, const Turn* forward, Half& b, const Turn* backward, const Turn* next) {
    if (forward != nullptr) {
      for (const Piece& p : forward->before) plain(f, p, false);
    }
    if (backward != nullptr) {
      for (const Piece& p : backward->before) {
        plain_beside_ = exchanges(backward) && &p == &backward->before.back();   // that exchange waits for its gradients of the inputs alone
        plain(b, p, true);
      }
      plain_beside_ = false;
    }
    const Turn* layer_f = forward != nullptr && forward->has_layer ? forward : nullptr;
    const Turn* layer_b = backward != nullptr && backward->has_layer ? backward : nullptr;
    const bool both = layer_f != nullptr && layer_b != nullptr;
    const bool moe_f = exchanges(layer_f), moe_b = exchanges(layer_b);
    const bool beside = both && (moe_f || moe_b);
    const bool is_moe_f = layer_f != nullptr && layer_f->layer.kind == Piece::Kind::moe;
    const bool is_moe_b = layer_b != nullptr && layer_b->layer.kind == Piece::Kind::moe;
    const std::uint32_t routing_f = is_moe_f ? routing_of(f.pass, layer_f->layer) : 0;
    const std::uint32_t routing_b = is_moe_b ? routing_of(b.pass, layer_b->layer) : 0;
    const auto from_begin = [&](Half& h) {
      if (h.data.empty()) h.data = {{Scope::own, begin_}};
    };
    if (moe_b) {
      from_begin(b);
      b.data = exchange(ExchangeKind::combine_backward, routing_b, b.data);
    }
    if (layer_f != nullptr) {
      last_compute_ = compute(Work::attention_forward, beside, 0, f.data);
      f.data = after_compute(last_compute_);
      if (moe_f) f.data = exchange(ExchangeKind::dispatch_forward, routing_f, f.data);
    }
    if (layer_b != nullptr) {
      last_compute_ = compute(is_moe_b ? Work::moe_backward : Work::dense_backward, beside, routing_b, b.data);
      b.data = after_compute(last_compute_);
      if (moe_b) b.data = exchange(ExchangeKind::dispatch_backward, routing_b, b.data);
      if (with_weights_) weigh(layer_b->layer, b.pass, beside || moe_b, false, true, false);
    }
    if (layer_f != nullptr) {
      last_compute_ = compute(is_moe_f ? Work::moe_forward : Work::dense_forward, beside, routing_f, f.data);
      f.data = after_compute(last_compute_);
      if (moe_f) f.data = exchange(ExchangeKind::combine_forward, routing_f, f.data);
    }
    if (layer_b != nullptr) {
      last_compute_ = compute(Work::attention_backward, beside, 0, b.data);
      b.data = after_compute(last_compute_);
      if (with_weights_) weigh(layer_b->layer, b.pass, false, beside || exchanges(next), false, true);
    }
  }

  const PipelineSchedule& schedule_;
  const std::vector<std::vector<Piece>>& pieces_;
  const StepPlan& plan_;
  bool exchanges_, late_head_, teams_;
  RankPlan& out_;
  std::vector<std::uint32_t>* sent_ = nullptr;
  std::uint32_t rank_ = 0, cell_ = 0;
  std::vector<std::uint32_t> sends_;  ///< of the cell before
  std::vector<Dependency> reduced_;   ///< what brings a cell's outputs together in teams
  Dependency received_;   ///< what those wait for who need what the last exchange brought
  std::uint32_t begin_ = PlanOp::none, end_ = PlanOp::none, last_compute_ = PlanOp::none, last_received_ = PlanOp::none;
  bool stretch_has_trigger_ = false, with_weights_ = false, weighs_ = false;
  bool plain_beside_ = false;   ///< weight gradients of a piece that is no layer go beside the exchange that follows it
};

}  // namespace

StepPlan plan_step(const PipelineSchedule& schedule, std::span<const StageContent> stages, const StepGrid& grid, bool expert_parallel, bool late_head_weight) {
  WEFT_CHECK(stages.size() == schedule.stages && grid.pipeline == schedule.ranks, "the layout has the schedule's stages and ranks");
  StepPlan plan;
  plan.grid = grid;
  const auto pieces = pieces_of(stages, plan.moe_layers);
  plan.ranks.resize(schedule.ranks);
  std::vector<std::uint32_t> sent(static_cast<std::size_t>(schedule.micro_batches) * schedule.stages * 2, PlanOp::none);
  for (std::uint32_t r = 0; r < schedule.ranks; ++r) RankPlanner(schedule, pieces, plan, expert_parallel, late_head_weight, plan.ranks[r]).plan(r, sent);
  for (RankPlan& r : plan.ranks) {
    for (Dependency& d : r.dependencies) {
      if (d.scope != Scope::pipeline) continue;
      WEFT_CHECK(sent[d.local] != PlanOp::none, "a stage waits for what no other sends");
      d.local = sent[d.local];
    }
    plan.most_ops = std::max(plan.most_ops, static_cast<std::uint32_t>(r.ops.size()));
  }
  return plan;
}

}  // namespace weft::workloads::training
