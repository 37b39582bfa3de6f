// What a user can write wrong about the network, and what weft answers.
#include <doctest/doctest.h>

#include "tests/topology/reading.h"
#include "topology/price.h"

using namespace weft;
using namespace weft::testing;

namespace {

struct Bad {
  const char* json;
  std::int64_t nodes;
  const char* place;
  const char* message;  ///< must occur in the message
  const char* hint;     ///< must occur in the hint
};

const Bad bad_topologies[] = {
    {R"("mpft")", 256, "/cluster/topology", "expected a topology as an object", ""},
    {R"({})", 256, "/cluster/topology/kind", "due but missing", ""},
    {R"({"kind": 7})", 256, "/cluster/topology/kind", "expected a string", ""},
    {R"({"kind": "mptf"})", 256, "/cluster/topology/kind", "unknown topology \"mptf\"", "did you mean \"mpft\"?"},
    {R"({"kind": "mpft", "radix": 16})", 256, "/cluster/topology/radix", "radix 16 holds 128 endpoints per plane, 256 nodes need 256", "at most 128 nodes"},
    {R"({"kind": "mpft", "radix": "64"})", 256, "/cluster/topology/radix", "expected a whole number", ""},
    {R"({"kind": "mpft", "radix": 64.5})", 256, "/cluster/topology/radix", "expected a whole number", ""},
    {R"({"kind": "mpft", "radix": 0})", 256, "/cluster/topology/radix", "expected a whole number", ""},
    {R"({"kind": "mpft", "radix": -64})", 256, "/cluster/topology/radix", "expected a whole number", ""},
    {R"({"kind": "mpft", "planes": 3})", 256, "/cluster/topology/planes", "3 planes cannot share the 8 NICs of a node evenly", "divisor of 8"},
    {R"({"kind": "mpft", "planes": 16})", 256, "/cluster/topology/planes", "16 planes cannot share the 8 NICs", "divisor of 8"},
    {R"({"kind": "mpft", "planes": 0})", 256, "/cluster/topology/planes", "expected a whole number", ""},
    {R"({"kind": "mpft", "spines": 3})", 256, "/cluster/topology/spines", "3 spines of radix 64 cannot take the 256 uplinks of 8 leaves", "4 are enough"},
    {R"({"kind": "mpft", "spine": 4})", 256, "/cluster/topology/spine", "unknown key", "spines"},
    {R"({"kind": "mrft", "rails": 5})", 256, "/cluster/topology/rails", "5 rails cannot share", "divisor of 8"},
    {R"({"kind": "mrft", "rails": 8, "planes": 8})", 256, "/cluster/topology/planes", "planes or rails, not both", "leave planes out"},
    {R"({"kind": "mrft", "spines": 31})", 256, "/cluster/topology/spines", "31 spines of radix 64 cannot take the 2048 uplinks of 64 leaves", "32 are enough"},
    {R"({"kind": "mrft", "layers": 2})", 512, "/cluster/topology/radix", "radix 64 in 2 layers holds 256 endpoints per rail, 512 nodes need 512", ""},
    {R"({"kind": "mrft", "radix": 4})", 256, "/cluster/topology/radix", "radix 4 in 3 layers", ""},
    {R"({"kind": "ft2"})", 257, "/cluster/topology/radix", "radix 64 holds 2048 endpoints in two layers, 257 nodes need 2056", "ft3"},
    {R"({"kind": "ft2", "leaves": 63})", 256, "/cluster/topology/leaves", "63 leaves of radix 64 hold 2016 endpoints, 256 nodes need 2048", ""},
    {R"({"kind": "ft2", "spines": 33})", 256, "/cluster/topology/spines", "33 spines, but a leaf of radix 64 has 32 uplinks", "every leaf"},
    {R"({"kind": "ft2", "placement": "rails"})", 256, "/cluster/topology/placement", "unknown word \"rails\"", "did you mean \"rail\"?"},
    {R"({"kind": "ft3", "radix": 8})", 256, "/cluster/topology/radix", "radix 8 holds 128 endpoints in three layers, 256 nodes need 2048", ""},
    {R"({"kind": "single_switch", "radix": 64})", 256, "/cluster/topology/radix", "radix 64 holds 64 endpoints, 256 nodes need 2048", ""},
    {R"({"kind": "single_switch", "radix": 1000000000000000000})", 256, "/cluster/topology/radix", "expected a whole number from 1 to 1.67772e+07", ""},
    {R"({"kind": "single_switch", "radix": 1000000000000000000})", 0, "/cluster/topology/radix", "expected a whole number from 1 to 1.67772e+07", ""},
    {R"({"kind": "single_switch"})", 3000000, "/cluster/topology/radix", "a single switch holds at most 16777216 endpoints, 3000000 nodes need 24000000", ""},
    {R"({"kind": "mpft", "radix": 1000000000000000000})", 0, "/cluster/topology/radix", "expected a whole number from 2 to 4096", ""},
    {R"({"kind": "ft3", "radix": 4096})", 0, "/cluster/topology/radix", "radix 4096 holds 17179869184 endpoints, weft builds at most 134217728", "give the number of nodes"},
    {R"({"kind": "dragonfly", "radix": 4096})", 0, "/cluster/topology/radix", "endpoints, weft builds at most 134217728", "give the number of nodes"},
    {R"({"kind": "dragonfly", "radix": 4096, "g": 100000})", 0, "/cluster/topology/g", "100000 groups of 2048 routers hold 209715200000 endpoints", "lower this"},
    {R"({"kind": "slim_fly", "radix": 4096, "q": 991})", 0, "/cluster/topology/q", "q = 991 with 744 per router holds 1461336528 endpoints", ""},
    {R"({"kind": "slim_fly", "q": 30})", 256, "/cluster/topology/q", "q = 30 is not of the form", ""},
    {R"({"kind": "slim_fly", "q": 5})", 256, "/cluster/topology/q", "q = 5 with 4 per router holds 200 endpoints, 256 nodes need 2048", ""},
    {R"({"kind": "slim_fly", "q": 64})", 256, "/cluster/topology/q", "needs 96 ports between routers", ""},
    {R"({"kind": "slim_fly", "q": 29, "p": 22})", 256, "/cluster/topology/p", "22 endpoints and 43 links per router exceed radix 64", "at most 21"},
    {R"({"kind": "slim_fly"})", 10000, "/cluster/topology/radix", "endpoints, 10000 nodes need 80000", ""},
    {R"({"kind": "dragonfly", "p": 17, "a": 32, "h": 17})", 256, "/cluster/topology/radix", "radix 64 is too small for p + (a - 1) + h = 17 + 31 + 17 = 65", ""},
    {R"({"kind": "dragonfly", "g": 514})", 256, "/cluster/topology/g", "expected a whole number from 1 to 513", ""},
    {R"({"kind": "dragonfly", "g": 3})", 256, "/cluster/topology/g", "3 groups of 32 routers hold 1536 endpoints, 256 nodes need 2048", ""},
    {R"({"kind": "dragonfly"})", 40000, "/cluster/topology/radix", "40000 nodes need 320000", ""},
};

struct BadData {
  const char* json;
  const char* place;
  const char* message;
  const char* hint;
};

void check_answer(const Problems& problems, const BadData& bad) {
  CAPTURE(std::string(bad.json));
  REQUIRE(problems.list().size() == 1);
  const Problem& p = problems.list()[0];
  CHECK(p.place == bad.place);
  CHECK_MESSAGE(p.message.find(bad.message) != std::string::npos, p.message);
  CHECK_MESSAGE(p.hint.find(bad.hint) != std::string::npos, p.hint);
}

}  // namespace

TEST_CASE("a topology that cannot be is refused at its place, with a way out") {
  for (const Bad& bad : bad_topologies) {
    const Reading r = read(parse_json(bad.json, "scenario.json"), bad.nodes);
    CHECK(r.topology == nullptr);
    check_answer(r.problems, {bad.json, bad.place, bad.message, bad.hint});
  }
}

TEST_CASE("what is too large at its full size counts with its nodes given, and large ones count at full size") {
  CHECK(counts(R"({"kind": "ft3", "radix": 4096})", 1000).endpoints == 8000);
  CHECK(counts(R"({"kind": "dragonfly", "radix": 4096})", 1000).endpoints == 8000);
  CHECK(counts(R"({"kind": "single_switch"})", 1000000).endpoints == 8000000);
  CHECK(counts(R"({"kind": "single_switch", "radix": 8000000})", 0).endpoints == 8000000);
  CHECK(counts(R"({"kind": "ft3", "radix": 256})", 0).endpoints == 4194304);
  CHECK(counts(R"({"kind": "mpft", "radix": 4096})", 0).endpoints == 67108864);
  CHECK(counts(R"({"kind": "dragonfly", "radix": 128})", 0).endpoints == 32 * 64 * 2049);
}

TEST_CASE("several mistakes in one topology are reported together") {
  const Reading r = read_text(R"({"kind": "mpft", "planes": 3, "spins": 4})", 256);
  CHECK(r.problems.list().size() == 2);
}

TEST_CASE("nodes, transports and prices that cannot be are refused at their place") {
  const auto data = DataPlaces::standard();
  for (const BadData& bad : {BadData{R"("h80")", "/x", "unknown name \"h80\"", "did you mean \"h800\"?"},
                             BadData{R"(8)", "/x", "expected the name of a node or a description of it", ""},
                             BadData{R"({"extends": "h80"})", "/x/extends", "unknown name \"h80\"", "h800"},
                             BadData{R"({"extends": 8})", "/x/extends", "expected the name of a node as a string", ""},
                             BadData{R"({"extends": "h800", "nic_rate": 400})", "/x/nic_rate", "expected a rate", "bits or bytes"},
                             BadData{R"({"extends": "h800", "nic_rate": "0 GB/s"})", "/x/nic_rate", "positive", ""},
                             BadData{R"({"extends": "h800", "nic_rate": "-50 GB/s"})", "/x/nic_rate", "", ""},
                             BadData{R"({"extends": "h800", "nic_rate": "50 us"})", "/x/nic_rate", "expected a rate", ""},
                             BadData{R"({"extends": "h800", "gpus": 0})", "/x/gpus", "expected a whole number", ""},
                             BadData{R"({"extends": "h800", "nic_speed": "50 GB/s"})", "/x/nic_speed", "unknown key", ""}}) {
    Problems problems;
    const Json json = parse_json(bad.json, "");
    topology::read_node_spec(JsonReader(json, "scenario.json", problems, "/x"), data);
    check_answer(problems, bad);
  }
  for (const BadData& bad : {BadData{R"("infiniban")", "/x", "unknown name", "did you mean \"infiniband\"?"},
                             BadData{R"({"extends": "roce", "mtu": "0 B"})", "/x/mtu", "positive", ""},
                             BadData{R"({"extends": "roce", "switch_latency": "-1 us"})", "/x/switch_latency", "", ""}}) {
    Problems problems;
    const Json json = parse_json(bad.json, "");
    topology::read_transport_spec(JsonReader(json, "scenario.json", problems, "/x"), data);
    check_answer(problems, bad);
  }
  for (const BadData& bad : {BadData{R"("table3")", "/x", "unknown name \"table3\"", "table3-calibrated"},
                             BadData{R"({"extends": "table3-calibrated", "switch": 58000})", "/x/switch", "expected", "no unit"},
                             BadData{R"({"extends": "table3-calibrated", "switch": {"value": "1 USD"}})", "/x/switch/origin", "missing", ""}}) {
    Problems problems;
    const Json json = parse_json(bad.json, "");
    topology::read_price_list(JsonReader(json, "scenario.json", problems, "/x"), data);
    CAPTURE(std::string(bad.json));
    REQUIRE_FALSE(problems.empty());
    CHECK(problems.list()[0].place == bad.place);
  }
}
