// deepep: what its kernels send, against the figures printed in DeepEP's README.
#include <doctest/doctest.h>

#include "tests/models/kernels_support.h"

using namespace weft;
using namespace weft::models;
using namespace weft::models::test;

namespace {

KernelCall normal(const std::string& family, double nodes, double limit = 4) {
  return call(family, "normal", {{"nodes", nodes}, {"hidden", 7168}, {"tokens", 4096}, {"topk", 8}, {"experts", 256}, {"sms", 24}, {"node_limit", limit}});
}

KernelCall low_latency(const std::string& family, double nodes) {
  return call(family, "low_latency", {{"nodes", nodes}, {"hidden", 7168}, {"tokens", 128}, {"topk", 8}, {"experts", 288}});
}

}  // namespace

TEST_CASE("dispatch sends 7392 B a copy of a token (FP8 and a scale per 128), combine 14336 B") {
  const Gpu g = gpu();
  // One node: a token's 8 experts lie on 8 (1 - (7/8)^8) = 5.2511 ranks, of which 7/8 are others.
  const double copies = 8 * (1 - std::pow(7.0 / 8, 8)) * 7 / 8;
  CHECK(demand(normal("deepep_dispatch", 1), g, "NVLink").amount == doctest::Approx(4096 * copies * 7392));
  CHECK(demand(normal("deepep_combine", 1), g, "NVLink").amount == doctest::Approx(4096 * copies * 14336));
  for (const Demand& d : normal("deepep_dispatch", 1).family->demands(normal("deepep_dispatch", 1), g)) CHECK(d.resource != "NIC");
}

TEST_CASE("normal kernels cross the network once a node, at most to as many nodes as the gate admits") {
  const Gpu g = gpu();
  const auto crossings = [&](double nodes, double limit) { return demand(normal("deepep_combine", nodes, limit), g, "NIC").amount / (4096 * 14336.0); };
  CHECK(crossings(2, 4) == doctest::Approx(2 * (1 - std::pow(0.5, 8)) / 2));           // half of the 1.992 nodes are others
  CHECK(crossings(8, 4) == doctest::Approx(4 * 7.0 / 8));
  CHECK(crossings(8, 0) == doctest::Approx(8 * (1 - std::pow(7.0 / 8, 8)) * 7 / 8));   // no limit
}

TEST_CASE("the means are near those of the tokens that DeepEP's test draws: 1.9936, 3.6206 and 3.984 nodes at EP 16, 32 and 64") {
  const Gpu g = gpu();
  const auto nodes_reached = [&](double nodes) { return demand(normal("deepep_combine", nodes), g, "NIC").amount / (4096 * 14336.0) * nodes / (nodes - 1); };
  CHECK(std::abs(nodes_reached(2) / 1.9936 - 1) < 0.01);
  CHECK(std::abs(nodes_reached(4) / 3.6206 - 1) < 0.01);
  CHECK(std::abs(nodes_reached(8) / 3.984 - 1) < 0.01);
}

TEST_CASE("low latency sends a copy to every expert: the GB/s that DeepEP prints are those bytes over its times") {
  const Gpu g = gpu();
  for (const double nodes : {1.0, 2.0, 16.0}) {
    double copies = demand(low_latency("deepep_ll_dispatch", nodes), g, "NVLink").amount / (128 * 7392.0);
    CHECK(copies == doctest::Approx(8 * 7 / (8 * nodes)));   // inside the node; one of its ranks is the GPU itself
    if (nodes == 1) continue;
    copies = demand(low_latency("deepep_ll_dispatch", nodes), g, "NIC").amount / (128 * 7392.0);
    CHECK(copies == doctest::Approx(8 * (nodes - 1) / nodes));
  }
  // 128 tokens x 8 experts: 77 us at 98 GB/s, 114 us at 127 GB/s (EP 8); 39 GB/s both in 192 and 369 us (EP 128, C091)
  CHECK(128 * 8 * 7392 / 77e-6 == doctest::Approx(98e9).epsilon(0.01));
  CHECK(128 * 8 * 14336 / 114e-6 == doctest::Approx(127e9).epsilon(0.02));
  CHECK(128 * 8 * 7392 / 192e-6 == doctest::Approx(39e9).epsilon(0.02));
  CHECK(128 * 8 * 14336 / 369e-6 == doctest::Approx(39e9).epsilon(0.03));
}

TEST_CASE("a normal kernel with few SMs copies at their rate, one with many at the links'") {
  const Gpu g = gpu();
  const auto us = [&](double sms, const Named& p) {
    return time_us(call("deepep_dispatch", "", {{"hidden", 7168}, {"tokens", 4096}, {"topk", 8}, {"experts", 256}, {"sms", sms}}), "sms_and_links", p, g);
  };
  const double bytes = 4096 * 8 * (1 - std::pow(7.0 / 8, 8)) * 7392;
  // t0 0, pair 0, q large: few SMs at 25 kB/us each; many: 7/8 of the copies over 0.8 of NVLink.
  const Named p = {{"t0", 0}, {"pair", 0}, {"rate", 25}, {"bandwidth", 0.8}, {"q", 60}};
  CHECK(us(4, p) == doctest::Approx(bytes / (4 * 25e3)).epsilon(1e-6));
  CHECK(us(100, p) == doctest::Approx(bytes * 7 / 8 / (0.8 * g.nvlink_rate.value.value()) * 1e6).epsilon(1e-6));
}
