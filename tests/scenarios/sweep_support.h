// Shared by the tests of sweeps: a listing as a sweep gathers it, a folder that goes away, the words of an error.
#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "reports/report.h"
#include "scenarios/studies/sweep.h"
#include "sim/core/error.h"

namespace weft::scenarios::test {

/// Of two points (nodes 4 and 8) and two variants: a price each, memory that fits on eight nodes, and times of two sizes.
inline reports::Listing swept() {
  const std::vector<ColumnDoc> lead = {{"/cluster/nodes", "set"}, {"variant", "variant"}, {"workload", "id"}};
  reports::Table price{"price", "price", "t", lead, {{"price_usd", "sum"}}, {}}, memory{"memory", "m", "t", lead, {{"memory_fits", "whether"}}, {}},
      a2a{"a2a", "a", "t", lead, {{"time_us", "time"}}, {}};
  a2a.label_columns.push_back({"size_B", "size"});
  for (const std::int64_t nodes : {4, 8}) {
    for (const std::string variant : {"A", "B"}) {
      const bool b = variant == "B";
      const auto row = [&](const char* workload) {
        Row r;
        return r.set("/cluster/nodes", nodes).set("variant", variant).set("workload", std::string(workload));
      };
      price.rows.push_back(row("price").set("price_usd", static_cast<double>(nodes) * (b ? 2e6 : 1e6)));
      memory.rows.push_back(row("memory").set("memory_fits", nodes == 8));
      for (const std::int64_t size : {1024, 2048}) {
        a2a.rows.push_back(row("a2a").set("size_B", size).set("time_us", static_cast<double>(size) / static_cast<double>(nodes) / (b ? 2 : 1)));
      }
    }
  }
  reports::Table failed{"failed", "", "t", {lead[0]}, {{"error", "why"}}, {}};
  Row row;
  failed.rows.push_back(row.set("/cluster/nodes", std::int64_t{-1}).set("error", std::string("no")));
  reports::Listing out;
  out.tables = {price, memory, a2a, failed};
  return out;
}

class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / ("weft_sweep_" + std::to_string(::getpid()) + "_" + std::to_string(count()++))) {
    std::filesystem::create_directories(path_);
  }
  Folder(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name) const { return (path_ / name).string(); }
  std::string path() const { return path_.string(); }

 private:
  static int& count() {
    static int n = 0;
    return n;
  }
  std::filesystem::path path_;
};

inline std::string text_of(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

inline void write_text(const std::string& file, const std::string& text) { std::ofstream(file, std::ios::binary) << text; }

/// What a UserError or RunError says; empty when there is none.
template <class F>
std::string words_of(F f) {
  try {
    f();
  } catch (const UserError& e) {
    return e.what();
  } catch (const RunError& e) {
    return e.what();
  }
  return "";
}

/// Prices of a small network over sizes and kinds.
inline Sweep small_sweep(const std::vector<std::string>& vary, const std::string& variants = "") {
  Sweep s;
  s.file = "small.json";
  s.document = std::make_shared<const Json>(parse_json(
      R"({"title": "t", "cluster": {"node": "h800", "nodes": 4, "topology": {"kind": "mpft"}}, "workload": [{"kind": "price"}])" + variants + "}", "small.json"));
  std::vector<Axis> axes;
  for (const std::string& v : vary) axes.push_back(parse_axis(v));
  s.grid = Grid(std::move(axes));
  return s;
}

}  // namespace weft::scenarios::test
