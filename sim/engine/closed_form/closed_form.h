// run_closed_form(): plays a Program by alpha-beta formulas, as if every transfer had the fabric to itself.
#pragma once

#include "sim/engine/engine.h"

namespace weft::engine {

/// As run(), without contention: a transfer takes its latency plus its bytes over the narrowest link that it crosses
/// (a kernel's own rates, rate caps and packet headers included), a computation its duration; dependencies and streams hold.
/// No other engine finishes an operation earlier. Classes, folding and time_tolerance change nothing; the summary knows no
/// utilisation of links. Throws UserError when the options have events of the fabric.
Summary run_closed_form(topology::Router& router, workloads::Program& program, const Options& options, TimelineSink& sink);

}  // namespace weft::engine
