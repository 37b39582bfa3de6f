// What the loss of a part of the network costs a job: played on the engine, with the part failed from the start.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "models/failures/failure_rates.h"
#include "scenarios/cluster.h"

namespace weft::scenarios {

/// All parts of a kind that a cluster has, each as names that /cluster/failed takes.
struct NetworkParts {
  models::FailedPart part;
  std::vector<std::vector<std::string>> names;   ///< by part; a plane is all its switches
  std::string called(std::size_t i) const;       ///< part i in few words
  /// The first `most` of them that still work on this fabric, as indices: what is down already costs nothing more.
  std::vector<std::size_t> working(const topology::Fabric& fabric, std::size_t most) const;

  std::size_t count() const { return names.size(); }
};

/// nic, nic_link, link, leaf, spine, core and plane, in this order, as far as the cluster has them. `link` is a cable between switches; a plane is all switches that are
/// joined by cables, which in an MPFT is one of its planes and elsewhere the whole network.
std::vector<NetworkParts> network_parts(const Cluster& cluster);

/// What a GPU does whose NIC has no path: the words of on_lost_nic, "error", "neighbour" or "rebalance".
enum class LostNic { error, neighbour, rebalance };
const std::vector<std::string>& lost_nic_words();

/// All at line rate and along the rails: an all-to-all with PXN over the whole cluster; every node to one whose NICs are all behind other leaves.
struct PlayedTraffic {
  bool uniform = true, shift = true;
};

struct NetworkLoss {
  std::int64_t nodes_cut = 0;      ///< nodes that cannot take part in the job any more
  std::int64_t nodes_slowed = 0;   ///< nodes that have lost a NIC, or its way to the others, and go on
  bool job_lost = false;           ///< no two nodes reach each other
  std::optional<double> uniform, shift;   ///< time over time with nothing more lost than from the start; nothing when nodes are cut off, or there is no such traffic
  std::string why_not;             ///< why traffic could not be played, so that nobody knows what it costs; else empty

  bool survives() const { return nodes_cut == 0 && !job_lost; }
};

/// Plays traffic on a cluster with and without parts.
class NetworkLosses {
 public:
  /// The cluster must outlive this. `data` has the kernel.
  NetworkLosses(const Cluster& cluster, const DataPlaces& data, PlayedTraffic traffic);
  /// With `lost` failed beside what the cluster has failed from the start. With LostNic::rebalance bytes are spread over rails by what their leaves have left of
  /// cables upwards, before the loss as after it. Throws UserError (place /cluster/...).
  NetworkLoss without(const std::vector<std::string>& lost, LostNic policy);

 private:
  struct Times {
    std::optional<double> uniform, shift;   ///< seconds
    std::string why_not;                    ///< the last that could not be played
  };
  Times play(const topology::Fabric& fabric, LostNic policy) const;
  const Times& whole(LostNic policy);

  const Cluster& cluster_;
  DataPlaces data_;
  PlayedTraffic traffic_;
  std::map<LostNic, Times> whole_;     ///< with nothing more lost than from the start
};

}  // namespace weft::scenarios
