// Latency until the first byte: T = T_ep + switches * t_switch + metres * 5 ns/m (Table 5 of arXiv:2505.09343).
#include <cmath>

#include <doctest/doctest.h>

#include "tests/support/fabrics.h"

using namespace weft;
using namespace weft::testing;

namespace {

struct Transport {
  const char* name;
  double same_leaf, cross_leaf, three_layers;
};
// Table 5; the last column extrapolates by two more switches and two more 20 m cables.
constexpr Transport published[] = {{"infiniband", 2.8, 3.7, 4.6}, {"roce", 3.6, 5.6, 7.6}};

double latency_us(topology::Router& r, const Endpoint& a, const Endpoint& b) {
  return routes(r, a, b).at(0).latency.value() * 1e6;
}

}  // namespace

TEST_CASE("same leaf and cross leaf latencies are those of Table 5 (N3.01, N3.02)") {
  for (const Transport& t : published) {
    for (const char* kind : {R"({"kind": "mpft"})", R"({"kind": "mrft"})"}) {
      const auto fabric = make_fabric(kind, 64, "h800", t.name);
      topology::Router r(fabric, {});
      // 32 nodes a leaf: nodes 0 and 1 share leaves, 0 and 32 do not.
      CHECK(latency_us(r, gpu(0, 3), gpu(1, 3)) == doctest::Approx(t.same_leaf).epsilon(1e-9));
      CHECK(latency_us(r, gpu(0, 3), gpu(32, 3)) == doctest::Approx(t.cross_leaf).epsilon(1e-9));
      CHECK(latency_us(r, nic(0, 3), nic(32, 3)) == doctest::Approx(t.cross_leaf).epsilon(1e-9));
    }
  }
}

TEST_CASE("a switch and its cable take 0.45 us on InfiniBand and 1.00 us on RoCE (N3.05)") {
  // cross - same = 2 (t_switch + 20 m * 5 ns/m)
  const double expected[] = {0.45, 1.0};
  for (int i = 0; i < 2; ++i) {
    const auto fabric = make_fabric(R"({"kind": "mpft"})", 64, "h800", published[i].name);
    topology::Router r(fabric, {});
    const double per_hop = (latency_us(r, gpu(0), gpu(32)) - latency_us(r, gpu(0), gpu(1))) / 2;
    CHECK(std::abs(per_hop - expected[i]) <= 0.001);
  }
}

TEST_CASE("five switches of a three-layer tree take 4.6 us and 7.6 us (N3.04)") {
  for (const Transport& t : published) {
    // Radix 4: 2 endpoints an edge switch, 4 a pod.
    const auto fabric = make_fabric(R"({"kind": "ft3", "radix": 4})", 16, "endpoint", t.name);
    topology::Router r(fabric, {});
    CHECK(routes(r, nic(0), nic(4)).at(0).mean_switches == doctest::Approx(5).epsilon(1e-12));
    CHECK(std::abs(latency_us(r, nic(0), nic(4)) - t.three_layers) <= 0.02);
  }
}

TEST_CASE("NVLink takes what the node's data say: 3.33 us from the CPU, a store's time from the GPU (N3.03)") {
  const auto fabric = make_fabric(R"({"kind": "mpft"})", 2, "h800", "infiniband");
  topology::Router r(fabric, {});
  CHECK(std::abs(fabric.node_spec().nvlink_latency.value.value() * 1e6 - 3.33) <= 0.01);
  CHECK(latency_us(r, gpu(0, 0), gpu(0, 7)) == fabric.node_spec().nvlink_store_latency.value.value() * 1e6);
  CHECK(latency_us(r, gpu(0, 5), gpu(0, 5)) == 0);
}

TEST_CASE("a cross-plane pair is bounded by NVLink and then the other plane: 7.03 us (N3.06)") {
  const auto fabric = make_fabric(R"({"kind": "mpft"})", 64, "h800", "infiniband");
  topology::Router r(fabric, {});
  const double nvlink = fabric.node_spec().nvlink_latency.value.value() * 1e6;
  CHECK(std::abs(nvlink + latency_us(r, gpu(0, 5), gpu(32, 5)) - 7.03) <= 0.02);
}

TEST_CASE("RoCE switches of 0.35 us bring the cross-leaf latency to 3.95 us (N9.04)") {
  // 2.67 + 3 * 0.35 + (2 * 3 + 2 * 20) m * 5 ns/m = 3.95
  const std::string transport = R"({"extends": "roce", "switch_latency": "0.35 us"})";
  const auto fabric = make_fabric(R"({"kind": "mpft"})", 64, "h800", transport);
  topology::Router r(fabric, {});
  CHECK(std::abs(latency_us(r, gpu(0), gpu(32)) - 3.95) <= 0.01);
}

TEST_CASE("spraying charges its own latency per switch, hashed paths do not") {
  const std::string transport = R"({"extends": "infiniband", "adaptive_hop_latency": "0.1 us"})";
  const auto fabric = make_fabric(R"({"kind": "mpft"})", 64, "h800", transport);
  topology::Router sprayed(fabric, {}), hashed(fabric, {.policy = topology::Policy::ecmp});
  CHECK(latency_us(sprayed, gpu(0), gpu(32)) == doctest::Approx(3.7 + 3 * 0.1).epsilon(1e-9));
  CHECK(latency_us(hashed, gpu(0), gpu(32)) == doctest::Approx(3.7).epsilon(1e-9));
}

TEST_CASE("routes inside a node over PCIe take no time of their own") {
  // PCIe is part of the endpoint latency, which Table 5 measures end to end.
  const auto fabric = make_fabric(R"({"kind": "mpft"})", 2, "h800", "infiniband");
  topology::Router r(fabric, {});
  CHECK(latency_us(r, gpu(0, 1), nic(0, 1)) == 0);
  CHECK(latency_us(r, nic(0, 1), gpu(0, 6)) == 0);
}
