// StepSetup: all that a scenario says of a training step, and the job that it comes to on a cluster.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/communication.h"
#include "models/cost_model.h"
#include "models/gpu.h"
#include "models/llm/llm.h"
#include "models/llm/train_phases.h"
#include "workloads/moe/token_format.h"
#include "workloads/parameters.h"
#include "workloads/training/layout_reading.h"
#include "workloads/training/live_chunks.h"
#include "workloads/training/memory.h"
#include "workloads/training/schedule.h"
#include "workloads/training/step_emitter.h"

namespace weft::workloads::training {

struct StepSetup {
  models::Gpu gpu;
  models::Llm model;
  std::shared_ptr<const models::CostModel> costs;
  models::TrainConstants constants;
  ScheduleKind schedule;
  std::uint32_t chunks = 2;                 ///< stages a rank, interleaved 1F1B alone
  Layout layout;                            ///< dp and batch may be open until the cluster is known
  RailOptions rails;
  models::CommunicationModel exchange, intranode, pipeline, tensor, synchronise;
  std::uint32_t communication_sms = 20;
  moe::TokenFormat dispatch, combine;       ///< of tokens and of their gradients
  bool communicates = true;                 ///< false: transfers are of nothing and take no time
  RoutingChoice routing;                    ///< the gate's experts zero: no MoE layer
  double slowest_rows = 1;                  ///< routed rows of the rank that all wait for, over their mean; loads that are not drawn
  double time_factor = 1;                   ///< all computing takes so many times what kernel models say
  bool late_head_weight = false;            ///< as plan_step()
  double jitter = 0;
  std::optional<Seconds> optimizer_time;    ///< all that follows the last micro-batch takes at least this
  double gpu_hour_usd = 2;
  bool all_ranks = false;                   ///< rows of each pipeline rank beside their mean
  std::uint64_t seed = 0;
};

/// Reads a workload's keys; problems are recorded. Nothing after one.
std::optional<StepSetup> read_step(Parameters& p, const WorkloadContext& context);
std::vector<ColumnDoc> step_parameter_docs();

/// The step on a cluster: its layout completed, its job. Throws UserError at the keys that do not fit it.
struct PreparedStep {
  Layout layout;
  PipelineSchedule schedule;
  std::shared_ptr<const StepJob> job;
};
PreparedStep prepare_step(const StepSetup& setup, const ClusterView& cluster);

/// Kernel calls of all work of the step, on the SMs that communication leaves them, for what is told of their times.
std::vector<models::KernelCall> calls_of(const StepSetup& setup);

/// How long each stretch of computing takes: `received` is a rank's tokens received, each once, over its routed rows.
StepCosts costs_of(const StepSetup& setup, const Layout& layout, double received);

}  // namespace weft::workloads::training
