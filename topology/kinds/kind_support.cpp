#include "topology/kinds/kind_support.h"

#include <fmt/format.h>

#include "sim/core/error.h"

namespace weft::topology {

std::int64_t read_radix(JsonReader& where) { return where.integer_or("radix", default_radix, 2, max_radix); }

void fail_too_small(const JsonReader& where, const std::string& key, const std::string& holder, std::int64_t capacity,
                    const SizeRequest& size, std::int64_t need, const std::string& unit, const std::string& hint) {
  // Sizes that follow from a parameter that was refused would only confuse.
  for (const Problem& p : where.problems().list()) {
    if (p.file == where.file() && p.place.starts_with(where.pointer() + "/")) return;
  }
  const std::string who = size.nodes > 0 ? fmt::format("{} node{}", size.nodes, size.nodes == 1 ? "" : "s") : "the full size";
  where.fail_at(key, fmt::format("{} {} {}, {} need{} {}", holder, capacity, unit, who, size.nodes == 1 ? "s" : "", need), hint);
}

void check_full_size(const JsonReader& where, const std::string& key, const std::string& holder, std::int64_t endpoints,
                     const SizeRequest& size) {
  if (size.nodes > 0 || endpoints <= max_endpoints) return;
  where.fail_at(key, fmt::format("{} {} endpoints, weft builds at most {}", holder, endpoints, max_endpoints),
                "give the number of nodes, or lower this");
}

std::int64_t nics_per_part(const JsonReader& where, const std::string& key, std::int64_t parts, const SizeRequest& size) {
  if (parts <= size.nics_per_node && size.nics_per_node % parts == 0) return size.nics_per_node / parts;
  where.fail_at(key, fmt::format("{} {} cannot share the {} NICs of a node evenly", parts, key, size.nics_per_node),
                fmt::format("give a divisor of {}", size.nics_per_node));
  return 0;
}

void read_spines(JsonReader& where, TwoLayers& tree) {
  if (!where.has("spines")) return;
  const std::int64_t least = tree.spines, given = where.integer("spines", 0);
  if (given < least) {
    where.fail_at("spines", fmt::format("{} spines of radix {} cannot take the {} uplinks of {} leaves", given, tree.radix,
                                        tree.leaves * tree.half(), tree.leaves),
                  fmt::format("{} are enough", least));
  } else if (given > tree.half()) {
    where.fail_at("spines", fmt::format("{} spines, but a leaf of radix {} has {} uplinks", given, tree.radix, tree.half()),
                  "every leaf must reach every spine");
  } else {
    tree.spines = given;
  }
}

void check_size(const FabricBuilder& b, const Counts& counts, const std::string& kind) {
  WEFT_CHECK(b.nics() == counts.endpoints,
             fmt::format("{} was read for {} endpoints, the builder has {}", kind, counts.endpoints, b.nics()));
}

}  // namespace weft::topology
