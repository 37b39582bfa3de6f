// Inputs: every number and quantity that a resolved scenario stands on, with the places where a scenario can change it.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "reports/report.h"
#include "scenarios/scenario.h"
#include "sim/core/files.h"

namespace weft::scenarios {

/// Where an input stands. What the scenario leaves to a default is written out first.
struct InputPlace {
  std::string pointer;             ///< "/cluster/node/nic_rate", as --set takes it
  std::vector<Setting> before;
};

struct Input {
  std::string name;                ///< "node h800: nic_rate" as among the constants of a result, or "step: slowest_rows"
  std::string key;                 ///< "nic_rate": steps go by it
  std::vector<InputPlace> places;  ///< all of one constant: three kernels of nccl_ring are one input
  std::shared_ptr<const Json> value;     ///< as written: 1.19, "400 Gbps"
  std::shared_ptr<const Json> wrapper;   ///< {"value", "origin", "source"} around it; null: none
  std::string origin;              ///< published, measured, derived, fitted, assumed; given (in the scenario) or default (of a workload)
  std::string source;
  bool restated = false;           ///< a default, which the scenario does not say
  bool of_gpu = false;             ///< of a GPU: its kernel times come from a calibration
  bool on_request = false;         ///< what is computed rather than how fast: left alone unless named

  std::string pointers() const;    ///< joined by commas, as --together takes them
};

/// An input that stays where it is.
struct StillInput {
  std::string name, value, origin, source, why;
};

struct FoundInputs {
  std::vector<Input> inputs;       ///< cluster first, then the workload, in the order in which they are written
  std::vector<StillInput> still;
  std::set<std::string> gpus;      ///< names of the GPUs whose kernels are timed
};

/// Inputs of a scenario with one variant and one workload, whose result is `base`.
FoundInputs find_inputs(const Json& document, const reports::Report& base, const DataPlaces& data);

/// The document with inputs at other values (without wrappers).
Json moved(Json document, const std::vector<std::pair<const Input*, Json>>& values, const std::string& file);

}  // namespace weft::scenarios
