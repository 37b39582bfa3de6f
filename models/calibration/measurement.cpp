#include "models/calibration/measurement.h"

#include <cstdint>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "models/calibration/readers/reader.h"
#include "models/kernels/kernel.h"
#include "sim/core/error.h"
#include "sim/core/files.h"

namespace weft::models {

#define WEFT_KIND(name) Reader name##_reader();
#include "models/measurement_readers.inc"
#undef WEFT_KIND

const std::vector<Reader>& measurement_readers() {
#define WEFT_KIND(name) name##_reader(),
  static const std::vector<Reader> readers = {
#include "models/measurement_readers.inc"
  };
#undef WEFT_KIND
  return readers;
}

std::string_view beginning(const MeasurementText& file, std::size_t count) { return file.text.substr(0, count); }

namespace {

constexpr std::size_t kFileLimit = std::size_t{2} << 30;   // traces of a minute of training have hundreds of MiB

std::string digest_of(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325u;   // FNV-1a, 64 bits
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return fmt::format("fnv1a64:{:016x}", hash);
}

std::string formats_hint() {
  std::string text = "known formats: ";
  for (const Reader& r : measurement_readers()) text += fmt::format("{}{} ({})", &r == &measurement_readers().front() ? "" : "; ", r.name, r.title);
  return text;
}

const Reader& reader_of(const MeasurementText& file, const std::string& format) {
  std::vector<std::string> names;
  for (const Reader& r : measurement_readers()) {
    if (format.empty() ? r.recognises(file) : r.name == format) return r;
    names.push_back(r.name);
  }
  if (!format.empty()) throw UserError("--from", fmt::format("unknown format \"{}\"", format), unknown_name_hint(format, names));
  if (file.text.starts_with("\x1f\x8b")) throw UserError({{file.path, "", "the file is compressed (gzip)", "unpack it first: gunzip"}});
  throw UserError({{file.path, "", "no reader knows this file", formats_hint()}});
}

/// Every row is a kernel of its family: known variant, all fields, possible numbers. Fills in the variant that a row leaves out.
void check_shapes(std::vector<Measurement>& rows) {
  Problems problems;
  for (Measurement& m : rows) {
    try {
      m.variant = kernel_call(kernel_family(m.family, m.place), m.variant, m.shape, m.place).variant;
    } catch (const UserError& e) {
      for (const Problem& p : e.problems()) problems.add(p);
    }
    if (problems.list().size() >= 10) break;   // a file of another kind would print a million
  }
  problems.throw_if_any();
}

/// A cell of CSV; quoted where it has to be.
std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\r\n#") == std::string::npos && text == text.substr(0, text.find_last_not_of(" \t") + 1)) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

}  // namespace

Measurements read_measurements(const std::string& path, const std::string& format, const DataPlaces& data) {
  const std::string name = path == "-" ? "standard input" : path;
  const std::string bytes = read_file(path, kFileLimit);
  MeasurementText file{name, bytes};
  if (file.text.starts_with("\xef\xbb\xbf")) file.text.remove_prefix(3);   // byte order mark
  if (file.text.find_first_not_of(" \t\r\n") == std::string_view::npos) throw UserError({{name, "", "the file is empty", formats_hint()}});
  Measurements m = reader_of(file, format).read(file, data);
  check_shapes(m.rows);
  m.digest = digest_of(bytes);
  return m;
}

std::string measurements_json(const Measurements& m) {
  Json rows = Json::array();
  for (const Measurement& r : m.rows) {
    Json row = {{"family", r.family}, {"variant", r.variant}};
    for (const auto& [field, value] : r.shape) row[field] = value;
    row["time_us"] = r.time_us;
    if (!r.device.empty()) row["device"] = r.device;
    if (!r.label.empty()) row["label"] = r.label;
    rows.push_back(std::move(row));
  }
  // One row a line: the file is read by people too.
  std::string text = fmt::format("{{\n \"schema\": \"weft-measurements/1\",\n \"notes\": {},\n \"rows\": [", dump_json(Json(m.notes)));
  for (std::size_t i = 0; i < rows.size(); ++i) text += fmt::format("{}\n  {}", i == 0 ? "" : ",", dump_json(rows[i]));
  return text + "\n ]\n}\n";
}

std::string measurements_csv(const Measurements& m) {
  std::set<std::string> fields;
  for (const Measurement& r : m.rows) {
    for (const auto& [field, value] : r.shape) fields.insert(field);
  }
  std::string text = "family,variant";
  for (const std::string& f : fields) text += "," + f;
  text += ",time_us,device,label\n";
  for (const Measurement& r : m.rows) {
    text += csv_cell(r.family) + "," + csv_cell(r.variant);
    for (const std::string& f : fields) {
      const auto at = r.shape.find(f);
      text += at == r.shape.end() ? "," : fmt::format(",{}", at->second);
    }
    text += fmt::format(",{},{},{}\n", r.time_us, csv_cell(r.device), csv_cell(r.label));
  }
  return text;
}

}  // namespace weft::models
