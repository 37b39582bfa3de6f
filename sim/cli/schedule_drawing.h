// Draws a played pipeline schedule as text: a row a rank, a column a unit of time, micro-batch numbers in the cells.
#pragma once

#include <cstddef>
#include <limits>
#include <string>

#include "workloads/training/schedule_times.h"

namespace weft::cli {

struct DrawingOptions {
  std::size_t width = 160;   ///< characters of a line
  bool colour = false;       ///< ANSI colours behind the letters, which say the same
  double from = 0, to = std::numeric_limits<double>::infinity();   ///< the part of the time that is drawn
  bool all = false;          ///< else only the first and last lines of a drawing that is many lines wide
};

/// Ends in a newline. What does not fit on a line goes on below; letters: F forward, B backward, I of the inputs alone, W of the weights
/// alone; capitals for direction 0 and a rank's first stage, small letters for the others; dots are bubble.
std::string drawing_of(const workloads::training::PipelineSchedule& schedule, const workloads::training::PlayedSchedule& played,
                       const DrawingOptions& options);

/// What the letters (and colours) of the drawing mean, one line.
std::string drawing_legend(const workloads::training::PipelineSchedule& schedule, bool colour);

}  // namespace weft::cli
