// Recorded expert loads: three formats by their shape, CSV, and what is refused.
#include <doctest/doctest.h>

#include "sim/core/error.h"
#include "workloads/moe/expert_loads.h"

using namespace weft;
using namespace weft::workloads::moe;
using Loads = std::vector<double>;

namespace {

RecordedLoads read(const std::string& text, std::uint32_t experts = 0, std::optional<double> half_life = {}) {
  LoadsReading how;
  how.experts = experts;
  how.half_life = half_life;
  return expert_loads_in(text, "loads.json", how);
}

std::string refused(const std::string& text, std::uint32_t experts = 0, std::optional<double> half_life = {}) {
  try {
    read(text, experts, half_life);
  } catch (const UserError& e) {
    return e.what();
  }
  return "";
}

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("EPLB's weight is a list for each layer") {
  for (const char* text : {"[[1, 2, 3], [4, 5, 6.5]]", R"({"weight": [[1, 2, 3], [4, 5, 6.5]]})", R"({"logical_count": [[1, 2, 3], [4, 5, 6.5]]})"}) {
    const RecordedLoads r = read(text);
    CHECK(r.loads.layers == 2);
    CHECK(r.loads.experts == 3);
    CHECK(r.loads.load == Loads{1, 2, 3, 4, 5, 6.5});
    CHECK(r.format == "loads of 2 layers");
  }
  CHECK(read("[1, 2, 3]").loads.layers == 1);
}

TEST_CASE("SGLang's recorder counts by step: steps add up, or older ones weigh less by their half-life") {
  const std::string text = R"({"rank": 0, "logical_count": [[[1, 0], [2, 2]], [[4, 8], [0, 4]], [[1, 1], [1, 1]]]})";
  const RecordedLoads sum = read(text);
  CHECK(sum.loads.load == Loads{6, 9, 3, 7});
  CHECK(sum.steps == 3);
  REQUIRE(sum.notes.size() == 1);
  CHECK(holds(sum.notes[0], "passed over beside \"logical_count\": rank"));
  // Half-life of one step: weights 1/4, 1/2, 1.
  CHECK(read(text, 2, 1).loads.load == Loads{0.25 + 2 + 1, 4 + 1, 0.5 + 1, 0.5 + 2 + 1});
}

TEST_CASE("experts of tokens are counted, -1 is a choice struck out") {
  for (const char* text : {"[[[0, 1], [2, 3]], [[0, 2], [3, -1]]]", R"({"topk_ids": [[[0, 1], [2, 3]], [[0, 2], [3, -1]]]})"}) {
    const RecordedLoads r = read(text, 4);
    CHECK(r.loads.layers == 2);
    CHECK(r.loads.load == Loads{2, 1, 1, 0, 0, 0, 1, 2});
    CHECK(r.format == "experts of 2 tokens");
    CHECK(holds(r.notes.at(0), "1 choices are struck out"));
  }
}

TEST_CASE("a nested list without a name is told by the length of its rows") {
  CHECK(read("[[[5, 6, 7]], [[1, 1, 1]]]", 3).loads.load == Loads{6, 7, 8});   // as long as the experts: counts of two steps
  std::string row = "1";
  for (int i = 1; i < 40; ++i) row += ",1";
  CHECK(read("[[[" + row + "]]]").loads.experts == 40);                        // longer than any top-k
}

TEST_CASE("CSV with layer or token,layer at the start is read too") {
  const RecordedLoads loads = read("layer,e0,e1,e2\n1,4,5,6\n0,1,2,3\n");
  CHECK(loads.loads.load == Loads{1, 2, 3, 4, 5, 6});
  const RecordedLoads ids = read("token,layer,a,b\n0,0,0,1\n0,1,2,3\n1,0,0,2\n1,1,3,-1\n", 4);
  CHECK(ids.loads.load == Loads{2, 1, 1, 0, 0, 0, 1, 2});
  CHECK(ids.format == "experts of 2 tokens");
}

TEST_CASE("what is no load is refused with its place") {
  CHECK(holds(refused(""), "empty"));
  CHECK(holds(refused("[]"), "got an empty one"));
  CHECK(holds(refused("7"), "expected a list of loads"));
  CHECK(holds(refused("{}"), "neither \"logical_count\" nor"));
  CHECK(holds(refused(R"({"weight": [[1]], "topk_ids": [[[1]]]})"), "/topk_ids: there is \"weight\" too"));
  CHECK(holds(refused("[[1, 2], [3]]"), "/1: 1 loads where the first row has 2"));
  CHECK(holds(refused("[[1, 2], 3]"), "/1: expected a list of loads, got number"));
  CHECK(holds(refused("[[1, -2]]"), "/0/1: expected a load of zero or more, got -2"));
  CHECK(holds(refused("[[1, \"a\"]]"), "/0/1: expected a load of zero or more, got string"));
  CHECK(holds(refused("[[1, 1e999]]"), "finite"));
  CHECK(holds(refused("[[1, null]]"), "/0/1"));
  CHECK(holds(refused(R"({"logical_count": [[[1, 2]], [[1, 2], [1, 2]]]})"), "/logical_count/1: 2 layers where the first step has 1"));
  CHECK(holds(refused("[[1, 2]]", 256), "/0: rows of 2 numbers, but there are 256 experts"));
  CHECK(holds(refused("[[[[1]]]]"), "two or three levels"));
}

TEST_CASE("experts of tokens: their number is due, ids lie within it, no token chooses one twice, rows are equally long") {
  CHECK(holds(refused("[[[0, 1]]]"), "nothing says how many experts there are"));
  CHECK(holds(refused("[[[0, 4]]]", 4), "/0/0/1: expected an expert from 0 to 3, got 4"));
  CHECK(holds(refused("[[[0, -2]]]", 4), "/0/0/1"));
  CHECK(holds(refused("[[[0, 1.5]]]", 4), "/0/0/1"));
  CHECK(holds(refused("[[[2, 2]]]", 4), "/0/0/1: expert 2 stands here twice"));
  CHECK(holds(refused("[[[0, 1]], [[0]]]", 4), "/1/0: 1 experts where the first token has 2"));
  CHECK(holds(refused("[[[0, 1]], [[0, 1], [0, 1]]]", 4), "/1: 2 layers where the first token has 1"));
}

TEST_CASE("a half-life is for steps alone and positive; CSV errors name their line") {
  CHECK(holds(refused("[[1, 2]]", 0, 2.0), "a half-life weighs steps"));
  CHECK(holds(refused("[[1, 2]]", 0, 0.0), "--half-life"));
  CHECK(holds(refused("layer,e0,e1\n0,1\n"), "loads.json:2"));
  CHECK(holds(refused("layer,e0\n0,-1\n"), "expected at least 0"));
  CHECK(holds(refused("layer,e0\n0,1\n0,2\n"), "layer 0 stands here twice"));
  CHECK(holds(refused("layer,e0\n0,1\n2,2\n"), "1 of the layers 0 to 2 have no line"));
  CHECK(holds(refused("token,layer,k0\n0,0,9\n", 4), "expected an expert from -1 to 3, got 9"));
  CHECK(holds(refused("token,layer,k0\n0,0,1\n"), "nothing says how many experts"));
  CHECK(holds(refused("a,b\n1,2\n"), "expected the columns"));
}
