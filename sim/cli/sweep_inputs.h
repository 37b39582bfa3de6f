// What `weft sweep` and `weft sweep submit` are given alike: a scenario or study, and what options add to it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/studies/sweep.h"
#include "sim/cli/app.h"

namespace weft::cli {

struct SweepInputs {
  EngineOptions engine;
  KernelTimeOptions kernels;
  std::string file, where, pareto;
  std::vector<std::string> vary, settings;
  std::optional<std::uint64_t> seed;
  unsigned jobs = 1;
};

/// The scenario or study that was named, with what the options add to it.
struct AskedSweep {
  scenarios::Sweep sweep;
  scenarios::RunOptions run;
  std::string where;                               ///< empty: all rows
  std::optional<scenarios::ParetoGoals> pareto;
  std::size_t tasks = 0;                           ///< of a study that `weft sweep submit` wrote
};

/// Adds SCENARIO, --vary, --set, --where, --pareto, --seed, --jobs, and those of engine and kernel times. The simulating engine is
/// chosen by `engine_option`.
void add_sweep_inputs(CLI::App& sub, SweepInputs& inputs, const std::string& engine_option = "--engine");

/// Throws UserError: there is no such file, it is broken, or an option is.
AskedSweep read_asked(const SweepInputs& inputs);

/// The same of a study in memory; `file` is what messages call it.
AskedSweep asked_of(const Json& document, const std::string& file);

}  // namespace weft::cli
