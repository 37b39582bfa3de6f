#include "workloads/training/live_chunks.h"

#include <algorithm>

#include "sim/core/error.h"
#include "workloads/training/activations.h"

namespace weft::workloads::training {
namespace {

/// The chunks of one rank while its cells are played in order.
class RankChunks {
 public:
  RankChunks(const std::vector<std::uint32_t>& stages, const std::vector<double>& size) : stages_(stages), size_(size), now_(stages.size(), 0), most_(now_) {}

  void play(const Cell& c) {
    if (c.has_forward()) add(c.forward, 1);
    if (c.has_weight()) add(c.backward, -1);
  }
  const std::vector<double>& most() const { return most_; }

 private:
  void add(const Pass& pass, double n) {
    const auto at = std::find(stages_.begin(), stages_.end(), pass.stage);
    WEFT_CHECK(at != stages_.end(), "a rank works on the stages that it holds");
    now_[static_cast<std::size_t>(at - stages_.begin())] += n;
    bytes_ += n * size_[pass.stage];
    if (n < 0 || bytes_ <= most_bytes_ * (1 + 1e-12)) return;
    most_bytes_ = bytes_;
    most_ = now_;
  }

  const std::vector<std::uint32_t>& stages_;
  const std::vector<double>& size_;
  std::vector<double> now_, most_;
  double bytes_ = 0, most_bytes_ = 0;
};

}  // namespace

PipelineShape shape_of(const ScheduleKind& kind, std::uint32_t chunks) {
  const PipelineSchedule two = kind.make({2, 8, chunks});   // two ranks show it, and eight micro-batches suit every kind
  if (two.directions == 2) return {Arrangement::bidirectional, 1};
  const std::vector<std::uint32_t>& rank_of = two.rank_of.front();
  if (two.stages == 2) return {Arrangement::straight, 1};
  if (two.stages == 4 && rank_of[2] == 1) return {Arrangement::vee, 1};
  WEFT_CHECK(rank_of[2] == 0, "a schedule lays its stages in one of the known ways");
  return {Arrangement::looped, two.stages / 2};
}

LiveChunks live_chunks(const PipelineSchedule& schedule, const StagesOfRank& stages, const std::vector<double>& size) {
  WEFT_CHECK(schedule.ranks == stages.size() && schedule.stages == size.size(), "the schedule is of the layout's shape");
  LiveChunks live;
  for (std::uint32_t r = 0; r < schedule.ranks; ++r) {
    RankChunks rank(stages[r], size);
    for (const Cell& c : schedule.cells[r]) rank.play(c);
    live.push_back(rank.most());
  }
  return live;
}

LiveChunks live_chunks(const models::Llm& m, const Layout& l, const PipelineSchedule& schedule) {
  std::vector<double> size;
  for (const StageContent& s : l.stages) size.push_back(chunk_activations(m, l, s).value());
  return live_chunks(schedule, l.stages_of_rank, size);
}

LiveChunks spread_over_stages(const std::vector<double>& of_rank, const StagesOfRank& stages) {
  WEFT_CHECK(of_rank.size() == stages.size(), "a number for each rank");
  double all = 0;
  for (const auto& held : stages) {
    for (const std::uint32_t s : held) all = std::max(all, s + 1.0);
  }
  LiveChunks live(stages.size());
  for (std::size_t r = 0; r < stages.size(); ++r) {
    double sum = 0;
    for (const std::uint32_t s : stages[r]) sum += all - s;
    for (const std::uint32_t s : stages[r]) live[r].push_back(of_rank[r] * (all - s) / sum);
  }
  return live;
}

}  // namespace weft::workloads::training
