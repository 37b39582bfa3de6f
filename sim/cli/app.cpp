#include "sim/cli/app.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <limits>

#include <sys/ioctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "sim/core/error.h"

namespace weft::cli {

#define WEFT_KIND(name) void add_##name(CLI::App& app);
#include "sim/cli/subcommands.inc"
#undef WEFT_KIND

void add_subcommands(CLI::App& app) {
#define WEFT_KIND(name) add_##name(app);
#include "sim/cli/subcommands.inc"
#undef WEFT_KIND
}

void add_common(CLI::App& sub, Common& common) {
  sub.add_option("--format", common.format, "how the result is written (default: by the suffix of -o, else table)")
      ->type_name(fmt::format("{}", fmt::join(reports::format_names(), "|")));
  sub.add_flag_callback("--json", [&common] { common.format = "json"; }, "short for --format json");
  sub.add_option("-o,--output", common.output, "write the result to FILE (its old content is replaced only when all is written); - is stdout")
      ->type_name("FILE");
  sub.add_flag("-q,--quiet", common.quiet, "no notes and no progress on stderr");
  sub.add_flag("-v,--verbose", common.verbose, "say more on stderr: timing of weft itself");
  const auto when = [&sub](const char* name, std::string& to, const char* text) {
    sub.add_option(name, to, text)->type_name("auto|always|never")->check([](const std::string& given) {
      return given == "auto" || given == "always" || given == "never" ? std::string() : "expected auto, always or never, got " + given;
    });
  };
  when("--color", common.colour, "colours (default: auto, on a terminal unless NO_COLOR is set)");
  when("--bars", common.bars, "thin bars beside the column that a table is about (default: auto, on a terminal)");
}

void add_engine_options(CLI::App& sub, EngineOptions& o, const std::string& name) {
  sub.add_option(name, o.engine, "what simulates: `weft list engines` (default: fluid)")->type_name("ENGINE");
  sub.add_flag("--no-classes", o.no_classes, "simulate every flow on its own instead of merging equivalent ones (exact either way)");
  sub.add_flag("--no-fold", o.no_fold, "simulate every rank on its own instead of one of those that are alike (exact either way)");
  sub.add_option("--time-tolerance", o.time_tolerance,
                 "let completions that are closer than this part of the time wait for one another: faster, a little late, marked as approximate (default: 0, exact)")
      ->check(CLI::Range(0.0, 1e-2))->type_name("RATIO")
      ->check([](const std::string& text) { return text.find_first_of("nN") == std::string::npos ? "" : "is not a number: " + text; });
}

void add_kernel_time_options(CLI::App& sub, KernelTimeOptions& o) {
  sub.add_option("--cost-model", o.cost_model, "how long kernels take: roofline, fitted, or measured, each where there is data for it (default: measured); a workload that names its own keeps it")
      ->type_name("roofline|fitted|measured");
  sub.add_option("--calibration", o.calibrations,
                 "a calibration of the GPU, a file or a name (weft list calibrations); of several the earlier wins, and the shipped ones fill the gaps")
      ->type_name("CALIBRATION")->take_all()->expected(1)->allow_extra_args(false);
  sub.add_flag("--force", o.force, "take calibrations of another GPU; the result says so");
}

void add_scenario_options(CLI::App& sub, ScenarioOptions& o, bool many_files) {
  auto* files = sub.add_option("SCENARIO", o.files, "scenario or result (JSON), the name of a shipped scenario, or - for standard input")->required();
  if (!many_files) files->expected(1);
  sub.add_option("--set", o.settings, "change the scenario before it runs, for example --set /cluster/topology/kind=mrft; "
                                      "list elements go by number or id: --set /workload/all_to_all/gpus=256")
      ->type_name("/POINTER=VALUE")->take_all()->expected(1)->allow_extra_args(false);
  sub.add_option("--seed", o.seed, "seed of all random draws: routing hashes, gates, kernel times (default: 1, or the seed of the result that is run again)")->check(seed_problem);
  sub.add_option("--jobs", o.jobs, "threads; never changes the result (default: all cores)")->check(CLI::Range(1, 1024));
  add_engine_options(sub, o.engine);
  add_kernel_time_options(sub, o.kernels);
  sub.add_flag("--strict", o.strict, "exit 4 when an expectation of the scenario is missed");
  sub.add_flag("--dry-run", o.dry_run, "say what would run, run nothing");
  sub.add_flag("--explain-columns", o.explain_columns, "say below each table what its columns mean");
  sub.add_flag("--constants", o.constants, "list the constants that were used, with origin and source");
}

std::vector<scenarios::Setting> settings_of(const ScenarioOptions& o) {
  std::vector<scenarios::Setting> out;
  for (const std::string& s : o.settings) out.push_back(scenarios::parse_setting(s, "--set"));
  return out;
}

std::string format_of(const Common& c) {
  if (!c.format.empty()) return c.format;
  if (!c.output.empty() && c.output != "-") return reports::format_of_file(c.output);
  return "table";
}

void check_output(const Common& c) {
  const std::string format = format_of(c);
  const std::vector<std::string> known = reports::format_names();
  if (std::find(known.begin(), known.end(), format) == known.end()) {
    throw UserError("--format", fmt::format("unknown format \"{}\"", format), unknown_name_hint(format, known));
  }
  if (c.output.empty() || c.output == "-") return;
  const std::filesystem::path folder = std::filesystem::absolute(c.output).parent_path();
  if (!std::filesystem::is_directory(folder)) throw RunError(fmt::format("cannot write {}: there is no folder {}", c.output, folder.string()));
  if (std::filesystem::is_directory(c.output)) throw RunError(fmt::format("cannot write {}: it is a folder", c.output));
  if (::access(folder.c_str(), W_OK) != 0 && ::access(c.output.c_str(), W_OK) != 0) {
    throw RunError(fmt::format("cannot write {}: the folder {} is not yours to write to", c.output, folder.string()));
  }
}

std::string seed_problem(const std::string& text) {
  std::uint64_t seed = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
  if (error == std::errc() && end == text.data() + text.size()) return "";
  return fmt::format("\"{}\" is no seed: a whole number from 0 to {}", text, std::numeric_limits<std::uint64_t>::max());
}

std::string scenario_path(const std::string& given) {
  std::error_code error;
  if (given == "-" || std::filesystem::exists(given, error)) return given;
  const auto shipped = DataPlaces::standard().find("scenarios", given);
  return shipped.empty() ? given : shipped.string();
}

void emit_text(const std::string& text, const Common& common) {
  clear_progress();
  if (!common.output.empty() && common.output != "-") {
    write_file_atomically(common.output, text);
    note(common, "written: " + common.output);
    return;
  }
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    throw RunError("cannot write to standard output");
  }
}

bool in_colour(const Common& common, int file_descriptor) {
  if (common.colour != "auto") return common.colour == "always";
  const char* refused = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return ::isatty(file_descriptor) == 1 && (refused == nullptr || *refused == '\0') && (terminal == nullptr || std::string_view(terminal) != "dumb");
}

bool result_in_colour(const Common& common) {
  const bool to_stdout = common.output.empty() || common.output == "-";
  return to_stdout ? in_colour(common, STDOUT_FILENO) : common.colour == "always";
}

namespace {

/// Whether the terminal is said to show more than ASCII.
bool shows_blocks() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    const std::string_view locale(value);
    return locale.find("UTF-8") != std::string_view::npos || locale.find("utf8") != std::string_view::npos || locale.find("UTF8") != std::string_view::npos;
  }
  return false;
}

/// The options with what only the terminal knows.
reports::RenderOptions on_this_terminal(reports::RenderOptions options, const Common& common) {
  const bool terminal = (common.output.empty() || common.output == "-") && ::isatty(STDOUT_FILENO) == 1;
  options.colour = result_in_colour(common);
  options.bars = common.bars == "always" || (common.bars == "auto" && terminal && shows_blocks());
  if (terminal && options.width == 0) options.width = line_width();
  return options;
}

}  // namespace

void emit(const reports::Report& report, const Common& common, const reports::RenderOptions& options) {
  emit_text(reports::render(report, format_of(common), on_this_terminal(options, common)), common);
}

void emit(const reports::Listing& listing, const Common& common, const reports::RenderOptions& options) {
  emit_text(reports::render(listing, format_of(common), on_this_terminal(options, common)), common);
}

std::size_t line_width() {
  winsize size{};
  if (::isatty(STDOUT_FILENO) == 1 && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 60) return size.ws_col;
  return 160;
}

void note(const Common& common, const std::string& text, NoteKind kind) {
  if (common.quiet) return;
  clear_progress();
  const bool colour = kind != NoteKind::plain && in_colour(common, STDERR_FILENO);
  std::fprintf(stderr, "weft: %s%s%s\n", !colour ? "" : kind == NoteKind::miss ? "\033[31m" : "\033[33m", text.c_str(), colour ? "\033[0m" : "");
}

}  // namespace weft::cli
