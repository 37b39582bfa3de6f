// What `weft calibrate measure` writes: JSON lines, the first with the schema, then {"family", "variant", <shape>, "time_us", ...} each.
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "models/calibration/readers/lines.h"

namespace weft::models {
namespace {

constexpr const char* kSchema = "weft-measured/1";

bool recognises(const MeasurementText& file) {
  const std::string_view begin = beginning(file);
  return begin.substr(0, begin.find('\n')).find("\"weft-measured/") != std::string_view::npos;
}

std::string text_of(const Json& line, const char* key) {
  const auto found = line.find(key);
  return found != line.end() && found->is_string() ? found->get<std::string>() : "";
}

/// A line with a measurement; the shape's fields stand between "variant" and "time_us".
void read_line(const Json& line, std::size_t number, LineProblems& problems, const std::string& path, Measurements& out) {
  Measurement m;
  m.family = text_of(line, "family");
  m.variant = text_of(line, "variant");
  m.device = text_of(line, "device");
  m.label = text_of(line, "label");
  m.place = line_place(path, number);
  if (m.family.empty()) problems.add(number, "there is no \"family\"");
  bool timed = false;
  for (const auto& [name, value] : line.items()) {
    if (name == "time_us") {
      timed = value.is_number();
      if (timed) m.time_us = value.get<double>();
      break;
    }
    if (value.is_number()) m.shape[name] = value.get<double>();
  }
  if (!timed) return problems.add(number, "there is no number \"time_us\"");
  if (const std::string why = time_problem(m.time_us); !why.empty()) return problems.add(number, why);
  for (const auto& [name, value] : m.shape) {
    if (!std::isfinite(value) || value < 0) problems.add(number, fmt::format("{} is {}", name, value), "counts are not negative");
  }
  out.rows.push_back(std::move(m));
}

Measurements read(const MeasurementText& file, const DataPlaces&) {
  Measurements out;
  LineProblems problems(file.path);
  Lines lines(file.text);
  std::size_t unstable = 0, throttled = 0;
  bool simulated = false;
  for (std::string_view line; lines.next(line);) {
    if (trimmed(line).empty()) continue;
    const bool last = line.data() + line.size() == file.text.data() + file.text.size();   // no line end behind it
    Json json = Json::parse(line.begin(), line.end(), nullptr, false);
    if (!json.is_object()) {
      if (last && json.is_discarded() && lines.number() > 1) {
        out.notes.push_back(fmt::format("line {} is cut off and left out: was the measuring stopped?", lines.number()));
        continue;
      }
      problems.add(lines.number(), "this is no JSON object", "every line is one");
      continue;
    }
    if (json.contains("schema")) {
      const std::string schema = text_of(json, "schema");
      if (schema != kSchema) problems.add(lines.number(), fmt::format("\"{}\" is not a schema that is read", schema), fmt::format("known: \"{}\"", kSchema));
      continue;
    }
    read_line(json, lines.number(), problems, file.path, out);
    unstable += json.contains("stable") && json["stable"].is_boolean() && !json["stable"].get<bool>();
    throttled += json.contains("throttle") && json["throttle"].is_array() && !json["throttle"].empty();
    simulated = simulated || json.contains("simulated");
  }
  problems.throw_if_any();
  if (out.rows.empty()) throw UserError({{file.path, "", "there is no measurement below the schema", "was the measuring stopped before the first kernel?"}});
  if (unstable > 0) out.notes.push_back(fmt::format("{} rows whose median was not stable when measuring ended", unstable));
  if (throttled > 0) out.notes.push_back(fmt::format("{} rows measured while the clocks were held down", throttled));
  if (simulated) out.notes.push_back("these times are made up by the simulated device");
  return out;
}

}  // namespace

Reader measured_reader() { return {"measured", "what weft calibrate measure writes (JSON lines, schema weft-measured/1)", recognises, read}; }

}  // namespace weft::models
