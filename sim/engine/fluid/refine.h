// Colour refinement: finds which flows and which links are alike, so that one variable can stand for many.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/engine/fluid/flow_store.h"
#include "sim/engine/fluid/paths.h"

namespace weft::engine {

/// Splits flows and links by colour until flows of one colour load links of the same colours by the same coefficients,
/// and links of one colour are loaded alike by flows of the same colours (an equitable partition). The max-min solution
/// is unique, hence the same on all flows of a colour. Works on flows, pieces and links, so hops are never listed per flow.
/// Colours are 64-bit hashes: two different things share one with probability about n^2 / 2^64.
class Refiner {
 public:
  Refiner(const Paths& paths, const FlowStore& flows) : paths_(paths), flows_(flows) {}

  /// Refines the colours of `flows` and `links`, given as arrays by flow id and by link. Colours of other links that
  /// these flows cross stay as they are.
  void run(std::span<const std::uint32_t> flows, std::span<const std::uint32_t> links, std::vector<std::uint64_t>& flow_colour,
           std::vector<std::uint64_t>& link_colour);

  /// Number of different colours among `items`.
  std::size_t count(std::span<const std::uint32_t> items, const std::vector<std::uint64_t>& colour);
  /// Numbers the colours of `items` from 0 by first appearance: the group of each item; returns how many groups.
  std::uint32_t group(std::span<const std::uint32_t> items, const std::vector<std::uint64_t>& colour, std::vector<std::uint32_t>& groups);

 private:
  void collect_pieces(std::span<const std::uint32_t> flows);
  void colour_links(std::span<const std::uint32_t> flows, std::span<const std::uint32_t> links,
                    const std::vector<std::uint64_t>& flow_colour, std::vector<std::uint64_t>& link_colour);
  void colour_flows(std::span<const std::uint32_t> flows, std::vector<std::uint64_t>& flow_colour,
                    const std::vector<std::uint64_t>& link_colour);

  const Paths& paths_;
  const FlowStore& flows_;
  std::vector<std::uint32_t> pieces_;
  std::vector<std::uint8_t> piece_seen_;
  std::vector<std::uint64_t> piece_word_, link_word_;   // by piece, by link
  // A set of colours: open addressing, group numbers beside.
  std::vector<std::uint64_t> slots_;
  std::vector<std::uint32_t> slot_group_;
};

}  // namespace weft::engine
