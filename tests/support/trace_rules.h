// What a viewer demands of a trace: events of a line nest, arrows have two ends, counters go forward; checked on the JSON.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include <nlohmann/json.hpp>

namespace weft::testing {

/// A file name of this process that is gone when it goes.
class ScratchFile {
 public:
  explicit ScratchFile(const std::string& suffix)
      : path_(std::filesystem::temp_directory_path() / ("weft_trace_" + std::to_string(::getpid()) + suffix)) {}
  ~ScratchFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  std::string path() const { return path_.string(); }
  std::string text() const {
    std::ifstream in(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

 private:
  std::filesystem::path path_;
};

using TraceLine = std::pair<std::uint64_t, std::uint64_t>;   // pid, tid
struct TraceSlice {
  std::int64_t start, end;   // ns
  nlohmann::json event;
  std::size_t number = 0;    // in the file
};

/// A trace taken apart, and what is wrong with it.
struct ReadTrace {
  std::map<TraceLine, std::vector<TraceSlice>> slices;   // by start
  std::map<std::uint64_t, nlohmann::json> from, to;      // arrows by id
  std::map<std::pair<std::uint64_t, std::string>, std::vector<std::pair<double, double>>> counters;   // pid and name: (us, value)
  std::map<TraceLine, std::string> thread_names;
  std::map<std::uint64_t, std::string> process_names;
  std::vector<std::string> wrong;

  /// What is wrong, a line each; empty when nothing is.
  std::string complaints() const {
    std::string all;
    for (const std::string& w : wrong) all += w + "\n";
    return all;
  }
  std::size_t slice_count() const {
    std::size_t n = 0;
    for (const auto& [line, list] : slices) n += list.size();
    return n;
  }
};

inline std::int64_t ns_of(const nlohmann::json& us) { return std::llround(us.get<double>() * 1000); }

inline void check_lines(ReadTrace& t) {
  for (auto& [line, list] : t.slices) {
    std::stable_sort(list.begin(), list.end(), [](const TraceSlice& a, const TraceSlice& b) {
      return a.start != b.start ? a.start < b.start : a.end > b.end;
    });
    std::vector<std::int64_t> open;   // ends of what is under way
    for (const TraceSlice& s : list) {
      while (!open.empty() && open.back() <= s.start) open.pop_back();
      if (!open.empty() && s.end > open.back()) t.wrong.push_back("overlaps: " + s.event.dump());
      open.push_back(s.end);
    }
    if (!t.thread_names.contains(line)) t.wrong.push_back("a line without name: " + list.front().event.dump());
    if (!t.process_names.contains(line.first)) t.wrong.push_back("a process without name: " + list.front().event.dump());
  }
}

inline void check_arrows(ReadTrace& t) {
  // At equal times viewers take events in the order of the file, so a slice has to stand before the ends of its arrows.
  const auto touches = [&](const nlohmann::json& e, bool at_start) {
    const auto found = t.slices.find({e["pid"], e["tid"]});
    const std::int64_t at = ns_of(e["ts"]);
    return found != t.slices.end() && std::any_of(found->second.begin(), found->second.end(), [&](const TraceSlice& s) {
      return s.number < e["number"] && (at_start ? s.start == at : s.start <= at && (at < s.end || s.start == s.end));
    });
  };
  for (const auto& [id, e] : t.from) {
    const auto other = t.to.find(id);
    if (other == t.to.end()) t.wrong.push_back("an arrow to nowhere: " + e.dump());
    else if (ns_of(e["ts"]) > ns_of(other->second["ts"])) t.wrong.push_back("an arrow into the past: " + e.dump());
    if (!touches(e, false)) t.wrong.push_back("an arrow from nothing: " + e.dump());
  }
  for (const auto& [id, e] : t.to) {
    if (!t.from.contains(id)) t.wrong.push_back("an arrow from nowhere: " + e.dump());
    if (!touches(e, true)) t.wrong.push_back("an arrow to nothing: " + e.dump());
  }
}

inline void check_counters(ReadTrace& t) {
  for (const auto& [name, values] : t.counters) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i > 0 && values[i].first <= values[i - 1].first) t.wrong.push_back(name.second + " goes back in time");
      if (values[i].second < 0) t.wrong.push_back(name.second + " is negative");
    }
    if (values.back().second != 0) t.wrong.push_back(name.second + " does not end at zero");
  }
}

/// Throws when it is no JSON.
inline ReadTrace read_trace(const std::string& text) {
  ReadTrace t;
  const nlohmann::json all = nlohmann::json::parse(text);
  std::size_t number = 0;
  for (nlohmann::json e : all.at("traceEvents")) {
    e["number"] = number++;
    const std::string kind = e.at("ph");
    const std::uint64_t pid = e.at("pid"), tid = e.at("tid");
    if (kind == "X") {
      const std::int64_t start = ns_of(e.at("ts"));
      t.slices[{pid, tid}].push_back({start, start + ns_of(e.at("dur")), e, e["number"]});
      if (ns_of(e.at("dur")) < 0) t.wrong.push_back("ends before it starts: " + e.dump());
    } else if (kind == "s" || kind == "f") {
      if (!(kind == "s" ? t.from : t.to).try_emplace(e.at("id"), e).second) t.wrong.push_back("an arrow twice: " + e.dump());
    } else if (kind == "C") {
      for (const auto& [unit, value] : e.at("args").items()) t.counters[{pid, e.at("name")}].emplace_back(e.at("ts"), value);
    } else if (kind == "M") {
      if (e.at("name") == "thread_name") t.thread_names[{pid, tid}] = e["args"]["name"];
      if (e.at("name") == "process_name") t.process_names[pid] = e["args"]["name"];
    } else {
      t.wrong.push_back("an unknown kind of event: " + e.dump());
    }
  }
  check_lines(t);
  check_arrows(t);
  check_counters(t);
  return t;
}

}  // namespace weft::testing
