// A StepCurve is a day in steps: one level from each edge to the next, in hours after the day began.
#pragma once

#include <vector>

namespace weft::workloads::inference {

inline constexpr double kHoursOfDay = 24;

/// Edges rise from 0 to 24 and are one more than the levels. A day repeats: hours below 0 and from 24 on are those of other days.
struct StepCurve {
  std::vector<double> edges_h;
  std::vector<double> levels;

  /// The level from this hour on.
  double at(double hour) const;
  /// Mean over [from, to) within the day.
  double mean(double from_h, double to_h) const;
  double mean() const { return mean(0, kHoursOfDay); }
  /// Largest level in [from, to), which may reach into other days; of an empty span: at(from).
  double highest(double from_h, double to_h) const;
  double highest() const { return highest(0, kHoursOfDay); }
};

/// Levels of steps of equal length.
StepCurve equal_steps(std::vector<double> levels);

/// The edges of all of them and every whole hour, sorted, each once.
std::vector<double> common_edges(const std::vector<const StepCurve*>& curves);

}  // namespace weft::workloads::inference
