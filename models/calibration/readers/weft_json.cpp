// weft's own measurements: {"schema": "weft-measurements/1", "notes", "rows": [{"family", "variant", <shape>, "time_us", "device", "label"}]}.
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "models/calibration/readers/lines.h"
#include "sim/core/json.h"

namespace weft::models {
namespace {

constexpr const char* kSchema = "weft-measurements/1";

bool recognises(const MeasurementText& file) {
  const std::string_view begin = beginning(file);
  return begin.find("\"schema\"") != std::string_view::npos && begin.find("\"weft-measurements/") != std::string_view::npos;
}

void read_row(JsonReader row, const std::string& device, Measurements& out) {
  if (!row.expect_object("a measurement")) return;
  Measurement m;
  m.family = row.string("family");
  m.variant = row.string("variant", "");
  m.time_us = row.number("time_us", 0, 1e18);
  if (row.has("time_us") && m.time_us == 0) row.fail_at("time_us", "the time is zero", "a measured time is positive");
  m.device = row.string("device", device);
  m.label = row.string("label", "");
  m.place = row.file() + ":" + row.pointer();
  for (auto& [name, value] : row.members()) {
    if (name == "family" || name == "variant" || name == "time_us" || name == "device" || name == "label" || name == "printed") continue;
    m.shape[name] = value.as_number(0);
  }
  out.rows.push_back(std::move(m));
}

Measurements read(const MeasurementText& file, const DataPlaces&) {
  const Json json = parse_json(file.text, file.path);
  Problems problems;
  JsonReader root(json, file.path, problems);
  Measurements out;
  if (root.expect_object("measurements")) {
    const std::string schema = root.string("schema");
    if (schema != kSchema && !schema.empty()) root.fail_at("schema", fmt::format("\"{}\" is not a schema that is read", schema), fmt::format("known: \"{}\"", kSchema));
    const std::string device = root.string("device", "");
    if (auto notes = root.maybe("notes")) {
      for (const JsonReader& note : notes->items()) out.notes.push_back(note.as_string());
    }
    JsonReader rows = root.at("rows");
    if (rows.is_array() && rows.items().empty()) rows.fail("there are no rows");
    if (root.has("rows") && !rows.is_array()) rows.fail("expected a list of measurements");
    for (const JsonReader& row : rows.is_array() ? rows.items() : std::vector<JsonReader>{}) read_row(row, device, out);
  }
  problems.throw_if_any();
  return out;
}

}  // namespace

Reader weft_json_reader() { return {"weft_json", "weft's measurements (schema weft-measurements/1)", recognises, read}; }

}  // namespace weft::models
