// A Scenario: a cluster, what is asked of it, variants of both, and what is expected; read from JSON.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/core/json.h"

namespace weft::scenarios {

/// One `--set /pointer=value` or one entry of a variant's `set`.
struct Setting {
  std::string pointer;
  std::shared_ptr<const Json> value;
};

/// "/cluster/nodes = 100".
std::string to_text(const Setting& s);

/// Parses "/pointer=value"; the value is JSON if it parses, else a string. Throws UserError (place: `option`).
Setting parse_setting(const std::string& text, const std::string& option);

/// Sets a value in a document. The parent must exist; a list element may also be named by its "id". Throws UserError.
void apply_setting(Json& document, const Setting& s, const std::string& file, const std::string& place);

/// A published or demanded value of one cell. Taken off before a run: a run cannot see it.
struct Expect {
  std::string of;                    ///< "MPFT/all_to_all[gpus=64,size_B=1024]/time_us"
  std::optional<std::string> over;   ///< when given, the expected value is the ratio of the cell `of` to this cell
  double value = 0;
  double tolerance_pct = 0;
  std::string source;
  std::string id, topic, unit, kind; ///< for `weft validate`; kind: identity, calibrated or predicted
  std::string note;                  ///< what a reader has to know beside the numbers: `weft validate` shows it
  std::string not_reproducible;      ///< why the number cannot be computed from what is published; shown, never a miss
  std::string known_miss;            ///< why it is out of tolerance, and known to be: `weft validate` shows it and does not fail on it
  std::vector<std::string> depends;  ///< what moves it when halved: nic, nvlink, switch_latency (the mutation test)
  std::string place;                 ///< JSON pointer of this entry
};

/// A named set of inputs: what the base becomes after its settings.
struct Variant {
  std::string name;
  std::shared_ptr<const Json> document;   ///< {"cluster": ..., "workload": [...]}
};

struct Scenario {
  std::string file;                       ///< as the user named it
  std::string title, question, source;
  std::string headline;                   ///< template of the answer (scenarios/headline.h); may be empty
  std::shared_ptr<const Json> document;   ///< whole input after --set, without `expect`; a scenario again when written
  std::vector<Variant> variants;          ///< at least one; the first is the base
  std::vector<Expect> expects;
  std::vector<std::string> changed;       ///< the settings that were applied, "/pointer = value"
  // Of the run, when the file is a result.
  std::optional<std::string> digest;      ///< of its resolved input
  std::optional<std::uint64_t> seed;
  std::optional<std::string> engine;
  std::optional<double> time_tolerance;
  std::optional<std::string> cost_model;
  std::vector<std::string> calibrations;
  bool force = false;
  std::uint64_t draws = 0;
};

/// Reads a file ("-" is standard input), applies the settings to it, then makes its variants. Throws UserError.
Scenario load_scenario(const std::string& path, const std::vector<Setting>& settings);

/// The same from a document in memory.
Scenario scenario_of(Json document, const std::string& file, const std::vector<Setting>& settings);

}  // namespace weft::scenarios
