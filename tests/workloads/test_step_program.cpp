// The program of a training step: without communication it is its schedule, with it each exchange is DeepEP's; folded, counted or in parts it is the same.
#include <doctest/doctest.h>

#include "tests/support/fold_checks.h"
#include "tests/workloads/schedule_checks.h"
#include "tests/workloads/training_runs.h"
#include "workloads/training/schedule_times.h"

using namespace weft;
namespace training = weft::workloads::training;
using namespace weft::workloads::training;
using namespace weft::workloads::training::test;
using weft::testing::Ground;
using doctest::Approx;

namespace {

/// Four pipeline ranks of two nodes each, so that EP16 spans them; unrestricted gates have fan-outs by formula.
std::string keys(const std::string& schedule, const std::string& model, const std::string& more = "") {
  return R"("model": )" + model + R"(, "schedule": ")" + schedule + R"(", "pp": 4, "ep": 16, "micro_batches": 8, "sequence": 512, "gate": "unrestricted")" + more;
}

/// Nothing but the bytes takes time.
Ground ideal(std::uint32_t nodes) { return Ground(testing::mpft, nodes, "ideal", "ideal"); }
Ground real(std::uint32_t nodes, const std::string& topology = testing::mpft) { return Ground(topology, nodes, "h800", "infiniband"); }

/// The computing of a cell of stages with MoE layers alone, and perhaps embedding and heads. A layer of both halves computes beside exchanges
/// throughout; of a half alone the weights do that have one to hide: mlp(W) the dispatch(B) and attn(W) the combine(B) of the layer that comes next.
Seconds cell_time(const StepCosts& costs, const std::vector<StageContent>& stages, const training::Cell& cell) {
  Seconds sum;
  const auto add = [&](Work w, bool beside, std::uint32_t times = 1) { sum += costs.time(w, beside) * times; };
  std::uint32_t forward = 0, backward = 0;   // layers
  if (cell.has_forward()) {
    const StageContent& s = stages[cell.forward.stage];
    add(Work::embedding_forward, false, s.embedding);
    add(Work::head_forward, false, s.heads);
    forward = s.moe_layers;
  }
  if (cell.kind != CellKind::forward) {
    const StageContent& s = stages[cell.backward.stage];
    backward = s.moe_layers;
    if (cell.has_backward()) add(Work::head_backward, false, s.heads), add(Work::head_weight, false, s.heads);
    if (cell.has_weight()) add(Work::embedding_backward, false, s.embedding);
  }
  for (std::uint32_t i = 0; i < std::max(forward, backward); ++i) {
    const bool f = i < forward, b = i < backward, pair = f && b;
    if (f) add(Work::attention_forward, pair), add(Work::moe_forward, pair);
    if (b && cell.has_backward()) add(Work::moe_backward, pair), add(Work::attention_backward, pair);
    if (b && cell.kind == CellKind::weight) add(Work::moe_weight, false), add(Work::attention_weight, false);
    if (b && cell.kind != CellKind::weight && cell.has_weight()) add(Work::moe_weight, true), add(Work::attention_weight, pair || i + 1 < backward);
  }
  return sum;
}

double binomial(double n, double k) { return k == 0 ? 1 : binomial(n - 1, k - 1) * n / k; }
/// Of `parts` equal parts of the experts, those that a token's 8 of 64 lie on: each is missed with C(64 - 64/parts, 8) / C(64, 8).
double reached(double parts) { return parts * (1 - binomial(64 - 64 / parts, 8) / binomial(64, 8)); }

double length(const Span& s) { return s.end - s.begin; }

}  // namespace

TEST_CASE("without communication every cell of every schedule begins and ends as play() says, with the sum of its kernels for its time") {
  const Ground ground = real(8);   // wires take time that nobody waits for
  for (const ScheduleKind& kind : schedule_kinds()) {
    CAPTURE(kind.name);
    const StepSetup setup = step_setup(keys(kind.name, small_model(0, 9), R"(, "communication": false)"));
    const PreparedStep step = prepared(setup, ground);
    const PlayedSchedule due = play(step.schedule, [&](const training::Cell& c, std::uint32_t) { return cell_time(step.job->costs, step.layout.stages, c); });
    const Ran is = ran(ground, step);
    CHECK(is.pipeline.value() == Approx(due.makespan.value()).epsilon(1e-9));
    double worst = 0;
    for (std::size_t r = 0; r < due.cells.size(); ++r) {
      REQUIRE(is.record.ranks[r].cells.size() == due.cells[r].size());
      for (std::size_t c = 0; c < due.cells[r].size(); ++c) {
        worst = std::max({worst, std::abs(is.record.ranks[r].cells[c].begin - due.cells[r][c].start.value()),
                          std::abs(is.record.ranks[r].cells[c].end - due.cells[r][c].finish.value())});
      }
    }
    CHECK(worst < 1e-9 * due.makespan.value());
  }
}

TEST_CASE("without communication gradients and weights are where they are due at once") {
  const Ground ground = real(8);
  for (const bool communicates : {false, true}) {
    const StepSetup setup = step_setup(keys("dualpipe", small_model(0, 4), communicates ? "" : R"(, "communication": false)"));
    const PreparedStep step = prepared(setup, ground);
    for (const SyncPass pass : {SyncPass::reduce_scatter, SyncPass::all_gather}) {
      CHECK((ground.makespan(*sync_program(setup, step.layout, step.job->plan.grid, pass)) > Seconds(0)) == communicates);
    }
  }
}

// A rank sends N tokens, each once to every node that it has to reach, and a share (n - 1) / n of that over its NIC; 7/8 of the copies for ranks go over
// the NVLink port of the GPU that received them. T = N b max(E_nodes (n - 1) / n / nic, E_ranks 7/8 / nvlink).
TEST_CASE("an exchange alone takes what DeepEP's kernel takes, there and back, after the layout or the cast that goes before it") {
  const std::string kernel = R"({"nic_rate": "44 GB/s", "nvlink_rate": "125 GB/s"})";
  for (const std::uint32_t ep : {16u, 32u}) {
    const std::uint32_t nodes = ep / 8;
    const std::string more = R"(, "gate": "unrestricted", "kernel": )" + kernel;
    const StepSetup setup = step_setup(R"("model": )" + small_model(0, 1) + R"(, "pp": 1, "ep": )" + std::to_string(ep) + R"(, "micro_batches": 1)" + more);
    const Ran is = ran(ideal(nodes), setup);
    const double each = 4096 * std::max(reached(nodes) * (nodes - 1) / nodes / 44e9, reached(ep) * 7 / 8 / 125e9);
    REQUIRE(is.record.ranks[0].exchanging.size() == 4);
    const auto& x = is.record.ranks[0].exchanging;
    CHECK(length(x[0]) == Approx(7392 * each + 102e-6).epsilon(1e-9));    // dispatch(F): FP8 with scales, after get_dispatch_layout
    CHECK(length(x[1]) == Approx(14336 * each).epsilon(1e-9));            // combine(F): BF16
    CHECK(length(x[2]) == Approx(7392 * each + 270e-6).epsilon(1e-9));    // combine(B): gradients, after their cast
    CHECK(length(x[3]) == Approx(14336 * each).epsilon(1e-9));            // dispatch(B)
    // And so the workloads of DeepEP's kernels have it, wires and all.
    const Ground ground = real(nodes);
    const Ran here = ran(ground, setup);
    const auto alone = [&](const std::string& kind) {
      return 1e-6 * ground.number(R"({"kind": ")" + kind + R"(", "experts": 64, "topk": 8, "draw": "expected", "ep": )" + std::to_string(ep) + more + "}", "time_us");
    };
    CHECK(length(here.record.ranks[0].exchanging[0]) == Approx(alone("deepep_dispatch") + 102e-6).epsilon(1e-9));
    CHECK(length(here.record.ranks[0].exchanging[1]) == Approx(alone("deepep_combine")).epsilon(1e-9));
  }
}

TEST_CASE("a group inside a node exchanges over NVLink alone") {
  const StepSetup setup = step_setup(R"("model": )" + small_model(0, 1) + R"(, "pp": 1, "ep": 8, "micro_batches": 1, "gate": "unrestricted",
    "intranode_kernel": {"nvlink_rate": "125 GB/s"})");
  const Ran is = ran(ideal(1), setup);
  CHECK(length(is.record.ranks[0].exchanging[1]) == Approx(4096 * 14336 * reached(8) * 7 / 8 / 125e9).epsilon(1e-9));
}

TEST_CASE("from stage to stage a micro-batch takes its bytes over a NIC and the kernel's start") {
  // 4,096 tokens of 7,168 elements in BF16 at 48 GB/s, after 8.4 us (nccl_ring): 1.23 ms.
  const StepSetup setup = step_setup(R"("model": )" + small_model(0, 2) + R"(, "schedule": "gpipe", "pp": 2, "ep": 8, "micro_batches": 1, "gate": "unrestricted")");
  const Ran is = ran(ideal(2), setup);
  const auto& r = is.record.ranks;
  const double hop = 8.4e-6 + 4096 * 14336 / 48e9;
  CHECK(r[1].cells[0].begin - r[0].cells[0].end == Approx(hop).epsilon(1e-9));
  CHECK(r[0].cells[1].begin - r[1].cells[1].end == Approx(hop).epsilon(1e-9));
}

// Rings of t GPUs move 2 (t - 1) / t of the layer's output over each NVLink port, at 160 GB/s after 8.4 us (nccl_ring).
TEST_CASE("tensor parallelism adds an all-reduce after attention and after the MLP, forward and backward, and each is waited for") {
  const StepSetup setup = step_setup(R"("model": )" + small_model(1, 0) + R"(, "schedule": "gpipe", "pp": 1, "tp": 4, "micro_batches": 1)");
  const PreparedStep step = prepared(setup, ideal(1));
  const Ran is = ran(ideal(1), step);
  const auto& r = is.record.ranks[0];
  const double reduce = 8.4e-6 + 2 * 3 / 4.0 * 4096 * 14336 / 160e9;
  CHECK(r.exchanging.empty());
  REQUIRE(r.reducing.size() == 4);
  for (const Span& s : r.reducing) CHECK(length(s) == Approx(reduce).epsilon(1e-9));
  double forward = 2 * reduce, backward = 0;
  for (const Work w : {Work::embedding_forward, Work::attention_forward, Work::dense_forward, Work::head_forward}) forward += step.job->costs.time(w, false).value();
  CHECK(length(r.cells[0]) == Approx(forward).epsilon(1e-9));
  // Backward: weights of the MLP are taken while its inputs' gradients are summed; those of attention and embedding while attention's are.
  const auto time = [&](Work w) { return step.job->costs.time(w, false).value(); };
  backward = time(Work::head_backward) + time(Work::head_weight) + time(Work::dense_backward) + std::max(reduce, time(Work::dense_weight)) +
             time(Work::attention_backward) + std::max(reduce, time(Work::attention_weight) + time(Work::embedding_backward));
  CHECK(length(r.cells[1]) == Approx(backward).epsilon(1e-9));
  const StepParts parts = parts_of(step.schedule, is.record, is.pipeline, {}).front();
  CHECK(parts.communicating == Approx(4 * reduce).epsilon(1e-9));
  CHECK(parts.exposed == Approx(2 * reduce + std::max(0.0, reduce - time(Work::dense_weight)) +
                                std::max(0.0, reduce - time(Work::attention_weight) - time(Work::embedding_backward))).epsilon(1e-9));
}

TEST_CASE("folded, in full, counted and by markers: PP4 x EP16 is the same step to 1e-9, on planes and on rails") {
  const StepSetup setup = step_setup(keys("dualpipe", small_model(0, 4)));
  for (const std::string& topology : {testing::mpft, testing::mrft}) {
    const Ground ground = real(8, topology);
    const PreparedStep step = prepared(setup, ground);
    const Ran folded = ran(ground, step), counted = ran(ground, step, in_full());
    CHECK(folded.summary.simulated_ranks == 4);   // one GPU a pipeline rank stands for all
    CHECK(folded.summary.ranks == 64);
    CHECK(counted.summary.ranks == 0);
    CHECK(difference(folded, counted) < 1e-9);
    CHECK(difference(ran(ground, step, in_full(), As::markers), counted) < 1e-9);
    CHECK(simulated(testing::fold_and_full(ground.fabric, [&] { return std::make_unique<ByMarkers>(std::make_unique<StepProgram>(step.job)); })) == 4);
  }
}

TEST_CASE("a record begins anew with every run, folded or not") {
  const Ground ground = real(8);
  const PreparedStep step = prepared(step_setup(keys("1f1b", small_model(0, 4))), ground);
  for (const bool fold : {true, false}) {
    engine::Options options;
    options.fold = fold;
    const auto record = std::make_shared<StepRecord>(step.job->plan);
    for (int run = 0; run < 2; ++run) {
      StepProgram program(step.job, record);
      ground.makespan(program, options);
    }
    CHECK(record->ranks[0].computing.size() == ran(ground, step).record.ranks[0].computing.size());
  }
}

TEST_CASE("groups on a pipeline rank run in parts or together, in any number of threads, and fold to one: the same step") {
  const Ground ground = real(16);   // two groups of EP16 on each of four pipeline ranks
  for (const std::string more : {"", R"(, "routing": "drawn", "sequence": 128)"}) {
    CAPTURE(more);
    const StepSetup setup = step_setup(R"("model": )" + small_model(0, 4) + R"(, "schedule": "zb1p", "pp": 4, "ep": 16, "micro_batches": 4, "gate": "unrestricted")" + more);
    const PreparedStep step = prepared(setup, ground);
    CHECK(StepProgram(step.job).parts().size() == 2);
    engine::Options options = in_full();
    const Ran parts = ran(ground, step, options), whole = ran(ground, step, options, As::whole), folded = ran(ground, step);
    options.threads = 2;
    CHECK(difference(parts, whole) < 1e-9);
    CHECK(difference(ran(ground, step, options), parts) == 0);
    CHECK(difference(folded, whole) < 1e-9);
    CHECK(folded.summary.simulated_ranks == (more.empty() ? 4 : 0));
  }
}

TEST_CASE("the first rank of each group alone, waiting for none of the others, is never slower than all of them: its bound is theirs") {
  const Ground ground = real(8);
  for (const ScheduleKind& kind : schedule_kinds()) {
    for (const std::string more : {"", R"(, "routing": "drawn", "imbalance": 0.5)", R"(, "jitter": 0.2)", R"(, "tp": 2, "sequence_parallel": true)"}) {
      CAPTURE(kind.name);
      CAPTURE(more);
      const PreparedStep step = prepared(step_setup(keys(kind.name, small_model(0, 8), more)), ground);
      const Seconds alone = ground.makespan(*StepProgram::skeleton(step.job));
      CHECK(alone > Seconds(0));
      CHECK(alone.value() <= ran(ground, step).pipeline.value() * (1 + 1e-9));
    }
  }
}

TEST_CASE("several groups in a node, and teams beside experts, fold too") {
  const Ground ground = real(4);
  const auto check = [&](const std::string& layout) {
    CAPTURE(layout);
    const StepSetup setup = step_setup(R"("model": )" + small_model(0, 2) + R"(, "schedule": "1f1b", "pp": 2, "micro_batches": 2, "sequence": 512, "gate": "unrestricted", )" + layout);
    const PreparedStep step = prepared(setup, ground);
    const Ran full = ran(ground, step, in_full());
    CHECK(difference(ran(ground, step), full) < 1e-9);
    CHECK(simulated(testing::fold_and_full(ground.fabric, [&] { return std::make_unique<ByMarkers>(std::make_unique<StepProgram>(step.job)); })) > 0);
    if (setup.layout.tp == 1) CHECK(difference(ran(ground, step, in_full(), As::markers), full) < 1e-9);
  };
  check(R"("ep": 4)");
  check(R"("ep": 8)");
  check(R"("ep": 16, "tp": 2, "sequence_parallel": true)");
}

TEST_CASE("a label of computing says what part of it is in kernels that memory limits, by the work and by what runs beside it") {
  const Ground ground = real(8);
  const PreparedStep step = prepared(step_setup(keys("dualpipe", small_model(0, 9))), ground);
  const StepCosts& costs = step.job->costs;
  CHECK(costs.hbm_share(Work::embedding_forward, false) > costs.hbm_share(Work::moe_forward, false));
  CHECK(costs.hbm_share(Work::moe_forward, false) > 0);
  StepProgram program(step.job);
  testing::RecordingSink sink;
  program.start(sink);
  std::size_t computes = 0;
  for (const auto& c : sink.computes) {
    workloads::OpLabel label;
    REQUIRE(program.label(c.id, label));
    computes += label.name == to_text(Work::embedding_forward) && label.hbm_share == costs.hbm_share(Work::embedding_forward, false);
    computes += label.name == to_text(Work::attention_forward) && label.hbm_share > 0 && label.hbm_share < 1;
  }
  CHECK(computes > 0);
  workloads::OpLabel used;
  used.hbm_share = 0.5;
  used.clear();
  CHECK(used.hbm_share == 0);
}
