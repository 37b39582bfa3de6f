// A cached stream is the requests of a PromptStream with what of each prompt stands in the prefix cache, by a HitModel.
#pragma once

#include <cstdint>
#include <memory>

#include "workloads/inference/requests/prefix_cache.h"
#include "workloads/inference/requests/prompts.h"
#include "workloads/inference/requests/request.h"

namespace weft::workloads::inference {

class HitModel {
 public:
  virtual ~HitModel() = default;
  /// Leading tokens in the cache when the prompt comes; it is told of every prompt, in order. May be more than the prompt has.
  virtual std::uint64_t cached(const Prompt& prompt) = 0;
};

/// Nothing is ever in the cache.
std::unique_ptr<HitModel> no_hits();
/// This part of every prompt is, rounded to a token.
std::unique_ptr<HitModel> hits_all_alike(double part);
/// All pieces but the last one are: an endless cache that earlier turns of a conversation have always filled. Whole blocks count.
std::unique_ptr<HitModel> hits_of_earlier_turns(std::uint32_t block_tokens);
/// What a cache of this many tokens holds, which is empty at the start. Whole blocks count.
std::unique_ptr<HitModel> hits_of_cache(std::uint64_t capacity_tokens, std::uint32_t block_tokens);

/// Up to `limit` of its requests that count. A prompt's last token is never taken from the cache: it gives the first of the answer.
std::unique_ptr<RequestStream> cached_stream(std::unique_ptr<PromptStream> prompts, std::unique_ptr<HitModel> hits, std::uint64_t limit);

/// What becomes of a request that is longer than the model's context.
enum class TooLong { refuse, cut, drop };

/// The same prompts, none longer than `max_context` tokens with its answer (zero: as they are). `cut` takes from the answer first, of which
/// one token remains. Tells in its warnings how many were cut or dropped.
std::unique_ptr<PromptStream> within_context(std::unique_ptr<PromptStream> prompts, std::uint32_t max_context, TooLong what);

}  // namespace weft::workloads::inference
