// How long the computing of a serving pass takes on one GPU, by what its micro-batches hold.
#pragma once

#include "workloads/inference/layer_setup.h"

namespace weft::workloads::inference {

/// One micro-batch of a group: what a pass or step holds, divided.
struct MicroBatch {
  PrefillLoad prefill;
  DecodeLoad decode;
  double tokens(const LayerSetup& s) const { return s.stage() == Stage::decode ? decode.requests * s.queries() : prefill.tokens; }
};
/// The larger of the setup's micro-batches.
MicroBatch micro_batch_of(const LayerSetup& s, const PrefillLoad& whole);
MicroBatch micro_batch_of(const LayerSetup& s, const DecodeLoad& whole);

models::InferShape shape_of(const LayerSetup& s, const MicroBatch& b, double load);

/// What a GPU does outside of layers with an exchange.
struct PassEnds {
  Seconds dense_layer;    ///< attention and MLP of one micro-batch, alone on the GPU
  Seconds embedding, head;
  Seconds mtp_projection; ///< per draft token
};

/// The computing pieces of a layer of one micro-batch; `load`: routed rows of the GPU over the mean. Exchanges are zero.
PieceTimes computing_times(const LayerSetup& s, const MicroBatch& b, double load);
PassEnds ends_of(const LayerSetup& s, const MicroBatch& b);
/// Of these, the time in kernels that memory limits.
PassEnds ends_in_memory(const LayerSetup& s, const MicroBatch& b);

/// warnings_on(), with what is said of many kernels alike said once.
std::vector<std::string> kernel_warnings(const models::CostModel& costs, const std::vector<models::KernelCall>& calls);

/// Every kernel of a pass, for what is told of their times.
std::vector<models::KernelCall> calls_of(const LayerSetup& s, const MicroBatch& b);

}  // namespace weft::workloads::inference
