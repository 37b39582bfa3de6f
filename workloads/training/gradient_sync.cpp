#include "workloads/training/gradient_sync.h"

#include <algorithm>

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

/// Operation k of rank r, with the id k * ranks + r, goes to the k-th of those that r sends to: the other GPUs of its node, its namesakes on all nodes
/// with the same parameters, the GPUs with the same experts. A number that would be the rank's own stays free.
class SyncProgram final : public Program {
 public:
  SyncProgram(const StepSetup& s, const Layout& l, const StepGrid& grid, SyncPass pass, bool alone)
      : grid_(grid), ep_(l.ep), alone_(alone), kernels_{comm_kernel(s.synchronise)}, start_up_(s.synchronise.start_up.value) {
    for (std::uint32_t p = 0; p < l.pp; ++p) {
      Stage& stage = stages_.emplace_back();
      stage.mirrors = mirrors_of(l, p);
      if (!s.communicates) continue;
      const GradientSync sync = sync_of(s.model, l, p);
      const auto sent = [&](const GroupSync& g) { return pass == SyncPass::reduce_scatter ? g.reduce_scatter : g.all_gather; };
      if (sync.others.copies > 1) stage.others = sent(sync.others) * (sync.others.copies / (sync.others.copies - 1));
      if (sync.experts.copies > 1) stage.to_expert = sent(sync.experts) / (sync.experts.copies - 1);
      stage.copies = sync.others.copies;
    }
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
    Bytes others{}, to_expert{};   ///< of one GPU's common parameters; to one GPU with the same experts
    double copies = 1;
  };
  struct Target {
    std::uint32_t rank;
    Bytes bytes;
    double weight;
  };

  const Stage& stage_of(std::uint32_t rank) const { return stages_[grid_.pipeline_rank(rank)]; }
  /// Nodes share first, where copies fill whole nodes and belong to no team.
  bool by_nodes() const { return grid_.team_size == 1 && grid_.stage_size % grid_.per_node == 0; }
  std::uint32_t inside() const { return by_nodes() ? grid_.per_node : 0; }
  std::uint32_t others_of_mirror() const { return by_nodes() ? grid_.stage_size / grid_.per_node : grid_.stage_size / grid_.team_size; }
  std::uint32_t others(const Stage& s) const { return static_cast<std::uint32_t>(s.mirrors.size()) * others_of_mirror(); }
  std::uint32_t experts_of_mirror() const { return grid_.stage_size / ep_; }
  std::uint32_t count(const Stage& s) const { return inside() + others(s) + static_cast<std::uint32_t>(s.mirrors.size()) * experts_of_mirror(); }

  Target target(std::uint32_t rank, std::uint32_t k) const {
    const Stage& s = stage_of(rank);
    if (k < inside()) return {rank - rank % grid_.per_node + k, s.others / grid_.per_node, 1.0 / grid_.per_node};
    k -= inside();
    if (k < others(s)) {
      const std::uint32_t step = by_nodes() ? grid_.per_node : grid_.team_size, n = others_of_mirror();
      const std::uint32_t to = s.mirrors[k / n] * grid_.stage_size + k % n * step + grid_.in_stage(rank) % step;
      const double parts = by_nodes() ? static_cast<double>(grid_.per_node) * others(s) : s.copies;
      return {to, s.others / parts, 1.0 / (by_nodes() ? others(s) : s.copies)};
    }
    k -= others(s);
    const std::uint32_t n = experts_of_mirror(), to = s.mirrors[k / n] * grid_.stage_size + k % n * ep_ + grid_.in_stage(rank) % ep_;
    return {to, s.to_expert, 1.0 / (static_cast<double>(s.mirrors.size()) * n)};
  }

  void emit(std::uint32_t rank, Sink& sink) {
    const std::uint32_t n = count(stage_of(rank));
    for (std::uint32_t k = 0; k < n; ++k) {
      const Target to = target(rank, k);
      if (to.rank == rank || to.bytes.value() <= 0) continue;
      any_ = true;
      const Leg leg[] = {{grid_.gpu(rank), grid_.gpu(to.rank), 1}};
      Transfer t;
      t.id = OpId(k * grid_.ranks() + rank);
      t.bytes = to.bytes;
      t.legs = leg;
      t.kernel = KernelId(0);
      t.extra_latency = start_up_;
      t.weight = to.weight;
      t.flow_key = std::uint64_t{rank} << 32 | to.rank;
      sink.transfer(t);
    }
  }

  StepGrid grid_;
  std::uint32_t ep_;
  bool alone_, any_ = false;
  std::vector<CommKernel> kernels_;
  Seconds start_up_;
  std::vector<Stage> stages_;
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
    for (const SyncProgram::Stage& s : program_.stages_) n += std::uint64_t{program_.count(s)} * grid_.stage_size;
    return n;
  }
  void emit(std::uint32_t rank, Sink& sink) override { program_.emit(rank, sink); }
  std::uint32_t owner(OpId op) const override { return op.value % grid_.ranks(); }
  OpId image(OpId op, std::span<const std::uint32_t> image) const override {
    const std::uint32_t rank = op.value % grid_.ranks(), k = op.value / grid_.ranks(), from = image[rank];
    const std::uint32_t to = image[program_.target(rank, k).rank];
    const SyncProgram::Stage& s = program_.stage_of(rank);
    const auto mirror = [&](std::uint32_t n) {   // images stay in their pipeline rank
      return static_cast<std::uint32_t>(std::find(s.mirrors.begin(), s.mirrors.end(), grid_.pipeline_rank(to)) - s.mirrors.begin()) * n;
    };
    std::uint32_t moved = to % grid_.per_node;
    if (k >= program_.inside() + program_.others(s)) {
      moved = program_.inside() + program_.others(s) + mirror(program_.experts_of_mirror()) + grid_.in_stage(to) / program_.ep_;
    } else if (k >= program_.inside()) {
      moved = program_.inside() + mirror(program_.others_of_mirror()) + grid_.in_stage(to) / grid_.per_node;
    }
    return OpId(moved * grid_.ranks() + from);
  }

 private:
  SyncProgram& program_;
  StepGrid grid_;
};

std::shared_ptr<Symmetry> SyncProgram::symmetry() {
  if (alone_ || !by_nodes()) return nullptr;
  return std::make_shared<SyncSymmetry>(*this);
}

}  // namespace

std::unique_ptr<Program> sync_program(const StepSetup& s, const Layout& l, const StepGrid& grid, SyncPass pass, bool alone) {
  return std::make_unique<SyncProgram>(s, l, grid, pass, alone);
}

Seconds update_time(const StepSetup& s, const Layout& l) {
  double most = 0;
  for (std::uint32_t r = 0; r < l.pp; ++r) {
    const ParameterShare share = rank_share(s.model, l, r);
    most = std::max(most, l.zero == 0 ? share.total() : share.experts / expert_copies(l) + share.others() / other_copies(l));
  }
  models::TrainShape shape;
  shape.optimizer_parameters = most;
  return models::phase_time(*s.costs, models::kernels_of(s.model, models::TrainPhase::optimizer, shape), 0, s.constants).total;
}

}  // namespace weft::workloads::training
