// The engine of a run: chosen by name, named in the result; an engine that lies fails the run.
#include <doctest/doctest.h>

#include "tests/scenarios/stand_in_engines.h"
#include "tests/scenarios/support.h"

using namespace weft;
using namespace weft::scenarios;

namespace {

reports::Report run_on(const engine::EngineKind& engine, double time_tolerance = 0) {
  RunOptions o;
  o.jobs = 1;
  o.engine = engine;
  o.time_tolerance = time_tolerance;
  return run_scenario(test::scenario(test::minimal(R"("nodes": 4, "topology": {"kind": "mpft"})",
                                                   R"({"id": "a2a", "kind": "all_to_all", "gpus": 32, "sizes": "1 GiB"})")),
                      test::data(), o);
}

bool has_note(const reports::Report& r, const std::string& words) {
  return std::any_of(r.notes.begin(), r.notes.end(), [&](const std::string& n) { return n.find(words) != std::string::npos; });
}

std::string failure(const engine::EngineKind& engine) {
  try {
    run_on(engine);
  } catch (const RunError& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a result names its engine, and says when it is approximate or without contention") {
  const reports::Report exact = run_on(engine::engine_named("fluid"));
  CHECK(exact.system.engine == "fluid");
  CHECK(exact.notes.empty());
  const reports::Report bound = run_on(engine::engine_named("closed-form"));
  CHECK(bound.system.engine == "closed-form");
  CHECK(has_note(bound, "contention"));
  CHECK(cell_of(bound, "t/a2a/time_us") < cell_of(exact, "t/a2a/time_us"));
  const reports::Report rough = run_on(engine::engine_named("fluid"), 1e-3);
  CHECK(rough.system.time_tolerance == 1e-3);
  CHECK(has_note(rough, "approximate"));
}

TEST_CASE("a result remembers the engine, so that running it again is the same run") {
  const Scenario again = test::scenario(R"({"schema": "weft-result/1", "system": {"seed": 3, "engine": "closed-form", "time_tolerance": 0.001}, "input":
    {"title": "t", "cluster": {"nodes": 2, "topology": {"kind": "mpft"}}, "workload": [{"kind": "price"}]}})");
  CHECK(again.engine == "closed-form");
  CHECK(again.time_tolerance == 0.001);
}

TEST_CASE("an engine that is 7 % or 599 times faster than the wire fails the run") {
  const auto same = [](OpId, bool, double t) { return t; };
  CHECK(failure(test::stand_in("honest", same)) == "");
  CHECK(failure(test::stand_in("hasty", same, 0.93)).find("bound") != std::string::npos);
  CHECK(failure(test::stand_in("wild", same, 1 / 599.0)).find("/workload/0") != std::string::npos);
}

TEST_CASE("one operation that ends too early fails the run, though the whole is as long as it should be") {
  // operation 5 is told to end a microsecond after the start; its latency alone is longer
  const std::string why = failure(test::stand_in("sloppy", [](OpId id, bool finish, double t) { return finish && id == OpId(5) ? 1e-6 : t; }));
  CHECK(why.find("phase 1 of 1, operation 5 (transfer)") != std::string::npos);
  CHECK(why.find("a2a[gpus=32") != std::string::npos);
  CHECK(why.find("sloppy engine") != std::string::npos);
}
