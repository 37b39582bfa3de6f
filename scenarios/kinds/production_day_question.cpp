#include "scenarios/kinds/production_day_question.h"

#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace weft::scenarios {
namespace {

using namespace workloads::inference;

constexpr double kSecondsOfHour = 3600;

/// The member, or what stands for one that is left out.
JsonReader or_usual(JsonReader& where, const char* key, const Json& usual) {
  return where.has(key) ? where.at(key) : JsonReader(usual, where.file(), where.problems(), where.pointer() + "/" + key);
}

void read_numbers_given(JsonReader where, DayQuestion& q, Json& resolved) {
  if (!where.expect_object("tokens a second of a node: {\"prefill\": 100000, \"decode\": 20000}")) return;
  const auto number = [&](const char* key, double& to) {
    if (where.has(key)) resolved[key] = to = where.at(key).as_number(1e-6, 1e15);
  };
  number("prefill", q.given.input);
  number("decode", q.given.output);
  where.done();
}

/// Either numbers or stages say what nodes can do; each may be left out.
void read_capacity(JsonReader& where, const AnalysisContext& context, DayQuestion& q, Json& resolved) {
  if (auto given = where.maybe("node_capacity")) read_numbers_given(*given, q, resolved["node_capacity"] = Json::object());
  const auto stage = [&](const char* key, Stage which, std::optional<ServedStage>& to, double given) {
    if (!where.has(key)) return;
    const std::size_t before = where.problems().list().size();
    to = ServedStage::read(where.at(key), context, which);
    if (std::isfinite(given)) where.fail_at(key, "stands beside its number in node_capacity", "leave out one of both");
    if (where.problems().list().size() == before) resolved[key] = to->resolved();
  };
  stage("prefill", Stage::prefill, q.prefill, q.given.input);
  stage("decode", Stage::decode, q.decode, q.given.output);
}

void check_follow(JsonReader& r, const FollowRule& f) {
  const double intervals = kHoursOfDay / f.interval_h;
  if (intervals < 1 - 1e-9 || intervals > 100'000 || std::abs(intervals - std::round(intervals)) > 1e-6) {
    r.fail_at("interval", "a day is no whole number of such intervals, up to 100,000", "15 min, for example");
  }
  if (f.reaction_h + f.hold_h > kHoursOfDay) r.fail_at(r.has("hold") ? "hold" : "reaction", "reaction and hold are longer than a day");
  if (f.most > 0 && f.most < f.least) r.fail_at("most", fmt::format("{:.0f} is fewer than the least, {:.0f}", f.most, f.least));
}

FollowRule read_follow(JsonReader where, Json& resolved) {
  FollowRule f;
  if (!where.expect_object("how cells follow the load")) return f;
  const auto hours = [&](const char* key, double usual, bool positive) {
    return where.quantity_or<Seconds>(key, Seconds(usual * kSecondsOfHour), positive).value() / kSecondsOfHour;
  };
  f.headroom = where.number_or("headroom", f.headroom, 0, 0.99);
  f.least = static_cast<double>(where.integer_or("least", 1, 1, 1'000'000));
  f.most = static_cast<double>(where.integer_or("most", 0, 0, 1'000'000));
  f.interval_h = hours("interval", f.interval_h, true);
  f.reaction_h = hours("reaction", f.reaction_h, false);
  f.hold_h = hours("hold", f.hold_h, false);
  check_follow(where, f);
  where.done();
  const auto text = [](double h) { return fmt::format("{} s", h * kSecondsOfHour); };
  resolved["follow"] = {{"headroom", f.headroom}, {"least", static_cast<std::int64_t>(f.least)}, {"most", static_cast<std::int64_t>(f.most)},
                        {"interval", text(f.interval_h)}, {"reaction", text(f.reaction_h)}, {"hold", text(f.hold_h)}};
  return f;
}

/// What the day and the capacities demand of each other.
void check_together(JsonReader& where, const DayQuestion& q) {
  if (!q.day.nodes && !(q.limits_prefill() && q.limits_decode())) {
    where.fail_at("nodes", "cells can follow the load only where it is known what nodes of both stages can do", "give node_capacity, or prefill and decode");
  }
  if (q.prefill && q.day.cached_share() >= 1) {
    where.fail_at("cached_tokens", "all input is cached, so that prefill has nothing to compute", "leave out what says how fast prefill is");
  }
}

}  // namespace

bool DayQuestion::limits_prefill() const { return prefill || std::isfinite(given.input); }
bool DayQuestion::limits_decode() const { return decode || std::isfinite(given.output); }

std::optional<DayQuestion> read_day_question(JsonReader& where, const AnalysisContext& context) {
  static const Json kUsualModel = "deepseek-v3", kUsualFollow = Json::object();
  const std::size_t before = where.problems().list().size();
  const auto sound = [&] { return where.problems().list().size() == before; };
  DayQuestion q;
  q.day = read_production_day(where, context.data);
  const bool day_read = sound();
  q.model = models::read_llm(or_usual(where, "model", kUsualModel), context.data);
  Json more = Json::object();
  read_capacity(where, context, q, more);
  q.acceptance = where.number_or("acceptance", q.acceptance, 0, 1);
  q.tokens_a_pass = where.number_or("tokens_a_pass", q.tokens_a_pass, 1, 1e9);
  q.least_user_speed = where.number_or("least_user_speed", 0, 0, 1e9);
  q.follow = read_follow(or_usual(where, "follow", kUsualFollow), more);
  if (day_read) check_together(where, q);
  if (!sound()) return {};
  Json resolved = resolved_day(q.day);
  resolved["model"] = q.model.name;
  for (auto& [key, value] : more.items()) resolved[key] = value;
  resolved["acceptance"] = q.acceptance;
  resolved["tokens_a_pass"] = q.tokens_a_pass;
  resolved["least_user_speed"] = q.least_user_speed;
  q.resolved = std::make_shared<const Json>(std::move(resolved));
  return q;
}

}  // namespace weft::scenarios
