// Names of cases: written, read, and held against what a user wrote of them.
#include <doctest/doctest.h>

#include "scenarios/case_name.h"
#include "sim/core/error.h"

using namespace weft;
using scenarios::read_case_name;

TEST_CASE("labels are written exactly and in order") {
  CHECK(scenarios::labels_text({}) == "");
  CHECK(scenarios::labels_text({{"gpus", std::int64_t{16}}, {"pxn", true}, {"share", 0.1}, {"pair", std::string("same_leaf")}}) == "[gpus=16,pxn=true,share=0.1,pair=same_leaf]");
}

TEST_CASE("a part of a name may mean all cases that have it") {
  const std::string full = "MPFT/a2a[gpus=16,pxn=true]";
  for (const std::string part : {"", "MPFT", "a2a", "MPFT/a2a", "[gpus=16]", "a2a[ pxn=true, gpus=16 ]", "MPFT/a2a[gpus=16,pxn=true]"}) {
    CAPTURE(part);
    CHECK(read_case_name(part, part, "--of").may_mean(full));
  }
  for (const std::string part : {"MP", "2a", "MRFT/a2a", "a2a[gpus=1]", "[pxn=false]", "[nodes=16]"}) {
    CAPTURE(part);
    CHECK(!read_case_name(part, part, "--of").may_mean(full));
  }
  CHECK(read_case_name("t", "t", "").may_mean("t/price"));
  CHECK(!read_case_name("[gpus=16]", "", "").may_mean("t/price"));
}

TEST_CASE("a row is meant that has all labels") {
  const Row row = Row().set("gpus", std::int64_t{16}).set("pxn", true);
  CHECK(read_case_name("a2a[pxn=true]", "", "").may_mean(row));
  CHECK(!read_case_name("a2a[pxn=true,nodes=2]", "", "").may_mean(row));
}

TEST_CASE("labels that are none are told with all that was written") {
  CHECK_THROWS_WITH_AS(read_case_name("a2a[16]", "a2a[16]/time_us", "--of"), "--of: expected label=value, got \"16\" in \"a2a[16]/time_us\"", UserError);
  CHECK_THROWS_WITH_AS(read_case_name("a2a[gpus=16", "a2a[gpus=16", "--of"), "--of: a ] is missing in \"a2a[gpus=16\"", UserError);
}
