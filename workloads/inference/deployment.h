// A Deployment says how a unit of GPUs that serves one copy of a model shares it: attention by groups, experts over all.
#pragma once

#include <cstdint>

#include "sim/core/units.h"

namespace weft::workloads::inference {

enum class Stage { prefill, decode };

/// Every group of `tp` GPUs has requests of its own (data parallel); the routed experts of a layer lie on `ep` GPUs.
struct Deployment {
  Stage stage = Stage::decode;
  std::uint32_t gpus = 144;          ///< of a unit; a multiple of ep
  std::uint32_t ep = 144;            ///< GPUs that share the routed experts of a layer, redundant copies included; a multiple of tp
  std::uint32_t tp = 1;              ///< GPUs that share the heads of attention
  std::uint32_t redundant = 32;      ///< copies of routed experts beyond one each; (experts + redundant) divides by ep
  std::uint32_t mtp = 0;             ///< draft tokens a step, by the MTP module; zero: it is not loaded
  bool fp8 = true;                   ///< weights of matrix products in FP8 with block scales, else BF16
  bool fp8_cache = false;            ///< the cache in FlashMLA's FP8 format, else BF16
  double memory_part = 0.9;          ///< of the GPU's memory that may be used
  Bytes workspace = Bytes(3e9);      ///< activations, communication buffers

  std::uint32_t groups() const { return gpus / tp; }
};

}  // namespace weft::workloads::inference
