// run_parallel(): tasks on threads, whose errors do not depend on timing.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace weft::scenarios {

/// Threads that `jobs` means: 0 is as many as the machine has.
inline unsigned threads_of(unsigned jobs) { return jobs != 0 ? jobs : std::max(1u, std::thread::hardware_concurrency()); }

/// Runs tasks 0..n-1 on at most `threads` threads; the first failure by index is rethrown. `progress` may be empty.
template <class Task>
void run_parallel(std::size_t n, unsigned threads, const std::function<void(std::size_t, std::size_t)>& progress, Task task) {
  std::vector<std::exception_ptr> failures(n);
  std::atomic<std::size_t> next{0};
  std::mutex telling;
  std::size_t done = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < n; i = next++) {
      try {
        task(i);
      } catch (...) {
        failures[i] = std::current_exception();
      }
      const std::lock_guard lock(telling);
      ++done;
      if (progress) progress(done, n);
    }
  };
  {
    std::vector<std::jthread> others;
    for (std::size_t t = 1; t < std::min<std::size_t>(threads, n); ++t) others.emplace_back(work);
    work();
  }
  for (const auto& f : failures) {
    if (f) std::rethrow_exception(f);
  }
}

}  // namespace weft::scenarios
