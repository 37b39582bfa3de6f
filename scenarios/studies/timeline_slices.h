// TimelineSlices: listens to a run and keeps slices of it for a TimelinePicture, the longest ones where there are too many.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "reports/page/page.h"
#include "sim/analysis/timeline/events.h"

namespace weft::scenarios {

/// Slices of one name that start and end together on lines of one stream (the messages of an exchange) are kept as one. Memory follows the slices that are kept, and how many names there are.
class TimelineSlices final : public analysis::TimelineEvents {
 public:
  /// Precondition: most_slices > 0.
  explicit TimelineSlices(std::size_t most_slices) : most_(most_slices) {}

  void process(std::uint32_t number, std::string_view name, std::string_view place) override;
  void thread(analysis::Line line, std::string_view name, std::uint32_t order) override;
  void slice(const analysis::Slice& s) override;
  void arrow_from(std::uint64_t, analysis::Line, std::int64_t, std::int64_t) override {}
  void arrow_to(std::uint64_t, analysis::Line, std::int64_t) override {}
  void counter(std::uint32_t, std::string_view, std::string_view, std::int64_t, std::int64_t) override {}

  /// What was kept: processes by number, their threads by order; tracks without slices are left out. Once, at the end.
  reports::TimelinePicture take();

 private:
  struct Kept {
    std::uint32_t process = 0, stream = 0, thread = 0, name = 0, parts = 1;
    bool moves = false;
    std::int64_t start_ns = 0, end_ns = 0;
  };
  struct Thread {
    std::string name;
    std::uint32_t order = 0;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };

  void join_alike();
  void drop_shortest();

  std::size_t most_;
  std::uint64_t left_out_ = 0;
  std::vector<Kept> kept_;
  std::unordered_map<std::string, std::uint32_t, Hash, std::equal_to<>> names_;
  std::map<std::uint32_t, std::string> processes_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, Thread> threads_;
};

}  // namespace weft::scenarios
