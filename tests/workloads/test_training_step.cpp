// The workload training_step: a step of DeepSeek-V3 on 2,048 GPUs against its bounds, how it answers to faster parts, jitter, and input that does not fit.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>

#include "tests/workloads/training_steps.h"
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
    if (cell.has_backward()) sum += s.mtp_modules * time(Work::projection_backward) + s.heads * (time(Work::head_backward) + time(Work::head_weight));
    if (cell.has_weight()) sum += s.embedding * time(Work::embedding_backward) + s.mtp_modules * time(Work::projection_weight);
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
// get_dispatch_layout or the cast of gradients before it. From stage to stage N 14,336 B go over the same NIC. Cells take cell_bound(), play() does the rest.
TEST_CASE("at a quarter of the NIC's rate a \"training_step\" of DeepSeek-V3 follows the bound of its exposed communication within 5 %") {
  const Ground ground = with_nic("100 Gbps", kNodes);
  const StepSetup setup = step_setup(kStep);
  const PreparedStep step = prepared(setup, ground);
  const double nic = 12.5e9, sent = 4096 * step.job->loads->mean_blocks() * 7 / 8;
  const double out = sent * 7392 / nic + (102e-6 + 270e-6) / 2, back = sent * 14336 / nic, hop = 4096 * 14336 / nic;
  const auto bound = [&](const training::Cell& c, std::uint32_t) { return Seconds(cell_bound(step.job->costs, step.layout.stages, c, out, back)); };
  const double due = play(step.schedule, bound, Seconds(hop)).makespan.value();
  const Ran is = ran(ground, step);
  MESSAGE("simulated " << is.pipeline.value() << " s, bound " << due << " s");
  CHECK(is.pipeline.value() == Approx(due).epsilon(0.05));
}
