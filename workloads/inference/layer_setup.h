// LayerSetup: all that a scenario says of the layers of a unit that serves a model: hardware, layout, kernels, exchanges, overlap.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "models/communication.h"
#include "models/cost_model.h"
#include "models/gpu.h"
#include "models/llm/infer_phases.h"
#include "models/llm/llm.h"
#include "workloads/inference/deployment.h"
#include "workloads/inference/overlap.h"
#include "workloads/inference/step_times.h"
#include "workloads/moe/balance_question.h"
#include "workloads/moe/exchange.h"
#include "workloads/moe/gate.h"
#include "workloads/moe/token_format.h"
#include "workloads/parameters.h"

namespace weft::workloads::inference {

struct LayerSetup {
  models::Gpu gpu;
  models::Llm model;
  std::shared_ptr<const models::CostModel> costs;
  models::TrainConstants constants;
  Deployment deployment;
  Overlap overlap = Overlap::five_stages;
  models::CommunicationModel exchange, intranode, tensor;
  moe::NicChoice nic = moe::NicChoice::destination_rail;   ///< decode
  RailOptions rails;
  moe::Gate gate;
  std::uint32_t communication_sms = 0;   ///< taken from the kernels beside an exchange
  moe::TokenFormat dispatch, combine;
  bool communicates = true;              ///< false: exchanges are of nothing and take no time
  moe::BalanceQuestion balance;          ///< of the experts' work over the GPUs
  std::uint64_t seed = 0;

  Stage stage() const { return deployment.stage; }
  bool exchanges() const { return model.moe_layers > 0 && deployment.ep > 1; }
  std::uint32_t micro_batches() const { return overlap == Overlap::none || !exchanges() ? 1 : 2; }
  OverlapPlan plan() const { return plan_of(stage(), overlap, exchanges(), deployment.tp > 1); }
  /// SMs of computing beside exchanges.
  double sms() const { return micro_batches() == 1 ? 0 : gpu.sms.value - communication_sms; }
  double queries() const { return 1 + deployment.mtp; }
};

/// The same with one micro-batch and nothing beside an exchange, for what cannot be divided.
std::shared_ptr<const LayerSetup> undivided(const LayerSetup& s);

/// Reads a stage's keys; problems are recorded. Nothing after one.
std::optional<LayerSetup> read_layer_setup(Parameters& p, const WorkloadContext& context, Stage stage);
std::vector<ColumnDoc> layer_parameter_docs(Stage stage);
std::vector<ConstantUsed> constants_of(const LayerSetup& setup);

}  // namespace weft::workloads::inference
