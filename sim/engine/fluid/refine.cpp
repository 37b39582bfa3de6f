#include "sim/engine/fluid/refine.h"

#include <bit>

#include "sim/core/random.h"

namespace weft::engine {
namespace {

constexpr std::uint64_t empty_slot = 0;

// Odd, so that multiplying by it loses no bit of a colour.
std::uint64_t word_of(double coefficient) { return mix64(std::bit_cast<std::uint64_t>(coefficient)) | 1; }

}  // namespace

void Refiner::run(std::span<const std::uint32_t> flows, std::span<const std::uint32_t> links,
                  std::vector<std::uint64_t>& flow_colour, std::vector<std::uint64_t>& link_colour) {
  collect_pieces(flows);
  link_word_.resize(paths_.link_count());
  std::size_t flow_colours = count(flows, flow_colour), link_colours = count(links, link_colour);
  for (;;) {
    colour_links(flows, links, flow_colour, link_colour);
    colour_flows(flows, flow_colour, link_colour);
    const std::size_t f = count(flows, flow_colour), l = count(links, link_colour);
    if (f == flow_colours && l == link_colours) break;
    flow_colours = f;
    link_colours = l;
  }
  for (std::uint32_t p : pieces_) piece_seen_[p] = 0;
}

void Refiner::collect_pieces(std::span<const std::uint32_t> flows) {
  pieces_.clear();
  piece_seen_.resize(paths_.piece_count());
  piece_word_.resize(paths_.piece_count());
  for (std::uint32_t f : flows) {
    for (std::uint32_t p : flows_.pieces(f)) {
      if (piece_seen_[p]) continue;
      piece_seen_[p] = 1;
      pieces_.push_back(p);
    }
  }
}

// A link's new colour: its old one, and the multiset of (flow colour, coefficient) that loads it. Sums of words are
// linear in colours, so it does not matter in which pieces the flows arrive.
void Refiner::colour_links(std::span<const std::uint32_t> flows, std::span<const std::uint32_t> links,
                           const std::vector<std::uint64_t>& flow_colour, std::vector<std::uint64_t>& link_colour) {
  for (std::uint32_t p : pieces_) piece_word_[p] = 0;
  for (std::uint32_t f : flows) {
    for (std::uint32_t p : flows_.pieces(f)) piece_word_[p] += flow_colour[f];
  }
  for (std::uint32_t l : links) link_word_[l] = 0;
  for (std::uint32_t p : pieces_) {
    for (const Paths::Load& load : paths_.piece(p)) {
      if (!paths_.covered(load.link)) link_word_[load.link] += word_of(load.coefficient) * piece_word_[p];
    }
  }
  for (std::uint32_t l : links) link_colour[l] = hash_with(link_colour[l], link_word_[l]);
}

void Refiner::colour_flows(std::span<const std::uint32_t> flows, std::vector<std::uint64_t>& flow_colour,
                           const std::vector<std::uint64_t>& link_colour) {
  for (std::uint32_t p : pieces_) {
    std::uint64_t sum = 0;
    for (const Paths::Load& load : paths_.piece(p)) {
      if (!paths_.covered(load.link)) sum += word_of(load.coefficient) * link_colour[load.link];
    }
    piece_word_[p] = sum;
  }
  for (std::uint32_t f : flows) {
    std::uint64_t sum = 0;
    for (std::uint32_t p : flows_.pieces(f)) sum += piece_word_[p];
    flow_colour[f] = hash_with(flow_colour[f], sum);
  }
}

std::size_t Refiner::count(std::span<const std::uint32_t> items, const std::vector<std::uint64_t>& colour) {
  std::vector<std::uint32_t> unused;
  return group(items, colour, unused);
}

std::uint32_t Refiner::group(std::span<const std::uint32_t> items, const std::vector<std::uint64_t>& colour,
                             std::vector<std::uint32_t>& groups) {
  groups.resize(items.size());
  slots_.assign(64, empty_slot);
  slot_group_.assign(64, 0);
  std::uint32_t found = 0;
  const auto slot_of = [&](std::uint64_t c) {
    std::size_t at = c & (slots_.size() - 1);
    while (slots_[at] != empty_slot && slots_[at] != c) at = (at + 1) & (slots_.size() - 1);
    return at;
  };
  const auto grow = [&] {
    const auto old = slots_;
    const auto old_groups = slot_group_;
    slots_.assign(old.size() * 4, empty_slot);
    slot_group_.assign(slots_.size(), 0);
    for (std::size_t i = 0; i < old.size(); ++i) {
      if (old[i] == empty_slot) continue;
      const std::size_t at = slot_of(old[i]);
      slots_[at] = old[i];
      slot_group_[at] = old_groups[i];
    }
  };
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::uint64_t c = colour[items[i]] == empty_slot ? 1 : colour[items[i]];
    std::size_t at = slot_of(c);
    if (slots_[at] == empty_slot) {
      if (std::size_t{found} * 2 >= slots_.size()) {
        grow();
        at = slot_of(c);
      }
      slots_[at] = c;
      slot_group_[at] = found++;
    }
    groups[i] = slot_group_[at];
  }
  return found;
}

}  // namespace weft::engine
