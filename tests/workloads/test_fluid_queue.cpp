// FluidQueue: work in aggregate that comes, is done, and waits.
#include <doctest/doctest.h>

#include <limits>

#include "workloads/inference/day/queue.h"

using namespace weft::workloads::inference;
using doctest::Approx;

TEST_CASE("work within capacity leaves as it comes") {
  FluidQueue q;
  const auto out = q.pass(30, 40, 100);
  REQUIRE(out.size() == 1);
  CHECK(out[0].rate == 30);
  CHECK(out[0].seconds == 100);
  CHECK(q.backlog() == 0);
  CHECK(q.busy_seconds() == 75);
  CHECK(q.longest_wait() == 0);
  CHECK_FALSE(q.grows());
}

TEST_CASE("what cannot be done waits, and is done when less comes") {
  FluidQueue q;
  // 20 a second too much for 100 s: 2,000 wait, 2,000 / 40 = 50 s of work.
  auto out = q.pass(60, 40, 100);
  CHECK(q.backlog() == 2000);
  CHECK(q.longest_wait() == 50);
  CHECK(q.served() == 4000);
  CHECK(q.grows());
  CHECK(q.load() == 1.5);
  // 30 a second less than can be done: empty after 2000 / 30 s; the rest of the 100 s leaves as it comes.
  out = q.pass(10, 40, 100);
  REQUIRE(out.size() == 2);
  CHECK(out[0].rate == 40);
  CHECK(out[0].seconds == Approx(2000.0 / 30));
  CHECK(out[1].rate == 10);
  CHECK(q.backlog() == 0);
  CHECK(q.longest_wait() == 50);   // at its start
  CHECK(q.served() == Approx(2000 + 1000));
  CHECK(q.busy_seconds() == Approx(2000.0 / 30 + (100 - 2000.0 / 30) / 4));
  CHECK_FALSE(q.grows());
}

TEST_CASE("nothing is lost: what came was done or waits") {
  FluidQueue q;
  double came = 0, done = 0;
  for (const double in : {60.0, 0.0, 41.0, 39.0, 40.0, 80.0, 12.5}) {
    q.pass(in, 40, 50);
    came += q.arrived();
    done += q.served();
  }
  CHECK(came == Approx(done + q.backlog()));
}

TEST_CASE("without a limit nothing waits") {
  FluidQueue q;
  q.pass(1e12, std::numeric_limits<double>::infinity(), 10);
  CHECK(q.backlog() == 0);
  CHECK(q.served() == 1e13);
  CHECK_FALSE(q.grows());
}

TEST_CASE("exactly what can be done neither waits nor grows") {
  FluidQueue q;
  q.pass(40, 40, 10);
  CHECK(q.backlog() == 0);
  CHECK(q.busy_seconds() == 10);
  CHECK_FALSE(q.grows());
}
