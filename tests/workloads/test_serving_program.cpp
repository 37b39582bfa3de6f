#include <doctest/doctest.h>

#include "tests/workloads/serving_support.h"

using namespace weft;
using namespace weft::testing;

namespace {

constexpr double kFloat = 1e-6;   // percentiles are kept as floats

bool same(const Row& a, const Row& b) { return a.cells() == b.cells(); }

}  // namespace

// Prefill 10 ms + 1000 x 1 us; then 70.272 MB; then a step of 20 ms for each token but the first.
TEST_CASE("a request alone takes its pass, its transfer and its steps, and nothing else") {
  const SmallServer server;
  const auto m = server.serve({request(1, 1000, 11)});
  const double transfer = server.transfer(1000);
  CHECK(transfer == doctest::Approx(70.272e6 / 50e9).epsilon(1e-9));   // 1,000 tokens of 70,272 B at a NIC's 50 GB/s
  CHECK(m->ttft.mean() == doctest::Approx(11e-3 + transfer).epsilon(1e-9));
  CHECK(m->tpot.mean() == doctest::Approx(20e-3).epsilon(1e-9));
  CHECK(m->itl.mean() == doctest::Approx(20e-3).epsilon(1e-9));
  CHECK(m->itl.count() == 10);
  CHECK(m->e2e.mean() == doctest::Approx(11e-3 + transfer + 200e-3).epsilon(1e-9));
  CHECK(m->transfer.mean() == doctest::Approx(transfer).epsilon(1e-9));
  CHECK(m->queue.largest() <= 1e-12);
}

TEST_CASE("an answer of one token ends with prefill") {
  const auto m = SmallServer().serve({request(0, 1000, 1)});
  CHECK(m->ttft.mean() == doctest::Approx(11e-3).epsilon(1e-9));
  CHECK(m->steps == 0);
  CHECK(m->tpot.count() == 0);
}

// 40,000 tokens at 16,384 a pass: three passes; at 8,000 of a prompt: five.
TEST_CASE("a long prompt is computed in pieces") {
  SmallServer server;
  const auto m = server.serve({request(0, 40000, 1)});
  CHECK(m->passes == 3);
  CHECK(m->ttft.mean() == doctest::Approx(3 * 10e-3 + 40000 * 1e-6).epsilon(1e-9));
  server.setup.policy.max_piece = 8000;
  CHECK(server.serve({request(0, 40000, 1)})->passes == 5);
}

// What each token sees is counted once, n (n + 1) / 2 pairs in all. A piece with much before it is shorter: no pass takes longer than 16,384 fresh
// tokens, so at least (time of all) / (time of these) passes are due.
TEST_CASE("pieces get shorter as there is more before them, and their pairs add up") {
  SmallServer server;
  server.pass.base = Seconds();
  server.pass.per_pair = Seconds(1e-10);
  const double n = 40000, fresh = 16384;
  const double all = n * 1e-6 + n * (n + 1) / 2 * 1e-10, most = fresh * 1e-6 + fresh * (fresh + 1) / 2 * 1e-10;
  const auto m = server.serve({request(0, 40000, 1)});
  CHECK(m->ttft.mean() == doctest::Approx(all).epsilon(1e-9));
  CHECK(m->passes == std::ceil(all / most));
}

TEST_CASE("a draft that is always accepted halves the steps") {
  SmallServer server;
  server.setup.decode.unit.drafts = 1;
  server.setup.policy.acceptance = 1;
  const auto m = server.serve({request(0, 1000, 11)});   // 10 tokens after the first: 5 steps
  CHECK(m->steps == 5);
  CHECK(m->tpot.mean() == doctest::Approx(10e-3).epsilon(1e-9));
  const auto odd = server.serve({request(0, 1000, 12)});   // the last step gives more than is left
  CHECK(odd->steps == 6);
  CHECK(odd->step_tokens == 11);
}

// One draft accepted with probability p: 1 + p tokens a step; of n draws the mean varies by sqrt(p (1 - p) / n).
TEST_CASE("accepted drafts have their probability") {
  SmallServer server;
  server.setup.decode.unit.drafts = 1;
  server.setup.policy.acceptance = 0.7;
  std::vector<Request> all;
  for (int i = 0; i < 64; ++i) all.push_back(request(0, 100, 2001));
  const auto m = server.serve(all);
  const double n = m->request_steps;
  // A last step may give one token more than counts: 64 of 128,000.
  CHECK(m->step_tokens / n == doctest::Approx(1.7).epsilon((4 * std::sqrt(0.21 / n) + 64 / n) / 1.7));
  CHECK(m->step_tokens == 64 * 2000);
}

TEST_CASE("every token of every answer is delivered once, whatever the policies") {
  const std::vector<Request> all = random_requests(1500, 60, 3000, 120);
  for (const KvRoom room : {KvRoom::reserve, KvRoom::preempt}) {
    for (const std::uint32_t drafts : {0u, 1u, 3u}) {
      SmallServer server;
      server.setup.decode.unit.drafts = drafts;
      server.setup.policy.acceptance = 0.6;
      server.setup.policy.kv_room = room;
      server.setup.policy.max_tokens = 2000;
      server.setup.policy.overlap_transfer = drafts == 1;
      server.setup.decode.unit.kv_tokens = 12000;   // a few requests a group
      server.setup.prefill.unit.kv_tokens = 9000;
      const Row row = server.serve(all)->summary();
      CHECK(row.number("finished") == 1500);
      CHECK(row.number("output_tokens") == outputs(all));
      CHECK(row.number("unfinished") == 0);
      if (room == KvRoom::reserve) CHECK(row.number("preemptions") == 0);
    }
  }
}

// Passes of 10 ms and one prompt a group: each unit takes 8 in 10 ms. Two take twice as much, and neither stands idle.
TEST_CASE("units share what comes") {
  for (const std::uint32_t units : {1u, 2u, 3u}) {
    SmallServer server(units);
    server.setup.policy.max_prompts = 1;
    server.pass.per_token = Seconds();
    std::vector<Request> all(960, request(0, 100, 21));
    const auto m = server.serve(all);
    CHECK(m->passes == 120);
    CHECK(m->queue.largest() == doctest::Approx((120 / units - 1) * 10e-3).epsilon(1e-6));
    CHECK(m->summary().number("output_tokens") == 960 * 21);
    CHECK(m->request_steps == 960 * 20);
  }
}

// One group with room for two requests of 100 + 11 tokens; the third begins when the others leave: after 10 steps.
TEST_CASE("memory that is full holds requests back") {
  SmallServer server;
  server.setup.decode.unit.groups = 1;
  server.setup.decode.unit.kv_tokens = 230;
  const auto m = server.serve({request(0, 100, 11), request(0, 100, 11), request(0, 100, 11)});
  const double transfer = server.transfer(100);
  CHECK(m->decode_wait.largest() == doctest::Approx(transfer + 200e-3).epsilon(0.02));   // the two transfers end nearly together
  CHECK(m->decode_wait.quantile(0.5) == 0);
  CHECK(m->steps >= 20);
  CHECK(m->kv_peak == doctest::Approx(222 / 230.0));
}

// M/D/1 (Pollaczek-Khinchine): mean wait rho D / (2 (1 - rho)). The mean of n waits that hang together over about 1 / (1 - rho)^2 of them varies
// by some 1.3 % here; four times that is allowed.
TEST_CASE("independent arrivals at one server that takes as long for each wait as long as theory says") {
  SmallServer server;
  server.setup.prefill.unit.groups = 1;
  server.setup.policy.max_prompts = 1;
  server.pass.per_token = Seconds();
  for (const double rho : {0.3, 0.7}) {
    const auto m = server.serve(random_requests(200000, rho / 10e-3, 1, 1));
    CHECK(m->queue.mean() == doctest::Approx(rho * 10e-3 / (2 * (1 - rho))).epsilon(0.05));
    CHECK(m->ttft.mean() == doctest::Approx(m->queue.mean() + 10e-3).epsilon(1e-6));
    CHECK(m->summary().number("prefill_busy_pct") == doctest::Approx(100 * rho).epsilon(0.02));
    CHECK_FALSE(m->overload().has_value());
  }
}

// A pass of 10 ms for each: 100 a second at most, whatever comes.
TEST_CASE("more requests than prefill can take are told with what it sustains") {
  SmallServer server;
  server.setup.prefill.unit.groups = 1;
  server.setup.policy.max_prompts = 1;
  server.pass.per_token = Seconds();
  const auto m = server.serve(random_requests(20000, 150, 1, 1));
  const auto o = m->overload();
  REQUIRE(o.has_value());
  CHECK(o->stage == "prefill");
  CHECK(o->sustained == doctest::Approx(100).epsilon(0.01));
  CHECK(o->offered / o->sustained == doctest::Approx(1.5).epsilon(0.03));
  CHECK(o->since < 0.05 * 20000 / 150.0);
  REQUIRE(m->warnings().size() == 1);
  CHECK(m->warnings()[0].find("queues grow without bound") != std::string::npos);
  CHECK(m->summary().number("finished") == 20000);   // and it ends
  CHECK_FALSE(server.serve(random_requests(20000, 90, 1, 1))->overload().has_value());
}

// Eight groups with room for one request of 10 steps of 20 ms, first token and transfer beside: at most 40 requests a second.
TEST_CASE("more requests than decode has memory for are told as such") {
  SmallServer server;
  server.setup.policy.max_requests = 1;
  const std::vector<Request> all = [] {
    std::vector<Request> fixed = random_requests(6000, 60, 1, 1);
    for (Request& r : fixed) r.prompt = 100, r.output = 11;
    return fixed;
  }();
  const auto o = server.serve(all)->overload();
  REQUIRE(o.has_value());
  CHECK(o->stage == "decode");
  CHECK(o->sustained < 40);
  CHECK(o->sustained > 30);
}

TEST_CASE("the same seed gives the same rows, another one other drafts") {
  SmallServer server;
  server.setup.decode.unit.drafts = 1;
  server.setup.policy.acceptance = 0.5;
  server.setup.seed = 7;
  const std::vector<Request> all = random_requests(800, 100, 500, 40);
  const auto a = server.serve(all), b = server.serve(all);
  CHECK(same(a->summary(), b->summary()));
  REQUIRE(a->series().size() == b->series().size());
  for (std::size_t i = 0; i < a->series().size(); ++i) CHECK(same(a->series()[i], b->series()[i]));
  server.setup.seed = 8;
  CHECK_FALSE(same(a->summary(), server.serve(all)->summary()));
}

TEST_CASE("a transfer that overlaps its pass costs only what is longer") {
  SmallServer server;
  server.setup.policy.overlap_transfer = true;
  CHECK(server.serve({request(0, 1000, 2)})->ttft.mean() == doctest::Approx(11e-3).epsilon(1e-9));
  server.setup.prefill.unit.kv_per_token = server.setup.decode.unit.kv_per_token = Bytes(70272 * 20);   // 28 ms of transfer
  CHECK(server.serve({request(0, 1000, 2)})->ttft.mean() == doctest::Approx(server.transfer(1000)).epsilon(1e-9));
}

TEST_CASE("a transfer brings all that a token has in the cache of either stage") {
  SmallServer server;
  const double plain = server.serve({request(0, 1000, 2)})->transfer.mean();
  server.setup.decode.unit.kv_per_token = Bytes(2 * 70272);
  CHECK(server.serve({request(0, 1000, 2)})->transfer.mean() == doctest::Approx(2 * plain).epsilon(1e-6));
  std::swap(server.setup.prefill.unit.kv_per_token, server.setup.decode.unit.kv_per_token);
  CHECK(server.serve({request(0, 1000, 2)})->transfer.mean() == doctest::Approx(2 * plain).epsilon(1e-6));
}

// 600 of 1,000 tokens at 70,272 B from a disk of 1 GB/s, then the other 400, which see those.
TEST_CASE("cached tokens are read and not computed") {
  SmallServer server;
  server.setup.policy.disk_rate = BytesPerSecond(1e9);
  server.pass.per_pair = Seconds(1e-8);
  const auto m = server.serve({request(0, 1000, 1, 600)});
  const double read = 600 * 70272 / 1e9, pairs = 400.0 * 600 + 400.0 * 401 / 2;
  CHECK(m->ttft.mean() == doctest::Approx(read + 10e-3 + 400e-6 + pairs * 1e-8).epsilon(1e-9));
  CHECK(m->summary().number("hit_pct") == doctest::Approx(60));
}

TEST_CASE("no requests make no rows of time and no trouble") {
  const auto m = SmallServer().serve({});
  CHECK(m->summary().number("requests") == 0);
}

TEST_CASE("passes, steps and transfers have names in a timeline, arrivals are not drawn") {
  SmallServer server;
  topology::Router router(server.ground.fabric, server.ground.routing);
  const auto s = server.ready(server.ground.view(router), {request(0, 1000, 3)});
  ServingProgram program(s, std::make_shared<ServingMetrics>(*s));
  RecordingSink sink;
  workloads::OpLabel label;
  program.start(sink);   // one request at time 0: its pass
  REQUIRE(sink.computes.size() == 1);
  REQUIRE(program.label(sink.computes[0].id, label));
  CHECK(label.name == "prefill");
  CHECK(label.rank == Rank(0));
  program.on_complete(sink.computes[0].id, Seconds(11e-3), sink);
  REQUIRE(sink.transfers.size() == 1);
  CHECK(sink.transfers[0].what.bytes == Bytes(70272e3));
  CHECK(program.label(sink.transfers[0].what.id, label));
  CHECK(label.name == "kv_transfer");
  program.on_complete(sink.transfers[0].what.id, Seconds(13e-3), sink);
  REQUIRE(sink.computes.size() == 2);
  label.clear();
  CHECK(program.label(sink.computes[1].id, label));
  CHECK(label.name == "decode");
  CHECK(label.rank == Rank(8));   // the first of the decode node
  CHECK_FALSE(program.label(OpId(1000), label));
}
