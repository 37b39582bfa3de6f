// How long pipeline schedules take, how long their ranks idle and what they hold, with given times of forwards and backwards.
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "scenarios/analysis_kind.h"
#include "workloads/training/schedule_times.h"

namespace weft::scenarios {
namespace {

namespace training = workloads::training;

/// One schedule at one size, as made.
struct Asked {
  const training::ScheduleKind* kind = nullptr;
  training::ScheduleParameters parameters;
};

class PipelineAnalysis final : public Analysis {
 public:
  PipelineAnalysis(std::vector<Asked> asked, training::CellTimes times, bool of_rank, Seconds hop, Json resolved)
      : asked_(std::move(asked)), times_(times), of_rank_(of_rank), hop_(hop), resolved_(std::move(resolved)) {}

  std::vector<Row> rows(const Cluster&) const override {
    std::vector<Row> rows;
    for (const Asked& a : asked_) rows.push_back(row_of(a));
    return rows;
  }

  std::vector<std::string> notes(const Cluster&) const override {
    std::vector<std::string> notes = {
        "cells start as soon as their rank is free and their inputs are there: sends never block, and nothing is said of gradient exchange and optimiser"};
    if (of_rank_) {
      notes.push_back("times are those of 1/PP of the model; a stage of a schedule that has v stages a rank takes 1/v of them");
    }
    if (times_.overlapped && std::any_of(asked_.begin(), asked_.end(), [](const Asked& a) { return !a.kind->overlaps; })) {
      notes.push_back("only DualPipe and DualPipeV run pairs in the time of `overlapped`; all others take a forward and a backward one after the other");
    }
    return notes;
  }

  Json resolved() const override { return resolved_; }

 private:
  Row row_of(const Asked& a) const {
    const training::PipelineSchedule s = a.kind->make(a.parameters);
    const double share = static_cast<double>(s.ranks) / s.stages;   // of 1/PP of the model in one stage
    const training::CellTimes t = of_rank_ ? training::scaled(times_, share) : times_;
    const training::PlayedSchedule p = training::play(s, t, hop_);
    const auto [least, most] = std::minmax_element(p.bubble.begin(), p.bubble.end());
    const std::uint32_t peak = *std::max_element(p.peak_activations.begin(), p.peak_activations.end());
    Row r;
    r.set("schedule", a.kind->name).set("pp", std::int64_t{s.ranks}).set("micro_batches", std::int64_t{s.micro_batches});
    r.set("stages", std::int64_t{s.stages}).set("makespan_s", p.makespan.value());
    r.set("bubble_mean_s", p.mean_bubble().value()).set("bubble_min_s", least->value()).set("bubble_max_s", most->value());
    r.set("bubble_pct", p.makespan.value() > 0 ? 100 * p.mean_bubble().value() / p.makespan.value() : 0.0);
    r.set("inner_bubble_max_s", std::max_element(p.inner_bubble.begin(), p.inner_bubble.end())->value());
    r.set("bubble_published_s", a.kind->published_bubble(a.parameters, t).value());
    if (const auto form = mean_closed_form(a, t); form && hop_.value() == 0) r.set("bubble_closed_form_s", form->value());
    r.set("peak_activations", std::int64_t{peak}).set("peak_activations_published", std::int64_t{a.kind->published_activations(a.parameters)});
    r.set("peak_activations_share", peak * share).set("model_copies", std::int64_t{s.model_copies()});
    return r;
  }

  /// The mean over the ranks of the closed form; nothing where it does not hold.
  static std::optional<Seconds> mean_closed_form(const Asked& a, const training::CellTimes& t) {
    Seconds sum;
    for (std::uint32_t r = 0; r < a.parameters.ranks; ++r) {
      const auto bubble = a.kind->exact_bubble(a.parameters, t, r);
      if (!bubble) return std::nullopt;
      sum += *bubble;
    }
    return sum / static_cast<double>(a.parameters.ranks);
  }

  std::vector<Asked> asked_;
  training::CellTimes times_;
  bool of_rank_;
  Seconds hop_;
  Json resolved_;
};

/// One value or a list of them at a key.
std::vector<JsonReader> one_or_many(JsonReader& where, const char* key) {
  JsonReader value = where.at(key);
  if (!value.is_array()) return {value};
  std::vector<JsonReader> items = value.items();
  if (items.empty()) value.fail("expected one or more, got an empty list");
  return items;
}

std::vector<std::uint32_t> read_counts(JsonReader& where, const char* key) {
  std::vector<std::uint32_t> out;
  for (const JsonReader& r : one_or_many(where, key)) out.push_back(static_cast<std::uint32_t>(r.as_integer(1, 10'000'000)));
  return out;
}

std::vector<const training::ScheduleKind*> read_schedules(JsonReader& where) {
  std::vector<const training::ScheduleKind*> out;
  if (!where.has("schedules")) {
    for (const training::ScheduleKind& k : training::schedule_kinds()) out.push_back(&k);
    return out;
  }
  for (const JsonReader& r : one_or_many(where, "schedules")) {
    const std::string name = r.as_string();
    if (!r.is_string()) continue;
    try {
      out.push_back(&training::schedule_named(name, ""));
    } catch (const UserError& e) {
      r.fail(e.problems().front().message, e.problems().front().hint);
    }
  }
  return out;
}

training::CellTimes read_times(JsonReader where) {
  training::CellTimes t;
  if (!where.expect_object("times as {\"forward\": \"58 ms\", \"backward_input\": \"85 ms\", \"weight\": \"25 ms\"}")) return t;
  t.forward = where.quantity<Seconds>("forward");
  t.backward_input = where.quantity<Seconds>("backward_input");
  t.weight = where.quantity<Seconds>("weight");
  if (where.has("backward")) t.backward = where.quantity<Seconds>("backward");
  if (where.has("overlapped")) t.overlapped = where.quantity<Seconds>("overlapped");
  where.done();
  return t;
}

/// Tries each schedule at each size, so that what a kind cannot do is told before anything runs.
std::vector<Asked> combine(JsonReader& where, const std::vector<const training::ScheduleKind*>& kinds, const std::vector<std::uint32_t>& ranks,
                           const std::vector<std::uint32_t>& micro_batches, std::uint32_t chunks) {
  std::vector<Asked> out;
  for (const std::uint32_t pp : ranks) {
    for (const std::uint32_t m : micro_batches) {
      for (const training::ScheduleKind* k : kinds) {
        out.push_back({k, {pp, m, chunks}});
        try {
          k->check(out.back().parameters);
        } catch (const UserError& e) {
          for (const Problem& p : e.problems()) where.fail_at(p.place, fmt::format("{} (PP = {}, {} micro-batches): {}", k->name, pp, m, p.message), p.hint);
        }
      }
    }
  }
  return out;
}

std::unique_ptr<Analysis> read_pipeline(JsonReader& where, const AnalysisContext&) {
  const std::size_t before = where.problems().list().size();
  const auto kinds = read_schedules(where);
  const auto ranks = read_counts(where, "pp"), micro_batches = read_counts(where, "micro_batches");
  const auto chunks = static_cast<std::uint32_t>(where.integer_or("chunks", 2, 1, 1'000'000));
  const training::CellTimes times = read_times(where.at("times"));
  const std::string times_of = where.one_of("times_of", {"rank", "stage"}, "rank");
  const Seconds hop = where.quantity_or("hop", Seconds(0), false);
  if (where.problems().list().size() != before) return nullptr;
  std::vector<Asked> asked = combine(where, kinds, ranks, micro_batches, chunks);
  if (where.problems().list().size() != before) return nullptr;
  Json names = Json::array();
  for (const auto* k : kinds) names.push_back(k->name);
  Json t = {{"forward", to_text(times.forward)}, {"backward_input", to_text(times.backward_input)}, {"weight", to_text(times.weight)},
            {"backward", to_text(times.full_backward())}, {"overlapped", to_text(times.pair())}};
  Json resolved = {{"schedules", std::move(names)}, {"pp", ranks}, {"micro_batches", micro_batches}, {"chunks", chunks},
                   {"times", std::move(t)}, {"times_of", times_of}, {"hop", to_text(hop)}};
  return std::make_unique<PipelineAnalysis>(std::move(asked), times, times_of == "rank", hop, std::move(resolved));
}

}  // namespace

AnalysisKind analysis_pipeline() {
  AnalysisKind k;
  k.name = "pipeline";
  k.title = "Pipeline schedules compared";
  k.summary = "One row a schedule and size, played in ideal data flow with the same times on every stage: how long a step takes, how long ranks idle, beside "
              "what was published of it, and how many micro-batches' activations the fullest rank holds. The cluster takes no part.";
  k.uses_cluster = false;
  k.found_by = "schedules played in ideal data flow";
  k.parameters = {{"schedules", "a name or a list of them (weft list schedules); default: all"},
                  {"pp", "pipeline ranks, one number or a list"},
                  {"micro_batches", "micro-batches of a step over all directions, one number or a list"},
                  {"chunks", "stages a rank in interleaved_1f1b"},
                  {"times", "an object: forward, backward_input, weight, and where they are not sums backward and overlapped (a forward beside a backward)"},
                  {"times_of", "rank: the times are those of 1/PP of the model, so that schedules compare on one model; stage: of one stage of the schedule"},
                  {"hop", "time of a transfer to another rank; default: none"}};
  k.label_columns = {{"schedule", "its name"}, {"pp", "pipeline ranks"}, {"micro_batches", "of a step, over all directions"}};
  k.columns = {{"stages", "stages that a micro-batch goes through", true},
               {"makespan_s", "from the first start to the last end of a cell"},
               {"bubble_mean_s", "time within the makespan in which a rank does nothing, mean over the ranks"},
               {"bubble_min_s", "the same of the rank that idles least", true},
               {"bubble_max_s", "the same of the rank that idles most", true},
               {"bubble_pct", "mean bubble in parts of the makespan"},
               {"inner_bubble_max_s", "longest time that a rank idles between its first and its last cell: what is left where steps follow one another without a barrier", true},
               {"bubble_published_s", "the published formula"},
               {"bubble_closed_form_s", "mean over the ranks of the exact closed form, where it holds (no hop time)", true},
               {"peak_activations", "micro-batches at a stage that the fullest rank holds between forward and backward"},
               {"peak_activations_published", "the published number", true},
               {"peak_activations_share", "the same in activations of 1/PP of the model, which compares schedules with stages of different size"},
               {"model_copies", "copies of the model that the ranks hold together"}};
  k.read = read_pipeline;
  return k;
}

}  // namespace weft::scenarios
