// What nccl-tests prints (a table of size, count, type, time, algbw, busbw) and what it writes as JSON (-J).
#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "models/calibration/readers/printed.h"

namespace weft::models {
namespace {

constexpr const char* kExpected =
    "expected a header \"#  size  count  type  redop  root  time  algbw  busbw  #wrong ...\" and lines such as \"1048576  262144  float  sum  -1  35.6  29.4  51.5  0 ...\"";

struct Program {
  const char* name;
  const char* variant;
};
constexpr std::array kPrograms = {Program{"all_reduce_perf", "all_reduce"}, Program{"all_gather_perf", "all_gather"}, Program{"reduce_scatter_perf", "reduce_scatter"},
                                  Program{"alltoall_perf", "all_to_all"}};

/// The collective that a text names by its program; empty when none.
std::string collective_in(std::string_view text) {
  for (const Program& p : kPrograms) {
    if (text.find(p.name) != std::string_view::npos) return p.variant;
  }
  return {};
}

UserError unknown_collective(const std::string& path) {
  return UserError({{path, "", "which collective was timed is not said", "let the file hold the line that ran it, or its name the program: all_reduce_perf, all_gather_perf, reduce_scatter_perf or alltoall_perf"}});
}

std::string_view first_char(const MeasurementText& file) {
  const std::size_t at = file.text.find_first_not_of(" \t\r\n");
  return file.text.substr(at, 1);
}

bool is_json(const MeasurementText& file) { return first_char(file) == "{"; }

bool is_header(std::string_view line) {
  return line.starts_with('#') && line.find("size") != std::string_view::npos && line.find("count") != std::string_view::npos && line.find("busbw") != std::string_view::npos;
}

bool recognises(const MeasurementText& file) {
  if (is_json(file)) return file.text.find("\"nccl_version\"") != std::string_view::npos && file.text.find("\"results\"") != std::string_view::npos;
  Lines lines(beginning(file, 1 << 20));
  for (std::string_view line; lines.next(line);) {
    if (is_header(line)) return true;
  }
  return false;
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (std::size_t at = line.find_first_not_of(" \t#"); at != std::string_view::npos;) {
    const std::size_t end = std::min(line.find_first_of(" \t", at), line.size());
    words.push_back(line.substr(at, end - at));
    at = line.find_first_not_of(" \t", end);
  }
  return words;
}

/// The printed table, line by line. Several programs may have printed into one file.
class Table {
 public:
  explicit Table(const MeasurementText& file) : file_(file), problems_(file.path), collective_(collective_in(file.path)) {}

  Measurements read() {
    Lines lines(file_.text);
    for (std::string_view line; lines.next(line);) {
      number_ = lines.number();
      if (const std::string named = collective_in(line); !named.empty()) collective_ = named;
      if (line.find("# Using devices") != std::string_view::npos) gpus_ = 0;
      if (line.starts_with("#") && line.find(" Rank ") != std::string_view::npos && line.find(" device ") != std::string_view::npos) device(line);
      if (is_header(line)) header(line);
      if (!columns_.empty() && !line.starts_with('#')) row(line);
    }
    problems_.throw_if_any();
    if (out_.rows.empty()) throw UserError({{file_.path, "", left_out_.empty() ? "there is no line of results" : "no line of results is usable: " + left_out_.text(), kExpected}});
    left_out_.tell(out_.notes);
    out_.notes.push_back("times out of place; bytes are what nccl-tests calls size");
    return std::move(out_);
  }

 private:
  void device(std::string_view line) {
    ++gpus_;
    if (const std::size_t at = line.rfind(']'); at != std::string_view::npos) device_ = trimmed(line.substr(at + 1));
  }

  void header(std::string_view line) {
    columns_ = words_of(line);
    if (std::find(columns_.begin(), columns_.end(), "time") != columns_.end()) return;
    problems_.add(number_, "there is no column \"time\"", std::find(columns_.begin(), columns_.end(), "cputime") != columns_.end() ? "times of the CPU (-C) are not the GPU's: measure without -C" : kExpected);
  }

  void row(std::string_view line) {
    const std::vector<std::string_view> cells = words_of(line);
    if (cells.size() < 6 || !number_in(cells[0]) || !number_in(cells[1])) return;   // blank, or what a library printed between
    // Old versions leave redop or root blank where a collective has none: the columns behind move up.
    const auto header_at = static_cast<std::size_t>(std::find(columns_.begin(), columns_.end(), "time") - columns_.begin());
    const std::size_t blank = columns_.size() - std::min(columns_.size(), cells.size());
    if (header_at < 3 + blank) return problems_.add(number_, fmt::format("{} cells where the header has {} columns", cells.size(), columns_.size()), "the line seems to be cut off");
    const std::size_t time_at = header_at - blank;
    const double bytes = *number_in(cells[0]);
    const auto time = time_at < cells.size() ? number_in(cells[time_at]) : std::nullopt;
    if (!time) return problems_.add(number_, "a line of another version", kExpected);
    if (time_at + 3 < cells.size() && number_in(cells[time_at + 3]).value_or(0) > 0) return left_out_.add("lines whose result was wrong");
    add(bytes, *time);
  }

  void add(double bytes, double time_us) {
    if (collective_.empty()) throw unknown_collective(file_.path);
    if (gpus_ == 0) throw UserError({{file_.path, "", "how many GPUs took part is not said", "the lines \"#  Rank  0 Group  0 Pid ... device ...\" belong to the output"}});
    if (bytes < 1) return left_out_.add("lines of no bytes");
    if (const std::string bad = time_problem(time_us); !bad.empty()) return problems_.add(number_, bad);
    out_.rows.push_back({"nccl", collective_, {{"gpus", gpus_}, {"bytes", bytes}}, time_us, device_, {}, line_place(file_.path, number_)});
  }

  const MeasurementText& file_;
  LineProblems problems_;
  LeftOutRows left_out_;
  Measurements out_;
  std::string collective_, device_;
  std::vector<std::string_view> columns_;
  double gpus_ = 0;
  std::size_t number_ = 0;
};

Measurements read_json(const MeasurementText& file) {
  const Json json = parse_json(file.text, file.path);
  Problems problems;
  JsonReader root(json, file.path, problems);
  std::string collective = collective_in(file.path);
  if (auto args = root.maybe("args")) {
    for (const JsonReader& a : args->items()) {
      if (collective.empty() && a.is_string()) collective = collective_in(a.as_string());
    }
  }
  if (collective.empty()) throw unknown_collective(file.path);
  JsonReader config = root.at("config");
  problems.throw_if_any();
  // One entry a process; each ran nthreads times ngpus.
  JsonReader devices = config.has("devices") ? config.at("devices") : root.at("devices");
  problems.throw_if_any();
  const double gpus = static_cast<double>(devices.items().size()) * config.number_or("nthreads", 1, 1, 1e6) * config.number_or("ngpus", 1, 1, 1e6);
  std::string device;
  for (JsonReader& d : devices.items()) device = d.string("device_info", "");
  Measurements out;
  LeftOutRows left_out;
  for (JsonReader& r : root.at("results").items()) {
    const double bytes = r.number("size", 0, 1e18);
    const bool in_place = !r.has("out_of_place") || r.at("out_of_place").value().is_null();
    JsonReader timed = r.at(in_place ? "in_place" : "out_of_place");
    if (!timed.has("time")) {
      timed.fail("there is no \"time\"", timed.has("cpu_time") ? "times of the CPU (-C) are not the GPU's: measure without -C" : "");
      continue;
    }
    const double time_us = timed.number("time", 0, 1e18);
    if (time_us == 0) timed.fail_at("time", "the time is zero");
    if (timed.has("nwrong") && timed.at("nwrong").is_number() && timed.number("nwrong", 0, 1e18) > 0) left_out.add("results that were wrong");
    else if (bytes < 1) left_out.add("results of no bytes");
    else out.rows.push_back({"nccl", collective, {{"gpus", gpus}, {"bytes", bytes}}, time_us, device, {}, file.path + ":" + r.pointer()});
  }
  problems.throw_if_any();
  if (out.rows.empty()) throw UserError({{file.path, "/results", "there are no results", "was the program stopped?"}});
  left_out.tell(out.notes);
  out.notes.push_back("times out of place; bytes are what nccl-tests calls size");
  return out;
}

Measurements read(const MeasurementText& file, const DataPlaces&) { return is_json(file) ? read_json(file) : Table(file).read(); }

}  // namespace

Reader nccl_tests_reader() { return {"nccl_tests", "what nccl-tests prints (all_reduce_perf, alltoall_perf, ...) and its JSON (-J)", recognises, read}; }

}  // namespace weft::models
