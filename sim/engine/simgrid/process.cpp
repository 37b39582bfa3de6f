// One process per run: SimGrid has one engine a process, and its clock goes on after it.
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <filesystem>
#include <optional>
#include <system_error>

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "sim/core/error.h"
#include "sim/engine/simgrid/play.h"
#include "sim/engine/simgrid/records.h"
#include "sim/engine/simgrid/simgrid.h"

namespace weft::engine {
namespace {

constexpr char how[] = "install the package libsimgrid-dev (apt-get install libsimgrid-dev); ./weft then builds it, any other build has to be configured anew";

simgrid::PlayFunction* play_function() {
  const std::string path = simgrid_module();
  void* const module = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) throw NotPossibleHere(fmt::format("the SimGrid engine cannot be loaded: {}; {}", ::dlerror(), how));
  auto* const play = reinterpret_cast<simgrid::PlayFunction*>(::dlsym(module, simgrid::play_function_name));
  if (play == nullptr) throw NotPossibleHere(fmt::format("{} is no SimGrid module of this weft; {}", path, how));
  return play;
}

[[noreturn]] void tell_end(simgrid::RecordWriter& records, const simgrid::Play& play, const simgrid::MachineUse& use) {
  try {
    records.end(play.summary(), use);
  } catch (const std::exception& error) {
    records.failed(error);
  }
  ::_exit(0);
}

/// In the child; never returns. The parent's other threads are not here, and its buffers are not to be flushed: _exit.
[[noreturn]] void run_in_child(int pipe, topology::Router& router, workloads::Program& program, const Options& options,
                               const SimgridOptions& more) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);   // nobody would hear of the end
  for (const int signal : {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGINT, SIGSEGV, SIGTERM}) ::signal(signal, SIG_DFL);
  // SimGrid flushes when it gives up: what the parent has in its buffers for stdout is the parent's to write.
  if (const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC); nowhere >= 0) {
    ::dup2(nowhere, STDOUT_FILENO);
    ::dup2(nowhere, STDERR_FILENO);   // its last words are a stack of addresses; the parent says what happened
  }
  simgrid::RecordWriter records(pipe);
  try {
    simgrid::Play play(router, program, options, records, [&](const simgrid::MachineUse& use) { tell_end(records, play, use); });
    play_function()(play, {.selective_update = more.selective_update});
  } catch (const std::exception& error) {
    records.failed(error);
    ::_exit(0);
  }
  ::_exit(1);   // SimGrid gave up: it has said why on stderr
}

/// Closes a file and, when left by an exception, ends and collects the child.
class Child {
 public:
  Child(pid_t pid, int pipe) : pid_(pid), pipe_(pipe) {}
  Child(const Child&) = delete;
  ~Child() {
    ::close(pipe_);
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    collect();
  }
  int collect(rusage* usage = nullptr) {
    int status = 0;
    while (::wait4(pid_, &status, 0, usage) < 0 && errno == EINTR) {}
    pid_ = 0;
    return status;
  }

 private:
  pid_t pid_;
  int pipe_;
};

double seconds(const timeval& t) { return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec); }

}  // namespace

std::string simgrid_module() {
  namespace fs = std::filesystem;
  const std::string name = "weft_simgrid.so";
  std::error_code none;
  if (const char* folder = std::getenv("WEFT_MODULES"); folder != nullptr && *folder != '\0') {
    const fs::path path = fs::path(folder) / name;
    return fs::exists(path, none) ? path.string() : std::string();
  }
  // A build folder is a few levels above its programs, an installed prefix one above bin.
  fs::path above = fs::read_symlink("/proc/self/exe", none).parent_path();
  for (int level = 0; level < 4 && !above.empty(); ++level, above = above.parent_path()) {
    for (const fs::path& path : {above / "sim" / "engine" / name, above / WEFT_LIBDIR / "weft" / name}) {
      if (fs::exists(path, none)) return path.string();
    }
  }
  return {};
}

std::shared_ptr<void> load_simgrid() {
  const std::string path = simgrid_module();
  if (path.empty()) return nullptr;
  return {::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL), [](void* module) {
            if (module != nullptr) ::dlclose(module);
          }};
}

Summary run_simgrid(topology::Router& router, workloads::Program& program, const Options& options, TimelineSink& sink) {
  return run_simgrid(router, program, options, sink, {});
}

Summary run_simgrid(topology::Router& router, workloads::Program& program, const Options& options, TimelineSink& sink,
                    const SimgridOptions& more) {
  if (simgrid_module().empty()) throw NotPossibleHere(fmt::format("this weft was built without the SimGrid engine: {}", how));
  // No child may inherit another's pipe: it would keep it open when that one dies.
  static std::mutex one_at_a_time;
  std::unique_lock lock(one_at_a_time);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "no pipe for the SimGrid engine");
  const pid_t pid = ::fork();
  if (pid < 0) {
    const int why = errno;
    for (const int end : ends) ::close(end);
    throw std::system_error(why, std::generic_category(), "no process for the SimGrid engine");
  }
  if (pid == 0) {
    ::close(ends[0]);
    run_in_child(ends[1], router, program, options, more);
  }
  ::close(ends[1]);
  lock.unlock();
  Child child(pid, ends[0]);
  Summary summary;
  simgrid::MachineUse machine;
  const bool complete = simgrid::RecordReader(ends[0]).replay(sink, summary, machine);
  rusage usage{};
  const int status = child.collect(&usage);
  if (WIFSIGNALED(status)) {
    const int number = WTERMSIG(status);
    throw RunError(fmt::format("the SimGrid engine's process was ended by signal {} ({}); above some hundred thousand flows at once SimGrid runs out of "
                               "what the system gives a process: ask for fewer GPUs", number, ::strsignal(number)));
  }
  if (!complete) throw RunError(fmt::format("the SimGrid engine's process ended early, with exit code {}", WEXITSTATUS(status)));
  if (more.use != nullptr) {
    more.use->cpu_s = seconds(usage.ru_utime) + seconds(usage.ru_stime);
    more.use->simgrid_cpu_s = machine.cpu_s - machine.player_cpu_s;
    more.use->peak_bytes = std::int64_t{usage.ru_maxrss} * 1024;
  }
  return summary;
}

}  // namespace weft::engine
