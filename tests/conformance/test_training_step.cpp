// Training steps at PP4 x EP16: the whole pipeline with its exchanges, at granularity pair, on the fluid engine and on SimGrid.
#include <doctest/doctest.h>

#include <fmt/format.h>

#include "tests/conformance/both.h"
#include "tests/workloads/training_steps.h"
#include "workloads/pair_program.h"

using namespace weft;
using namespace weft::testing;
using namespace weft::workloads::training;
using namespace weft::workloads::training::test;

namespace {

/// A step on a fabric of two nodes a pipeline rank; by its markers, if asked, as folded runs play it.
Case step(const Ground& ground, const std::string& name, const std::string& more, bool markers = false) {
  const std::string keys = R"("model": )" + small_model(0, 4) + R"(, "pp": 4, "ep": 16, "sequence": 256, "gate": "unrestricted", )" + more;
  topology::Router router(ground.fabric, ground.routing);
  workloads::ClusterView view;
  view.placement = ground.fabric.placement();
  view.reachable = [&router](const Endpoint& a, const Endpoint& b) { return router.reachable(a, b); };
  const auto job = prepare_step(step_setup(keys), view).job;
  const auto program = [job, markers]() -> std::unique_ptr<workloads::Program> {
    auto step = std::make_unique<StepProgram>(job);
    if (!markers) return workloads::pair_program(std::move(step));
    return workloads::pair_program(std::make_unique<ByMarkers>(std::move(step)));
  };
  return {fmt::format("{}, {}", name, ground.name), &ground, program, {}};
}

}  // namespace

TEST_CASE("training steps at PP4 x EP16, loads expected or drawn: fluid and SimGrid agree to 1e-9 on every operation") {
  need_simgrid();
  const Ground planes{"mpft", make_fabric(R"({"kind": "mpft"})", 8, "h800", "infiniband"), {}}, rails{"mrft", make_fabric(R"({"kind": "mrft"})", 8, "h800", "infiniband"), {}};
  const std::string dualpipe = R"("schedule": "dualpipe", "micro_batches": 8)", drawn = R"("routing": "drawn", "imbalance": 0.3)";
  const Case cases[] = {
      step(planes, "DualPipe", dualpipe),
      step(planes, "DualPipe by markers", dualpipe, true),
      step(rails, "1F1B, drawn", R"("schedule": "1f1b", "micro_batches": 3, )" + drawn),
      step(planes, "ZB1P, drawn, jittered", R"("schedule": "zb1p", "micro_batches": 4, "jitter": 0.05, )" + drawn),
  };
  Verdict worst;
  for (const Case& c : cases) {
    const Verdict v = compare(c);
    for (std::size_t i = 0; i < std::min<std::size_t>(v.wrong.size(), 3); ++i) FAIL_CHECK(v.wrong[i]);
    CHECK(v.operations > 1000);
    worst.operations += v.operations;
    if (v.worst > worst.worst) worst.worst = v.worst, worst.where = v.where;
  }
  fmt::print("{} training steps, {} operations, worst deviation {:.3g} ({})\n", std::size(cases), worst.operations, worst.worst, worst.where);
}
