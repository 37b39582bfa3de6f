// Validation: published numbers within tolerance, and no row that would pass whatever the simulator did.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>

#include <unistd.h>

#include "scenarios/studies/validate.h"
#include "sim/core/files.h"
#include "tests/scenarios/support.h"

using namespace weft;
using namespace weft::scenarios;
namespace fs = std::filesystem;

namespace {

/// A folder of data that hides the shipped files of the same name.
struct Overlay {
  fs::path path = fs::temp_directory_path() / ("weft-mutation-" + std::to_string(::getpid()));
  ~Overlay() { fs::remove_all(path); }

  /// Copies a shipped data file with one constant halved.
  void halve(const std::string& folder, const std::string& name, const std::string& key) const {
    Json j = read_json_file(test::data().find(folder, name).string());
    const ParsedUnit u = parse_unit(j[key]["value"].get<std::string>());
    const bool rate = u.what == ParsedUnit::What::bytes_per_second;
    j[key]["value"] = rate ? std::to_string(u.value / 2) + " B/s" : std::to_string(u.value / 2 * 1e6) + " us";
    fs::create_directories(path / folder);
    write_file_atomically(path / folder / (name + ".json"), dump_json(j));
  }

  DataPlaces places() const {
    const DataPlaces shipped = test::data();
    std::vector<fs::path> roots = {path};
    roots.insert(roots.end(), shipped.roots().begin(), shipped.roots().end());
    return DataPlaces(roots);
  }
};

std::map<std::string, double> predictions(const DataPlaces& data, const std::vector<std::string>& topics) {
  std::map<std::string, double> out;
  for (const std::string& topic : topics) {
    ValidationOptions o;
    o.topic = topic;
    for (const ValidationRow& r : validate(data, o)) out[r.id] = r.predicted;
  }
  return out;
}

/// All rows, worked out once.
const std::vector<ValidationRow>& everything() {
  static const std::vector<ValidationRow> rows = validate(test::data(), {});
  return rows;
}

}  // namespace

TEST_CASE("at least sixty published numbers are predicted, all within tolerance, each with its source") {
  const auto& rows = everything();
  CHECK(rows.size() >= 60);
  for (const ValidationRow& r : rows) {
    CAPTURE(r.id);
    CAPTURE(r.published);
    CAPTURE(r.predicted);
    CHECK_FALSE(r.missed());
    CHECK(!r.source.empty());
    CHECK(!r.topic.empty());
    CHECK(!r.unit.empty());
  }
}

TEST_CASE("halving a constant moves every row that depends on it (mutation)") {
  struct Change { const char *word, *folder, *name, *key; };
  const Change changes[] = {{"nic", "topology/data/nodes", "h800", "nic_rate"},
                            {"nvlink", "topology/data/nodes", "h800", "nvlink_rate"},
                            {"switch_latency", "topology/data/transports", "infiniband", "switch_latency"},
                            {"switch_latency", "topology/data/transports", "roce", "switch_latency"},
                            {"hbm", "models/hardware", "h800", "hbm_rate"}};
  const std::vector<std::string> topics = {"latency", "deepep_normal", "fig7", "deepep_low_latency", "serving"};
  std::map<std::string, std::vector<std::string>> depends;
  for (const ValidationRow& r : everything()) depends[r.id] = r.depends;
  const auto before = predictions(test::data(), topics);
  for (const std::string word : {"nic", "nvlink", "switch_latency", "hbm"}) {
    Overlay overlay;
    for (const Change& c : changes) {
      if (c.word == word) overlay.halve(c.folder, c.name, c.key);
    }
    const auto after = predictions(overlay.places(), topics);
    std::size_t moved = 0;
    for (const auto& [id, value] : before) {
      const auto& words = depends[id];
      if (std::find(words.begin(), words.end(), word) == words.end()) continue;
      CAPTURE(word);
      CAPTURE(id);
      CHECK(std::abs(after.at(id) / value - 1) > 0.001);
      ++moved;
    }
    CHECK(moved >= (word == "hbm" ? 1 : 4));
  }
}

TEST_CASE("an unknown topic offers the nearest one") {
  ValidationOptions o;
  o.topic = "table33";
  CHECK_THROWS_WITH_AS(validate(test::data(), o), doctest::Contains("table3"), UserError);
}

TEST_CASE("a row has the note of its expectation, and honest kinds: what rests on the run that it is held against is no prediction") {
  std::map<std::string, ValidationRow> rows;
  for (const ValidationRow& r : everything()) rows[r.id] = r;
  CHECK(rows.at("mtp_speedup").note.find("batch of the published number is not given") != std::string::npos);
  for (const char* id : {"3FS.graysort_time", "3FS.graysort_partition", "3FS.graysort_sort", "smallpond.graysort_rate"}) {
    CHECK(rows.at(id).kind == "calibrated");
    CHECK(!rows.at(id).note.empty());
  }
  CHECK(rows.at("3FS.graysort_data_sheet").kind == "predicted");
  CHECK(!rows.at("3FS.graysort_data_sheet").known_miss.empty());
  for (const ValidationRow& r : everything()) CHECK(r.topic != "experts");  // an independent computation, which nobody published, is no row
}
