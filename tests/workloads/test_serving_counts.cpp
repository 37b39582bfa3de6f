// What a server counts, and of which requests: warm-up, goals, preemptions, and those that are not served.
#include <doctest/doctest.h>

#include "tests/support/storage_fabrics.h"
#include "tests/workloads/serving_support.h"

using namespace weft;
using namespace weft::testing;

namespace {

/// Counts a program's operations of a name.
class Counter final : public engine::TimelineSink {
 public:
  Counter(const workloads::Program& program, std::string name) : program_(program), name_(std::move(name)) {}
  void started(OpId id, Seconds) override {
    workloads::OpLabel label;
    count += program_.label(id, label) && label.name == name_;
  }
  int count = 0;

 private:
  const workloads::Program& program_;
  std::string name_;
};

/// Two prompts fit into the one group, two answers do not.
SmallServer full_server() {
  SmallServer server;
  server.setup.decode.unit.groups = 1;
  server.setup.decode.unit.kv_tokens = 260;
  server.setup.policy.kv_room = KvRoom::preempt;
  return server;
}

}  // namespace

TEST_CASE("a group that fills up preempts the youngest, which ends all the same") {
  const auto m = full_server().serve({request(0, 100, 60), request(0.001, 100, 60)});
  const Row row = m->summary();
  CHECK(row.number("preemptions") == 1);
  CHECK(row.number("finished") == 2);
  CHECK(row.number("output_tokens") == 120);
  // It fits again when the first has left.
  CHECK(m->e2e.largest() > m->e2e.quantile(0.5) + 0.02);
}

// Both join with 101 tokens and get one a step. A step more does not fit when 2 x (101 + n) + 2 exceed 260, after n = 29 steps; then the younger
// has 1 + 29 tokens of its answer, or one less if it joined a step after the other: 100 and these are computed again.
TEST_CASE("what a preempted request computes again counts as computed, not as a miss of the prefix cache") {
  const Row row = full_server().serve({request(0, 100, 60), request(0, 100, 60)})->summary();
  REQUIRE(row.number("preemptions") == 1);
  const double computed = row.number("prefill_computed_tps_node") * row.number("window_s");
  CHECK(computed >= (200 + 100 + 29) * (1 - 1e-9));
  CHECK(computed <= (200 + 100 + 30) * (1 + 1e-9));
  CHECK(row.number("prefill_tps_node") * row.number("window_s") == doctest::Approx(200));
  CHECK(row.number("hit_pct") == 0);
}

TEST_CASE("a preempted request is written back once: its prompt by prefill, its answer by decode") {
  SmallServer server = full_server();
  server.ground = Ground(make_storage_fabric({.nodes = 1}, mpft, 2));
  server.setup.policy.write_back = true;
  topology::Router router(server.ground.fabric, server.ground.routing);
  const auto s = server.ready(server.ground.view(router), {request(0, 100, 60), request(0, 100, 60)});
  const auto metrics = std::make_shared<ServingMetrics>(*s);
  ServingProgram program(s, metrics);
  Counter writes(program, "write_back");
  engine::run(router, program, {}, writes);
  CHECK(metrics->preemptions == 1);
  CHECK(writes.count == 4);
}

TEST_CASE("rows of the series add up to the whole") {
  SmallServer server;
  const std::vector<Request> all = random_requests(500, 50, 500, 40);
  const auto m = server.serve(all);
  double finished = 0, tokens = 0, last = 0;
  for (const Row& r : m->series()) {
    CHECK(r.number("from_s") == last);
    last = r.number("until_s");
    const double seconds = last - r.number("from_s");
    finished += r.number("served_rps") * seconds;
    tokens += r.number("decode_tps_node") * seconds;
  }
  CHECK(finished == doctest::Approx(500));
  CHECK(tokens == doctest::Approx(static_cast<double>(outputs(all))));
  CHECK(last == m->summary().number("simulated_s"));
}

TEST_CASE("goals are met by the requests that meet both") {
  SmallServer server;
  server.setup.slo.ttft = Seconds(30e-3);
  server.setup.slo.tpot = Seconds(25e-3);
  // A pass of 26 ms and a transfer of 22 ms are too long; so is the wait of the next one for that pass.
  const auto m = server.serve({request(0, 100, 5), request(1, 16000, 5), request(1.001, 100, 5), request(3, 100, 5)});
  CHECK(m->good == 2);
  CHECK(m->summary().number("goodput_pct") == doctest::Approx(50));
}

TEST_CASE("a cut leaves what is there unfinished, and says so") {
  SmallServer server;
  server.setup.horizon = Seconds(1);
  const std::vector<Request> all = {request(0, 100, 11), request(0.9, 100, 101), request(1.5, 100, 11)};
  CHECK(server.serve(all)->summary().number("finished") == 2);   // the third comes too late
  server.setup.cut = true;
  Seconds end;
  const auto m = server.serve(all, &end);
  CHECK(m->summary().number("finished") == 1);
  CHECK(m->summary().number("unfinished") == 1);
  CHECK(end.value() < 1.03);
  REQUIRE(m->warnings().size() == 1);
  CHECK(m->warnings()[0].find("1 of 2") != std::string::npos);
}

TEST_CASE("requests that no group could hold are errors, or counted") {
  SmallServer server;
  server.setup.policy.context = 5000;
  server.setup.decode.unit.kv_tokens = 3000;
  CHECK_THROWS_WITH_AS(server.serve({request(0, 4990, 20)}), doctest::Contains("longer than the context of 5000"), UserError);
  CHECK_THROWS_WITH_AS(server.serve({request(0, 100, 10), request(1, 2990, 20)}), doctest::Contains("request 2 "), UserError);
  server.setup.policy.too_long = TooLong::refuse;
  const auto m = server.serve({request(0, 100, 10), request(1, 2990, 20), request(2, 4990, 20)});
  CHECK(m->refused == 2);
  CHECK(m->summary().number("finished") == 1);
}

TEST_CASE("no more wait than may") {
  SmallServer server;
  server.setup.policy.max_waiting = 2;
  server.setup.policy.max_prompts = 1;
  server.setup.prefill.unit.groups = 1;
  // The first begins at once, two wait, the others are turned away.
  std::vector<Request> all;
  for (int i = 0; i < 6; ++i) all.push_back(request(1 + i * 1e-4, 100, 1));
  const auto m = server.serve(all);
  CHECK(m->turned_away == 3);
  CHECK(m->summary().number("finished") == 3);
}

TEST_CASE("what came before the warm-up is served and not counted") {
  SmallServer server;
  server.setup.warm_up = Seconds(1);
  const auto m = server.serve({request(0, 100, 5), request(0.5, 100, 5), request(2, 100, 5)});
  CHECK(m->counted == 1);
  CHECK(m->summary().number("finished") == 3);
  CHECK(m->ttft.count() == 1);
  CHECK(m->summary().number("window_s") == doctest::Approx(1));
}

// The first is decoded for 2 s, alone and beside the one that counts, whose answer of 5 comes in four deliveries after the first token.
TEST_CASE("times between deliveries are of requests that came after the warm-up, like all latencies") {
  SmallServer server;
  server.setup.warm_up = Seconds(1);
  const auto m = server.serve({request(0, 100, 101), request(1.5, 100, 5)});
  CHECK(m->e2e.count() == 1);
  CHECK(m->itl.count() == 4);
  CHECK(m->request_steps == 104);
}

TEST_CASE("preempted requests leave and come back with what they count for") {
  SmallServer server = full_server();
  server.setup.warm_up = Seconds(0.001);
  // Each of its 60 tokens but the first is a delivery, those of decode and the one of its second prefill.
  const auto m = server.serve({request(0, 100, 60), request(0.001, 100, 60)});
  REQUIRE(m->preemptions == 1);
  CHECK(m->itl.count() == 59);
}

TEST_CASE("goodput is of the requests that came after the warm-up, served or not") {
  SmallServer server;
  server.setup.warm_up = Seconds(1);
  server.setup.slo.ttft = Seconds(1);
  server.setup.policy.context = 5000;
  server.setup.policy.too_long = TooLong::refuse;
  server.setup.policy.max_waiting = 1;
  server.setup.policy.max_prompts = 1;
  server.setup.prefill.unit.groups = 1;
  std::vector<Request> all = {request(0, 4990, 20), request(0.1, 100, 1)};
  for (int i = 0; i < 4; ++i) all.push_back(request(0.5 + i * 1e-4, 100, 1));   // one at work, one waits, two are turned away
  all.push_back(request(2, 4990, 20));
  all.push_back(request(2.1, 100, 1));
  const auto before = server.serve(all);
  CHECK(before->came == 2);
  CHECK(before->refused == 2);
  CHECK(before->turned_away == 2);
  CHECK(before->summary().number("goodput_pct") == doctest::Approx(50));
  for (int i = 0; i < 3; ++i) all.push_back(request(3 + i * 1e-4, 100, 1));
  CHECK(server.serve(all)->summary().number("goodput_pct") == doctest::Approx(60));   // 3 of 5
}
