// weft calibrate: measure kernels, import measurements, fit models to them, check a fit, compare two.
#include "sim/cli/calibrate.h"

#include <CLI/CLI.hpp>

#include "sim/cli/app.h"

namespace weft::cli {

void add_calibrate(CLI::App& app) {
  CLI::App* sub = app.add_subcommand("calibrate", "kernel times: read measurements, fit models to them, see how wrong they are");
  sub->require_subcommand(1);
  add_calibrate_measure(*sub);
  add_calibrate_import(*sub);
  add_calibrate_fit(*sub);
  add_calibrate_check(*sub);
  add_calibrate_diff(*sub);
}

}  // namespace weft::cli
