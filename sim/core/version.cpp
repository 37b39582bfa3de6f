#include "sim/core/version.h"

namespace weft::core {

std::string_view version() { return WEFT_VERSION; }

}  // namespace weft::core
