// The workload training_step: a step of DeepSeek-V3 on 2,048 GPUs against its bounds, how it answers to faster parts, jitter, and input that does not fit.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>

#include "tests/workloads/training_runs.h"
#include "workloads/training/schedule_times.h"

using namespace weft;
namespace training = weft::workloads::training;
using namespace weft::workloads::training;
using namespace weft::workloads::training::test;
using weft::testing::Ground;
using doctest::Approx;

namespace {

/// Sanitizers take twenty times as long: a quarter of the pipeline then.
#ifdef __SANITIZE_ADDRESS__
constexpr std::uint32_t kPipeline = 4, kMicroBatches = 24;
#else
constexpr std::uint32_t kPipeline = 16, kMicroBatches = 120;
#endif

/// 128 GPUs a pipeline rank: two groups of EP64.
constexpr std::uint32_t kNodes = kPipeline * 16;

const std::string kStep = R"("model": "deepseek-v3", "gpu": "h800", "schedule": "dualpipe", "ep": 64, "pp": )" + std::to_string(kPipeline) +
                          R"(, "micro_batches": )" + std::to_string(kMicroBatches);

Ground with_nic(const std::string& rate, std::uint32_t nodes, const std::string& transport = "ideal") {
  return Ground(testing::mpft, nodes, R"({"extends": "h800", "nic_rate": ")" + rate + R"("})", transport);
}

/// Of a stage: whether each of its layers has experts, in the order of the forward pass, and what stands before and behind them.
struct Layers {
  std::vector<bool> moe;
  explicit Layers(const StageContent& s) : moe(s.dense_layers, false) { moe.insert(moe.end(), s.moe_layers + s.mtp_modules, true); }
};

/// The least time of a cell whose exchanges take `out` (tokens to experts) and `back` seconds. A layer of both halves: as long as its
/// computing, or as its exchanges where these are longer, since one follows the other without a pause then. A half alone shows its exchanges, but that
/// mlp(W) hides dispatch(B) (a way back) and attn(W) the next layer's combine(B) (a way out).
double cell_bound(const StepCosts& costs, const std::vector<StageContent>& stages, const training::Cell& cell, double out, double back) {
  const auto time = [&](Work w, bool beside = false) { return costs.time(w, beside).value(); };
  double sum = 0;
  std::vector<bool> forward, backward;
  if (cell.has_forward()) {
    const StageContent& s = stages[cell.forward.stage];
    forward = Layers(s).moe;
    sum += s.embedding * time(Work::embedding_forward) + s.mtp_modules * time(Work::projection_forward) + s.heads * time(Work::head_forward);
  }
  if (cell.kind != CellKind::forward) {
    const StageContent& s = stages[cell.backward.stage];
    backward = Layers(s).moe;
    std::reverse(backward.begin(), backward.end());
    // The last head's weight gradient goes beside the combine(B) for which its gradient of the inputs was waited, and so does an MTP projection's.
    const bool then = !backward.empty() && backward.front();
    if (cell.has_backward()) {
      sum += s.mtp_modules * time(Work::projection_backward) + s.heads * (time(Work::head_backward) + time(Work::head_weight));
      if (s.heads > 0) sum += time(Work::head_weight, then) - time(Work::head_weight);
    }
    if (cell.has_weight()) sum += s.embedding * time(Work::embedding_backward) + s.mtp_modules * time(Work::projection_weight, cell.has_backward() && s.moe_layers > 0);
  }
  for (std::size_t i = 0; i < std::max(forward.size(), backward.size()); ++i) {
    const bool f = i < forward.size(), b = i < backward.size(), fm = f && forward[i], bm = b && backward[i], beside = f && b && (fm || bm);
    const double attention_f = f ? time(Work::attention_forward, beside) : 0, mlp_f = f ? time(fm ? Work::moe_forward : Work::dense_forward, beside) : 0;
    const double mlp_b = b ? time(bm ? Work::moe_backward : Work::dense_backward, beside) : 0, attention_b = b ? time(Work::attention_backward, beside) : 0;
    const double mlp_w = b ? time(bm ? Work::moe_weight : Work::dense_weight, beside) : 0, attention_w = b ? time(Work::attention_weight, beside) : 0;
    const double exchanges = (fm + bm) * (out + back);
    if (cell.kind == CellKind::weight) {
      sum += mlp_w + attention_w;
    } else if (f && b) {
      sum += std::max(attention_f + mlp_b + mlp_w + mlp_f + attention_b + attention_w, exchanges);
    } else if (f) {
      sum += attention_f + mlp_f + exchanges;
    } else if (!cell.has_weight()) {
      sum += mlp_b + attention_b + exchanges;
    } else {
      const bool next = i + 1 < backward.size() && backward[i + 1];
      sum += (bm && i == forward.size() ? out : 0) + mlp_b + std::max(mlp_w, bm ? back : 0) + attention_b + std::max(attention_w, next ? out : 0);
    }
  }
  return sum;
}

/// The refusal's words; `place` begins one of its problems.
std::string refused(const std::string& keys, std::uint32_t nodes = 8) {
  try {
    testing::workload_from(R"({"kind": "training_step", )" + keys + "}")->cases(testing::view_of(nodes));
  } catch (const UserError& e) {
    return e.what();
  }
  return "";
}

}  // namespace

// With N tokens of a rank, E of whose nodes are not its own, a NIC sends N E 7,392 B in a way out (FP8) and N E 14,336 B in a way back (BF16). A way out has
// get_dispatch_layout (102 us) or the cast of gradients (270 us) before it. To the next and the former stage a NIC sends N 14,336 B for each of a cell's
// passes, and the rank waits for that. Cells take cell_bound() and their sends; play() does the rest.
TEST_CASE("a \"training_step\" of DeepSeek-V3 follows the bound of its communication: within 5 % at a quarter of the NIC's rate, within 0.5 % at the full one") {
  const StepSetup setup = step_setup(kStep);
  for (const int parts : {1, 4}) {
    const Ground ground = with_nic(std::to_string(400 / parts) + " Gbps", kNodes);
    const PreparedStep step = prepared(setup, ground);
    const PipelineSchedule& s = step.schedule;
    const double wire = 50e9 / parts, exchange = std::min(44.15e9, wire);   // what DeepEP's kernel reaches of a NIC
    const double nodes = step.job->loads->mean_blocks() * 7 / 8, tokens = 4096;
    const double out = tokens * nodes * 7392 / exchange + (102e-6 + 270e-6) / 2, back = tokens * nodes * 14336 / exchange;
    const double hop = tokens * 14336 / std::min(48e9, wire);
    const auto sends = [&](const training::Cell& c, std::uint32_t rank) {
      int n = 0;
      if (c.has_forward() && c.forward.stage + 1 < s.stages) n += s.rank_of[c.forward.direction][c.forward.stage + 1] != rank;
      if (c.has_backward() && c.backward.stage > 0) n += s.rank_of[c.backward.direction][c.backward.stage - 1] != rank;
      return n;
    };
    const double due = play(s, [&](const training::Cell& c, std::uint32_t rank) {
                         return Seconds(cell_bound(step.job->costs, step.layout.stages, c, out, back) + sends(c, rank) * hop);
                       }).makespan.value();
    const double is = ran(ground, step).pipeline.value();
    MESSAGE("NIC at 1/" << parts << ": simulated " << is << " s, bound " << due << " s");
    CHECK(is >= due * (1 - 1e-4));   // the mean of the two leads stands for both
    CHECK(is <= due * (parts == 1 ? 1.005 : 1.05));
  }
}

TEST_CASE("planes or rails: the step on MPFT and on MRFT is the same within 0.5 %") {
  const std::string job = R"({"kind": "training_step", )" + kStep + "}";
  const Row planes = Ground(testing::mpft, kNodes, "h800", "infiniband").run(job).at(0), rails = Ground(testing::mrft, kNodes, "h800", "infiniband").run(job).at(0);
  for (const char* column : {"step_time_s", "overlapped_s", "bubble_s"}) CHECK(planes.number(column) == Approx(rails.number(column)).epsilon(0.005));
  CHECK(planes.number("end_s") > 0);
}

TEST_CASE("rows: the mean first and each pipeline rank when asked, with GPUs and micro-batches") {
  const std::string keys = R"("kind": "training_step", "model": )" + small_model(0, 4) + R"(, "pp": 4, "ep": 16, "micro_batches": 8, "sequence": 512, "gate": "unrestricted")";
  const Ground ground(testing::mpft, 8, "h800", "infiniband");
  CHECK(ground.run("{" + keys + "}").size() == 1);
  const std::vector<Row> rows = ground.run("{" + keys + R"(, "ranks": "all"})");
  REQUIRE(rows.size() == 5);
  for (const Row& r : rows) {
    CHECK(std::get<std::int64_t>(*r.find("gpus")) == 64);
    CHECK(std::get<std::int64_t>(*r.find("micro_batches")) == 8);
  }
  CHECK(std::get<std::string>(*rows[0].find("rank")) == "mean");
  CHECK(std::get<std::string>(*rows[3].find("rank")) == "2");
  CHECK(rows[0].number("end_s") == Approx(rows[0].number("reduce_scatter_s") + rows[0].number("update_s") + rows[0].number("all_gather_s")).epsilon(1e-12));
}

TEST_CASE("a pipeline of one rank needs no schedule of two directions: 1F1B is the default there") {
  const std::string model = R"("model": )" + small_model(0, 1);
  CHECK(step_setup(model + R"(, "pp": 1)").schedule.name == "1f1b");
  CHECK(step_setup(model).schedule.name == "1f1b");
  CHECK(step_setup(R"("model": )" + small_model(0, 2) + R"(, "pp": 2)").schedule.name == "dualpipe");
}

TEST_CASE("faster NICs never make a step longer, and half the computing never does, whatever the schedule") {
  rc::check([] {
    const ScheduleKind& kind = schedule_kinds()[*rc::gen::inRange<std::size_t>(0, schedule_kinds().size())];
    const int layers = *rc::gen::inRange(8, 10), sequence = 256 * *rc::gen::inRange(1, 9), rate = *rc::gen::inRange(20, 400);
    const auto time = [&](int gbps, double factor) {
      const StepSetup setup = step_setup(R"("model": )" + small_model(0, layers) + R"(, "schedule": ")" + kind.name + R"(", "pp": 4, "ep": 16, "gate": "unrestricted", "micro_batches": 8, "sequence": )" +
                                         std::to_string(sequence) + R"(, "time_factor": )" + std::to_string(factor));
      return ran(with_nic(std::to_string(gbps) + " Gbps", 8, "infiniband"), setup).pipeline.value();
    };
    const double base = time(rate, 1);
    RC_ASSERT(time(2 * rate, 1) <= base * (1 + 1e-9));
    RC_ASSERT(time(rate, 0.5) <= base * (1 + 1e-9));
  });
}

// ln X is normal with deviation s and mean -s^2/2, so that X has mean 1 and variance e^(s^2) - 1: over n draws four deviations of their mean are allowed.
TEST_CASE("jitter comes from the seed, differs between GPUs and stretches, and keeps the mean") {
  const Ground ground(testing::mpft, 8, "h800", "infiniband");
  const std::string keys = R"("model": )" + small_model(0, 4) + R"(, "pp": 4, "ep": 16, "micro_batches": 8, "sequence": 512, "gate": "unrestricted", "jitter": 0.1)";
  const PreparedStep step = prepared(step_setup(keys), ground), other = prepared(step_setup(keys, 2), ground);
  const Ran once = ran(ground, step), again = ran(ground, step), differently = ran(ground, other);
  CHECK(difference(once, again) == 0);
  CHECK(difference(once, differently) > 1e-6);
  CHECK(once.summary.ranks == 0);   // no two ranks are alike
  const StepEmitter emitter(step.job);
  double sum = 0, n = 0;
  for (std::uint32_t rank = 0; rank < 64; ++rank) {
    const RankPlan& plan = emitter.plan_of(rank);
    for (std::uint32_t i = 0; i < plan.ops.size(); ++i) {
      if (plan.ops[i].kind != PlanOp::Kind::compute) continue;
      sum += emitter.duration(rank, i, plan.ops[i]) / step.job->costs.time(plan.ops[i].work, plan.ops[i].beside), n += 1;
    }
  }
  CHECK(n > 3000);
  CHECK(std::abs(sum / n - 1) < 4 * std::sqrt((std::exp(0.01) - 1) / n));
}

TEST_CASE("a step that does not fit is refused at the key that says so") {
  const std::string model = R"("model": )" + small_model(0, 4) + R"(, "gate": "unrestricted", "micro_batches": 8, )";
  const auto told = [](const std::string& keys, const char* place, const char* words) {
    const std::string text = refused(keys);
    CAPTURE(text);
    CHECK(text.find(place) != std::string::npos);
    CHECK(text.find(words) != std::string::npos);
    CHECK(text.find("unknown key") == std::string::npos);   // known keys that are not read any more are no problems
  };
  CHECK(refused(model + R"("pp": 4, "ep": 16)").empty());
  told(R"("model": )" + small_model(0, 4) + R"(, "pp": 4, "ep": 16, "micro_batches": 4, "gate": "unrestricted")", "/micro_batches", "micro-batches");
  told(model + R"("schedule": "1f1b", "pp": 3, "ep": 16)", "/pp", "64 GPUs");
  told(model + R"("pp": 4, "ep": 24)", "/ep", "24");
  told(model + R"("schedule": "1f1b", "ep": 8, "tp": 16, "sequence_parallel": true)", "/tp", "16");
  told(model + R"("pp": 4, "ep": 16, "communication_sms": 132)", "/workload/0/communication_sms", "132 SMs");
  told(model + R"("pp": 4, "ep": 16, "imbalance": 0.5)", "/workload/0/imbalance", "drawn");
  told(model + R"("pp": 4, "ep": 16, "routing": "drawn", "slowest_rows": 1.1)", "/workload/0/slowest_rows", "drawn");
  told(model + R"("pp": 4, "ep": 16, "jitter": -0.1)", "/workload/0/jitter", "0");
  told(model + R"("pp": 4, "ep": 16, "optimizer_time": 0.29)", "/workload/0/optimizer_time", "0.29");
  told(model + R"("pp": 3, "ep": 16, "jitter": 0.1, "kernel": "deepep_normal")", "/workload/0/pp", "odd");
}
