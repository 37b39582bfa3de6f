// Programs that schedule others: found, asked, and waited for.
#pragma once

#include <string>
#include <vector>

namespace weft::cli {

struct Said {
  int code = 0;        ///< of its exit; 128 + signal
  std::string text;    ///< stdout and stderr
};

/// Throws NotPossibleHere when there is no such program in $PATH, with the Debian package that has it.
void require_program(const std::string& name, const std::string& package);

/// Runs a program to its end with nothing on its stdin. Throws RunError when it cannot be started.
Said ask_program(const std::vector<std::string>& command);

/// The same, while it speaks for itself on stdout and stderr; it is told to end (SIGTERM) when weft ends before it. `shell` is what it runs commands by.
int run_scheduler(const std::vector<std::string>& command, const std::string& shell);

}  // namespace weft::cli
