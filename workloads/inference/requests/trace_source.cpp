#include <cmath>
#include <filesystem>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/random.h"
#include "workloads/inference/requests/source_parts.h"
#include "workloads/inference/requests/trace_reader.h"

namespace weft::workloads::inference {
namespace {

/// 100 years: times further apart are mistyped.
constexpr double kLongest_s = 100 * 365.25 * 86400;

/// `to_ns` is not before `from_ns`; their difference may be more than an int64 holds.
double seconds_between(std::int64_t from_ns, std::int64_t to_ns) {
  return static_cast<double>(static_cast<std::uint64_t>(to_ns) - static_cast<std::uint64_t>(from_ns)) * 1e-9;
}

struct TraceSpec {
  std::string path, name;
  TraceFormat format = TraceFormat::mooncake;
  std::uint32_t block = 512;
  bool blocks_due = false;
  double rate_factor = 1;
  std::int64_t repeat = 1;
  Seconds start;
  std::optional<Seconds> duration;
  bool drop_zero = false;

  std::unique_ptr<TraceReader> reader() const {
    return format == TraceFormat::mooncake ? read_mooncake(path, name, block, blocks_due) : read_azure(path, name);
  }
};

class TracePrompts final : public PromptStream {
 public:
  explicit TracePrompts(const TraceSpec& spec) : spec_(spec), reader_(spec.reader()) {}

  bool next(Prompt& out) override {
    while (!done_) {
      if (!reader_->next(entry_)) {
        end_pass();
        continue;
      }
      const double t = since_first();
      if (spec_.duration && t >= (spec_.start + *spec_.duration).value()) {
        end_pass();
        continue;
      }
      if (!has_lengths()) continue;
      take(t, out);
      return true;
    }
    return false;
  }

  std::string file() const override { return reader_->lines().name(); }
  std::string place() const override { return reader_->lines().place(); }
  std::vector<std::string> warnings() const override {
    if (zero_ == 0) return {};
    return {fmt::format("{} with a prompt or an answer of zero tokens left out", zero_ == 1 ? "1 request" : fmt::format("{} requests", zero_))};
  }

 private:
  /// Seconds since the first request of the file.
  double since_first() {
    const TraceLines& lines = reader_->lines();
    if (!any_) first_ns_ = last_ns_ = entry_.time_ns;
    if (entry_.time_ns < last_ns_) {
      lines.fail(fmt::format("this request comes {} before that of the line above", to_text(Seconds(seconds_between(entry_.time_ns, last_ns_)))),
                 "sort the lines by their times");
    }
    any_ = true;
    last_ns_ = entry_.time_ns;
    const double t = seconds_between(first_ns_, last_ns_);
    if (t > kLongest_s) lines.fail("this request comes more than 100 years after the first", "a year may be mistyped");
    return t;
  }

  bool has_lengths() {
    if (entry_.prompt > 0 && entry_.output > 0) return true;
    if (!spec_.drop_zero)
      reader_->lines().fail(fmt::format("{} of zero tokens", entry_.prompt == 0 ? "a prompt" : "an answer"), "\"zero_lengths\": \"drop\" leaves such requests out");
    ++zero_;
    return false;
  }

  void take(double t, Prompt& out) {
    out.counts = t >= spec_.start.value();
    if (out.counts) {
      if (taken_++ == 0) first_taken_ = t;
      last_taken_ = t;
    }
    out.request = {Seconds((offset_ + std::max(0.0, t - spec_.start.value())) / spec_.rate_factor), entry_.prompt, entry_.output, 0};
    out.pieces.clear();
    std::uint64_t left = entry_.prompt;
    for (const std::uint64_t id : entry_.blocks) {
      const auto tokens = static_cast<std::uint32_t>(std::min<std::uint64_t>(left, spec_.block));
      out.pieces.push_back({pass_ == 0 ? id : hash_with(id, static_cast<std::uint64_t>(pass_)), tokens});   // a repeat is of other users
      left -= tokens;
    }
  }

  /// A repeat begins a mean gap after the last request, or with the next `duration`.
  void end_pass() {
    if (!any_) throw UserError({{file(), "", "the trace has no requests", ""}});
    if (taken_ == 0) {
      const std::string from = to_text(spec_.start);
      const std::string range = spec_.duration ? fmt::format("between {} and {}", from, to_text(spec_.start + *spec_.duration)) : "from " + from + " on";
      const Seconds last(seconds_between(first_ns_, last_ns_));
      throw UserError({{file(), "", fmt::format("there are no requests {}; the last that was read comes at {}", range, to_text(last)),
                        "times of `start` and `duration` are the trace's, from its first request on"}});
    }
    done_ = ++pass_ >= spec_.repeat;
    if (done_) return;
    if (!spec_.duration && last_taken_ == first_taken_)
      throw UserError({{file(), "", "a trace whose requests come all at once cannot be repeated without a `duration`", ""}});
    offset_ += spec_.duration ? spec_.duration->value()
                              : last_taken_ - spec_.start.value() + (last_taken_ - first_taken_) / static_cast<double>(taken_ - 1);
    any_ = false;
    taken_ = 0;
    reader_ = spec_.reader();
  }

  TraceSpec spec_;
  std::unique_ptr<TraceReader> reader_;
  TraceEntry entry_;
  bool any_ = false, done_ = false;
  std::int64_t first_ns_ = 0, last_ns_ = 0, pass_ = 0;
  double offset_ = 0, first_taken_ = 0, last_taken_ = 0;   // in the trace's time
  std::uint64_t taken_ = 0, zero_ = 0;
};

class Trace final : public ReadSource {
 public:
  Trace(Json resolved, std::vector<ConstantUsed> constants, CacheSpec cache, EndSpec end, TraceSpec spec)
      : ReadSource(std::move(resolved), std::move(constants), cache, end), spec_(std::move(spec)) {}

  std::unique_ptr<RequestStream> open(std::uint64_t) const override { return end_.stream(std::make_unique<TracePrompts>(spec_), cache_); }

  RequestSummary summary() const override {
    RequestSummary s;
    if (cache_.model != CacheSpec::Model::blocks) s.hit = cache_.hit;
    if (spec_.duration && !end_.limited()) s.duration = *spec_.duration * (static_cast<double>(spec_.repeat) / spec_.rate_factor);
    return s;
  }

 private:
  TraceSpec spec_;
};

/// Finds the file and looks at its first line; both may fail, which is recorded.
void find_file(SourceReading& r, TraceSpec& spec, const std::string& format) {
  const std::string given = r.where.string("trace");
  if (!r.where.at("trace").is_string()) return;
  try {
    spec.path = find_request_trace(given, "");
    spec.name = spec.path == given ? given : std::filesystem::path(spec.path).filename().string();
    spec.format = format.empty() ? format_of(spec.path, spec.name) : format == "azure" ? TraceFormat::azure : TraceFormat::mooncake;
  } catch (const UserError& e) {
    for (const Problem& p : e.problems()) {
      if (p.file.empty()) r.where.fail_at("trace", p.message, p.hint);
      else r.where.problems().add(p);
    }
  }
}

}  // namespace

std::unique_ptr<RequestSource> read_trace_source(SourceReading& r) {
  JsonReader& where = r.where;
  TraceSpec spec;
  const std::string named = where.has("format") ? where.one_of("format", {"mooncake", "azure"}) : "";
  find_file(r, spec, named);
  const bool mooncake = spec.format == TraceFormat::mooncake;
  r.resolved["trace"] = where.at("trace").value();
  r.resolved["format"] = mooncake ? "mooncake" : "azure";
  r.resolved["rate_factor"] = spec.rate_factor = where.number_or("rate_factor", 1, 1e-9, 1e9);
  r.resolved["repeat"] = spec.repeat = where.integer_or("repeat", 1, 1, 1'000'000'000);
  spec.start = where.quantity_or("start", Seconds(0), false);
  if (where.has("start")) r.resolved["start"] = where.at("start").value();
  if (where.has("duration")) {
    spec.duration = where.quantity<Seconds>("duration");
    r.resolved["duration"] = where.at("duration").value();
  }
  const std::string zero = where.one_of("zero_lengths", {"refuse", "drop"}, "refuse");
  r.resolved["zero_lengths"] = zero;
  spec.drop_zero = zero == "drop";
  if (mooncake) r.resolved["block"] = spec.block = static_cast<std::uint32_t>(where.integer_or("block", 512, 1, 1'000'000));
  const CacheSpec cache = mooncake ? read_cache(r, {"blocks", "none", "all_alike"}) : read_cache(r, {"none", "all_alike"});
  spec.blocks_due = cache.model == CacheSpec::Model::blocks;
  const EndSpec end = read_end(r, "refuse");
  if (!r.sound()) return nullptr;
  try {   // a file that is not what it seems is told with the other mistakes
    TraceEntry entry;
    if (!spec.reader()->next(entry)) throw UserError({{spec.name, "", "the trace has no requests", ""}});
  } catch (const UserError& e) {
    for (const Problem& p : e.problems()) where.problems().add(p);
    return nullptr;
  }
  return std::make_unique<Trace>(std::move(r.resolved), r.take_constants(), cache, end, std::move(spec));
}

}  // namespace weft::workloads::inference
