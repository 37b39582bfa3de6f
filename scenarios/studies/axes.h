// The axes of a grid: places of a scenario, and the values that stand there at each step.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "scenarios/scenario.h"
#include "sim/core/json.h"
#include "sim/core/row.h"

namespace weft::scenarios {

constexpr std::size_t kMostPoints = 100000;   ///< of a grid, and steps of an axis

/// Places that change together (one, unless they are zipped): at step i, pointers[k] is set to steps[i][k].
struct Axis {
  std::vector<std::string> pointers;
  std::vector<std::vector<Setting>> steps;
};

/// Reads "/pointer=VALUES", or several such joined by ";" whose values go in step. VALUES are separated by commas (those inside brackets, braces and
/// quotes do not split); each is JSON, else a range, else a word:
///   lo:hi:step   from lo in steps up to hi, with a unit behind if there is one: 1:8:1, 0:1:0.25, 100:800:100 Gbps
///   lo:hi:logN   N values, each the same factor above the one before; whole ones when both ends are written so, else rounded to six digits
/// Throws UserError (place: `option`).
Axis parse_axis(const std::string& text, const std::string& option = "--vary");

/// Axes of a study file: a list of texts as above and of objects {"/pointer": values, ...}, several keys of which go in step; values are a list, taken
/// as it is, or a text as behind the "=". Problems are recorded.
std::vector<Axis> read_axes(JsonReader list);

/// All combinations of the steps of axes; the last axis runs fastest.
class Grid {
 public:
  Grid() = default;
  /// Throws UserError (place: --vary) when there is no axis, one is without steps or has a step twice, a place is set twice, or there are too many points.
  explicit Grid(std::vector<Axis> axes);

  std::size_t points() const { return points_; }
  const std::vector<Axis>& axes() const { return axes_; }
  /// All places, in the order of the axes.
  std::vector<std::string> pointers() const;
  /// What is set at a point, in the same order.
  std::vector<Setting> at(std::size_t point) const;
  /// The same as the first cells of the point's rows: numbers and truths as such, all else as text.
  Row lead(std::size_t point) const;
  /// The axes as objects of lists; read_axes() gives the same grid again.
  Json to_json() const;

 private:
  std::vector<Axis> axes_;
  std::size_t points_ = 0;
};

}  // namespace weft::scenarios
