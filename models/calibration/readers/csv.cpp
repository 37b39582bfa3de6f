// CSV with named columns: family, variant, the family's shape fields, time_us | time_ms | time_s, device, label.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "models/calibration/readers/csv_table.h"

namespace weft::models {
namespace {

struct TimeColumn {
  const char* name;
  double unit_us;
};
constexpr std::array kTimes = {TimeColumn{"time_us", 1.0}, TimeColumn{"time_ms", 1e3}, TimeColumn{"time_s", 1e6}};
constexpr std::array kWords = {"variant", "device", "label"};
// Columns of a time that does not say in which unit.
constexpr std::array kUnitless = {"time", "latency", "duration", "elapsed", "t"};

bool recognises(const MeasurementText& file) {
  const std::vector<std::string> header = csv_header(file);
  const auto has = [&](const std::string& name) { return std::find(header.begin(), header.end(), name) != header.end(); };
  return has("family");
}

TimeColumn time_column(const CsvTable& table, const MeasurementText& file) {
  const TimeColumn* found = nullptr;
  for (const TimeColumn& t : kTimes) {
    if (!table.has(t.name)) continue;
    if (found != nullptr) throw UserError({{line_place(file.path, table.line()), "", fmt::format("both {} and {} are columns", found->name, t.name), "keep one"}});
    found = &t;
  }
  if (found != nullptr) return *found;
  for (const char* name : kUnitless) {
    if (!table.has(name)) continue;
    throw UserError({{line_place(file.path, table.line()), "", fmt::format("the column \"{}\" does not say its unit, and a unit cannot be guessed", name),
                      "name it time_us, time_ms or time_s"}});
  }
  throw UserError({{line_place(file.path, table.line()), "", "there is no column with the measured time", "name it time_us, time_ms or time_s"}});
}

Measurements read(const MeasurementText& file, const DataPlaces&) {
  CsvTable table(file);
  if (!table.has("family")) throw UserError({{line_place(file.path, table.line()), "", "there is no column \"family\"", "it says what each row timed, such as gemm"}});
  const TimeColumn time = time_column(table, file);
  const int family = table.index("family"), time_at = table.index(time.name);
  const int variant = table.index(kWords[0]), device = table.index(kWords[1]), label = table.index(kWords[2]);
  Measurements out;
  while (table.next()) {
    Measurement m;
    m.family = table.cell(family);
    if (m.family.empty()) table.problems().add(table.line(), "the family is empty", {}, "family");
    if (variant >= 0) m.variant = table.cell(variant);
    if (device >= 0) m.device = table.cell(device);
    if (label >= 0) m.label = table.cell(label);
    m.time_us = table.time_us(time_at, time.unit_us);
    m.place = table.place();
    for (int i = 0; i < static_cast<int>(table.columns().size()); ++i) {
      // A family without this field leaves its cell empty.
      if (i == family || i == time_at || i == variant || i == device || i == label || table.cell(i).empty()) continue;
      m.shape[table.columns()[static_cast<std::size_t>(i)]] = table.number(i);
    }
    out.rows.push_back(std::move(m));
  }
  table.finish();
  return out;
}

}  // namespace

Reader csv_reader() {
  return {"csv", "CSV with the columns family, variant, shape fields, time_us (or time_ms, time_s), device, label", recognises, read};
}

}  // namespace weft::models
