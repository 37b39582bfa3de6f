// The streams of failures that a job on a cluster has to bear: rates times what the cluster has, with what the loss of each part does on this network.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "scenarios/failures/network_losses.h"
#include "workloads/failures/training_job.h"

namespace weft::scenarios {

struct StreamsQuestion {
  explicit StreamsQuestion(const DataPlaces& data) : data(data) {}

  DataPlaces data;                          ///< where the kernel of played traffic lies
  std::vector<models::FailureRates> rates;
  std::map<std::string, double> scale;      ///< by cause or part: how many times as often
  models::Recovery recovery;
  bool by_topology = true;                  ///< false: every failure of the network stops the job
  LostNic on_lost_nic = LostNic::rebalance;
  bool shift = false;                       ///< the traffic that slows: a shift across leaves, else uniform
  double communication_share = 1;           ///< part of a step that is as much slower as the network
};

/// A cause of the part `network` becomes one of each kind of cable and switch, by their numbers. A cause of a part of the network that the cluster lacks is left out where its rate is one
/// per part, since it then never strikes; with a rate per job, GPU or node it is refused. Plays what the loss of each part costs where the answer needs it. Throws UserError
/// (place /rates, or /cluster/...).
std::vector<workloads::failures::FailureStream> failure_streams(const Cluster& cluster, const StreamsQuestion& question);

}  // namespace weft::scenarios
