#include "sim/cli/scheduler.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "sim/core/error.h"

namespace weft::cli {
namespace {

bool in_path(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path;
  while (!rest.empty()) {
    const std::string folder(rest.substr(0, rest.find(':')));
    rest.remove_prefix(std::min(rest.size(), folder.size() + 1));
    std::error_code error;
    const std::filesystem::path file = std::filesystem::path(folder) / name;
    if (std::filesystem::is_regular_file(file, error) && ::access(file.c_str(), X_OK) == 0) return true;
  }
  return false;
}

int code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

/// Starts it; stdout and stderr go to `output` when there is one.
pid_t start(const std::vector<std::string>& command, std::optional<int> output) {
  std::vector<char*> words;
  for (const std::string& w : command) words.push_back(const_cast<char*>(w.c_str()));
  words.push_back(nullptr);
  const pid_t weft = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) throw RunError(fmt::format("cannot start {}: {}", command.front(), std::strerror(errno)));
  if (child > 0) return child;
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != weft) ::_exit(128 + SIGTERM);   // ended in between
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGXFSZ}) std::signal(signal, SIG_DFL);
  const int nothing = ::open("/dev/null", O_RDONLY);
  ::dup2(nothing, STDIN_FILENO);
  if (output) {
    ::dup2(*output, STDOUT_FILENO);
    ::dup2(*output, STDERR_FILENO);
  }
  ::execvp(words.front(), words.data());
  const std::string why = fmt::format("cannot start {}: {}\n", command.front(), std::strerror(errno));
  [[maybe_unused]] const ssize_t told = ::write(STDERR_FILENO, why.data(), why.size());
  ::_exit(127);
}

int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) throw RunError(fmt::format("cannot wait for a program: {}", std::strerror(errno)));
  }
  return code_of(status);
}

}  // namespace

void require_program(const std::string& name, const std::string& package) {
  if (!in_path(name)) throw NotPossibleHere(fmt::format("there is no program {} on this machine: apt-get install {}, or go where it is; --no-submit writes the scripts all the same", name, package));
}

Said ask_program(const std::vector<std::string>& command) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw RunError(fmt::format("cannot start {}: {}", command.front(), std::strerror(errno)));
  pid_t child = -1;
  try {
    child = start(command, ends[1]);
  } catch (...) {
    ::close(ends[0]);
    ::close(ends[1]);
    throw;
  }
  ::close(ends[1]);
  Said out;
  char piece[4096];
  for (;;) {
    const ssize_t n = ::read(ends[0], piece, sizeof piece);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    out.text.append(piece, static_cast<std::size_t>(n));
  }
  ::close(ends[0]);
  out.code = wait_for(child);
  while (out.text.ends_with('\n')) out.text.pop_back();
  return out;
}

int run_scheduler(const std::vector<std::string>& command, const std::string& shell) {
  ::setenv("PARALLEL_SHELL", shell.c_str(), 1);
  return wait_for(start(command, std::nullopt));
}

}  // namespace weft::cli
