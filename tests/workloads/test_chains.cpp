// Chain tables against 3FS's design notes, and files striped over them.
#include <algorithm>
#include <map>
#include <set>

#include <doctest/doctest.h>

#include "sim/core/error.h"
#include "workloads/storage/chains.h"

using namespace weft;
using namespace weft::workloads::storage;

namespace {

void check_sound(const ChainTable& table) {
  const ChainShape& s = table.shape();
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> in_chains;
  std::vector<std::vector<std::uint32_t>> at_place(s.replicas, std::vector<std::uint32_t>(s.nodes));
  REQUIRE(table.size() == s.nodes * s.ssds_per_node * s.targets_per_ssd / s.replicas);
  for (std::uint32_t c = 0; c < table.size(); ++c) {
    std::set<std::uint32_t> nodes;
    const auto chain = table.chain(c);
    for (std::size_t place = 0; place < chain.size(); ++place) {
      nodes.insert(chain[place].node);
      ++in_chains[{chain[place].node, chain[place].ssd}];
      ++at_place[place][chain[place].node];
    }
    CHECK(nodes.size() == s.replicas);
  }
  for (const auto& [ssd, count] : in_chains) CHECK(count == s.targets_per_ssd);
  CHECK(in_chains.size() == s.nodes * s.ssds_per_node);
  const double even = static_cast<double>(table.size()) / s.nodes;
  for (const auto& place : at_place)
    for (const std::uint32_t n : place) CHECK(std::abs(n - even) < 2);
}

}  // namespace

TEST_CASE("3FS's example: six nodes of one SSD with five targets, three replicas: each pair of nodes meets in two chains") {
  // 10 chains x 3 pairs = 30 meetings of 15 pairs: two each. When a node is lost, each other takes 1/5 of its reads (design notes,
  // "Balanced traffic during recovery"), a balanced incomplete block design.
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    const ChainTable table({6, 1, 5, 3}, seed);
    check_sound(table);
    for (std::uint32_t a = 0; a < 6; ++a)
      for (std::uint32_t b = a + 1; b < 6; ++b) CHECK(table.meetings(a, b) == 2);
  }
}

TEST_CASE("larger tables pair nodes evenly, too") {
  // A node has 16 x 6 targets, each with 2 others: 192 meetings over 24 nodes are 8 a pair.
  const ChainTable table({25, 16, 6, 3}, 1);
  check_sound(table);
  for (std::uint32_t b = 1; b < 25; ++b) CHECK(std::abs(static_cast<int>(table.meetings(0, b)) - 8) <= 1);
  check_sound(ChainTable({180, 16, 3, 3}, 1));
  check_sound(ChainTable({5, 16, 6, 3}, 7));  // 3FS's deployment example
  check_sound(ChainTable({4, 1, 2, 1}, 7));
}

TEST_CASE("the same seed gives the same table, another another") {
  const ChainShape shape{9, 4, 3, 3};
  const ChainTable a({shape}, 1), b({shape}, 1), c({shape}, 2);
  bool differs = false;
  for (std::uint32_t k = 0; k < a.size(); ++k) {
    CHECK(std::ranges::equal(a.chain(k), b.chain(k)));
    differs |= !std::ranges::equal(a.chain(k), c.chain(k));
  }
  CHECK(differs);
}

TEST_CASE("a file's chunks go over each chain of its stripe once a round, and files take chains in turn") {
  const ChainTable table({10, 3, 1, 3}, 1);  // 10 chains
  const FileLayout layout(table, 4, 1);
  for (const std::uint64_t file : {0u, 1u, 7u}) {
    std::set<std::uint32_t> chains, expected;
    for (std::uint64_t chunk = 0; chunk < 4; ++chunk) {
      chains.insert(layout.chain_of(file, chunk));
      expected.insert(static_cast<std::uint32_t>((file * 4 + chunk) % 10));
      CHECK(layout.chain_of(file, chunk + 4) == layout.chain_of(file, chunk));
    }
    CHECK(chains == expected);
  }
  CHECK(FileLayout(table, 0, 1).stripe() == 10);
  CHECK(FileLayout(table, 200, 1).stripe() == 10);
}

TEST_CASE("tables that cannot be are refused, and say what would do") {
  CHECK_THROWS_WITH_AS(ChainTable({2, 16, 3, 3}, 1), doctest::Contains("3 replicas need 3 storage nodes, the cluster has 2"), UserError);
  CHECK_THROWS_WITH_AS(ChainTable({5, 1, 1, 3}, 1), doctest::Contains("5 targets do not divide into chains of 3"), UserError);
  CHECK_THROWS_WITH_AS(ChainTable({2000, 1024, 3, 3}, 1), doctest::Contains("/targets_per_ssd: 2000 nodes x 1024 SSDs x 3 targets are 2048000 chains of 3"),
                       UserError);
  CHECK_THROWS_WITH_AS(ChainTable({16, 1024, 1000, 16}, 1), doctest::Contains("too many to lay out"), UserError);
  // 2^32 + 704 targets: in 32 bits they would be 704.
  CHECK_THROWS_WITH_AS(ChainTable({4294968, 10, 100, 1}, 1), doctest::Contains("4294968000 chains of 1"), UserError);
}
