#include "sim/engine/fluid/batch_refine.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "sim/core/random.h"

namespace weft::engine {
namespace {

// Odd, so that multiplying by it loses no bit of a colour.
std::uint64_t word_of(double coefficient) { return mix64(std::bit_cast<std::uint64_t>(coefficient)) | 1; }

}  // namespace

bool BatchRefiner::run(std::vector<std::uint8_t>& moving, std::size_t most) {
  torn_from_.clear();
  collect_loads();
  word_.resize(members_.stretches());
  for (;;) {
    const std::size_t groups = moving.size();
    add_up_members(moving);
    colour_links();
    add_up_links();
    split(moving);
    // Links were told apart by these groups, and tell no flow of them apart.
    if (moving.size() == groups) break;
    if (moving.size() > most) return false;
  }
  sort_links();
  return true;
}

// Links that count at present, and what a byte in each piece puts on them.
void BatchRefiner::collect_loads() {
  links_.clear();
  loads_.clear();
  first_load_.assign(1, 0);
  place_of_link_.assign(paths_.link_count(), none);
  for (const std::uint32_t p : members_.pieces()) {
    for (const Paths::Load& load : paths_.piece(p)) {
      if (paths_.covered(load.link)) continue;
      if (place_of_link_[load.link] == none) {
        place_of_link_[load.link] = static_cast<std::uint32_t>(links_.size());
        links_.push_back(load.link);
      }
      loads_.push_back({place_of_link_[load.link], load.coefficient, word_of(load.coefficient)});
    }
    first_load_.push_back(static_cast<std::uint32_t>(loads_.size()));
  }
  colour_.clear();
  for (const std::uint32_t l : links_) colour_.push_back(mix64(std::bit_cast<std::uint64_t>(paths_.capacity(l))));
}

void BatchRefiner::add_up_members(const std::vector<std::uint8_t>& moving) {
  group_word_.clear();
  for (std::uint32_t g = 0; g < moving.size(); ++g) group_word_.push_back(moving[g] ? mix64(g + 1) : 0);
  std::fill(word_.begin(), word_.end(), 0);
  const std::uint32_t *group = members_.group(), *near = members_.near(), *far = members_.far();
  const std::uint64_t* of_group = group_word_.data();
  std::uint64_t* word = word_.data();
  for (std::uint32_t k = 0, n = members_.size(); k < n; ++k) {
    const std::uint64_t w = of_group[group[k]];
    if (w == 0) continue;
    word[near[k]] += w;
    word[far[k]] += w;
  }
}

// A link's new colour: its old one, and what loads it by how much.
void BatchRefiner::colour_links() {
  piece_word_.assign(members_.pieces().size(), 0);
  for (std::uint32_t s = 0; s < members_.stretches(); ++s) {
    for (const std::uint32_t p : members_.stretch(s)) piece_word_[p] += word_[s];
  }
  link_word_.assign(links_.size(), 0);
  for (std::uint32_t p = 0; p < piece_word_.size(); ++p) {
    for (std::uint32_t i = first_load_[p]; i < first_load_[p + 1]; ++i) link_word_[loads_[i].link] += loads_[i].word * piece_word_[p];
  }
  for (std::size_t l = 0; l < links_.size(); ++l) colour_[l] = hash_with(colour_[l], link_word_[l]);
}

void BatchRefiner::add_up_links() {
  for (std::uint32_t p = 0; p < piece_word_.size(); ++p) {
    std::uint64_t sum = 0;
    for (std::uint32_t i = first_load_[p]; i < first_load_[p + 1]; ++i) sum += loads_[i].word * colour_[loads_[i].link];
    piece_word_[p] = sum;
  }
  for (std::uint32_t s = 0; s < members_.stretches(); ++s) {
    std::uint64_t sum = 0;
    for (const std::uint32_t p : members_.stretch(s)) sum += piece_word_[p];
    word_[s] = sum;
  }
}

// Also counts the flows of each group.
void BatchRefiner::split(std::vector<std::uint8_t>& moving) {
  slots_.assign(64, Slot());
  filled_ = 0;
  seen_.assign(moving.size(), 0);
  sum_.resize(moving.size());
  count_.assign(moving.size(), 0);
  sample_.resize(moving.size());
  const std::vector<std::uint8_t> moves = moving;   // groups made here were moving ones before
  std::uint32_t* group = members_.group();
  const std::uint32_t *near = members_.near(), *far = members_.far();
  const std::uint64_t* word = word_.data();
  std::uint32_t last_group = none, last_to = none, in_a_row = 0;
  std::uint64_t last_sum = 0;
  for (std::uint32_t k = 0, n = members_.size(); k < n; ++k) {
    const std::uint32_t g = group[k];
    if (!moves[g]) continue;
    const std::uint64_t sum = word[near[k]] + word[far[k]];
    if (g != last_group || sum != last_sum) {
      if (last_to != none) count_[last_to] += in_a_row;
      in_a_row = 0;
      last_group = g;
      last_sum = sum;
      last_to = number(g, sum, moving);
      if (count_[last_to] == 0) sample_[last_to] = k;
    }
    ++in_a_row;
    group[k] = last_to;
  }
  if (last_to != none) count_[last_to] += in_a_row;
}

std::uint32_t BatchRefiner::number(std::uint32_t group, std::uint64_t sum, std::vector<std::uint8_t>& moving) {
  if (!seen_[group]) {
    seen_[group] = 1;
    sum_[group] = sum;
  }
  if (sum_[group] == sum) return group;
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash_with(sum, group) & mask;
  for (; slots_[at].to != none; at = (at + 1) & mask) {
    if (slots_[at].sum == sum && slots_[at].from == group) return slots_[at].to;
  }
  const auto fresh = static_cast<std::uint32_t>(moving.size());
  slots_[at] = {sum, group, fresh};
  if (2 * ++filled_ > slots_.size()) grow_slots();
  moving.push_back(1);
  torn_from_.push_back(group);
  count_.push_back(0);
  sample_.push_back(none);
  return fresh;
}

void BatchRefiner::grow_slots() {
  const std::vector<Slot> old = std::move(slots_);
  slots_.assign(4 * old.size(), Slot());
  const std::size_t mask = slots_.size() - 1;
  for (const Slot& s : old) {
    if (s.to == none) continue;
    std::size_t at = hash_with(s.sum, s.from) & mask;
    while (slots_[at].to != none) at = (at + 1) & mask;
    slots_[at] = s;
  }
}

// Links of one colour are a class.
void BatchRefiner::sort_links() {
  std::vector<std::uint32_t> order(links_.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return colour_[a] != colour_[b] ? colour_[a] < colour_[b] : a < b; });
  class_of_.resize(links_.size());
  class_size_.clear();
  class_capacity_.clear();
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i == 0 || colour_[order[i]] != colour_[order[i - 1]]) {
      class_size_.push_back(0);
      class_capacity_.push_back(paths_.capacity(links_[order[i]]));
    }
    class_of_[order[i]] = link_classes() - 1;
    ++class_size_.back();
  }
  class_sum_.assign(link_classes(), 0);
}

void BatchRefiner::find_terms(std::uint32_t group, double weight, std::vector<Solver::Term>& terms) {
  terms.clear();
  const std::uint32_t k = sample_[group];
  for (const std::uint32_t s : {members_.near()[k], members_.far()[k]}) {
    for (const std::uint32_t p : members_.stretch(s)) {
      for (std::uint32_t i = first_load_[p]; i < first_load_[p + 1]; ++i) {
        const std::uint32_t c = class_of_[loads_[i].link];
        if (class_sum_[c] == 0) terms.push_back({c, 0});
        class_sum_[c] += loads_[i].coefficient;
      }
    }
  }
  for (Solver::Term& t : terms) {
    t.coefficient = weight * class_sum_[t.link] * (static_cast<double>(count_[group]) / class_size_[t.link]);
    class_sum_[t.link] = 0;
  }
}

}  // namespace weft::engine
