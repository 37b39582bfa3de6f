// Fitting: measurements of kernels become a calibration, with errors on rows and shapes that the fit has not seen.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "models/calibration/calibration.h"
#include "models/calibration/measurement.h"

namespace weft::models {

struct FitOptions {
  std::map<std::string, std::string> form;   ///< by family ("" for all others); not named: the form that predicts left-out shape families best
  std::map<std::string, double> hold;        ///< "mla_decode.kappa" = 5: not fitted, an input
  std::string date;                   ///< ISO; goes into the file
  std::string title, source;
};

/// Measurements of one device become one calibration. Families with too few rows or one shape only are left out with a note; when nothing
/// is left, or a row does not fit its family, this throws UserError that says what is missing. Deterministic.
Calibration fit_calibration(const Measurements& data, const Gpu& gpu, const FitOptions& options);

/// One family's or several sibling variants' rows, ready for a fit.
struct FitTable {
  std::string family, variant;
  std::vector<KernelCall> calls;
  std::vector<double> times_us;
};

/// Rows by family and variant, in the order of first appearance. Throws UserError (the row's place).
std::vector<FitTable> fit_tables(const std::vector<Measurement>& rows);

/// "7168,2048": the values of the family's shape_family fields; what is left out together.
std::string shape_family_of(const KernelCall& call);

}  // namespace weft::models
