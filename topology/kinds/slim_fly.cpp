// Slim Fly: the McKay-Miller-Siran graph of diameter two on 2 q^2 routers (Besta and Hoefler, SC'14, arXiv:1912.08968).
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/error.h"
#include "topology/kinds/galois.h"
#include "topology/kinds/kind_support.h"

namespace weft::topology {

namespace {

constexpr std::int64_t max_q = 1000;

/// q = 4w + delta with delta -1, 0 or 1; q = 4w + 2 has none.
bool has_delta(std::int64_t q) { return q >= 3 && q % 4 != 2; }
std::int64_t delta_of(std::int64_t q) { return q % 4 == 3 ? -1 : q % 4; }
std::int64_t network_degree(std::int64_t q) { return (3 * q - delta_of(q)) / 2; }
std::int64_t routers_of(std::int64_t q) { return 2 * q * q; }

/// Endpoints per router: half of the network degree rounded up, or what the radix leaves.
std::int64_t concentration(std::int64_t q, std::int64_t radix) {
  return std::min(ceil_div(network_degree(q), 2), radix - network_degree(q));
}

/// The generator sets X and X' (Hafner's for delta = -1, 0, 1).
void generator_sets(const GaloisField& f, std::vector<std::uint32_t>& x, std::vector<std::uint32_t>& x_prime) {
  const std::uint32_t q = f.size();
  const auto w = static_cast<std::uint32_t>((q - delta_of(q)) / 4);
  const auto take = [&](std::vector<std::uint32_t>& set, std::uint32_t first, std::uint32_t last) {
    for (std::uint32_t e = first; e <= last; e += 2) set.push_back(f.power_of_generator(e));
  };
  switch (delta_of(q)) {
    case 1: take(x, 0, q - 3); take(x_prime, 1, q - 2); break;
    case 0: take(x, 0, q - 2); take(x_prime, 1, q - 1); break;
    default:
      take(x, 0, 2 * w - 2); take(x, 2 * w - 1, 4 * w - 3);
      take(x_prime, 1, 2 * w - 1); take(x_prime, 2 * w, 4 * w - 2);
  }
  for (const auto* set : {&x, &x_prime}) {
    for (std::uint32_t e : *set) {
      WEFT_CHECK(std::count(set->begin(), set->end(), f.negative(e)) == 1, "a generator set is not symmetric");
    }
  }
}

class SlimFly : public Topology {
 public:
  SlimFly(std::int64_t radix, std::int64_t q, std::int64_t p, std::int64_t endpoints, std::string pointer)
      : radix_(radix), q_(q), p_(p), hosts_(spread(endpoints, routers_of(q), p)), pointer_(std::move(pointer)) {}
  std::string kind() const override { return "slim_fly"; }

  Counts count() const override {
    Counts c;
    c.endpoints = c.host_links = hosts_.count;
    c.switches = routers_of(q_);
    c.switch_links = routers_of(q_) * network_degree(q_) / 2;
    c.max_ports_used = network_degree(q_) + hosts_.largest();
    return c;
  }

  std::string not_constructible() const override {
    if (is_prime_power(q_)) return {};
    return fmt::format("Slim Fly with q = {} exists only as a formula: {} is no prime power, so there is no field GF({})", q_, q_, q_);
  }

  void build(FabricBuilder& b) const override {
    if (const std::string why = not_constructible(); !why.empty()) {
      throw UserError(pointer_ + "/q", why, "it can be counted and priced; to run on it take " + neighbours());
    }
    check_size(b, count(), kind());
    const auto q = static_cast<std::uint32_t>(q_);
    std::vector<VertexId> routers;
    for (std::uint32_t i = 0; i < 2 * q * q; ++i) routers.push_back(b.add_switch(0, 0, i, fmt::format("router{}", i)));
    connect(b, GaloisField(q), routers);
    for (std::uint32_t nic = 0; nic < b.nics(); ++nic) b.attach(nic, routers[hosts_.bin_of(nic)]);
  }

  Json resolved() const override { return {{"kind", kind()}, {"radix", radix_}, {"q", q_}, {"p", p_}}; }

 private:
  /// "q = 27 or q = 29".
  std::string neighbours() const {
    const auto good = [](std::int64_t q) { return has_delta(q) && is_prime_power(q); };
    std::int64_t below = q_, above = q_;
    while (below > 2 && !good(below)) --below;
    while (!good(above)) ++above;
    return below > 2 ? fmt::format("q = {} or q = {}", below, above) : fmt::format("q = {}", above);
  }

  /// Router (t, x, y) has number (t q + x) q + y.
  static void connect(FabricBuilder& b, const GaloisField& f, const std::vector<VertexId>& routers) {
    const std::uint32_t q = f.size();
    std::vector<std::uint32_t> sets[2];
    generator_sets(f, sets[0], sets[1]);
    for (std::uint32_t column = 0; column < 2 * q; ++column) {
      for (std::uint32_t y = 0; y < q; ++y) {
        for (std::uint32_t step : sets[column / q]) {
          const std::uint32_t other = f.add(y, step);
          if (y < other) b.connect(routers[column * q + y], routers[column * q + other], CableClass::long_haul);
        }
      }
    }
    for (std::uint32_t x = 0; x < q; ++x) {
      for (std::uint32_t m = 0; m < q; ++m) {
        for (std::uint32_t c = 0; c < q; ++c) {  // y = m x + c
          const std::uint32_t y = f.add(f.multiply(m, x), c);
          b.connect(routers[x * q + y], routers[(q + m) * q + c], CableClass::long_haul);
        }
      }
    }
  }

  std::int64_t radix_, q_, p_;
  Blocks hosts_;
  std::string pointer_;
};

/// The smallest constructible q that holds the endpoints, or the largest one for the radix when it is zero; 0 when none.
std::int64_t default_q(std::int64_t radix, std::int64_t endpoints) {
  std::int64_t best = 0;
  for (std::int64_t q = 3; q <= max_q && network_degree(q) < radix; ++q) {
    if (!has_delta(q) || !is_prime_power(q)) continue;
    // A router needs its share of endpoints, or uniform traffic leaves the network idle.
    if (concentration(q, radix) < network_degree(q) / 2) break;
    best = q;
    if (endpoints > 0 && routers_of(q) * concentration(q, radix) >= endpoints) return q;
  }
  return best;
}

std::unique_ptr<Topology> read(JsonReader& where, const SizeRequest& size) {
  where.has("kind");
  const std::size_t before = where.problems().list().size();
  const std::int64_t radix = where.integer_or("radix", default_radix, 8, max_radix);
  const std::int64_t need = size.nodes * size.nics_per_node;
  const bool given = where.has("q");
  const std::int64_t q = given ? where.integer("q", 3, max_q) : default_q(radix, need);
  std::int64_t p = 0;
  if (!has_delta(q)) {
    where.has("p");
    where.fail_at("q", fmt::format("q = {} is not of the form 4w - 1, 4w or 4w + 1", q), "27, 28 and 29 are, 30 is not");
  } else if (network_degree(q) >= radix) {
    where.has("p");
    where.fail_at(given ? "q" : "radix", fmt::format("q = {} needs {} ports between routers, radix {} leaves none for endpoints", q,
                                                     network_degree(q), radix), "lower q or raise the radix");
  } else {
    p = where.integer_or("p", concentration(q, radix), 1, max_radix);
    if (p + network_degree(q) > radix) {
      where.fail_at("p", fmt::format("{} endpoints and {} links per router exceed radix {}", p, network_degree(q), radix),
                    fmt::format("at most {} endpoints per router fit", radix - network_degree(q)));
    } else if (routers_of(q) * p < need) {
      fail_too_small(where, given ? "q" : "radix", fmt::format("q = {} with {} per router holds", q, p), routers_of(q) * p, size, need,
                     "endpoints", "raise q and the radix, or use fewer nodes");
    } else {
      check_full_size(where, given ? "q" : "radix", fmt::format("q = {} with {} per router holds", q, p), routers_of(q) * p, size);
    }
  }
  where.done();
  if (where.problems().list().size() != before) return nullptr;
  return std::make_unique<SlimFly>(radix, q, p, need > 0 ? need : routers_of(q) * p, where.pointer());
}

}  // namespace

TopologyKind slim_fly_kind() {
  return {"slim_fly", "Slim Fly",
          "2 q^2 routers, any two at most two hops apart (Besta and Hoefler, SC'14). Table 3 of arXiv:2505.09343 counts q = 28, which "
          "exists only as a formula; q = 27 and 29 can be built.",
          {{"radix", "ports of a router; 64"},
           {"q", "order of the field; by default the smallest prime power that holds the endpoints"},
           {"p", "endpoints per router; by default half of the network degree, rounded up, as far as the radix allows"}},
          read, Table3Row(Json{{"kind", "slim_fly"}, {"radix", 64}, {"q", 28}})};
}

}  // namespace weft::topology
