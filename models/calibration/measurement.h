// A Measurement: one timed kernel at one shape on one device; what every reader gives and every fit takes.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "sim/core/files.h"
#include "sim/core/json.h"

namespace weft::models {

struct Measurement {
  std::string family;                    ///< of models/kernels: "gemm"
  std::string variant;                   ///< "fp8_block"
  std::map<std::string, double> shape;   ///< by the family's fields
  double time_us = 0;                    ///< positive and finite
  std::string device;                    ///< as the driver prints it: "NVIDIA H800"; empty: the file does not say
  std::string label;                     ///< what it is in its model: "q_a forward"; may be empty
  std::string place;                     ///< where it was read: "gemm.csv:17"
};

/// What a file held.
struct Measurements {
  std::vector<Measurement> rows;         ///< with a shape: what a fit takes
  std::vector<Measurement> others;       ///< timed, but without a shape or of no family ("other"): told, never fitted
  std::vector<std::string> notes;        ///< what was left out and why, in words
  std::string digest;                    ///< of the bytes read: "fnv1a64:0123456789abcdef"
};

/// Reads any supported file; the reader is told by what the file holds, or named by `format` (empty: told).
/// `data` holds the trainings whose traces have known shapes. Throws UserError (file, line) for a truncated, empty or unknown file.
Measurements read_measurements(const std::string& path, const std::string& format = {}, const DataPlaces& data = DataPlaces::standard());

/// weft's own form: {"schema": "weft-measurements/1", "notes", "rows": [{"family", "variant", <shape>, "time_us", "device", "label"}]}.
std::string measurements_json(const Measurements& m);
/// The same as CSV with the union of the columns.
std::string measurements_csv(const Measurements& m);

}  // namespace weft::models
