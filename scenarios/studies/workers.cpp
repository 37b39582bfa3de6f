#include "scenarios/studies/workers.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>

#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "sim/core/error.h"

namespace weft::scenarios {
namespace {

[[noreturn]] void cannot_start() { throw RunError(fmt::format("cannot start a worker: {}", std::strerror(errno))); }

/// A count that all processes take from.
class SharedCount {
 public:
  SharedCount() {
    void* memory = ::mmap(nullptr, sizeof(Count), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) cannot_start();
    count_ = new (memory) Count(0);
  }
  SharedCount(const SharedCount&) = delete;
  ~SharedCount() { ::munmap(count_, sizeof(Count)); }
  std::size_t take() { return count_->fetch_add(1); }

 private:
  using Count = std::atomic<std::size_t>;
  static_assert(Count::is_always_lock_free);
  Count* count_;
};

void write_all(int fd, const std::string& text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const ssize_t n = ::write(fd, text.data() + at, text.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) ::_exit(1);
    at += static_cast<std::size_t>(n);
  }
}

constexpr char kThrew = '!', kNotPossible = '?';   // begin the line of a child that ends by an exception

[[noreturn]] void tell_and_end(int fd, char kind, std::string why) {
  std::replace(why.begin(), why.end(), '\n', ' ');
  write_all(fd, fmt::format("{}{}\n", kind, why));
  ::_exit(0);
}

/// A child's work: what it throws its parent throws again. Nothing leaves this frame, whose callers' destructors are the parent's.
void work_in_child(int fd, const std::function<void()>& work) {
  try {
    work();
  } catch (const NotPossibleHere& e) {
    tell_and_end(fd, kNotPossible, e.what());
  } catch (const std::exception& e) {
    tell_and_end(fd, kThrew, e.what());
  }
}

/// A child ends silently: what there is to say on a signal, its parent says.
void end_silently_on_signals() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    if (std::signal(signal, SIG_DFL) == SIG_IGN) std::signal(signal, SIG_IGN);   // nohup
  }
}

/// The children that live; they end with it.
class Children {
 public:
  struct Child {
    pid_t pid = -1;
    int fd = -1;
    std::string pending;   // bytes after the last line break
  };

  Children() = default;
  Children(const Children&) = delete;
  ~Children() {
    for (Child& c : list) {
      if (c.fd >= 0) ::close(c.fd);
      if (c.pid > 0) {
        ::kill(c.pid, SIGKILL);
        ::waitpid(c.pid, nullptr, 0);
      }
    }
  }

  /// Forks one that runs `work` with the end of a pipe to write to.
  void start(const std::function<void(int fd)>& work) {
    int ends[2];
    if (::pipe(ends) != 0) cannot_start();
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != parent) ::_exit(1);   // it died before the line above
      end_silently_on_signals();
      ::close(ends[0]);
      for (const Child& sibling : list) ::close(sibling.fd);
      work(ends[1]);
      ::_exit(0);
    }
    ::close(ends[1]);
    if (pid < 0) {
      ::close(ends[0]);
      cannot_start();
    }
    list.push_back({pid, ends[0], {}});
  }

  std::vector<Child> list;
};

/// Takes whole lines "INDEX TEXT" out of what a child has written; counts them.
std::size_t take_lines(Children::Child& c, std::size_t tasks, const std::function<void(std::size_t, std::string)>& finished) {
  std::size_t taken = 0, begin = 0;
  for (std::size_t end = c.pending.find('\n'); end != std::string::npos; end = c.pending.find('\n', begin)) {
    std::size_t index = tasks;
    const char* line = c.pending.data() + begin;
    if (*line == kNotPossible) throw NotPossibleHere(c.pending.substr(begin + 1, end - begin - 1));
    if (*line == kThrew) throw RunError(c.pending.substr(begin + 1, end - begin - 1));
    const auto [rest, error] = std::from_chars(line, c.pending.data() + end, index);
    WEFT_CHECK(error == std::errc() && index < tasks, "a worker wrote a broken line");
    finished(index, std::string(rest + 1, static_cast<const char*>(c.pending.data() + end)));
    begin = end + 1;
    ++taken;
  }
  c.pending.erase(0, begin);
  return taken;
}

/// The pipe is at its end: the child is done, or dead.
void bury(Children::Child& c) {
  ::close(c.fd);
  c.fd = -1;
  int status = 0;
  ::waitpid(c.pid, &status, 0);
  c.pid = -1;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) throw RunError("a worker process of the sweep died (out of memory?); fewer --jobs may help");
}

}  // namespace

void hand_out_tasks(std::size_t tasks, unsigned processes, const std::function<std::string(std::size_t)>& task,
                    const std::function<void(std::size_t, std::string)>& finished, const std::function<void()>& in_child) {
  if (processes <= 1 || tasks <= 1) {
    for (std::size_t i = 0; i < tasks; ++i) finished(i, task(i));
    return;
  }
  SharedCount next;
  Children children;
  const std::size_t count = std::min<std::size_t>(processes, tasks);
  for (std::size_t k = 0; k < count; ++k) {
    children.start([&](int fd) {
      work_in_child(fd, [&] {
        if (in_child) in_child();
        for (std::size_t i = next.take(); i < tasks; i = next.take()) write_all(fd, fmt::format("{} {}\n", i, task(i)));
      });
    });
  }
  std::size_t open = count, done = 0;
  while (open > 0) {
    std::vector<pollfd> fds;
    for (const Children::Child& c : children.list) fds.push_back({c.fd, POLLIN, 0});
    if (::poll(fds.data(), fds.size(), -1) < 0) {
      if (errno == EINTR) continue;
      throw RunError(fmt::format("cannot hear the workers: {}", std::strerror(errno)));
    }
    for (std::size_t k = 0; k < children.list.size(); ++k) {
      Children::Child& c = children.list[k];
      if (c.fd < 0 || (fds[k].revents & (POLLIN | POLLHUP)) == 0) continue;
      char buffer[65536];
      const ssize_t n = ::read(c.fd, buffer, sizeof buffer);
      if (n > 0) {
        c.pending.append(buffer, static_cast<std::size_t>(n));
        done += take_lines(c, tasks, finished);
      } else if (n == 0) {
        --open;
        bury(c);
      }
    }
  }
  WEFT_CHECK(done == tasks, "a worker left tasks undone");
}

std::vector<std::string> run_in_processes(std::size_t tasks, unsigned processes, const std::function<std::string(std::size_t)>& task,
                                          const std::function<void(std::size_t, std::size_t)>& done) {
  std::vector<std::string> results(tasks);
  std::size_t finished = 0;
  hand_out_tasks(tasks, processes, task, [&](std::size_t i, std::string text) {
    results[i] = std::move(text);
    if (done) done(++finished, tasks);
  });
  return results;
}

}  // namespace weft::scenarios
