#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/named_object.h"
#include "workloads/inference/day/production_day.h"
#include "workloads/inference/day/reading.h"

namespace weft::workloads::inference {
namespace {

/// More tokens, nodes or tokens a second than anybody has in a day: a typing mistake.
constexpr double kMost = 1e18;
constexpr double kMostNodes = 1e6;

/// A key of the workload where it gives one, else of the day's file.
class Keys {
 public:
  Keys(JsonReader& workload, JsonReader& file) : workload_(workload), file_(file) {}
  JsonReader at(const std::string& key) {
    const bool own = workload_.has(key);
    if (own) file_.has(key);   // known there as well
    return own ? workload_.at(key) : file_.at(key);
  }
  bool has(const std::string& key) {
    const bool in_file = file_.has(key);
    return workload_.has(key) || in_file;
  }

 private:
  JsonReader& workload_;
  JsonReader& file_;
};

/// {"first_hour": 12, "load": [...]}, with "edges_h" where steps differ in length.
void read_load(JsonReader where, ProductionDay& d) {
  if (!where.expect_object("a load, {\"load\": [...]} with \"first_hour\" and \"edges_h\"")) return;
  d.first_hour = where.number_or("first_hour", 0, 0, kHoursOfDay);
  const std::size_t before = where.problems().list().size();
  JsonReader load = where.at("load");
  if (where.has("edges_h")) {
    const Json steps = {{"edges_h", where.at("edges_h").value()}, {"load", load.value()}};
    d.load = read_step_curve(JsonReader(steps, where.file(), where.problems(), where.pointer()), "load", 0, kMost);
  } else {
    d.load = read_step_curve(load, "load", 0, kMost);
  }
  where.done();
  if (where.problems().list().size() == before && d.load.value.highest() <= 0) load.fail("is zero all day, so that nothing says when the tokens came");
}

/// Means of quarters of an hour where the rate goes straight from the middle of a part to that of the next.
std::vector<double> quarter_hours(const RequestDay& requests) {
  constexpr double kQuarter_s = 900;
  const RateCurve curve = requests.curve(true);
  std::vector<double> means;
  for (double from_s = 0; from_s < kHoursOfDay * 3600; from_s += kQuarter_s) {
    const double at_s = requests.first.value.value() + from_s;
    means.push_back((curve.amount(at_s + kQuarter_s) - curve.amount(at_s)) / kQuarter_s);
  }
  return means;
}

/// The curve of a day of requests, which has equal parts.
void take_load(const JsonReader& where, const RequestDay& requests, bool smooth, ProductionDay& d) {
  if (requests.period.value != Seconds(kHoursOfDay * 3600)) {
    where.fail(fmt::format("the curve of {} has a period of {}, not of a day", requests.name, core::to_text(requests.period.value)));
    return;
  }
  d.first_hour = requests.first.value.value() / 3600;
  d.load = {equal_steps(smooth ? quarter_hours(requests) : requests.rates.value), requests.rates.origin, requests.rates.source};
}

/// Tokens and load: of the day of requests, but for what is given beside it.
void read_requests(Keys& keys, const DataPlaces& data, ProductionDay& d) {
  JsonReader at = keys.at("requests");
  const std::size_t before = at.problems().list().size();
  const RequestDay requests = read_request_day(at, data);
  d.requests = requests.name;
  const bool read = at.problems().list().size() == before;
  const auto number = [&](const char* key, const Sourced<double>& usual, double min, double max) { return keys.has(key) ? read_number(keys.at(key), min, max) : usual; };
  d.input_tokens = number("input_tokens", requests.input, 1, kMost);
  d.cached_tokens = number("cached_tokens", requests.cached, 0, kMost);
  d.output_tokens = number("output_tokens", requests.output, 1, kMost);
  d.mean_kv = number("mean_kv", requests.kv, 1, 1e9);
  const bool smooth = keys.has("smooth") && keys.at("smooth").as_bool();
  if (keys.has("load")) read_load(keys.at("load"), d);
  else if (read) take_load(at, requests, smooth, d);
  if (smooth && keys.has("load")) keys.at("smooth").fail("smooths the curve of a day of requests, but a load is given", "leave out one of both");
}

void read_prices(JsonReader where, ProductionDay& d) {
  if (!where.expect_object("prices of a million tokens")) return;
  d.cached_price = where.sourced<Dollars>("cached", Origin::assumed, false);
  d.input_price = where.sourced<Dollars>("input", Origin::assumed, false);
  d.output_price = where.sourced<Dollars>("output", Origin::assumed, false);
  where.done();
}

void read_rates(JsonReader where, ProductionDay& d) {
  if (!where.expect_object("tokens a second of a node")) return;
  if (where.has("prefill")) d.prefill_rate = read_number(where.at("prefill"), 1e-9, kMost);
  if (where.has("decode")) d.decode_rate = read_number(where.at("decode"), 1e-9, kMost);
  where.done();
}

void read_cell(JsonReader where, Cell& c) {
  if (!where.expect_object("a cell")) return;
  const auto count = [&](const char* key, double min) {
    JsonReader at = where.at(key);
    Sourced<double> n = read_number(at, min, kMostNodes);
    if (n.value != static_cast<double>(static_cast<std::int64_t>(n.value))) at.fail(fmt::format("expected a whole number, got {:g}", n.value));
    return n;
  };
  c.prefill_unit = count("prefill_unit", 1);
  c.decode_unit = count("decode_unit", 1);
  c.prefill_units = count("prefill_units", 1);
  c.decode_units = count("decode_units", 1);
  c.fixed_prefill_units = count("fixed_prefill_units", 0);
  where.done();
}

/// Each level must be whole cells, since nothing else says what is prefill and what decode.
void check_nodes(const JsonReader& where, const ProductionDay& d) {
  for (const double n : d.nodes->value.levels) {
    if (d.cell.cells_of(n)) continue;
    where.fail(fmt::format("{:g} nodes are no whole number of cells", n), d.cell.levels_near(n));
    return;
  }
}

void read_nodes(JsonReader where, ProductionDay& d) {
  if (where.is_string()) {
    if (where.as_string() != "follow") where.fail(fmt::format("expected \"follow\", a number or steps, got \"{}\"", where.as_string()));
    return;
  }
  if (where.is_object()) d.nodes = read_step_curve(where, "values", 1, kMostNodes);
  else d.nodes = Sourced<StepCurve>{equal_steps({where.as_number(1, kMostNodes)}), Origin::assumed, "given in " + where.file()};
}

void read_power(JsonReader where, const DataPlaces& data, NodePower& p) {
  auto found = read_named_object(where, data, "models/data/power", "the power of a node");
  if (!found) return;
  JsonReader& r = found->reader;
  p.name = found->name;
  r.string("title", "");
  p.gpu = r.sourced<Watts>("gpu", Origin::assumed, false);
  p.idle = read_number(r.at("idle"), 0, 1);
  p.prefill = read_number(r.at("prefill"), 0, 1);
  p.decode = read_number(r.at("decode"), 0, 1);
  p.rest_of_node = r.sourced<Watts>("rest_of_node", Origin::assumed, false);
  r.done();
}

}  // namespace

ProductionDay read_production_day(JsonReader& where, const DataPlaces& data) {
  static const Json kUsual = "deepseek_day6";
  ProductionDay d;
  const std::size_t before = where.problems().list().size();
  const JsonReader named = where.has("day") ? where.at("day") : JsonReader(kUsual, where.file(), where.problems(), where.pointer() + "/day");
  auto found = read_named_object(named, data, "models/data/production_days", "a production day");
  if (!found) return d;
  d.name = found->name;
  d.title = found->reader.string("title", d.name);
  Keys keys(where, found->reader);
  read_requests(keys, data, d);
  d.user_speed = read_number(keys.at("user_speed"), 1e-3, 1e6);
  if (keys.has("node_rates")) read_rates(keys.at("node_rates"), d);
  d.gpus_per_node = static_cast<double>(keys.at("gpus_per_node").as_integer(1, 1'000'000));
  d.gpu_price = keys.at("gpu_price").as_sourced<Dollars>(Origin::assumed, false);
  read_prices(keys.at("token_prices"), d);
  read_cell(keys.at("cell"), d.cell);
  JsonReader nodes = keys.at("nodes");
  read_nodes(nodes, d);
  d.training_gpu_hours = read_number(keys.at("training_gpu_hours"), 1e-9, kMost);
  read_power(keys.at("power"), data, d.power);
  found->reader.done();
  if (where.problems().list().size() != before) return d;
  if (d.nodes) check_nodes(nodes, d);
  if (d.cached_tokens.value > d.input_tokens.value) {
    keys.at("cached_tokens").fail(fmt::format("{:g} cached tokens are more than the {:g} that came in", d.cached_tokens.value, d.input_tokens.value));
  }
  return d;
}

std::vector<ColumnDoc> day_parameter_docs() {
  return {{"day", "a name (models/data/production_days), a path or an object; default deepseek_day6. The keys below are its own; what a workload gives stands in their place"},
          {"requests", "day of requests that tokens, mean_kv and load are those of: a name (models/data/request_days), a path or an object"},
          {"load", "shape of the load: {\"first_hour\": 12, \"load\": [...]}, with \"edges_h\": [0, ..., 24] where steps differ in length"},
          {"smooth", "true: the curve goes straight from the middle of an hour to that of the next, in quarters of an hour, so that hours no longer have exactly their published share; default false"},
          {"input_tokens", "into prefill in the day"},
          {"cached_tokens", "of them, those that the prefix cache has"},
          {"output_tokens", "out of decode in the day"},
          {"mean_kv", "tokens in the cache of a request when an output token is computed, mean over the day"},
          {"user_speed", "output tokens a second that a user sees, as published"},
          {"node_rates", "published day averages: {\"prefill\": 73700, \"decode\": 14800} tokens a second and node"},
          {"gpus_per_node", "GPUs in a node"},
          {"gpu_price", "of a GPU for an hour"},
          {"token_prices", "of a million tokens: {\"cached\": \"0.14 USD\", \"input\": \"0.55 USD\", \"output\": \"2.19 USD\"}"},
          {"nodes", "allocated: a number, steps {\"edges_h\": [0, ..., 24], \"values\": [...]}, or \"follow\": cells follow the load"},
          {"cell", "what nodes come in: sizes of units in nodes (prefill_unit, decode_unit), units in a cell (prefill_units, decode_units), units that stay (fixed_prefill_units)"},
          {"training_gpu_hours", "GPU-hours that training on a trillion tokens takes"},
          {"power", "of a node: a name (models/data/power), a path or an object"}};
}

Json resolved_day(const ProductionDay& d) {
  const auto usd = [](const Sourced<Dollars>& p) { return fmt::format("{} USD", p.value.value()); };
  const auto watts = [](const Sourced<Watts>& p) { return fmt::format("{} W", p.value.value()); };
  Json rates = Json::object();
  if (d.prefill_rate.value > 0) rates["prefill"] = d.prefill_rate.value;
  if (d.decode_rate.value > 0) rates["decode"] = d.decode_rate.value;
  Json nodes = "follow";
  if (d.nodes) nodes = {{"edges_h", d.nodes->value.edges_h}, {"values", d.nodes->value.levels}};
  return {{"day", d.name},
          {"requests", d.requests},
          {"load", {{"first_hour", d.first_hour}, {"edges_h", d.load.value.edges_h}, {"load", d.load.value.levels}}},
          {"input_tokens", d.input_tokens.value},
          {"cached_tokens", d.cached_tokens.value},
          {"output_tokens", d.output_tokens.value},
          {"mean_kv", d.mean_kv.value},
          {"user_speed", d.user_speed.value},
          {"node_rates", std::move(rates)},
          {"gpus_per_node", static_cast<std::int64_t>(d.gpus_per_node)},
          {"gpu_price", usd(d.gpu_price)},
          {"token_prices", {{"cached", usd(d.cached_price)}, {"input", usd(d.input_price)}, {"output", usd(d.output_price)}}},
          {"nodes", std::move(nodes)},
          {"cell", {{"prefill_unit", d.cell.prefill_unit.value}, {"decode_unit", d.cell.decode_unit.value}, {"prefill_units", d.cell.prefill_units.value},
                    {"decode_units", d.cell.decode_units.value}, {"fixed_prefill_units", d.cell.fixed_prefill_units.value}}},
          {"training_gpu_hours", d.training_gpu_hours.value},
          {"power", {{"name", d.power.name}, {"gpu", watts(d.power.gpu)}, {"idle", d.power.idle.value}, {"prefill", d.power.prefill.value},
                     {"decode", d.power.decode.value}, {"rest_of_node", watts(d.power.rest_of_node)}}}};
}

}  // namespace weft::workloads::inference
