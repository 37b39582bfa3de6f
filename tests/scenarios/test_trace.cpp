// Traces: what a viewer demands of them, on shipped scenarios and on programs of our own; which case is drawn.
#include <doctest/doctest.h>

#include <fmt/format.h>

#include "reports/trace/json_trace.h"
#include "sim/analysis/timeline/traced_program.h"
#include "sim/core/random.h"
#include "tests/scenarios/support.h"
#include "tests/support/trace_rules.h"
#include "tests/support/workload_runs.h"
#include "workloads/static_program.h"

using namespace weft;
using scenarios::RankList;

namespace {

/// A shipped scenario of which one case has been drawn.
struct Drawn {
  testing::ReadTrace trace;
  scenarios::Traced traced;
  reports::Report report;
};

Drawn draw(const scenarios::Scenario& scenario, const std::string& of, const std::string& ranks = "", const std::string& engine = "fluid") {
  const testing::ScratchFile file(".json");
  Drawn d;
  {
    reports::trace::TraceFile out(file.path());
    reports::trace::JsonTrace json(out);
    scenarios::TraceRequest request{of, ranks.empty() ? RankList() : RankList(ranks, "--trace-ranks"), true, &json};
    scenarios::RunOptions o;
    o.jobs = 1;
    o.engine = engine::engine_named(engine);
    o.trace = &request;
    o.traced = &d.traced;
    d.report = scenarios::run_scenario(scenario, scenarios::test::data(), o);
    json.end({scenario.title, d.traced.of, "0", engine});
    out.commit();
  }
  d.trace = testing::read_trace(file.text());
  return d;
}

Drawn draw_shipped(const std::string& name, const std::string& of, const std::vector<std::string>& set, const std::string& ranks = "") {
  std::vector<scenarios::Setting> settings;
  for (const std::string& s : set) settings.push_back(scenarios::test::set(s));
  return draw(scenarios::load_scenario(scenarios::test::data().find("scenarios", name).string(), settings), of, ranks);
}

const std::vector<std::string> all_variants, one_variant{"/variants=[]"};

bool has_variant(const std::string& of) { return of.find('/') != std::string::npos; }

/// The trace of a program on a small cluster.
testing::ReadTrace draw(workloads::Program& program, std::uint32_t nodes, analysis::TraceOptions options = {}, const std::string& topology = testing::mpft) {
  const testing::Ground ground(topology, nodes);
  const testing::ScratchFile file(".json");
  {
    reports::trace::TraceFile out(file.path());
    reports::trace::JsonTrace json(out);
    analysis::TracedProgram traced(program, ground.fabric.placement(), std::move(options), json);
    topology::Router router(ground.fabric, ground.routing);
    engine::run(router, traced, {}, traced);
    traced.close();
    json.end({"t", "", "0", "fluid"});
    out.commit();
  }
  return testing::read_trace(file.text());
}

std::string error_of(const std::string& of, const std::string& ranks = "") {
  const std::string text = scenarios::test::minimal(R"("node": "h800", "nodes": 4, "topology": {"kind": "mpft"})",
      R"({"id": "a", "kind": "all_to_all", "gpus": [16, 32], "sizes": ["1 KiB"]}, {"id": "p", "kind": "price"}, {"id": "b", "kind": "ping", "size": "64 B", "pairs": ["same_leaf"]})");
  try {
    draw(scenarios::test::scenario(text), of, ranks);
  } catch (const UserError& e) {
    return e.what();
  }
  return "";
}

std::string ranks_error(const std::string& text) {
  try {
    RankList(text, "--trace-ranks").of(32);
  } catch (const UserError& e) {
    return e.what();
  }
  return "";
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("traces of shipped scenarios keep the rules of viewers") {
  const std::pair<std::string, std::string> cases[] = {
      {"mpft_vs_mrft", "all_to_all[gpus=16,size_B=1048576,pxn=true]"},
      {"deepep_normal", "dispatch[ep=16]"},
      {"deepep_normal", "combine[ep=32]"},
      {"all_to_all_bound", "all_to_all"},
      {"deepep_low_latency", "NVLink and RDMA/low_latency[ep=16,direction=combine]"},
      {"fig8_roce_routing", "ECMP/all_gather[gpus=64,tp=8]"},
      {"table5_latency", "network[pair=cross_leaf]"}};
  for (const auto& [name, of] : cases) {
    CAPTURE(name);
    CAPTURE(of);
    const Drawn d = draw_shipped(name, of, has_variant(of) ? all_variants : one_variant);
    CHECK(d.trace.complaints() == "");
    CHECK(d.trace.slice_count() > 0);
    CHECK(d.trace.slice_count() == d.traced.slices);
  }
}

TEST_CASE("a trace of 16 ranks has a process each, and in and out of all NICs go the bytes of the all-to-all") {
  const Drawn d = draw_shipped("mpft_vs_mrft", "all_to_all[gpus=16,size_B=1048576,pxn=true]", one_variant);
  CHECK(d.trace.process_names.size() == 16);
  CHECK(d.trace.process_names.at(5) == "rank 5");
  // 1 MiB a GPU is 64 KiB for each of 16: to each of the 8 GPUs of the other node from each of 16.
  const double between = 16 * 8 * 65536.0;
  for (const std::string name : {"NIC out", "NIC in"}) {
    double bytes = 0;
    for (const auto& [counter, values] : d.trace.counters) {
      if (counter.second != name) continue;
      for (std::size_t i = 0; i + 1 < values.size(); ++i) bytes += values[i].second * 1e3 * (values[i + 1].first - values[i].first);   // GB/s times us
    }
    CHECK(bytes == doctest::Approx(between).epsilon(1e-4));   // values have three decimals
  }
}

TEST_CASE("a drawn run gives the result of one that is not") {
  const auto scenario = scenarios::load_scenario(scenarios::test::data().find("scenarios", "fig8_roce_routing").string(), {});
  scenarios::RunOptions plain;
  plain.jobs = 1;
  const reports::Report expected = scenarios::run_scenario(scenario, scenarios::test::data(), plain);
  const Drawn d = draw(scenario, "ECMP/all_gather[gpus=64,tp=8]");
  REQUIRE(d.report.tables.size() == expected.tables.size());
  for (std::size_t t = 0; t < expected.tables.size(); ++t) {
    REQUIRE(d.report.tables[t].rows.size() == expected.tables[t].rows.size());
    for (std::size_t r = 0; r < expected.tables[t].rows.size(); ++r) {
      CHECK(d.report.tables[t].rows[r].number("time_us") == doctest::Approx(expected.tables[t].rows[r].number("time_us")).epsilon(1e-9));
    }
  }
}

TEST_CASE("a case that only looks at first rates is drawn to its end") {
  const std::string text = scenarios::test::minimal(R"("node": "h800", "nodes": 2, "topology": {"kind": "mpft"}, "transport": "ideal")",
                                                    R"({"id": "p", "kind": "permutation", "pattern": "shift"})");
  const Drawn d = draw(scenarios::test::scenario(text), "");
  CHECK(d.trace.complaints() == "");
  CHECK(d.trace.slice_count() == 16);
  CHECK(d.traced.trials > 0);
  // 1 GiB at 400 Gbit/s.
  CHECK(d.trace.slices.begin()->second.front().end == doctest::Approx(1073741824 / 50.0).epsilon(1e-3));
}

TEST_CASE("the other engine in this process is drawn too") {
  const std::string text = scenarios::test::minimal(R"("node": "h800", "nodes": 2, "topology": {"kind": "mpft"})",
                                                    R"({"id": "d", "kind": "deepep_dispatch", "ep": 16, "tokens": 64})");
  const Drawn d = draw(scenarios::test::scenario(text), "", "", "closed-form");
  CHECK(d.trace.complaints() == "");
  CHECK(d.trace.slice_count() == draw(scenarios::test::scenario(text), "").trace.slice_count());
  CHECK_THROWS_AS(draw(scenarios::test::scenario(text), "", "", "simgrid"), UserError);
}

TEST_CASE("only the ranks that are asked for are drawn, and what others send to them counts on their NICs") {
  const Drawn d = draw_shipped("mpft_vs_mrft", "all_to_all[gpus=16,size_B=1048576,pxn=true]", one_variant, "3,8-9");
  CHECK(d.trace.complaints() == "");
  CHECK(d.trace.process_names.size() == 3);
  for (const std::uint64_t rank : {3, 8, 9}) {
    CHECK(d.trace.process_names.contains(rank));
    CHECK(d.trace.counters.contains({rank, "NIC in"}));
  }
  for (const auto& [id, arrow] : d.trace.from) CHECK(d.trace.to.contains(id));
}

TEST_CASE("transfers of a rank at one time get lanes of their own, always the lowest that is free") {
  workloads::StaticProgram p;
  const auto send = [&](std::uint32_t to, double bytes, std::vector<OpId> after) {
    const workloads::Leg leg{testing::gpu(0), testing::gpu(to), 1};
    return p.add_transfer(Bytes(bytes), std::span(&leg, 1), {}, after);
  };
  const OpId a = send(1, 50e6, {}), b = send(2, 100e6, {});
  send(3, 10e6, {a});   // while b is under way, on the lane that a has left
  send(3, 10e6, {b});
  const testing::ReadTrace t = draw(p, 4);
  CHECK(t.complaints() == "");
  REQUIRE(t.slices.size() == 2);
  CHECK(t.slices.begin()->second.size() + t.slices.rbegin()->second.size() == 4);
  CHECK(t.slices.begin()->second.at(1).event["args"]["op"] == 2);
  CHECK(t.from.size() == 2);
  CHECK(t.thread_names.rbegin()->second == "network (2)");
}

TEST_CASE("the use of a NIC is the sum of its transfers' mean rates") {
  workloads::StaticProgram p;
  const workloads::Leg to_1{testing::gpu(0), testing::gpu(1), 1}, to_2{testing::gpu(0), testing::gpu(2), 1};
  p.add_transfer(Bytes(50e6), std::span(&to_1, 1), {});
  p.add_transfer(Bytes(100e6), std::span(&to_2, 1), {});
  const testing::ReadTrace t = draw(p, 4);
  // Both at 25 GB/s for 2 ms, then the longer one alone at 50 GB/s for 1 ms: 25 GB/s and 100 MB / 3 ms in the mean.
  const auto& out = t.counters.at({0, "NIC out"});
  REQUIRE(out.size() == 3);
  CHECK(out[0].first == 0);
  CHECK(out[0].second == doctest::Approx(25 + 100.0 / 3).epsilon(2e-4));
  CHECK(out[1].first == doctest::Approx(2000).epsilon(2e-4));
  CHECK(out[1].second == doctest::Approx(100.0 / 3).epsilon(2e-4));
  CHECK(out[2].first == doctest::Approx(3000).epsilon(2e-4));
  CHECK(out[2].second == 0);
}

TEST_CASE("any program of overlapping transfers and computations keeps the rules") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    workloads::StaticProgram p;
    Draws draw_number(seed, "trace");
    for (std::uint32_t i = 0; i < 300; ++i) {
      std::vector<OpId> after;
      for (std::uint64_t k = draw_number.below(3); k > 0 && i > 0; --k) after.push_back(OpId(static_cast<std::uint32_t>(draw_number.below(i))));
      const auto gpu = [&] { return testing::gpu(static_cast<std::uint32_t>(draw_number.below(3)), static_cast<std::uint32_t>(draw_number.below(2))); };
      const std::uint64_t kind = draw_number.below(8);
      if (kind == 0) p.add_marker(Seconds(1e-6), after);
      else if (kind < 3) p.add_compute(StreamId(static_cast<std::uint32_t>(draw_number.below(4))), Seconds(1e-5 * draw_number.unit()), 100, after);
      else {
        const workloads::Leg legs[] = {{gpu(), gpu(), 1}, {gpu(), gpu(), 0.5}};
        p.add_transfer(Bytes(kind == 3 ? 0 : 1e5 * draw_number.unit()), std::span(legs, 1 + kind % 2), {}, after);
      }
    }
    const testing::ReadTrace t = draw(p, 3, {}, testing::mrft);
    CHECK(t.complaints() == "");
    CHECK(t.slice_count() >= 250);
  }
}

TEST_CASE("the rules notice what breaks them") {
  const auto wrong = [](const std::string& events) {
    const std::string names = R"({"ph":"M","name":"process_name","pid":0,"tid":0,"args":{"name":"p"}},{"ph":"M","name":"thread_name","pid":0,"tid":1,"args":{"name":"t"}})";
    return testing::read_trace("{\"traceEvents\":[" + names + events + "]}").complaints();
  };
  const auto slice = [](int start, int dur, int thread = 1) {
    return fmt::format(R"(,{{"ph":"X","pid":0,"tid":{},"ts":{},"dur":{}}})", thread, start, dur);
  };
  const auto arrow = [](const std::string& end, int id, int at) {
    return fmt::format(R"(,{{"ph":"{}","id":{},"pid":0,"tid":1,"ts":{}}})", end, id, at);
  };
  const auto counter = [](int at, int value) { return fmt::format(R"(,{{"ph":"C","name":"n","pid":0,"tid":0,"ts":{},"args":{{"u":{}}}}})", at, value); };
  CHECK(wrong(slice(0, 2) + slice(2, 2) + slice(2, 1)) == "");
  CHECK(has(wrong(slice(0, 2) + slice(1, 2)), "overlaps"));
  CHECK(has(wrong(slice(0, 2, 2)), "a line without name"));
  CHECK(wrong(slice(0, 2) + slice(2, 2) + arrow("s", 1, 1) + arrow("f", 1, 2)) == "");
  CHECK(has(wrong(slice(0, 2) + slice(2, 2) + arrow("s", 1, 1)), "to nowhere"));
  CHECK(has(wrong(slice(0, 2) + slice(2, 2) + arrow("f", 1, 2)), "from nowhere"));
  CHECK(has(wrong(slice(0, 2) + arrow("s", 1, 1) + arrow("f", 1, 2) + slice(2, 2)), "to nothing"));
  CHECK(has(wrong(slice(0, 2) + slice(2, 2) + arrow("s", 1, 3) + arrow("f", 1, 2)), "into the past"));
  CHECK(wrong(counter(0, 5) + counter(1, 0)) == "");
  CHECK(has(wrong(counter(1, 5) + counter(1, 0)), "back in time"));
  CHECK(has(wrong(counter(1, 5)), "does not end at zero"));
}

TEST_CASE("one case is named, or all that fit are told") {
  CHECK(has(error_of(""), "--trace: this scenario runs 3 simulations"));
  CHECK(has(error_of(""), "\"t/a[gpus=16,size_B=1024,pxn=true]\""));
  CHECK(has(error_of("a"), "may be any of 2 simulations"));
  CHECK(has(error_of("t"), "may be any of 3"));
  CHECK(has(error_of("t/c"), "nothing here is called \"t/c\""));
  CHECK(has(error_of("a[gpus=64]"), "nothing here"));
  CHECK(has(error_of("p"), "nothing here"));
  for (const std::string of : {"b", "t/b", "a[gpus=16]", "[gpus=32]", "t/a[ pxn=true, gpus=32 ]", "t/a[gpus=32,size_B=1024,pxn=true]"}) CHECK(error_of(of) == "");
  const std::string analysis = scenarios::test::minimal(R"("node": "h800", "nodes": 4, "topology": {"kind": "mpft"})", R"({"kind": "price"})");
  CHECK_THROWS_WITH_AS(draw(scenarios::test::scenario(analysis), ""), doctest::Contains("nothing in this scenario is simulated"), UserError);
}

TEST_CASE("ranks are lists of numbers and ranges that the cluster has") {
  CHECK(RankList("0-2,5", "o").of(8) == std::vector<bool>{true, true, true, false, false, true, false, false});
  CHECK(RankList().of(8).empty());
  CHECK(has(ranks_error("0-32"), "there is no rank 32: this cluster has the ranks 0 to 31"));
  CHECK(has(ranks_error("7-3"), "go backwards"));
  for (const std::string text : {"", ",", "a", "1-", "-1", "1,,2", "1-2-3", "1 2", "1.5", "99999999999"}) {
    CAPTURE(text);
    CHECK(has(ranks_error(text), "expected ranks like"));
  }
  CHECK(has(error_of("b", "40"), "--trace-ranks: there is no rank 40"));
}
