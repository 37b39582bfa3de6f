#include "models/calibration/readers/trace_facts.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/json.h"

namespace weft::models {
namespace {

constexpr const char* kSchema = "weft-trace/1";
constexpr std::size_t kLargest = std::size_t{4} << 30;  // bytes of a profiler's file
const std::vector<std::string> kColumns = {"what",      "name",          "device", "stream", "start_us",    "time_us",
                                           "launch_us", "grid_x",        "grid_y", "grid_z", "block_x",     "block_y",
                                           "block_z",   "shared_memory", "bytes",  "phase",  "phase_number"};

/// Whole numbers without a point.
Json number(double v) {
  if (v == std::floor(v) && std::abs(v) < 9e15) return static_cast<std::int64_t>(v);
  return v;
}

/// Texts that come again and again, by number.
class Names {
 public:
  std::int64_t of(const std::string& name) {
    const auto [at, fresh] = number_.try_emplace(name, static_cast<std::int64_t>(number_.size()));
    if (fresh) list_.push_back(name);
    return at->second;
  }
  const Json& list() const { return list_; }

 private:
  std::map<std::string, std::int64_t> number_;
  Json list_ = Json::array();
};

double earliest(const Trace& trace) {
  double t = trace.kernels.front().start_us;
  for (const TraceKernel& k : trace.kernels) t = std::min({t, k.start_us, k.launch_us});
  for (const TraceCall& c : trace.calls) t = std::min(t, c.begin_us);
  return t;
}

/// One line a list, so that the file can be read and compared.
std::string lines_of(const Json& list) {
  std::string out = "[";
  for (const Json& item : list) out += (out.size() > 1 ? ",\n    " : "\n    ") + dump_json(item);
  return out + "\n  ]";
}

TraceKernel read_kernel(const JsonReader& row, const std::vector<std::string>& names, const Trace& trace) {
  TraceKernel k;
  const std::vector<JsonReader> cells = row.items();
  if (cells.size() != kColumns.size()) {
    row.fail(fmt::format("expected {} numbers, got {}", kColumns.size(), cells.size()), "one for each of \"columns\"");
    return k;
  }
  std::size_t at = 0;
  const auto next = [&](double least, double most = 9e15) { return cells[at++].as_number(least, most); };
  const auto index = [&](std::int64_t least, std::size_t count) {
    return cells[at++].as_integer(least, static_cast<std::int64_t>(count) - 1);
  };
  k.what = static_cast<TraceKernel::What>(index(0, 3));
  const std::size_t before = row.problems().list().size();
  const std::int64_t name = index(0, names.size());
  if (row.problems().list().size() == before) k.name = names[static_cast<std::size_t>(name)];
  k.device = cells[at++].as_integer();
  k.stream = cells[at++].as_integer();
  k.start_us = next(0);
  k.time_us = next(0);
  const double launch = next(-1);
  k.launched = launch >= 0;
  k.launch_us = k.launched ? launch : k.start_us;
  for (double& g : k.grid) g = next(0);
  for (double& b : k.block) b = next(0);
  k.shared_memory = next(0);
  k.bytes = next(0);
  const std::int64_t phase = index(-1, trace.phases.size());
  if (phase >= 0 && row.problems().list().size() == before) k.phase = trace.phases[static_cast<std::size_t>(phase)];
  k.phase_number = static_cast<int>(cells[at++].as_integer(-1, 1'000'000'000));
  return k;
}

bool is_facts(const std::string& text) {
  const std::string_view head = std::string_view(text).substr(0, 4096);
  return head.find(kSchema) != std::string_view::npos && head.find("\"schema\"") != std::string_view::npos;
}

}  // namespace

std::string trace_facts(const Trace& trace, const TraceOrigin& origin) {
  const double zero = earliest(trace);
  Names names;
  Json kernels = Json::array(), calls = Json::array();
  for (const TraceKernel& k : trace.kernels) {
    const auto phase = std::find(trace.phases.begin(), trace.phases.end(), k.phase);
    Json row = {static_cast<int>(k.what),
                names.of(k.name),
                k.device,
                k.stream,
                number(k.start_us - zero),
                number(k.time_us),
                k.launched ? number(k.launch_us - zero) : Json(-1)};
    for (const double v : {k.grid[0], k.grid[1], k.grid[2], k.block[0], k.block[1], k.block[2], k.shared_memory, k.bytes})
      row.push_back(number(v));
    row.push_back(phase == trace.phases.end() ? std::int64_t{-1} : phase - trace.phases.begin());
    row.push_back(k.phase_number);
    kernels.push_back(std::move(row));
  }
  for (const TraceCall& c : trace.calls) calls.push_back({static_cast<int>(c.what), number(c.begin_us - zero), number(c.end_us - zero)});
  std::string out = fmt::format("{{\n  \"schema\": \"{}\",\n  \"title\": {},\n  \"source\": {},\n", kSchema, Json(origin.title).dump(),
                                Json(origin.source).dump());
  out += fmt::format("  \"device\": {}, \"sms\": {}, \"world_size\": {},\n", Json(trace.device).dump(), dump_json(number(trace.sms)),
                     dump_json(number(trace.world_size)));
  out += fmt::format("  \"phases\": {},\n  \"names\": {},\n", dump_json(Json(trace.phases)), lines_of(names.list()));
  out += "  // Calls by which the CPU makes a stream wait (0) or waits for the GPU (1): begin and end.\n";
  out += fmt::format("  \"calls\": {},\n", dump_json(calls));
  out += "  // what: 0 kernel, 1 copy, 2 set; name and phase by number; launch_us and phase -1: not told.\n";
  out += fmt::format("  \"columns\": {},\n  \"kernels\": {}\n}}\n", dump_json(Json(kColumns)), lines_of(kernels));
  return out;
}

Trace read_trace_facts(const std::string& text, const std::string& file) {
  const Json json = parse_json(text, file);
  Problems problems;
  JsonReader r(json, file, problems);
  Trace t;
  static_cast<void>(r.one_of("schema", {kSchema}));
  static_cast<void>(r.string("title"));
  t.source = r.string("source");
  t.device = r.string("device");
  t.sms = r.number("sms", 0, 1e6);
  t.world_size = r.number("world_size", 0, 1e9);
  std::vector<std::string> names;
  for (const JsonReader& p : r.at("phases").items()) t.phases.push_back(p.as_string());
  for (const JsonReader& n : r.at("names").items()) names.push_back(n.as_string());
  for (const JsonReader& c : r.at("calls").items()) {
    const std::vector<JsonReader> cells = c.items();
    if (cells.size() != 3) c.fail(fmt::format("expected what, begin and end, got {} values", cells.size()));
    else
      t.calls.push_back(
          {static_cast<TraceCall::What>(cells[0].as_integer(0, 1)), cells[1].as_number(0, 9e15), cells[2].as_number(0, 9e15)});
  }
  std::vector<std::string> columns;
  for (const JsonReader& c : r.at("columns").items()) columns.push_back(c.as_string());
  if (columns != kColumns)
    r.fail_at("columns", "these are not the columns that this version writes", fmt::format("expected {}", fmt::join(kColumns, ", ")));
  const JsonReader kernels = r.at("kernels");
  for (const JsonReader& k : kernels.items()) t.kernels.push_back(read_kernel(k, names, t));
  if (kernels.is_array() && t.kernels.empty()) kernels.fail("there is no GPU operation");
  r.done();
  problems.throw_if_any();
  std::stable_sort(t.kernels.begin(), t.kernels.end(),
                   [](const TraceKernel& a, const TraceKernel& b) { return a.launch_us < b.launch_us; });
  return t;
}

Trace find_trace(const std::string& given, const DataPlaces& data, const std::string& place) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  std::string path = given;
  if (given != "-" && !fs::exists(path, ignored)) {
    const bool is_name = given.find_first_of("/.") == std::string::npos;
    if (is_name) path = data.find("models/data/recordings", given).string();
    const char* reference = std::getenv("WEFT_REFERENCE");
    if (!is_name && reference != nullptr && fs::exists(fs::path(reference) / given, ignored)) path = (fs::path(reference) / given).string();
    if (path.empty()) {
      const std::vector<std::string> known = data.names("models/data/recordings");
      throw UserError(place, fmt::format("there is no file and no recording \"{}\"", given), unknown_name_hint(given, known));
    }
  }
  std::string text = read_file(path, kLargest);
  const std::string file = path == given ? given : fs::path(path).filename().string();
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  if (text.starts_with("\x1f\x8b")) throw UserError({{file, "", "the file is compressed (gzip)", "unpack it first: gunzip"}});
  if (text.find_first_not_of(" \t\r\n") == std::string::npos)
    throw UserError({{file, "", "the file is empty", "expected a trace as torch.profiler exports it"}});
  if (is_facts(text)) return read_trace_facts(text, file);
  return read_trace({file, text});
}

}  // namespace weft::models
