// Packet headers: 4 KiB of payload cost 26 B more on InfiniBand and 82 B more on RoCE.
#include <cmath>

#include <doctest/doctest.h>

#include "tests/support/fabrics.h"

using namespace weft;
using namespace weft::testing;

TEST_CASE("wire efficiency is mtu / (mtu + header) (N7.01, N7.02, N7.03)") {
  struct Row {
    const char* mtu;
    double infiniband, roce;
  };
  for (const Row& row : {Row{"1 KiB", .9752, .9259}, Row{"2 KiB", .9875, .9615}, Row{"4 KiB", .9937, .9804}}) {
    for (const auto& [name, expected] : {std::pair("infiniband", row.infiniband), std::pair("roce", row.roce)}) {
      const auto f = make_fabric(R"({"kind": "mpft"})", 2, "h800", fmt::format(R"({{"extends": "{}", "mtu": "{}"}})", name, row.mtu));
      CHECK(std::abs(f.transport().wire_efficiency() - expected) <= 0.0002);
    }
  }
}

TEST_CASE("network cables carry headers, NVLink and PCIe do not") {
  const auto f = make_fabric(R"({"kind": "mpft"})", 64, "h800", "roce");
  topology::Router r(f, {});
  double pcie = 0, ends = 0, spines = 0;
  for (const auto& [link, share] : hops_of(r, routes(r, gpu(0, 2), gpu(32, 2)).at(0))) {
    const auto cable = f.link(link).cable;
    if (cable == topology::CableClass::pcie) pcie += share;
    if (cable == topology::CableClass::endpoint) ends += share;
    if (cable == topology::CableClass::long_haul) spines += share;
  }
  const double wire = (4096.0 + 82.0) / 4096.0;
  CHECK(pcie == doctest::Approx(4).epsilon(1e-12));           // GPU - switch - NIC, twice
  CHECK(ends == doctest::Approx(2 * wire).epsilon(1e-12));    // two NIC cables
  CHECK(spines == doctest::Approx(2 * wire).epsilon(1e-12));  // up and down, over all spines together
  for (const auto& [link, share] : hops_of(r, routes(r, gpu(0, 2), gpu(0, 5)).at(0))) {
    CHECK(f.link(link).cable == topology::CableClass::nvlink);
    CHECK(share == 1);
  }
}
