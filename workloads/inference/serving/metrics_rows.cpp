// The rows of a served stream: one for all of it, then one an interval.
#include <algorithm>

#include <fmt/format.h>

#include "workloads/inference/serving/metrics.h"

namespace weft::workloads::inference::serving {
namespace {

void add_latency(Row& row, const std::string& name, const Distribution& d, double scale, const std::string& unit) {
  if (d.count() == 0) return;
  row.set(fmt::format("{}_mean_{}", name, unit), d.mean() * scale);
  for (const int p : {50, 90, 99}) row.set(fmt::format("{}_p{}_{}", name, p, unit), d.quantile(p / 100.0) * scale);
}

std::int64_t whole(std::uint64_t n) { return static_cast<std::int64_t>(n); }

void add_latency_docs(std::vector<ColumnDoc>& docs, const std::string& name, const std::string& unit, const std::string& text, bool detail = false) {
  docs.push_back({fmt::format("{}_mean_{}", name, unit), text, detail});
  docs.push_back({fmt::format("{}_p50_{}", name, unit), "half of them are no longer", true});
  docs.push_back({fmt::format("{}_p90_{}", name, unit), "nine of ten are no longer", true});
  docs.push_back({fmt::format("{}_p99_{}", name, unit), "99 of 100 are no longer", detail});
}

}  // namespace

void ServingMetrics::add_rates(Row& row) const {
  const double seconds = close_->time - begin_->time;
  row.set("window_s", seconds);
  if (seconds <= 0) return;
  const auto per_second = [&](auto ServerState::* n) { return (static_cast<double>((*close_).*n) - static_cast<double>((*begin_).*n)) / seconds; };
  row.set("offered_rps", per_second(&ServerState::arrivals)).set("served_rps", per_second(&ServerState::finished));
  row.set("prefill_tps_node", per_second(&ServerState::prompt_tokens) / prefill_nodes_);
  row.set("prefill_computed_tps_node", per_second(&ServerState::computed_tokens) / prefill_nodes_);
  row.set("decode_tps_node", per_second(&ServerState::output_tokens) / decode_nodes_);
  row.set("prefill_busy_pct", 100 * per_second(&ServerState::prefill_busy) / prefill_units_);
  row.set("decode_busy_pct", 100 * per_second(&ServerState::decode_busy) / decode_units_);
  row.set("kv_mean_pct", 100 * per_second(&ServerState::kv_time));
}

void ServingMetrics::add_goodput(Row& row) const {
  if (!slo_.ttft && !slo_.tpot) return;
  // Of the requests that came after the warm-up, however they ended; per second of the window in which they came.
  const double seconds = close_->time - begin_->time;
  if (seconds > 0) row.set("goodput_rps", static_cast<double>(good) / seconds).set("goodput_tps", static_cast<double>(good_tokens) / seconds);
  row.set("goodput_pct", came == 0 ? 0.0 : 100.0 * static_cast<double>(good) / static_cast<double>(came));
}

Row ServingMetrics::summary() const {
  Row row;
  row.set("requests", whole(last_.arrivals)).set("finished", whole(last_.finished)).set("turned_away", whole(turned_away)).set("refused", whole(refused));
  row.set("unfinished", whole(unfinished)).set("preemptions", whole(preemptions)).set("simulated_s", last_.time);
  add_rates(row);
  add_latency(row, "ttft", ttft, 1e3, "ms");
  add_latency(row, "tpot", tpot, 1e3, "ms");
  add_latency(row, "itl", itl, 1e3, "ms");
  add_latency(row, "e2e", e2e, 1, "s");
  add_latency(row, "queue", queue, 1e3, "ms");
  add_latency(row, "cache_read", cache_read, 1e3, "ms");
  add_latency(row, "kv_transfer", transfer, 1e3, "ms");
  add_latency(row, "decode_wait", decode_wait, 1e3, "ms");
  add_goodput(row);
  row.set("output_tokens", whole(last_.output_tokens));
  row.set("hit_pct", last_.prompt_tokens > 0 ? 100 * last_.cached_tokens / last_.prompt_tokens : 0.0);
  row.set("passes", passes).set("pass_tokens", pass_tokens.mean()).set("prefill_imbalance", prefill_imbalance.mean());
  row.set("steps", steps).set("batch_mean", batch.mean()).set("batch_peak", largest_batch);
  row.set("tokens_per_step", request_steps > 0 ? step_tokens / request_steps : 0.0);
  row.set("kv_imbalance", kv_imbalance.mean()).set("request_imbalance", request_imbalance.mean()).set("kv_peak_pct", 100 * kv_peak);
  const std::optional<Overload> o = overload();
  row.set("overloaded", o.has_value());
  if (o) row.set("overloaded_stage", o->stage).set("overloaded_from_s", o->since).set("sustained_rps", o->sustained);
  if (o && o->sustained > 0) row.set("load", o->offered / o->sustained);
  return row;
}

std::vector<Row> ServingMetrics::series() const {
  std::vector<Row> rows;
  std::vector<ServerState> states = rows_.all();
  if (states.empty() || last_.time > states.back().time) states.push_back(last_);
  for (std::size_t i = 1; i < states.size(); ++i) {
    const ServerState &a = states[i - 1], &b = states[i];
    const double seconds = b.time - a.time;
    Row r;
    r.set("from_s", a.time).set("until_s", b.time);
    r.set("offered_rps", static_cast<double>(b.arrivals - a.arrivals) / seconds).set("served_rps", static_cast<double>(b.finished - a.finished) / seconds);
    r.set("prefill_tps_node", (b.prompt_tokens - a.prompt_tokens) / seconds / prefill_nodes_);
    r.set("decode_tps_node", static_cast<double>(b.output_tokens - a.output_tokens) / seconds / decode_nodes_);
    r.set("prefill_busy_pct", 100 * (b.prefill_busy - a.prefill_busy) / seconds / prefill_units_);
    r.set("decode_busy_pct", 100 * (b.decode_busy - a.decode_busy) / seconds / decode_units_);
    r.set("waiting_prefill", whole(b.waiting_prefill)).set("waiting_decode", whole(b.waiting_decode)).set("decoding", whole(b.decoding));
    r.set("kv_mean_pct", 100 * (b.kv_time - a.kv_time) / seconds);
    rows.push_back(std::move(r));
  }
  return rows;
}

std::vector<std::string> ServingMetrics::warnings() const {
  std::vector<std::string> out = stream_warnings;
  if (const std::optional<Overload> o = overload()) {
    out.push_back(fmt::format("requests come faster than they are served: {:.4g} a second, {} sustains {:.4g}; queues grow without bound from {:.4g} s on, {} requests waited when "
                              "the last had come, and latencies say more about how long requests came than about the cluster",
                              o->offered, o->stage, o->sustained, o->since, o->waiting));
  }
  if (last_.arrivals == 0) out.push_back("no request came");
  else if (counted + unfinished + turned_away + refused == 0) out.push_back("no request came after the warm-up, so none is counted");
  if (turned_away > 0) {
    out.push_back(fmt::format("{} of {} requests were turned away since max_waiting others waited", turned_away, last_.arrivals));
  }
  if (refused > 0) out.push_back(fmt::format("{} of {} requests were refused: longer than the context or than a group's memory", refused, last_.arrivals));
  if (unfinished > 0) out.push_back(fmt::format("{} of {} requests had not ended when the run was cut at its horizon", unfinished, last_.arrivals));
  return out;
}

std::vector<ColumnDoc> serving_column_docs() {
  std::vector<ColumnDoc> docs = {
      {"part", "\"all\": the whole stream; \"interval\": a stretch of time"},
      {"from_s", "beginning of the interval"}, {"until_s", "its end"},
      {"requests", "that came"}, {"finished", "that were served to their end"},
      {"turned_away", "since too many waited", true}, {"refused", "longer than the context or than a group's memory", true},
      {"unfinished", "in the server when the run was cut", true}, {"preemptions", "requests that gave their memory away and were computed again", true},
      {"simulated_s", "until the last request had ended", true},
      {"window_s", "over which rates and use are counted: from the end of the warm-up to the last arrival", true},
      {"offered_rps", "requests that came, a second"}, {"served_rps", "requests that ended, a second"},
      {"prefill_tps_node", "prompt tokens a second and node of the prefill units, those from the prefix cache included"},
      {"prefill_computed_tps_node", "that are computed: without those, with what is computed again after a preemption", true},
      {"decode_tps_node", "output tokens a second and node of the decode units"},
      {"prefill_busy_pct", "of the time in which prefill units compute; they take what waits, however little it is, so that this says little about what they could take"}, {"decode_busy_pct", "of the time in which decode units do", true},
      {"waiting_prefill", "requests that wait for prefill at the end of the interval"}, {"waiting_decode", "computed ones that wait for memory of decode, then", true},
      {"decoding", "requests in decode, then"}, {"kv_mean_pct", "decode's memory taken, mean over time"}};
  add_latency_docs(docs, "ttft", "ms", "time to first token: from arrival until the cache has come to the decode unit, which answers; mean");
  add_latency_docs(docs, "tpot", "ms", "time per output token after the first, of a request; mean over requests");
  add_latency_docs(docs, "itl", "ms", "between deliveries of a request: a step, which may bring several tokens; mean over deliveries");
  add_latency_docs(docs, "e2e", "s", "from arrival to the last token; mean");
  add_latency_docs(docs, "queue", "ms", "from arrival to the beginning of prefill, reads of cached prompts included; mean", true);
  add_latency_docs(docs, "cache_read", "ms", "of it, reading the cached part of the prompt; mean", true);
  add_latency_docs(docs, "kv_transfer", "ms", "cache from prefill to decode; mean", true);
  add_latency_docs(docs, "decode_wait", "ms", "computed, waiting for memory of decode; mean", true);
  const std::vector<ColumnDoc> more = {
      {"goodput_rps", "requests a second that met the goals (slo)"}, {"goodput_tps", "output tokens a second of these", true},
      {"goodput_pct", "part of the requests after the warm-up that met them; those not served missed them"},
      {"output_tokens", "delivered", true}, {"hit_pct", "of prompt tokens that came from the prefix cache", true},
      {"passes", "of prefill units", true}, {"pass_tokens", "new tokens of the busiest group in a pass, mean over time", true},
      {"prefill_imbalance", "work of the busiest group over the mean, mean over passes' time"},
      {"steps", "of decode units", true}, {"batch_mean", "requests of a decode group, mean over steps' time"}, {"batch_peak", "most of one group", true},
      {"tokens_per_step", "that a request gets: 1 and accepted drafts", true},
      {"kv_imbalance", "cache of the fullest decode group over the mean, mean over steps' time"}, {"request_imbalance", "requests of the fullest over the mean", true},
      {"kv_peak_pct", "decode's memory taken, most at any time", true},
      {"overloaded", "queues grew all through the second half of the arrivals"}, {"overloaded_stage", "that cannot keep up", true},
      {"overloaded_from_s", "from when on its queue never was short again", true}, {"sustained_rps", "requests a second that it got done"},
      {"load", "requests offered over sustained"}};
  docs.insert(docs.end(), more.begin(), more.end());
  return docs;
}

}  // namespace weft::workloads::inference::serving
