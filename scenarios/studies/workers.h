// Worker processes: tasks 0..n-1, each giving one line of text, spread over forked children.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace weft::scenarios {

/// Results by task, whatever the number of processes. `task` runs in a child (in this process when `processes` is 1) and must
/// not throw; its text must hold no line break. Throws RunError when a child dies. `done` is told finished and total.
std::vector<std::string> run_in_processes(std::size_t tasks, unsigned processes, const std::function<std::string(std::size_t)>& task,
                                          const std::function<void(std::size_t, std::size_t)>& done = {});

}  // namespace weft::scenarios
