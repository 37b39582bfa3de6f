#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "workloads/inference/requests/process.h"
#include "workloads/inference/requests/source_parts.h"

namespace weft::workloads::inference {
namespace {

using Model = CacheSpec::Model;

class Process final : public ReadSource {
 public:
  Process(Json resolved, std::vector<ConstantUsed> constants, CacheSpec cache, EndSpec end, ProcessSpec spec)
      : ReadSource(std::move(resolved), std::move(constants), cache, end), spec_(std::move(spec)) {}

  std::unique_ptr<RequestStream> open(std::uint64_t seed) const override { return end_.stream(process_prompts(spec_, seed), cache_); }

  RequestSummary summary() const override {
    const double number = spec_.expected();
    RequestSummary s;
    s.requests = std::min(number, static_cast<double>(end_.limit));
    if (!end_.limited()) s.duration = spec_.duration;
    s.per_second = number / spec_.duration.value();
    s.peak_per_second = spec_.mean_rate * spec_.curve.peak();
    s.output = spec_.output.expected();
    const double own = spec_.prompt.expected(), q = spec_.continues;
    s.prompt = (own + q * *s.output) / (1 - q);   // P = own + q (P + D)
    if (cache_.model != Model::sessions) s.hit = cache_.hit;
    else if (cache_.capacity == PrefixCache::infinite) s.hit = q * (*s.prompt + *s.output - (cache_.block - 1) / 2.0) / *s.prompt;
    return s;
  }

  std::vector<std::string> notes() const override {
    if (cache_.model != Model::sessions) return {};
    return {fmt::format("{:.1f} % of the requests go on with an earlier one, whose prompt and answer stand before {:.0f} tokens of their own in the mean",
                        100 * spec_.continues, spec_.prompt.expected())};
  }

 private:
  ProcessSpec spec_;
};

/// {"rates": [...], "period": "24 h", "first": "0 h"}, or a day's curve by its name.
RateCurve read_curve(SourceReading& r, bool linear, Json& resolved) {
  const Json usual = "deepseek_day";
  const auto given = r.where.maybe("curve");
  JsonReader c = given ? *given : JsonReader(usual, r.where.file(), r.where.problems(), r.where.pointer() + "/curve");
  const std::size_t before = c.problems().list().size();
  resolved = c.value();
  if (!c.is_object()) {
    const RequestDay day = read_request_day(c, *r.context.data);
    if (c.problems().list().size() != before) return {};
    for (ConstantUsed& k : curve_constants(day)) r.constants.push_back(std::move(k));
    return day.curve(linear);
  }
  std::vector<double> rates;
  double sum = 0;
  const JsonReader list = c.at("rates");
  if (c.has("rates") && !list.is_array()) list.fail("expected a list of rates");
  for (const JsonReader& item : list.items()) {
    rates.push_back(item.as_number(0, 1e18));
    sum += rates.back();
  }
  const Seconds period = c.quantity_or("period", Seconds(86400)), first = c.quantity_or("first", Seconds(0), false);
  if (list.is_array() && sum <= 0 && c.problems().list().size() == before) list.fail("expected rates, of which one at least is above zero");
  c.done();
  return c.problems().list().size() == before ? RateCurve(rates, linear, period, first) : RateCurve();
}

void read_arrivals(SourceReading& r, const std::string& process, ProcessSpec& spec) {
  JsonReader& where = r.where;
  if (process == "uniform") spec.gaps = ProcessSpec::Gaps::even;
  if (process == "bursts" || (process == "diurnal" && where.has("cv"))) {
    spec.gaps = ProcessSpec::Gaps::gamma;
    r.resolved["cv"] = spec.cv = where.number("cv", 0.01, 100);
  }
  if (process == "diurnal") {
    const std::string shape = where.one_of("shape", {"step", "linear"}, "step");
    Json named;
    spec.curve = read_curve(r, shape == "linear", named);
    r.resolved["shape"] = shape;
    r.resolved["curve"] = std::move(named);
    spec.from = where.quantity_or("from", spec.curve.first(), false);
    r.resolved["from"] = fmt::format("{} s", spec.from.value());
  }
  const double count = static_cast<double>(where.integer("count", 1, 1'000'000'000'000));
  spec.duration = process == "diurnal" ? where.quantity_or("duration", spec.curve.period()) : where.quantity<Seconds>("duration");
  const Seconds per = where.quantity_or("per", spec.duration);
  if (!r.sound()) return;
  r.resolved["count"] = where.at("count").value();
  r.resolved["duration"] = where.has("duration") ? where.at("duration").value() : Json(fmt::format("{} s", spec.duration.value()));
  spec.mean_rate = count / per.value();
  if (where.has("per")) {
    r.resolved["per"] = where.at("per").value();
    return;
  }
  spec.mean_rate = 1;
  const double amount = spec.expected();   // of the curve alone
  if (amount <= 0) where.fail_at("duration", "the curve is zero all that time", "take a longer one, or begin elsewhere with `from`");
  spec.mean_rate = count / amount;
}

Lengths read_length(SourceReading& r, const char* key, double usual) {
  Json resolved;
  const auto given = r.where.maybe(key);
  const Lengths l = read_lengths(given, usual, resolved);
  const auto says = [&](const char* name) { return given && given->is_object() && given->has(name); };
  const bool by_mean = l.kind != Lengths::Kind::uniform && l.kind != Lengths::Kind::table;
  if (by_mean && !says("mean") && !(given && given->is_number())) r.uses_day = true;
  if (l.kind == Lengths::Kind::lognormal && !says("cv") && !says("sigma"))
    r.assume(std::string(key) + ": cv", "1", "no publication gives the spread of lengths");
  r.resolved[key] = std::move(resolved);
  return l;
}

/// Earlier turns stand before a prompt's own text: of a mean prompt P the part that hits is earlier prompt and answer, P + D in q of the requests.
void add_turns(ProcessSpec& spec, const CacheSpec& cache) {
  const double p = spec.prompt.expected(), d = spec.output.expected();
  spec.continues = cache.hit * p / (p + d);
  spec.prompt.scale = 1 - cache.hit;
  spec.turn_lag = static_cast<std::uint64_t>(std::clamp(std::round(cache.turn_gap.value() * spec.expected() / spec.duration.value()), 1.0, 1e15));
}

}  // namespace

std::unique_ptr<RequestSource> read_process(SourceReading& r) {
  const std::string process = r.where.one_of("process", {"poisson", "bursts", "diurnal", "uniform"});
  r.resolved["process"] = process;
  ProcessSpec spec;
  read_arrivals(r, process, spec);
  spec.prompt = read_length(r, "prompt", r.day.lengths().prompt);
  spec.output = read_length(r, "output", r.day.lengths().output);
  const CacheSpec cache = read_cache(r, {"all_alike", "none", "sessions"});
  const EndSpec end = read_end(r, "cut");
  if (!r.sound()) return nullptr;
  if (cache.model == Model::sessions) add_turns(spec, cache);
  return std::make_unique<Process>(std::move(r.resolved), r.take_constants(), cache, end, std::move(spec));
}

}  // namespace weft::workloads::inference
