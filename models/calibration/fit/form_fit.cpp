#include "models/calibration/fit/form_fit.h"

#include <cmath>

#include "sim/core/random.h"

namespace weft::models {
namespace {

constexpr double kPrior = 2e-4;         // pull of each logarithm towards its start: only what the data says nothing about feels it
constexpr std::size_t kSearchRows = 400;   // on which starts are compared
constexpr int kStarts = 8;
constexpr double kReach = 1.5;             // of the drawn starts, in logarithms

LeastSquaresProblem problem_of(const FormRows& rows, const std::vector<std::size_t>& used, int iterations) {
  LeastSquaresProblem p;
  p.residuals = used.size();
  for (const FormParameter& f : rows.forms.front().parameters) {
    const auto held = rows.held.find(f.name);
    p.low.push_back(std::log(held == rows.held.end() ? f.low : held->second));
    p.high.push_back(std::log(held == rows.held.end() ? f.high : held->second));
    p.start.push_back(std::log(held == rows.held.end() ? f.start : held->second));
    p.prior.push_back(kPrior);
  }
  p.centre = p.start;
  p.iterations = iterations;
  p.evaluate = [&rows, &used](const std::vector<double>& x, std::vector<double>& residuals) {
    std::vector<double> parameters(x.size());
    for (std::size_t j = 0; j < x.size(); ++j) parameters[j] = std::exp(x[j]);
    for (std::size_t i = 0; i < used.size(); ++i) residuals[i] = std::log(rows.predict(used[i], parameters) / rows.times_us[used[i]]);
  };
  return p;
}

std::vector<double> logs(const std::vector<double>& values) {
  std::vector<double> out;
  for (double v : values) out.push_back(std::log(v));
  return out;
}

/// The form's own start and kStarts drawn ones, each followed on some of the rows; where the best of them ends.
std::vector<double> best_start(const FormRows& rows, const std::vector<std::size_t>& used) {
  const std::size_t stride = (used.size() + kSearchRows - 1) / kSearchRows;
  std::vector<std::size_t> some;
  for (std::size_t i = 0; i < used.size(); i += stride) some.push_back(used[i]);
  LeastSquaresProblem p = problem_of(rows, some, 40);
  LeastSquaresSolution best;
  best.cost = HUGE_VAL;
  for (int k = 0; k <= kStarts; ++k) {
    p.start = p.centre;
    Draws draws(1, "starts of a fit", static_cast<std::uint64_t>(k));
    for (double& x : p.start) x += k == 0 ? 0 : kReach * (2 * draws.unit() - 1);
    LeastSquaresSolution s = solve_least_squares(p);
    if (s.cost < best.cost) best = std::move(s);
  }
  return best.x;
}

/// What the rows do not tell is known to lie in the form's range: no variance is above that of an even spread over it.
void hold_to_ranges(std::vector<std::vector<double>>& covariance, const std::vector<FormParameter>& parameters) {
  for (std::size_t j = 0; j < covariance.size(); ++j) {
    const double range = std::log(parameters[j].high / parameters[j].low), most = range * range / 12;
    if (covariance[j][j] <= most) continue;
    const double factor = std::sqrt(most / covariance[j][j]);
    for (std::size_t i = 0; i < covariance.size(); ++i) {
      covariance[i][j] *= factor;
      covariance[j][i] *= factor;
    }
  }
}

}  // namespace

FormFit fit_form(const FormRows& rows, const std::vector<std::size_t>& used, const std::vector<double>& from, int iterations, bool covariance) {
  const std::vector<double> start = from.empty() ? best_start(rows, used) : logs(from);
  LeastSquaresProblem p = problem_of(rows, used, iterations);
  p.start = start;
  std::vector<int> clusters;
  if (covariance) {
    for (std::size_t i : used) clusters.push_back(rows.family[i]);
  }
  const LeastSquaresSolution s = solve_least_squares(p, clusters);
  FormFit fit;
  for (double x : s.x) fit.parameters.push_back(std::exp(x));
  fit.covariance = s.covariance;
  hold_to_ranges(fit.covariance, rows.forms.front().parameters);
  fit.at_bound = s.at_bound;
  return fit;
}

std::vector<Transfer> transfers_of(const FormRows& rows, const std::vector<std::size_t>& used, const std::vector<double>& parameters,
                                   const TransferSetting& setting) {
  std::vector<std::vector<std::vector<double>>> places(rows.forms.size());
  std::vector<std::vector<double>> errors(rows.forms.size());
  for (std::size_t i : used) {
    const auto table = static_cast<std::size_t>(rows.which[i]);
    places[table].push_back(rows.places[i]);
    errors[table].push_back(std::log(rows.times_us[i] / rows.predict(i, parameters)));
  }
  std::vector<Transfer> out;
  for (std::size_t t = 0; t < places.size(); ++t) out.emplace_back(std::move(places[t]), std::move(errors[t]), setting);
  return out;
}

LeftOut leave_out(const FormRows& rows, const std::vector<int>& fold, int folds, const std::vector<double>& from,
                  const std::vector<TransferSetting>& settings) {
  LeftOut out;
  out.folds = folds;
  out.formula.resize(rows.size());
  out.transferred.assign(settings.size(), std::vector<double>(rows.size()));
  for (int k = 0; k < folds; ++k) {
    std::vector<std::size_t> used, held;
    for (std::size_t i = 0; i < rows.size(); ++i) (fold[i] == k ? held : used).push_back(i);
    out.parameters.push_back(from);
    if (held.empty() || used.empty()) continue;
    const FormFit fit = fit_form(rows, used, from, 12, false);
    out.parameters.back() = fit.parameters;
    for (std::size_t i : held) out.formula[i] = std::log(rows.times_us[i] / rows.predict(i, fit.parameters));
    for (std::size_t s = 0; s < settings.size(); ++s) {
      const std::vector<Transfer> transfers = transfers_of(rows, used, fit.parameters, settings[s]);
      for (std::size_t i : held) {
        out.transferred[s][i] = out.formula[i] - transfers[static_cast<std::size_t>(rows.which[i])].correction(rows.places[i]);
      }
    }
  }
  return out;
}

}  // namespace weft::models
