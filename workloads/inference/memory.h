// What one GPU of a unit that serves a model holds, part by part, and how much cache is left for requests.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/llm/llm.h"
#include "sim/core/error.h"
#include "sim/core/units.h"
#include "workloads/inference/deployment.h"

namespace weft::workloads::inference {

/// Of the GPU that holds most; all GPUs of a unit hold the same but for remainders.
struct UnitMemory {
  double experts = 0;          ///< routed experts of each layer on this GPU, redundant copies included
  Bytes routed_experts;
  Bytes shared_experts;        ///< on every GPU
  Bytes router;                ///< BF16
  Bytes attention;             ///< its projections, norms inside it and biases; a unit that decodes latent attention: without kv_b
  Bytes absorbed;              ///< kv_b in BF16, in place of the FP8 one, where latent attention decodes absorbed
  Bytes dense_ffn;
  Bytes vocabulary;            ///< embedding and head, BF16
  Bytes norms;                 ///< outside attention
  Bytes mtp;                   ///< the module, whose embedding and head are the model's
  Bytes workspace;
  Bytes usable;                ///< memory_part of the GPU's memory
  Bytes cache_per_token;       ///< that this GPU keeps of one token of its group, without attention windows

  Bytes weights() const { return routed_experts + shared_experts + router + attention + absorbed + dense_ffn + vocabulary + norms + mtp; }
  Bytes used() const { return weights() + workspace; }
  /// Left for the cache; zero when weights and workspace alone are too much.
  Bytes cache() const { return used() < usable ? usable - used() : Bytes(0); }
  /// What is lacking before any request; zero when it fits.
  Bytes lacking() const { return used() > usable ? used() - usable : Bytes(0); }
  /// That the cache of a group of `tp` GPUs has room for: each GPU of the group keeps its share of every token.
  double cache_tokens() const { return cache() / cache_per_token; }
};

/// The deployment must be valid for the model (`validate`). What is in FP8 has an FP32 scale for 128 x 128 elements; embedding, head, router, norms and
/// biases stay in BF16 (arXiv:2412.19437 section 3.3.1). Heads are spread over tp; MLA's projections to the latent vectors are whole on each GPU, as is its cache.
/// Dense FFNs of a model with experts are whole ("1-way tensor parallelism for the dense MLPs", section 3.4.1), those of a dense model are spread over tp;
/// so are embedding and head.
UnitMemory memory_of(const models::Llm& m, const Deployment& d, Bytes gpu_memory);

/// A token in the cache of all layers of one copy, as it is moved from prefill to decode or kept on disk. The MTP module's layer counts where it is loaded.
Bytes cache_bytes_per_token(const models::Llm& m, const Deployment& d);

/// What each GPU of a group keeps of a request of `tokens` tokens; layers with a window keep no more than that.
Bytes cache_of_request(const models::Llm& m, const Deployment& d, double tokens);
/// Requests of `tokens` tokens that the cache of a group has room for.
double requests_of(const models::Llm& m, const Deployment& d, const UnitMemory& memory, double tokens);

/// What contradicts itself or the model, by key of read_deployment (`Problem::place`). Empty: valid.
std::vector<Problem> validate(const Deployment& d, const models::Llm& m);

/// What a unit is to hold.
struct FitQuestion {
  Bytes gpu_memory;
  double requests = 1;     ///< of a group, at once
  double tokens = 1;       ///< of each in the cache
};

/// Empty when `q.requests` of `q.tokens` tokens fit beside weights and workspace; else how much a GPU lacks, what takes most, and which single changes would do.
std::string does_not_fit(const models::Llm& m, const Deployment& d, const FitQuestion& q);
/// Throws UserError at `place` with that text.
void check_fits(const models::Llm& m, const Deployment& d, const FitQuestion& q, const std::string& place);

}  // namespace weft::workloads::inference
