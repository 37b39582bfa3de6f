// Schedules against the files of $WEFT_REFERENCE: order of cells, times of each cell, makespans, bubbles; skipped where they are absent.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <map>

#include <nlohmann/json.hpp>

#include "sim/core/json.h"
#include "tests/workloads/schedule_checks.h"

using namespace weft;
using namespace weft::workloads::training;
using namespace weft::workloads::training::test;

namespace {

/// A file of the folder. Ends the program with 77 (skipped) when it is not there.
Json reference(const char* name) {
  const char* folder = std::getenv("WEFT_REFERENCE");
  const std::filesystem::path file = std::filesystem::path(folder == nullptr ? "" : folder) / name;
  if (!std::filesystem::exists(file)) std::exit(77);
  return read_json_file(file.string());
}

std::map<std::string, Json> by_id(const Json& list) {
  std::map<std::string, Json> out;
  for (const Json& record : list) out[record["id"].get<std::string>()] = record;
  return out;
}

/// A cell as the fixtures write it: kind, then direction (or leg) and micro-batch of each of its passes.
std::vector<std::string> words_of(const Cell& c, const PipelineSchedule& s) {
  const auto side = [&](const Pass& p) { return std::to_string(p.direction > 0 || p.stage >= s.ranks ? 1 : 0); };
  std::vector<std::string> words = {to_text(c.kind)};
  if (c.has_forward()) words.insert(words.end(), {side(c.forward), std::to_string(c.forward.micro_batch)});
  if (c.kind != CellKind::forward) words.insert(words.end(), {side(c.backward), std::to_string(c.backward.micro_batch)});
  return words;
}

std::vector<std::string> words_of(const Json& op) {
  std::vector<std::string> words = {op["op"].get<std::string>()};
  for (const char* key : {"d", "mb", "fd", "fmb", "bd", "bmb"}) {
    if (op.contains(key)) words.push_back(std::to_string(op[key].get<int>()));
  }
  return words;
}

/// The text of ../reference/dualpipe.json: "F0:7+B1:3", with phases as the rank sees them.
std::string phase_text(const Cell& c, const PipelineSchedule& s, std::uint32_t rank) {
  const auto text = [&](const char* letter, const Pass& p) {
    std::uint32_t phase = s.directions == 2 ? p.direction : p.stage >= s.ranks;
    if (s.directions == 2 && rank >= s.ranks / 2) phase = 1 - phase;
    return letter + std::to_string(phase) + ":" + std::to_string(p.micro_batch);
  };
  if (c.kind == CellKind::overlapped) return text("F", c.forward) + "+" + text("B", c.backward);
  static const std::map<CellKind, const char*> letters = {{CellKind::forward, "F"}, {CellKind::backward, "B"}, {CellKind::backward_input, "b"}, {CellKind::weight, "W"}};
  return text(letters.at(c.kind), c.kind == CellKind::forward ? c.forward : c.backward);
}

void check_bubbles(const PlayedSchedule& played, const Json& expected, double tolerance) {
  REQUIRE(played.bubble.size() == expected.size());
  for (std::size_t r = 0; r < expected.size(); ++r) CHECK(played.bubble[r].value() == doctest::Approx(expected[r].get<double>()).epsilon(tolerance));
}

}  // namespace

TEST_CASE("DualPipe 4x8 and 8x20, DualPipeV 4x10, 1F1B and ZB1P 4x8 have the published cells in the published order, at the published times") {
  const Json fixtures = reference("spec/dualpipe_schedules.json");
  REQUIRE(fixtures.size() == 5);
  for (const auto& [name, fixture] : fixtures.items()) {
    const PipelineSchedule s = schedule_of(fixture["kind"], fixture["PP"], fixture["M"]);
    const PlayedSchedule played = play(s, times(1, 1, 1, 3));
    CHECK_MESSAGE(played.makespan.value() == fixture["makespan_unit"].get<double>(), name);
    REQUIRE(fixture["ranks"].size() == s.ranks);
    for (std::uint32_t r = 0; r < s.ranks; ++r) {
      CAPTURE(name);
      CAPTURE(r);
      const Json &ops = fixture["ranks"][r], &line = fixture["timeline_unit"][r];
      REQUIRE(ops.size() == s.cells[r].size());
      for (std::size_t i = 0; i < ops.size(); ++i) {
        CHECK(words_of(s.cells[r][i], s) == words_of(ops[i]));
        CHECK(played.cells[r][i].start.value() == line[i]["start"].get<double>());
        CHECK(played.cells[r][i].finish.value() == line[i]["end"].get<double>());
      }
    }
  }
}

TEST_CASE("the explicit rows of the reference have the same cells") {
  const auto records = by_id(reference("reference/dualpipe.json")["records"]);
  std::size_t compared = 0;
  for (const Json& row : records.at("explicit_schedule")["rows"]) {
    const bool v = row["schedule"] == "dualpipev_4x10";
    const PipelineSchedule s = v ? schedule_of("dualpipev", 4, 10) : schedule_of("dualpipe", 8, 20);
    const std::uint32_t rank = row["rank"];
    std::string text;
    for (const Cell& c : s.cells[rank]) text += (text.empty() ? "" : " ") + phase_text(c, s, rank);
    CHECK(text == row["ops"].get<std::string>());
    ++compared;
  }
  CHECK(compared == 12);
}

TEST_CASE("makespans, idle times and peaks of the reference's own simulation") {
  const auto records = by_id(reference("reference/dualpipe.json")["records"]);
  std::size_t compared = 0;
  for (const Json& c : records.at("verified_makespan")["cases"]) {
    const std::uint32_t ranks = c.contains("PP") ? c["PP"] : c["ranks"], m = c["C"];
    CAPTURE(c.dump());
    const CellTimes t = times(c["tF"], c["tBi"], c["tW"], c["tFB"]);
    const PlayedSchedule p = play(schedule_of(c["kind"], ranks, m), t);
    CHECK(p.makespan.value() == c["makespan"].get<double>());
    check_bubbles(p, c["idle_per_rank"], 1e-12);
    CHECK(p.peak_activations == c["peak"].get<std::vector<std::uint32_t>>());
    CHECK(schedule_named(c["kind"], "").published_bubble({ranks, m}, t).value() == c["formula"].get<double>());
    ++compared;
  }
  CHECK(compared == 30);
}

TEST_CASE("makespan and bubble of every rank as in the checks C036 to C042") {
  const auto checks = by_id(reference("spec/compute_checks.json"));
  for (const char* id : {"C036", "C037", "C038", "C039", "C040", "C041", "C042"}) {
    CAPTURE(id);
    const Json &in = checks.at(id)["inputs"], &out = checks.at(id)["expected"];
    const PlayedSchedule p = play(schedule_of("dualpipe", in["PP"], in["M"]), times(in["F"], in["b"], in["w"], in["FB"]), Seconds(in["p2p"].get<double>()));
    CHECK(p.makespan.value() == doctest::Approx(out["makespan"].get<double>()).epsilon(1e-9));
    check_bubbles(p, out["bubble"], 1e-9);
  }
}

TEST_CASE("1F1B and ZB1P idle as in the checks C047 to C054, played and by formula") {
  const auto checks = by_id(reference("spec/compute_checks.json"));
  for (const char* id : {"C047", "C048", "C049", "C050", "C051", "C052", "C053", "C054"}) {
    CAPTURE(id);
    const Json &c = checks.at(id), &in = c["inputs"];
    const std::string text = c["check"];   // "ZB1P bubble PP=4 M=8"
    const std::string name = text.starts_with("ZB1P") ? "zb1p" : "1f1b";
    const bool small = text.find("PP=4 M=8") != text.npos;
    const ScheduleParameters p{small ? 4u : 8u, small ? 8u : 20u};
    const CellTimes t = times(in["F"], in["b"], in["w"]);
    const double expected = c["expected"];
    for (const double idle : numbers(play(schedule_of(name, p.ranks, p.micro_batches), t).bubble)) CHECK(idle == doctest::Approx(expected).epsilon(1e-9));
    CHECK(schedule_named(name, "").published_bubble(p, t).value() == doctest::Approx(expected).epsilon(1e-9));
  }
}
