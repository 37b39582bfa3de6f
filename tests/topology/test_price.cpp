#include <doctest/doctest.h>

#include <cmath>

#include "sim/core/files.h"
#include "tests/topology/reading.h"
#include "topology/price.h"

using namespace weft;
using namespace weft::testing;
using topology::Counts;

namespace {

topology::PriceList list_of(const Json& json) {
  Problems problems;
  auto list = topology::read_price_list(JsonReader(json, "scenario.json", problems, "/cluster/prices"), DataPlaces::standard());
  problems.throw_if_any();
  return list;
}

Counts table3(const std::string& kind) {
  for (const auto& k : topology::topology_kinds()) {
    if (k.name == kind) return read(k.table3, 0).topology->count();
  }
  throw std::logic_error(kind);
}

struct PrintedRow {
  const char* kind;
  double musd, kusd_per_endpoint;                      // network_checks.json: the rule's own value
  double published_musd, published_kusd_per_endpoint;  // printed in Table 3
};

/// x in [low, high]; only what the elimination below needs.
struct Interval {
  double low, high;
  friend Interval operator-(Interval a, Interval b) { return {a.low - b.high, a.high - b.low}; }
  friend Interval operator*(double k, Interval a) { return k < 0 ? Interval{k * a.high, k * a.low} : Interval{k * a.low, k * a.high}; }
};

}  // namespace

TEST_CASE("the calibrated prices reproduce all ten printed costs of Table 3 (N1.11, N1.12, N1.13, N1.14, N1.15)") {
  const auto list = list_of("table3-calibrated");
  for (const PrintedRow& row : {PrintedRow{"ft2", 8.992, 4.3907, 9, 4.39}, PrintedRow{"mpft", 71.938, 4.3907, 72, 4.39}, PrintedRow{"ft3", 491.012, 7.4922, 491, 7.5},
                         PrintedRow{"slim_fly", 146.0, 4.4339, 146, 4.4}, PrintedRow{"dragonfly", 1521.897, 5.8169, 1522, 5.8}}) {
    CAPTURE(row.kind);
    const auto price = topology::price_of(table3(row.kind), list);
    const double musd = price.total.value() / 1e6, kusd = price.per_endpoint.value() / 1e3;
    CHECK(std::abs(musd - row.musd) < 0.001);
    CHECK(std::abs(kusd - row.kusd_per_endpoint) < 0.001);
    CHECK(std::abs(musd - row.published_musd) < 0.5);
    CHECK(std::abs(kusd - row.published_kusd_per_endpoint) < 0.05);
    // As printed: millions without decimals, thousands with one (two in the rows that say 4.39).
    CHECK(std::round(musd) == row.published_musd);
    const double digits = row.published_kusd_per_endpoint == 4.39 ? 100 : 10;
    CHECK(std::round(kusd * digits) / digits == doctest::Approx(row.published_kusd_per_endpoint));
  }
}

TEST_CASE("no three prices (switch, cable, endpoint) that are not negative give Table 3 within its rounding (N1.16)") {
  // C = s N_sw + l N_links + e N_ep, in kUSD per endpoint. FT3 - SF and DF - SF lose e; taking DF's share of l from the
  // first leaves s alone: coefficient * s = DF - lambda FT3 - (1 - lambda) SF, each cost known to +-0.5 MUSD.
  const auto ratio = [](const char* kind) {
    const Counts c = table3(kind);
    const double n = static_cast<double>(c.endpoints);
    return std::pair(static_cast<double>(c.switches) / n, static_cast<double>(c.switch_links) / n);
  };
  const auto cost = [](const char* kind, double musd) {
    const double n = static_cast<double>(table3(kind).endpoints);
    return Interval{(musd - 0.5) * 1e3 / n, (musd + 0.5) * 1e3 / n};
  };
  const auto [s_ft3, l_ft3] = ratio("ft3");
  const auto [s_sf, l_sf] = ratio("slim_fly");
  const auto [s_df, l_df] = ratio("dragonfly");
  const double lambda = (l_df - l_sf) / (l_ft3 - l_sf);
  CHECK(lambda == doctest::Approx(0.46875).epsilon(1e-4));
  const double coefficient = (s_df - s_sf) - lambda * (s_ft3 - s_sf);
  const Interval right = cost("dragonfly", 1522) - lambda * cost("ft3", 491) - (1 - lambda) * cost("slim_fly", 146);
  const Interval s = 1 / coefficient * right;
  CHECK(std::abs(s.low - -109.5) < 1.0);
  CHECK(std::abs(s.high - -62.9) < 1.0);
  CHECK(s.high < 0);  // infeasible: a switch would have to cost less than nothing
}

TEST_CASE("the second set of calibrated prices reproduces the five totals (N1.17)") {
  const auto list = list_of("table3-calibrated-a");
  const auto musd = [&](const char* kind) { return topology::price_of(table3(kind), list).total.value() / 1e6; };
  CHECK(std::abs(musd("ft2") - 9.019) < 0.01);
  CHECK(std::abs(musd("mpft") - 72.155) < 0.01);
  CHECK(std::abs(musd("ft3") - 490.996) < 0.01);
  CHECK(std::abs(musd("slim_fly") - 145.995) < 0.01);
  CHECK(std::abs(musd("dragonfly") - 1521.897) < 0.01);
}

TEST_CASE("at 16,384 GPUs three layers cost 122.75 MUSD and eight planes 71.94 (N1.18)") {
  const auto list = list_of("table3-calibrated");
  const double ft3 = topology::price_of(counts(R"({"kind": "ft3"})", 2048), list).total.value() / 1e6;
  const double mpft = topology::price_of(counts(R"({"kind": "mpft"})", 2048), list).total.value() / 1e6;
  CHECK(ft3 == doctest::Approx(122.75).epsilon(0.001));
  CHECK(mpft == doctest::Approx(71.94).epsilon(0.001));
}

TEST_CASE("mpft and mrft cost the same at 2,048 GPUs") {
  const auto list = list_of("table3-calibrated");
  const double mpft = topology::price_of(counts(R"({"kind": "mpft"})", 256), list).total.value();
  CHECK(mpft == doctest::Approx(8.99e6).epsilon(0.001));
  CHECK(mpft == topology::price_of(counts(R"({"kind": "mrft"})", 256), list).total.value());
}

TEST_CASE("the parts of a price add up, and every class of cable counts with its own price") {
  const auto list = list_of(Json{{"caveat", "made up"}, {"switch", "1000 USD"}, {"endpoint_cable", "10 USD"}, {"long_haul_cable", "100 USD"},
                                 {"local_cable", "1 USD"}, {"nic", "5 USD"}, {"switch_power", "2 kW"}, {"nic_power", "25 W"}});
  const auto p = topology::price_of(counts(R"({"kind": "dragonfly", "p": 2, "a": 4, "h": 2, "g": 9})", 9), list);
  // 36 switches, 72 host cables, 36 global and 54 local ones, 72 NICs.
  CHECK(p.switches.value() == 36000);
  CHECK(p.endpoint_cables.value() == 720);
  CHECK(p.long_haul_cables.value() == 3600);
  CHECK(p.local_cables.value() == 54);
  CHECK(p.nics.value() == 360);
  CHECK(p.total.value() == 40734);
  CHECK(p.per_endpoint.value() == doctest::Approx(40734.0 / 72));
  CHECK(p.power.value() == 36 * 2000 + 72 * 25);
}

TEST_CASE("calibrated prices say so, with a caveat and with fitted constants") {
  for (const char* name : {"table3-calibrated", "table3-calibrated-a"}) {
    const auto list = list_of(name);
    CHECK(list.caveat.find("zero residual degrees of freedom") != std::string::npos);
    const auto used = topology::constants_of(list);
    CHECK(used.size() == 4);
    for (const auto& c : used) CHECK(c.origin == Origin::fitted);
  }
}

TEST_CASE("the street prices of 2024 carry their low trust and no fit") {
  const auto list = list_of("street-2024");
  CHECK(list.caveat.find("trust low") != std::string::npos);
  for (const auto& c : topology::constants_of(list)) CHECK(c.origin == Origin::derived);
  // 96 * 43,000 + 4,096 * 1,279 USD: switches and 5.24 MUSD of cables for 2,048 GPUs.
  CHECK(topology::price_of(counts(R"({"kind": "mpft"})", 256), list).total.value() == 96 * 43000 + 4096 * 1279);
}

TEST_CASE("a small tree says that one switch would do, and only where it would") {
  const auto note = [](const char* text, std::int64_t nodes) { return topology::small_tree_note(*read(Json::parse(text), nodes).topology); };
  CHECK(note(R"({"kind": "mpft"})", 32).empty());   // one leaf a plane already
  CHECK(note(R"({"kind": "mpft"})", 64) ==
        "one switch of 64 ports would hold the 64 NICs of a plane: here leaves keep half of their ports for spines, so that the network can grow to 2048 NICs");
  CHECK(note(R"({"kind": "mpft"})", 65).empty());
  CHECK(note(R"({"kind": "ft2"})", 8).find("the 64 NICs of this network") != std::string::npos);
  CHECK(note(R"({"kind": "ft2"})", 9).empty());
  CHECK(note(R"({"kind": "mrft"})", 8).empty());
}
