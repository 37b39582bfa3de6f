// --check-against: engines that differ are found, with the operation; engines that agree pass.
#include <doctest/doctest.h>

#include "scenarios/check_against.h"
#include "tests/scenarios/stand_in_engines.h"
#include "tests/scenarios/support.h"

using namespace weft;
using namespace weft::scenarios;
using doctest::Approx;

namespace {

const std::string kCases = R"({"id": "a2a", "kind": "all_to_all", "gpus": 16, "sizes": ["1 MiB", "2 MiB"]}, {"kind": "deepep_dispatch", "ep": 16, "tokens": 64},
                              {"kind": "price"})";

CheckResult check(const engine::EngineKind& reference, const engine::EngineKind& engine = engine::engine_named("fluid")) {
  RunOptions o;
  o.jobs = 2;
  o.engine = engine;
  return check_against(test::scenario(test::minimal(R"("nodes": 2, "topology": {"kind": "mpft"})", kCases)), test::data(), o, reference);
}

}  // namespace

TEST_CASE("an engine agrees with one that tells the same, in every simulated case") {
  const CheckResult r = check(test::stand_in("twin", [](OpId, bool, double t) { return t; }));
  CHECK(r.agree());
  CHECK(r.cases == 3);   // the price is not simulated
  CHECK(r.listing.tables.at(0).rows.size() == 3);
  CHECK(std::get<std::int64_t>(*r.listing.tables[0].rows[0].find("operations")) == 2 * 8 * 7 + 2 * 8);
}

TEST_CASE("one operation that ends 2e-9 of its time late is a deviation, named with its case") {
  // 3 * 9 is operation 9 of the program in whole (workloads/pair_program.h)
  const CheckResult r = check(test::stand_in("late", [](OpId id, bool finish, double t) { return finish && id == OpId(27) ? t * (1 + 2e-9) : t; }));
  CHECK_FALSE(r.agree());
  CHECK(r.worst == Approx(2e-9).epsilon(1e-3));
  const Row& row = r.listing.tables.at(0).rows.at(0);
  CHECK(std::get<std::int64_t>(*row.find("worst_operation")) == 9);
  CHECK(row.number("start_deviation") == 0);
  CHECK(r.worst_case.find("t/") == 0);
}

TEST_CASE("a start that is told late counts too, also of a transfer that is taken apart") {
  const CheckResult r = check(test::stand_in("sleepy", [](OpId id, bool finish, double t) { return id.value % 3 == 1 && finish ? t + 1e-6 : t; }));
  CHECK_FALSE(r.agree());
  CHECK(r.listing.tables.at(0).rows.at(0).number("start_deviation") > 1e-3);
}

TEST_CASE("an engine without contention may be early but not late") {
  const CheckResult r = check(engine::engine_named("closed-form"));
  CHECK(r.agree());
  CHECK(check(engine::engine_named("fluid"), engine::engine_named("closed-form")).agree());
  engine::EngineKind late = test::stand_in("late bound", [](OpId, bool, double t) { return 1.5 * t; });
  late.lower_bound = true;
  CHECK_FALSE(check(late).agree());
  CHECK(check(late).worst == Approx(1.0 / 3).epsilon(1e-9));
}

TEST_CASE("an engine that forgets operations fails the run, and an engine is not checked against itself") {
  engine::EngineKind forgetful;
  forgetful.name = "forgetful";
  forgetful.run = [](topology::Router&, workloads::Program&, const engine::Options&, engine::TimelineSink&) { return engine::Summary(); };
  CHECK_THROWS_AS(check(forgetful), RunError);
  CHECK_THROWS_AS(check(engine::engine_named("fluid")), UserError);
}

TEST_CASE("what taking transfers apart changes is told apart from what engines differ in") {
  const CheckResult r = check(engine::engine_named("closed-form"));
  for (const Row& row : r.listing.tables.at(0).rows) CHECK(row.find("pair_vs_node_pct") != nullptr);
  // PXN at line rate on one leaf: the NIC is what limits, whole or in parts
  CHECK(r.listing.tables[0].rows[0].number("pair_vs_node_pct") == Approx(0).epsilon(1e-6));
}
