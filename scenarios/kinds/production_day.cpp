// A day of an inference service in aggregate: nodes, load, queues, money and energy, hour by hour.
#include <cmath>
#include <mutex>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "models/llm/counts.h"
#include "scenarios/kinds/production_day_question.h"

namespace weft::scenarios {
namespace {

using namespace workloads::inference;

constexpr double kMillion = 1e6, kBillion = 1e9, kSecondsOfHour = 3600;

struct DayAnswer {
  std::unique_ptr<topology::Router> router;   ///< step times may ask it as long as they live
  TokenRates node_capacity = kNoLimit;
  std::optional<DecodeRates> decode;
  DayAccounts accounts;
};

class ProductionDayAnalysis final : public Analysis {
 public:
  explicit ProductionDayAnalysis(DayQuestion q) : q_(std::move(q)) {}

  std::vector<Row> rows(const Cluster& cluster) const override {
    const DayAnswer& a = answer(cluster);
    std::vector<Row> rows;
    for (const Account& hour : a.accounts.hours) rows.push_back(row_of(q_.day.clock(hour.from_h), hour, a));
    rows.push_back(row_of("day", a.accounts.day, a));
    add_day_columns(rows.back(), a);
    return rows;
  }

  std::vector<std::string> notes(const Cluster& cluster) const override {
    const DayAnswer& a = answer(cluster);
    const RequestLengths l = q_.day.lengths();
    std::vector<std::string> notes = {fmt::format("requests are taken as alike: {:.0f} tokens of prompt and {:.0f} of answer, {:.1f} million in the day, with the same mix of "
                                                  "tokens in every hour", l.prompt, l.output, l.requests / kMillion),
                                      "nodes are split into prefill and decode by the rule of cells, which is assumed; energy is that of an assumed node"};
    if (std::isinf(a.node_capacity.input) || std::isinf(a.node_capacity.output)) {
      notes.push_back("nothing says what a node of each stage can do: there nothing waits, and nodes draw power as if they always worked");
    }
    if (a.decode) notes.push_back("user_speed_tps is that of a decode unit whose GPUs all hold the mean batch of the hour");
    for (const auto* stage : {&q_.prefill, &q_.decode}) {
      if (*stage) for (std::string& n : (*stage)->notes()) notes.push_back(std::move(n));
    }
    return notes;
  }

  std::vector<std::string> warnings() const override {
    std::vector<std::string> all;
    for (const auto* stage : {&q_.prefill, &q_.decode}) {
      if (*stage) for (std::string& w : (*stage)->warnings()) all.push_back(std::move(w));
    }
    const std::lock_guard lock(answering_);
    if (!answer_) return all;
    tell_overload("prefill", answer_->accounts.first.prefill_h, answer_->accounts.day.prefill, answer_->node_capacity.input, all);
    tell_overload("decode", answer_->accounts.first.decode_h, answer_->accounts.day.decode, answer_->node_capacity.output, all);
    return all;
  }

  std::vector<ConstantUsed> constants(const Cluster&) const override {
    std::vector<ConstantUsed> all = constants_of(q_.day);
    for (ConstantUsed& c : models::constants_of(q_.model)) all.push_back(std::move(c));
    for (const auto* stage : {&q_.prefill, &q_.decode}) {
      if (*stage) for (ConstantUsed& c : (*stage)->constants()) all.push_back(std::move(c));
    }
    return all;
  }

  Json resolved() const override { return *q_.resolved; }
  const models::CostModel* cost_model() const override {
    for (const auto* stage : {&q_.decode, &q_.prefill}) {
      if (*stage && (*stage)->model().cost_model() != nullptr) return (*stage)->model().cost_model();
    }
    return nullptr;
  }

 private:
  /// Computed once: notes and warnings are about the same day as the rows.
  const DayAnswer& answer(const Cluster& cluster) const {
    const std::lock_guard lock(answering_);
    if (!answer_) answer_ = compute(cluster);
    return *answer_;
  }

  DayAnswer compute(const Cluster& cluster) const {
    DayAnswer a;
    a.node_capacity = q_.given;
    if (q_.prefill || q_.decode) {
      a.router = std::make_unique<topology::Router>(cluster.fabric(), cluster.routing());
      const workloads::ClusterView view = cluster.view(*a.router);
      const PromptMix prompts = {q_.day.lengths().prompt, q_.day.cached_share(), q_.tokens_a_pass};
      if (q_.prefill) a.node_capacity.input = prefill_rates(q_.prefill->timed(view), prompts).node_rate;
      if (q_.decode) {
        const TimedUnit unit = q_.decode->timed(view);
        a.decode.emplace(unit, q_.day.mean_kv.value, mtp_tokens(unit.unit.drafts, q_.acceptance));
        a.node_capacity.output = decode_capacity(*a.decode);
      }
    }
    a.accounts = accounts_of(q_.day, a.node_capacity, q_.follow);
    return a;
  }

  double decode_capacity(const DecodeRates& decode) const {
    const auto most = decode.at_speed(q_.least_user_speed);
    if (!most) {
      throw UserError("/least_user_speed", fmt::format("no batch gives a user {:g} tokens a second: a request alone gets {:.3g}", q_.least_user_speed,
                                                       decode.at(1).user_speed));
    }
    return most->node_rate;
  }

  void tell_overload(const char* stage, double first_h, const StageAccount& day, double node_capacity, std::vector<std::string>& all) const {
    if (first_h < 0) return;
    std::string text = fmt::format("{}: from {} on more comes than its nodes can do, up to {:.4g} times as much, for {:.2f} h of the day; work waits for up to {}",
                                   stage, q_.day.clock(first_h), day.highest_load, day.overloaded_h, core::to_text(Seconds(day.longest_wait_s)));
    if (day.backlog > 0) text += fmt::format(", and {:.4g} million tokens still wait at the end of the day", day.backlog / kMillion);
    const double possible = node_capacity * day.node_hours * kSecondsOfHour;
    if (day.arrived > possible) {
      text += fmt::format(". A day like this brings more than the nodes can do in a day: the queue grows without bound from day to day, and they would keep up with "
                          "{:.1f} % of the load", 100 * possible / day.arrived);
    }
    all.push_back(std::move(text));
  }

  Row row_of(const std::string& hour, const Account& a, const DayAnswer& answer) const {
    Row r;
    const ProductionDay& d = q_.day;
    const double hours = a.hours(), seconds = hours * kSecondsOfHour;
    const double prefill_nodes = a.prefill.node_hours / hours, decode_nodes = a.decode.node_hours / hours;
    const Money money = money_of(d, a);
    r.set("hour", hour).set("nodes", a.node_hours() / hours).set("prefill_nodes", prefill_nodes).set("decode_nodes", decode_nodes);
    r.set("input_Mtps", a.prefill.arrived / seconds / kMillion).set("output_Mtps", a.decode.served / seconds / kMillion);
    r.set("prefill_node_tps", a.prefill.served / seconds / prefill_nodes).set("decode_node_tps", a.decode.served / seconds / decode_nodes);
    add_load(r, a, answer);
    r.set("income_kUSD", money.income.value() / 1e3).set("cost_kUSD", money.cost.value() / 1e3);
    if (money.cost.value() > 0) r.set("margin_pct", money.margin_pct());
    if (a.decode.served > 0) r.set("cost_per_Mtoken_USD", money.cost.value() / (a.decode.served / kMillion));
    r.set("freed_gpu_hours", a.freed_node_hours * d.gpus_per_node);
    r.set("energy_MWh", a.energy_J / 3.6e9);
    if (a.decode.served > 0) r.set("energy_J_per_token", a.energy_J / a.decode.served);
    const CacheTraffic traffic = cache_traffic(d, a, models::kv_bytes_per_token(q_.model));
    r.set("cache_read_GBps", traffic.read.value() / kBillion).set("cache_write_GBps", traffic.write.value() / kBillion);
    r.set("kv_transfer_node_GBps", traffic.transfer.value() / kBillion / prefill_nodes);
    return r;
  }

  /// How far the stages are used, where it is known what they can do.
  void add_load(Row& r, const Account& a, const DayAnswer& answer) const {
    const auto stage = [&](const StageAccount& s, double capacity, const char* load, const char* wait) {
      if (std::isinf(capacity)) return;
      r.set(load, 100 * s.busy_hours / s.node_hours).set(wait, s.longest_wait_s);
    };
    stage(a.prefill, answer.node_capacity.input, "prefill_load_pct", "prefill_wait_s");
    stage(a.decode, answer.node_capacity.output, "decode_load_pct", "decode_wait_s");
    if (!answer.decode || a.decode.served <= 0) return;
    const double rate = a.decode.served / kSecondsOfHour / a.decode.node_hours;
    const auto point = answer.decode->at_rate(std::min(rate, answer.decode->full().node_rate));
    if (!point) return;
    r.set("gpu_requests", point->requests * answer.decode->groups_per_node() / q_.day.gpus_per_node).set("user_speed_tps", point->user_speed);
  }

  /// What only the whole day has.
  void add_day_columns(Row& r, const DayAnswer& answer) const {
    const ProductionDay& d = q_.day;
    const Account& a = answer.accounts.day;
    const Money money = money_of(d, a);
    const RequestLengths l = d.lengths();
    r.set("cost_USD", money.cost.value()).set("income_USD", money.income.value());
    r.set("freed_training_Btokens", a.freed_node_hours * d.gpus_per_node / d.training_gpu_hours.value * 1e3);
    r.set("prompt_tokens", l.prompt).set("answer_tokens", l.output).set("requests_M", l.requests / kMillion);
    const double decode_gpus = a.decode.node_hours / a.hours() * d.gpus_per_node;
    const double requests = a.decode.served / (a.hours() * kSecondsOfHour) / d.user_speed.value / decode_gpus;
    r.set("gpu_requests_published_speed", requests);
    r.set("gpu_kv_GB", requests * d.mean_kv.value * models::kv_bytes_per_token(q_.model).value() / kBillion);
    const TokenRates mean = d.mean_rates();
    if (d.prefill_rate.value > 0) r.set("prefill_nodes_by_rate", mean.input / d.prefill_rate.value);
    if (d.decode_rate.value > 0) r.set("decode_nodes_by_rate", mean.output / d.decode_rate.value);
    if (d.prefill_rate.value > 0 && d.decode_rate.value > 0) r.set("nodes_by_rate", mean.input / d.prefill_rate.value + mean.output / d.decode_rate.value);
    if (std::isfinite(answer.node_capacity.input)) r.set("prefill_capacity_tps", answer.node_capacity.input);
    if (std::isfinite(answer.node_capacity.output)) r.set("decode_capacity_tps", answer.node_capacity.output);
    r.set("prefill_backlog_Mtokens", a.prefill.backlog / kMillion).set("decode_backlog_Mtokens", a.decode.backlog / kMillion);
  }

  DayQuestion q_;
  mutable std::mutex answering_;
  mutable std::optional<DayAnswer> answer_;
};

std::vector<ColumnDoc> parameter_docs() {
  std::vector<ColumnDoc> docs = day_parameter_docs();
  for (ColumnDoc& d : std::vector<ColumnDoc>{
           {"model", "whose cache it is: a name (weft list models), a path or an object; default deepseek-v3"},
           {"node_capacity", "what a node can do: {\"prefill\": tokens a second, cached ones included, \"decode\": tokens a second}; a stage that is left out has no limit"},
           {"prefill", "in place of a number, a prefill unit: what gives its times, as in the kind serving"},
           {"decode", "in place of a number, a decode unit; its nodes can do what a full cache lets them"},
           {"acceptance", "of a draft token, where the decode unit makes drafts; default 0.85 (arXiv:2505.09343 section 2.3.3: 80 to 90 %)"},
           {"tokens_a_pass", "new tokens on a GPU in a pass of prefill; default 16384 (day 6: two micro-batches)"},
           {"least_user_speed", "tokens a second below which no more requests are taken in; default 0: the cache decides"},
           {"follow", "with nodes \"follow\": headroom (0.1), least and most cells (1, 0: no end), interval between decisions (15 min), reaction until a cell serves "
                      "(0 s), hold before one goes (0 s)"}}) {
    docs.push_back(std::move(d));
  }
  return docs;
}

/// Of every row.
std::vector<ColumnDoc> hour_column_docs() {
  return {{"nodes", "allocated, mean"},
          {"prefill_nodes", "of them in prefill units", true},
          {"decode_nodes", "of them in decode units"},
          {"input_Mtps", "million tokens a second that come, cached ones included", true},
          {"output_Mtps", "million tokens a second that go out"},
          {"prefill_node_tps", "tokens a second and prefill node, cached ones included"},
          {"decode_node_tps", "tokens a second and decode node"},
          {"prefill_load_pct", "part of what prefill nodes can do"},
          {"prefill_wait_s", "longest wait for prefill"},
          {"decode_load_pct", "part of what decode nodes can do"},
          {"decode_wait_s", "longest wait for a place in decode"},
          {"gpu_requests", "requests that a decode GPU holds, from the unit's step times", true},
          {"user_speed_tps", "tokens a second that a user sees, from the unit's step times"},
          {"income_kUSD", "by the prices of tokens"},
          {"cost_kUSD", "rent of the allocated GPUs"},
          {"margin_pct", "profit in parts of the cost"},
          {"cost_per_Mtoken_USD", "cost of a million output tokens", true},
          {"freed_gpu_hours", "GPU-hours of nodes below the day's most"},
          {"energy_MWh", "assumed"},
          {"energy_J_per_token", "of an output token, all nodes (assumed)", true},
          {"cache_read_GBps", "read from the prefix cache on disk, all nodes", true},
          {"cache_write_GBps", "written to it: misses and output, if all is kept", true},
          {"kv_transfer_node_GBps", "that a prefill node sends to decode", true}};
}

/// Of the day's row alone.
std::vector<ColumnDoc> day_column_docs() {
  return {{"cost_USD", "of the day", true},
          {"income_USD", "of the day", true},
          {"freed_training_Btokens", "billion tokens of training in the freed GPU-hours", true},
          {"prompt_tokens", "of a request, all alike", true},
          {"answer_tokens", "of a request, all alike", true},
          {"requests_M", "million requests", true},
          {"gpu_requests_published_speed", "requests on a decode GPU if users see the day's published speed", true},
          {"gpu_kv_GB", "their cache", true},
          {"prefill_nodes_by_rate", "the day's input over the published rate of a prefill node", true},
          {"decode_nodes_by_rate", "the day's output over the published rate of a decode node", true},
          {"nodes_by_rate", "both", true},
          {"prefill_capacity_tps", "what a prefill node can do", true},
          {"decode_capacity_tps", "what a decode node can do", true},
          {"prefill_backlog_Mtokens", "waiting for prefill when the day ends", true},
          {"decode_backlog_Mtokens", "of output, waiting for decode when the day ends", true}};
}

}  // namespace

AnalysisKind analysis_production_day() {
  AnalysisKind k;
  k.name = "production_day";
  k.title = "A day of an inference service";
  k.summary = "One row an hour and one of the day: allocated nodes, tokens, how far the stages are used and what waits, income, cost, nodes freed below the day's most, "
              "energy (assumed) and traffic of the cache. In aggregate: work flows at rates that change with the hour. The cluster matters where prefill and decode are "
              "described by units whose times come from it.";
  k.found_by = "work that flows from hour to hour";
  k.parameters = parameter_docs();
  k.label_columns = {{"hour", "by the clock; day: all of them"}};
  k.columns = hour_column_docs();
  for (ColumnDoc& d : day_column_docs()) k.columns.push_back(std::move(d));
  k.read = [](JsonReader& where, const AnalysisContext& context) -> std::unique_ptr<Analysis> {
    auto question = read_day_question(where, context);
    return question ? std::make_unique<ProductionDayAnalysis>(std::move(*question)) : nullptr;
  };
  return k;
}

}  // namespace weft::scenarios
