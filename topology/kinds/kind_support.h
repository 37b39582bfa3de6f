// What the kinds share when they read their parameters.
#pragma once

#include <cstdint>
#include <string>

#include "sim/core/json.h"
#include "topology/kinds/layers.h"
#include "topology/topology.h"

namespace weft::topology {

/// Ports of the switches of arXiv:2505.09343 (section 5.1), the default everywhere.
constexpr std::int64_t default_radix = 64;
constexpr std::int64_t max_radix = 4096;
/// Of a topology at its full size; with up to 16 links for an endpoint their numbers stay below 2^32.
constexpr std::int64_t max_endpoints = std::int64_t{1} << 27;

/// "radix", at least 2.
std::int64_t read_radix(JsonReader& where);

/// Records "radix 16 holds 128 endpoints per plane, 256 nodes need 256" at `key`; `holder` is "radix 16 holds".
/// Silent when a parameter of this topology was refused before.
void fail_too_small(const JsonReader& where, const std::string& key, const std::string& holder, std::int64_t capacity,
                    const SizeRequest& size, std::int64_t need, const std::string& unit, const std::string& hint);

/// Records "radix 4096 holds 17179869184 endpoints, weft builds at most 134217728" at `key` when the full size was asked for
/// (no nodes given) and is more than `max_endpoints`.
void check_full_size(const JsonReader& where, const std::string& key, const std::string& holder, std::int64_t endpoints,
                     const SizeRequest& size);

/// How many of the NICs of a node go to each of `parts` planes or rails; records a problem at `key` when that is no
/// whole number, and says 0.
std::int64_t nics_per_part(const JsonReader& where, const std::string& key, std::int64_t parts, const SizeRequest& size);

/// "spines" of a tree, if given, in place of the fewest that it needs.
void read_spines(JsonReader& where, TwoLayers& tree);

/// The builder must have been made for the endpoints that were counted.
void check_size(const FabricBuilder& b, const Counts& counts, const std::string& kind);

}  // namespace weft::topology
