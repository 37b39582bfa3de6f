// --trace: draws one simulated case of a run into a file.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "scenarios/runner.h"
#include "sim/cli/app.h"

namespace weft::cli {

struct TraceFlags {
  std::optional<std::string> file;   ///< none: nothing is drawn
  std::string of, ranks;
  bool no_arrows = false;
};

/// Adds --trace, --trace-of, --trace-ranks, --no-trace-arrows.
void add_trace_options(CLI::App& sub, TraceFlags& flags);

/// The file of one run. Leaves nothing behind when the run fails.
class TraceOutput {
 public:
  /// Precondition: there is a file among the flags. Throws UserError when they are wrong or it cannot be written.
  TraceOutput(const TraceFlags& flags, const Common& common);
  ~TraceOutput();
  TraceOutput(const TraceOutput&) = delete;

  /// Opens the file and has the run draw into it.
  void attach(scenarios::RunOptions& run);
  /// Finishes the file after the run and says so.
  void finish(const scenarios::Scenario& scenario, const scenarios::RunOptions& run, const Common& common);

 private:
  struct Writing;

  std::string file_;
  scenarios::TraceRequest request_;
  scenarios::Traced traced_;
  std::unique_ptr<Writing> writing_;
};

}  // namespace weft::cli
