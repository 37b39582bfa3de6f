#include "workloads/inference/given_times.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "workloads/inference/stage_model.h"

namespace weft::workloads::inference {
namespace {

class GivenStage final : public StageModel {
 public:
  GivenStage(const Unit& unit, const TimeFactors& factors, Json resolved)
      : unit_(unit), times_(std::make_shared<const GivenTimes>(factors)), resolved_(std::make_shared<const Json>(std::move(resolved))) {}

  Unit unit() const override { return unit_; }
  std::shared_ptr<const StepTimes> times(const ClusterView& cluster) const override {
    const std::uint64_t has = std::uint64_t{unit_.nodes} * cluster.placement.gpus_per_node();
    const std::uint64_t due = std::uint64_t{unit_.groups} * unit_.gpus_per_group;
    if (due > has) {
      throw UserError("/groups", fmt::format("{} groups of {} GPUs do not fit into the {} GPUs of {} nodes", unit_.groups, unit_.gpus_per_group, has, unit_.nodes),
                      fmt::format("at most {}", has / unit_.gpus_per_group));
    }
    return times_;
  }
  Json resolved() const override { return *resolved_; }

 private:
  Unit unit_;
  std::shared_ptr<const GivenTimes> times_;
  std::shared_ptr<const Json> resolved_;
};

/// A time that may be zero; left out it is.
Seconds factor(JsonReader& where, const std::string& key, Json& resolved) {
  const Seconds t = where.quantity_or<Seconds>(key, Seconds(), false);
  resolved[key] = where.has(key) ? where.at(key).value() : Json("0 s");
  return t;
}

TimeFactors read_factors(JsonReader where, Stage stage, Json& resolved) {
  TimeFactors f;
  resolved = Json::object();
  if (!where.expect_object("times of a pass or step: base, per_token, ...")) return f;
  f.base = factor(where, "base", resolved);
  if (stage == Stage::prefill) {
    f.per_token = factor(where, "per_token", resolved);
    f.per_pair = factor(where, "per_pair", resolved);
    f.per_cached = factor(where, "per_cached", resolved);
    f.per_prompt = factor(where, "per_prompt", resolved);
    if (f.base.value() + f.per_token.value() <= 0) where.fail("a pass would take no time", "give a \"base\" or a \"per_token\"");
  } else {
    f.per_request = factor(where, "per_request", resolved);
    f.per_kv_token = factor(where, "per_kv_token", resolved);
    if (f.base.value() + f.per_request.value() <= 0) where.fail("a step would take no time", "give a \"base\" or a \"per_request\"");
  }
  where.done();
  return f;
}

}  // namespace

StageModelKind given_times_kind() {
  StageModelKind k;
  k.key = "times";
  k.parameters = {
      {"times", "times as given: base of a pass or step; of prefill per_token (new ones), per_pair (a new token and one that it sees), per_cached, per_prompt; of decode per_request, per_kv_token. What is left out is zero; each is multiplied with the largest of the unit's groups"},
      {"nodes", "nodes of a unit; due with \"times\""},
      {"groups", "data-parallel groups of a unit, each with requests and a cache of its own; due with \"times\""},
      {"gpus_per_group", "GPUs that share a group's work; default 1"},
      {"kv_tokens", "tokens that a group's cache has room for; due with \"times\""},
      {"kv_per_token", "bytes of a token in the cache, over all layers; default \"70272 B\": DeepSeek-V3's in BF16 (arXiv:2505.09343 Table 1)"},
      {"drafts", "draft tokens of a decode step (multi-token prediction); default 0"}};
  k.read = [](JsonReader& where, const WorkloadContext&, Stage stage) -> std::unique_ptr<StageModel> {
    const std::size_t before = where.problems().list().size();
    Json resolved = Json::object();
    const TimeFactors factors = read_factors(where.at("times"), stage, resolved["times"]);
    Unit unit;
    const auto integer = [&](const char* key, std::int64_t v) { return static_cast<std::uint32_t>((resolved[key] = v).get<std::int64_t>()); };
    unit.nodes = integer("nodes", where.integer("nodes", 1, 1'000'000));
    unit.groups = integer("groups", where.integer("groups", 1, 10'000'000));
    unit.gpus_per_group = integer("gpus_per_group", where.integer_or("gpus_per_group", 1, 1, 1'000'000));
    unit.kv_tokens = integer("kv_tokens", where.integer("kv_tokens", 1, 4'000'000'000));
    unit.kv_per_token = where.quantity_or<Bytes>("kv_per_token", Bytes(70272), false);
    resolved["kv_per_token"] = where.has("kv_per_token") ? where.at("kv_per_token").value() : Json("70272 B");
    unit.drafts = integer("drafts", where.integer_or("drafts", 0, 0, 64));
    if (stage == Stage::prefill && unit.drafts > 0) where.fail_at("drafts", "prefill makes no drafts", "leave it out, or give it to decode");
    where.done();
    if (where.problems().list().size() != before) return nullptr;
    return std::make_unique<GivenStage>(unit, factors, std::move(resolved));
  };
  return k;
}

}  // namespace weft::workloads::inference
