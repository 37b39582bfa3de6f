// Layers of prefill and decode: two micro-batches with their exchanges, at granularity pair, on the fluid engine and on SimGrid.
#include <doctest/doctest.h>

#include <fmt/format.h>

#include "tests/conformance/both.h"
#include "tests/support/recorded_program.h"
#include "workloads/pair_program.h"

using namespace weft;
using namespace weft::testing;

namespace {

Case layers(const Ground& ground, const std::string& kind, const std::string& more) {
  const std::string json = fmt::format(R"({{"kind": "{}", "ep": 16, "layers": 3, "check_memory": false, {}}})", kind, more);
  topology::Router router(ground.fabric, ground.routing);
  workloads::ClusterView view = view_of(2);
  view.reachable = [&router](const Endpoint& a, const Endpoint& b) { return router.reachable(a, b); };
  const auto program = workload_from(json)->cases(view).front().program;
  return {fmt::format("{} {}, {}", kind, more, ground.name), &ground, [program] { return workloads::pair_program(program(0)); }, {}};
}

}  // namespace

TEST_CASE("layers of prefill and decode on 16 GPUs: fluid and SimGrid agree to 1e-9 on every operation") {
  need_simgrid();
  const Ground planes{"mpft", make_fabric(R"({"kind": "mpft"})", 2, "h800", "infiniband"), {}}, rails{"mrft", make_fabric(R"({"kind": "mrft"})", 2, "h800", "infiniband"), {}};
  const Case cases[] = {
      layers(planes, "decode", R"("redundant": 0, "requests": 256)"),
      layers(planes, "decode", R"("redundant": 0, "requests": 64, "balance": 1.4)"),
      layers(rails, "decode", R"("redundant": 0, "requests": 64, "overlap": "none", "kernel": "deepep_low_latency_2025_02", "nic": "own")"),
      layers(rails, "decode", R"("redundant": 0, "requests": 64, "tp": 4)"),
      layers(planes, "prefill", R"("redundant": 32, "tokens_per_gpu": 2048, "prompt": 1024)"),
      layers(rails, "prefill", R"("redundant": 32, "tokens_per_gpu": 2048, "prompt": 1024, "overlap": "none", "balance": 1.2)"),
  };
  Verdict worst;
  for (const Case& c : cases) {
    const Verdict v = compare(c);
    for (std::size_t i = 0; i < std::min<std::size_t>(v.wrong.size(), 3); ++i) FAIL_CHECK(v.wrong[i]);
    CHECK(v.operations > 500);
    worst.operations += v.operations;
    if (v.worst > worst.worst) worst.worst = v.worst, worst.where = v.where;
  }
  fmt::print("{} cases of layers, {} operations, worst deviation {:.3g} ({})\n", std::size(cases), worst.operations, worst.worst, worst.where);
}
