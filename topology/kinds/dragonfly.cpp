// Dragonfly: groups of fully meshed routers, joined by global cables (Kim, Dally, Scott and Abts, ISCA'08).
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "topology/kinds/kind_support.h"

namespace weft::topology {

namespace {

/// Which group each global port of a group leads to. Offsets +-1, +-2, ... (and g/2 once when g is even) are dealt out in
/// rounds: whole rounds first, then extra pairs from +-1 on. With 512 ports and g = 511 that is +-1..+-255 once and one
/// extra pair at +-1 (the wiring that gives Table 3 of arXiv:2505.09343 its count). One port stays free when a pair no
/// longer fits. Ports of the same rank at both ends belong together, as every group is wired alike.
class GlobalWiring {
 public:
  GlobalWiring(std::int64_t ports, std::int64_t groups) : ports_(ports), groups_(groups) {}

  std::int64_t rounds() const { return groups_ > 1 ? ports_ / (groups_ - 1) : 0; }
  std::int64_t rest() const { return groups_ > 1 ? ports_ % (groups_ - 1) : 0; }
  bool has_middle() const { return groups_ % 2 == 0; }
  std::int64_t used_ports() const {
    if (groups_ < 2) return 0;
    return rest() % 2 == 1 && !has_middle() ? ports_ - 1 : ports_;
  }

  /// The offset of each used port; +o and -o are neighbours.
  std::vector<std::int64_t> offsets() const {
    std::vector<std::int64_t> all;
    const auto deal = [&](std::int64_t pairs, bool middle) {
      for (std::int64_t o = 1; o <= pairs; ++o) all.insert(all.end(), {o, -o});
      if (middle) all.push_back(groups_ / 2);
    };
    for (std::int64_t r = 0; r < rounds(); ++r) deal((groups_ - 1) / 2, has_middle());
    if (groups_ > 1) deal(rest() / 2, rest() % 2 == 1 && has_middle());
    return all;
  }

 private:
  std::int64_t ports_, groups_;
};

struct Shape {
  std::int64_t radix = default_radix;
  std::int64_t p = 16, a = 32, h = 16, g = 513;  // terminals, routers per group, global ports per router, groups

  std::int64_t routers() const { return a * g; }
  std::int64_t capacity() const { return p * a * g; }
  std::int64_t ports() const { return p + a - 1 + h; }
};

class Dragonfly : public Topology {
 public:
  Dragonfly(const Shape& s, std::int64_t endpoints) : s_(s), wiring_(s.a * s.h, s.g), hosts_(spread(endpoints, s.routers(), s.p)) {}
  std::string kind() const override { return "dragonfly"; }

  Counts count() const override {
    Counts c;
    c.endpoints = c.host_links = hosts_.count;
    c.switches = s_.routers();
    c.local_links = s_.g * (s_.a * (s_.a - 1) / 2);
    c.switch_links = c.local_links + s_.g * wiring_.used_ports() / 2;
    // The first router of the first group has the most of everything.
    c.max_ports_used = hosts_.largest() + s_.a - 1 + std::min(s_.h, wiring_.used_ports());
    return c;
  }

  void build(FabricBuilder& b) const override {
    check_size(b, count(), kind());
    b.set_minimal_within_groups(true);
    std::vector<VertexId> routers;
    for (std::int64_t group = 0; group < s_.g; ++group) {
      for (std::int64_t r = 0; r < s_.a; ++r) routers.push_back(b.add_switch(0, group, r, fmt::format("group{}.router{}", group, r)));
    }
    for (std::int64_t group = 0; group < s_.g; ++group) {
      for (std::int64_t r = 0; r < s_.a; ++r) {
        for (std::int64_t other = r + 1; other < s_.a; ++other) {
          b.connect(routers[group * s_.a + r], routers[group * s_.a + other], CableClass::local);
        }
      }
    }
    connect_groups(b, routers);
    for (std::uint32_t nic = 0; nic < b.nics(); ++nic) b.attach(nic, routers[hosts_.bin_of(nic)]);
  }

  Json resolved() const override {
    return {{"kind", kind()}, {"radix", s_.radix}, {"p", s_.p}, {"a", s_.a}, {"h", s_.h}, {"g", s_.g}};
  }

 private:
  void connect_groups(FabricBuilder& b, const std::vector<VertexId>& routers) const {
    const auto offsets = wiring_.offsets();
    for (std::int64_t group = 0; group < s_.g; ++group) {
      for (std::int64_t port = 0; port < std::ssize(offsets); ++port) {
        const std::int64_t o = offsets[port];
        const bool middle = 2 * o == s_.g;
        // Each cable once: from its +o end, or from the lower group when it is the middle one.
        if (o < 0 || (middle && group >= o)) continue;
        const std::int64_t other = (group + o) % s_.g, far_port = middle ? port : port + 1;
        b.connect(routers[group * s_.a + port / s_.h], routers[other * s_.a + far_port / s_.h], CableClass::long_haul);
      }
    }
  }

  Shape s_;
  GlobalWiring wiring_;
  Blocks hosts_;
};

/// Balanced (a = 2p = 2h) for the radix; as many groups as the endpoints need, or all that h allows.
Shape read_shape(JsonReader& where, std::int64_t need) {
  Shape s;
  s.radix = where.integer_or("radix", default_radix, 3, max_radix);
  const std::int64_t balanced = std::max<std::int64_t>(1, (s.radix + 1) / 4);
  s.p = where.integer_or("p", balanced, 1, max_radix);
  s.h = where.integer_or("h", s.p, 1, max_radix);
  s.a = where.integer_or("a", 2 * s.h, 1, max_radix);
  const std::int64_t most = s.a * s.h + 1;
  const std::int64_t wanted = need > 0 ? std::min(most, ceil_div(need, s.p * s.a)) : most;
  s.g = where.integer_or("g", wanted, 1, most);
  return s;
}

std::unique_ptr<Topology> read(JsonReader& where, const SizeRequest& size) {
  where.has("kind");
  const std::size_t before = where.problems().list().size();
  const std::int64_t need = size.nodes * size.nics_per_node;
  const Shape s = read_shape(where, need);
  if (s.ports() > s.radix) {
    where.fail_at("radix", fmt::format("radix {} is too small for p + (a - 1) + h = {} + {} + {} = {} ports", s.radix, s.p, s.a - 1,
                                       s.h, s.ports()), "lower p, a or h, or raise the radix");
  } else if (s.capacity() < need) {
    fail_too_small(where, where.has("g") ? "g" : "radix", fmt::format("{} groups of {} routers hold", s.g, s.a), s.capacity(), size, need,
                   "endpoints", fmt::format("at most {} groups can be wired (a h + 1)", s.a * s.h + 1));
  } else {
    check_full_size(where, where.has("g") ? "g" : "radix", fmt::format("{} groups of {} routers hold", s.g, s.a), s.capacity(), size);
  }
  where.done();
  if (where.problems().list().size() != before) return nullptr;
  return std::make_unique<Dragonfly>(s, need > 0 ? need : s.capacity());
}

}  // namespace

TopologyKind dragonfly_kind() {
  return {"dragonfly", "Dragonfly",
          "Groups of a fully meshed routers with p endpoints and h global ports each (ISCA'08); minimal routes are local, global, local. "
          "Table 3 of arXiv:2505.09343 has g = 511 groups where the canonical maximum is a h + 1 = 513.",
          {{"radix", "ports of a router; 64"},
           {"p", "endpoints per router; by default (radix + 1) / 4"},
           {"a", "routers per group; by default 2h"},
           {"h", "global ports per router; by default p"},
           {"g", "groups, at most a h + 1; by default as few as hold the endpoints. All global ports are wired, so pairs of groups get "
                 "several cables when there are few groups"}},
          read, Table3Row(Json{{"kind", "dragonfly"}, {"radix", 64}, {"p", 16}, {"a", 32}, {"h", 16}, {"g", 511}})};
}

}  // namespace weft::topology
