// Fixed programs of all families: fluid and SimGrid agree on the start and finish of every operation.
#include <doctest/doctest.h>

#include <set>

#include <fmt/format.h>

#include "tests/conformance/families.h"

using namespace weft;
using namespace weft::testing;

TEST_CASE("fixed programs of twelve families on twelve grounds: fluid and SimGrid agree to 1e-9, the closed form is never later") {
  need_simgrid();
  const auto cases = fixed_cases();
  CHECK(cases.size() >= 200);
  Verdict worst;
  std::set<std::string> names;
  for (const Case& c : cases) {
    CHECK(names.insert(c.name).second);
    const Verdict v = compare(c);
    CHECK(v.operations > 0);
    for (std::size_t i = 0; i < std::min<std::size_t>(v.wrong.size(), 3); ++i) FAIL_CHECK(v.wrong[i]);
    worst.operations += v.operations;
    if (v.worst > worst.worst) worst.worst = v.worst, worst.where = v.where;
  }
  fmt::print("{} programs, {} operations, worst deviation {:.3g} ({})\n", cases.size(), worst.operations, worst.worst, worst.where);
  CHECK(worst.worst <= 1e-9);
}
