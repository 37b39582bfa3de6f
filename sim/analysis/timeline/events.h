// TimelineEvents: what there is to draw of a run, told while the run goes; who writes a timeline implements it.
#pragma once

#include <cstdint>
#include <string_view>

namespace weft::analysis {

/// A line of the timeline: a process (a rank) and a thread in it (a stream, or a lane beside one).
struct Line {
  std::uint32_t process = 0, thread = 0;
};

/// An operation, from its start to its end. On one line slices follow one another.
struct Slice {
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  Line on;
  std::int64_t start_ns = 0, end_ns = 0;
  std::string_view name, category, detail;   ///< detail may be empty
  std::uint32_t operation = 0;
  std::uint32_t stream = none;               ///< the track, whatever the lane
  std::uint32_t to = none;                   ///< rank that a transfer ends at
  std::uint32_t sms = 0;
  bool moves = false;                        ///< a transfer
  double bytes = 0;
};

/// Told in no order of time. Names are read during the call only.
class TimelineEvents {
 public:
  virtual ~TimelineEvents() = default;
  /// Before anything else is told of it. Processes are drawn by number, threads by `order`.
  virtual void process(std::uint32_t number, std::string_view name, std::string_view place) = 0;
  virtual void thread(Line line, std::string_view name, std::uint32_t order) = 0;
  virtual void slice(const Slice& s) = 0;
  /// An arrow from the slice with these times on a line to the one that starts at a time on another; `id` is its own. Each end
  /// is told after its slice.
  virtual void arrow_from(std::uint64_t id, Line line, std::int64_t start_ns, std::int64_t end_ns) = 0;
  virtual void arrow_to(std::uint64_t id, Line line, std::int64_t start_ns) = 0;
  /// A process's counter has this value, in thousandths of `unit`, from a time on. Of one counter in order of time.
  virtual void counter(std::uint32_t process, std::string_view name, std::string_view unit, std::int64_t at_ns, std::int64_t thousandths) = 0;
};

}  // namespace weft::analysis
