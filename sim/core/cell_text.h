// Cells as text: exact for machines, rounded for eyes.
#pragma once

#include <string>

#include "sim/core/row.h"

namespace weft::core {

/// The shortest text that reads back as the same value: 2048, 0.1, true, MPFT.
std::string exact_text(const Cell& cell);

/// For people: 2,048; 58.123 (five significant digits, no trailing zeros); 4.2e-05; yes.
std::string readable_text(const Cell& cell);
std::string readable_text(double value);
/// The same rounded to `digits` (1 to 9) that count: 21530 with three is 21,500.
std::string significant_text(double value, int digits);
/// With `decimals` behind the point and separators: 21,530.4.
std::string fixed_text(double value, int decimals);

bool is_number(const Cell& cell);
/// The cell as a double. Precondition: is_number().
double number_of(const Cell& cell);

}  // namespace weft::core

namespace weft { using namespace core; }
