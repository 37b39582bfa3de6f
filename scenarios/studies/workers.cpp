#include "scenarios/studies/workers.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "sim/core/error.h"

namespace weft::scenarios {
namespace {

struct Child {
  pid_t pid = -1;
  int fd = -1;
  std::string pending;   // bytes after the last line break
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

Child start_child(std::size_t first, std::size_t step, std::size_t tasks, const std::function<std::string(std::size_t)>& task) {
  int ends[2];
  if (::pipe(ends) != 0) throw RunError(fmt::format("cannot start a worker: {}", std::strerror(errno)));
  const pid_t pid = ::fork();
  if (pid < 0) throw RunError(fmt::format("cannot start a worker: {}", std::strerror(errno)));
  if (pid == 0) {
    ::close(ends[0]);
    for (std::size_t i = first; i < tasks; i += step) write_all(ends[1], fmt::format("{} {}\n", i, task(i)));
    ::_exit(0);
  }
  ::close(ends[1]);
  return {pid, ends[0], {}};
}

/// Ends all children that still live; used when one of them failed.
void stop(std::vector<Child>& children) {
  for (Child& c : children) {
    if (c.fd >= 0) ::close(c.fd);
    if (c.pid > 0) {
      ::kill(c.pid, SIGTERM);
      ::waitpid(c.pid, nullptr, 0);
    }
  }
}

/// Takes whole lines "INDEX TEXT" out of what a child has written; counts them.
std::size_t take_lines(Child& c, std::vector<std::string>& results) {
  std::size_t taken = 0, begin = 0;
  for (std::size_t end = c.pending.find('\n'); end != std::string::npos; end = c.pending.find('\n', begin)) {
    std::size_t index = results.size();
    const char* line = c.pending.data() + begin;
    const auto [rest, error] = std::from_chars(line, c.pending.data() + end, index);
    WEFT_CHECK(error == std::errc() && index < results.size(), "a worker wrote a broken line");
    results[index].assign(rest + 1, static_cast<const char*>(c.pending.data() + end));
    begin = end + 1;
    ++taken;
  }
  c.pending.erase(0, begin);
  return taken;
}

}  // namespace

std::vector<std::string> run_in_processes(std::size_t tasks, unsigned processes, const std::function<std::string(std::size_t)>& task,
                                          const std::function<void(std::size_t, std::size_t)>& done) {
  std::vector<std::string> results(tasks);
  std::size_t finished = 0;
  if (processes <= 1 || tasks <= 1) {
    for (std::size_t i = 0; i < tasks; ++i) {
      results[i] = task(i);
      if (done) done(++finished, tasks);
    }
    return results;
  }
  std::vector<Child> children;
  const std::size_t count = std::min<std::size_t>(processes, tasks);
  for (std::size_t k = 0; k < count; ++k) children.push_back(start_child(k, count, tasks, task));
  std::size_t open = children.size();
  while (open > 0) {
    std::vector<pollfd> fds;
    for (const Child& c : children) fds.push_back({c.fd, POLLIN, 0});
    if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) break;
    for (std::size_t k = 0; k < children.size(); ++k) {
      if (children[k].fd < 0 || (fds[k].revents & (POLLIN | POLLHUP)) == 0) continue;
      char buffer[65536];
      const ssize_t n = ::read(children[k].fd, buffer, sizeof buffer);
      if (n > 0) {
        children[k].pending.append(buffer, static_cast<std::size_t>(n));
        finished += take_lines(children[k], results);
        if (done) done(finished, tasks);
      } else if (n == 0) {
        ::close(children[k].fd);
        children[k].fd = -1;
        --open;
        int status = 0;
        ::waitpid(children[k].pid, &status, 0);
        children[k].pid = -1;
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
          stop(children);
          throw RunError("a worker process of the sweep died (out of memory?); fewer --jobs may help");
        }
      }
    }
  }
  WEFT_CHECK(finished == tasks, "a worker left tasks undone");
  return results;
}

}  // namespace weft::scenarios
