#include "workloads/replay/dependencies.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace weft::workloads::replay {
namespace {

constexpr double kUsualGap = 10;    ///< us: between operations of a stream that wait for nothing else; longer ones are stalls
constexpr double kExplained = 20;   ///< us: a start that much after all that it waits for is no stall
constexpr double kAfterEnd = 30;    ///< us: so long after the end of another operation a stalled one goes on because of it
constexpr double kTail = 60;        ///< us: so long before that end it takes SMs that the other's last blocks leave
constexpr double kHostReads = 500;  ///< us: so long after what the CPU waits for it goes on

/// The middle of a list; `fallback` when it is empty.
double median(std::vector<double> v, double fallback) {
  if (v.empty()) return fallback;
  const auto middle = v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2);
  std::nth_element(v.begin(), middle, v.end());
  return *middle;
}

/// One thing that an operation may have waited for: when that was over, and how long after it an operation usually starts.
struct Candidate {
  double at_us, usual_us;
  std::optional<std::uint32_t> on;  ///< nothing: its own launch
  Reason reason = Reason::stream;
  double arrival() const { return at_us + usual_us; }
};

class Finder {
 public:
  explicit Finder(const Recording& r) : r_(r), before_(r.ops.size()), on_stream_(r.streams.size()) {
    std::vector<std::optional<std::uint32_t>> last(r.streams.size());
    for (std::uint32_t op = 0; op < r.ops.size(); ++op) {
      auto& on = last[r.ops[op].stream];
      before_[op] = on;
      on = op;
      on_stream_[r.ops[op].stream].push_back(op);
    }
    measure_usual();
  }

  Dependencies find() {
    out_.of.resize(r_.ops.size());
    out_.latency_us.assign(r_.ops.size(), -1);
    std::vector<std::vector<Order>> order(r_.ops.size());
    for (const Order& o : program_order(r_, out_.notes)) order[o.op].push_back(o);
    add_launches();
    for (std::uint32_t op = 0; op < r_.ops.size(); ++op) explain(op, order[op]);
    tell();
    return std::move(out_);
  }

 private:
  /// Gaps between neighbours on a stream, and from launch to start where nothing else can have held it up.
  void measure_usual() {
    std::vector<double> gaps;
    double least = 1e300;
    for (std::uint32_t op = 0; op < r_.ops.size(); ++op) {
      const RecordedOp& o = r_.ops[op];
      if (o.launched && o.start_us >= o.launch_us) least = std::min(least, o.start_us - o.launch_us);
      if (!before_[op]) continue;
      const double gap = o.start_us - r_.ops[*before_[op]].end_us();
      if (gap >= 0 && gap <= kUsualGap) gaps.push_back(gap);
    }
    usual_gap_ = median(std::move(gaps), 0);
    usual_latency_ = least < 1e300 ? least : 0;
  }

  void add_launches() {
    double last = 0;
    for (std::size_t i = 0; i < r_.launches.size(); ++i) {
      const RecordedOp& op = r_.ops[r_.launches[i]];
      Launch l{r_.launches[i], i == 0 ? 0 : op.launch_us - last, std::nullopt};
      if (i > 0) wait_of_host(i, last, l);
      out_.launches.push_back(l);
      last = op.launch_us;
    }
  }

  /// Whether the CPU waited for the GPU between two launches.
  void wait_of_host(std::size_t i, double last_us, Launch& l) {
    const RecordedOp& before = r_.ops[r_.launches[i - 1]];
    const double now = r_.ops[l.op].launch_us;
    // DeepEP's dispatch is launched when the CPU has read how many tokens arrive, which its notify kernel writes.
    if (before.name.find("notify_dispatch") != std::string::npos && before.role == Role::peers) {
      const double lag = now - before.end_us();
      if (lag < 0 || lag > kHostReads) return;
      l.waits = Launch::Wait{r_.launches[i - 1], lag};
      l.gap_us = std::min(l.gap_us, lag);
      return;
    }
    for (; next_call_ < r_.calls.size() && r_.calls[next_call_].begin_us < now; ++next_call_) {
      const models::TraceCall& c = r_.calls[next_call_];
      if (c.what != models::TraceCall::What::synchronize || c.begin_us < last_us || c.end_us > now) continue;
      std::optional<std::uint32_t> on;
      for (const std::vector<std::uint32_t>& stream : on_stream_) {
        for (auto x = begun_before(stream, c.end_us); x != stream.begin() && r_.ops[*std::prev(x)].end_us() > c.begin_us; --x) {
          const double end = r_.ops[*std::prev(x)].end_us();
          if (r_.ops[*std::prev(x)].launch_us <= c.begin_us && end <= c.end_us && (!on || end > r_.ops[*on].end_us())) on = *std::prev(x);
        }
      }
      if (!on) continue;
      l.waits = Launch::Wait{*on, now - r_.ops[*on].end_us()};
      l.gap_us = std::min(l.gap_us, (c.begin_us - last_us) + (now - c.end_us));
    }
  }

  void explain(std::uint32_t op, const std::vector<Order>& order) {
    const RecordedOp& o = r_.ops[op];
    std::vector<Candidate> all;
    if (before_[op]) all.push_back({r_.ops[*before_[op]].end_us(), usual_gap_, before_[op], Reason::stream});
    if (o.launched && o.start_us >= o.launch_us) all.push_back({o.launch_us, usual_latency_, std::nullopt, Reason::stream});
    for (const Order& w : order) all.push_back({r_.ops[w.on].end_us(), usual_gap_, w.on, w.reason});
    if (all.empty() && op > 0) {
      // The first of a stream whose launch is not told: after what had ended before it.
      std::uint32_t on = 0;
      for (std::uint32_t x = 1; x < op; ++x) {
        if (r_.ops[x].end_us() <= o.start_us && (r_.ops[on].end_us() > o.start_us || r_.ops[x].end_us() > r_.ops[on].end_us())) on = x;
      }
      all.push_back({r_.ops[on].end_us(), 0, on, Reason::timing});
    }
    auto binding =
        std::max_element(all.begin(), all.end(), [](const Candidate& a, const Candidate& b) { return a.arrival() < b.arrival(); });
    double stalled = binding == all.end() ? 1e300 : o.start_us - binding->arrival();
    if (stalled > kExplained) {
      if (const auto on = ended_near(op, binding == all.end() ? -1e300 : binding->arrival())) {
        all.push_back({r_.ops[*on].end_us(), 0, on, Reason::timing});
        binding = all.end() - 1;
        stalled = 0;
      }
    }
    for (auto c = all.begin(); c != all.end(); ++c) {
      const double lag = o.start_us - c->at_us;
      // What bound the operation keeps its recorded lag; the rest would have let it start as early as usual.
      add(op, *c, c == binding ? lag : std::min(lag, c->usual_us));
    }
    if (stalled > kExplained && binding != all.end()) {
      ++unexplained_;
      unexplained_us_ += stalled;
    }
  }

  void add(std::uint32_t op, const Candidate& c, double lag_us) {
    if (!c.on) {
      out_.latency_us[op] = lag_us;
      return;
    }
    auto& list = out_.of[op];
    const auto same = std::find_if(list.begin(), list.end(), [&](const Dependency& d) { return d.on == *c.on; });
    if (same == list.end()) list.push_back({*c.on, lag_us, c.reason});
    else same->lag_us = std::max(same->lag_us, lag_us);
  }

  /// An operation of another stream of the GPU whose end is near the start of a stalled one.
  std::optional<std::uint32_t> ended_near(std::uint32_t op, double arrival_us) const {
    const RecordedOp& o = r_.ops[op];
    std::optional<std::uint32_t> best;
    double distance = 1e300;
    for (std::uint32_t s = 0; s < on_stream_.size(); ++s) {
      if (s == o.stream || r_.streams[s].device != r_.streams[o.stream].device) continue;
      for (auto x = begun_before(on_stream_[s], o.start_us); x != on_stream_[s].begin(); --x) {
        const RecordedOp& other = r_.ops[*std::prev(x)];
        const double after = o.start_us - other.end_us();  // below zero: before its end
        if (after > kAfterEnd) break;                      // those before it ended earlier still
        if (-after > std::min(kTail, other.time_us) || other.end_us() < arrival_us || std::abs(after) >= distance) continue;
        distance = std::abs(after);
        best = *std::prev(x);
      }
    }
    return best;
  }

  /// The end of those of a stream that start before a time.
  std::vector<std::uint32_t>::const_iterator begun_before(const std::vector<std::uint32_t>& stream, double at_us) const {
    return std::partition_point(stream.begin(), stream.end(), [&](std::uint32_t op) { return r_.ops[op].start_us < at_us; });
  }

  void tell() {
    std::size_t count[4] = {};
    for (const auto& list : out_.of) {
      for (const Dependency& d : list) ++count[static_cast<int>(d.reason)];
    }
    const auto waiting = std::count_if(out_.launches.begin(), out_.launches.end(), [](const Launch& l) { return l.waits.has_value(); });
    out_.notes.insert(out_.notes.begin(),
                      fmt::format("dependencies: {} by the order of a stream, {} launches ({} after the CPU had waited for the GPU), {} by "
                                  "the known order of phases, {} by events, "
                                  "{} where a stalled operation went on as one of another stream ended (SMs that came free, or an event)",
                                  count[0], out_.launches.size(), waiting, count[1], count[2], count[3]));
    if (unexplained_ > 0)
      out_.notes.push_back(
          fmt::format("{} gaps of together {:.0f} us are explained by nothing in the trace and kept as gaps after what came before",
                      unexplained_, unexplained_us_));
  }

  const Recording& r_;
  std::vector<std::optional<std::uint32_t>> before_;   ///< on its stream
  std::vector<std::vector<std::uint32_t>> on_stream_;  ///< in the order of start
  std::size_t next_call_ = 0;
  double usual_gap_ = 0, usual_latency_ = 0;
  Dependencies out_;
  std::size_t unexplained_ = 0;
  double unexplained_us_ = 0;
};

}  // namespace

const char* to_text(Reason reason) {
  static constexpr const char* kWords[] = {"stream", "phase", "event", "timing"};
  return kWords[static_cast<int>(reason)];
}

Dependencies dependencies_of(const Recording& recording) { return Finder(recording).find(); }

std::vector<bool> dependents_of(const Dependencies& d, std::uint32_t op) {
  std::vector<bool> out(d.of.size(), false);
  std::vector<std::vector<std::uint32_t>> next(d.of.size());
  for (std::uint32_t k = 0; k < d.of.size(); ++k) {
    for (const Dependency& e : d.of[k]) next[e.on].push_back(k);
  }
  // A launch that waited holds up all launches after it.
  std::vector<std::size_t> first_launch(d.of.size(), d.launches.size());
  for (std::size_t i = 0; i < d.launches.size(); ++i) {
    if (d.launches[i].waits) first_launch[d.launches[i].waits->on] = std::min(first_launch[d.launches[i].waits->on], i);
  }
  std::size_t launched_later = d.launches.size();
  std::vector<std::uint32_t> open{op};
  const auto reach = [&](std::uint32_t k) {
    if (out[k]) return;
    out[k] = true;
    open.push_back(k);
  };
  while (!open.empty()) {
    const std::uint32_t k = open.back();
    open.pop_back();
    for (const std::uint32_t n : next[k]) reach(n);
    const std::size_t until = launched_later;
    launched_later = std::min(launched_later, first_launch[k]);
    for (std::size_t i = launched_later; i < until; ++i) reach(d.launches[i].op);
  }
  out[op] = false;
  return out;
}

}  // namespace weft::workloads::replay
