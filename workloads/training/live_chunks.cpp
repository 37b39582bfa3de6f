#include "workloads/training/live_chunks.h"

#include <algorithm>

#include "sim/core/error.h"

namespace weft::workloads::training {
namespace {

std::uint32_t stages_in(const StagesOfRank& stages) {
  std::uint32_t most = 0;
  for (const auto& held : stages) {
    for (const std::uint32_t s : held) most = std::max(most, s + 1);
  }
  return most;
}

/// Rank r of interleaved 1F1B runs this many forwards before its first backward ends, in rounds of PP micro-batches a stage
/// (Narayanan et al., arXiv:2104.04473; Megatron-LM's warm-up count).
std::vector<double> interleaved(std::uint32_t r, std::uint32_t pp, std::uint32_t per_rank, std::uint32_t micro_batches) {
  const std::uint64_t all = static_cast<std::uint64_t>(micro_batches) * per_rank;
  const std::uint64_t due = 2ull * (pp - r - 1) + static_cast<std::uint64_t>(per_rank - 1) * pp + 1;
  std::vector<double> of_stage(per_rank, 0);
  for (std::uint64_t i = 0; i < std::min(all, due); ++i) of_stage[i / pp % per_rank] += 1;
  return of_stage;
}

}  // namespace

std::vector<std::string> schedules_with_known_memory() {
  return {"gpipe", "1f1b", "interleaved_1f1b", "zb1p", "zbv", "dualpipe", "dualpipev"};
}

ScheduleMemory schedule_memory(const std::string& name, std::uint32_t per_rank) {
  const char* table2 = "arXiv:2412.19437 Table 2";
  if (name == "gpipe") return {name, {Arrangement::straight, 1}, "all micro-batches", "Huang et al., arXiv:1811.06965"};
  if (name == "1f1b") return {name, {Arrangement::straight, 1}, "PP, on rank r PP - r", table2};
  if (name == "interleaved_1f1b") return {name, {Arrangement::looped, per_rank}, "2 (PP - r - 1) + (v - 1) PP + 1", "Narayanan et al., arXiv:2104.04473 section 2.2"};
  if (name == "zb1p") return {name, {Arrangement::straight, 1}, "PP", table2};
  if (name == "zbv") return {name, {Arrangement::vee, 1}, "2 PP of half the size", "sail-sg/zero-bubble-pipeline-parallelism README: as 1F1B"};
  if (name == "dualpipe") return {name, {Arrangement::bidirectional, 1}, "PP + 1", table2};
  WEFT_CHECK(name == "dualpipev", "a schedule of the list: " + name);
  return {name, {Arrangement::vee, 1}, "2 PP + 1 of half the size", "deepseek-ai/DualPipe README"};
}

LiveChunks live_chunks(const ScheduleMemory& schedule, std::uint32_t pp, std::uint32_t micro_batches) {
  const StagesOfRank stages = stages_of_ranks(schedule.shape.arrangement, pp, schedule.shape.stages_per_rank);
  const double all = stages_in(stages);
  // Both directions of DualPipe bring half of the micro-batches each.
  const double most = static_cast<double>(micro_batches) / holders(stages);
  const bool late_weights = schedule.name == "zb1p" || schedule.name == "zbv";
  std::vector<double> same(pp, all);
  LiveChunks live = late_weights ? spread_over_stages(same, stages) : LiveChunks(pp);
  for (std::uint32_t r = 0; r < pp; ++r) {
    if (schedule.shape.arrangement == Arrangement::looped) {
      live[r] = interleaved(r, pp, schedule.shape.stages_per_rank, micro_batches);
      continue;
    }
    live[r].resize(stages[r].size());
    for (std::size_t i = 0; i < stages[r].size(); ++i) {
      const double wanted = schedule.name == "gpipe" ? most : late_weights ? live[r][i] : all - stages[r][i];
      live[r][i] = std::min(wanted, most);
    }
  }
  return live;
}

LiveChunks spread_over_stages(const std::vector<double>& of_rank, const StagesOfRank& stages) {
  WEFT_CHECK(of_rank.size() == stages.size(), "a number for each rank");
  const double all = stages_in(stages);
  LiveChunks live(stages.size());
  for (std::size_t r = 0; r < stages.size(); ++r) {
    double sum = 0;
    for (const std::uint32_t s : stages[r]) sum += all - s;
    for (const std::uint32_t s : stages[r]) live[r].push_back(of_rank[r] * (all - s) / sum);
  }
  return live;
}

}  // namespace weft::workloads::training
