#include "workloads/training/gradient_sync.h"

#include <algorithm>
#include <utility>

#include "sim/core/error.h"
#include "workloads/symmetry.h"
#include "workloads/training/shares.h"

namespace weft::workloads::training {
namespace {

/// The pipeline ranks that hold the same stages as one, itself among them.
std::vector<std::uint32_t> mirrors_of(const Layout& l, std::uint32_t rank) {
  std::vector<std::uint32_t> mine = l.stages_of_rank[rank], ranks;
  std::sort(mine.begin(), mine.end());
  for (std::uint32_t r = 0; r < l.pp; ++r) {
    std::vector<std::uint32_t> other = l.stages_of_rank[r];
    std::sort(other.begin(), other.end());
    if (other == mine) ranks.push_back(r);
  }
  return ranks;
}

/// One set of parameters that GPUs in steps of `step` within a pipeline rank and its mirrors have in common. Copies inside a node share first, then
/// each exchanges its part with its namesakes on the other nodes.
struct Common {
  std::uint32_t step = 1, inside = 1;      ///< copies in one node: GPUs in steps of `step`
  std::uint32_t of_mirror = 1, mirrors = 1;   ///< namesakes in one pipeline rank (one a node, or one every `step`)
  Bytes whole{};                            ///< of one GPU
  std::uint32_t count() const { return inside + of_mirror * mirrors; }
};

/// Operation k of rank r, with the id k * ranks + r, goes to the k-th of those that r sends to: copies in its node and its namesakes, first for what all GPUs
/// have in common, then for experts. A number that would be the rank's own stays free.
class SyncProgram final : public Program {
 public:
  SyncProgram(const StepSetup& s, const Layout& l, const StepGrid& grid, SyncPass pass, std::shared_ptr<const Rails> rails, bool alone)
      : grid_(grid), rails_(std::move(rails)), alone_(alone), kernels_{comm_kernel(s.synchronise)}, start_up_(s.synchronise.start_up.value) {
    for (std::uint32_t p = 0; p < l.pp; ++p) {
      Stage& stage = stages_.emplace_back();
      stage.mirrors = mirrors_of(l, p);
      const GradientSync sync = sync_of(s.model, l, p);
      const auto sent = [&](const GroupSync& g) { return !s.communicates ? Bytes() : pass == SyncPass::reduce_scatter ? g.reduce_scatter : g.all_gather; };
      stage.sets[0] = common(stage, l.tp, sent(sync.others), sync.others.copies);
      stage.sets[1] = common(stage, l.ep, sent(sync.experts), sync.experts.copies);
      most_ = std::max(most_, stage.count());
    }
    if (static_cast<double>(most_) * grid_.ranks() >= 4e9) throw UserError("/dp", "the sum of gradients has more transfers than weft can number", "fewer GPUs");
  }

  std::span<const CommKernel> kernels() const override { return kernels_; }
  void start(Sink& sink) override {
    any_ = false;
    for (std::uint32_t r = 0; r < grid_.ranks(); ++r) {
      if (!alone_ || grid_.in_stage(r) == 0) emit(r, sink);
    }
    if (!any_) sink.marker(OpId(0));
  }
  std::shared_ptr<Symmetry> symmetry() override;

 private:
  friend class SyncSymmetry;
  struct Stage {
    std::vector<std::uint32_t> mirrors;
    Common sets[2];
    std::uint32_t count() const { return sets[0].count() + sets[1].count(); }
  };
  struct Target {
    std::uint32_t rank;
    Bytes bytes;
    double weight;
  };

  /// `step` 0: no such set.
  Common common(const Stage& stage, std::uint32_t step, Bytes sent, double copies) const {
    Common c;
    c.step = std::max(1u, step);
    c.mirrors = static_cast<std::uint32_t>(stage.mirrors.size());
    const bool nodes = grid_.stage_size % grid_.per_node == 0 && grid_.per_node % c.step == 0;
    c.inside = nodes ? grid_.per_node / c.step : 1;
    c.of_mirror = grid_.stage_size / (c.step * c.inside);
    if (copies > 1) c.whole = sent * (copies / (copies - 1));
    return c;
  }

  const Stage& stage_of(std::uint32_t rank) const { return stages_[grid_.pipeline_rank(rank)]; }

  /// Sets k to its number within the set.
  static const Common& set_of(const Stage& s, std::uint32_t& k) {
    if (k < s.sets[0].count()) return s.sets[0];
    k -= s.sets[0].count();
    return s.sets[1];
  }

  Target target(std::uint32_t rank, std::uint32_t k) const {
    const Stage& s = stage_of(rank);
    const Common& c = set_of(s, k);
    const double inside = c.inside, namesakes = static_cast<double>(c.of_mirror) * c.mirrors;
    if (k < c.inside) {
      const std::uint32_t base = c.inside > 1 ? rank - rank % grid_.per_node + rank % c.step : rank;
      return {base + k * c.step, c.whole / inside, 1 / inside};
    }
    k -= c.inside;
    const std::uint32_t apart = c.step * c.inside, to = s.mirrors[k / c.of_mirror] * grid_.stage_size + k % c.of_mirror * apart + grid_.in_stage(rank) % apart;
    return {to, c.whole / (inside * namesakes), 1 / namesakes};
  }

  void emit(std::uint32_t rank, Sink& sink) {
    const std::uint32_t n = stage_of(rank).count();
    for (std::uint32_t k = 0; k < n; ++k) {
      const Target to = target(rank, k);
      if (to.rank == rank || to.bytes.value() <= 0) continue;
      any_ = true;
      legs_.clear();
      append_way(grid_, rails_.get(), rank, to.rank, legs_);
      Transfer t;
      t.id = OpId(k * grid_.ranks() + rank);
      t.bytes = to.bytes;
      t.legs = legs_;
      t.kernel = KernelId(0);
      t.extra_latency = start_up_;
      t.weight = to.weight;
      t.flow_key = std::uint64_t{rank} << 32 | to.rank;
      sink.transfer(t);
    }
  }

  StepGrid grid_;
  std::shared_ptr<const Rails> rails_;
  bool alone_, any_ = false;
  std::vector<CommKernel> kernels_;
  Seconds start_up_;
  std::vector<Stage> stages_;
  std::uint32_t most_ = 0;
  std::vector<Leg> legs_;
};

/// Groups, nodes of a group and places in a node change places in all pipeline ranks at once.
class SyncSymmetry final : public Symmetry {
 public:
  explicit SyncSymmetry(SyncProgram& program) : program_(program), grid_(program.grid_) {}

  Placement ranks() const override { return {grid_.ranks() / grid_.per_node, grid_.per_node}; }
  std::vector<Interchange> interchanges() const override {
    const auto by = [&](std::uint32_t count, auto coordinate) {
      Interchange i;
      i.blocks.resize(count);
      for (std::uint32_t r = 0; r < grid_.ranks(); ++r) i.blocks[coordinate(r)].push_back(r);
      return i;
    };
    const std::uint32_t group = grid_.group_size % grid_.per_node == 0 ? grid_.group_size : grid_.stage_size, per_node = grid_.per_node;
    return {by(group / per_node, [&](std::uint32_t r) { return grid_.in_stage(r) % group / per_node; }),
            by(grid_.stage_size / group, [&](std::uint32_t r) { return grid_.in_stage(r) / group; }), by(per_node, [&](std::uint32_t r) { return r % per_node; })};
  }
  std::uint64_t operations() const override {
    std::uint64_t n = 0;
    for (const SyncProgram::Stage& s : program_.stages_) n += std::uint64_t{s.count()} * grid_.stage_size;
    return n;
  }
  void emit(std::uint32_t rank, Sink& sink) override { program_.emit(rank, sink); }
  std::uint32_t owner(OpId op) const override { return op.value % grid_.ranks(); }
  OpId image(OpId op, std::span<const std::uint32_t> image) const override {
    const std::uint32_t rank = op.value % grid_.ranks(), k = op.value / grid_.ranks(), from = image[rank];
    const std::uint32_t to = image[program_.target(rank, k).rank];
    const SyncProgram::Stage& s = program_.stage_of(rank);
    std::uint32_t in_set = k;
    const Common& c = SyncProgram::set_of(s, in_set);
    std::uint32_t moved = to % grid_.per_node / c.step;
    if (in_set >= c.inside) {   // images stay in their pipeline rank
      const auto mirror = static_cast<std::uint32_t>(std::find(s.mirrors.begin(), s.mirrors.end(), grid_.pipeline_rank(to)) - s.mirrors.begin());
      moved = c.inside + mirror * c.of_mirror + grid_.in_stage(to) / (c.step * c.inside);
    } else if (c.inside == 1) {
      moved = 0;
    }
    return OpId((k - in_set + moved) * grid_.ranks() + from);
  }

 private:
  SyncProgram& program_;
  StepGrid grid_;
};

std::shared_ptr<Symmetry> SyncProgram::symmetry() {
  if (alone_ || grid_.team_size > 1 || grid_.stage_size % grid_.per_node != 0 || (rails_ && !rails_->keep_apart())) return nullptr;
  return std::make_shared<SyncSymmetry>(*this);
}

}  // namespace

std::unique_ptr<Program> sync_program(const StepSetup& s, const Layout& l, const StepGrid& grid, SyncPass pass, std::shared_ptr<const Rails> rails, bool alone) {
  return std::make_unique<SyncProgram>(s, l, grid, pass, std::move(rails), alone);
}

Seconds update_time(const StepSetup& s, const Layout& l) {
  const double mirrors = l.shard_over_mirrors ? 1 : l.mirrors();
  double most = 0;
  for (std::uint32_t r = 0; r < l.pp; ++r) {
    const ParameterShare share = rank_share(s.model, l, r);
    most = std::max(most, l.zero == 0 ? share.total() : mirrors * (share.experts / expert_copies(l) + share.others() / other_copies(l)));
  }
  models::TrainShape shape;
  shape.optimizer_parameters = most;
  return models::phase_time(*s.costs, models::kernels_of(s.model, models::TrainPhase::optimizer, shape), 0, s.constants).total * s.time_factor;
}

}  // namespace weft::workloads::training
