// How unevenly the experts of a model load the GPUs that share them, what placements of redundant copies make of it, and how often to make them anew.
#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "models/llm/counts.h"
#include "scenarios/analysis_kind.h"
#include "workloads/moe/balance_question.h"

namespace weft::scenarios {
namespace {

using namespace workloads::moe;

/// GPUs that share the experts, with copies beyond one each.
struct Group {
  std::uint32_t ep = 0, redundant = 0;
};

struct BalanceStudy {
  models::Llm model;
  BalanceQuestion question;            ///< its policy and drift are those of a row
  std::vector<Group> groups;
  std::vector<PlacementPolicy> policies;
  std::vector<double> drifts;
  std::vector<Seconds> periods;        ///< empty: no rebalancing is asked about
  Seconds horizon;                     ///< how long a placement would stay otherwise
  BytesPerSecond rate;                 ///< at which a GPU receives weights
  double part = 1;                     ///< of the time that grows with the fullest GPU
  std::uint32_t per_node = 8, layers = 1;
  Bytes expert;
  std::uint64_t seed = 0;
  Json resolved;
};

double mean(const std::vector<double>& list) { return list.empty() ? 1 : std::accumulate(list.begin(), list.end(), 0.0) / static_cast<double>(list.size()); }

/// One placement of one group under one drift.
class Placed {
 public:
  Placed(const BalanceStudy& s, const ExpertLoads& loads, const Group& group, PlacementPolicy policy, double drift) : s_(s), loads_(loads), group_(group), q_(s.question) {
    q_.policy = policy;
    q_.drift = drift;
    placement_ = place(loads);
  }

  void add_to(Row& r) const {
    const std::vector<double> fresh = max_over_means(gpu_loads(loads_, placement_), group_.ep);
    const ExpertLoads later = drifted(loads_, q_.drift, s_.seed);
    const std::uint32_t least = (loads_.experts + group_.ep - 1) / group_.ep * group_.ep;   // slots: no copies but those that fill the last GPUs
    const double unplaced = imbalance_of(loads_, in_order(loads_.layers, loads_.experts, least, group_.ep)).mean;
    const Imbalance stale = imbalance_of(later, placement_);
    std::vector<double> even;   // mean over max
    for (const double x : fresh) even.push_back(1 / x);
    r.set("slots_per_gpu", std::int64_t{placement_.slots_per_gpu()}).set("unplaced_max_over_mean", unplaced);
    r.set("max_over_mean", mean(fresh)).set("worst_layer", *std::max_element(fresh.begin(), fresh.end())).set("balancedness", mean(even));
    r.set("gain", unplaced / mean(fresh)).set("stale_max_over_mean", stale.mean).set("stale_worst_layer", stale.worst);
    r.set("hottest_copies", hottest());
  }

  /// What making it anew after each `period` costs and gives, beside letting it be for the horizon.
  void add_period(Row& r, Seconds period) const {
    const Imbalance over = imbalance_over(q_, loads_, placement_, period, s_.seed), never = imbalance_over(q_, loads_, placement_, s_.horizon, s_.seed);
    const PlacementChange change = change_between(placement_, place(drifted(loads_, drift_at(q_, period), s_.seed)));
    const Seconds moving = s_.expert * change.most_fetched / s_.rate;
    const double slower = s_.part * (over.mean - 1) + moving / period, slower_never = s_.part * (never.mean - 1);
    r.set("mean_max_over_mean", over.mean).set("slots_changed_pct", 100 * change.slots_changed);
    r.set("moved_GB", (s_.expert * change.mean_fetched).value() * 1e-9).set("most_moved_GB", (s_.expert * change.most_fetched).value() * 1e-9);
    r.set("moving_s", moving.value()).set("slower_pct", 100 * slower).set("never_slower_pct", 100 * slower_never);
    r.set("gain_pct", 100 * ((1 + slower_never) / (1 + slower) - 1));
  }

 private:
  ExpertPlacement place(const ExpertLoads& loads) const { return placement_for(q_, loads, group_.ep, s_.per_node, group_.redundant, s_.seed); }

  double hottest() const {
    std::vector<double> most;
    for (std::uint32_t l = 0; l < placement_.layers; ++l) {
      const auto first = placement_.copies.begin() + static_cast<std::ptrdiff_t>(std::size_t{l} * placement_.experts);
      most.push_back(*std::max_element(first, first + placement_.experts));
    }
    return mean(most);
  }

  const BalanceStudy& s_;
  const ExpertLoads& loads_;
  Group group_;
  BalanceQuestion q_;
  ExpertPlacement placement_;
};

class ExpertBalanceAnalysis final : public Analysis {
 public:
  explicit ExpertBalanceAnalysis(BalanceStudy s) : s_(std::move(s)) {}

  std::vector<Row> rows(const Cluster&) const override {
    const ExpertLoads loads = loads_for(s_.question, s_.layers, s_.seed);
    std::vector<double> most, unequal;
    for (std::uint32_t l = 0; l < loads.layers; ++l) most.push_back(max_over_mean(loads.of_layer(l))), unequal.push_back(gini(loads.of_layer(l)));
    std::vector<Row> rows;
    for (const Group& group : s_.groups) {
      for (const PlacementPolicy policy : s_.policies) {
        for (const double drift : s_.drifts) {
          Row r;
          r.set("ep", std::int64_t{group.ep}).set("policy", to_text(policy)).set("drift", drift);
          const Placed placed(s_, loads, group, policy, drift);
          const auto add = [&](Row row, const Seconds* period) {
            row.set("redundant", std::int64_t{group.redundant}).set("expert_max_over_mean", mean(most)).set("gini", mean(unequal));
            placed.add_to(row);
            if (period != nullptr) placed.add_period(row, *period);
            rows.push_back(std::move(row));
          };
          if (s_.periods.empty()) add(r, nullptr);
          for (const Seconds& period : s_.periods) add(Row(r).set("period_s", period.value()), &period);
          mark_best(rows);
        }
      }
    }
    return rows;
  }

  std::vector<std::string> notes(const Cluster&) const override {
    std::vector<std::string> notes = {s_.question.recorded ? fmt::format("loads are recorded ones of {} layers", s_.question.recorded->layers)
                                                           : fmt::format("popularity is drawn anew for each of {} layers; nobody has published loads of all of a model's layers", s_.layers)};
    if (!s_.periods.empty()) {
      notes.push_back(fmt::format("assumed: {:.0f} % of the time grows with the fullest GPU, serving stands still while weights move at {:.4g} GB/s to each GPU, popularity walks (drift "
                                  "grows as the square root of time), and loads are known exactly when a placement is made: short periods are flattered", 100 * s_.part, s_.rate.value() * 1e-9));
    }
    for (const std::string& n : s_.model.notes) notes.push_back("model " + s_.model.name + ": " + n);
    return notes;
  }

  std::vector<ConstantUsed> constants(const Cluster&) const override { return models::constants_of(s_.model); }
  Json resolved() const override { return s_.resolved; }

 private:
  /// Of the rows that differ in their period alone, which end the list, the one that is slowed least.
  void mark_best(std::vector<Row>& rows) const {
    if (s_.periods.empty()) return;
    const auto first = rows.end() - static_cast<std::ptrdiff_t>(s_.periods.size());
    const auto best = std::min_element(first, rows.end(), [](const Row& a, const Row& b) { return a.number("slower_pct") < b.number("slower_pct"); });
    for (auto r = first; r != rows.end(); ++r) r->set("best", r == best);
  }

  BalanceStudy s_;
};

std::vector<Group> read_groups(workloads::Parameters& p) {
  constexpr std::int64_t kMost = 65536;
  const std::vector<std::int64_t> ep = p.integers("ep", {32, 144}, 1), redundant = p.integers("redundant", {32}, 0);
  if (redundant.size() != 1 && redundant.size() != ep.size()) {
    p.where().fail_at("redundant", fmt::format("{} numbers for {} of \"ep\"", redundant.size(), ep.size()), "one number, or one for each");
    return {};
  }
  std::vector<Group> groups;
  for (std::size_t i = 0; i < ep.size(); ++i) {
    const std::int64_t copies = redundant[redundant.size() == 1 ? 0 : i];
    if (ep[i] > kMost) p.where().fail_at("ep", fmt::format("expected at most {} GPUs, got {}", kMost, ep[i]));
    if (copies > kMost) p.where().fail_at("redundant", fmt::format("expected at most {} copies, got {}", kMost, copies));
    groups.push_back({static_cast<std::uint32_t>(ep[i]), static_cast<std::uint32_t>(copies)});
  }
  return groups;
}

std::vector<Seconds> read_periods(workloads::Parameters& p) {
  std::vector<Seconds> out;
  if (!p.where().has("periods")) return out;
  JsonReader value = p.where().at("periods");
  Json resolved = Json::array();
  for (const JsonReader& r : value.is_array() ? value.items() : std::vector<JsonReader>{value}) {
    out.push_back(r.as_quantity<Seconds>());
    resolved.push_back(fmt::format("{} s", out.back().value()));
  }
  if (out.empty()) value.fail("expected one or more times, got an empty list", "such as [\"1 min\", \"10 min\", \"1 h\"]");
  p.remember("periods", std::move(resolved));
  return out;
}

template <class Q>
Q quantity(workloads::Parameters& p, const char* key, const char* fallback) {
  static_assert(std::is_same_v<Q, Seconds> || std::is_same_v<Q, BytesPerSecond>);
  const Q value = p.where().quantity_or<Q>(key, Q(parse_unit(fallback).value));
  p.remember(key, fmt::format("{} {}", value.value(), std::is_same_v<Q, Seconds> ? "s" : "B/s"));
  return value;
}

/// Places every group once, so that what does not divide is told before anything runs.
void try_groups(JsonReader& where, const BalanceStudy& s) {
  const ExpertLoads even = loads_of({PopularityKind::uniform}, 1, s.question.experts, 0);
  for (const Group& g : s.groups) {
    for (const PlacementPolicy policy : s.policies) {
      BalanceQuestion q = s.question;
      q.policy = policy;
      try {
        placement_for(q, even, g.ep, s.per_node, g.redundant, 0);
      } catch (const UserError& e) {
        for (const Problem& p : e.problems()) {
          where.fail_at(p.place == "/balance/policy" ? "policies" : p.place.starts_with("/") ? p.place.substr(1) : "ep", p.message, p.hint);
        }
        break;
      }
    }
  }
}

std::unique_ptr<Analysis> read_expert_balance(JsonReader& where, const AnalysisContext& context) {
  const std::size_t before = where.problems().list().size();
  const auto sound = [&] { return where.problems().list().size() == before; };
  BalanceStudy s;
  workloads::WorkloadContext data;
  data.data = &context.data;
  data.seed = context.seed;
  workloads::Parameters p(where, data);
  static const Json deepseek = "deepseek-v3";
  s.model = models::read_llm(where.has("model") ? where.at("model") : JsonReader(deepseek, where.file(), where.problems(), where.pointer() + "/model"), context.data);
  p.remember("model", s.model.name);
  if (sound() && s.model.experts < 1) where.fail_at("model", s.model.name + " has no routed experts", "a model with experts, such as deepseek-v3");
  s.groups = read_groups(p);
  s.per_node = static_cast<std::uint32_t>(p.integer("gpus_per_node", 8, 1, 1024));
  s.layers = static_cast<std::uint32_t>(p.integer("layers", std::max<std::int64_t>(1, static_cast<std::int64_t>(s.model.moe_layers)), 1, 10'000));
  for (const std::string& name : p.words("policies", placement_policy_names(), {"none", "eplb"})) {
    const auto known = placement_policy_names();
    if (std::find(known.begin(), known.end(), name) != known.end()) s.policies.push_back(placement_policy(name));
  }
  s.drifts = p.numbers("drift", 0, 10);
  if (s.drifts.empty()) s.drifts = {0}, p.remember("drift", Json(s.drifts));
  const auto bytes_fallback = s.model.fp8 ? "fp8" : "bf16";
  s.expert = Bytes(models::expert_parameters(s.model) * (p.word("weights", {"fp8", "bf16"}, bytes_fallback) == "fp8" ? 1 : 2));
  s.part = where.number_or("slowed_part", 0.5, 0, 1);
  p.remember("slowed_part", Json(s.part));
  s.rate = quantity<BytesPerSecond>(p, "rate", "50 GB/s");
  s.periods = read_periods(p);
  s.horizon = quantity<Seconds>(p, "horizon", "24 h");
  static const Json drawn = Json::object();
  if (sound()) {
    s.question.experts = static_cast<std::uint32_t>(s.model.experts);
    s.question.groups = static_cast<std::uint32_t>(s.model.expert_groups);
    const Json& loads = where.has("balance") ? where.at("balance").value() : drawn;
    for (const char* own : {"policy", "drift", "rebalance_period"}) {
      if (loads.is_object() && loads.contains(own)) where.at("balance").fail_at(own, "the rows of this kind have several", "\"policies\", \"drift\" and \"periods\" beside \"balance\"");
    }
    if (sound() && where.has("balance")) s.question = read_balance(p, "balance", s.question.experts, s.question.groups);
    if (sound() && s.question.fixed) where.fail_at("balance", "this kind asks what the balance comes to", "expected an object, such as {\"popularity\": \"lognormal\"}");
  } else {
    where.has("balance");
  }
  if (sound()) try_groups(where, s);
  if (!sound()) return nullptr;
  s.seed = context.seed;
  s.resolved = *p.resolved();
  return std::make_unique<ExpertBalanceAnalysis>(std::move(s));
}

}  // namespace

AnalysisKind analysis_expert_balance() {
  AnalysisKind k;
  k.name = "expert_balance";
  k.title = "Balance of experts over GPUs";
  k.summary = "One row for a group of GPUs, a policy of placing experts, a drift and, where asked, a period of rebalancing: the fullest GPU's load over the mean, without "
              "placement, placed anew and stale, and what placing anew moves and gains. Nothing is simulated; the cluster does not matter. GB are 10^9 bytes.";
  k.uses_cluster = false;
  k.found_by = "experts placed for drawn loads";
  k.parameters = {{"model", "a name (weft list models), a path or an object; default deepseek-v3"},
                  {"ep", "GPUs that share the experts, one number or a list; default [32, 144]"},
                  {"redundant", "copies of experts beyond one each, one number or one for each of \"ep\"; default 32"},
                  {"gpus_per_node", "default 8"},
                  {"layers", "layers with experts; default: the model's"},
                  {"policies", "a list of none, random, global, hierarchical, eplb; default [\"none\", \"eplb\"]"},
                  {"drift", "sigma of the logarithm of the factor by which an expert's load changes in drift_time, one number or a list; default 0"},
                  {"weights", "fp8 or bf16 of an expert; default: as the model is published"},
                  {"slowed_part", "part of the time that grows with the fullest GPU (expert products, received tokens); default 0.5, assumed"},
                  {"rate", "at which a GPU receives weights when placements change; default \"50 GB/s\", a NIC of 400 Gb/s"},
                  {"periods", "placements are made anew so often: adds a row each; default: none"},
                  {"horizon", "how long a placement would stay otherwise; default \"24 h\""}};
  for (ColumnDoc& d : balance_parameter_docs("balance")) {
    const bool of_rows = d.name.ends_with("/policy") || d.name.ends_with("/drift") || d.name.ends_with("/rebalance_period");
    if (d.name == "balance") d.text = "popularity and drift_time, an object; default: lognormal with sigma 0.6";
    if (!of_rows) k.parameters.push_back(std::move(d));
  }
  k.label_columns = {{"ep", "GPUs that share the experts"}, {"policy", "where copies lie"}, {"drift", "sigma of the drift in drift_time"}, {"period_s", "between two placements"}};
  k.columns = {{"redundant", "copies beyond one of each expert"},
               {"slots_per_gpu", "experts that a GPU holds"},
               {"expert_max_over_mean", "most popular expert over the mean, mean over layers"},
               {"gini", "of the experts' loads, mean over layers", true},
               {"unplaced_max_over_mean", "fullest GPU over the mean with experts in order, and in order again where a GPU has room left, without other copies; mean over layers"},
               {"max_over_mean", "the same as just placed"},
               {"worst_layer", "of the layer where it is largest", true},
               {"balancedness", "mean over fullest as just placed, mean over layers", true},
               {"gain", "unplaced over placed"},
               {"stale_max_over_mean", "after the drift"},
               {"stale_worst_layer", "of the layer where it is largest", true},
               {"hottest_copies", "copies of the expert with most, mean over layers"},
               {"mean_max_over_mean", "mean over the period"},
               {"slots_changed_pct", "slots that hold another expert after placing anew"},
               {"moved_GB", "weights that a GPU fetches then, all layers, mean over the GPUs"},
               {"most_moved_GB", "by the GPU that fetches most", true},
               {"moving_s", "at the given rate, that GPU's"},
               {"slower_pct", "than with even loads: slowed_part of the imbalance, and moving"},
               {"never_slower_pct", "the same when the placement stays for the horizon", true},
               {"gain_pct", "faster than then"},
               {"best", "whether no other of the periods is slowed less"}};
  k.read = read_expert_balance;
  return k;
}

}  // namespace weft::scenarios
