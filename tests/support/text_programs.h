// Programs in text form for tests: short ways to read, break and run them.
#pragma once

#include <functional>
#include <string>

#include "sim/core/error.h"
#include "sim/engine/engine.h"
#include "tests/support/workload_runs.h"
#include "workloads/text_program/text_program.h"

namespace weft::testing {

/// A program of 16 ranks, eight a node, from its operations' lines.
inline workloads::NamedProgram program_of(const std::string& lines, const std::string& ranks = "ranks 16 per-node 8") {
  return workloads::read_text_program("weft-program 1\n" + ranks + "\n" + lines, "test.weft");
}

/// What a UserError says; empty when there is none.
inline std::string said_by(const std::function<void()>& what) {
  try {
    what();
  } catch (const UserError& e) {
    return e.what();
  }
  return "";
}

/// How long the program takes on a fabric.
inline double seconds_of(const workloads::NamedProgram& p, const Ground& ground) {
  const workloads::OperationOrder order = workloads::operation_order(workloads::waits_of(p));
  const auto program = workloads::static_program(p, order.order);
  topology::Router router(ground.fabric, ground.routing);
  engine::TimelineSink nothing;
  return engine::run(router, *program, {}, nothing).makespan.value();
}

/// A text with some of its bytes changed, dropped or doubled: what readers must survive. `pick(n)` is a number below n.
inline std::string mangled(std::string text, const std::function<std::size_t(std::size_t)>& pick) {
  for (std::size_t n = 1 + pick(6); n > 0 && !text.empty(); --n) {
    const std::size_t at = pick(text.size());
    switch (pick(4)) {
      case 0:
        text[at] = static_cast<char>(pick(256));
        break;
      case 1:
        text.erase(at, 1 + pick(9));
        break;
      case 2:
        text.insert(at, text.substr(pick(text.size()), 1 + pick(40)));
        break;
      default:
        text.resize(at);
    }
  }
  return text;
}

}  // namespace weft::testing
