#include "workloads/inference/requests/cached_stream.h"

#include <algorithm>
#include <cmath>
#include <span>

#include <fmt/format.h>

#include "sim/core/error.h"

namespace weft::workloads::inference {
namespace {

class NoHits final : public HitModel {
 public:
  std::uint64_t cached(const Prompt&) override { return 0; }
};

class AllAlike final : public HitModel {
 public:
  explicit AllAlike(double part) : part_(part) {}
  std::uint64_t cached(const Prompt& p) override { return static_cast<std::uint64_t>(std::llround(part_ * p.request.prompt)); }

 private:
  double part_;
};

class EarlierTurns final : public HitModel {
 public:
  explicit EarlierTurns(std::uint32_t block) : block_(block) {}

  std::uint64_t cached(const Prompt& p) override {
    std::uint64_t tokens = 0;
    for (std::size_t i = 0; i + 1 < p.pieces.size(); ++i) tokens += p.pieces[i].tokens;
    return tokens / block_ * block_;
  }

 private:
  std::uint64_t block_;
};

class OfCache final : public HitModel {
 public:
  OfCache(std::uint64_t capacity, std::uint32_t block) : cache_(capacity), block_(block) {}
  std::uint64_t cached(const Prompt& p) override { return cache_.visit(p.pieces) / block_ * block_; }

 private:
  PrefixCache cache_;
  std::uint64_t block_;
};

class CachedStream final : public RequestStream {
 public:
  CachedStream(std::unique_ptr<PromptStream> prompts, std::unique_ptr<HitModel> hits, std::uint64_t limit)
      : prompts_(std::move(prompts)), hits_(std::move(hits)), left_(limit) {}

  bool next(Request& out) override {
    while (left_ > 0 && prompts_->next(prompt_)) {
      const std::uint64_t held = hits_->cached(prompt_);
      if (!prompt_.counts) continue;
      out = prompt_.request;
      out.cached = static_cast<std::uint32_t>(std::min<std::uint64_t>(held, out.prompt - 1));
      --left_;
      return true;
    }
    left_ = 0;
    return false;
  }

  std::vector<std::string> warnings() const override { return prompts_->warnings(); }

 private:
  std::unique_ptr<PromptStream> prompts_;
  std::unique_ptr<HitModel> hits_;
  std::uint64_t left_;
  Prompt prompt_;
};

class WithinContext final : public PromptStream {
 public:
  WithinContext(std::unique_ptr<PromptStream> prompts, std::uint32_t max, TooLong what) : prompts_(std::move(prompts)), max_(max), what_(what) {}

  bool next(Prompt& out) override {
    while (prompts_->next(out)) {
      Request& r = out.request;
      if (std::uint64_t{r.prompt} + r.output <= max_) return true;
      if (what_ == TooLong::refuse) refuse(r);
      if (out.counts) ++found_;
      if (what_ == TooLong::drop) continue;
      r.prompt = std::min(r.prompt, max_ - 1);
      r.output = std::min(r.output, max_ - r.prompt);
      return true;
    }
    return false;
  }

  std::string file() const override { return prompts_->file(); }
  std::string place() const override { return prompts_->place(); }

  std::vector<std::string> warnings() const override {
    std::vector<std::string> all = prompts_->warnings();
    if (found_ > 0) {
      all.push_back(fmt::format("{} {} longer than {} tokens and {}", found_, found_ == 1 ? "request was" : "requests were", max_,
                                what_ == TooLong::cut ? "cut to that" : "left out"));
    }
    return all;
  }

 private:
  [[noreturn]] void refuse(const Request& r) const {
    throw UserError({{file(), place(), fmt::format("a prompt of {} and an answer of {} tokens are {} in all; the context has {}", r.prompt, r.output,
                                                   std::uint64_t{r.prompt} + r.output, max_),
                      "beside the trace or process \"too_long\": \"cut\" or \"drop\" goes on without"}});
  }

  std::unique_ptr<PromptStream> prompts_;
  std::uint32_t max_;
  TooLong what_;
  std::uint64_t found_ = 0;
};

}  // namespace

std::unique_ptr<HitModel> no_hits() { return std::make_unique<NoHits>(); }
std::unique_ptr<HitModel> hits_all_alike(double part) { return std::make_unique<AllAlike>(part); }
std::unique_ptr<HitModel> hits_of_earlier_turns(std::uint32_t block_tokens) { return std::make_unique<EarlierTurns>(block_tokens); }
std::unique_ptr<HitModel> hits_of_cache(std::uint64_t capacity_tokens, std::uint32_t block_tokens) {
  return std::make_unique<OfCache>(capacity_tokens, block_tokens);
}

std::unique_ptr<RequestStream> cached_stream(std::unique_ptr<PromptStream> prompts, std::unique_ptr<HitModel> hits, std::uint64_t limit) {
  return std::make_unique<CachedStream>(std::move(prompts), std::move(hits), limit);
}

std::unique_ptr<PromptStream> within_context(std::unique_ptr<PromptStream> prompts, std::uint32_t max_context, TooLong what) {
  if (max_context == 0) return prompts;
  WEFT_CHECK(max_context > 1, "a context holds a prompt and an answer");
  return std::make_unique<WithinContext>(std::move(prompts), max_context, what);
}

}  // namespace weft::workloads::inference
