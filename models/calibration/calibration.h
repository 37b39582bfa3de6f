// A Calibration: fitted parameters per kernel family with their uncertainty, the table that they were fitted to, and how wrong they are.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "models/calibration/errors.h"
#include "models/kernels/kernel.h"
#include "models/kernels/transfer.h"
#include "sim/core/files.h"
#include "sim/core/json.h"

namespace weft::models {

/// One row that a fit used.
struct CalibrationPoint {
  std::vector<double> at;      ///< shape, in the order of the family's fields
  double time_us = 0;
  double predicted_us = 0;     ///< by the fitted formula
};

/// One family and variant.
struct CalibrationEntry {
  std::string family, variant, form;
  std::vector<double> parameters;                ///< in the order of the form's
  std::vector<std::vector<double>> covariance;   ///< of the logarithms of the parameters
  std::vector<std::string> at_bounds;            ///< parameters that ended at a bound of their range
  std::vector<std::string> held;                 ///< parameters that were given, not fitted
  std::string fitted_with;                       ///< other variants that share these parameters; empty: none
  TransferSetting transfer;
  std::map<std::string, ErrorStatistics> errors; ///< "in_sample", "leave_one_out", "leave_family_out", "transfer_leave_family_out";
                                                 ///< with siblings also "together_leave_one_out", "together_leave_family_out"
  std::string left_out;                          ///< how the left-out errors were made, in words
  std::vector<CalibrationPoint> points;

  const KernelFamily& kernel() const;            ///< throws UserError when the family is not known
  const KernelForm& formula() const;
};

struct Calibration {
  std::string id;             ///< name of its file without .json
  std::string title, source;
  std::string device, gpu;    ///< as measured ("NVIDIA H800"), and weft's name for it ("h800")
  std::string date;           ///< of the fit, ISO
  std::string digest;         ///< of the data
  std::vector<std::string> data;   ///< files, without folders
  std::vector<std::string> notes;
  std::vector<CalibrationEntry> entries;

  const CalibrationEntry* find(const std::string& family, const std::string& variant) const;
};

/// Reads a name of models/calibrations or a path. Throws UserError with all problems of the file.
Calibration read_calibration(const std::string& name_or_path, const DataPlaces& data, const std::string& place);
/// The file's text. Same calibration, same bytes.
std::string calibration_json(const Calibration& c);

}  // namespace weft::models
