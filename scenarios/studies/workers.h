// Worker processes: tasks 0..n-1, each giving one line of text, handed out to forked children one by one.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace weft::scenarios {

/// Whoever is free takes the next task, so that a slow one holds up nobody. `task` runs in a child (in this process when `processes` is 1); its text must hold no line break. `finished` is told of each as it comes, in any order, in this process; what it throws ends the children
/// and goes on to the caller. `in_child` runs first in each child: there it lets go of what only the parent may hold. Children die with their parent,
/// however that dies. Throws RunError when a child dies, and what `task` throws: NotPossibleHere as it is,
/// of a child all else as RunError.
void hand_out_tasks(std::size_t tasks, unsigned processes, const std::function<std::string(std::size_t)>& task,
                    const std::function<void(std::size_t task, std::string text)>& finished, const std::function<void()>& in_child = {});

/// Results by task, whatever the number of processes. `done` is told finished and total.
std::vector<std::string> run_in_processes(std::size_t tasks, unsigned processes, const std::function<std::string(std::size_t)>& task,
                                          const std::function<void(std::size_t, std::size_t)>& done = {});

}  // namespace weft::scenarios
