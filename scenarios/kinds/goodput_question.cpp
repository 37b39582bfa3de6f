#include "scenarios/kinds/goodput_question.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace weft::scenarios {
namespace {

constexpr double kShortest_s = 1e-3, kLongest_s = 100 * 365.25 * 86400;

std::string seconds_text(Seconds s) { return fmt::format("{:.15g} s", s.value()); }

/// A time that a simulation of weeks can have: from a millisecond to a century.
Seconds sensible(JsonReader& where, const char* key, Seconds fallback) {
  const Seconds s = where.quantity_or<Seconds>(key, fallback);
  if (s.value() < kShortest_s || s.value() > kLongest_s) where.fail_at(key, fmt::format("expected a time from 1 ms to 100 years, got {}", core::to_text(s)));
  return s;
}

void read_rates(JsonReader& where, StreamsQuestion& q, Json& resolved) {
  static const Json kUsual = "llama3_405b";
  JsonReader at = where.has("rates") ? where.at("rates") : JsonReader(kUsual, where.file(), where.problems(), where.pointer() + "/rates");
  resolved["rates"] = at.value();
  if (at.is_array() && at.items().empty()) at.fail("the list is empty", "a job without failures needs {\"causes\": [...]} with a \"scale\" of 0");
  for (const JsonReader& one : at.is_array() ? at.items() : std::vector<JsonReader>{at}) q.rates.push_back(models::read_failure_rates(one, q.data));
}

void read_scale(JsonReader& where, StreamsQuestion& q, Json& resolved) {
  auto at = where.maybe("scale");
  if (!at || !at->expect_object("factors by cause or part, such as {\"software\": 0.5}")) return;
  std::vector<std::string> known = models::failed_part_names();
  std::vector<std::string> in_rates;
  for (const auto& rates : q.rates) {
    for (const auto& cause : rates.causes) {
      if (std::find(known.begin(), known.end(), cause.name) == known.end()) known.push_back(cause.name);
      in_rates.push_back(cause.name);
      in_rates.push_back(models::to_text(cause.part));
    }
  }
  for (auto& [name, factor] : at->members()) {
    if (std::find(known.begin(), known.end(), name) == known.end()) factor.fail(fmt::format("no cause and no part is called \"{}\"", name), unknown_name_hint(name, known));
    else if (std::find(in_rates.begin(), in_rates.end(), name) == in_rates.end()) factor.fail(fmt::format("the rates say nothing of \"{}\"", name));
    q.scale[name] = factor.as_number(0, 1e9);
  }
  resolved["scale"] = at->value();
}

/// How long the job stands still for a checkpoint: given, or what writing the state takes.
void read_pause(JsonReader& where, GoodputQuestion& q, Json& resolved) {
  const bool pause = where.has("pause"), state = where.has("state"), parameters = where.has("parameters");
  if (int(pause) + int(state) + int(parameters) != 1) {
    where.fail("expected exactly one of \"pause\", \"state\" and \"parameters\"", R"("pause": "20 s", or "parameters": 671e9, "write_rate": "500 GB/s")");
    for (const char* key : {"bytes_per_parameter", "write_rate"}) where.has(key);
    return;
  }
  if (pause) {
    q.pause = where.quantity<Seconds>("pause", false);
    if (q.pause.value() > kLongest_s) where.fail_at("pause", "expected a time of up to 100 years");
  } else {
    Bytes bytes;
    if (state) {
      bytes = where.quantity<Bytes>("state");
      resolved["state_B"] = bytes.value();
    } else {
      const double n = where.number("parameters", 1, 1e18), each = where.number_or("bytes_per_parameter", 10, 0.125, 1000);
      resolved["parameters"] = n;
      resolved["bytes_per_parameter"] = each;
      bytes = Bytes(n * each);
    }
    const BytesPerSecond rate = where.quantity<BytesPerSecond>("write_rate");
    resolved["write_rate_Bps"] = rate.value();
    q.write_rate = rate;
    q.pause = bytes / rate;
  }
  resolved["pause"] = seconds_text(q.pause);
}

void read_interval(JsonReader& where, GoodputQuestion& q, Json& resolved) {
  static const std::vector<std::string> kRules = {"young", "daly", "best"};
  resolved["interval"] = "daly";
  if (!where.has("interval")) return;
  JsonReader at = where.at("interval");
  resolved["interval"] = at.value();
  const auto rule = at.is_string() ? std::find(kRules.begin(), kRules.end(), at.as_string()) : kRules.end();
  if (rule != kRules.end()) {
    q.rule = static_cast<IntervalRule>(1 + (rule - kRules.begin()));
    return;
  }
  if (at.is_string() && parse_unit(at.as_string()).what != ParsedUnit::What::seconds) {
    at.fail(fmt::format("expected a time like \"30 min\", \"young\", \"daly\" or \"best\", got \"{}\"", at.as_string()), unknown_name_hint(at.as_string(), kRules));
    return;
  }
  q.rule = IntervalRule::given;
  q.interval = sensible(where, "interval", Seconds(1800));
}

void read_network(JsonReader& where, StreamsQuestion& q, Json& resolved) {
  const std::string network = where.one_of("network", {"by_topology", "stops"}, "by_topology");
  const std::string policy = where.one_of("on_lost_nic", lost_nic_words(), "rebalance");
  const std::string traffic = where.one_of("traffic", {"uniform", "shift"}, "uniform");
  q.by_topology = network == "by_topology";
  q.on_lost_nic = static_cast<LostNic>(std::find(lost_nic_words().begin(), lost_nic_words().end(), policy) - lost_nic_words().begin());
  q.shift = traffic == "shift";
  q.communication_share = where.number_or("communication_share", 1, 0, 1);
  resolved["network"] = network;
  resolved["on_lost_nic"] = policy;
  resolved["traffic"] = traffic;
  resolved["communication_share"] = q.communication_share;
}

void read_tokens(JsonReader& where, GoodputQuestion& q, Json& resolved) {
  if (where.has("step") != where.has("tokens_per_step")) {
    where.fail("\"step\" and \"tokens_per_step\" belong together", R"("step": "19.9 s", "tokens_per_step": 62914560)");
    return;
  }
  if (!where.has("step")) return;
  q.step = sensible(where, "step", Seconds(1));
  q.tokens_per_step = where.number("tokens_per_step", 1, 1e15);
  resolved["step"] = seconds_text(*q.step);
  resolved["tokens_per_step"] = q.tokens_per_step;
}

}  // namespace

std::optional<GoodputQuestion> read_goodput_question(JsonReader& where, const AnalysisContext& context) {
  const std::size_t before = where.problems().list().size();
  GoodputQuestion q(context.data);
  Json resolved = Json::object();
  q.seed = context.seed;
  read_rates(where, q.streams, resolved);
  read_scale(where, q.streams, resolved);
  q.streams.recovery = models::read_recovery(where, context.data);
  read_pause(where, q, resolved);
  read_interval(where, q, resolved);
  read_network(where, q.streams, resolved);
  read_tokens(where, q, resolved);
  q.duration = sensible(where, "duration", Seconds(28 * 86400.0));
  if (where.has("spares")) q.spares = where.integer("spares", 0, 10'000'000);
  q.weibull_shape = where.number_or("weibull_shape", 1, 0.2, 10);
  q.replicas = where.integer_or("replicas", 100, 1, 1'000'000);
  resolved["duration"] = seconds_text(q.duration);
  if (q.spares) resolved["spares"] = *q.spares;
  resolved["weibull_shape"] = q.weibull_shape;
  resolved["replicas"] = q.replicas;
  if (where.problems().list().size() != before) return std::nullopt;
  const Json recovery = models::resolved_recovery(q.streams.recovery);
  for (const auto& [key, value] : recovery.items()) resolved[key] = value;
  q.resolved = std::make_shared<const Json>(std::move(resolved));
  return q;
}

std::vector<ColumnDoc> goodput_parameter_docs() {
  std::vector<ColumnDoc> docs = models::failure_rate_docs();
  docs.push_back({"scale", "factors on rates, by cause or part: {\"software\": 0.5, \"NIC\": 2}"});
  docs.push_back({"pause", "how long the job stands still for a checkpoint; or"});
  docs.push_back({"state", "bytes of a checkpoint, or \"parameters\" times \"bytes_per_parameter\" (default 10), written at \"write_rate\""});
  docs.push_back({"interval", "of work between two checkpoints: a time, or \"young\", \"daly\" (default), \"best\""});
  for (ColumnDoc& d : models::recovery_docs()) docs.push_back(std::move(d));
  docs.push_back({"network", "what a failure of the network does: \"by_topology\" (default: played on the engine, as failures_by_part does) or \"stops\" (every one ends the job)"});
  docs.push_back({"on_lost_nic", "\"rebalance\" (default), \"neighbour\" or \"error\": what a GPU does whose NIC has no path"});
  docs.push_back({"traffic", "whose slowdown counts: \"uniform\" (default) or \"shift\""});
  docs.push_back({"communication_share", "part of a step that gets as much slower as that traffic; default 1, which overstates what lost parts cost"});
  docs.push_back({"spares", "nodes that stand ready; default: one is always at hand"});
  docs.push_back({"duration", "of a run; default \"28 d\""});
  docs.push_back({"replicas", "runs, each with failures of its own; default 100"});
  docs.push_back({"weibull_shape", "of the times between failures of a cause as a whole: 1 (default) exponential, below 1 in clusters"});
  docs.push_back({"step", "time of a step without failures, with \"tokens_per_step\": then tokens a day are told"});
  return docs;
}

}  // namespace weft::scenarios
