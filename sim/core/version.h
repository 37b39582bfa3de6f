// The version of weft, as meson.build states it.
#pragma once

#include <string_view>

namespace weft::core {

std::string_view version();

}  // namespace weft::core

namespace weft { using namespace core; }
