#include "models/llm/op_builder.h"

#include <algorithm>
#include <cmath>

namespace weft::models {

void OpBuilder::gemm(const std::string& name, double rows, double n, double k) {
  product({name, rows, n, k, 1, false, q_.fp8, 2});
}

void OpBuilder::plain(const std::string& name, double rows, double n, double k, double out_bytes) {
  product({name, rows, n, k, 1, false, false, out_bytes});
}

void OpBuilder::grouped(const std::string& name, double rows, double n, double k, double groups) {
  product({name, rows, n, k, groups, true, q_.fp8, 2});
}

void OpBuilder::batched(const std::string& name, double rows, double n, double k, double batch) {
  LlmOp op = kernel({name, rows * batch, n, k, batch, true, false, 2}, n, k, 2, 2);
  op.m = rows;
  forward(op);
}

void OpBuilder::input_gradient(LlmOp op) {
  if (q_.phase == Phase::train) block_.input_gradient.push_back(std::move(op));
}

LlmOp OpBuilder::kernel(const Product& p, double n, double k, double in_bytes, double out_bytes) const {
  LlmOp op;
  op.name = p.name;
  op.m = p.rows, op.n = n, op.k = k, op.groups = p.groups;
  if (p.grouped) {
    op.family = "grouped_gemm";
    op.variant = !p.fp8 ? "bfloat16" : q_.phase == Phase::decode ? "fp8_masked" : "fp8_contiguous";
    op.shape = {{"groups", p.groups}, {"m", p.rows / p.groups}, {"n", n}, {"k", k}};
  } else {
    op.family = "gemm";
    op.variant = p.fp8 ? "fp8_block" : "bfloat16";
    op.shape = {{"m", p.rows}, {"n", n}, {"k", k}};
  }
  op.flops = Flops(2 * p.rows * n * k);
  op.weights = Bytes(p.groups * n * k * (p.fp8 ? 1 : 2));
  op.in = Bytes(p.rows * k * in_bytes);
  op.out = Bytes(p.rows * n * out_bytes);
  return op;
}

void OpBuilder::product(const Product& p) {
  const double in = p.fp8 ? 1 : 2;
  forward(kernel(p, p.n, p.k, in, p.out_bytes));
  if (q_.phase != Phase::train) return;
  // dX = dY W: the output's width becomes the one that is summed over. Gradients come as wide as the forward pass's input,
  // but of a FP32 output as FP32.
  input_gradient(kernel(p, p.k, p.n, p.out_bytes == 4 ? 4 : in, 2));
  weight_gradient(p);
}

void OpBuilder::weight_gradient(const Product& p) {
  const double in = p.fp8 ? 1 : 2, fp32 = 4;
  LlmOp op;
  op.name = p.name;
  op.m = p.n, op.n = p.k, op.k = p.rows / p.groups;
  op.count = p.groups;   // one kernel a weight: groups differ in what is summed over
  op.family = "gemm_wgrad";
  op.variant = p.fp8 ? "fp8_block" : "bfloat16";
  op.shape = {{"m", op.m}, {"n", op.n}, {"k", std::max(1.0, std::round(op.k))}};   // a kernel sums over whole rows
  op.flops = Flops(2 * p.rows * p.n * p.k);
  op.in = Bytes(p.rows * (p.k * in + p.n * (p.out_bytes == 4 ? 4 : in)));
  op.out = Bytes(2 * p.groups * p.n * p.k * fp32);   // added to what is there: read and written
  block_.weight_gradient.push_back(std::move(op));
}

}  // namespace weft::models
