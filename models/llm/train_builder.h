// A PhaseBuilder: adds kernels to a phase's list, with bytes and shapes from rows, widths and precision.
#pragma once

#include <string>
#include <vector>

#include "models/llm/train_phases.h"

namespace weft::models {

/// The sizes that the phases share, from a model and what one GPU works on.
struct TrainSizes {
  TrainSizes(const Llm& model, const TrainShape& shape);

  const Llm& m;
  const TrainShape& q;
  double tokens;          ///< rows of products
  double own;             ///< rows of norms, router and dispatch: tokens / tp
  double heads, kv_heads; ///< of this GPU
  double shared;          ///< inner width of shared experts on this GPU; dense layers: of the FFN
  double groups;          ///< routed experts on this GPU
  double rows;            ///< of them together
  double received;        ///< tokens that come for them
};

class PhaseBuilder {
 public:
  explicit PhaseBuilder(const TrainSizes& s) : s_(s) {}

  // Matrix products. fp8: in FP8 when the shape says so, else in BF16.
  void gemm(const std::string& name, double rows, double n, double k);
  void grouped(const std::string& name, double n, double k);
  void wgrad(const std::string& name, double m, double n, double k);
  /// One a routed expert, dealt out to two streams in turn.
  void grouped_wgrad(const std::string& name, double m, double n);
  void plain_gemm(const std::string& name, double rows, double n, double k);
  void plain_wgrad(const std::string& name, double m, double n, double k);
  void attention(bool backward);

  // Of serving alone.
  /// Forward over `batch` prompts of `seq` tokens, `count` of it.
  void attention_of(double batch, double seq, double count);
  void mla_decode(double requests, double queries, double kv, bool fp8_cache);
  /// Grouped, each expert with room for more rows than it has (decode).
  void masked(const std::string& name, double n, double k);
  /// Reads bytes at the rate of HBM.
  void read(const std::string& name, double bytes);
  PhaseKernel& last() { return kernels_.back(); }

  // Kernels that move bytes.
  void move(const std::string& name, const char* variant, double bytes, double count = 1);
  void norm(const std::string& name, double rows, double width);
  /// With its two small kernels that sum the gradient of the weight.
  void norm_backward(const std::string& name, double rows, double width);
  void rope(const std::string& name, double heads);
  void copy(const std::string& name, double elements) { move(name, "permute", 4 * elements); }
  void residual(const std::string& name, double elements) { move(name, "residual", 6 * elements); }
  /// Small kernels that take the least time of one.
  void small(const std::string& name, double count);
  void select(const std::string& name, double rows, double scores, double topk);
  void walk(const std::string& name, double indices, double count);

  // What FP8 needs: nothing is added without it.
  void cast(const std::string& name, double rows, double columns);
  void cast_back(const std::string& name, double rows, double columns);
  /// Scales of an operand, brought into the order that a product reads.
  void scales(double rows, double columns);
  void cast_with_scales(const std::string& name, double rows, double columns);
  /// A weight of one byte an element.
  void transpose_weight(const std::string& name, double n, double k, double groups = 1);
  /// An operand of a weight gradient: cast along columns and transposed.
  void cast_transposed(const std::string& name, double rows, double columns, bool from_fp8 = false);

  double fp8_row(double columns) const;
  bool fp8() const { return s_.q.fp8; }
  std::vector<PhaseKernel> take() { return std::move(kernels_); }

 private:
  PhaseKernel& add(const std::string& name, const char* family, const std::string& variant, const std::map<std::string, double>& shape);

  const TrainSizes& s_;
  std::vector<PhaseKernel> kernels_;
};

// The phases, by part of the model.
void attention_forward(const TrainSizes& s, PhaseBuilder& add);
void attention_backward(const TrainSizes& s, PhaseBuilder& add);
void attention_weight(const TrainSizes& s, PhaseBuilder& add);
void mlp_forward(const TrainSizes& s, PhaseBuilder& add);
void mlp_backward(const TrainSizes& s, PhaseBuilder& add);
void mlp_weight(const TrainSizes& s, PhaseBuilder& add);
void outside_layers(TrainPhase phase, const TrainSizes& s, PhaseBuilder& add);

}  // namespace weft::models
