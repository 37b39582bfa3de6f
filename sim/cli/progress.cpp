#include "sim/cli/progress.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include <unistd.h>

#include <fmt/format.h>

#include "sim/cli/app.h"

namespace weft::cli {
namespace {

using Time = std::chrono::steady_clock;
constexpr auto kFirst = std::chrono::milliseconds(500), kEach = std::chrono::milliseconds(250);

/// Whether a line stands on stderr. A terminal has one, so the program does; a signal handler asks.
std::atomic<bool> drawn = false;
static_assert(std::atomic<bool>::is_always_lock_free);

/// "0:42", "1:20", "2:03:04".
std::string clock_text(double seconds) {
  const auto s = static_cast<long>(std::min(seconds, 1e7));
  if (s >= 3600) return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
  return fmt::format("{}:{:02}", s / 60, s % 60);
}

}  // namespace

std::string progress_text(std::size_t done, std::size_t total, double elapsed_s) {
  if (total <= 1) return "weft: running " + clock_text(elapsed_s);
  if (done == 0) return fmt::format("weft: 0 of {}, running {}", total, clock_text(elapsed_s));
  const double left = elapsed_s * static_cast<double>(total - std::min(done, total)) / static_cast<double>(done);
  return fmt::format("weft: {} of {}, {} left", done, total, clock_text(left));
}

void clear_progress() noexcept {
  if (!drawn.exchange(false)) return;
  constexpr char kClear[] = "\r\033[K";
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, kClear, sizeof kClear - 1);
}

/// A thread that draws. Sweeps fork while it sleeps: it holds no lock that a child could want (neither stdio's nor its own in a child).
struct Progress::Clock {
  const Time::time_point begin = Time::now();
  std::atomic<std::size_t> done{0}, total{0};
  std::mutex mutex;
  std::condition_variable wake;
  bool ended = false;
  std::thread thread;

  void draw() const {
    const std::chrono::duration<double> elapsed = Time::now() - begin;
    const std::string text = "\r\033[K" + progress_text(done, total, elapsed.count());
    drawn = true;
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), text.size());
  }
  void run() {
    std::unique_lock lock(mutex);
    if (wake.wait_for(lock, kFirst, [this] { return ended; })) return;
    do draw();
    while (!wake.wait_for(lock, kEach, [this] { return ended; }));
  }
};

Progress::Progress(const Common& common) {
  if (common.quiet || ::isatty(STDERR_FILENO) != 1) return;
  clock_ = std::make_unique<Clock>();
  clock_->thread = std::thread([clock = clock_.get()] { clock->run(); });
}

Progress::~Progress() {
  if (!clock_) return;
  {
    const std::lock_guard lock(clock_->mutex);
    clock_->ended = true;
  }
  clock_->wake.notify_one();
  clock_->thread.join();
  clear_progress();
}

void Progress::update(std::size_t done, std::size_t total) {
  if (!clock_) return;
  clock_->done = done;
  clock_->total = total;
}

}  // namespace weft::cli
