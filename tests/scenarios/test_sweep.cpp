// Sweeps: rows, failures, shares, workers; the command itself is tried in tests/cli/sweep.py.
#include <doctest/doctest.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <new>
#include <system_error>
#include <thread>

#include "reports/render.h"
#include "scenarios/studies/workers.h"
#include "tests/scenarios/stand_in_engines.h"
#include "tests/scenarios/sweep_support.h"

using namespace weft;
using namespace weft::scenarios;
using namespace weft::scenarios::test;

namespace {

SweepResult run(const Sweep& s, unsigned processes = 1) {
  SweepOptions o;
  o.processes = processes;
  return sweep(s, DataPlaces::standard(), o);
}

}  // namespace

TEST_CASE("every row is led by what is set at its point, as the number that it is") {
  const SweepResult r = run(small_sweep({"/cluster/nodes=4,8", "/cluster/topology/kind=mpft,mrft"}));
  REQUIRE(r.listing.tables.size() == 1);
  const reports::Table& t = r.listing.tables[0];
  REQUIRE(t.rows.size() == 4);
  CHECK(t.rows[1].cells()[0] == std::pair<std::string, Cell>("/cluster/nodes", std::int64_t{4}));
  CHECK(t.rows[1].cells()[1] == std::pair<std::string, Cell>("/cluster/topology/kind", std::string("mrft")));
  CHECK(r.listing.schema == "weft-sweep/1");
}

TEST_CASE("processes do not change a byte") {
  const Sweep s = small_sweep({"/cluster/nodes=1:9:1", "/cluster/topology/kind=mpft,mrft,none"});
  const std::string one = reports::render(run(s).listing, "json");
  for (const unsigned processes : {2u, 5u, 64u}) CHECK(reports::render(run(s, processes).listing, "json") == one);
}

TEST_CASE("a point that fails is a row with its error, and the others go on") {
  const SweepResult r = run(small_sweep({"/cluster/nodes=4,-1,8"}));
  CHECK(r.failed == 1);
  CHECK(r.points == 3);
  CHECK(r.listing.tables[0].rows.size() == 2);
  REQUIRE(r.listing.tables[1].id == "failed");
  CHECK(std::get<std::string>(*r.listing.tables[1].rows[0].find("error")).find("/cluster/nodes") != std::string::npos);
}

TEST_CASE("what is wrong with all points is told before any runs") {
  Sweep s = small_sweep({"/cluster/nodes=4,8"});
  s.settings.push_back(parse_setting("/clutser/nodes=1", "--set"));
  CHECK(words_of([&] { run(s); }).find("/clutser/nodes") != std::string::npos);
  const Sweep variants = small_sweep({"/cluster/nodes=4,8"}, R"(, "variants": [{"name": "big", "set": {"/cluster/nodes": 16}}])");
  CHECK(words_of([&] { run(variants); }).find("variant \"big\" sets /cluster/nodes itself") != std::string::npos);
  SweepOptions o;
  o.shard = parse_shard("3/3", "--shard");
  CHECK(words_of([&] { sweep(small_sweep({"/cluster/nodes=4,8"}), DataPlaces::standard(), o); }).find("share 3/3 of 2 points is empty") != std::string::npos);
}

TEST_CASE("a place that no point knows is told before any runs, one that some points know is theirs") {
  const auto words = [](const std::vector<std::string>& vary) { return words_of([&] { run(small_sweep(vary)); }); };
  for (const char* vary : {"/cluster/noodes=4,8", "/cluster/node/nic_rat=1,2", "/cluster/nonsense/deep=1,2", "/workload/price/gpu=4,8", "/workload/0/gpu=4,8"}) {
    CAPTURE(vary);
    CHECK(words({vary}).find("unknown key") != std::string::npos);
  }
  CHECK(words({"/workload/prize/gpus=4,8"}).find("--vary: /workload/prize/gpus leads nowhere") != std::string::npos);
  CHECK(words({"/clutser/nodes=4,8"}).find("--vary: /clutser/nodes leads nowhere") != std::string::npos);
  CHECK_THROWS_AS(plan_sweep(small_sweep({"/cluster/noodes=4,8"}), DataPlaces::standard(), {}), UserError);
  CHECK_THROWS_AS(points_header(small_sweep({"/cluster/noodes=4,8"}), DataPlaces::standard(), {}), UserError);
  // Values that are wrong are their points', the first among them.
  CHECK(run(small_sweep({"/cluster/nodes=-1,-2"})).failed == 2);
  // A rate of a topology kind is unknown to the others.
  const SweepResult some = run(small_sweep({"/cluster/topology={\"kind\":\"mpft\"},{\"kind\":\"none\"}", "/cluster/topology/planes=4,8"}));
  CHECK(some.failed < some.points);
}

TEST_CASE("what the machine lacks ends the sweep, and its point is not finished") {
  const Folder folder;
  Sweep s = small_sweep({"/cluster/nodes=1,2,4"});
  Json document = *s.document;
  document["workload"] = Json::array({{{"kind", "all_to_all"}, {"sizes", {"1 KiB"}}}});
  s.document = std::make_shared<const Json>(document);
  for (const unsigned processes : {1u, 2u}) {
    SweepOptions o;
    o.processes = processes;
    o.points_file = folder.file("p" + std::to_string(processes) + ".jsonl");
    o.run.engine = stand_in(engine::engine_kinds().front().name, [](OpId, bool, double t) { return t; });
    const auto plain = o.run.engine.run;
    const auto lacking = [&](const std::function<void()>& lack) {
      SweepOptions without = o;
      without.run.engine.run = [=](topology::Router& router, workloads::Program& program, const engine::Options& options, engine::TimelineSink& sink) {
        lack();
        return plain(router, program, options, sink);
      };
      return without;
    };
    const auto kept = [&] { return read_points_file(o.points_file).lines.size(); };
    CHECK_THROWS_WITH_AS(sweep(s, DataPlaces::standard(), lacking([] { throw std::bad_alloc(); })), doctest::Contains("out of memory"), RunError);
    CHECK_THROWS_WITH_AS(sweep(s, DataPlaces::standard(), lacking([] { throw std::system_error(EMFILE, std::generic_category()); })), doctest::Contains("Too many open files"), RunError);
    CHECK_THROWS_WITH_AS(sweep(s, DataPlaces::standard(), lacking([] { throw NotPossibleHere("no engine"); })), "no engine", NotPossibleHere);
    CHECK(kept() <= 1);   // one node alone has no network to use
    CHECK(sweep(s, DataPlaces::standard(), o).failed == 0);
    CHECK(kept() == 3);
  }
}

TEST_CASE("a misspelt column of --where ends the sweep with its first point, not its last") {
  SweepOptions o;
  o.where = Expression::parse("switchs > 1", "--where");
  std::size_t seen = 0;
  o.progress = [&](std::size_t done, std::size_t) { seen = done; };
  CHECK(words_of([&] { sweep(small_sweep({"/cluster/nodes=1:50:1"}), DataPlaces::standard(), o); }).find("did you mean \"switches\"?") != std::string::npos);
  CHECK(seen <= 1);
  o.where = Expression::parse("[/cluster/nodes] > 48", "--where");
  CHECK(sweep(small_sweep({"/cluster/nodes=1:50:1"}), DataPlaces::standard(), o).listing.tables[0].rows.size() == 2);
}

TEST_CASE("a dry run counts the points and shows the first") {
  const reports::Listing l = plan_sweep(small_sweep({"/cluster/nodes=1:9:1", "/cluster/topology/kind=mpft,mrft"}), DataPlaces::standard(), {});
  CHECK(l.tables[0].rows.size() == 5);
  CHECK(l.notes.back() == "18 points (9 x 2), 1 variant each");
}

TEST_CASE("a slow task holds up nobody but its worker") {
  // Task 0 takes as long as all others together: dealt out in turn, half of them would wait behind it.
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::size_t> order;
  hand_out_tasks(
      21, 2,
      [](std::size_t i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(i == 0 ? 400 : 20));
        return std::to_string(i);
      },
      [&](std::size_t i, const std::string& text) {
        CHECK(text == std::to_string(i));
        order.push_back(i);
      });
  REQUIRE(order.size() == 21);
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
  // Alone it is 0.8 s, dealt out in turn 0.6 s; what others do on the machine only matters when it is very busy.
  const auto at = static_cast<std::size_t>(std::find(order.begin(), order.end(), 0u) - order.begin());
  CHECK((at >= 11 || wall.count() > 1.5));
}

TEST_CASE("a worker that dies is an error, and what a result throws ends the workers") {
  CHECK_THROWS_AS(hand_out_tasks(4, 2, [](std::size_t) -> std::string { ::_exit(9); }, [](std::size_t, std::string) {}), RunError);
  CHECK_THROWS_AS(hand_out_tasks(100, 2, [](std::size_t) { return std::string(100000, 'x'); }, [](std::size_t, std::string) { throw RunError("full"); }), RunError);
}
