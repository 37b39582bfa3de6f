// TimelineSlices: listens to a run and keeps slices of it for a TimelinePicture: of few ranks all rather than of many some.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "reports/page/page.h"
#include "sim/analysis/timeline/events.h"

namespace weft::scenarios {

/// Slices of one name that start and end together on lines of one stream (the messages of an exchange) are kept as one. Ranks with slices are
/// kept whole, the first of `order` first, up to `most_ranks` of them whose slices are at most `most_slices`; two are kept in any case, the longest slices of them. Memory follows the slices
/// that are kept of each, and how many names there are.
class TimelineSlices final : public analysis::TimelineEvents {
 public:
  /// Ranks that are not in `order` follow those by number. Precondition: most_slices > 0.
  explicit TimelineSlices(std::size_t most_slices, std::size_t most_ranks = 8, std::vector<std::uint32_t> order = {})
      : most_(most_slices), most_ranks_(most_ranks), order_(std::move(order)) {}

  /// What is told from now on is of a program that starts at this time of the picture; lines of the same name go on. At first: 0.
  void begin_program(std::int64_t at_ns);

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
    std::uint32_t process = 0, stream = 0, track = 0, name = 0, parts = 1;
    bool moves = false;
    std::int64_t start_ns = 0, end_ns = 0;
  };
  using TrackKey = std::tuple<std::uint32_t, std::uint32_t, std::string>;   // process, order, name
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };

  /// What is kept of a rank.
  struct Process {
    std::string name;
    std::vector<Kept> kept;
    std::uint64_t left_out = 0;
  };

  static void join_alike(std::vector<Kept>& kept);
  /// How many are dropped so that most_ are left.
  std::uint64_t drop_shortest(std::vector<Kept>& kept) const;
  void tidy(Process& p) const;
  /// Moves what is drawn out of processes_.
  Process choose();

  std::size_t most_, most_ranks_;
  std::vector<std::uint32_t> order_;
  std::unordered_map<std::string, std::uint32_t, Hash, std::equal_to<>> names_;
  std::map<std::uint32_t, Process> processes_;
  std::int64_t begun_ns_ = 0;
  std::map<TrackKey, std::uint32_t> tracks_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> track_of_line_;   // of the program that is told
};

}  // namespace weft::scenarios
