// A topology: its parameters, what it counts to by formula, and how it is built.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sim/core/json.h"
#include "sim/core/row.h"
#include "topology/fabric.h"

namespace weft::topology {

/// How many endpoints the cluster brings; zero when only the formula is asked ("full size").
struct SizeRequest {
  std::int64_t nodes = 0;
  std::uint32_t nics_per_node = 8;
};

/// A topology with its parameters resolved.
class Topology {
 public:
  virtual ~Topology() = default;
  virtual std::string kind() const = 0;
  /// By formula, without building; under 1 ms at any size.
  virtual Counts count() const = 0;
  /// Adds switches and cables, attaches every NIC. Throws UserError when this exists only as a formula (Slim Fly, q = 28).
  virtual void build(FabricBuilder& b) const = 0;
  /// Why build() would throw; empty when it would not.
  virtual std::string not_constructible() const { return {}; }
  /// Parameters after defaults, as a JSON object for the resolved scenario.
  virtual Json resolved() const = 0;
};

/// {"kind": ..., parameters} of a row of Table 3 of arXiv:2505.09343, or null. Reads as a Json; held by pointer, so that this
/// header needs no JSON library.
class Table3Row {
 public:
  Table3Row() = default;
  explicit Table3Row(const Json& row);
  bool is_null() const { return row_ == nullptr; }
  bool is_object() const { return row_ != nullptr; }
  /// Precondition: is_object().
  operator const Json&() const { return *row_; }

 private:
  std::shared_ptr<const Json> row_;
};

/// A registered kind. `read` records problems (radix too small, ...) in the reader.
struct TopologyKind {
  std::string name;                  ///< "mpft"
  std::string title;                 ///< "multi-plane fat tree"
  std::string summary;               ///< one or two sentences with the reference
  std::vector<ColumnDoc> parameters; ///< name and meaning, default included
  std::function<std::unique_ptr<Topology>(JsonReader& where, const SizeRequest& size)> read;
  Table3Row table3;                  ///< null when Table 3 has no row of this kind
};

/// All kinds, in the order of topology/meson.build.
const std::vector<TopologyKind>& topology_kinds();

/// Reads {"kind": "...", ...}; unknown kinds get the nearest name. Null when problems were recorded.
std::unique_ptr<Topology> read_topology(JsonReader where, const SizeRequest& size);

/// Builds a topology under `nodes` nodes and marks what has `failed` (pointers count up from `failed_pointer`).
/// Throws UserError for names that do not exist and for topologies that exist only as a formula.
/// `storage` adds storage nodes with a network of their own.
Fabric build_fabric(const Topology& topology, const NodeSpec& node, const TransportSpec& transport, std::uint32_t nodes,
                    const std::vector<std::string>& failed = {}, const std::string& failed_pointer = "/cluster/failed",
                    const StorageNetwork& storage = {});

}  // namespace weft::topology
