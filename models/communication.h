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
  Sourced<BytesPerSecond> nic_rate;         ///< payload per NIC and direction; zero: no limit but the wire's
  Sourced<BytesPerSecond> nvlink_rate;      ///< payload per GPU and direction over NVLink; zero: no limit but the wire's
  Sourced<double> nic_share;                ///< payload per NIC and direction as a part of that NIC's rate; zero: no such limit
  Sourced<double> message_rate;             ///< messages a second that are posted to a NIC; zero: as many as there are
  Sourced<Seconds> start_up;                ///< once per kernel
  Sourced<Seconds> nvlink_step;             ///< per step of a ring between GPUs of a node; zero when not given
  Sourced<Seconds> network_step;            ///< per step of a ring between nodes; zero when not given
  bool uses_nvlink = true;                  ///< false: messages inside a node go over the NICs too
};

/// By name from models/data/communication, by path ("./mine.json"), or an inline object (which may say "extends": "name").
/// See core::read_named_object.
CommunicationModel read_communication_model(JsonReader where, const DataPlaces& data);
std::vector<ConstantUsed> constants_of(const CommunicationModel& m);

}  // namespace weft::models
