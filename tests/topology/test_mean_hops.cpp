// How many switches a pair of GPUs on different nodes lies apart, on average over all pairs, in MPFT and in MRFT.
#include <cmath>

#include <doctest/doctest.h>

#include "tests/support/fabrics.h"

using namespace weft;
using namespace weft::testing;

namespace {

constexpr std::uint32_t nodes = 256;

/// Mean over pairs of different nodes; `rail_aligned` sends through the NIC with the receiver's local index (PXN).
struct Hops {
  double mean = 0;
  double unreachable = 0;  ///< share of the pairs
};

Hops over_all_pairs(topology::Router& r, bool rail_aligned) {
  double sum = 0, reached = 0, all = 0;
  std::vector<topology::SubRoute> out;
  // Every node sees the same number of nodes under its leaves and elsewhere, so one sender's node stands for all.
  for (std::uint32_t to = 1; to < nodes; ++to) {
    for (std::uint32_t i = 0; i < 8; ++i) {
      for (std::uint32_t j = 0; j < 8; ++j) {
        const Endpoint from = gpu(0, rail_aligned ? j : i);
        ++all;
        if (!r.reachable(from, gpu(to, j))) continue;
        out.clear();
        r.route(from, gpu(to, j), 0, out);
        sum += out.at(0).mean_switches;
        ++reached;
      }
    }
  }
  return {sum / reached, 1 - reached / all};
}

}  // namespace

TEST_CASE("with PXN both fabrics are 2.757 switches wide (N2.03)") {
  // 31 of 255 nodes share the leaf: (31 * 1 + 224 * 3) / 255
  for (const char* kind : {R"({"kind": "mpft"})", R"({"kind": "mrft"})"}) {
    const auto f = make_fabric(kind, nodes);
    topology::Router r(f, {});
    const Hops h = over_all_pairs(r, true);
    CHECK(std::abs(h.mean - 2.7569) <= 0.001);
    CHECK(h.unreachable == 0);
  }
}

TEST_CASE("without PXN an MRFT is 2.970 switches wide (N2.04)") {
  // Only the pairs of one rail can share a leaf: 3 - 2 * (31 / 255) / 8
  const auto f = make_fabric(R"({"kind": "mrft"})", nodes);
  topology::Router r(f, {});
  const Hops h = over_all_pairs(r, false);
  CHECK(std::abs(h.mean - 2.9696) <= 0.001);
  CHECK(h.unreachable == 0);
}

TEST_CASE("without PXN 7 of 8 pairs of an MPFT have no path") {
  const auto f = make_fabric(R"({"kind": "mpft"})", nodes);
  topology::Router r(f, {});
  CHECK(over_all_pairs(r, false).unreachable == doctest::Approx(7.0 / 8).epsilon(1e-12));
}
