#include "sim/engine/fold/search.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "sim/core/random.h"

namespace weft::engine {

using workloads::Interchange;
using workloads::Permutation;

Search::Search(workloads::Symmetry& symmetry, const FabricInUse& fabric)
    : symmetry_(symmetry), fabric_(fabric), program_(symmetry), orbits_(symmetry.ranks().ranks()) {
  for (const Interchange& i : symmetry_.interchanges()) {
    if (i.blocks.size() < 2) continue;
    if (i.any_order) exchange(i.blocks);
    else rotate_all(i.blocks);
  }
}

Permutation Search::identity() const {
  Permutation image(symmetry_.ranks().ranks());
  std::iota(image.begin(), image.end(), 0u);
  return image;
}

// The smallest step that works; its multiples follow from it.
void Search::rotate_all(const Blocks& blocks) {
  for (std::size_t by = 1; by < blocks.size(); ++by)
    if (blocks.size() % by == 0 && rotate(blocks, by)) return;
}

void Search::exchange(const Blocks& blocks) {
  const std::vector<Blocks> classes = alike(blocks);
  settle_all(classes);
  if (classes.size() == 1) return;
  // A class of blocks is a block of its own, exchangeable with others of its size.
  std::map<std::size_t, Blocks> by_size;
  for (const Blocks& c : classes) {
    Block whole;
    for (const Block& b : c) whole.insert(whole.end(), b.begin(), b.end());
    by_size[c.size()].push_back(std::move(whole));
  }
  for (const auto& [size, wholes] : by_size)
    if (wholes.size() > 1) arrange(wholes);
}

/// Blocks whose ranks hang on the same switches, in order of their first ones.
std::vector<Search::Blocks> Search::alike(const Blocks& blocks) const {
  std::map<std::uint64_t, std::size_t> class_of;
  std::vector<Blocks> classes;
  for (const Block& b : blocks) {
    std::uint64_t hash = 0;
    for (const std::uint32_t r : b) hash = hash_with(hash, fabric_.attachment(r));
    const auto [at, fresh] = class_of.try_emplace(hash, classes.size());
    if (fresh) classes.emplace_back();
    classes[at->second].push_back(b);
  }
  return classes;
}

void Search::settle_all(const std::vector<Blocks>& classes) {
  Permutation image = identity();
  bool moves = false;
  for (const Blocks& c : classes) {
    moves = moves || c.size() > 1;
    for (std::size_t i = 0; i < c.size(); ++i)
      for (std::size_t j = 0; j < c[i].size(); ++j) image[c[i][j]] = c[(i + 1) % c.size()][j];
  }
  if (!moves || accept(std::move(image)) || classes.size() == 1) {
    if (moves && classes.size() == 1 && !in_one_orbit(classes[0])) swap_one_by_one(classes[0]);
    return;
  }
  for (const Blocks& c : classes)
    if (c.size() > 1) settle(c);
}

void Search::settle(const Blocks& blocks) {
  if (!rotate(blocks, 1)) swap_one_by_one(blocks);
}

void Search::arrange(const Blocks& blocks) {
  if (rotate(blocks, 1)) return;
  const std::size_t n = blocks.size();
  bool done = false;
  for (std::size_t by = 2; by < n && !done; ++by) done = n % by == 0 && rotate(blocks, by);
  done = false;
  for (std::size_t run = n / 2; run > 1 && !done; --run) done = n % run == 0 && rotate_in_runs(blocks, run);
  if (!in_one_orbit(blocks)) swap_one_by_one(blocks);
}

/// Joins each block to the first one that it can change places with.
void Search::swap_one_by_one(const Blocks& blocks) {
  constexpr std::size_t most_kinds = 8;
  std::vector<const Block*> kinds;
  for (const Block& b : blocks) {
    const bool known = std::any_of(kinds.begin(), kinds.end(), [&](const Block* k) {
      return orbits_.least(k->front()) == orbits_.least(b.front()) || swap(*k, b);
    });
    if (!known && kinds.size() < most_kinds) kinds.push_back(&b);
  }
}

bool Search::rotate(const Blocks& blocks, std::size_t by) {
  Permutation image = identity();
  for (std::size_t i = 0; i < blocks.size(); ++i)
    for (std::size_t j = 0; j < blocks[i].size(); ++j) image[blocks[i][j]] = blocks[(i + by) % blocks.size()][j];
  return accept(std::move(image));
}

bool Search::rotate_in_runs(const Blocks& blocks, std::size_t run) {
  Permutation image = identity();
  for (std::size_t i = 0; i < blocks.size(); ++i)
    for (std::size_t j = 0; j < blocks[i].size(); ++j) image[blocks[i][j]] = blocks[i / run * run + (i + 1) % run][j];
  return accept(std::move(image));
}

bool Search::swap(const Block& a, const Block& b) {
  Permutation image = identity();
  for (std::size_t j = 0; j < a.size(); ++j) {
    image[a[j]] = b[j];
    image[b[j]] = a[j];
  }
  return accept(std::move(image));
}

bool Search::accept(Permutation image) {
  if (failures_ >= most_failures) return false;
  auto links = fabric_.links(image);
  if (!links || !program_.unchanged(image)) {
    ++failures_;
    return false;
  }
  orbits_.unite(image);
  Permutation back(image.size());
  for (std::uint32_t r = 0; r < image.size(); ++r) back[image[r]] = r;
  generators_.push_back({std::move(image), std::move(back), std::move(*links)});
  return true;
}

bool Search::in_one_orbit(const Blocks& blocks) {
  return std::all_of(blocks.begin(), blocks.end(),
                     [&](const Block& b) { return orbits_.least(b.front()) == orbits_.least(blocks.front().front()); });
}

}  // namespace weft::engine
