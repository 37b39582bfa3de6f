// The prefix cache: what a prompt finds, and what leaves first.
#include <doctest/doctest.h>

#include <algorithm>
#include <list>

#include "sim/core/random.h"
#include "workloads/inference/requests/prefix_cache.h"

using namespace weft;
using namespace weft::workloads::inference;

namespace {

std::uint64_t visit(PrefixCache& c, std::vector<Piece> pieces) { return c.visit(pieces); }

/// The same by a plain list, newest first.
struct NaiveCache {
  std::uint64_t capacity;
  std::list<Piece> newest;

  bool has(std::uint64_t id) const {
    return std::any_of(newest.begin(), newest.end(), [&](const Piece& p) { return p.id == id; });
  }
  std::uint64_t used() const {
    std::uint64_t sum = 0;
    for (const Piece& p : newest) sum += p.tokens;
    return sum;
  }
  std::uint64_t visit(const std::vector<Piece>& pieces) {
    std::uint64_t held = 0;
    for (const Piece& p : pieces) {
      if (!has(p.id)) break;
      held += p.tokens;
    }
    for (auto p = pieces.rbegin(); p != pieces.rend(); ++p) {
      if (p->tokens > capacity) continue;
      const bool known = has(p->id);
      if (known) newest.remove_if([&](const Piece& q) { return q.id == p->id; });
      while (!known && used() + p->tokens > capacity) newest.pop_back();
      newest.push_front(*p);
    }
    return held;
  }
};

}  // namespace

TEST_CASE("a prompt finds its leading pieces up to the first that is missing") {
  PrefixCache c;
  CHECK(visit(c, {{1, 512}, {2, 512}, {3, 100}}) == 0);
  CHECK(visit(c, {{1, 512}, {2, 512}, {4, 512}}) == 1024);
  CHECK(visit(c, {{9, 512}, {2, 512}}) == 0);   // what follows a miss is no prefix
  CHECK(visit(c, {{1, 512}, {2, 512}, {3, 100}}) == 1124);
  CHECK(visit(c, {}) == 0);
  CHECK(c.used() == 3 * 512 + 100 + 512);
}

TEST_CASE("the least recently used piece leaves first, the end of a prompt before its beginning") {
  PrefixCache c(3);
  visit(c, {{1, 1}, {2, 1}, {3, 1}});
  visit(c, {{1, 1}, {4, 1}});   // 3 is the oldest
  CHECK(visit(c, {{1, 1}, {2, 1}, {3, 1}}) == 2);
  CHECK(c.used() == 3);
}

TEST_CASE("a piece larger than the cache is not kept, and throws nothing out") {
  PrefixCache c(10);
  visit(c, {{1, 5}});
  visit(c, {{2, 11}});
  CHECK(visit(c, {{2, 11}}) == 0);
  CHECK(visit(c, {{1, 5}}) == 5);
}

TEST_CASE("any sequence of prompts finds what a plain list would hold") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Draws d(seed, "cache");
    const std::uint64_t capacity = 5 + d.below(60);
    PrefixCache c(capacity);
    NaiveCache naive{capacity, {}};
    for (int i = 0; i < 300; ++i) {
      std::vector<Piece> pieces;
      std::uint64_t id = 0;
      for (std::uint64_t n = d.below(6); n > 0; --n) {   // a walk down a tree: an id stands for all before it
        id = 4 * id + 1 + d.below(4);
        pieces.push_back({id, static_cast<std::uint32_t>(1 + id % 7)});
      }
      REQUIRE(c.visit(pieces) == naive.visit(pieces));
      REQUIRE(c.used() == naive.used());
      REQUIRE(c.used() <= capacity);
      REQUIRE(c.pieces() == naive.newest.size());
    }
  }
}
