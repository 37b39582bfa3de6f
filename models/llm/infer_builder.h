// An InferBuilder: the kernels of a phase of prefill or decode, by size, put together from those that training has too.
#pragma once

#include <vector>

#include "models/llm/infer_phases.h"
#include "models/llm/train_builder.h"

namespace weft::models {

class InferBuilder {
 public:
  InferBuilder(const Llm& m, const InferShape& shape);

  void attention_before();
  void attention_after();
  void shared();
  void experts();
  void dense_mlp();
  void exchange_end(InferPhase phase);
  void embedding();
  void head();
  void mtp_projection();
  std::vector<PhaseKernel> take() { return add_.take(); }

 private:
  void cast_for_product(const char* name, double rows, double columns);
  void latent_down();
  void latent_up_for_decode();
  void latent_up_for_prefill();
  void grouped_projection();
  void core();
  void router();
  void gated_mlp(const char* up, const char* down, double inter);
  /// One product a head: its operands are read and written once, and little is computed.
  void batched(const char* name, double n, double k);

  const Llm& m_;
  const InferShape& q_;
  TrainShape as_training_;   ///< what the shared builder asks for
  TrainSizes sizes_;
  PhaseBuilder add_;
  double tokens_, d_;
};

}  // namespace weft::models
