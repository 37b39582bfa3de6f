// What both sources of requests, processes and traces, read and build alike: the prefix cache, and what is too long.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "workloads/inference/requests/cached_stream.h"
#include "workloads/inference/requests/request_day.h"
#include "workloads/inference/requests/source.h"

namespace weft::workloads::inference {

struct CacheSpec {
  enum class Model { none, all_alike, sessions, blocks };
  Model model = Model::none;
  double hit = 0;                                    ///< all_alike, sessions: part of the prompts' tokens
  Seconds turn_gap = Seconds(120);                   ///< sessions: mean time from one turn to the next
  std::uint32_t block = 1;                           ///< tokens; hits are whole blocks
  std::uint64_t capacity = PrefixCache::infinite;    ///< sessions, blocks: tokens

  std::unique_ptr<HitModel> hits() const;
};

/// What the reader of a source has in hand.
struct SourceReading {
  JsonReader& where;
  const RequestContext& context;
  RequestDay day;                        ///< whose lengths and hits are the defaults
  Json& resolved;
  std::vector<ConstantUsed>& constants;
  bool uses_day = false;                 ///< whether a default of the day's was taken
  std::size_t before = where.problems().list().size();

  bool sound() const { return where.problems().list().size() == before; }
  std::vector<ConstantUsed> take_constants();
  void assume(const std::string& name, const std::string& value, const std::string& source);
};

/// Key `cache`: an object with `model`, or the model's name alone. The first of `models` is the default.
CacheSpec read_cache(SourceReading& r, const std::vector<std::string>& models);

/// Keys `limit`, `max_context`, `too_long`.
struct EndSpec {
  static constexpr std::uint64_t none = std::numeric_limits<std::int64_t>::max();

  std::uint64_t limit = none;
  std::uint32_t max_context = 0;
  TooLong too_long = TooLong::refuse;

  bool limited() const { return limit != none; }
  std::unique_ptr<RequestStream> stream(std::unique_ptr<PromptStream> prompts, const CacheSpec& cache) const;
};
EndSpec read_end(SourceReading& r, const std::string& too_long_default);

/// A source that has been read: what stays the same whatever it is.
class ReadSource : public RequestSource {
 public:
  ReadSource(Json resolved, std::vector<ConstantUsed> constants, CacheSpec cache, EndSpec end);
  ~ReadSource() override;
  Json resolved() const override;
  std::vector<ConstantUsed> constants() const override { return constants_; }

 protected:
  CacheSpec cache_;
  EndSpec end_;

 private:
  std::unique_ptr<Json> resolved_;
  std::vector<ConstantUsed> constants_;
};

/// Null after a problem.
std::unique_ptr<RequestSource> read_process(SourceReading& r);
std::unique_ptr<RequestSource> read_trace_source(SourceReading& r);

}  // namespace weft::workloads::inference
