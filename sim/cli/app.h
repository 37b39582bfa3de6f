// What the subcommands share: global options, where results go, and how each subcommand is added.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "reports/render.h"
#include "scenarios/scenario.h"
#include "sim/cli/progress.h"
#include "sim/core/files.h"

namespace CLI {
class App;
}

namespace weft::cli {

/// Options that every subcommand takes.
struct Common {
  std::string format;          ///< empty: by the suffix of `output`, else "table"
  std::string output;          ///< -o FILE; empty or "-": stdout
  bool quiet = false;
  int verbose = 0;
  std::string colour = "auto", bars = "auto";   ///< auto, always or never
};

/// Which engine runs, and how.
struct EngineOptions {
  std::string engine;                  ///< empty: that of a result that is run again, else the default
  std::optional<double> time_tolerance;
  bool no_classes = false;
  bool no_fold = false;
};

/// How long kernels take.
struct KernelTimeOptions {
  std::string cost_model;              ///< empty: that of a result that is run again, else measured
  std::vector<std::string> calibrations;
  bool force = false;
};

/// Options of everything that reads scenarios.
struct ScenarioOptions {
  std::vector<std::string> files;
  std::vector<std::string> settings;   ///< --set
  std::optional<std::uint64_t> seed;   ///< --seed; else that of a result that is run again, else 1
  unsigned jobs = 0;
  EngineOptions engine;
  KernelTimeOptions kernels;
  bool strict = false;
  bool dry_run = false;
  bool explain_columns = false;
  bool constants = false;
};

/// Adds --format, --json, -o, -q, -v, --color and --bars to a subcommand.
void add_common(CLI::App& sub, Common& common);
/// Adds --engine (or whatever `name` calls it), --no-classes, --no-fold, --time-tolerance.
void add_engine_options(CLI::App& sub, EngineOptions& options, const std::string& name = "--engine");
/// Adds --cost-model, --calibration, --force.
void add_kernel_time_options(CLI::App& sub, KernelTimeOptions& options);
/// Adds SCENARIO, --set, --seed, --jobs, ...
void add_scenario_options(CLI::App& sub, ScenarioOptions& options, bool many_files);

std::vector<scenarios::Setting> settings_of(const ScenarioOptions& options);

/// --format, else what the suffix of -o says, else "table".
std::string format_of(const Common& common);

/// Throws before anything runs when the format is unknown (UserError) or the output's folder cannot be written to (RunError).
void check_output(const Common& common);
/// Why a text is no seed, for CLI11's check (which lets -1 pass as a large number); empty where it is one.
std::string seed_problem(const std::string& text);

/// The path of a scenario given as a path or by the name of a shipped one.
std::string scenario_path(const std::string& given);

/// Whether to colour what goes to a file descriptor: --color, and for auto a terminal whose owner has not said no (https://no-color.org).
bool in_colour(const Common& common, int file_descriptor);
/// The same for a result, which may go to a file.
bool result_in_colour(const Common& common);

/// Renders and writes a result: to stdout, or atomically to the file. On a terminal with colours, bars and its width.
void emit(const reports::Report& report, const Common& common, const reports::RenderOptions& options = {});
void emit(const reports::Listing& listing, const Common& common, const reports::RenderOptions& options = {});
void emit_text(const std::string& text, const Common& common);

/// Characters that a line of stdout may have: the terminal's width, 160 when it is none.
std::size_t line_width();

/// A note for the person: stderr, unless -q. A warning is yellow and a miss red on a terminal.
enum class NoteKind { plain, warning, miss };
void note(const Common& common, const std::string& text, NoteKind kind = NoteKind::plain);

/// A check or threshold failed: exit 4. The message goes to stderr.
class CheckFailed : public std::exception {
 public:
  explicit CheckFailed(std::string text) : text_(std::move(text)) {}
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  std::string text_;
};

/// Adds all subcommands of sim/cli/meson.build.
void add_subcommands(CLI::App& app);

}  // namespace weft::cli
