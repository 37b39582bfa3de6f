#include "workloads/training/gradient_sync.h"

#include <algorithm>

#include "workloads/static_program.h"
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

class SyncBuilder {
 public:
  SyncBuilder(const StepSetup& s, const Layout& l, const StepGrid& grid, SyncPass pass) : layout_(l), grid_(grid), pass_(pass), model_(s.model), communicates_(s.communicates) {
    options_.kernel = program_->add_kernel(comm_kernel(s.synchronise));
    options_.extra_latency = s.synchronise.start_up.value;
  }

  std::unique_ptr<Program> build() {
    for (std::uint32_t p = 0; p < layout_.pp && communicates_; ++p) {
      const GradientSync sync = sync_of(model_, layout_, p);
      const std::vector<std::uint32_t> mirrors = mirrors_of(layout_, p);
      for (std::uint32_t d = 0; d < grid_.stage_size; ++d) {
        add_others(p * grid_.stage_size + d, mirrors, amount(sync.others), sync.others.copies);
        add_experts(p * grid_.stage_size + d, mirrors, amount(sync.experts), sync.experts.copies);
      }
    }
    if (program_->size() == 0) program_->add_marker();
    else if (grid_.stage_size % grid_.per_node == 0 && grid_.team_size == 1) declare();
    return std::move(program_);
  }

 private:
  /// Bytes that each GPU sends in all, as rings do it.
  Bytes amount(const GroupSync& g) const { return pass_ == SyncPass::reduce_scatter ? g.reduce_scatter : g.all_gather; }

  void add(std::uint32_t from, std::uint32_t to, Bytes bytes, double weight) {
    const Leg leg[] = {{grid_.gpu(from), grid_.gpu(to), 1}};
    options_.flow_key = std::uint64_t{from} << 32 | to;
    options_.weight = weight;
    program_->add_transfer(bytes, leg, options_);
    owner_.push_back(from);
  }

  void add_others(std::uint32_t rank, const std::vector<std::uint32_t>& mirrors, Bytes sent, double copies) {
    if (copies <= 1 || sent.value() <= 0) return;
    const Bytes whole = sent * (copies / (copies - 1));
    const std::uint32_t in_stage = grid_.in_stage(rank), per_node = grid_.per_node;
    if (grid_.team_size > 1 || grid_.stage_size % per_node != 0) {   // straight to all copies
      for (const std::uint32_t m : mirrors) {
        for (std::uint32_t d = in_stage % grid_.team_size; d < grid_.stage_size; d += grid_.team_size) {
          const std::uint32_t to = m * grid_.stage_size + d;
          if (to != rank) add(rank, to, whole / copies, 1 / copies);
        }
      }
      return;
    }
    const std::uint32_t local = rank % per_node, nodes = grid_.stage_size / per_node * static_cast<std::uint32_t>(mirrors.size());
    for (std::uint32_t q = 0; q < per_node; ++q) {
      if (q != local) add(rank, rank - local + q, whole / per_node, 1.0 / per_node);
    }
    for (const std::uint32_t m : mirrors) {
      for (std::uint32_t d = local; d < grid_.stage_size; d += per_node) {
        const std::uint32_t to = m * grid_.stage_size + d;
        if (to != rank) add(rank, to, whole / per_node / nodes, 1.0 / nodes);
      }
    }
  }

  void add_experts(std::uint32_t rank, const std::vector<std::uint32_t>& mirrors, Bytes sent, double copies) {
    if (copies <= 1 || sent.value() <= 0) return;
    for (const std::uint32_t m : mirrors) {
      for (std::uint32_t d = grid_.in_stage(rank) % layout_.ep; d < grid_.stage_size; d += layout_.ep) {
        const std::uint32_t to = m * grid_.stage_size + d;
        if (to != rank) add(rank, to, sent / (copies - 1), 1 / copies);
      }
    }
  }

  // Groups, nodes of a group and places in a node change places in all pipeline ranks at once.
  void declare() {
    const auto by = [&](std::uint32_t count, auto coordinate) {
      Interchange i;
      i.blocks.resize(count);
      for (std::uint32_t r = 0; r < grid_.ranks(); ++r) i.blocks[coordinate(r)].push_back(r);
      return i;
    };
    const std::uint32_t group = grid_.group_size % grid_.per_node == 0 ? grid_.group_size : grid_.stage_size, per_node = grid_.per_node;
    OwnedOperations owned;
    owned.ranks = {grid_.ranks() / per_node, per_node};
    owned.interchanges = {by(group / per_node, [&](std::uint32_t r) { return grid_.in_stage(r) % group / per_node; }),
                          by(grid_.stage_size / group, [&](std::uint32_t r) { return grid_.in_stage(r) / group; }),
                          by(per_node, [&](std::uint32_t r) { return r % per_node; })};
    owned.owner = std::move(owner_);
    program_->declare(std::move(owned));
  }

  const Layout& layout_;
  StepGrid grid_;
  SyncPass pass_;
  const models::Llm& model_;
  bool communicates_;
  std::unique_ptr<StaticProgram> program_ = std::make_unique<StaticProgram>();
  StaticProgram::TransferOptions options_;
  std::vector<std::uint32_t> owner_;
};

}  // namespace

std::unique_ptr<Program> sync_program(const StepSetup& s, const Layout& l, const StepGrid& grid, SyncPass pass) { return SyncBuilder(s, l, grid, pass).build(); }

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
