// weft: reads the command line, runs one subcommand, turns failures into exit codes.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <unistd.h>

#include <CLI/CLI.hpp>

#include "sim/cli/app.h"
#include "sim/cli/exit_codes.h"
#include "sim/cli/help.h"
#include "sim/cli/mistyped.h"
#include "sim/core/error.h"
#include "sim/core/unfinished.h"
#include "sim/core/version.h"

namespace {

using weft::cli::Exit;

// As a shell tells of a program that a signal ended.
extern "C" void on_interrupt(int signal) {
  weft::core::remove_unfinished_files();
  weft::cli::clear_progress();
  weft::core::say_last_words();
  ::_exit(128 + signal);
}
static_assert(static_cast<int>(Exit::interrupted) == 128 + SIGINT && static_cast<int>(Exit::terminated) == 128 + SIGTERM);

int tell(const char* what, Exit code) {
  weft::cli::clear_progress();
  std::fprintf(stderr, "weft: %s\n", what);
  return static_cast<int>(code);
}

}  // namespace

int main(int argc, char** argv) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    if (std::signal(signal, on_interrupt) == SIG_IGN) std::signal(signal, SIG_IGN);   // nohup
  }
  std::signal(SIGPIPE, SIG_DFL);
  std::signal(SIGXFSZ, SIG_IGN);   // a file that may not grow is an error of writing, like a full disk
  CLI::App app{"weft simulates AI clusters: what a network costs, how fast it is, what it loses when a part fails.\n"
               "Start with: weft compare mpft_vs_mrft"};
  app.name("weft");
  app.set_version_flag("--version", std::string("weft ") + std::string(weft::core::version()));
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  weft::cli::add_subcommands(app);
  std::vector<std::string> known;
  for (const CLI::App* sub : app.get_subcommands({})) known.push_back(sub->get_name());
  if (argc > 1 && argv[1][0] != '-' && std::find(known.begin(), known.end(), argv[1]) == known.end()) {
    return tell(("there is no command \"" + std::string(argv[1]) + "\" (" + weft::core::unknown_name_hint(argv[1], known) + ")").c_str(), Exit::usage);
  }
  try {
    if (argc == 1) {   // a script that forgot the command must not take this for success
      std::fputs(weft::cli::welcome_text().c_str(), stderr);
      return static_cast<int>(Exit::usage);
    }
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::Success& e) {
    return app.exit(e);  // --help, --version
  } catch (const CLI::ParseError& e) {
    const std::string mistyped = weft::cli::mistyped_option(app, argc, argv);
    if (!mistyped.empty()) return tell(mistyped.c_str(), Exit::usage);
    app.exit(e);
    return static_cast<int>(Exit::usage);
  } catch (const weft::core::UserError& e) {
    return tell(e.what(), Exit::invalid_input);
  } catch (const weft::cli::CheckFailed& e) {
    return tell(e.what(), Exit::check_failed);
  } catch (const weft::core::NotPossibleHere& e) {
    return tell(e.what(), Exit::not_possible);
  } catch (const std::bad_alloc&) {
    return tell("out of memory", Exit::run_failed);
  } catch (const std::exception& e) {
    return tell(e.what(), Exit::run_failed);
  }
}
