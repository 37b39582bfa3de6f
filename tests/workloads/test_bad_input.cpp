// What users get wrong: every message names the place and the matter.
#include <doctest/doctest.h>

#include "tests/support/recorded_program.h"

using namespace weft;
using namespace weft::testing;

namespace {

struct Wrong {
  const char* json;
  const char* place;
  const char* says;
};

const Wrong wrong[] = {
    {R"({"kind": "all_to_all", "gpus": 1, "sizes": "1 GiB"})", "/gpus/0", "needs 2 GPUs"},
    {R"({"kind": "all_to_all", "gpus": 20, "sizes": "1 GiB"})", "/gpus/0", "no multiple of the 8 GPUs of a node"},
    {R"({"kind": "all_to_all", "gpus": [16, 4096], "sizes": "1 GiB"})", "/gpus/1",
     "4096 GPUs asked for, the cluster has 128"},
    {R"({"kind": "all_to_all", "gpus": [], "sizes": "1 GiB"})", "/workload/0/gpus", "empty list"},
    {R"({"kind": "all_to_all", "gpus": 16, "sizes": 1024})", "/workload/0/sizes", "a size"},
    {R"({"kind": "all_to_all", "gpus": 16, "sizes": "0 B"})", "/workload/0/sizes", "0 B"},
    {R"({"kind": "all_to_all", "gpus": 16, "sizes": "4 GB/s"})", "/workload/0/sizes", "a size"},
    {R"({"kind": "all_to_all", "gpus": 16, "sizes": "1 GiB", "kernel": "nccl_alltoall"})", "/workload/0/kernel",
     "nccl_all_to_all"},
    {R"({"kind": "all_to_all", "gpus": 16, "sizes": "1 GiB", "pxm": true})", "/workload/0/pxm", "pxn"},
    {R"({"kind": "all_to_all", "gpus": 16, "sizes": "1 GiB", "rail_weights": [0, 0]})", "/workload/0/rail_weights",
     "above zero"},
    {R"({"kind": "all_to_all", "sizes": "1 GiB", "size_of": "pairs"})", "/workload/0/size_of", "pair"},
    {R"({"kind": "all_gather", "gpus": 16, "sizes": "1 GiB", "tp": 3})", "/tp/0", "do not divide into groups of 3"},
    {R"({"kind": "all_gather", "gpus": 8, "sizes": "1 GiB", "tp": 8})", "/tp/0", "one GPU only"},
    {R"({"kind": "deepep_dispatch", "ep": 4096})", "/ep/0", "the cluster has 128"},
    {R"({"kind": "deepep_dispatch", "ep": 12})", "/ep/0", "no multiple"},
    {R"({"kind": "deepep_dispatch", "ep": 16, "gate": "v4"})", "/workload/0/gate", "v3"},
    {R"({"kind": "deepep_dispatch", "ep": 16, "topk": 300})", "/topk", "top-300 of the 256 experts"},
    {R"({"kind": "deepep_dispatch", "ep": 16, "experts": 100})", "/experts", "100 experts do not divide over 16 ranks"},
    {R"({"kind": "deepep_dispatch", "ep": 16, "n_groups": 7})", "/n_groups", "do not divide into 7 groups"},
    {R"({"kind": "deepep_dispatch", "ep": 16, "topk_groups": 3})", "/topk_groups", "3 of 2 groups"},
    {R"({"kind": "deepep_dispatch", "ep": 16, "hidden": 7000})", "/workload/0/hidden", "every 128 elements"},
    {R"({"kind": "deepep_dispatch", "ep": 16, "tokens": 0})", "/workload/0/tokens", "0"},
    {R"({"kind": "deepep_low_latency", "ep": 16, "tokens": 1, "masked": 8})", "/workload/0/masked", "1 tokens * 8 experts = 8 selections"},
    {R"({"kind": "deepep_low_latency", "ep": 16, "masked": 5000000000000})", "/workload/0/masked", "at most 1023"},
    {R"({"kind": "deepep_low_latency", "ep": 16, "masked": -1})", "/workload/0/masked", "-1"},
    {R"({"kind": "deepep_low_latency", "ep": 16, "tokens": 0, "masked": 20})", "/workload/0/tokens", "0"},
    {R"({"kind": "deepep_low_latency", "ep": 16, "directions": ["gather"]})", "/workload/0/directions/0", "combine"},
    {R"({"kind": "ping", "pairs": ["near"]})", "/workload/0/pairs/0", "same_leaf"},
    {R"({"kind": "point_to_point", "from": 0, "to": 0, "sizes": "1 B"})", "/to", "to itself"},
    {R"({"kind": "point_to_point", "from": 0, "to": 128, "sizes": "1 B"})", "/to", "ranks 0 to 127"},
    {R"({"kind": "shift", "by": 16})", "/by", "1 to 15"},
    {R"({"kind": "permutation", "pattern": "shift", "by": 16})", "/by", "goes nowhere"},
    {R"({"kind": "permutation", "pattern": "zigzag"})", "/workload/0/pattern", "random"},
    {R"({"kind": "permutation"})", "/pattern", "one leaf"},
};

}  // namespace

TEST_CASE("bad input ends in a UserError that names the place and the matter") {
  for (const Wrong& w : wrong) {
    CAPTURE(std::string(w.json));
    try {
      const auto workload = workload_from(w.json);
      for (const auto& c : workload->cases(view_of(16))) c.program(0);
      FAIL("no error");
    } catch (const UserError& e) {
      CAPTURE(e.what());
      REQUIRE(e.problems().size() == 1);
      CHECK(e.problems()[0].place == w.place);
      CHECK(std::string(e.what()).find(w.says) != std::string::npos);
    }
  }
}

TEST_CASE("every kind explains its parameters and columns, and its resolved parameters read back the same") {
  for (const workloads::WorkloadKind& k : workloads::workload_kinds()) {
    CAPTURE(k.name);
    CHECK_FALSE(k.title.empty());
    CHECK_FALSE(k.summary.empty());
    CHECK_FALSE(k.parameters.empty());
    CHECK_FALSE(k.columns.empty());
  }
  for (const char* json : {R"({"kind": "all_to_all", "gpus": 16, "sizes": "1 GiB"})",
                           R"({"kind": "deepep_low_latency", "ep": [8, 16]})", R"({"kind": "ping"})",
                           R"({"kind": "all_reduce", "gpus": 16, "sizes": ["1 KiB", "1 MiB"]})", R"({"kind": "shift"})",
                           R"({"kind": "permutation"})", R"({"kind": "deepep_combine", "ep": 64, "gate": "v3"})"}) {
    CAPTURE(json);
    Json once = workload_from(json)->resolved();
    once["kind"] = parse_json(json, "")["kind"];
    Json twice = workload_from(dump_json(once))->resolved();
    twice["kind"] = once["kind"];
    CHECK(dump_json(once) == dump_json(twice));
  }
}

TEST_CASE("a kernel that is used is listed with its constants and where they come from") {
  const auto constants = workload_from(R"({"kind": "deepep_low_latency", "ep": 8})")->constants();
  REQUIRE(constants.size() == 3);
  for (const ConstantUsed& c : constants) {
    CHECK(c.origin == Origin::fitted);
    CHECK(c.source.find("README") != std::string::npos);
  }
}
