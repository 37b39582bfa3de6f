// Calibration files: written and read again, and refused with all that is wrong with them.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "models/calibration/calibration.h"
#include "tests/models/kernels_support.h"
#include "tests/models/reading_measurements.h"

using namespace weft;
using namespace weft::models;
using namespace weft::models::test;

namespace {

const DataPlaces& places() {
  static const DataPlaces p = DataPlaces::standard();
  return p;
}

Calibration made() {
  CalibrationEntry e;
  e.family = "memory";
  e.variant = "copy";
  e.form = "streaming";
  e.parameters = {2.125, 0.1 + 0.2};   // a number whose shortest text is long
  e.covariance = {{0.01, -0.003}, {-0.003, 0.0025}};
  e.at_bounds = {"t0"};
  e.fitted_with = "memory/triad";
  e.transfer = {8, 0.3, true};
  e.errors["in_sample"] = {4, 1.5, 1.25, 3, 4, -0.5};
  e.errors["leave_one_out"] = {4, 2.5, 2.25, 4, 5, 0.5};
  e.left_out = "rows: each alone";
  e.points = {{{1e6}, 3.5, 3.25}, {{1e9}, 1234.5, 1200}};
  Calibration c;
  c.title = "Ein Test \"mit\" Zeichen: \xc3\xa4";
  c.source = "nowhere";
  c.device = "NVIDIA H800";
  c.gpu = "h800";
  c.date = "2026-01-01";
  c.digest = "fnv1a64:0123456789abcdef";
  c.data = {"a.csv", "b.json"};
  c.notes = {"one note"};
  c.entries = {e};
  return c;
}

Calibration read(const std::string& text) {
  const TextFile file(text, "mine.json");
  return read_calibration(file.path(), places(), "--calibration");
}

/// All problems of a text, one a line; empty: it is read.
std::vector<std::string> problems_of(const std::string& text) {
  try {
    read(text);
  } catch (const UserError& e) {
    std::vector<std::string> out;
    for (const Problem& p : e.problems()) out.push_back(core::to_text(p));
    return out;
  }
  return {};
}

/// The file of made() with one change.
template <class F>
std::vector<std::string> problems_with(F change) {
  Json j = parse_json(calibration_json(made()), "mine.json");
  change(j);
  return problems_of(j.dump());
}

bool any_has(const std::vector<std::string>& problems, const std::string& part) {
  for (const std::string& p : problems) {
    if (has(p, part)) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("written, read and written again, a calibration has the same bytes") {
  const std::string text = calibration_json(made());
  const Calibration back = read(text);
  CHECK(calibration_json(back) == text);
  CHECK(back.id == "mine");
  const CalibrationEntry& e = back.entries.at(0);
  const Calibration wanted = made();
  CHECK(e.parameters == wanted.entries[0].parameters);
  CHECK(e.covariance == wanted.entries[0].covariance);
  CHECK(e.at_bounds == wanted.entries[0].at_bounds);
  CHECK(e.transfer == wanted.entries[0].transfer);
  CHECK(e.points[1].at == std::vector<double>{1e9});
  CHECK(e.points[1].time_us == 1234.5);
  CHECK(e.errors.at("in_sample").bias_pct == -0.5);
  CHECK(back.find("memory", "copy") == &back.entries[0]);
  CHECK(back.find("memory", "triad") == nullptr);
}

TEST_CASE("every shipped calibration survives reading and writing") {
  const std::vector<std::string> names = places().names("models/calibrations");
  CHECK(names.size() >= 2);
  for (const std::string& name : names) {
    CAPTURE(name);
    const Calibration c = read_calibration(name, places(), "--calibration");
    CHECK(c.id == name);
    for (const std::string& text : {c.title, c.source, c.device, c.gpu, c.date, c.digest}) CHECK(!text.empty());
    const std::string text = calibration_json(c);
    CHECK(calibration_json(read(text)) == text);
    CHECK(text == core::read_file(places().find("models/calibrations", name), 1u << 24));
  }
}

TEST_CASE("an interval is a factor either way: exp(1.645 times the standard error of the logarithm)") {
  const Json j = parse_json(calibration_json(made()), "x");
  const Json& p = j["entries"][0]["parameters"][0];
  CHECK(p["name"] == "t0");
  CHECK(p["low_90"].get<double>() == doctest::Approx(2.125 / std::exp(0.1645)));
  CHECK(p["high_90"].get<double>() == doctest::Approx(2.125 * std::exp(0.1645)));
  CHECK(p["at_bound"] == true);
  CHECK(p["origin"] == "fitted");
}

TEST_CASE("all problems of a broken file are told at once, each with its place") {
  const std::vector<std::string> found = problems_with([](Json& j) {
    j["schema"] = "weft-calibration/9";
    j.erase("gpu");
    j["entries"][0]["parameters"][1]["value"] = -1;
    j["entries"][0]["transfer"]["softness"] = "wide";
    j["entries"][0]["rows"][1] = {1, 2};
    j["entries"][0]["surprise"] = 1;
  });
  CHECK(found.size() >= 6);
  CHECK(any_has(found, "/schema"));
  CHECK(any_has(found, "gpu"));
  CHECK(any_has(found, "/entries/0/parameters"));
  CHECK(any_has(found, "/entries/0/transfer/softness"));
  CHECK(any_has(found, "/entries/0/rows/1"));
  CHECK(any_has(found, "surprise"));
  for (const std::string& p : found) CHECK(has(p, "mine.json"));
}

TEST_CASE("columns of another family, forms and families that weft has not, and wrong counts are refused") {
  CHECK(any_has(problems_with([](Json& j) { j["entries"][0]["columns"] = {"m", "n", "time_us", "predicted_us"}; }), "expected the columns bytes, time_us, predicted_us"));
  CHECK(any_has(problems_with([](Json& j) { j["entries"][0]["form"] = "streeming"; }), "no form \"streeming\""));
  CHECK(any_has(problems_with([](Json& j) { j["entries"][0]["family"] = "memmory"; }), "no kernel family \"memmory\""));
  CHECK(any_has(problems_with([](Json& j) { j["entries"][0]["variant"] = "copie"; }), "no variant \"copie\""));
  CHECK(any_has(problems_with([](Json& j) { j["entries"][0]["covariance_of_logs"].erase(1); }), "one row a parameter"));
  CHECK(any_has(problems_with([](Json& j) { j["entries"][0]["covariance_of_logs"][0].push_back(1); }), "expected 2 numbers"));
  CHECK(any_has(problems_with([](Json& j) { j["entries"][0]["parameters"].erase(0); }), "t0"));
  CHECK(any_has(problems_with([](Json& j) { j["entries"][0]["parameters"].push_back({{"name", "t1"}, {"value", 1}}); }), "more parameters"));
  CHECK(any_has(problems_with([](Json& j) { j["entries"] = Json::array(); }), "without entries"));
  CHECK(any_has(problems_with([](Json& j) { j["entries"][0]["rows"][0][1] = 0; }), "above zero"));
  CHECK(any_has(problems_with([](Json& j) { j["entries"][0]["rows"][0][1] = "fast"; }), "/entries/0/rows/0/1"));
}

TEST_CASE("what is no number is refused: NaN, infinities, null") {
  for (const std::string bad : {"NaN", "Infinity", "null", "1e999"}) {
    CAPTURE(bad);
    std::string text = calibration_json(made());
    const std::string at = "1234.5";
    text.replace(text.find(at), at.size(), bad);
    CHECK(!problems_of(text).empty());
  }
}

TEST_CASE("shapes that their family refuses are refused in a calibration too") {
  CHECK(!problems_with([](Json& j) { j["entries"][0]["rows"][0][0] = -5; }).empty());
}

TEST_CASE("covariances that no parameters can have are refused: unequal across the diagonal, below zero on it") {
  CHECK(!problems_with([](Json& j) { j["entries"][0]["covariance_of_logs"][0][1] = 0.5; }).empty());
  CHECK(!problems_with([](Json& j) { j["entries"][0]["covariance_of_logs"][0][0] = -0.01; }).empty());
}

TEST_CASE("two entries of one family and variant are refused: only one could answer") {
  CHECK(!problems_with([](Json& j) { j["entries"].push_back(j["entries"][0]); }).empty());
}

TEST_CASE("an unknown name is answered with the nearest, a missing file by its path, a torn one by its line") {
  try {
    read_calibration("h800_trainin", places(), "--calibration");
    FAIL("accepted");
  } catch (const UserError& e) {
    CHECK(has(e.what(), "h800_training"));
  }
  CHECK_THROWS_AS(read_calibration("/nowhere/x.json", places(), "--calibration"), UserError);
  const std::string text = calibration_json(made());
  CHECK(!problems_of(text.substr(0, text.size() / 2)).empty());
  CHECK(!problems_of("").empty());
  CHECK(!problems_of("[]").empty());
}
