// Families of fixed programs, from a single flow to exchanges between computations, for any ground.
#pragma once

#include <vector>

#include "tests/conformance/both.h"

namespace weft::testing {

/// Every family on every ground that it suits, twice with draws of their own. The same list in every run.
std::vector<Case> fixed_cases();

/// The legs of a plain flow between GPUs: over the sender's rail, then over NVLink at the receiver.
std::vector<workloads::Leg> plain_legs(const Ground& g, std::uint32_t from, std::uint32_t to);

}  // namespace weft::testing
