// What a command line that cannot be read got wrong, where CLI11 names only what it stumbled over later.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace weft::cli {

/// The first option that its command does not know, with the nearest that it does know; empty where all are known.
std::string mistyped_option(const CLI::App& app, int argc, const char* const* argv);

}  // namespace weft::cli
