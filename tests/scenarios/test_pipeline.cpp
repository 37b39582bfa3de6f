// pipeline: schedules compared on one model.
#include <doctest/doctest.h>

#include "tests/scenarios/support.h"

using namespace weft;
using namespace weft::scenarios;

namespace {

const std::string kCluster = R"("node": "endpoint", "nodes": 1, "topology": {"kind": "single_switch"})";
const std::string kEqual = R"("times": {"forward": "1 ms", "backward_input": "1 ms", "weight": "1 ms"})";

std::string asking(const std::string& members) { return test::minimal(kCluster, R"({"kind": "pipeline", )" + members + "}"); }

double ms(const reports::Report& r, const std::string& labels, const std::string& column) { return 1e3 * cell_of(r, "t/pipeline[" + labels + "]/" + column); }

}  // namespace

TEST_CASE("bubbles of Table 2 of the V3 report with F = b = w = 1 ms, eight ranks, 20 micro-batches") {
  const auto r = test::run(asking(R"("schedules": ["1f1b", "zb1p", "dualpipe"], "pp": 8, "micro_batches": 20, )" + kEqual));
  // (PP-1)(F+B) = 7 * 3, (PP-1)(F+B-2W) = 7 * 1, (PP/2-1)(FB+B-3W) = 3 * (3 + 2 - 3).
  CHECK(ms(r, "schedule=1f1b", "bubble_mean_s") == doctest::Approx(21));
  CHECK(ms(r, "schedule=zb1p", "bubble_mean_s") == doctest::Approx(7));
  CHECK(ms(r, "schedule=dualpipe", "bubble_mean_s") == doctest::Approx(6));
  for (const Row& row : r.tables.front().rows) {
    CHECK(row.number("bubble_mean_s") == doctest::Approx(row.number("bubble_published_s")));
    CHECK(row.number("bubble_mean_s") == doctest::Approx(row.number("bubble_closed_form_s")));
    CHECK(row.number("bubble_pct") == doctest::Approx(100 * row.number("bubble_mean_s") / row.number("makespan_s")));
  }
}

TEST_CASE("without a list all schedules are compared, on one model: the work of a rank is the same in each") {
  const auto r = test::run(asking(R"("pp": 4, "micro_batches": 8, )" + kEqual));
  CHECK(r.tables.front().rows.size() == 7);
  // 8 micro-batches of 3 ms on 1/PP of the model, however many stages it is cut into.
  for (const Row& row : r.tables.front().rows) CHECK(1e3 * (row.number("makespan_s") - row.number("bubble_mean_s")) == doctest::Approx(24));
  // Two stages a rank halve the bubble of 1F1B for 11/8 of its activations: 11 stages of half the size instead of 4.
  CHECK(ms(r, "schedule=interleaved_1f1b", "bubble_mean_s") == doctest::Approx(4.5));
  CHECK(cell_of(r, "t/pipeline[schedule=interleaved_1f1b]/peak_activations_share") == 5.5);
  CHECK(cell_of(r, "t/pipeline[schedule=1f1b]/peak_activations_share") == 4);
  CHECK(cell_of(r, "t/pipeline[schedule=dualpipe]/model_copies") == 2);
}

TEST_CASE("times of a stage are taken as they are") {
  const auto r = test::run(asking(R"("schedules": "dualpipev", "pp": 4, "micro_batches": 10, "times_of": "stage", )" + kEqual));
  CHECK(ms(r, "schedule=dualpipev", "makespan_s") == doctest::Approx(66));   // C055
}

TEST_CASE("a grid of sizes has a row each, and hops make a step longer but leave no closed form") {
  const auto r = test::run(asking(R"("schedules": "1f1b", "pp": [2, 4], "micro_batches": [2, 16], "hop": "0.5 ms", )" + kEqual));
  CHECK(r.tables.front().rows.size() == 4);
  // Two ranks and both micro-batches ahead: a forward, its hop, M (F + B) on the last rank, the hop back, a backward.
  CHECK(ms(r, "pp=2,micro_batches=2", "makespan_s") == doctest::Approx(1 + 0.5 + 6 + 0.5 + 2));
  for (const Row& row : r.tables.front().rows) CHECK(row.find("bubble_closed_form_s") == nullptr);
}

TEST_CASE("wrong schedules, sizes and times are told with their place") {
  const auto told = [](const std::string& members, const std::string& place, const std::string& words) {
    const std::string error = test::error_of(asking(members));
    CAPTURE(error);
    CHECK(error.find(place) != std::string::npos);
    CHECK(error.find(words) != std::string::npos);
  };
  told(R"("schedules": ["1f1b", "dualpip"], "pp": 4, "micro_batches": 8, )" + kEqual, "/workload/0/schedules/1", "dualpipe");
  told(R"("schedules": [], "pp": 4, "micro_batches": 8, )" + kEqual, "/workload/0/schedules", "empty");
  told(R"("pp": 4, "micro_batches": 9, )" + kEqual, "/workload/0/micro_batches", "dualpipe (PP = 4, 9 micro-batches): expected an even number");
  told(R"("schedules": "dualpipe", "pp": 5, "micro_batches": 20, )" + kEqual, "/workload/0/pp", "even");
  told(R"("schedules": "1f1b", "pp": 0, "micro_batches": 8, )" + kEqual, "/workload/0/pp", "0");
  told(R"("schedules": "1f1b", "pp": 100000, "micro_batches": 100000, )" + kEqual, "/workload/0/micro_batches", "cells");
  told(R"("pp": 4, )" + kEqual, "/workload/0/micro_batches", "due");
  told(R"("pp": 4, "micro_batches": 8)", "/workload/0/times", "due");
  told(R"("pp": 4, "micro_batches": 8, "times": {"forward": 1, "backward_input": "1 ms", "weight": "1 ms"})", "/workload/0/times/forward", "unit");
  told(R"("pp": 4, "micro_batches": 8, "times": {"forward": "1 ms", "backward_input": "1 ms"})", "/workload/0/times/weight", "due");
  told(R"("pp": 4, "micro_batches": 8, "times": {"forward": "1 ms", "backward_input": "1 ms", "weight": "0 ms"})", "/workload/0/times/weight", "positive");
  told(R"("pp": 4, "micro_batches": 8, "times_of": "chunk", )" + kEqual, "/workload/0/times_of", "stage");
  told(R"("pp": 4, "micro_batches": 8, "hop": "-1 us", )" + kEqual, "/workload/0/hop", "");
}
