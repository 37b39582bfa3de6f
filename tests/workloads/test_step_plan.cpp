// The plan of a training step: operations of each cell, the order of an overlapped pair, who waits for whom, how many exchanges there are.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

#include "tests/workloads/schedule_checks.h"
#include "tests/workloads/training_layouts.h"
#include "workloads/training/step_plan.h"

using namespace weft;
namespace training = weft::workloads::training;
using namespace weft::workloads::training;
using namespace weft::workloads::training::test;

namespace {

using Kind = PlanOp::Kind;

constexpr const char* kAll[] = {"gpipe", "1f1b", "interleaved_1f1b", "zb1p", "zbv", "dualpipe", "dualpipev"};

/// EP groups of two nodes, `groups` of them on each pipeline rank.
StepGrid grid_of(std::uint32_t pipeline, std::uint32_t groups = 1, std::uint32_t team = 1) { return {pipeline, 16 * groups, 16, 8, team, 8}; }

/// Stages with so many MoE layers each, no ends.
StepPlan plan_of(const PipelineSchedule& s, std::uint32_t moe_layers) {
  return plan_step(s, std::vector<StageContent>(s.stages, {false, 0, moe_layers, 0, 0}), grid_of(s.ranks), true);
}

/// Numbers of an exchange are those of its arrive, ready, transfers to each block, and received.
bool begins_exchange(const RankPlan& plan, std::size_t i) { return plan.ops[i].kind == Kind::transfers && plan.ops[i - 1].kind != Kind::transfers; }

struct Counts {
  std::uint32_t computes = 0, exchanges = 0, sends = 0;
};

std::vector<Counts> by_cell(const RankPlan& plan) {
  std::vector<Counts> cells;
  for (std::size_t i = 0; i < plan.ops.size(); ++i) {
    const PlanOp& op = plan.ops[i];
    if (op.kind == Kind::cell_begin) cells.emplace_back();
    CHECK(op.cell == cells.size() - 1);
    cells.back().computes += op.kind == Kind::compute;
    cells.back().exchanges += begins_exchange(plan, i);
    cells.back().sends += op.kind == Kind::send;
  }
  return cells;
}

/// The computing, and the exchanges, of a cell in their order: "attn(F) mlp(F)".
std::string computing(const RankPlan& plan, std::uint32_t cell) {
  std::string text;
  for (const PlanOp& op : plan.ops) {
    if (op.kind == Kind::compute && op.cell == cell) text += (text.empty() ? "" : " ") + std::string(to_text(op.work));
  }
  return text;
}

std::string exchanging(const RankPlan& plan, std::uint32_t cell) {
  std::string text;
  for (std::size_t i = 0; i < plan.ops.size(); ++i) {
    if (begins_exchange(plan, i) && plan.ops[i].cell == cell) text += (text.empty() ? "" : " ") + std::string(to_text(plan.ops[i].exchange));
  }
  return text;
}

std::uint32_t cell_of_kind(const PipelineSchedule& s, std::uint32_t rank, CellKind kind) {
  const auto& cells = s.cells[rank];
  return static_cast<std::uint32_t>(std::find_if(cells.begin(), cells.end(), [&](const training::Cell& c) { return c.kind == kind; }) - cells.begin());
}

/// What each computing and exchange of a cell waits for, but for its turn: "dispatch(F) 0" for {"attn(F) 0"}; the number counts those of a name.
std::map<std::string, std::set<std::string>> waits(const RankPlan& plan, std::uint32_t cell) {
  std::map<std::string, int> seen;
  std::map<std::uint32_t, std::string> names;   // by number of the operation that others wait for
  std::map<std::string, std::set<std::string>> all;
  std::uint32_t received_before = PlanOp::none;
  std::string exchange;
  for (std::uint32_t i = 0; i < plan.ops.size(); ++i) {
    const PlanOp& op = plan.ops[i];
    if (op.kind == Kind::received && op.cell < cell) received_before = i;
    if (op.cell != cell) continue;
    const auto numbered = [&](const char* name) { return std::string(name) + " " + std::to_string(seen[name]++); };
    if (op.kind == Kind::cell_begin) names[i] = "begin";
    if (op.kind == Kind::received) names[i] = exchange, received_before = i;
    if (op.kind != Kind::compute && op.kind != Kind::arrive) continue;
    const std::string name = numbered(op.kind == Kind::compute ? to_text(op.work) : to_text(op.exchange));
    if (op.kind == Kind::compute) names[i] = name;
    else exchange = name;
    auto& of = all[name];
    for (std::uint32_t d = op.first; d < op.first + op.count; ++d) {
      const Dependency& dependency = plan.dependencies[d];
      if (op.kind == Kind::arrive && dependency.local == received_before && dependency.scope == Scope::own) continue;   // its turn
      REQUIRE(names.contains(dependency.local));
      of.insert(names[dependency.local]);
    }
  }
  return all;
}

}  // namespace

// A layer of a micro-batch: attention and MLP forward (2), for inputs (2) and for weights (2); two exchanges forward and two backward.
TEST_CASE("the operations of a cell follow from its kind, and every stage but the last sends what it has computed") {
  constexpr std::uint32_t layers = 3;
  for (const char* name : kAll) {
    const PipelineSchedule s = schedule_of(name, 4, 8);
    const StepPlan plan = plan_of(s, layers);
    REQUIRE(plan.ranks.size() == 4);
    for (std::uint32_t r = 0; r < 4; ++r) {
      const std::vector<Counts> cells = by_cell(plan.ranks[r]);
      REQUIRE(cells.size() == s.cells[r].size());
      for (std::size_t c = 0; c < cells.size(); ++c) {
        const training::Cell& cell = s.cells[r][c];
        const std::string where = std::string(name) + " rank " + std::to_string(r) + ": " + to_text(cell, s);
        CAPTURE(where);
        const std::uint32_t f = cell.has_forward(), b = cell.has_backward(), w = cell.has_weight();
        CHECK(cells[c].computes == 2 * layers * (f + b + w));
        CHECK(cells[c].exchanges == 2 * layers * (f + b));
        const bool sends_f = f && cell.forward.stage + 1 < s.stages && s.rank_of[cell.forward.direction][cell.forward.stage + 1] != r;
        const bool sends_b = b && cell.backward.stage > 0 && s.rank_of[cell.backward.direction][cell.backward.stage - 1] != r;
        CHECK(cells[c].sends == sends_f + sends_b);
      }
    }
  }
}

TEST_CASE("every MoE layer has its four exchanges with every micro-batch, each once, on the ranks of its stage") {
  for (const char* name : kAll) {
    const PipelineSchedule s = schedule_of(name, 4, 8);
    const StepPlan plan = plan_of(s, 2);
    CAPTURE(name);
    CHECK(plan.moe_layers == 2 * s.stages);
    std::map<std::pair<std::uint32_t, ExchangeKind>, int> times;   // by routing
    for (std::uint32_t r = 0; r < 4; ++r) {
      for (std::size_t i = 0; i < plan.ranks[r].ops.size(); ++i) {
        if (!begins_exchange(plan.ranks[r], i)) continue;
        const PlanOp& op = plan.ranks[r].ops[i];
        ++times[{op.routing, op.exchange}];
        const std::uint32_t layer = op.routing % plan.moe_layers, direction = op.routing / plan.moe_layers / s.per_direction();
        CHECK(s.rank_of[direction][layer / 2] == r);
      }
    }
    CHECK(times.size() == 4 * plan.moe_layers * s.micro_batches);
    CHECK(std::all_of(times.begin(), times.end(), [](const auto& t) { return t.second == 1; }));
  }
}

// 2 forward + 2 backward, 16 stages of 4 MoE layers, 120 micro-batches, 2 groups of 64 on each of the 16 x 128 GPUs: 4 x 64 x 120 x 2.
TEST_CASE("a step on 2,048 GPUs with 16 stages of 4 MoE layers has 61,440 exchanges of 64 GPUs, and as many flows as 31 million") {
  const PipelineSchedule s = schedule_of("dualpipe", 16, 120);
  const StepGrid grid{16, 128, 64, 8, 1, 8};
  const StepPlan plan = plan_step(s, std::vector<StageContent>(16, {false, 0, 4, 0, 0}), grid, true);
  std::uint64_t exchanges = 0, transfers = 0;
  for (const RankPlan& r : plan.ranks) {
    for (std::size_t i = 0; i < r.ops.size(); ++i) {
      exchanges += begins_exchange(r, i) ? grid.groups() : 0;
      transfers += r.ops[i].kind == Kind::transfers ? grid.stage_size : 0;
    }
  }
  CHECK(exchanges == 61440);
  CHECK(transfers == std::uint64_t{61440} * 64 * 8);   // each GPU to each of 8 nodes: 31,457,280
  // DeepSeek-V3 itself has 58 MoE layers and one in its MTP module: 4 x 59 x 120 x 2.
  const models::Llm m = model("deepseek-v3");
  exchanges = 0;
  for (const RankPlan& r : plan_step(s, deepseek(m).stages, grid, true).ranks) {
    for (std::size_t i = 0; i < r.ops.size(); ++i) exchanges += begins_exchange(r, i) ? grid.groups() : 0;
  }
  CHECK(exchanges == 56640);
}

TEST_CASE("an overlapped pair of layers runs in the order of DeepSeek's profile (compute.md 4.1), layer after layer") {
  const PipelineSchedule s = schedule_of("dualpipe", 4, 8);
  const StepPlan plan = plan_of(s, 2);
  const std::uint32_t cell = cell_of_kind(s, 1, CellKind::overlapped);
  const std::string one = "attn(F) mlp(B) mlp(W) mlp(F) attn(B) attn(W)", comm = "combine(B) dispatch(F) dispatch(B) combine(F)";
  CHECK(computing(plan.ranks[1], cell) == one + " " + one);
  CHECK(exchanging(plan.ranks[1], cell) == comm + " " + comm);
}

TEST_CASE("cells with one half alone keep its order, and weights wait for nothing but their turn") {
  const PipelineSchedule s = schedule_of("dualpipe", 4, 8);
  const StepPlan plan = plan_of(s, 1);
  const RankPlan& rank = plan.ranks[0];
  const auto both = [&](CellKind kind) { return computing(rank, cell_of_kind(s, 0, kind)) + " | " + exchanging(rank, cell_of_kind(s, 0, kind)); };
  CHECK(both(CellKind::forward) == "attn(F) mlp(F) | dispatch(F) combine(F)");
  CHECK(both(CellKind::backward) == "mlp(B) mlp(W) attn(B) attn(W) | combine(B) dispatch(B)");
  CHECK(both(CellKind::backward_input) == "mlp(B) attn(B) | combine(B) dispatch(B)");
  CHECK(both(CellKind::weight) == "mlp(W) attn(W) | ");
}

// deps: dispatch(F) <- attn(F); mlp(F) <- dispatch(F); combine(F) <- mlp(F); next attn(F) <- combine(F); mlp(B) <- combine(B);
// dispatch(B) <- mlp(B); attn(B) <- dispatch(B); next combine(B) <- attn(B); nothing waits for W's.
TEST_CASE("who waits for whom in an overlapped pair is what compute.md 4.1 says") {
  const PipelineSchedule s = schedule_of("dualpipe", 4, 8);
  const StepPlan plan = plan_of(s, 2);
  using Waits = std::map<std::string, std::set<std::string>>;
  CHECK(waits(plan.ranks[1], cell_of_kind(s, 1, CellKind::overlapped)) ==
        Waits{{"attn(F) 0", {"begin"}}, {"dispatch(F) 0", {"attn(F) 0"}}, {"mlp(F) 0", {"dispatch(F) 0"}}, {"combine(F) 0", {"mlp(F) 0"}},
              {"attn(F) 1", {"combine(F) 0"}}, {"dispatch(F) 1", {"attn(F) 1"}}, {"mlp(F) 1", {"dispatch(F) 1"}}, {"combine(F) 1", {"mlp(F) 1"}},
              {"combine(B) 0", {"begin"}}, {"mlp(B) 0", {"combine(B) 0"}}, {"dispatch(B) 0", {"mlp(B) 0"}}, {"attn(B) 0", {"dispatch(B) 0"}},
              {"combine(B) 1", {"attn(B) 0"}}, {"mlp(B) 1", {"combine(B) 1"}}, {"dispatch(B) 1", {"mlp(B) 1"}}, {"attn(B) 1", {"dispatch(B) 1"}},
              {"mlp(W) 0", {"begin"}}, {"attn(W) 0", {"begin"}}, {"mlp(W) 1", {"begin"}}, {"attn(W) 1", {"begin"}}});
}

TEST_CASE("an exchange begins when all of its group have come, and exchanges of a GPU follow one another") {
  const PipelineSchedule s = schedule_of("1f1b", 2, 2);
  const RankPlan rank = plan_of(s, 1).ranks[0];
  std::uint32_t received_before = PlanOp::none;
  for (std::uint32_t i = 0; i < rank.ops.size(); ++i) {
    const PlanOp& op = rank.ops[i];
    const auto has = [&](Scope scope, std::uint32_t local) {
      return std::any_of(rank.dependencies.begin() + op.first, rank.dependencies.begin() + op.first + op.count,
                         [&](const Dependency& d) { return d.scope == scope && d.local == local; });
    };
    if (op.kind == Kind::arrive && received_before != PlanOp::none) CHECK(has(Scope::own, received_before));
    if (op.kind == Kind::ready) CHECK(has(Scope::rail, i - 1));
    if (op.kind == Kind::received) {
      // Two blocks: the transfers have the two numbers before. What goes out comes from all of the rail, what comes back is the GPU's own.
      CHECK(has(goes_out(op.exchange) ? Scope::rail_to_block : Scope::own_transfers, i - 2));
      received_before = i;
    }
  }
}

TEST_CASE("a cell waits for what the stage before sends, and for nothing that its own rank has") {
  for (const char* name : kAll) {
    const PipelineSchedule s = schedule_of(name, 4, 8);
    const StepPlan plan = plan_of(s, 1);
    CAPTURE(name);
    std::set<std::pair<std::uint32_t, std::uint32_t>> taken;
    std::size_t sends = 0;
    for (std::uint32_t r = 0; r < 4; ++r) {
      for (const PlanOp& op : plan.ranks[r].ops) {
        sends += op.kind == Kind::send;
        for (std::uint32_t d = op.first; d < op.first + op.count; ++d) {
          const Dependency& from = plan.ranks[r].dependencies[d];
          if (from.scope != Scope::pipeline) continue;
          REQUIRE(op.kind == Kind::cell_begin);
          const PlanOp& sent = plan.ranks[from.pipeline].ops[from.local];
          CHECK((sent.kind == Kind::send && sent.peer == r));
          CHECK(taken.insert({from.pipeline, from.local}).second);
          // The sender's cell has the same micro-batch at the stage before, in the direction of the pass.
          const training::Cell &there = s.cells[from.pipeline][sent.cell], &here = s.cells[r][op.cell];
          const auto follows = [](const Pass& a, const Pass& b, int by) {
            return a.direction == b.direction && a.micro_batch == b.micro_batch && static_cast<int>(a.stage) + by == static_cast<int>(b.stage);
          };
          CHECK(((here.has_forward() && there.has_forward() && follows(there.forward, here.forward, 1)) ||
                 (here.has_backward() && there.has_backward() && follows(there.backward, here.backward, -1))));
        }
      }
    }
    CHECK(taken.size() == sends);   // each is waited for, once
  }
}

TEST_CASE("embedding, dense layers, MTP and heads stand in their places; dense layers exchange nothing") {
  const PipelineSchedule s = schedule_of("1f1b", 2, 1);
  const std::vector<StageContent> stages = {{true, 1, 1, 0, 0}, {false, 0, 1, 1, 2}};
  const StepPlan plan = plan_step(s, stages, grid_of(2), true), late = plan_step(s, stages, grid_of(2), true, true);
  CHECK(plan.moe_layers == 3);
  CHECK(computing(plan.ranks[0], 0) == "embedding(F) attn(F) dense mlp(F) attn(F) mlp(F)");
  CHECK(exchanging(plan.ranks[0], 0) == "dispatch(F) combine(F)");
  CHECK(computing(plan.ranks[0], 1) == "mlp(B) mlp(W) attn(B) attn(W) dense mlp(B) dense mlp(W) attn(B) attn(W) embedding(B)");
  CHECK(exchanging(plan.ranks[0], 1) == "combine(B) dispatch(B)");
  CHECK(computing(plan.ranks[1], 0) == "attn(F) mlp(F) mtp projection(F) attn(F) mlp(F) head(F) head(F)");
  const std::string layer = "mlp(B) mlp(W) attn(B) attn(W)";
  CHECK(computing(plan.ranks[1], 1) == "head(B) head(W) head(B) head(W) " + layer + " mtp projection(B) mtp projection(W) " + layer);
  CHECK(computing(late.ranks[1], 1) == computing(plan.ranks[1], 1));
  // Where inputs and weights are cells of their own, the head's weights are taken with its inputs, or with the layers'.
  const PipelineSchedule zero = schedule_of("zb1p", 2, 2);
  const auto weights = [&](bool later) {
    const StepPlan p = plan_step(zero, stages, grid_of(2), true, later);
    return computing(p.ranks[1], cell_of_kind(zero, 1, CellKind::weight));
  };
  CHECK(weights(false) == "mlp(W) attn(W) mtp projection(W) mlp(W) attn(W)");
  CHECK(weights(true) == "head(W) head(W) mlp(W) attn(W) mtp projection(W) mlp(W) attn(W)");
}

TEST_CASE("computing beside an exchange is marked: all of a pair, weights between the exchanges of a backward alone") {
  const PipelineSchedule s = schedule_of("dualpipe", 4, 8);
  const StepPlan plan = plan_of(s, 2);
  const auto beside = [&](CellKind kind) {
    std::string text;
    for (const PlanOp& op : plan.ranks[0].ops) {
      if (op.kind == Kind::compute && op.cell == cell_of_kind(s, 0, kind) && op.beside) text += std::string(to_text(op.work)) + " ";
    }
    return text;
  };
  CHECK(beside(CellKind::overlapped) == "attn(F) mlp(B) mlp(W) mlp(F) attn(B) attn(W) attn(F) mlp(B) mlp(W) mlp(F) attn(B) attn(W) ");
  CHECK(beside(CellKind::backward) == "mlp(W) attn(W) mlp(W) ");   // the last attn(W) has no combine(B) to hide
  CHECK(beside(CellKind::forward).empty());
  CHECK(beside(CellKind::weight).empty());
}

TEST_CASE("tensor parallelism reduces after attention and after the MLP, and a cell ends, and sends, when its last reduction has") {
  const PipelineSchedule s = schedule_of("1f1b", 2, 1);
  const StepPlan plan = plan_step(s, std::vector<StageContent>(2, {false, 1, 0, 0, 0}), {2, 8, 8, 8, 2, 8}, false);
  for (const RankPlan& rank : plan.ranks) {
    for (std::uint32_t cell = 0; cell < 2; ++cell) {
      CHECK(exchanging(rank, cell) == "tensor tensor");
      std::uint32_t last = 0;
      for (std::uint32_t i = 0; i < rank.ops.size(); ++i) {
        const PlanOp& op = rank.ops[i];
        if (op.cell != cell) continue;
        if (op.kind == Kind::received) last = i;
        if (op.kind != Kind::cell_end) continue;
        CHECK(std::any_of(rank.dependencies.begin() + op.first, rank.dependencies.begin() + op.first + op.count, [&](const Dependency& d) { return d.local == last; }));
      }
    }
  }
}
