// The subcommands of `weft calibrate`, one file each.
#pragma once

namespace CLI {
class App;
}

namespace weft::cli {

void add_calibrate_measure(CLI::App& calibrate);
void add_calibrate_import(CLI::App& calibrate);
void add_calibrate_fit(CLI::App& calibrate);
void add_calibrate_check(CLI::App& calibrate);
void add_calibrate_diff(CLI::App& calibrate);

}  // namespace weft::cli
