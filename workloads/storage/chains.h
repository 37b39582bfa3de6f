// A ChainTable says which SSDs hold a chunk: chains of targets on different storage nodes, as 3FS lays them out for CRAQ.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace weft::workloads::storage {

/// A storage target's place; an SSD has several targets, each in one chain.
struct Target {
  std::uint32_t node = 0, ssd = 0;  ///< ssd within the node
  bool operator==(const Target&) const = default;
};

struct ChainShape {
  std::uint32_t nodes = 0, ssds_per_node = 0;
  std::uint32_t targets_per_ssd = 3;
  std::uint32_t replicas = 3;
};

/// Chains of `replicas` targets, head first. Every SSD is in targets_per_ssd chains and no chain meets a node twice; nodes are paired as
/// evenly as a seeded search finds (3FS: what a lost node's readers ask for instead is then spread over all others), and every node is
/// head, middle and tail alike, as far as numbers allow.
class ChainTable {
 public:
  /// Throws UserError (/replicas, /targets_per_ssd) when there are more replicas than storage nodes, targets do not divide into chains, or
  /// these are too many to lay out (some hundred thousand; fewer over more than a few hundred nodes).
  ChainTable(const ChainShape& shape, std::uint64_t seed);

  std::uint32_t size() const { return static_cast<std::uint32_t>(targets_.size() / shape_.replicas); }
  const ChainShape& shape() const { return shape_; }
  std::span<const Target> chain(std::uint32_t k) const {
    return std::span(targets_).subspan(std::size_t{k} * shape_.replicas, shape_.replicas);
  }
  /// In how many chains two nodes meet.
  std::uint32_t meetings(std::uint32_t a, std::uint32_t b) const;

 private:
  ChainShape shape_;
  std::vector<Target> targets_;  ///< chain by chain
};

/// Over which chains a file's chunks are striped: `stripe` consecutive chains of the table from one that files take in turn, then shuffled
/// by the file's own seed (3FS design notes, "Location of file chunks").
class FileLayout {
 public:
  /// A stripe of zero, or of more chains than the table has, is all of it.
  FileLayout(const ChainTable& table, std::uint32_t stripe, std::uint64_t seed)
      : chains_(table.size()), stripe_(stripe == 0 || stripe > chains_ ? chains_ : stripe), seed_(seed) {}
  std::uint32_t stripe() const { return stripe_; }
  /// The chain of a chunk of a file.
  std::uint32_t chain_of(std::uint64_t file, std::uint64_t chunk) const;

 private:
  std::uint32_t chains_, stripe_;
  std::uint64_t seed_;
};

}  // namespace weft::workloads::storage
