// Fitting one formula to rows of measured times, and predicting rows that were left out.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "models/calibration/fit/least_squares.h"
#include "models/kernels/kernel.h"
#include "models/kernels/transfer.h"

namespace weft::models {

/// Rows of one formula: features once, times, where they lie, to which shape family they belong.
struct FormRows {
  std::vector<KernelForm> forms;                   ///< one a row's family (siblings have the same formula, other features); by `which`
  std::vector<int> which;
  std::vector<std::vector<double>> features;
  std::vector<double> times_us;
  std::vector<std::vector<double>> places;
  std::vector<int> family;                         ///< number of the shape family
  int families = 0;
  std::map<std::string, double> held;              ///< parameters that are not fitted, by their names

  std::size_t size() const { return times_us.size(); }
  double predict(std::size_t row, const std::vector<double>& parameters) const {
    return forms[static_cast<std::size_t>(which[row])].time_us(features[row].data(), parameters.data());
  }
};

struct FormFit {
  std::vector<double> parameters;
  std::vector<std::vector<double>> covariance;     ///< of their logarithms; empty unless asked for
  std::vector<bool> at_bound;
};

/// `rows_used`: indices. `from`: parameters to start at (empty: the best of the form's own start and some drawn ones).
FormFit fit_form(const FormRows& rows, const std::vector<std::size_t>& rows_used, const std::vector<double>& from, int iterations, bool covariance);

/// One table of neighbours a variant, from the rows used.
std::vector<Transfer> transfers_of(const FormRows& rows, const std::vector<std::size_t>& used, const std::vector<double>& parameters,
                                   const TransferSetting& setting);

/// Log errors log(measured / predicted) of rows that their fold's fit has not seen, in order of the rows; by the formula alone and with each
/// transfer setting.
struct LeftOut {
  std::vector<double> formula;
  std::vector<std::vector<double>> transferred;    ///< one a setting
  int folds = 0;
  std::vector<std::vector<double>> parameters;     ///< of each fold's fit
};

/// `fold`: one number a row; each fold is predicted by a fit to all others, started at `from`.
LeftOut leave_out(const FormRows& rows, const std::vector<int>& fold, int folds, const std::vector<double>& from,
                  const std::vector<TransferSetting>& settings);

}  // namespace weft::models
