// Exit codes of the program, each with what it means: what main uses and `weft help exit-codes` prints.
#pragma once

#include <array>
#include <string_view>

namespace weft::cli {

enum class Exit : int { ok = 0, run_failed = 1, usage = 2, invalid_input = 3, check_failed = 4, not_possible = 77, interrupted = 130, terminated = 143 };

struct ExitCode {
  Exit code;
  std::string_view meaning;
};

inline constexpr std::array<ExitCode, 8> kExitCodes{{
    {Exit::ok, "done"},
    {Exit::run_failed, "the run failed: a result under its bound, a full disk, a point of a sweep that failed"},
    {Exit::usage, "the command line is wrong; nothing was read"},
    {Exit::invalid_input, "a scenario, a data file or a value is wrong; the message names the place and what was expected"},
    {Exit::check_failed, "a check or a threshold failed: an expected value is missed (validate, --strict), engines differ (--check-against)"},
    {Exit::not_possible, "not possible here: no GPU, an optional package is missing, a part was left out of the build"},
    {Exit::interrupted, "interrupted (Ctrl-C, SIGINT); files that were not finished are removed"},
    {Exit::terminated, "ended by SIGTERM (and 129 by SIGHUP), the same way"}}};

}  // namespace weft::cli
