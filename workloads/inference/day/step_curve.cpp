#include "workloads/inference/day/step_curve.h"

#include <algorithm>
#include <cmath>

#include "sim/core/error.h"

namespace weft::workloads::inference {
namespace {

/// Number of the step that an hour of the day lies in.
std::size_t step_of(const StepCurve& c, double hour) {
  const auto above = std::upper_bound(c.edges_h.begin(), c.edges_h.end(), hour);
  const auto step = static_cast<std::size_t>(above - c.edges_h.begin());
  return std::min(step == 0 ? 0 : step - 1, c.levels.size() - 1);
}

double within_day(double hour) {
  const double h = std::fmod(hour, kHoursOfDay);
  return h < 0 ? h + kHoursOfDay : h;
}

}  // namespace

double StepCurve::at(double hour) const { return levels[step_of(*this, within_day(hour))]; }

double StepCurve::mean(double from_h, double to_h) const {
  WEFT_CHECK(from_h >= 0 && to_h > from_h && to_h <= kHoursOfDay, "a mean is over a span of the day");
  double sum = 0;
  for (std::size_t i = step_of(*this, from_h); i < levels.size() && edges_h[i] < to_h; ++i) {
    sum += levels[i] * (std::min(to_h, edges_h[i + 1]) - std::max(from_h, edges_h[i]));
  }
  return sum / (to_h - from_h);
}

double StepCurve::highest(double from_h, double to_h) const {
  double most = at(from_h);
  // Every edge inside the span begins a level that may be higher; edges of the days before and after count as well.
  for (double day = std::floor(from_h / kHoursOfDay) * kHoursOfDay; day < to_h; day += kHoursOfDay) {
    for (std::size_t i = 0; i < levels.size(); ++i) {
      const double edge = day + edges_h[i];
      if (edge >= from_h && edge < to_h) most = std::max(most, levels[i]);
    }
  }
  return most;
}

StepCurve equal_steps(std::vector<double> levels) {
  StepCurve c;
  const auto n = static_cast<double>(levels.size());
  for (std::size_t i = 0; i <= levels.size(); ++i) c.edges_h.push_back(kHoursOfDay * static_cast<double>(i) / n);
  c.levels = std::move(levels);
  return c;
}

std::vector<double> common_edges(const std::vector<const StepCurve*>& curves) {
  std::vector<double> edges;
  for (int hour = 0; hour <= static_cast<int>(kHoursOfDay); ++hour) edges.push_back(hour);
  for (const StepCurve* c : curves) edges.insert(edges.end(), c->edges_h.begin(), c->edges_h.end());
  std::sort(edges.begin(), edges.end());
  edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
  return edges;
}

}  // namespace weft::workloads::inference
