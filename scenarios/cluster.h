// A Cluster: nodes, network, routing and prices of one variant, resolved; the fabric is built when first asked for.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "sim/engine/engine.h"
#include "topology/price.h"
#include "topology/router.h"
#include "topology/topology.h"
#include "workloads/workload.h"

namespace weft::scenarios {

class Cluster {
 public:
  /// Reads /cluster. Problems are recorded; then the cluster must not be used.
  static std::unique_ptr<Cluster> read(JsonReader where, const DataPlaces& data, std::uint64_t seed);

  const topology::NodeSpec& node() const { return node_; }
  const topology::TransportSpec& transport() const { return transport_; }
  const topology::Topology& topology() const { return *topology_; }
  const topology::PriceList& prices() const { return prices_; }
  const topology::RoutingSpec& routing() const { return routing_; }
  std::int64_t nodes() const { return nodes_; }
  /// Names of what has failed from the start.
  const std::vector<std::string>& failed() const { return failed_; }
  /// The network of the storage nodes; null when there are none.
  const topology::Topology* storage_topology() const { return storage_ ? storage_->topology.get() : nullptr; }

  /// Built on first use, failures applied; safe to call from several threads. Throws UserError.
  const topology::Fabric& fabric() const;
  bool has_events() const { return !events_.empty(); }
  /// Changes in mid-run as the engine takes them.
  std::vector<engine::FabricEvent> events() const;
  /// What a workload may know; `router` must outlive the view.
  workloads::ClusterView view(topology::Router& router) const;

  std::vector<ConstantUsed> constants() const;
  Json resolved() const;

 private:
  Cluster() = default;

  struct Event {
    Seconds at;
    engine::FabricEvent::What what;
    std::string name;
    BytesPerSecond rate;
    Seconds detection;       ///< of a failure: until traffic takes another way
    std::string pointer;
  };
  struct Storage {
    topology::StorageSpec node;
    topology::TransportSpec transport;
    std::unique_ptr<topology::Topology> topology;
    std::int64_t nodes = 0;
  };
  void read_storage(JsonReader& where, const DataPlaces& data);
  void read_events(JsonReader& where);
  Seconds repaired_at(const Event& failure) const;
  bool slowed_before(Seconds time, LinkId link) const;

  std::string file_, pointer_;
  topology::NodeSpec node_;
  topology::TransportSpec transport_;
  topology::PriceList prices_;
  topology::RoutingSpec routing_;
  std::unique_ptr<topology::Topology> topology_;
  std::int64_t nodes_ = 0;
  std::optional<Storage> storage_;
  std::vector<std::string> failed_;
  std::vector<Event> events_;
  mutable std::mutex building_;
  mutable std::optional<topology::Fabric> fabric_;
};

}  // namespace weft::scenarios
