#include "workloads/inference/requests/source_parts.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace weft::workloads::inference {

void SourceReading::assume(const std::string& name, const std::string& value, const std::string& source) {
  constants.push_back({"requests: " + name, value, Origin::assumed, source});
}

std::vector<ConstantUsed> SourceReading::take_constants() {
  if (uses_day) {
    for (ConstantUsed& k : length_constants(day)) constants.push_back(std::move(k));
  }
  return std::move(constants);
}

std::unique_ptr<HitModel> CacheSpec::hits() const {
  switch (model) {
    case Model::none: break;
    case Model::all_alike: return hits_all_alike(hit);
    case Model::sessions:
      if (capacity == PrefixCache::infinite) return hits_of_earlier_turns(block);
      return hits_of_cache(capacity, block);
    case Model::blocks: return hits_of_cache(capacity, block);
  }
  return no_hits();
}

namespace {

/// DeepSeek-V3's cache: 61 layers of 512 + 64 numbers in BF16.
constexpr double kTokenBytes = 61 * (512 + 64) * 2;

/// `capacity` in bytes or `capacity_tokens`; neither: endless.
std::uint64_t read_capacity(JsonReader& c, SourceReading& r, Json& resolved) {
  const bool in_tokens = c.has("capacity_tokens"), in_bytes = c.has("capacity");
  const Bytes usual = r.context.token_bytes.value() > 0 ? r.context.token_bytes : Bytes(kTokenBytes);
  const Bytes token = c.quantity_or("token_bytes", usual);
  if (in_tokens && in_bytes) c.fail_at("capacity_tokens", "`capacity` says it already", "leave one of the two out");
  if (in_tokens) {
    const auto tokens = static_cast<std::uint64_t>(c.integer("capacity_tokens", 1));
    resolved["capacity_tokens"] = tokens;
    return tokens;
  }
  if (!in_bytes) return PrefixCache::infinite;
  const Bytes size = c.quantity<Bytes>("capacity");
  resolved["capacity"] = c.at("capacity").value();
  resolved["token_bytes"] = fmt::format("{} B", token.value());
  if (!c.has("token_bytes") && r.context.token_bytes.value() == 0) {
    r.constants.push_back({"requests: token_bytes", resolved["token_bytes"], Origin::derived, "DeepSeek-V3's config.json: 61 layers x (512 + 64) numbers in BF16"});
  }
  return static_cast<std::uint64_t>(std::min(1e18, size / token));
}

void read_model(JsonReader& c, CacheSpec& spec, SourceReading& r, Json& resolved) {
  using Model = CacheSpec::Model;
  if (spec.model == Model::all_alike || spec.model == Model::sessions) {
    if (!c.has("hit")) r.uses_day = true;
    resolved["hit"] = spec.hit = c.number_or("hit", r.day.hit(), 0, spec.model == Model::sessions ? 0.99 : 1);
  }
  if (spec.model == Model::sessions) {
    spec.turn_gap = c.quantity_or("turn_gap", spec.turn_gap);
    resolved["turn_gap"] = c.has("turn_gap") ? c.at("turn_gap").value() : Json("2 min");
    if (!c.has("turn_gap")) r.assume("turn_gap", "2 min", "no publication says how long users think");
    spec.block = static_cast<std::uint32_t>(c.integer_or("block", 64, 1, 1'000'000));
    resolved["block"] = spec.block;
    if (!c.has("block")) r.assume("block", "64", "a common size of blocks; hits lose half of one in the mean");
  }
  if (spec.model == Model::sessions || spec.model == Model::blocks) spec.capacity = read_capacity(c, r, resolved);
}

}  // namespace

CacheSpec read_cache(SourceReading& r, const std::vector<std::string>& models) {
  static const std::vector<std::string> all = {"none", "all_alike", "sessions", "blocks"};
  CacheSpec spec;
  const Json nothing = Json::object();
  const auto given = r.where.maybe("cache");
  std::string word = models.front();
  if (given && given->is_string()) {
    word = given->as_string();
    if (std::find(models.begin(), models.end(), word) == models.end()) {
      given->fail(fmt::format("unknown name \"{}\"", word), unknown_name_hint(word, models));
      word = "none";
    }
  } else if (given && !given->expect_object("a model of the prefix cache, such as {\"model\": \"all_alike\", \"hit\": 0.56}")) {
    return spec;
  }
  JsonReader c = given && given->is_object() ? *given : JsonReader(nothing, r.where.file(), r.where.problems(), r.where.pointer() + "/cache");
  word = c.one_of("model", models, word);
  spec.model = static_cast<CacheSpec::Model>(std::max<std::ptrdiff_t>(0, std::find(all.begin(), all.end(), word) - all.begin()));
  Json resolved = {{"model", word}};
  read_model(c, spec, r, resolved);
  c.done();
  r.resolved["cache"] = std::move(resolved);
  return spec;
}

EndSpec read_end(SourceReading& r, const std::string& too_long_default) {
  EndSpec e;
  e.limit = static_cast<std::uint64_t>(r.where.integer_or("limit", static_cast<std::int64_t>(EndSpec::none), 1));
  if (r.where.has("limit")) r.resolved["limit"] = e.limit;
  e.max_context = static_cast<std::uint32_t>(r.where.integer_or("max_context", 0, 2, 2 * std::int64_t{1} << 24));
  if (r.context.max_context > 0 && (e.max_context == 0 || e.max_context > r.context.max_context)) e.max_context = r.context.max_context;
  if (e.max_context > 0) r.resolved["max_context"] = e.max_context;
  const std::string what = r.where.one_of("too_long", {"refuse", "cut", "drop"}, too_long_default);
  e.too_long = what == "cut" ? TooLong::cut : what == "drop" ? TooLong::drop : TooLong::refuse;
  r.resolved["too_long"] = what;
  return e;
}

std::unique_ptr<RequestStream> EndSpec::stream(std::unique_ptr<PromptStream> prompts, const CacheSpec& cache) const {
  return cached_stream(within_context(std::move(prompts), max_context, too_long), cache.hits(), limit);
}

ReadSource::ReadSource(Json resolved, std::vector<ConstantUsed> constants, CacheSpec cache, EndSpec end)
    : cache_(cache), end_(end), resolved_(std::make_unique<Json>(std::move(resolved))), constants_(std::move(constants)) {}
ReadSource::~ReadSource() = default;
Json ReadSource::resolved() const { return *resolved_; }

}  // namespace weft::workloads::inference
