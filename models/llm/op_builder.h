// An OpBuilder: adds a matrix product to a block, in training with its two gradients.
#pragma once

#include <string>

#include "models/llm/ops.h"

namespace weft::models {

class OpBuilder {
 public:
  OpBuilder(OpBlock& block, const OpRequest& request) : block_(block), q_(request) {}

  /// rows x k times k x n, in the model's GEMM precision, BF16 out.
  void gemm(const std::string& name, double rows, double n, double k);
  /// The same in BF16 whatever the model's precision, with `out_bytes` an element.
  void plain(const std::string& name, double rows, double n, double k, double out_bytes);
  /// In BF16 with FP32 out.
  void router(const std::string& name, double rows, double n, double k) { plain(name, rows, n, k, 4); }
  /// `rows` in all over `groups` weights.
  void grouped(const std::string& name, double rows, double n, double k, double groups);
  /// `rows` for each of `batch` weights (heads), BF16; forward only.
  void batched(const std::string& name, double rows, double n, double k, double batch);

  void forward(LlmOp op) { block_.forward.push_back(std::move(op)); }
  /// Left out unless training.
  void input_gradient(LlmOp op);

 private:
  struct Product {
    std::string name;
    double rows, n, k, groups;
    bool grouped = false;            ///< a kernel for groups, even for one
    bool fp8 = false;
    double out_bytes = 2;
  };
  void product(const Product& p);
  LlmOp kernel(const Product& p, double n, double k, double in_bytes, double out_bytes) const;
  void weight_gradient(const Product& p);

  OpBlock& block_;
  const OpRequest& q_;
};

}  // namespace weft::models
