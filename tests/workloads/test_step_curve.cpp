// StepCurve: a day in steps, and reading one.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "workloads/inference/day/reading.h"
#include "workloads/inference/day/step_curve.h"

using namespace weft;
using namespace weft::workloads::inference;
using doctest::Approx;

namespace {

/// Every problem of reading the text as a curve, in one line.
std::string refused(const std::string& text, double min = 0) {
  const Json json = parse_json(text, "curve.json");
  Problems problems;
  read_step_curve(JsonReader(json, "curve.json", problems, "/nodes"), "values", min, 1e9);
  std::string all;
  for (const Problem& p : problems.list()) all += to_text(p) + "\n";
  return all;
}

Sourced<StepCurve> read(const std::string& text) {
  const Json json = parse_json(text, "curve.json");
  Problems problems;
  auto c = read_step_curve(JsonReader(json, "curve.json", problems), "values", 0, 1e9);
  CHECK(problems.empty());
  return c;
}

}  // namespace

TEST_CASE("the mean of a step curve weighs each level with its hours") {
  const StepCurve c{{0, 6, 24}, {10, 2}};
  CHECK(c.mean() == Approx((6 * 10 + 18 * 2) / 24.0));
  CHECK(c.mean(5, 7) == Approx(6));
  CHECK(c.mean(0, 6) == 10);
  CHECK(c.highest() == 10);
}

TEST_CASE("a level holds from its edge on, and a day repeats") {
  const StepCurve c{{0, 6, 24}, {10, 2}};
  CHECK(c.at(5.999) == 10);
  CHECK(c.at(6) == 2);
  CHECK(c.at(24) == 10);
  CHECK(c.at(-0.5) == 2);
  CHECK(c.highest(7, 24) == 2);
  CHECK(c.highest(7, 24.1) == 10);
  CHECK(c.highest(-20, -19) == 10);   // 04:00 of the day before
  CHECK(c.highest(-10, -1) == 2);
}

TEST_CASE("edges of several curves are those of all, and the whole hours") {
  const StepCurve a{{0, 6.5, 24}, {1, 2}}, b = equal_steps({1, 2, 3, 4});
  const auto edges = common_edges({&a, &b});
  CHECK(edges.size() == 26);   // 25 whole hours and 6.5
  CHECK(edges[7] == 6.5);
}

TEST_CASE("levels without edges are steps of equal length, and an origin is kept") {
  const auto c = read(R"({"value": [1, 2], "origin": "measured", "source": "a plot"})");
  CHECK(c.value.edges_h == std::vector<double>{0, 12, 24});
  CHECK(c.origin == Origin::measured);
  CHECK(c.source == "a plot");
  CHECK(read("[7]").value.at(13) == 7);
}

TEST_CASE("C080: the published staircase has 226.75 nodes in the mean") {
  const auto c = read(R"({"edges_h": [0, 12, 13.25, 14, 14.75, 15, 15.5, 18.5, 19, 19.5, 20, 20.5, 24],
                          "values": [278, 218, 188, 158, 128, 98, 68, 98, 128, 188, 218, 278]})");
  CHECK(c.value.mean() == 226.75);
}

TEST_CASE("curves that are unsorted, do not cover a day, have too few levels, negative or no levels are refused with their place") {
  CHECK(refused(R"({"edges_h": [0, 14, 12, 24], "values": [1, 2, 3]})").find("/nodes/edges_h/2: edges rise, but 12 follows 14") != std::string::npos);
  CHECK(refused(R"({"edges_h": [0, 12, 12, 24], "values": [1, 2, 3]})").find("/nodes/edges_h/2: edges rise") != std::string::npos);
  CHECK(refused(R"({"edges_h": [0, 12], "values": [1]})").find("/nodes/edges_h: a day goes from 0 to 24 hours, these steps from 0 to 12") != std::string::npos);
  CHECK(refused(R"({"edges_h": [1, 24], "values": [1]})").find("these steps from 1 to 24") != std::string::npos);
  CHECK(refused(R"({"edges_h": [0, 12, 24], "values": [1]})").find("/nodes/edges_h: 3 edges bound 2 steps, but there are 1 levels") != std::string::npos);
  CHECK(refused(R"({"edges_h": [0, 25], "values": [1]})").find("/nodes/edges_h/1: expected a number from 0 to 24") != std::string::npos);
  CHECK(refused(R"({"edges_h": [0, 24], "values": [0]})", 1).find("/nodes/values/0: expected a number from 1") != std::string::npos);
  CHECK(refused(R"([1, -1])").find("/nodes/1: expected a number from 0") != std::string::npos);
  CHECK(refused(R"([])").find("/nodes: the list is empty") != std::string::npos);
  CHECK(refused(R"("278")").find("/nodes: expected a list of numbers") != std::string::npos);
  CHECK(refused(R"({"edges_h": [0, 24], "values": [1], "lvels": 2})").find("unknown key \"lvels\"") != std::string::npos);
  CHECK(refused(R"({"value": [1], "origin": "guessed", "source": "x"})").find("/nodes/origin: unknown word \"guessed\"") != std::string::npos);
}
