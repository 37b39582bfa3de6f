// A Fabric: GPUs, NICs and switches as vertices, cables as pairs of directed links; immutable once built.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/core/ids.h"
#include "sim/core/placement.h"
#include "sim/core/units.h"
#include "topology/spec.h"
#include "topology/storage_spec.h"

namespace weft::topology {

/// The last three are parts of storage nodes; `storage_nic` is the NIC of a node with GPUs towards them.
enum class VertexKind : std::uint8_t { gpu, nvswitch, pcie_switch, host, nic, storage_nic, net_switch, storage_host, storage_node_nic, ssd };

/// What a cable is, for prices and reports: `endpoint` NIC to switch, `long_haul` switch to switch,
/// `local` switch to switch inside a Dragonfly group, `nvlink` and `pcie` inside a node.
enum class CableClass : std::uint8_t { nvlink, pcie, endpoint, long_haul, local };

struct Vertex {
  VertexKind kind = VertexKind::net_switch;
  std::uint8_t tier = 0;      ///< network switches: 0 leaf/edge/router, 1 spine/aggregation, 2 core
  std::uint16_t local = 0;    ///< in-node vertices: local index of the GPU, NIC or SSD
  std::uint32_t node = 0;     ///< in-node vertices: which node (storage nodes are counted apart)
  std::uint32_t group = 0;    ///< plane (MPFT), rail of a leaf (MRFT), pod (FT3), group (Dragonfly); else 0; on the storage network from a number on that no
                              ///< other switch has
  std::uint32_t index = 0;    ///< network switches: number inside (group, tier)
};

/// One direction of a cable. `reverse` is the other direction.
struct Link {
  VertexId from, to;
  LinkId reverse;
  BytesPerSecond rate;        ///< physical rate of this direction
  Meters length;
  CableClass cable = CableClass::long_haul;
  bool up = true;             ///< false when it, or a switch at one of its ends, has failed from the start
};

/// What counting gives, by formula or by looking at a built fabric.
struct Counts {
  std::int64_t endpoints = 0;      ///< GPU-NIC pairs attached to the scale-out network
  std::int64_t switches = 0;
  std::int64_t switch_links = 0;   ///< switch-to-switch cables (what Table 3 of arXiv:2505.09343 calls links)
  std::int64_t local_links = 0;    ///< of these, inside a Dragonfly group
  std::int64_t host_links = 0;     ///< NIC-to-switch cables
  std::int64_t max_ports_used = 0; ///< on the busiest switch
  bool operator==(const Counts&) const = default;
};

class FabricBuilder;

class Fabric {
 public:
  Fabric(Fabric&&) noexcept;
  Fabric& operator=(Fabric&&) noexcept;
  ~Fabric();

  const NodeSpec& node_spec() const;
  const TransportSpec& transport() const;
  Placement placement() const;
  /// True when minimal routes may only use switches of the two ends' groups (Dragonfly); the second for the storage network.
  bool minimal_within_groups() const;
  bool storage_minimal_within_groups() const;

  /// Storage nodes, joined with the storage NICs of the others by a network of their own; there may be none.
  bool has_storage() const { return storage_nodes() > 0; }
  std::uint32_t storage_nodes() const;
  /// Precondition: has_storage().
  const StorageSpec& storage_spec() const;
  /// Storage nodes and the switches of their network; storage NICs of other nodes belong to these.
  bool in_storage_network(VertexId v) const;
  bool in_storage_network(LinkId l) const;
  /// Of the network that a link belongs to.
  const TransportSpec& transport(LinkId l) const;

  std::span<const Vertex> vertices() const;
  std::span<const Link> links() const;
  const Vertex& vertex(VertexId v) const { return vertices()[v.value]; }
  const Link& link(LinkId l) const { return links()[l.value]; }
  /// Links that leave a vertex, in order of id.
  std::span<const LinkId> out_links(VertexId v) const;
  /// The vertex of an endpoint. Precondition: it exists.
  VertexId vertex_of(const Endpoint& e) const;
  /// The switch that a NIC is attached to (ignoring failures), and the link towards it; invalid ids when it is attached
  /// to none (a storage NIC where there are no storage nodes).
  VertexId switch_of_nic(VertexId nic) const;
  LinkId uplink_of_nic(VertexId nic) const;
  /// "plane0.spine3", "node12.nic5", "group7.router2", "storage3.ssd5", "storage_leaf2"; stable, unique, what /cluster/failed and export use.
  std::string name(VertexId v) const;
  /// "plane0.leaf1-plane0.spine3#2" (number 2 of the parallel cables between these two).
  std::string name(LinkId l) const;

  /// Of the scale-out network; of the storage network, whose endpoints are all NICs attached to it.
  Counts count() const;
  Counts count_storage() const;
  /// Connected components of the scale-out network: switches and attached NICs that have not failed, over links that are
  /// up. A NIC that lost its switch is a component of its own; NICs that were never attached do not count.
  std::int64_t components() const;
  /// Longest shortest path between two live switches, in hops; -1 when some pair has none.
  std::int64_t switch_diameter() const;

  struct Impl;
  const Impl& impl() const { return *impl_; }

 private:
  friend class FabricBuilder;
  explicit Fabric(std::unique_ptr<Impl> impl);
  Counts count_links(std::size_t begin, std::size_t end) const;
  std::unique_ptr<Impl> impl_;
};

/// The links that the name of a part means, both directions of every cable, in order of id: those at a switch
/// ("plane0.spine3"), at a NIC or anything else in a node ("node12.nic5", "storage3.ssd5"), at a whole node ("node12", "storage3")
/// or group ("plane3", "rail2", "pod1", "group7"), or a cable's ("A-B" is all parallel ones, "A-B#2" is one of them, either way round). These are
/// the names that FabricBuilder::fail takes. Links that are down are listed too. Empty when the fabric has no such part.
std::vector<LinkId> links_named(const Fabric& fabric, std::string_view name);

/// What a topology writes into.
class FabricBuilder {
 public:
  /// `nodes` nodes of `spec` are placed (GPUs, NVSwitch, PCIe switches, NICs); their NICs are free until attached.
  FabricBuilder(const NodeSpec& spec, const TransportSpec& transport, std::uint32_t nodes);
  ~FabricBuilder();

  std::uint32_t nodes() const;
  std::uint32_t nics_per_node() const;
  /// NICs that wait to be attached: nodes() * nics_per_node().
  std::uint32_t nics() const;

  VertexId add_switch(std::uint8_t tier, std::uint32_t group, std::uint32_t index, std::string name);
  /// Cables a NIC (node * nics_per_node + local) to a switch.
  void attach(std::uint32_t nic, VertexId sw);
  /// `parallel` cables between two switches.
  void connect(VertexId a, VertexId b, CableClass cable, std::uint32_t parallel = 1);
  void set_minimal_within_groups(bool on);

  /// Places `nodes` storage nodes; from now on the builder is that of their network: its NICs are the storage NICs of all
  /// nodes, then those of the storage nodes, as nodes of one NIC each; switches get "storage_" before their names. Once only, after the
  /// scale-out network. Precondition: nodes have a storage NIC.
  void begin_storage(const StorageSpec& spec, const TransportSpec& transport, std::uint32_t nodes);
  /// Marks switches, links, NICs, or whole groups ("plane3") as failed; an unknown name is a UserError at `pointer` that
  /// offers the nearest. Only what has been built already can fail.
  void fail(const std::string& name, const std::string& pointer);
  /// Hands the fabric over; the builder is empty afterwards.
  Fabric finish();

 private:
  void attach_storage(std::uint32_t nic, VertexId sw);
  LinkId cable(VertexId a, VertexId b, BytesPerSecond rate, Meters length, CableClass cable);
  std::unique_ptr<Fabric::Impl> impl_;
};

}  // namespace weft::topology
