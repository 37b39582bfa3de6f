#include "workloads/replay/replay_program.h"

#include <algorithm>
#include <limits>

#include "sim/core/error.h"

namespace weft::workloads::replay {
namespace {

Seconds from_us(double us) { return Seconds(us * 1e-6); }

/// Puts operations and launches into a program, each after what it waits for.
class Builder {
 public:
  Builder(const Recording& r, const Dependencies& d, const std::vector<double>& durations_us) : r_(r), d_(d), durations_(durations_us) {
    out_.first.resize(r.ops.size());
    out_.last.resize(r.ops.size());
    launch_.assign(r.ops.size(), OpId());
    tails_.resize(r.ops.size());
    for (const auto& list : d.of) {
      for (const Dependency& e : list) {
        if (e.lag_us < 0) tails_[e.on].push_back(std::min(-e.lag_us, durations_[e.on]));
      }
    }
    for (auto& t : tails_) {
      std::sort(t.begin(), t.end(), std::greater<>());
      t.erase(std::unique(t.begin(), t.end()), t.end());
    }
    parts_.resize(r.ops.size());
  }

  /// In the order in which they were recorded, where equal times go by launch: no operation waits for one after it. A launch comes when its
  /// operation needs it: all that it waits for had ended by then.
  ReplayProgram build() {
    std::vector<std::size_t> number(r_.ops.size());
    for (std::size_t i = 0; i < d_.launches.size(); ++i) number[d_.launches[i].op] = i;
    std::size_t launch = 0;
    for (std::uint32_t op = 0; op < r_.ops.size(); ++op) {
      while (d_.latency_us[op] >= 0 && launch <= number[op]) add_launch(launch++);
      add_op(op);
    }
    return std::move(out_);
  }

 private:
  /// After `on` and a while.
  OpId later(OpId on, double lag_us) {
    if (lag_us <= 0) return on;
    const OpId after[] = {on};
    return out_.program.add_marker(from_us(lag_us), after);
  }

  void add_launch(std::size_t i) {
    const Launch& l = d_.launches[i];
    std::vector<OpId> after;
    if (i > 0) after.push_back(later(launched_, l.gap_us));
    if (l.waits) {
      WEFT_CHECK(out_.last[l.waits->on].valid(), "a launch waits for an operation that comes after it");
      after.push_back(later(out_.last[l.waits->on], l.waits->lag_us));
    }
    launched_ = out_.program.add_marker({}, after);
    launch_[l.op] = launched_;
  }

  void add_op(std::uint32_t op) {
    std::vector<OpId> after;
    for (const Dependency& e : d_.of[op]) {
      if (e.lag_us < 0) after.push_back(part_before_tail(e.on, std::min(-e.lag_us, durations_[e.on])));
      else after.push_back(later(out_.last[e.on], e.lag_us));
    }
    if (d_.latency_us[op] >= 0) after.push_back(later(launch_[op], d_.latency_us[op]));
    // Operations that overlap on a stream cannot stand in one queue.
    const bool queue = !r_.streams[r_.ops[op].stream].overlaps;
    const StreamId stream(queue ? r_.ops[op].stream : static_cast<std::uint32_t>(r_.streams.size()) + op);
    double left = durations_[op];
    for (const double tail : tails_[op]) {
      add_part(op, stream, left - tail, after);
      left = tail;
    }
    add_part(op, stream, left, after);
  }

  void add_part(std::uint32_t op, StreamId stream, double duration_us, std::vector<OpId>& after) {
    const OpId id = out_.program.add_compute(stream, from_us(duration_us), 0, after);
    if (parts_[op].empty()) out_.first[op] = id;
    parts_[op].push_back(id);
    out_.last[op] = id;
    after.assign(1, id);
  }

  OpId part_before_tail(std::uint32_t op, double tail_us) const {
    const auto at = std::find(tails_[op].begin(), tails_[op].end(), tail_us);
    return parts_[op][static_cast<std::size_t>(at - tails_[op].begin())];
  }

  const Recording& r_;
  const Dependencies& d_;
  const std::vector<double>& durations_;
  ReplayProgram out_;
  std::vector<std::vector<double>> tails_;  ///< by operation, longest first
  std::vector<std::vector<OpId>> parts_;
  std::vector<OpId> launch_;
  OpId launched_;
};

/// Time covered by intervals (sorted here) and by both of two lists.
double covered(std::vector<std::pair<double, double>>& list) {
  std::sort(list.begin(), list.end());
  std::vector<std::pair<double, double>> joined;
  double sum = 0;
  for (const auto& [begin, end] : list) {
    if (end <= begin) continue;
    if (joined.empty() || begin > joined.back().second) joined.push_back({begin, end});
    else joined.back().second = std::max(joined.back().second, end);
  }
  for (const auto& [begin, end] : joined) sum += end - begin;
  list = std::move(joined);
  return sum;
}

double in_both(const std::vector<std::pair<double, double>>& a, const std::vector<std::pair<double, double>>& b) {
  double sum = 0;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    sum += std::max(0.0, std::min(a[i].second, b[j].second) - std::max(a[i].first, b[j].first));
    if (a[i].second < b[j].second) ++i;
    else ++j;
  }
  return sum;
}

}  // namespace

ReplayProgram program_of(const Recording& recording, const Dependencies& dependencies, const std::vector<double>& durations_us) {
  WEFT_CHECK(durations_us.size() == recording.ops.size(), "a duration for each operation");
  return Builder(recording, dependencies, durations_us).build();
}

void take_turns(const Recording& r, Dependencies& d) {
  std::optional<std::uint32_t> last;
  for (std::uint32_t op = 0; op < r.ops.size(); ++op) {
    if (r.communication(op)) continue;
    // The group goes on while operations of different streams overlap by more than a tail.
    if (last && r.ops[*last].end_us() - r.ops[op].start_us > 0 && r.ops[*last].stream != r.ops[op].stream) {
      auto& list = d.of[op];
      const auto same = std::find_if(list.begin(), list.end(), [&](const Dependency& e) { return e.on == *last; });
      if (same == list.end()) list.push_back({*last, 0, Reason::timing});
      else same->lag_us = std::max(0.0, same->lag_us);
    }
    last = op;
  }
}

Times recorded_times(const Recording& r) {
  Times t;
  for (const RecordedOp& op : r.ops) {
    t.start_s.push_back((op.start_us - r.ops.front().start_us) * 1e-6);
    t.finish_s.push_back((op.end_us() - r.ops.front().start_us) * 1e-6);
  }
  return t;
}

Overlap overlap_of(const Recording& r, const Times& times) {
  std::vector<std::pair<double, double>> communication, computing;
  for (std::uint32_t op = 0; op < r.ops.size(); ++op)
    (r.communication(op) ? communication : computing).push_back({times.start_s[op], times.finish_s[op]});
  Overlap o;
  o.span_s =
      *std::max_element(times.finish_s.begin(), times.finish_s.end()) - *std::min_element(times.start_s.begin(), times.start_s.end());
  o.communication_s = covered(communication);
  o.computing_s = covered(computing);
  o.hidden_s = in_both(communication, computing);
  return o;
}

std::vector<double> phase_times(const Recording& r, const Times& times) {
  std::vector<double> out;
  for (const Phase& phase : r.phases) {
    double begin = std::numeric_limits<double>::max(), end = 0;
    for (const std::uint32_t op : phase.ops) {
      begin = std::min(begin, times.start_s[op]);
      end = std::max(end, times.finish_s[op]);
    }
    out.push_back(end - begin);
  }
  return out;
}

}  // namespace weft::workloads::replay
