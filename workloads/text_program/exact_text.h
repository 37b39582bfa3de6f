// A quantity as the shortest text with a unit that is read back as exactly the same number.
#pragma once

#include <string>

#include "sim/core/units.h"

namespace weft::workloads {

std::string exact_text(Bytes v);
std::string exact_text(Seconds v);
std::string exact_text(BytesPerSecond v);

}  // namespace weft::workloads
