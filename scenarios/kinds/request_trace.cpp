// What a trace or a process of requests asks for: requests and tokens by hour, lengths, and the busiest time.
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "scenarios/analysis_kind.h"
#include "workloads/inference/requests/load.h"
#include "workloads/inference/requests/source.h"

namespace weft::scenarios {
namespace {

using namespace workloads::inference;

struct RequestQuestion {
  std::unique_ptr<RequestSource> source;
  RequestLoad load;
  std::vector<std::string> warnings;
  Json resolved;
};

class RequestTrace final : public Analysis {
 public:
  explicit RequestTrace(RequestQuestion q) : q_(std::move(q)) {}

  std::vector<Row> rows(const Cluster&) const override {
    const RequestLoad& l = q_.load;
    std::vector<Row> rows;
    for (std::size_t i = 0; i < l.intervals.size(); ++i) {
      Row r;
      r.set("from", fmt::format("{} s", l.interval.value() * static_cast<double>(i)));
      add_count(r, l.intervals[i], l.interval);
      rows.push_back(std::move(r));
    }
    Row all;
    all.set("from", std::string("all"));
    add_count(all, l.all, whole());
    add_peak(all);
    add_lengths(all);
    rows.insert(rows.begin(), std::move(all));
    return rows;
  }

  std::vector<std::string> notes(const Cluster&) const override { return q_.source->notes(); }
  std::vector<std::string> warnings() const override { return q_.warnings; }
  std::vector<ConstantUsed> constants(const Cluster&) const override { return q_.source->constants(); }
  Json resolved() const override { return q_.resolved; }

 private:
  /// The duration, or up to the last arrival.
  Seconds whole() const {
    if (const auto known = q_.source->summary().duration) return *known;
    return q_.load.last.value() > 0 ? q_.load.last : q_.load.interval;
  }

  static double percent(std::uint64_t part, std::uint64_t of) { return of == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(of); }

  static void add_count(Row& r, const RequestCount& c, Seconds time) {
    const double t = time.value();
    r.set("requests", static_cast<std::int64_t>(c.requests)).set("requests_per_s", static_cast<double>(c.requests) / t);
    r.set("prompt_tokens", static_cast<std::int64_t>(c.prompt)).set("prompt_tokens_per_s", static_cast<double>(c.prompt) / t);
    r.set("cached_pct", percent(c.cached, c.prompt));
    r.set("output_tokens", static_cast<std::int64_t>(c.output)).set("output_tokens_per_s", static_cast<double>(c.output) / t);
  }

  void add_peak(Row& r) const {
    const double t = q_.load.window.value();
    r.set("peak_requests_per_s", static_cast<double>(q_.load.peak.requests) / t);
    r.set("peak_prompt_tokens_per_s", static_cast<double>(q_.load.peak.prompt) / t);
    r.set("peak_output_tokens_per_s", static_cast<double>(q_.load.peak.output) / t);
  }

  void add_lengths(Row& r) const {
    const RequestLoad& l = q_.load;
    r.set("prompt_mean", l.mean_prompt()).set("prompt_p50", std::int64_t{l.prompt.quantile(0.5)});
    r.set("prompt_p99", std::int64_t{l.prompt.quantile(0.99)}).set("prompt_max", std::int64_t{l.prompt.largest()});
    r.set("output_mean", l.mean_output()).set("output_p50", std::int64_t{l.output.quantile(0.5)});
    r.set("output_p99", std::int64_t{l.output.quantile(0.99)}).set("output_max", std::int64_t{l.output.largest()});
    r.set("kv_tokens_mean", l.mean_kv()).set("last_s", l.last.value());
  }

  RequestQuestion q_;
};

std::unique_ptr<Analysis> read_request_trace(JsonReader& where, const AnalysisContext& context) {
  const std::size_t before = where.problems().list().size();
  RequestQuestion q;
  RequestContext known;
  known.data = &context.data;
  const JsonReader requests = where.at("requests");
  if (where.has("requests")) q.source = requests_from(requests, known);
  const Seconds interval = where.quantity_or("interval", Seconds(3600)), window = where.quantity_or("peak_over", Seconds(60));
  if (where.problems().list().size() != before || q.source == nullptr) return nullptr;
  const auto stream = q.source->open(context.seed);
  q.load = load_of(*stream, interval, window);
  q.warnings = stream->warnings();
  q.resolved = {{"requests", q.source->resolved()}};
  q.resolved["interval"] = where.has("interval") ? where.at("interval").value() : Json("1 h");
  q.resolved["peak_over"] = where.has("peak_over") ? where.at("peak_over").value() : Json("1 min");
  if (q.load.all.requests == 0) q.warnings.push_back("no request came");
  return std::make_unique<RequestTrace>(std::move(q));
}

}  // namespace

AnalysisKind analysis_request_trace() {
  AnalysisKind k;
  k.name = "request_trace";
  k.title = "Requests of a trace or a process";
  k.summary = "What requests ask for: a row for all of them and one for each interval, with requests, prompt tokens, what of them stands "
              "in the prefix cache, and output tokens. "
              "Nothing is simulated but the prefix cache; the cluster does not matter.";
  k.uses_cluster = false;
  k.found_by = "a trace counted, its prefix cache simulated";
  k.parameters = request_parameter_docs();
  k.parameters.push_back({"interval", "length of the intervals from time zero on; default 1 h"});
  k.parameters.push_back({"peak_over", "the busiest so long a time gives the peaks; default 1 min"});
  k.label_columns = {{"from", "where the interval begins; all: the whole"}};
  k.columns = {{"requests", "that come in it"},
               {"requests_per_s", "the same by its length (all: by the duration, or the last arrival where that is not known)"},
               {"prompt_tokens", "of their prompts", true},
               {"prompt_tokens_per_s", "the same by its length"},
               {"cached_pct", "part of them that stands in the prefix cache"},
               {"output_tokens", "of their answers", true},
               {"output_tokens_per_s", "the same by its length"},
               {"peak_requests_per_s", "in the busiest `peak_over`, which begins at a whole multiple of it"},
               {"peak_prompt_tokens_per_s", "in the one with most prompt tokens", true},
               {"peak_output_tokens_per_s", "in the one with most output tokens", true},
               {"prompt_mean", "tokens of a prompt"},
               {"prompt_p50", "half of the prompts are no longer"},
               {"prompt_p99", "99 % of the prompts are no longer"},
               {"prompt_max", "the longest prompt", true},
               {"output_mean", "tokens of an answer"},
               {"output_p50", "half of the answers are no longer"},
               {"output_p99", "99 % of the answers are no longer"},
               {"output_max", "the longest answer", true},
               {"kv_tokens_mean", "tokens of its request in the cache when an output token is made, in the mean"},
               {"last_s", "when the last request comes", true}};
  k.read = read_request_trace;
  return k;
}

}  // namespace weft::scenarios
