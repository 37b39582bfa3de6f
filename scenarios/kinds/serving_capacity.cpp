// What a prefill and a decode unit can do: tokens a second by batch, users' speed, acceptance of drafts and imbalance of the experts.
#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "scenarios/analysis_kind.h"
#include "scenarios/kinds/served_stage.h"
#include "workloads/inference/mtp.h"

namespace weft::scenarios {
namespace {

using namespace workloads::inference;

struct CapacityQuestion {
  std::optional<ServedStage> prefill, decode, without_mtp;
  std::vector<double> imbalances, acceptances, batches, user_speeds, tokens_a_pass;
  double kv_length = 0, prompt = 0, cached_share = 0;
  Json resolved;
};

class ServingCapacityAnalysis final : public Analysis {
 public:
  explicit ServingCapacityAnalysis(CapacityQuestion q) : q_(std::move(q)) {}

  std::vector<Row> rows(const Cluster& cluster) const override {
    topology::Router router(cluster.fabric(), cluster.routing());
    const workloads::ClusterView view = cluster.view(router);
    std::vector<Row> rows;
    for (std::size_t i = 0; q_.prefill && i < q_.prefill->size(); ++i) add_prefill(i, q_.prefill->timed(view, i), rows);
    for (std::size_t i = 0; q_.decode && i < q_.decode->size(); ++i) add_decode(i, view, rows);
    return rows;
  }

  std::vector<std::string> notes(const Cluster&) const override {
    std::vector<std::string> notes = {"all GPUs of a unit hold the same requests; rates are those of whole units that always have work"};
    for (const auto* stage : stages()) for (std::string& n : stage->notes()) notes.push_back(std::move(n));
    return notes;
  }
  std::vector<std::string> warnings() const override {
    std::vector<std::string> all;
    for (const auto* stage : stages()) for (std::string& w : stage->warnings()) all.push_back(std::move(w));
    return all;
  }
  std::vector<ConstantUsed> constants(const Cluster&) const override {
    std::vector<ConstantUsed> all;
    for (const auto* stage : stages()) for (ConstantUsed& c : stage->constants()) all.push_back(std::move(c));
    return all;
  }
  Json resolved() const override { return q_.resolved; }
  const models::CostModel* cost_model() const override {
    for (const auto* stage : stages()) {
      if (stage->model().cost_model() != nullptr) return stage->model().cost_model();
    }
    return nullptr;
  }

 private:
  std::vector<const ServedStage*> stages() const {
    std::vector<const ServedStage*> all;
    for (const auto* stage : {&q_.prefill, &q_.decode, &q_.without_mtp}) {
      if (*stage) all.push_back(&**stage);
    }
    return all;
  }

  Row labelled(const char* stage, std::size_t imbalance) const {
    Row r;
    r.set("stage", stage);
    if (!q_.imbalances.empty()) r.set("imbalance", q_.imbalances[imbalance]);
    return r;
  }

  void add_prefill(std::size_t i, const TimedUnit& unit, std::vector<Row>& rows) const {
    for (const double tokens : q_.tokens_a_pass) {
      const PrefillPoint p = prefill_rates(unit, {q_.prompt, q_.cached_share, tokens});
      Row r = labelled("prefill", i);
      r.set("at", fmt::format("{:g} tokens", tokens));
      r.set("requests", p.prompts).set("time_ms", p.pass.value() * 1e3);
      const double gpus = static_cast<double>(unit.unit.groups) * unit.unit.gpus_per_group / unit.unit.nodes;
      r.set("gpu_tps", p.node_rate / gpus).set("node_tps", p.node_rate).set("node_computed_tps", p.computed_rate);
      rows.push_back(std::move(r));
    }
  }

  void add_decode(std::size_t i, const workloads::ClusterView& view, std::vector<Row>& rows) const {
    const TimedUnit unit = q_.decode->timed(view, i);
    const std::optional<TimedUnit> plain = q_.without_mtp ? std::optional(q_.without_mtp->timed(view, i)) : std::nullopt;
    const std::vector<double> acceptances = unit.unit.drafts > 0 ? q_.acceptances : std::vector<double>{0};
    for (const double acceptance : acceptances) {
      const DecodeRates rates(unit, q_.kv_length, mtp_tokens(unit.unit.drafts, acceptance));
      const auto add = [&](const std::string& at, const DecodePoint& p, const char* bound) {
        Row r = labelled("decode", i);
        if (unit.unit.drafts > 0) r.set("acceptance", acceptance);
        r.set("at", at);
        add_point(r, unit, rates, p, bound);
        if (plain) {
          const double ratio = p.step / plain->times->decode({p.requests, p.requests * q_.kv_length});
          r.set("mtp_speed_up", mtp_tokens(unit.unit.drafts, acceptance) / ratio);
        }
        rows.push_back(std::move(r));
      };
      for (const double b : q_.batches) add(fmt::format("{:g} requests", b), rates.at(b), b > rates.most_requests() ? "more than the cache holds" : "batch");
      for (const double s : q_.user_speeds) {
        const auto p = rates.at_speed(s);
        const bool full = p && p->requests >= rates.most_requests();
        add(fmt::format("{:g} tokens/s", s), p ? *p : rates.at(1), !p ? "no batch is so fast" : full ? "cache" : "user speed");
      }
      add("full cache", rates.full(), "cache");
    }
  }

  void add_point(Row& r, const TimedUnit& unit, const DecodeRates& rates, const DecodePoint& p, const char* bound) const {
    r.set("requests", p.requests).set("time_ms", p.step.value() * 1e3).set("user_speed_tps", p.user_speed);
    r.set("gpu_tps", p.group_rate / unit.unit.gpus_per_group).set("node_tps", p.node_rate);
    r.set("kv_GB", p.kv.value() * 1e-9).set("fits", p.requests <= rates.most_requests() * (1 + 1e-12)).set("bound_by", bound);
  }

  CapacityQuestion q_;
};

/// A number or a list of them.
std::vector<double> numbers(JsonReader& where, const char* key, std::vector<double> fallback, double min, double max) {
  if (!where.has(key)) return fallback;
  const JsonReader at = where.at(key);
  if (!at.is_array()) return {at.as_number(min, max)};
  std::vector<double> all;
  for (const JsonReader& item : at.items()) all.push_back(item.as_number(min, max));
  return all;
}

std::unique_ptr<Analysis> read_capacity(JsonReader& where, const AnalysisContext& context) {
  const std::size_t before = where.problems().list().size();
  CapacityQuestion q;
  Json& resolved = q.resolved = Json::object();
  q.imbalances = numbers(where, "imbalances", {}, 1, 1000);
  const auto list = [&](const char* key, std::vector<double>& to, std::vector<double> fallback, double min, double max) {
    to = numbers(where, key, std::move(fallback), min, max);
    resolved[key] = to;
  };
  list("acceptances", q.acceptances, {kAcceptance}, 0, 1);
  list("batches", q.batches, {}, 0.01, 1e6);
  list("user_speeds", q.user_speeds, {20, 21, 22}, 1e-3, 1e6);
  list("tokens_a_pass", q.tokens_a_pass, {16384}, 1, 1e9);
  if (q.acceptances.empty()) where.fail_at("acceptances", "the list is empty");
  resolved["kv_length"] = q.kv_length = where.number_or("kv_length", 4989, 1, 1e9);
  resolved["prompt"] = q.prompt = where.number_or("prompt", 4383, 1, 1e9);
  resolved["cached_share"] = q.cached_share = where.number_or("cached_share", 0.5625, 0, 0.999999);
  const auto stage = [&](const char* key, Stage which, std::optional<ServedStage>& to) {
    if (!where.has(key)) return;
    const std::size_t known = where.problems().list().size();
    to = ServedStage::read(where.at(key), context, which, q.imbalances);
    if (where.problems().list().size() == known) resolved[key] = to->resolved();
  };
  stage("prefill", Stage::prefill, q.prefill);
  stage("decode", Stage::decode, q.decode);
  stage("decode_without_mtp", Stage::decode, q.without_mtp);
  if (!q.imbalances.empty()) resolved["imbalances"] = q.imbalances;
  if (!where.has("prefill") && !where.has("decode")) where.fail("neither \"prefill\" nor \"decode\" is described", "give one of them or both");
  if (q.without_mtp && !where.has("decode")) where.fail_at("decode_without_mtp", "there is no \"decode\" to compare with");
  if (where.problems().list().size() != before) return nullptr;
  return std::make_unique<ServingCapacityAnalysis>(std::move(q));
}

}  // namespace

AnalysisKind analysis_serving_capacity() {
  AnalysisKind k;
  k.name = "serving_capacity";
  k.title = "What prefill and decode units can do";
  k.summary = "Rows of a decode unit at given batches, at the batch where users just see a given speed, and with a full cache; rows of a prefill unit by the tokens of a pass. "
              "Over lists of acceptances and imbalances it is the band of what nodes can do. Step times come from the units on the scenario's cluster.";
  k.found_by = "arithmetic on times of units, whose exchanges are played on the engine";
  k.parameters = {{"prefill", "a prefill unit: what gives its times, as in the kind serving"},
                  {"decode", "a decode unit"},
                  {"decode_without_mtp", "the same without drafts: then the speed-up by MTP is told, at equal batch"},
                  {"imbalances", "a list that takes the place of the units' \"balance\": the experts' work on the busiest GPU over the mean"},
                  {"acceptances", "of a draft token, one or a list; default 0.85 (arXiv:2505.09343 section 2.3.3: 80 to 90 %)"},
                  {"batches", "requests of a group (a GPU, or the GPUs that share its attention), one or a list; default none"},
                  {"user_speeds", "tokens a second that a user is to see, one or a list; default 20, 21, 22 (day 6: 20 to 22)"},
                  {"tokens_a_pass", "new tokens of a group in a pass of prefill, one or a list; default 16384"},
                  {"kv_length", "tokens in the cache of each request; default 4989 (day 6)"},
                  {"prompt", "tokens of each prompt; default 4383 (from day 6's totals)"},
                  {"cached_share", "of a prompt, in the prefix cache; default 0.5625 (day 6: 342 of 608 billion)"}};
  k.label_columns = {{"stage", "prefill or decode"},
                     {"imbalance", "of the experts"},
                     {"acceptance", "of a draft token"},
                     {"at", "what is given: requests of a group, a user's tokens a second, a full cache, new tokens of a pass"}};
  k.columns = {{"requests", "of a group in a step or pass"},
               {"time_ms", "of a step of decode or a pass of prefill"},
               {"user_speed_tps", "tokens a second that a user sees"},
               {"gpu_tps", "tokens a second and GPU: output, or input with what is cached"},
               {"node_tps", "tokens a second and node"},
               {"node_computed_tps", "of prefill, without what is cached"},
               {"kv_GB", "cache of a group's requests"},
               {"fits", "whether the cache has room for them"},
               {"bound_by", "what keeps the batch from being larger"},
               {"mtp_speed_up", "tokens a step over how much longer a step is"}};
  k.read = read_capacity;
  return k;
}

}  // namespace weft::scenarios
