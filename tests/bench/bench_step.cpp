// A training step of 2,048 GPUs: DeepSeek-V3's pipeline with every exchange on the network, and what folding and drawing change.
#include <chrono>
#include <cstdio>
#include <cstring>

#include "sim/engine/engine.h"
#include "tests/support/fabrics.h"
#include "workloads/training/schedule.h"
#include "workloads/training/step_program.h"

using namespace weft;
using namespace weft::workloads;
using namespace weft::workloads::training;

namespace {

struct Nobody final : engine::TimelineSink {
  bool wants_operations() const override { return false; }
};

}  // namespace

int main(int argc, char** argv) {
  std::uint32_t micro_batches = 120, nodes = 256;
  bool drawn = false, fold = false, classes = false;
  for (int i = 1; i < argc; ++i) {
    if (!std::strcmp(argv[i], "drawn")) drawn = true;
    else if (!std::strcmp(argv[i], "fold")) fold = true;
    else if (!std::strcmp(argv[i], "classes")) classes = true;
    else if (!std::strncmp(argv[i], "m", 1)) micro_batches = std::atoi(argv[i] + 1);
    else if (!std::strncmp(argv[i], "n", 1)) nodes = std::atoi(argv[i] + 1);
  }
  const auto fabric = testing::make_fabric(R"({"kind": "mpft"})", nodes, "h800", "infiniband");
  auto job = std::make_shared<StepJob>();
  const auto schedule = schedule_named("dualpipe", "").make({16, micro_batches, 2});
  std::vector<StageContent> stages(16);
  for (auto& s : stages) s.moe_layers = 4;
  const StepGrid grid{16, nodes / 2, 64, 8, 1, 8};
  job->plan = plan_step(schedule, stages, grid, true);
  std::printf("%u ops a rank\n", job->plan.most_ops);
  const auto set = [&](Work w, double ms) { job->costs.set(w, Seconds(ms * 0.9e-3), Seconds(ms * 1e-3)); };
  const auto rows = [&](Work w, double ms) { job->costs.set_by_rows(w, 1, {0, 0.9e-3 * ms, 1.8e-3 * ms}, {0, 1e-3 * ms, 2e-3 * ms}); };
  set(Work::attention_forward, 4.6); set(Work::attention_backward, 9.5); set(Work::attention_weight, 2.4);
  rows(Work::moe_forward, 4.6); rows(Work::moe_backward, 5.4); rows(Work::moe_weight, 5.1);
  RoutingChoice choice;
  choice.gate.rule = moe::GateRule::v3;
  choice.drawn = drawn;
  job->loads = std::make_unique<StepLoads>(choice, 64, 8);
  ClusterView view;
  view.placement = Placement(nodes, 8);
  view.reachable = [](const Endpoint&, const Endpoint&) { return true; };
  job->rails = std::make_shared<Rails>(view, nodes, 8, RailOptions{});
  job->kernels = {{"dispatch", BytesPerSecond(44.15e9), BytesPerSecond(124.5e9)}, {"pipeline", BytesPerSecond(48e9), {}}};
  job->dispatched = Bytes(7392);
  job->combined = Bytes(14336);
  job->sent = Bytes(58.7e6);
  auto record = std::make_shared<StepRecord>(job->plan);
  const auto begin = std::chrono::steady_clock::now();
  topology::Router router(fabric, {});
  StepProgram program(job, record);
  Nobody nobody;
  const auto s = engine::run(router, program, {.classes = classes, .fold = fold, .threads = 2}, nobody);
  std::printf("step %.6f s, wall %.3f s, %llu operations, %llu flows, %llu solves, %llu events, ranks %u\n", s.makespan.value(),
              std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(), (unsigned long long)s.operations,
              (unsigned long long)s.flows, (unsigned long long)s.solves, (unsigned long long)s.events, s.simulated_ranks);
}
