#include "workloads/inference/requests/source.h"

#include <nlohmann/json.hpp>

#include "workloads/inference/requests/source_parts.h"

namespace weft::workloads::inference {

std::unique_ptr<RequestSource> requests_from(JsonReader where, const RequestContext& context) {
  WEFT_CHECK(context.data != nullptr, "reading requests needs the places of data files");
  if (!where.expect_object("requests: {\"process\": \"poisson\", ...} or {\"trace\": \"path\", ...}")) return nullptr;
  const bool process = where.has("process"), trace = where.has("trace");
  if (process == trace) {
    where.fail(process ? "both a process and a trace: which is it?" : "expected a `process` (poisson, bursts, diurnal, uniform) or a `trace` (a path)",
               process ? "leave one of the two out" : "");
    return nullptr;
  }
  const Json usual = "deepseek_day";
  Json resolved = Json::object();
  std::vector<ConstantUsed> constants;
  SourceReading r{where, context, read_request_day(JsonReader(usual, where.file(), where.problems(), where.pointer()), *context.data), resolved, constants};
  auto source = process ? read_process(r) : read_trace_source(r);
  const std::size_t known = where.problems().list().size();
  where.done();
  return where.problems().list().size() == known ? std::move(source) : nullptr;
}

std::vector<ColumnDoc> request_parameter_docs() {
  return {
      {"requests", "what comes: an object with a `process` or a `trace`, and the keys of these"},
      {"requests/process", "poisson; bursts (`cv`: standard deviation of the time between requests over its mean); diurnal (poisson along a curve, or "
                           "with its `cv`); uniform (evenly spaced)"},
      {"requests/count", "process: mean number of requests in `duration`, or in `per`"},
      {"requests/duration", "process: no request comes later (diurnal: default the curve's period); trace: what is taken of it"},
      {"requests/per", "process: the time that `count` is meant for, in the mean over the curve; default: `duration`, with the curve as it is then"},
      {"requests/curve", "diurnal: a day by name (default deepseek_day) or {\"rates\": [...], \"period\": \"24 h\", \"first\": \"0 h\"}"},
      {"requests/shape", "diurnal: step (default) or linear between the middles of the curve's parts"},
      {"requests/from", "diurnal: time of day at the start; default: where the curve begins"},
      {"requests/prompt", "process: tokens of prompts: a number, or {\"distribution\": ...}: constant, lognormal (mean, cv or sigma), exponential (mean), "
                          "uniform (low, high), table (values, weights), each with `max`; default: lognormal, the mean of DeepSeek's day (4383), cv 1"},
      {"requests/output", "process: tokens of answers, the same way; mean of DeepSeek's day: 1211"},
      {"requests/trace", "a file of Mooncake's JSON lines or Azure's CSV, plain or gzip; relative paths are looked for below $WEFT_REFERENCE too"},
      {"requests/format", "trace: mooncake or azure; default: what its first line looks like"},
      {"requests/rate_factor", "trace: so many times as many requests a second; default 1"},
      {"requests/repeat", "trace: so often, one after the other; the blocks of a repeat are new ones; default 1"},
      {"requests/start", "trace: from here on; what lies before fills the prefix cache; default: its first request"},
      {"requests/zero_lengths", "trace: a prompt or answer of zero tokens: refuse (default) or drop"},
      {"requests/block", "trace of Mooncake: tokens of a hash id; default 512"},
      {"requests/cache", "the prefix cache: none; all_alike (`hit`: part of each prompt, default 342/608 of DeepSeek's day); sessions (process: requests "
                         "go on with earlier ones, so that `hit` of the tokens are an earlier prompt and answer; `turn_gap` 2 min and `block` 64, both assumed); "
                         "blocks (trace of Mooncake: its hash ids). The last two take `capacity` in bytes (`token_bytes` each) or `capacity_tokens`, the least recently used goes first; default endless. Default: all_alike, blocks for Mooncake, none for Azure"},
      {"requests/limit", "at most so many requests"},
      {"requests/max_context", "tokens of prompt and answer together; default: what the model takes, if there is one"},
      {"requests/too_long", "a longer request: refuse (default of traces), cut (default of processes) or drop; a warning counts them"},
  };
}

}  // namespace weft::workloads::inference
