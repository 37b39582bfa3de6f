// run_parts(): executes a program that comes in independent parts, each by itself and several at a time.
#pragma once

#include <memory>
#include <vector>

#include "sim/engine/engine.h"

namespace weft::engine {

/// Runs `parts`, which `program` has just handed out, in `options.threads` threads. Parts whose flows met on a link are found
/// afterwards and run again together, with fresh parts of the program; when all met, the program itself is run. Meeting on a
/// cable between switches that can never be full is no meeting (see Crossings). What is
/// told, thrown and counted is the same on any number of threads: it agrees with running the program whole, but for
/// Summary::classes (the sum over parts of what each had at most), Summary::solves, the order of operations that start or
/// finish at one time and, with a time tolerance, which completions wait for one another.
///
/// The sink hears of operations after the last part has ended; until then they are kept, unless it wants none.
/// Throws what the first part in order that failed has thrown.
Summary run_parts(topology::Router& router, workloads::Program& program, std::vector<std::unique_ptr<workloads::Program>> parts,
                  const Options& options, TimelineSink& sink);

}  // namespace weft::engine
