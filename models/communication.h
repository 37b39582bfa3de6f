// Communication kernels as data: what NCCL's and DeepEP's kernels reach of a NIC and of NVLink, and their start-up time.
#pragma once

#include <string>
#include <vector>

#include "sim/core/files.h"
#include "sim/core/json.h"
#include "sim/core/provenance.h"
#include "sim/core/units.h"

namespace weft::models {

struct CommunicationModel {
  std::string name;                         ///< "deepep_normal"
  std::string title;
  Sourced<BytesPerSecond> nic_rate;         ///< payload per NIC and direction
  Sourced<BytesPerSecond> nvlink_rate;      ///< payload per GPU and direction over NVLink
  Sourced<Seconds> start_up;                ///< once per kernel
};

/// By name from models/data/communication, or an inline object (which may say "extends": "name").
CommunicationModel read_communication_model(JsonReader where, const DataPlaces& data);
std::vector<ConstantUsed> constants_of(const CommunicationModel& m);

}  // namespace weft::models
