#include "workloads/inference/deployment_reading.h"

#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "workloads/inference/memory.h"

namespace weft::workloads::inference {
namespace {

constexpr std::int64_t kMost = 1'000'000;

// DeepSeek's open-infra-index, day 6: prefill on 4 nodes, decode on 18, each with 32 redundant experts.
constexpr std::int64_t kPrefillEp = 32, kDecodeEp = 144, kRedundant = 32;
constexpr double kExpertsOfV3 = 256;

std::int64_t ep_of_production(Stage stage) { return stage == Stage::prefill ? kPrefillEp : kDecodeEp; }

std::uint32_t count(Parameters& p, const char* key, std::int64_t fallback, std::int64_t least = 1) {
  return static_cast<std::uint32_t>(p.integer(key, fallback, least, kMost));
}

/// Of a model with DeepSeek-V3's 256 experts 32 where that divides, else the fewest that do.
std::int64_t redundant_for(const models::Llm& m, std::uint32_t ep) {
  if (m.moe_layers == 0) return 0;
  const double beyond = std::fmod(m.experts, ep);
  if (m.experts == kExpertsOfV3 && std::fmod(m.experts + kRedundant, ep) == 0) return kRedundant;
  return beyond == 0 ? 0 : static_cast<std::int64_t>(ep - beyond);
}

double memory_part(Parameters& p, double fallback) {
  const double part = p.where().number_or("memory_part", fallback, 0.01, 1);
  p.remember("memory_part", Json(part));
  return part;
}

}  // namespace

Deployment read_deployment(Parameters& p, const models::Llm& m, Stage stage) {
  Deployment d;
  const std::size_t before = p.where().problems().list().size();
  const auto sound = [&] { return p.where().problems().list().size() == before; };
  const bool moe = m.moe_layers > 0;
  d.stage = stage;
  d.tp = count(p, "tp", 1);
  // Either of gpus and ep gives the other.
  const bool only_gpus = p.where().has("gpus") && !p.where().has("ep");
  if (only_gpus) d.gpus = count(p, "gpus", 1);
  d.ep = count(p, "ep", !moe ? 1 : only_gpus && sound() ? d.gpus : ep_of_production(stage));
  if (!only_gpus) d.gpus = count(p, "gpus", moe ? d.ep : d.tp);
  d.redundant = count(p, "redundant", sound() ? redundant_for(m, d.ep) : 0, 0);
  d.mtp = static_cast<std::uint32_t>(p.integer("mtp", 0, 0, 16));
  d.fp8 = p.boolean("fp8", m.fp8);
  d.fp8_cache = p.boolean("fp8_cache", false);
  d.memory_part = memory_part(p, d.memory_part);
  d.workspace = p.size("workspace", "3 GB");
  if (!sound() || m.layers < 1) return d;
  for (const Problem& problem : validate(d, m)) p.where().fail_at(problem.place, problem.message, problem.hint);
  return d;
}

std::vector<ColumnDoc> deployment_parameter_docs(Stage stage) {
  const std::int64_t ep = ep_of_production(stage);
  return {{"gpus", "GPUs of a unit, a multiple of ep; default: ep (dense models: tp)"},
          {"ep", fmt::format("GPUs that share the routed experts of a layer; default: gpus, else {} as DeepSeek serves V3 (dense models: 1)", ep)},
          {"tp", "GPUs that share the heads of attention; default 1"},
          {"redundant", "copies of routed experts beyond one each; default: 32 of a model with 256 experts where these and the copies divide by ep, else the fewest that do"},
          {"mtp", "draft tokens a step by the MTP module; default 0: it is not loaded"},
          {"fp8", "weights of matrix products in FP8 with block scales, else BF16; default: as the model is published"},
          {"fp8_cache", "the cache in FlashMLA's FP8 format (latent attention only), else BF16; default false"},
          {"memory_part", "of the GPU's memory that may be used; default 0.9 (assumed)"},
          {"workspace", "memory for activations and communication buffers; default \"3 GB\" (assumed)"}};
}

}  // namespace weft::workloads::inference
