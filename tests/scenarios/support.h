// Shared by the tests of scenarios: running one from text, and where the shipped ones lie.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "reports/report.h"
#include "scenarios/runner.h"
#include "scenarios/scenario.h"

namespace weft::scenarios::test {

inline DataPlaces data() { return DataPlaces::standard(); }

/// A scenario written in place.
inline Scenario scenario(const std::string& text, const std::vector<Setting>& settings = {}) {
  return scenario_of(parse_json(text, "test.json"), "test.json", settings);
}

inline reports::Report run(const std::string& text, unsigned jobs = 1, std::uint64_t seed = 1) {
  RunOptions o;
  o.jobs = jobs;
  o.seed = seed;
  return run_scenario(scenario(text), data(), o);
}

/// The words of the UserError that running the text ends in; empty when it does not.
inline std::string error_of(const std::string& text) {
  try {
    run(text);
  } catch (const UserError& e) {
    return e.what();
  }
  return "";
}

inline Setting set(const std::string& text) { return parse_setting(text, "--set"); }

/// A minimal scenario with the given cluster members and workload entries.
inline std::string minimal(const std::string& cluster, const std::string& workload) {
  return R"({"title": "t", "cluster": {)" + cluster + R"(}, "workload": [)" + workload + "]}";
}

}  // namespace weft::scenarios::test
